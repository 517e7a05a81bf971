"""A bank of invented Chinese items for measurements: words of many trades in the patterns that authors use.

Five in a hundred items are edited copies of earlier ones, at 3, 8, 15 or 25 per cent of their characters, so that the
finding of near-duplicates can be scored; which they are is returned.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from item_templates.contract import Choice, ItemContent

PARTS = [
    "变频器", "断路器", "接触器", "热继电器", "电动机", "变压器", "液压泵", "减速机", "离心泵", "换热器", "安全阀", "压力表", "流量计", "轴承",
    "联轴器", "齿轮箱", "传感器", "编码器", "伺服阀", "气缸", "行车", "电缆", "母线", "熔断器", "互感器", "避雷器", "蓄电池", "整流柜", "锅炉",
    "汽轮机", "冷凝器", "空压机", "储罐", "反应釜", "精馏塔", "除尘器", "输送带", "机器人", "数控机床", "激光切割机",
]  # fmt: skip
QUALITIES = [
    "额定电压", "绝缘电阻", "工作压力", "允许温升", "转速", "润滑油位", "接地电阻", "噪声", "振动值", "密封性", "介质温度", "额定电流", "响应时间",
    "重复精度", "使用寿命", "防护等级", "预紧力", "含水量", "酸值", "漏电流",
]  # fmt: skip
ACTS = [
    "安装", "拆卸", "检修", "调试", "更换", "清洗", "校验", "巡检", "停机", "启动", "运输", "储存", "焊接", "吊装", "试压", "加注润滑油",
    "紧固螺栓", "测量", "记录数据", "交接班",
]  # fmt: skip
RULES = [
    "先断电并验电", "佩戴防护用品", "挂警示牌", "办理作业票", "由两人配合", "按规程逐项确认", "使用合格的工具", "记录初始状态", "通知调度人员", "隔离危险源",
    "检查接地线", "清理现场", "核对铭牌参数", "排空介质", "缓慢升压",
]  # fmt: skip
FAULTS = [
    "过热", "异响", "振动超标", "漏油", "不能启动", "跳闸", "绝缘下降", "压力不足", "流量波动", "指示失准", "卡涩", "打滑", "结垢", "腐蚀",
    "接触不良", "缺相运行",
]  # fmt: skip
CAUSES = [
    "负载过大", "润滑不良", "轴承磨损", "电源缺相", "接线松动", "滤网堵塞", "密封老化", "参数设置错误", "环境温度过高", "冷却水中断", "弹簧失效",
    "触点烧蚀", "介质含杂质", "对中偏差", "控制回路断线",
]  # fmt: skip
UNITS = [
    "V", "A", "kW", "MPa", "℃", "r/min", "mm", "Ω", "Hz", "%",
]  # fmt: skip
EDIT_RATES = (0.03, 0.08, 0.15, 0.25)
SIGNS = "的一是在有和不人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动"


@dataclass(frozen=True, slots=True)
class Copy:
    """An item that was made from an earlier one, by place in the bank, and the share of characters changed."""

    place: int
    original: int
    rate: float


def make_contents(n: int, seed: int = 0) -> tuple[list[ItemContent], list[Copy]]:
    """Return items and which of them are edited copies."""
    rng = random.Random(seed)
    contents: list[ItemContent] = []
    copies: list[Copy] = []
    for place in range(n):
        if place > 100 and rng.random() < 0.05:
            original, rate = rng.randrange(place), rng.choice(EDIT_RATES)
            contents.append(edited(contents[original], rate, rng))
            copies.append(Copy(place, original, rate))
        else:
            contents.append(fresh(rng))
    return contents, copies


def fresh(rng: random.Random) -> ItemContent:
    """Return a new item of one of six patterns."""
    part, other = rng.sample(PARTS, 2)
    quality, act, fault = (rng.choice(words) for words in (QUALITIES, ACTS, FAULTS))
    number, unit, year = rng.randrange(2, 9999), rng.choice(UNITS), rng.randrange(3, 30)
    pattern = rng.randrange(6)
    if pattern == 0:
        stem = f"{act}{part}前，对{quality}不低于{number}{unit}的{other}，作业人员首先应当{{}}。"
        return single(rng, stem, rng.sample(RULES, 4))
    if pattern == 1:
        stem = f"某车间运行{year}年的{part}在{act}{other}时出现{fault}，{quality}为{number}{unit}，最可能的原因是{{}}。"
        return single(rng, stem, rng.sample(CAUSES, 4))
    if pattern == 2:
        values = rng.sample(range(1, 9999), 4)
        stem = f"按检修规程，{part}与{other}配合使用{year}个月后，{quality}的允许值为{{}}。"
        return single(rng, stem, [f"{value}{unit}" for value in values])
    if pattern == 3:
        ending = rng.choice(("应立即停机检查", "可以继续运行", "应降低负载后观察", "需办理变更手续"))
        stem = f"{part}的{quality}超过{number}{unit}并伴有{fault}时，若{other}{rng.choice(FAULTS)}，{ending}。"
        return ItemContent("true_false", stem, key=rng.random() < 0.5)
    if pattern == 4:
        stem = f"引起{part}{fault}的因素有{{}}（{other}工况，{quality}{number}{unit}）。"
        options = rng.sample(CAUSES, 4)
        content = single(rng, stem, options)
        return ItemContent("multiple_choice", content.stem, content.choices, key=["A", "C"])
    stem = f"{act}{part}时，{quality}应控制在{{{{1}}}}{unit}以内，每{year}天与{other}一并{rng.choice(ACTS)}，编号{number}。"
    return ItemContent("fill_in", stem, key=[[str(number)]])


def single(rng: random.Random, stem: str, options: list[str]) -> ItemContent:
    """Return a single choice."""
    choices = tuple(Choice(letter, text) for letter, text in zip("ABCD", options, strict=True))
    return ItemContent("single_choice", stem.replace("{}", "（　）"), choices, key=rng.choice("ABCD"))


def edited(content: ItemContent, rate: float, rng: random.Random) -> ItemContent:
    """Return a copy with a share of the characters of its stem replaced, left out or doubled."""
    signs = [_edit(sign, rng) if rng.random() < rate and sign not in "{}（）1" else sign for sign in content.stem]
    return ItemContent(content.type, "".join(signs), content.choices, key=content.key)


def _edit(sign: str, rng: random.Random) -> str:
    return rng.choice((rng.choice(SIGNS), "", sign + rng.choice(SIGNS)))
