"""Read items from Excel workbooks, new (.xlsx) and old (.xls)."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence

from python_calamine import CalamineSheet, CalamineWorkbook

from kernel.i18n import N_
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.guard import LIMITS, UnreadableFileError
from qbank.interchange.model import ReadResult
from qbank.interchange.tables import Sheet, read_sheets
from qbank.interchange.xlsx_pictures import RowPictures, read_pictures

FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)(?<!/)>")
REFERENCE = re.compile(rb'\br\s*=\s*["\']([A-Z]{1,3})(\d{1,7})["\']')
MAX_AREA = 2_000_000


def read_xlsx(data: bytes, mapping: ColumnMapping | None = None) -> ReadResult:
    """Return the records of an .xlsx workbook that `guard.check_office_zip` let pass."""
    _check_extent(data)
    return read_sheets(workbook_sheets(data, with_pictures=True), "xlsx", mapping)


def read_xls(data: bytes, mapping: ColumnMapping | None = None) -> ReadResult:
    """Return the records of an Excel 97-2003 workbook."""
    return read_sheets(workbook_sheets(data), "xls", mapping)


def workbook_sheets(data: bytes, *, with_pictures: bool = False) -> list[Sheet]:
    """Return the worksheets of a workbook as strings."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        pictures = read_pictures(data) if with_pictures else {}
        return [_sheet(book.get_sheet_by_name(name), pictures.get(name, {})) for name in book.sheet_names]
    except UnreadableFileError:
        raise
    except Exception as error:  # the parser raises its own and Rust-side errors without a common base
        raise UnreadableFileError("damaged_file", N_("Excel 文件已损坏或不完整，请用原软件另存一份再上传")) from error


def _sheet(sheet: CalamineSheet, pictures: RowPictures) -> Sheet:
    first_row, first_column = sheet.start or (0, 0)
    rows = sheet.to_python(nrows=LIMITS.rows + 1)
    if len(rows) > LIMITS.rows:
        raise UnreadableFileError("too_many_rows", N_("工作表超过 20000 行，请拆分后分批导入"))
    return Sheet(
        name=sheet.name,
        rows=[[cell_text(cell) for cell in row[: LIMITS.columns]] for row in rows],
        first_row=first_row + 1,
        first_column=first_column,
        pictures=pictures,
        merged_columns=_merged_columns(sheet, first_row, first_column),
    )


def _merged_columns(sheet: CalamineSheet, first_row: int, first_column: int) -> Sequence[tuple[int, int, int]]:
    ranges = sheet.merged_cell_ranges or []
    return [
        (left - first_column, top - first_row, bottom - first_row)
        for (top, left), (bottom, right) in ranges
        if left == right and bottom > top >= first_row and left >= first_column
    ]


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


def _check_extent(data: bytes) -> None:
    """Refuse sheets whose farthest cells would make the parser reserve a huge table."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                _check_sheet_extent(archive.read(name))


def _check_sheet_extent(part: bytes) -> None:
    rows = columns = 0
    for cell in FILLED_CELL.finditer(part):
        reference = REFERENCE.search(cell[1])
        if reference:
            rows = max(rows, int(reference[2]))
            columns = max(columns, _column_number(reference[1]))
    if rows > LIMITS.rows + 100:
        raise UnreadableFileError("too_many_rows", N_("工作表超过 20000 行，请拆分后分批导入"))
    if rows * columns > MAX_AREA:
        raise UnreadableFileError("too_many_columns", N_("工作表的列过多，请删除题目以外的列再上传"))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
