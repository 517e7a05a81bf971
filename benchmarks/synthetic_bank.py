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
KINDS = [
    "高压", "低压", "立式", "卧式", "双级", "防爆", "进口", "备用", "循环", "给水", "原料", "成品", "除渣", "冷却", "润滑", "液下", "屏蔽",
    "旋转", "往复", "罗茨", "螺杆", "皮带", "链式", "龙门", "桥式", "悬臂", "数显", "智能", "矿用", "船用", "车载", "机载",
]  # fmt: skip
ORGANS = [
    "轴承座", "密封圈", "端盖", "接线盒", "油室", "叶轮", "主轴", "机座", "导轨", "滑块", "阀芯", "弹簧座", "线圈", "铁芯", "触头",
    "外壳", "底脚螺栓", "冷却风扇", "进口法兰", "出口短管", "控制板", "电源模块", "显示面板", "采样探头", "联锁开关", "平衡盘",
]  # fmt: skip
PLACES = [
    "某厂{part}投运{years}年后", "{act}{part}之前", "对{part}进行例行{act}时", "班组在{act}{part}与{other}期间", "夜班巡检{part}",
    "{part}与{other}联动试车", "按作业票{act}{other}", "新安装的{part}首次送电", "检修人员{rule}之后{act}{part}", "{years}月检查{other}",
    "{part}由自动切换为手动", "因{cause}停用的{part}恢复运行",
]  # fmt: skip
EVENTS = [
    "发现{fault}且{quality}达到{number}{unit}", "仪表显示{quality}由{number}{unit}下降", "{other}伴有{fault}", "值班员听到异常声响",
    "{quality}连续{years}小时超过{number}{unit}", "保护装置动作而{other}未停", "{other}的{quality}没有变化", "铭牌标注{number}{unit}",
    "记录表明上次{deed}在{years}天前", "现场无人监护", "环境温度升高{years}度", "备件的{quality}为{number}{unit}",
]  # fmt: skip
VERDICTS = [
    "应立即停机检查{part}", "可以继续运行到下次{deed}", "应降低负载后观察{other}", "须办理变更手续再{deed}", "说明{part}已经{fault}",
    "不必更换{other}", "{quality}的读数可以作废", "应先{rule}", "由班长决定是否{act}", "原因多半是{cause}",
]  # fmt: skip
DEMANDS = [
    ("最可能的原因是{}。", CAUSES), ("首先应当{}。", RULES), ("作业人员应{}。", RULES), ("故障现象属于{}。", FAULTS),
    ("下一步的工作是{}。", ACTS), ("应重点测量{}。", QUALITIES), ("与之无关的是{}。", CAUSES), ("必须记录的是{}。", QUALITIES),
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


def machine(rng: random.Random) -> str:
    """Return the name of a part of some machine."""
    return rng.choice(KINDS) + rng.choice(PARTS) + rng.choice(ORGANS)


def fresh(rng: random.Random) -> ItemContent:
    """Return a new item: where, what happened, what is asked, each from a dozen patterns."""
    words = {
        "part": machine(rng), "other": machine(rng), "quality": rng.choice(QUALITIES), "act": rng.choice(ACTS),
        "deed": rng.choice(ACTS), "fault": rng.choice(FAULTS), "cause": rng.choice(CAUSES), "rule": rng.choice(RULES),
        "number": rng.randrange(2, 9999), "unit": rng.choice(UNITS), "years": rng.randrange(3, 30),
    }  # fmt: skip
    where, what = rng.choice(PLACES).format(**words), rng.choice(EVENTS).format(**words)
    pattern = rng.randrange(10)
    if pattern < 5:
        demand, options = rng.choice(DEMANDS)
        return single(rng, f"{where}，{what}，{demand}", rng.sample(options, 4))
    if pattern < 7:
        return ItemContent(
            "true_false", f"{where}，{what}，{rng.choice(VERDICTS).format(**words)}。", key=rng.random() < 0.5
        )
    if pattern < 8:
        content = single(rng, f"{where}，{what}，可能的原因有{{}}。", rng.sample(CAUSES, 4))
        return ItemContent("multiple_choice", content.stem, content.choices, key=["A", "C"])
    if pattern < 9:
        values = [f"{value}{words['unit']}" for value in rng.sample(range(1, 9999), 4)]
        return single(rng, f"{where}，{words['part']}的{words['quality']}允许值为{{}}。", values)
    stem = f"{where}，{words['quality']}应控制在{{{{1}}}}{words['unit']}以内。"
    return ItemContent("fill_in", stem, key=[[str(words["number"])]])


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
