"""Read items from Excel workbooks, new (.xlsx) and old (.xls)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from python_calamine import CalamineSheet, CalamineWorkbook

from kernel.i18n import N_
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.guard import LIMITS, UnreadableFileError
from qbank.interchange.model import ReadResult
from qbank.interchange.tables import Sheet, read_sheets
from qbank.interchange.xls_cells import xls_percent_cells
from qbank.interchange.xlsx_cells import Place, check_extent, percent_cells, raised_texts
from qbank.interchange.xlsx_package import Package
from qbank.interchange.xlsx_pictures import Picture, RowPictures, anchored_pictures, cell_pictures, named_picture

DATE_REMARK = N_("单元格是日期，可能本是 1/2 之类的文字，请核对；原文件中应设为文本格式")


@dataclass(frozen=True, slots=True)
class _Details:
    """What the file says beside the cell values; of the old format only percentages are known."""

    anchored: Mapping[str, RowPictures] = field(default_factory=dict)
    in_cells: Mapping[str, Picture] = field(default_factory=dict)
    percents: Mapping[str, set[Place]] = field(default_factory=dict)
    raised: Mapping[str, str] = field(default_factory=dict)


def read_xlsx(data: bytes, mapping: ColumnMapping | None = None) -> ReadResult:
    """Return the records of an .xlsx workbook that `guard.check_office_zip` let pass."""
    return read_sheets(xlsx_sheets(data), "xlsx", mapping)


def read_xls(data: bytes, mapping: ColumnMapping | None = None) -> ReadResult:
    """Return the records of an Excel 97-2003 workbook."""
    return read_sheets(xls_sheets(data), "xls", mapping)


def xlsx_sheets(data: bytes) -> list[Sheet]:
    """Return the sheets of an .xlsx workbook that `guard.check_office_zip` let pass."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        package = Package(archive)
        check_extent(package)
        details = _Details(
            anchored_pictures(package), cell_pictures(package), percent_cells(package), raised_texts(package)
        )
    return _sheets(data, details)


def xls_sheets(data: bytes) -> list[Sheet]:
    """Return the sheets of an Excel 97-2003 workbook."""
    return _sheets(data, _Details(percents=xls_percent_cells(data)))


def _sheets(data: bytes, details: _Details) -> list[Sheet]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return [_sheet(book.get_sheet_by_name(name), details) for name in book.sheet_names]
    except UnreadableFileError:
        raise
    except Exception as error:  # the parser raises its own and Rust-side errors without a common base
        raise UnreadableFileError("damaged_file", N_("Excel 文件已损坏或不完整，请用原软件另存一份再上传")) from error


def _sheet(sheet: CalamineSheet, details: _Details) -> Sheet:
    top, left = sheet.start or (0, 0)
    values = sheet.to_python(nrows=LIMITS.rows + 1)
    if len(values) > LIMITS.rows:
        raise UnreadableFileError("too_many_rows", N_("工作表超过 20000 行，请拆分后分批导入"))
    rows = [[cell_text(value) for value in row[: LIMITS.columns]] for row in values]
    _show_percents(rows, values, details.percents.get(sheet.name, set()), (top, left))
    pictures = {row: list(found) for row, found in details.anchored.get(sheet.name, {}).items()}
    for index, row in enumerate(rows):
        _refine(row, details, pictures.setdefault(index + top + 1, []), left)
    return Sheet(
        name=sheet.name,
        rows=rows,
        first_row=top + 1,
        first_column=left,
        pictures=pictures,
        merged_columns=_merged_columns(sheet, top, left),
        remarks={index: DATE_REMARK for index, row in enumerate(values) if any(map(_is_date, row))},
    )


def _show_percents(rows: list[list[str]], values: Sequence[Sequence[object]], places: set[Place], start: Place) -> None:
    for row, column in places:
        index, place = row - start[0], column - start[1]
        if 0 <= index < len(rows) and 0 <= place < len(rows[index]):
            value = values[index][place]
            if isinstance(value, int | float) and not isinstance(value, bool):
                rows[index][place] = f"{cell_text(round(value * 100, 10))}%"


def _refine(row: list[str], details: _Details, pictures: list[tuple[int, str, bytes]], left: int) -> None:
    """Put raised letters back into the cells of a row, and take out the pictures that cells name."""
    if not (details.raised or details.in_cells):
        return
    for place, cell in enumerate(row):
        picture = details.in_cells.get(named_picture(cell)) if "DISPIMG" in cell else None
        if picture:
            pictures.append((place + left, *picture))
        row[place] = "" if picture else details.raised.get(cell, cell)


def _merged_columns(sheet: CalamineSheet, first_row: int, first_column: int) -> Sequence[tuple[int, int, int]]:
    ranges = sheet.merged_cell_ranges or []
    return [
        (left - first_column, top - first_row, bottom - first_row)
        for (top, left), (bottom, right) in ranges
        if left == right and bottom > top >= first_row and left >= first_column
    ]


def _is_date(value: object) -> bool:
    return isinstance(value, dt.date | dt.time | dt.timedelta)


def cell_text(value: object) -> str:
    """Return a cell as a person reads it: no ``.0`` behind whole numbers, TRUE and FALSE for booleans."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(value, ".12g")
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value)
