"""Read one spreadsheet in a process of its own, so that a hostile file can only exhaust that process.

Run by path, never imported: the file comes by standard input, JSON goes to standard output. A cell is a string, or a
pair of a type letter and a value: ``n`` number, ``b`` truth value, ``t`` date or time in ISO form.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum


def limit_memory(n_bytes: int) -> None:
    """Bound the address space where the platform can."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))


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


def main(arguments: list[str]) -> None:
    """Answer one request: memory in bytes, then the greatest number of sheets, rows and columns."""
    n_memory, *limits = (int(argument) for argument in arguments)
    limit_memory(n_memory)
    try:
        answer = read_workbook(sys.stdin.buffer.read(), *limits)
    except PasswordError:
        answer = {"error": "password"}
    except CalamineError as error:
        answer = {"error": "broken", "detail": str(error)}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    main(sys.argv[1:])
