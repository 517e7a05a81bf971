"""A small exam that holds every interaction, written for these tests."""

from __future__ import annotations

from typing import Any

PICTURE = "/exam/assets/favicon.svg"


def choices(*texts: str) -> list[dict[str, str]]:
    return [{"id": f"c{number}", "content": text} for number, text in enumerate(texts, 1)]


def slot(number: int, section: int, interaction: str, stem: str, **more: Any) -> dict[str, Any]:
    return {
        "slot": number,
        "section": section,
        "type": interaction,
        "interaction": interaction,
        "stem": stem,
        "score": "2",
        **more,
    }


def sample_form() -> dict[str, Any]:
    slots = [
        slot(
            1,
            0,
            "choice",
            "<p>车削外圆时，主运动是（　）。</p>",
            multiple=False,
            choices=choices("工件的旋转运动", "刀具的纵向移动", "刀具的横向移动", "尾座的移动"),
        ),
        slot(
            2,
            0,
            "choice",
            f'<p>图中所示的安全标志表示（　）。</p><p><img src="{PICTURE}" alt="蓝色标志"></p>',
            multiple=False,
            choices=choices("必须戴防护眼镜", "禁止烟火", "当心触电"),
        ),
        slot(
            3,
            1,
            "choice",
            "<p>使用砂轮机时应当（　）。</p>",
            multiple=True,
            choices=choices("佩戴防护眼镜", "站在砂轮侧面", "戴手套磨削小件", "检查砂轮有无裂纹"),
        ),
        slot(4, 2, "true_false", "<p>游标卡尺使用前应检查零位是否对齐。</p>"),
        slot(5, 2, "true_false", "<p>机床运转时可以用手清除切屑。</p>"),
        slot(6, 3, "text_entry", "<p>三视图包括主视图、{{1}}和{{2}}。</p>", n_blanks=2),
        slot(
            7,
            3,
            "number",
            r"<p>圆柱直径 40 mm，转速 500 r/min，切削速度 \(v=\frac{\pi d n}{1000}\) 等于多少？（保留一位小数）</p>",
            unit="m/min",
        ),
        slot(
            8,
            4,
            "order",
            "<p>请排出更换砂轮的步骤。</p>",
            choices=choices("切断电源", "拆下防护罩", "换上新砂轮", "空转试验"),
        ),
        slot(
            9,
            4,
            "match",
            "<p>请把量具与用途对应起来。</p>",
            choices=choices("千分尺", "塞尺"),
            targets=[
                {"id": "t1", "content": "测量间隙"},
                {"id": "t2", "content": "测量外径"},
                {"id": "t3", "content": "测量角度"},
            ],
        ),
        slot(10, 5, "extended_text", "<p>简述车床开机前的检查内容。</p>", score="10"),
    ]
    titles = ["一、单项选择题", "二、多项选择题", "三、判断题", "四、填空与计算题", "五、排序与配对题", "六、简答题"]
    sections = [
        {"title": title, "instructions": "", "slots": [s["slot"] for s in slots if s["section"] == index]}
        for index, title in enumerate(titles)
    ]
    sections[0]["instructions"] = "每题只有一个正确答案，选对得 2 分。"
    return {
        "form_id": "f-1",
        "title": "车工（四级）理论知识考试",
        "occupation": "车工",
        "level": "四级",
        "organisation": "演示评价机构",
        "session_name": "2026 年 11 月 21 日上午第一场",
        "duration_seconds": 3600,
        "total_score": "28",
        "rules": [
            "考生须凭准考证和身份证入场，对号入座。",
            "考试期间不得交谈、传递物品，手机须关机存放。",
            "考试开始 30 分钟后方可交卷离场。",
        ],
        "pledge": "我承诺：遵守考场规则，诚信考试，独立作答；如有违反，愿按规定接受处理。",
        "display": {"per_page": "one"},
        "sections": sections,
        "slots": slots,
        "candidate": {
            "name": "王建国",
            "admission_number": "202611210001",
            "seat": "08",
            "room": "第 1 考场（机房 A）",
        },
    }


def long_form(n_slots: int) -> dict[str, Any]:
    form = sample_form()
    form["slots"] = [
        slot(
            n, 0, "choice", f"<p>第 {n} 小题的题干（　）。</p>", multiple=False, choices=choices("甲", "乙", "丙", "丁")
        )
        for n in range(1, n_slots + 1)
    ]
    form["sections"] = [{"title": "一、单项选择题", "instructions": "", "slots": list(range(1, n_slots + 1))}]
    return form


def shared_form() -> dict[str, Any]:
    """The sample form whose fourth and fifth items share a text."""
    form = sample_form()
    for one in form["slots"][3:5]:
        one["stimulus"] = 0
    lines = "".join(f"<p>第 {n} 段：某车间的安全操作记录。</p>" for n in range(1, 40))
    form["stimuli"] = [f'<p>材料开头</p><p><img src="{PICTURE}" alt="车间平面图"></p>{lines}']
    return form
