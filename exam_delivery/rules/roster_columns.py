"""The columns of a roster: our template and the 33 headings of the registration layout in use, found by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NAME = "name"
ID_KIND = "id_kind"
ID_NUMBER = "id_number"
SEX = "sex"
BIRTH_DATE = "birth_date"
PHONE = "phone"
EMPLOYER = "employer"
OCCUPATION = "occupation"
LEVEL = "level"
TIME_FACTOR = "time_factor"
RESIT = "resit"
REQUIRED = (NAME, ID_NUMBER)

HEADINGS: dict[str, tuple[str, ...]] = {
    NAME: ("姓名", "考生姓名"),
    ID_KIND: ("证件类型", "证件类别", "证件种类"),
    ID_NUMBER: ("证件号码", "证件号", "身份证号", "身份证号码", "居民身份证号码"),
    SEX: ("性别",),
    BIRTH_DATE: ("出生日期", "出生年月日"),
    PHONE: ("手机号码", "手机号", "手机", "联系电话", "电话"),
    EMPLOYER: ("所在单位", "工作单位", "单位", "单位名称"),
    OCCUPATION: ("职业工种名称", "职业名称", "职业（工种）", "职业"),
    LEVEL: ("认定等级", "职业技能等级", "等级", "级别"),
    TIME_FACTOR: ("加时系数", "时长系数"),
    RESIT: ("补考科目",),
}
"""Columns that mean something to registration; the first heading is the one shown."""

KEPT_HEADINGS = (
    "申报条件", "是否有职业资格证书", "证书等级", "证书编号", "文化程度", "所在省（市）区", "考生来源", "报名单位", "认定分类",
    "专业", "考试类型", "民族", "参加工作时间", "电子邮箱", "专业年限", "户籍所在地", "政治面貌", "学历证书编号", "简要经历", "通讯地址",
    "证书领取方式", "邮政编码", "邮寄地址", "是否本企业职工", "从事本职业（工种）时间", "所在岗位", "入职时间", "工种名称",
)  # fmt: skip
"""Columns that are kept beside the person as they stand, for the roster of certification."""

IGNORED_HEADINGS = ("序号", "备注")
TEMPLATE_HEADINGS = (
    "姓名", "证件类型", "证件号码", "性别", "出生日期", "手机号码", "所在单位", "电子邮箱", "是否本企业职工",
    "从事本职业（工种）时间", "所在岗位", "入职时间", "工种名称", "加时系数", "补考科目",
)  # fmt: skip
REGISTRATION_HEADINGS = (
    "序号", "职业工种名称", "认定等级", "申报条件", "证件类型", "证件号码", "姓名", "性别", "出生日期", "手机号码",
    "是否有职业资格证书", "证书等级", "证书编号", "文化程度", "所在省（市）区", "考生来源", "所在单位", "报名单位", "认定分类", "专业",
    "考试类型", "民族", "参加工作时间", "电子邮箱", "专业年限", "户籍所在地", "政治面貌", "学历证书编号", "简要经历", "通讯地址",
    "证书领取方式", "邮政编码", "邮寄地址",
)  # fmt: skip
"""The 33 columns of a 考生信息模板 in use in 2026."""

LABELS = {field: names[0] for field, names in HEADINGS.items()}
SEARCHED_ROWS = 10


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Where the head stands and what each column means; `unknown` headings are left out of the import, and said so."""

    head_row: int
    fields: dict[str, int]
    kept: dict[str, int]
    unknown: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The required columns that the sheet does not have, by their heading."""
        return tuple(LABELS[field] for field in REQUIRED if field not in self.fields)


def plain_heading(text: str) -> str:
    """Return a heading as it is compared: no blanks, stars or notes in brackets at its end.

    Examples
    --------
    >>> plain_heading(" 证件号码*（必填） "), plain_heading("所在省（市）区")
    ('证件号码', '所在省（市）区')
    """
    text = "".join(text.split()).replace("(", "（").replace(")", "）").replace("*", "").replace("＊", "")
    for note in ("（必填）", "（选填）", "（文本）"):
        text = text.removesuffix(note)
    return text


def find_columns(rows: Sequence[Sequence[str]]) -> ColumnPlan | None:
    """Return the plan of the first row that looks like a head, or None when there is none among the first rows."""
    for number, row in enumerate(rows[:SEARCHED_ROWS]):
        plan = _plan_of(number, row)
        if not plan.missing:
            return plan
    return None


def _plan_of(number: int, row: Sequence[str]) -> ColumnPlan:
    by_heading = {heading: field for field, names in HEADINGS.items() for heading in names}
    kept_names = {plain_heading(name): name for name in KEPT_HEADINGS}
    fields: dict[str, int] = {}
    kept: dict[str, int] = {}
    unknown: list[str] = []
    for index, text in enumerate(row):
        heading = plain_heading(text)
        if heading in by_heading:
            fields.setdefault(by_heading[heading], index)
        elif heading in kept_names:
            kept.setdefault(kept_names[heading], index)
        elif heading and heading not in IGNORED_HEADINGS:
            unknown.append(text)
    return ColumnPlan(number, fields, kept, tuple(unknown))
