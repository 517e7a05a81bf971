"""The process that reads one spreadsheet: started by `spreadsheets` through `kernel.confined`.

The request is a line of figures and then the file; the answer is JSON. A cell is a string, or a pair of a type letter and
a value: ``n`` number, ``b`` truth value, ``t`` date or time in ISO form.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from kernel.confined_process import serve

MOST_PARTS = 2_000


def encode_cell(value: Any) -> Any:
    """Return the JSON form of one cell."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ["b", value]
    if isinstance(value, int | float):
        return ["n", value]
    if isinstance(value, dt.timedelta):
        return str(value)
    return ["t", value.isoformat(" ") if isinstance(value, dt.datetime) else value.isoformat()]


def read_sheet(sheet: CalamineSheet, max_rows: int, max_columns: int) -> dict[str, Any]:
    """Return the rows of a sheet from its first cell on, or the size that is too large."""
    last_row, last_column = sheet.end or (-1, -1)
    if last_row >= max_rows or last_column >= max_columns:
        return {"name": sheet.name, "too_large": [last_row + 1, last_column + 1]}
    rows = sheet.to_python(skip_empty_area=False)
    return {"name": sheet.name, "rows": [[encode_cell(cell) for cell in row] for row in rows]}


def read_workbook(data: bytes, max_sheets: int, max_rows: int, max_columns: int) -> dict[str, Any]:
    """Return all work sheets of a workbook with what is hidden."""
    sheets = []
    with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
        metadata = [m for m in book.sheets_metadata if m.typ == SheetTypeEnum.WorkSheet]
        for meta in metadata[:max_sheets]:
            sheet = read_sheet(book.get_sheet_by_name(meta.name), max_rows, max_columns)
            sheets.append({**sheet, "hidden": "Hidden" in str(meta.visible)})
    return {"sheets": sheets, "n_sheets": len(metadata)}


def is_bomb(data: bytes, max_unpacked: int) -> bool:
    """Say whether a file that is an archive says itself that it unpacks to too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return len(entries) > MOST_PARTS or sum(entry.file_size for entry in entries) > max_unpacked


def answer(request: bytes, _out: Path) -> bytes:
    """Return the sheets of a workbook, or what keeps it from being read."""
    figures, _, data = request.partition(b"\n")
    max_unpacked, *limits = json.loads(figures)
    found: dict[str, Any]
    try:
        found = {"error": "too_large"} if is_bomb(data, max_unpacked) else read_workbook(data, *limits)
    except PasswordError:
        found = {"error": "password"}
    except CalamineError as error:
        found = {"error": "broken", "detail": str(error)}
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass")


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:], answer))
