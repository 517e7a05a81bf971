"""Score a response sheet against an item file, with the scoring rules of the item types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from item_templates import registry
from item_templates.contract import CanonicalItem, ItemScore, Outcome, ResponseFormatError
from item_templates.rounding import decimal_text
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from qbank.interchange.guard import LIMITS
from qbank.interchange.limited import read_limited
from web.analysis.sheet import NOT_REACHED, Sheet, SheetError

ZERO = Decimal(0)


class ItemFileError(InvalidInputError):
    """An item file that cannot be read."""

    code = "bad_item_file"


@dataclass(frozen=True, slots=True)
class ItemFile:
    """The items of a file by id, and how many records were not understood."""

    items: Mapping[str, CanonicalItem]
    n_skipped: int


def read_item_file(path: Path) -> ItemFile:
    """Return the items of a file in any readable format."""
    if path.stat().st_size > LIMITS.file_bytes:
        raise ItemFileError(N_("%(file)s：文件超过 20 MB，请拆分后分批评分"), file=path.name)
    report = read_limited(path.read_bytes(), path.name)
    if report.error:
        raise ItemFileError(N_("%(file)s：%(reason)s"), file=path.name, reason=report.error.message)
    return ItemFile({one.item.id: one.item for one in report.items}, len(report.skipped))


def score_sheet(sheet: Sheet, items: Mapping[str, CanonicalItem]) -> dict[str, Any]:
    """Return the scores and totals that `kaoku score` writes; raises SheetError for a column without an item."""
    found = [_item_of_column(sheet, place, items) for place in range(len(sheet.items))]
    columns = [_score_column(item, sheet.cells[place]) for place, item in enumerate(found)]
    rows = [
        [column[cell] for column, cell in zip(columns, cells, strict=True)] for cells in zip(*sheet.cells, strict=True)
    ]
    return {
        "scores": [
            {"candidate": candidate, "item": item} | _as_json(score)
            for candidate, row in zip(sheet.candidates, rows, strict=True)
            for item, score in zip(sheet.items, row, strict=True)
        ],
        "totals": [_total(candidate, row) for candidate, row in zip(sheet.candidates, rows, strict=True)],
    }


def _item_of_column(sheet: Sheet, place: int, items: Mapping[str, CanonicalItem]) -> CanonicalItem:
    """Return the item that a column is about: ``ID``, or ``ID.2`` for the second child of a testlet."""
    name = sheet.items[place]
    if name in items:
        return items[name]
    whole, _, number = name.rpartition(".")
    children = items[whole].content.items if whole in items else ()
    if not (number.isascii() and number.isdecimal() and 1 <= int(number[:6]) <= len(children)):
        message = N_("%(file)s 第 %(column)s 列：题目文件中没有编号为“%(item)s”的题")
        raise SheetError(message, file=sheet.name, column=place + 2, item=name)
    if whole in sheet.items:
        message = N_("%(file)s 第 %(column)s 列：“%(item)s”是“%(whole)s”的小题，两列不能都写")
        raise SheetError(message, file=sheet.name, column=place + 2, item=name, whole=whole)
    return CanonicalItem(name, children[int(number[:6]) - 1])


def _score_column(item: CanonicalItem, cells: tuple[str, ...]) -> dict[str, ItemScore]:
    """Return the score of every different cell of one item's column."""
    return {cell: score_cell(item, cell) for cell in dict.fromkeys(cells)}


def score_cell(item: CanonicalItem, cell: str) -> ItemScore:
    """Return the score of one cell; what was not reached earns nothing, like what was omitted."""
    content = item.content
    kind = registry.get(content.type)
    text = "" if cell.strip() == NOT_REACHED else cell
    try:
        return kind.score(content, kind.parse_cell(content, text), content.score)
    except ResponseFormatError:
        return ItemScore(ZERO, content.score, Outcome.WRONG)


def _as_json(score: ItemScore) -> dict[str, str]:
    return {
        "score": decimal_text(score.score),
        "max_score": decimal_text(score.max_score),
        "outcome": score.outcome.value,
    }


def _total(candidate: str, row: list[ItemScore]) -> dict[str, Any]:
    return {
        "candidate": candidate,
        "score": decimal_text(sum((one.score for one in row), ZERO)),
        "max_score": decimal_text(sum((one.max_score for one in row), ZERO)),
        "n_needs_marking": sum(one.outcome is Outcome.NEEDS_MARKING for one in row),
    }
