"""A list as a file: a workbook, or CSV that spreadsheet programs open without carrying out what a cell says."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Sequence

from kernel.clock import OFFICIAL_ZONE
from kernel.spreadsheets import Cell, TableSheet, write_table

MOST_ROWS = 20_000
MIMES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
_NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")


def write_list(name: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], fmt: str) -> bytes:
    """Return heads and rows in a format of `MIMES`."""
    if fmt == "csv":
        return _csv(heads, rows)
    return write_table([TableSheet(_NO_SHEET_NAME.sub(" ", name)[:31], heads, rows)])


def _csv(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([[_text(cell) for cell in row] for row in (heads, *rows)])
    return out.getvalue().encode("utf-8-sig")  # the mark tells Excel the encoding


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        return cell.astimezone(OFFICIAL_ZONE).strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
    return str(cell)
