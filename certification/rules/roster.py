"""The 21-column roster 《职业技能等级认定人员名册》: rows out to text and back, in the annex's names and order."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_

ROSTER_TITLE = "职业技能等级认定人员名册"
ROSTER_COLUMNS: Mapping[str, str] = {
    "sequence": "序号",
    "body_code": "评价机构编码",
    "body_name": "评价机构名称",
    "name": "姓名",
    "id_kind": "证件类型",
    "id_number": "证件号",
    "sex": "性别",
    "birth_date": "出生日期",
    "phone": "联系电话",
    "email": "电子邮箱",
    "is_own_employee": "是否本企业职工",
    "employer": "所在单位",
    "years_in_occupation": "从事本职业（工种）时间",
    "position": "所在岗位",
    "joined_on": "入职时间",
    "occupation_code": "职业编码",
    "occupation_name": "职业名称",
    "trade_name": "工种名称",
    "skill_level": "职业技能等级",
    "certificate_number": "证书编号",
    "issued_on": "发证日期",
}
SCORE_COLUMNS: Mapping[str, str] = {"total_score": N_("总分")}
"""What a layout may ask for beside the annex's columns."""
_YES_NO = {True: "是", False: "否"}
_HEADER_MARKS = ("姓名", "证件号", "职业编码")
_DATE_FORM = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_COMPACT_DATE_FORM = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person of the roster; texts as the annex wants them, an empty text where the form allows none."""

    sequence: int
    body_code: str
    body_name: str
    name: str
    id_kind: str
    id_number: str
    sex: str
    birth_date: dt.date | None
    phone: str
    email: str
    is_own_employee: bool | None
    employer: str
    years_in_occupation: str
    position: str
    joined_on: dt.date | None
    occupation_code: str
    occupation_name: str
    trade_name: str
    skill_level: str
    certificate_number: str
    issued_on: dt.date | None
    total_score: str = ""


@dataclass(frozen=True, slots=True)
class RosterProblem:
    """A cell that cannot be read; `row` counts from 1 as Excel shows it, `values` fills the placeholders."""

    row: int
    column: str
    message: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        return self.message % self.values


@dataclass(frozen=True, slots=True)
class RosterReading:
    """The rows that could be read and the complaints about the others."""

    rows: tuple[RosterRow, ...]
    problems: tuple[RosterProblem, ...]


def roster_header() -> list[str]:
    """Return the 21 column names in their order."""
    return list(ROSTER_COLUMNS.values())


def roster_cells(row: RosterRow) -> list[str]:
    """Return one row as 21 texts; dates as 2026-11-22, truth values as 是 or 否."""
    return [_cell_text(getattr(row, name)) for name in ROSTER_COLUMNS]


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _YES_NO[value]
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def read_roster(rows: Sequence[Sequence[str]]) -> RosterReading:
    """Read a roster sheet: its header may stand below a title, its columns in any order.

    Raises
    ------
    InvalidInputError
        If there is no header, or a column is missing or named twice.
    """
    header_index = _header_index(rows)
    columns = _column_indices(rows[header_index])
    read: list[RosterRow] = []
    problems: list[RosterProblem] = []
    for number, cells in enumerate(rows[header_index + 1 :], start=header_index + 2):
        if not any(cells):
            continue
        texts = {name: cells[index] if index < len(cells) else "" for name, index in columns.items()}
        row, found = _row_from(number, texts)
        problems += found
        if row is not None:
            read.append(row)
    return RosterReading(tuple(read), tuple(problems))


def _plain(title: str) -> str:
    return re.sub(r"\s", "", title).replace("(", "（").replace(")", "）")


def _header_index(rows: Sequence[Sequence[str]]) -> int:
    for index, row in enumerate(rows[:20]):
        if set(_HEADER_MARKS) <= {_plain(cell) for cell in row}:
            return index
    raise InvalidInputError(N_("没有找到名册表头，前 20 行内应有“姓名”“证件号”“职业编码”等列名"))


def _column_indices(header: Sequence[str]) -> dict[str, int]:
    titles = [_plain(cell) for cell in header]
    missing = [title for title in ROSTER_COLUMNS.values() if title not in titles]
    if missing:
        raise InvalidInputError(N_("名册缺少列：%(columns)s，请按 21 列名册补齐"), columns="、".join(missing))
    doubled = [title for title in ROSTER_COLUMNS.values() if titles.count(title) > 1]
    if doubled:
        raise InvalidInputError(N_("名册的列重复：%(columns)s，请删去多余的列"), columns="、".join(doubled))
    return {name: titles.index(title) for name, title in ROSTER_COLUMNS.items()}


def _row_from(number: int, texts: Mapping[str, str]) -> tuple[RosterRow | None, list[RosterProblem]]:
    values: dict[str, object] = dict(texts)
    problems = []
    for name, (convert, message) in _CONVERTERS.items():
        try:
            values[name] = convert(texts[name])
        except ValueError:
            problems.append(RosterProblem(number, ROSTER_COLUMNS[name], message, {"text": texts[name]}))
    return (None if problems else RosterRow(**values), problems)  # type: ignore[arg-type]


def _date(text: str) -> dt.date | None:
    if not text:
        return None
    match = _DATE_FORM.fullmatch(text) or _COMPACT_DATE_FORM.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day = map(int, match.groups())
    return dt.date(year, month, day)


def _truth(text: str) -> bool | None:
    if text not in _TRUTHS:
        raise ValueError(text)
    return _TRUTHS[text]


_TRUTHS: Mapping[str, bool | None] = {"": None, "是": True, "否": False, "TRUE": True, "FALSE": False}
_DATE_MESSAGE = N_("日期“%(text)s”无法识别，请写成 2026-11-22 的样子")
_CONVERTERS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "sequence": (int, N_("序号“%(text)s”应为整数")),
    "birth_date": (_date, _DATE_MESSAGE),
    "is_own_employee": (_truth, N_("“%(text)s”应为“是”或“否”")),
    "joined_on": (_date, _DATE_MESSAGE),
    "issued_on": (_date, _DATE_MESSAGE),
}
