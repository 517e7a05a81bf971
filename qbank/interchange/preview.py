"""Show the beginning of every sheet of a table file, with the columns as they were recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kernel.i18n import N_
from qbank.interchange.columns import SheetMapping
from qbank.interchange.csv_reader import csv_sheet
from qbank.interchange.detect import detect_format
from qbank.interchange.guard import UnreadableFileError, check_office_zip
from qbank.interchange.tables import Sheet, sheet_mapping
from qbank.interchange.xlsx_reader import xls_sheets, xlsx_sheets

SHEETS: dict[str, Callable[[bytes], list[Sheet]]] = {
    "xlsx": xlsx_sheets,
    "xls": xls_sheets,
    "csv": lambda data: [csv_sheet(data)],
}


@dataclass(frozen=True, slots=True)
class SheetPreview:
    """First rows of a sheet; the place of a cell in `rows` is the column that `mapping` counts, from A = 0."""

    name: str
    rows: list[list[str]]
    n_rows: int
    mapping: SheetMapping | None


def preview_sheets(data: bytes, name: str, *, n_rows: int = 20) -> list[SheetPreview]:
    """Return a preview of each sheet that holds anything; raises UnreadableFileError for other files."""
    sheets = [sheet for sheet in sheets_of(data, detect_format(data, name)) if any(any(row) for row in sheet.rows)]
    return [_preview(sheet, n_rows) for sheet in sheets]


def sheets_of(data: bytes, fmt: str) -> list[Sheet]:
    """Return the sheets of a table file of a known format; raises UnreadableFileError for other formats."""
    if fmt not in SHEETS:
        raise UnreadableFileError("no_table", N_("这不是表格文件，不需要列映射"))
    if fmt == "xlsx":
        check_office_zip(data)
    try:
        return SHEETS[fmt](data)
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFileError("damaged_file", N_("文件内容损坏或不符合其格式，无法读取")) from error


def _preview(sheet: Sheet, n_rows: int) -> SheetPreview:
    margin = [""] * sheet.first_column
    rows = [[*margin, *row] for row in sheet.rows[:n_rows]]
    return SheetPreview(sheet.name, rows, len(sheet.rows), sheet_mapping(sheet))
