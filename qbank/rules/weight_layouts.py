"""Read a weight table that covers several levels: rows of names at the left, one column per level at the right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kernel.i18n import N_
from qbank.rules.figures import plain, read_percent, show_number
from qbank.rules.findings import Finding, Severity, error, warning
from qbank.rules.standards import NATIONAL_LEVELS
from qbank.rules.weights import WeightLine

HEADER_SEARCH_ROWS = 20
_LATIN_LEVEL = re.compile(r"^l([1-5])(?![0-9])")
_IGNORED = re.compile(r"备注|说明|note|序号")
_GROUP = re.compile(r"^(基本要求|相关知识|技能要求|工作要求)")
_TOTAL = re.compile(r"^(合计|总计|共计)")
_BLANK = {"", "-", "—", "–", "/", "\\"}


@dataclass(frozen=True, slots=True)
class KnownLevel:
    """A level that columns may be meant for."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class WeightColumn:
    """One column of the file: the level it is for, and its rows (name, function, percent)."""

    label: str
    level_code: str
    lines: tuple[WeightLine, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class ParsedWeights:
    """The columns that were understood, and remarks by row."""

    columns: tuple[WeightColumn, ...]
    findings: tuple[Finding, ...]

    @property
    def is_usable(self) -> bool:
        """Say whether it may be saved."""
        return bool(self.columns) and not any(f.severity is Severity.ERROR for f in self.findings)


def match_level(label: str, levels: Sequence[KnownLevel]) -> str:
    """Return the code of the level that a column's heading names, empty when none.

    >>> match_level("L4_middle", [KnownLevel("4", "四级/中级工")]), match_level("四级（%）", [KnownLevel("4", "四级/中级工")])
    ('4', '4')
    """
    text = "".join(plain(label).lower().split())
    latin = _LATIN_LEVEL.match(text)
    bare = re.sub(r"\(?%\)?|\(.*\)", "", text)
    for level in levels:
        parts = {level.code.lower(), level.name.lower(), *level.name.lower().split("/")}
        if bare in parts or (latin and latin.group(1) == level.code) or _is_national(bare, level.code):
            return level.code
    return ""


def _is_national(text: str, code: str) -> bool:
    level = next((level for level in NATIONAL_LEVELS if level.code == code), None)
    return level is not None and text in {level.name, *level.name.split("/")}


def parse_weights(rows: Sequence[Sequence[str]], levels: Sequence[KnownLevel]) -> ParsedWeights | None:
    """Return the weight columns of a table, or None when no heading names a level."""
    for index, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        found = {column: match_level(label, levels) for column, label in enumerate(row)}
        columns = {column: code for column, code in found.items() if code}
        if columns and min(columns) > 0:
            return _Reader(row, columns).read(rows, index + 1)
    return None


@dataclass(slots=True)
class _Reader:
    header: Sequence[str]
    columns: dict[int, str]
    lines: dict[int, list[WeightLine]] = field(default_factory=dict)
    stated_totals: dict[int, tuple[int, Decimal]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    above: list[str] = field(default_factory=list)

    def read(self, rows: Sequence[Sequence[str]], first: int) -> ParsedWeights:
        """Go through the rows below the heading."""
        names = [i for i in range(min(self.columns)) if not _IGNORED.search(plain(self.header[i]).lower())]
        for number, row in enumerate(rows[first:], start=first + 1):
            titles = [row[i].strip() if i < len(row) else "" for i in names]
            if any(titles):
                self._read_row(titles, row, number)
        return ParsedWeights(tuple(self._column(index) for index in self.columns), tuple(self._checked()))

    def _read_row(self, titles: list[str], row: Sequence[str], number: int) -> None:
        is_total = bool(_TOTAL.match(next(title for title in titles if title)))
        function, name = ("", "") if is_total else self._place(titles)
        for index in self.columns:
            value = self._value(row, index, number)
            if value is None:
                continue
            if is_total:
                self.stated_totals[index] = (number, value)
            else:
                self.lines.setdefault(index, []).append(WeightLine(name, function, theory_percent=value))

    def _place(self, titles: list[str]) -> tuple[str, str]:
        """Return function and name of a row; blank titles at the left repeat the row above (merged cells)."""
        filled = list(titles)
        for i in range(len(filled) - 1):
            is_same_branch = filled[:i] == self.above[:i]
            if not filled[i] and is_same_branch and len(self.above) > i:
                filled[i] = self.above[i]
            elif not filled[i]:
                break
        self.above = filled
        named = [title for title in filled if title and not _GROUP.match(title)] or [filled[-1] or filled[0]]
        return (named[-2] if len(named) > 1 else "", named[-1])

    def _value(self, row: Sequence[str], index: int, number: int) -> Decimal | None:
        text = row[index].strip() if index < len(row) else ""
        if plain(text) in _BLANK:
            return None
        value = read_percent(text)
        if value is None:
            self.findings.append(error(N_("“%(text)s”不是 0 到 100 的数"), row=number, text=text[:40]))
        return value

    def _column(self, index: int) -> WeightColumn:
        lines = tuple(self.lines.get(index, ()))
        total = sum((line.theory_percent or Decimal(0) for line in lines), Decimal(0))
        return WeightColumn(self.header[index].strip(), self.columns[index], lines, total)

    def _checked(self) -> list[Finding]:
        for index, (row, typed) in self.stated_totals.items():
            column = self._column(index)
            if column.total != typed:
                self.findings.append(
                    warning(
                        N_("“%(label)s”一列写明合计 %(typed)s，实际合计 %(total)s"), row=row,
                        label=column.label, typed=show_number(typed), total=show_number(column.total),
                    )
                )  # fmt: skip
        codes = list(self.columns.values())
        self.findings += [
            error(N_("有不止一列对应等级 %(code)s，请只保留一列"), code=code)
            for code in sorted({code for code in codes if codes.count(code) > 1})
        ]
        return self.findings
