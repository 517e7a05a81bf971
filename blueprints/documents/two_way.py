"""双向细目表 of a form: scopes of the outline by types of items, with shares wanted and got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from blueprints.documents.layout import FormSheet
from blueprints.documents.pdf import sheet_data
from blueprints.rules.packages import score_text
from kernel.spreadsheets import TableSheet
from kernel.typesetting import render_pdf

_TEMPLATE = Path(__file__).with_name("two_way.typ")
HEAD = ("代码", "鉴定范围", "比重（%）")
TAIL = ("合计题数", "分值", "占总分（%）", "X", "Y", "Z")


@dataclass(frozen=True, slots=True)
class TwoWayLine:
    """One scope: its share in the standard, items by type, marks, and points of each importance."""

    code: str
    name: str
    depth: int
    percent: Decimal | None
    counts: tuple[int, ...]
    n_items: int
    marks: Decimal
    letters: tuple[int, ...]

    def cells(self, total: Decimal) -> list[str]:
        """Return the line as texts; marks as a share of the form's."""
        share = score_text((self.marks * 100 / total).quantize(Decimal("0.1"))) if total else ""
        wanted = score_text(self.percent) if self.percent is not None else ""
        return [
            self.code, "　" * (self.depth - 1) + self.name, wanted, *(str(n or "") for n in self.counts),
            str(self.n_items), score_text(self.marks), share, *(str(n or "") for n in self.letters),
        ]  # fmt: skip


def total_line(lines: Sequence[TwoWayLine]) -> TwoWayLine:
    """Return the sums over the outermost scopes."""
    outer = [line for line in lines if line.depth == 1]
    n_columns = len(outer[0].counts) if outer else 0
    return TwoWayLine(
        "", "合计", 1, sum((line.percent or Decimal(0) for line in outer), Decimal(0)),
        tuple(sum(line.counts[n] for line in outer) for n in range(n_columns)), sum(line.n_items for line in outer),
        sum((line.marks for line in outer), Decimal(0)), tuple(sum(line.letters[n] for line in outer) for n in range(3)),
    )  # fmt: skip


def two_way_pdf(sheet: FormSheet, columns: Sequence[str], lines: Sequence[TwoWayLine]) -> bytes:
    """Return the table as PDF."""
    every = [*lines, total_line(lines)]
    rows = [{"depth": line.depth, "cells": line.cells(Decimal(sheet.total_score))} for line in every]
    data = sheet_data(sheet) | {"columns": [*HEAD, *columns, *TAIL], "rows": rows}
    return render_pdf(_TEMPLATE, data, created_at=sheet.printed_at, archival=sheet.printed_at is not None)


def two_way_sheet(sheet: FormSheet, columns: Sequence[str], lines: Sequence[TwoWayLine]) -> TableSheet:
    """Return the table as a sheet of a workbook."""
    rows = [line.cells(Decimal(sheet.total_score)) for line in (*lines, total_line(lines))]
    return TableSheet("双向细目表", [*HEAD, *columns, *TAIL], rows, title=f"{sheet.title}双向细目表")
