"""What designs and methods of equating are called and what they do, for people who decide."""

from __future__ import annotations

from collections.abc import Mapping

from exam_delivery.rules.equating import Design, Method, Way
from kernel.i18n import N_

DESIGN_LABELS: Mapping[Design, str] = {
    Design.EQUIVALENT: N_("等组"),
    Design.COMMON_ITEMS: N_("锚题"),
}
DESIGN_MEANINGS: Mapping[Design, str] = {
    Design.EQUIVALENT: N_(
        "把考两份试卷的考生当作水平相当的两组（随机分到试卷，或经判断认可），成绩的差别全部算作试卷难度的差别。"
    ),
    Design.COMMON_ITEMS: N_(
        "两份试卷有相同的题（锚题）：先用锚题看出两组考生水平差多少，余下的差别才算作试卷难度的差别。"
    ),
}
METHOD_LABELS: Mapping[Method, str] = {
    Method.IDENTITY: N_("不换算"),
    Method.MEAN: N_("均值法"),
    Method.CIRCLE_ARC: N_("圆弧法"),
    Method.LINEAR: N_("线性法"),
    Method.TUCKER: N_("Tucker 线性法"),
    Method.LEVINE: N_("Levine 线性法"),
    Method.CHAINED_LINEAR: N_("链式线性法"),
    Method.EQUIPERCENTILE: N_("等百分位法"),
}
METHOD_MEANINGS: Mapping[Method, str] = {
    Method.IDENTITY: N_("原始分就是等值后的分数。人数太少时，任何换算的误差都比试卷难度的差别大。"),
    Method.MEAN: N_("每个分数加上同一个数，使两份试卷的平均分相当。需要的人数最少。"),
    Method.CIRCLE_ARC: N_("零分和满分不动，中间按平均分相当的一点画圆弧。适合人数少的考试。"),
    Method.LINEAR: N_("平均分和分散程度都对齐，按直线换算。"),
    Method.TUCKER: N_("用锚题估计两组的水平差别，按直线换算；两组水平接近时合适。"),
    Method.LEVINE: N_("用锚题估计两组的水平差别，按直线换算；两组水平差别较大时合适。"),
    Method.CHAINED_LINEAR: N_("先换算到锚题，再从锚题换算到参照试卷，两步都是直线。"),
    Method.EQUIPERCENTILE: N_("名次（百分位）相同的分数算作相当，分数段之间可以伸缩；先做平滑。人数多时才可靠。"),
}

_BOOK = "Kolen & Brennan (2014)"
SOURCES: Mapping[tuple[Design, Method], str] = {
    (Design.EQUIVALENT, Method.MEAN): f"{_BOOK} 2.2",
    (Design.EQUIVALENT, Method.CIRCLE_ARC): "Livingston & Kim (2009)",
    (Design.EQUIVALENT, Method.LINEAR): f"{_BOOK} 2.3",
    (Design.EQUIVALENT, Method.EQUIPERCENTILE): f"{_BOOK} 2.5, 3.3",
    (Design.COMMON_ITEMS, Method.MEAN): "Babcock, Albano & Raymond (2012)",
    (Design.COMMON_ITEMS, Method.CIRCLE_ARC): "Livingston & Kim (2009)",
    (Design.COMMON_ITEMS, Method.TUCKER): f"{_BOOK} 4.2",
    (Design.COMMON_ITEMS, Method.LEVINE): f"{_BOOK} 4.3",
    (Design.COMMON_ITEMS, Method.CHAINED_LINEAR): f"{_BOOK} 4",
    (Design.COMMON_ITEMS, Method.EQUIPERCENTILE): f"{_BOOK} 3.3, 5",
}
"""Where the formulas of a way stand; nothing is worked out without conversion."""


def source_of(way: Way) -> str:
    """Return where the formulas of a way stand."""
    return SOURCES.get((way.design, way.method), "")
