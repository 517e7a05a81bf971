"""A roster that the reviewing centre gave back: compared with what was sent, cell by cell, and read for what it returns. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from certification.rules.roster_layouts import RosterLayout, plain_heading
from certification.rules.roster_returns import EXTRA_FIELDS, RETURN_FIELDS, RETURN_REASONS
from kernel.i18n import N_
from kernel.national_id import normalise_id

DIFFERENT = N_("退回文件中的内容与上报不同")
OTHER = "other"
_SEPARATORS = re.compile(r"[、,，;；\s/]+")
_WORDS: Mapping[str, str] = {
    "与证件不符": "not_matching_document", "不符": "not_matching_document", "缺": "missing", "未填": "missing",
    "格式": "format", "重复": "duplicate", "备案": "out_of_scope", "申报条件": "entry_conditions", "照片": "photo",
    "成绩": "score",
}  # fmt: skip
"""Words by which a reason is told when it is not one of ours; the text itself is kept as the note."""


@dataclass(frozen=True, slots=True)
class SheetRows:
    """A sheet under a layout: the row of its headings, and its rows as Excel shows them."""

    rows: Sequence[Sequence[str]]
    header_index: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that came back otherwise than it was sent."""

    heading: str
    field_name: str
    sent: str
    returned: str


@dataclass(frozen=True, slots=True)
class ReturnedItem:
    """A field that the centre sends back, with its reason."""

    field_name: str
    reason_code: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One person of the file: the place in what was sent (from 0), what differs, and what is returned."""

    row: int
    sent_index: int
    differences: tuple[Difference, ...]
    returned: tuple[ReturnedItem, ...]


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """A row or cell that cannot be used; `row` counts from 1 as Excel shows it, 0 is the whole file."""

    row: int
    message: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RosterAnswer:
    """What a returned file says; nothing may be taken over while there are problems."""

    lines: tuple[AnswerLine, ...]
    missing: tuple[int, ...]
    problems: tuple[AnswerProblem, ...]

    @property
    def n_returned(self) -> int:
        """How many fields are sent back."""
        return sum(len(line.returned) for line in self.lines)

    @property
    def n_differences(self) -> int:
        """How many cells differ."""
        return sum(len(line.differences) for line in self.lines)


def body_rows(sheet: SheetRows, layout: RosterLayout) -> list[tuple[int, dict[str, str]]]:
    """Return the rows below the headings, as number and texts by heading; empty rows are left out."""
    headings = [plain_heading(cell) for cell in sheet.rows[sheet.header_index]]
    found = []
    for number, cells in enumerate(sheet.rows[sheet.header_index + 1 :], start=sheet.header_index + 2):
        texts = {heading: cells[i].strip() if i < len(cells) else "" for i, heading in enumerate(headings) if heading}
        if any(texts.get(plain_heading(one), "") for one in layout.header):
            found.append((number, texts))
    return found


def compare(sent: SheetRows, returned: SheetRows, layout: RosterLayout) -> RosterAnswer:
    """Return what a returned file says about what was sent; people are found by number, else by place and name.

    A person whose number came back changed still is the person in the same place with the same name.
    """
    before = [_ordered(texts, layout) for _number, texts in body_rows(sent, layout)]
    headings = [plain_heading(cell) for cell in returned.rows[returned.header_index]]
    problems = [
        AnswerProblem(0, N_("“%(heading)s”列重复，请删去多余的列"), {"heading": one})
        for one in sorted({one for one in headings if one and headings.count(one) > 1})
    ]
    lines: dict[int, AnswerLine] = {}
    finder = _Finder(before, layout)
    for number, texts in body_rows(returned, layout):
        index = finder.find(_ordered(texts, layout))
        if index is None:
            problems.append(AnswerProblem(number, N_("此人不在上报的名册中"), {}))
        elif index in lines:
            problems.append(
                AnswerProblem(number, N_("此人在文件中出现两次（另见第 %(row)s 行）"), {"row": lines[index].row})
            )
        else:
            items, found = _returned_items(number, texts, layout)
            problems += found
            lines[index] = AnswerLine(number, index, tuple(_differences(before[index], texts, layout)), tuple(items))
    missing = tuple(index for index in range(len(before)) if index not in lines)
    return RosterAnswer(tuple(lines[index] for index in sorted(lines)), missing, tuple(problems))


def _ordered(texts: Mapping[str, str], layout: RosterLayout) -> list[str]:
    return [texts.get(plain_heading(heading), "") for heading in layout.header]


class _Finder:
    """Finds whom a row is about."""

    def __init__(self, before: Sequence[Sequence[str]], layout: RosterLayout) -> None:
        self._number, self._name = layout.index_of("id_number"), layout.index_of("name")
        alone = [column.fields for column in layout.columns]
        self._sequence = alone.index(("sequence",)) if ("sequence",) in alone else None
        self._by_number = {normalise_id(row[self._number]): index for index, row in enumerate(before)}
        self._by_place = {self._place(row): index for index, row in enumerate(before)}

    def _place(self, row: Sequence[str]) -> tuple[str, str]:
        return (row[self._sequence] if self._sequence is not None else "", row[self._name])

    def find(self, row: Sequence[str]) -> int | None:
        """Return the place in what was sent, None for a stranger."""
        found = self._by_number.get(normalise_id(row[self._number]))
        if found is None and self._sequence is not None and row[self._sequence]:
            found = self._by_place.get(self._place(row))
        return found


def _differences(before: Sequence[str], texts: Mapping[str, str], layout: RosterLayout) -> Iterator[Difference]:
    for column, sent in zip(layout.columns, before, strict=True):
        came = texts.get(plain_heading(column.heading), "")
        if _plain(came) != _plain(sent):
            yield Difference(column.heading, column.fields[0], sent, came)


def _plain(text: str) -> str:
    """Return a text as it is compared; a centre's program may drop blanks or write dates with other signs."""
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 00:00:00)?", text)
    return f"{found[1]}{int(found[2]):02d}{int(found[3]):02d}" if found else re.sub(r"\s", "", text).upper()


# --- what is sent back -----------------------------------------------------------------------------------------------


def _returned_items(
    number: int, texts: Mapping[str, str], layout: RosterLayout
) -> tuple[list[ReturnedItem], list[AnswerProblem]]:
    verdict, fields, reason, note = (
        _first(texts, names)
        for names in (layout.answer.verdict, layout.answer.fields, layout.answer.reason, layout.answer.note)
    )
    is_returned = any(word in verdict for word in layout.answer.returned)
    if not is_returned and not fields and (not reason or verdict):
        return [], []
    code, said = _reason(reason, note)
    problems, items = [], []
    for label in filter(None, _SEPARATORS.split(fields)):
        name = _field_named(label, layout)
        if name is None:
            problems.append(AnswerProblem(number, N_("没有名为“%(label)s”的名册项目"), {"label": label[:40]}))
        else:
            items.append(ReturnedItem(name, code, said))
    if not fields:
        items.append(ReturnedItem(_field_in(reason, layout), code, said))
    return items, problems


def _first(texts: Mapping[str, str], headings: Sequence[str]) -> str:
    return next((texts[plain_heading(one)] for one in headings if texts.get(plain_heading(one))), "")


def _reason(reason: str, note: str) -> tuple[str, str]:
    """Return the code of a reason and what is kept beside it: the words themselves when the code says less."""
    for code, label in RETURN_REASONS.items():
        if reason == label:
            return code, note[:300]
    code = next((code for word, code in _WORDS.items() if word in reason), OTHER)
    return code, "；".join(filter(None, (reason, note)))[:300]


def _field_named(label: str, layout: RosterLayout) -> str | None:
    found = layout.field_of(label)
    if found is not None:
        return found
    wanted = plain_heading(label)
    return next((name for name, title in RETURN_FIELDS.items() if plain_heading(title) == wanted), None)


def _field_in(reason: str, layout: RosterLayout) -> str:
    """Return the field whose name stands in a reason, the longest first; the person as a whole when none does."""
    titles = {**EXTRA_FIELDS, **{one.fields[0]: one.heading for one in layout.columns}}
    by_length = sorted(titles.items(), key=lambda pair: -len(pair[1]))
    return next((name for name, title in by_length if title in reason), "whole")


def differences_as_returns(line: AnswerLine) -> list[ReturnedItem]:
    """Return the differing fields of a person as fields sent back, leaving out those that are sent back already."""
    known = {item.field_name for item in line.returned}
    return [ReturnedItem(one.field_name, OTHER, DIFFERENT) for one in line.differences if one.field_name not in known]
