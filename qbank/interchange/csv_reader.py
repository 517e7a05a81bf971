"""Read items from delimited text: comma, tab, semicolon or bar."""

from __future__ import annotations

import csv
import io

from kernel.i18n import N_
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.detect import decode_text, sniff_delimiter
from qbank.interchange.guard import LIMITS, UnreadableFileError, check_size
from qbank.interchange.model import Notice, ReadResult
from qbank.interchange.tables import Sheet, read_sheets

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def read_csv(data: bytes, mapping: ColumnMapping | None = None) -> ReadResult:
    """Return the records of a delimited text file; quotes put before formulas are taken off again."""
    check_size(data)
    encoding = decode_text(data).encoding
    result = read_sheets([csv_sheet(data)], "csv", mapping)
    if encoding not in {"utf-8", "ascii"}:
        message = N_("文件编码按 %(encoding)s 读取") % {"encoding": encoding}
        result.warnings.append(Notice("file", "encoding", message))
    return result


def csv_sheet(data: bytes) -> Sheet:
    """Return a delimited text file as one sheet without a name."""
    decoded = decode_text(data)
    delimiter = sniff_delimiter(decoded.text) or ","
    try:
        rows = list(csv.reader(io.StringIO(decoded.text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise UnreadableFileError(
            "damaged_file", N_("CSV 文件中有未闭合的引号或过长的单元格，请检查后再上传")
        ) from error
    if len(rows) > LIMITS.rows:
        raise UnreadableFileError("too_many_rows", N_("文件超过 20000 行，请拆分后分批导入"))
    cells = [[unguard_cell(cell) for cell in row[: LIMITS.columns]] for row in rows]
    return Sheet(name="", rows=cells)


def guard_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes as a formula; `unguard_cell` undoes it."""
    needs_quote = text.lstrip(" \u3000\xa0\n").startswith(FORMULA_STARTS) or text.startswith("'")
    return f"'{text}" if needs_quote else text


def unguard_cell(text: str) -> str:
    """Return the cell as it was before `guard_cell`."""
    rest = text[1:]
    return rest if text.startswith("'") and guard_cell(rest) == text else text
