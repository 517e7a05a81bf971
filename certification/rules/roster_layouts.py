"""Layouts of the roster as data: which columns a province wants, under which names, in which order and spelling. Pure.

A layout is a JSON document. Two ship with the program (`layouts/`): the national form of 21 columns, and the headings of a
local registration template. An organisation names one of them in its rule profile, or puts the text of its own there.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from certification.rules.roster import ROSTER_COLUMNS, SCORE_COLUMNS, RosterRow
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

FORMAT = "kaoku-roster-layout/1"
NATIONAL = "national-21"
ROSTER_LAYOUT = "certification.roster_layout"
DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
MOST_TEXT, MOST_COLUMNS, MOST_HEADING = 20_000, 80, 60
ALLOWED = frozenset({*ROSTER_COLUMNS, *SCORE_COLUMNS})
NEEDED = ("name", "id_number")
DATES = frozenset({"birth_date", "joined_on", "issued_on"})
TRUTHS = {True: "是", False: "否"}
_DOCUMENT_KEYS = frozenset({"format", "code", "name", "basis", "title", "columns", "answer"})
_COLUMN_KEYS = frozenset({"heading", "fields", "joiner", "date", "values"})
_ANSWER_KEYS = ("verdict", "returned", "fields", "reason", "note")
_FOLDER = Path(__file__).parent / "layouts"


@dataclass(frozen=True, slots=True)
class LayoutColumn:
    """One column: its heading, the roster's fields in it, and how their values are spelt."""

    heading: str
    fields: tuple[str, ...]
    joiner: str = ""
    date: str = "%Y-%m-%d"
    values: Mapping[str, str] | None = None

    def text_of(self, row: RosterRow) -> str:
        """Return what stands in this column for a person."""
        texts = [self._spelt(getattr(row, name)) for name in self.fields]
        return self.joiner.join(text for text in texts if text)

    def _spelt(self, value: object) -> str:
        if isinstance(value, bool):
            plain = TRUTHS[value]
        elif isinstance(value, dt.date):
            plain = f"{value.year:04d}" + value.strftime(self.date[2:])
        else:
            plain = "" if value is None else str(value)
        return (self.values or {}).get(plain, plain)


@dataclass(frozen=True, slots=True)
class AnswerHeadings:
    """Under which headings a centre says what it sends back, and which verdicts mean that it does."""

    verdict: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    note: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RosterLayout:
    """A layout, ready to use."""

    code: str
    name: str
    title: str
    columns: tuple[LayoutColumn, ...]
    answer: AnswerHeadings
    basis: str = ""

    @property
    def header(self) -> list[str]:
        """The headings in their order."""
        return [column.heading for column in self.columns]

    def cells(self, row: RosterRow) -> list[str]:
        """Return one person's texts in the order of the columns."""
        return [column.text_of(row) for column in self.columns]

    def index_of(self, field: str) -> int:
        """Return the place of the column that holds a field alone."""
        return next(i for i, column in enumerate(self.columns) if column.fields == (field,))

    def field_of(self, heading: str) -> str | None:
        """Return the first field of the column with a heading, however it is spaced."""
        wanted = plain_heading(heading)
        return next((one.fields[0] for one in self.columns if plain_heading(one.heading) == wanted), None)


def plain_heading(text: str) -> str:
    """Return a heading as it is compared: without blanks, brackets of one kind."""
    return re.sub(r"\s", "", text).replace("(", "（").replace(")", "）")


def read_layout(text: str) -> RosterLayout:
    """Return the layout in a JSON text.

    Raises
    ------
    InvalidInputError
        Naming what is wrong and where.
    """
    if len(text) > MOST_TEXT:
        raise InvalidInputError(N_("名册格式的文本过长，最多 %(most)s 字"), most=MOST_TEXT)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidInputError(N_("名册格式不是有效的 JSON，请检查括号、引号和逗号")) from exc
    if not isinstance(document, dict) or document.get("format") != FORMAT or set(document) - _DOCUMENT_KEYS:
        raise InvalidInputError(N_("名册格式应有“format”：“%(format)s”，且只含规定的项"), format=FORMAT)
    columns = _columns(document.get("columns"))
    texts = {name: _text(document.get(name, ""), name) for name in ("code", "name", "title", "basis")}
    return RosterLayout(
        texts["code"], texts["name"] or texts["code"], texts["title"], columns, _answer(document.get("answer", {})),
        texts["basis"],
    )  # fmt: skip


def _columns(given: Any) -> tuple[LayoutColumn, ...]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_COLUMNS:
        raise InvalidInputError(N_("名册格式应有 1 至 %(most)s 列"), most=MOST_COLUMNS)
    columns = tuple(_column(number, one) for number, one in enumerate(given, start=1))
    headings = [plain_heading(one.heading) for one in columns]
    if doubled := next((one for one in headings if headings.count(one) > 1), None):
        raise InvalidInputError(N_("名册格式中“%(heading)s”列重复"), heading=doubled)
    alone = {one.fields[0] for one in columns if len(one.fields) == 1}
    for name in NEEDED:
        if name not in alone:
            raise InvalidInputError(N_("名册格式缺少单独的“%(field)s”列"), field=ROSTER_COLUMNS[name])
    return columns


def _column(number: int, given: Any) -> LayoutColumn:
    if not isinstance(given, dict) or set(given) - _COLUMN_KEYS:
        raise InvalidInputError(
            N_("名册格式第 %(number)s 列只能有 heading、fields、joiner、date、values"), number=number
        )
    heading = _text(given.get("heading"), "heading")
    fields = given["fields"] if isinstance(given.get("fields"), list) else []
    known = bool(fields) and all(isinstance(one, str) and one in ALLOWED for one in fields)
    if not heading or len(heading) > MOST_HEADING or not known:
        raise InvalidInputError(N_("名册格式第 %(number)s 列的列名或字段不对"), number=number)
    date, values = given.get("date", DATE_FORMATS[0]), given.get("values")
    if date not in DATE_FORMATS or ("date" in given and not DATES & set(fields)):
        raise InvalidInputError(N_("名册格式“%(heading)s”列的日期写法不对"), heading=heading)
    if values is not None and not _is_table(values):
        raise InvalidInputError(N_("名册格式“%(heading)s”列的取值对照应是一一对应的文字"), heading=heading)
    return LayoutColumn(heading, tuple(fields), _text(given.get("joiner", ""), "joiner"), date, values)


def _is_table(values: Any) -> bool:
    """Say whether a table of values can be read back: texts to texts, no two alike."""
    return (
        isinstance(values, dict)
        and all(isinstance(one, str) for pair in values.items() for one in pair)
        and len(set(values.values())) == len(values)
    )


def _answer(given: Any) -> AnswerHeadings:
    if not isinstance(given, dict) or set(given) - set(_ANSWER_KEYS):
        raise InvalidInputError(N_("名册格式的 answer 只能有 verdict、returned、fields、reason、note"))
    lists = {name: given.get(name, []) for name in _ANSWER_KEYS}
    if not all(isinstance(one, list) and all(isinstance(text, str) and text for text in one) for one in lists.values()):
        raise InvalidInputError(N_("名册格式的 answer 各项应是列名的列表"))
    return AnswerHeadings(**{name: tuple(texts) for name, texts in lists.items()})


def _text(given: Any, name: str) -> str:
    if not isinstance(given, str) or len(given) > MOST_TEXT:
        raise InvalidInputError(N_("名册格式的“%(name)s”应是文字"), name=name)
    return given


@cache
def shipped_layouts() -> Mapping[str, RosterLayout]:
    """Return the layouts that ship with the program, by code."""
    found = [read_layout(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.json"))]
    return {one.code: one for one in found}


def layout_named(value: str) -> RosterLayout:
    """Return the layout that a rule-profile value means: a code of ours, or the text of one's own.

    Examples
    --------
    >>> len(layout_named("national-21").columns)
    21
    """
    text = value.strip()
    if text in shipped_layouts():
        return shipped_layouts()[text]
    if not text.startswith("{"):
        codes = "、".join(shipped_layouts())
        raise InvalidInputError(N_("没有名为“%(name)s”的名册格式，现有 %(codes)s"), name=text[:60], codes=codes)
    return read_layout(text)


def layout_of(rows: Sequence[Sequence[str]], layouts: Sequence[RosterLayout]) -> tuple[RosterLayout, int]:
    """Return the layout whose headings stand in a sheet, the one with most columns first, and the row they stand in.

    Raises
    ------
    InvalidInputError
        If the sheet has the headings of none.
    """
    for layout in sorted(layouts, key=lambda one: -len(one.columns)):
        wanted = {plain_heading(one) for one in layout.header}
        for index, row in enumerate(rows[:20]):
            if wanted <= {plain_heading(cell) for cell in row}:
                return layout, index
    raise InvalidInputError(N_("没有找到名册的表头：前 20 行内应有上报时的全部列名"))


@dataclass(frozen=True, slots=True)
class LayoutKey(RuleKey):
    """The layout of the roster, read before it is published."""

    def check(self, candidate: Any) -> Any:
        """Return the text; raises InvalidInputError that names what is wrong."""
        layout_named(str(candidate))
        return candidate


declare(
    LayoutKey(
        ROSTER_LAYOUT, NATIONAL, N_("上报名册的格式（national-21、registration-33，或按说明写的 JSON）"),
        N_("鲁人社字〔2020〕20号附件（21 列）"),
    )
)  # fmt: skip
