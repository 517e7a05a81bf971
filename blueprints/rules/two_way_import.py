"""Read a two-way table (双向细目表) that people drew up in Excel: ranges by item types, whatever its exact layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from blueprints.rules.codes import engine_code
from blueprints.rules.profile import json_number
from blueprints.rules.scope_matching import NamedScope, same_name
from item_templates import registry
from kernel.i18n import N_

HEADER_ROWS = 30
HUNDRED = Decimal(100)
_SCOPE = re.compile(r"范围|内容|项目|模块|章|单元|职业功能|工作内容|知识点|鉴定点")
_CODE = re.compile(r"代码|编码|编号|序号")
_WEIGHT = re.compile(r"比重|权重|占比|比例|百分比|%")
_TOTAL = re.compile(r"合计|小计|总计|总数|总题")
_EACH = re.compile(r"每题|分值|每小题|单题")
_SCORE = re.compile(r"分")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
Message = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row: `kind` is ``used``, ``skipped`` or ``error``; `message` a text with its values."""

    file: str
    sheet: str
    row: int
    kind: str
    message: Message
    excerpt: str


@dataclass(slots=True)
class TableReading:
    """What a file says: counts by range and type, marks of each type, percent by range; and every row's fate."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    each: dict[str, Decimal] = field(default_factory=dict)
    marks: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    weights: dict[str, Decimal] = field(default_factory=dict)
    rows: list[RowReport] = field(default_factory=list)
    has_header: bool = False

    @property
    def is_usable(self) -> bool:
        """Say whether a blueprint can be made of it: a header, some counts, and no row in error."""
        return self.has_header and bool(self.counts or self.totals) and not self.errors

    @property
    def errors(self) -> list[RowReport]:
        """The rows that must be mended."""
        return [row for row in self.rows if row.kind == "error"]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand: columns of codes and names, of each type's counts and marks, of the percent."""

    start: int
    codes: tuple[int, ...]
    names: tuple[int, ...]
    counts: Mapping[int, str]
    marks: Mapping[int, str]
    weight: int | None


def read_two_way(
    sheets: Sequence[tuple[str, Sequence[Sequence[str]]]], scopes: Sequence[NamedScope], file: str
) -> TableReading:
    """Return what the first sheet with a two-way table says, and what became of each of its rows.

    Parameters
    ----------
    sheets : sequence of pairs
        Name and rows of each sheet, cells as text.
    scopes : sequence of NamedScope
        The outline that the ranges belong to.
    file : str
        The file's name, for the report.
    """
    reading = TableReading()
    for sheet, rows in sheets:
        layout = _find_layout(rows)
        if layout is not None:
            _Reader(reading, layout, scopes, (file, sheet)).read(rows)
            return reading
    return reading


def _find_layout(rows: Sequence[Sequence[str]]) -> _Layout | None:
    for number, row in enumerate(rows[:HEADER_ROWS]):
        below = rows[number + 1] if number + 1 < len(rows) else ()
        layout = _layout(number, _spread(row), below)
        if layout is not None:
            return layout
    return None


def _spread(row: Sequence[str]) -> list[str]:
    """Return a heading row with merged cells filled to the right, as far as the heading of a type or range reaches."""
    filled, last = [], ""
    for cell in row:
        last = cell or (last if registry.find_by_alias(last) or _SCOPE.search(last) else "")
        filled.append(last)
    return filled


def _layout(number: int, header: Sequence[str], below: Sequence[str]) -> _Layout | None:
    kinds = {
        column: found.name for column, cell in enumerate(header) if cell and (found := registry.find_by_alias(cell))
    }
    names = tuple(
        c for c, cell in enumerate(header) if c not in kinds and _SCOPE.search(cell) and not _CODE.search(cell)
    )
    codes = tuple(c for c, cell in enumerate(header) if c not in kinds and _CODE.search(cell))
    if not kinds or not (names or codes):
        return None
    under = {column: below[column] for column in kinds if column < len(below)}
    is_double = any(_EACH.search(text) or "题数" in text or text in ("数量", "分数") for text in under.values())
    marks = {c: kind for c, kind in kinds.items() if is_double and _is_marks(under.get(c, ""))}
    if is_double and not (names and codes):  # the second row may name the columns of codes and names
        names += tuple(c for c, cell in enumerate(below) if c not in kinds and _SCOPE.search(cell) and c not in names)
    weight = next((c for c, cell in enumerate(header) if c not in kinds and _WEIGHT.search(cell)), None)
    counts = {c: kind for c, kind in kinds.items() if c not in marks}
    return _Layout(number + (2 if is_double else 1), codes, names, counts, marks, weight)


def _is_marks(text: str) -> bool:
    return bool(_SCORE.search(text)) and "题数" not in text


class _Reader:
    """Reads the rows under a header."""

    def __init__(
        self, reading: TableReading, layout: _Layout, scopes: Sequence[NamedScope], where: tuple[str, str]
    ) -> None:
        self.reading, self.layout, self.scopes, self.where = reading, layout, scopes, where
        self.path: list[str] = []
        reading.has_header = True

    def read(self, rows: Sequence[Sequence[str]]) -> None:
        for index in range(self.layout.start):
            if any(rows[index]):
                self._note(index, rows[index], "skipped", N_("表头或说明"))
        for index in range(self.layout.start, len(rows)):
            if any(rows[index]):
                self._row(index, rows[index])

    def _row(self, index: int, row: Sequence[str]) -> None:
        label = "".join(_cell(row, column) for column in (*self.layout.codes, *self.layout.names)) or _cell(row, 0)
        if _TOTAL.search(label) and not _EACH.search(label):
            self.reading.totals |= dict(self._numbers(index, row, self.layout.counts))
            self._note(index, row, "skipped", N_("合计行，只用于核对"))
        elif _EACH.search(label):
            self._each(index, row)
        else:
            self._scope_row(index, row)

    def _each(self, index: int, row: Sequence[str]) -> None:
        for column, kind in self.layout.counts.items():
            value = _number(_cell(row, column))
            if value is not None:
                self.reading.each[kind] = value
        self._note(index, row, "used", N_("每题分值"))

    def _scope_row(self, index: int, row: Sequence[str]) -> None:
        scope = self._find(row)
        if scope is None:
            has_numbers = any(_number(_cell(row, column)) for column in self.layout.counts)
            message = N_("在细目表中没有找到这个范围，请核对代码或名称")
            self._note(index, row, "error" if has_numbers else "skipped", message)
            return
        if scope in {code for code, _kind in self.reading.counts}:
            self._note(index, row, "error", N_("范围 %(scope)s 出现了不止一行，请合并"), scope=scope)
            return
        found = dict(self._numbers(index, row, self.layout.counts))
        self.reading.counts |= {(scope, kind): count for kind, count in found.items() if count}
        for column, kind in self.layout.marks.items():
            value = _number(_cell(row, column))
            if value:
                self.reading.marks[scope, kind] = value
        percent = None if self.layout.weight is None else _percent(_cell(row, self.layout.weight))
        if percent is not None:
            self.reading.weights[scope] = percent
        n_items = sum(found.values())
        self._note(index, row, "used", N_("范围 %(scope)s，%(n)s 题"), scope=scope, n=n_items)

    def _numbers(self, index: int, row: Sequence[str], columns: Mapping[int, str]) -> Iterator[tuple[str, int]]:
        for column, kind in columns.items():
            text = _cell(row, column)
            value = _number(text)
            if value is None:
                if text and text not in ("-", "—", "–", "/", "\\", "无"):
                    self._note(index, row, "error", N_("“%(text)s”不是题数"), text=text[:20])
                continue
            if value < 0 or value != value.to_integral_value():
                self._note(index, row, "error", N_("“%(text)s”不是题数"), text=text[:20])
                continue
            yield kind, int(value)

    def _find(self, row: Sequence[str]) -> str | None:
        """Return the range of a row: by its code, else by its deepest name, inside what the rows above have named."""
        codes = [engine_code(text) for column in self.layout.codes if (text := _cell(row, column))]
        known = {scope.code for scope in self.scopes}
        for code in (*(["-".join(codes)] if len(codes) > 1 else []), *reversed(codes)):
            if code in known:
                return code
        names = [_cell(row, column) for column in self.layout.names]
        for place, name in enumerate(names):
            if name:
                self.path[place:] = [name]
        shown = [name for name in self.path if name] if any(names) else []
        return self._by_names(shown)

    def _by_names(self, names: Sequence[str]) -> str | None:
        holder: str | None = None
        found: str | None = None
        for name in names:
            inside = [one for one in self.scopes if holder is None or one.parent == holder]
            hits = [one for one in inside if same_name(one.name, name) or name.startswith(f"{one.code} ")]
            if len(hits) != 1:
                hits = [one for one in self.scopes if same_name(one.name, name)]
            found = hits[0].code if len(hits) == 1 else None
            holder = found or holder
        return found

    def _note(self, index: int, row: Sequence[str], kind: str, template: str, **values: Any) -> None:
        excerpt = " | ".join(cell for cell in row if cell)[:120]
        file, sheet = self.where
        self.reading.rows.append(RowReport(file, sheet, index + 1, kind, (template, values), excerpt))


def _cell(row: Sequence[str], column: int) -> str:
    return row[column].strip() if column < len(row) else ""


def _number(text: str) -> Decimal | None:
    match = _NUMBER.search(text.replace("，", "").replace(",", ""))
    if match is None:
        return None
    try:
        return Decimal(match[0])
    except InvalidOperation:
        return None


def _percent(text: str) -> Decimal | None:
    """Return a percentage: ``20``, ``20%`` and ``0.2`` are the same."""
    value = _number(text)
    if value is None or value < 0:
        return None
    return value * HUNDRED if 0 < value < 1 and "%" not in text and "％" not in text else value


def spec_of_table(reading: TableReading, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the blueprint JSON that a table asks for; `base` gives marks and further rules where it says nothing."""
    kinds = list(dict.fromkeys([*(kind for _scope, kind in reading.counts), *reading.totals]))
    known = {rule["type"]: Decimal(str(rule.get("score_each") or 1)) for rule in base.get("types", ())}
    types: list[dict[str, Any]] = []
    for kind in sorted(kinds, key=[one.name for one in registry.all_types()].index):
        count = sum(n for (_scope, name), n in reading.counts.items() if name == kind) or reading.totals.get(kind, 0)
        each = reading.each.get(kind) or _each_of_marks(reading, kind) or known.get(kind, Decimal(1))
        if count:
            types.append({"type": kind, "count": count, "score_each": json_number(each)})
    total = sum((rule["count"] * Decimal(str(rule["score_each"])) for rule in types), Decimal(0))
    spec = dict(base) | {
        "n_items": sum(rule["count"] for rule in types), "total_score": json_number(total), "types": types,
        "cells": [{"scope": scope, "type": kind, "count": [n, n]} for (scope, kind), n in reading.counts.items()],
    }  # fmt: skip
    weights = reading.weights or _weights_of_counts(reading, types, total)
    if weights:
        spec["weights"] = [{"scope": scope, "percent": json_number(value)} for scope, value in weights.items()]
    return {key: value for key, value in spec.items() if value != []}


def _each_of_marks(reading: TableReading, kind: str) -> Decimal | None:
    """Return the marks of one item of a type where the table gives the marks of its cells."""
    for (scope, name), marks in reading.marks.items():
        count = reading.counts.get((scope, name))
        if name == kind and count:
            return marks / count
    return None


def _weights_of_counts(reading: TableReading, types: Sequence[Mapping[str, Any]], total: Decimal) -> dict[str, Decimal]:
    each = {rule["type"]: Decimal(str(rule["score_each"])) for rule in types}
    marks: dict[str, Decimal] = {}
    for (scope, kind), n in reading.counts.items():
        marks[scope] = marks.get(scope, Decimal(0)) + n * each.get(kind, Decimal(0))
    return (
        {scope: (value * HUNDRED / total).quantize(Decimal("0.001")) for scope, value in marks.items()} if total else {}
    )
