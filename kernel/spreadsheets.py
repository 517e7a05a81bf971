"""Write tables as Excel workbooks and read tables that people send, cell by cell as text."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import xlsxwriter

from kernel.clock import OFFICIAL_ZONE
from kernel.confined import ReadingEndedError, ReadLimits, ask_confined
from kernel.disk import require_room
from kernel.errors import InvalidInputError
from kernel.i18n import N_

T = TypeVar("T")
Cell = str | int | float | Decimal | dt.date | None

A4, A3 = 9, 8
WIDEST_UPRIGHT, WIDEST_ON_A4, WIDEST_ON_A3 = 110, 200, 320
"""Characters beside each other that are still read with ease when the sheet is printed."""
WIDEST_COLUMN, NARROWEST_COLUMN, LONGEST_WORD = 48, 12, 26
LINE_HEIGHT, TALLEST_ROW = 15, 409
MAX_CELL_CHARACTERS = 32_767  # of the file format
SAFE_DIGITS = 15  # a numeric cell keeps no more
_READER = "kernel.spreadsheet_reader"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\xa0\u3000"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")  # where Office keeps a workbook with a password
_TOO_LARGE = N_("表格文件展开后过大，或内容异常，无法读取；请只保留需要的行列，另存为 .xlsx 再上传")
_WORD = re.compile(r"[!-~]+")
_FIXED_CREATION = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TableSheet:
    """One sheet to write: a title line is optional, widths are in characters and guessed when left out."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    widths: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class CellProblem:
    """A cell whose text cannot be trusted; `row` counts from 1 and `column` is a letter, as Excel shows them."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as read: `rows[i]` is Excel's row i + 1, texts are trimmed, empty cells at the end are left out."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    problems: tuple[CellProblem, ...] = ()
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class TableLimits:
    """What a file may hold; what reading it may cost is in the settings."""

    n_bytes: int = 20_000_000
    n_unpacked_bytes: int = 400_000_000
    n_sheets: int = 50
    n_rows: int = 100_000
    n_columns: int = 500


DEFAULT_LIMITS = TableLimits()


def column_letter(index: int) -> str:
    """Return Excel's name of the column with this index from 0.

    >>> column_letter(0), column_letter(25), column_letter(26)
    ('A', 'Z', 'AA')
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


# --- writing ---------------------------------------------------------------------------------------------------------


def write_table(sheets: Sequence[TableSheet], *, created_at: dt.datetime | None = None) -> bytes:
    """Return an Excel workbook; texts stay texts (no formula, no link, no number guessed from digits).

    A moment stands in the official zone. Columns are narrowed until the sheet is read with ease on A4 or, where it is wide, A3.
    """
    require_room()
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"created": created_at or _FIXED_CREATION})
        formats = _formats(book)
        for sheet in sheets:
            _write_sheet(book.add_worksheet(sheet.name), sheet, formats)
    return buffer.getvalue()


def _formats(book: Any) -> dict[str, Any]:
    base = {"valign": "vcenter", "border": 1, "border_color": "#BFC7D1", "font_size": 11}
    return {
        "title": book.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"}),
        "header": book.add_format({**base, "bold": True, "bg_color": "#E8EEF6", "align": "center", "text_wrap": True}),
        "text": book.add_format({**base, "num_format": "@", "text_wrap": True}),
        "number": book.add_format(base),
        "date": book.add_format({**base, "num_format": "yyyy-mm-dd", "align": "left"}),
        "datetime": book.add_format({**base, "num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
    }


def _write_sheet(worksheet: Any, sheet: TableSheet, formats: dict[str, Any]) -> None:
    top = 1 if sheet.title else 0
    n_columns = len(sheet.header)
    if sheet.title:
        _write_title(worksheet, sheet.title, n_columns, formats["title"])
    worksheet.set_row(top, 2 * LINE_HEIGHT)
    for column, text in enumerate(sheet.header):
        worksheet.write_string(top, column, text, formats["header"])
    widths = sheet.widths or _fitting_widths(sheet)
    for index, row in enumerate(sheet.rows, start=top + 1):
        n_lines = _n_lines(row, widths)
        if n_lines > 1:
            worksheet.set_row(index, min(TALLEST_ROW, LINE_HEIGHT * n_lines))
        for column, value in enumerate(row):
            _write_cell(worksheet, index, column, value, formats)
    for column, width in enumerate(widths):
        worksheet.set_column(column, column, width)
    _prepare_for_people(worksheet, sheet, top)
    worksheet.set_paper(A4 if sum(widths) <= WIDEST_ON_A4 else A3)
    if sum(widths) > WIDEST_UPRIGHT:
        worksheet.set_landscape()


def _write_title(worksheet: Any, title: str, n_columns: int, title_format: Any) -> None:
    worksheet.set_row(0, 34)
    if n_columns > 1:
        worksheet.merge_range(0, 0, 0, n_columns - 1, "", title_format)
    worksheet.write_string(0, 0, title, title_format)


def _prepare_for_people(worksheet: Any, sheet: TableSheet, top: int) -> None:
    worksheet.freeze_panes(top + 1, 0)
    worksheet.repeat_rows(top)
    worksheet.fit_to_pages(1, 0)
    worksheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
    worksheet.set_footer("&C第 &P 页 共 &N 页")
    if sheet.rows and sheet.header:
        worksheet.autofilter(top, 0, top + len(sheet.rows), len(sheet.header) - 1)
        worksheet.ignore_errors({"number_stored_as_text": f"A1:{column_letter(len(sheet.header) - 1)}1048576"})


def _write_cell(worksheet: Any, row: int, column: int, value: Cell, formats: dict[str, Any]) -> None:
    if value is None or value == "":
        worksheet.write_blank(row, column, None, formats["text"])
    elif isinstance(value, dt.datetime):
        local = value.astimezone(OFFICIAL_ZONE) if value.tzinfo else value
        worksheet.write_datetime(row, column, local.replace(tzinfo=None), formats["datetime"])
    elif isinstance(value, dt.date):
        worksheet.write_datetime(row, column, dt.datetime(value.year, value.month, value.day), formats["date"])  # noqa: DTZ001 - a cell has no zone
    elif isinstance(value, int | float | Decimal) and _is_safe_number(value):
        worksheet.write_number(row, column, value, formats["number"])
    else:
        worksheet.write_string(row, column, _checked_text(str(value), row, column), formats["text"])


def _is_safe_number(value: float | Decimal) -> bool:
    digits = Decimal(str(value))
    return digits.is_finite() and len(digits.normalize().as_tuple().digits) <= SAFE_DIGITS and abs(digits) < 10**15


def _checked_text(text: str, row: int, column: int) -> str:
    if len(text) <= MAX_CELL_CHARACTERS:
        return text
    raise InvalidInputError(
        N_("第 %(row)s 行 %(column)s 列的文字超过 Excel 单元格的上限（32767 字），请缩短后再导出"),
        row=row + 1,
        column=column_letter(column),
    )


def _fitting_widths(sheet: TableSheet) -> list[int]:
    """Return a width for each column: as wide as its texts where the page allows it, never so narrow that a number breaks."""
    sample = [[str(value or "") for value in row] for row in sheet.rows[:200]]
    columns = [[title, *(row[i] for row in sample if i < len(row))] for i, title in enumerate(sheet.header)]
    natural = [2 + max(6, *(max(map(_display_width, text.split("\n"))) for text in texts)) for texts in columns]
    least = [2 + min(LONGEST_WORD, max(_longest_word(text) for text in texts)) for texts in columns]

    def widths(cap: int) -> list[int]:
        return [max(low, min(high, cap)) for low, high in zip(least, natural, strict=True)]

    for most, lowest in ((WIDEST_ON_A4, NARROWEST_COLUMN + 4), (WIDEST_ON_A3, NARROWEST_COLUMN)):
        for cap in range(WIDEST_COLUMN, lowest - 1, -1):
            if sum(widths(cap)) <= most:
                return widths(cap)
    return widths(NARROWEST_COLUMN)


def _longest_word(text: str) -> int:
    """Return how long the longest run is that cannot be broken: numbers, codes, Latin words."""
    return max(map(len, _WORD.findall(text)), default=0)


def _n_lines(row: Sequence[Cell], widths: Sequence[float]) -> int:
    """Return how many lines the highest cell of a row takes."""
    most = 1
    for value, width in zip(row, widths, strict=False):
        if isinstance(value, str) and (2 * len(value) > width or "\n" in value):
            room = max(1, int(width) - 1)
            most = max(most, sum(max(1, -(-_display_width(line) // room)) for line in value.split("\n")))
    return most


def _display_width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


# --- reading ---------------------------------------------------------------------------------------------------------


def read_table(data: bytes, *, limits: TableLimits = DEFAULT_LIMITS, cost: ReadLimits | None = None) -> list[Sheet]:
    """Return the sheets of an xlsx, xls, ods or csv file as trimmed text.

    A workbook is read in a process of its own, with the memory and time that the settings give (or `cost`): a hostile
    file costs a refusal, never the site.

    Raises
    ------
    InvalidInputError
        If the file is empty, too large, protected by a password or not a table.
    """
    if not data:
        raise InvalidInputError(N_("文件是空的，请选择有内容的表格文件"))
    if len(data) > limits.n_bytes:
        raise InvalidInputError(N_("文件超过 %(limit)s MB，请拆分后再上传"), limit=limits.n_bytes // 1_000_000)
    if data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return _read_workbook(data, limits, cost or ReadLimits.from_settings())
    return [_read_csv(data, limits)]


def _read_workbook(data: bytes, limits: TableLimits, cost: ReadLimits) -> list[Sheet]:
    answer = _ask_reader(data, limits, cost)
    if answer.get("error") == "too_large":
        raise InvalidInputError(_TOO_LARGE)
    if answer.get("error") == "password" or (answer.get("error") and _ENCRYPTED_STREAM in data):
        raise InvalidInputError(N_("表格文件有打开密码，请取消密码后再上传"))
    if "error" in answer:
        raise InvalidInputError(N_("表格文件已损坏或不是 Excel 文件，请用 Excel 或 WPS 打开后另存为 .xlsx 再上传"))
    if answer["n_sheets"] > limits.n_sheets:
        raise InvalidInputError(
            N_("文件有 %(n)s 个工作表，最多 %(limit)s 个，请拆分后再上传"), n=answer["n_sheets"], limit=limits.n_sheets
        )
    return [_decoded_sheet(sheet) for sheet in answer["sheets"]]


def _ask_reader(data: bytes, limits: TableLimits, cost: ReadLimits) -> dict[str, Any]:
    figures = (limits.n_unpacked_bytes, limits.n_sheets, limits.n_rows, limits.n_columns)
    request = json.dumps(figures).encode() + b"\n" + data
    try:
        answer: dict[str, Any] = json.loads(ask_confined(_READER, request, cost).decode("utf-8", "surrogatepass"))
    except ReadingEndedError as error:
        raise InvalidInputError(_TOO_LARGE) from error
    return answer


def _decoded_sheet(sheet: dict[str, Any]) -> Sheet:
    if "too_large" in sheet:
        height, width = sheet["too_large"]
        raise InvalidInputError(
            N_("工作表“%(sheet)s”有 %(rows)s 行 %(columns)s 列，超过上限，请删去空白行列或拆分后再上传"),
            sheet=sheet["name"],
            rows=height,
            columns=width,
        )
    problems: list[CellProblem] = []
    rows = []
    for number, row in enumerate(sheet["rows"], start=1):
        texts = []
        for index, cell in enumerate(row):
            text, message = _decoded_cell(cell)
            texts.append(text)
            if message:
                problems.append(CellProblem(number, column_letter(index), message))
        rows.append(_without_tail(texts))
    return Sheet(sheet["name"], tuple(_without_tail(rows)), tuple(problems), sheet["hidden"])


def _without_tail(values: Sequence[T]) -> tuple[T, ...]:
    end = len(values)
    while end and not values[end - 1]:
        end -= 1
    return tuple(values[:end])


def _decoded_cell(cell: Any) -> tuple[str, str | None]:
    if isinstance(cell, str):
        return clean_text(cell), None
    letter, value = cell
    if letter == "b":
        return "TRUE" if value else "FALSE", None
    if letter == "n":
        return _number_text(value)
    return str(value).removesuffix(" 00:00:00"), None


def _number_text(value: float) -> tuple[str, str | None]:
    text = f"{Decimal(f'{value:.15g}'):f}"
    if abs(value) < 10**SAFE_DIGITS:
        return text, None
    return text, N_("单元格是数字格式，第 15 位以后的数字已经丢失；请把该列设为文本格式，重新填写号码")


def clean_text(text: str) -> str:
    """Return the text without invisible characters and white space at both ends, with plain line ends."""
    text = text.replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n")
    return text.strip().strip(_INVISIBLE).strip()


def _read_csv(data: bytes, limits: TableLimits) -> Sheet:
    text = _decoded_bytes(data)
    if "\x00" in text:
        raise InvalidInputError(N_("文件不是表格，请上传 .xlsx、.xls 或 .csv 文件"))
    separator = max((",", "\t", ";"), key=text.split("\n", 1)[0].count)
    try:
        rows = _bounded_rows(csv.reader(io.StringIO(text, newline=""), delimiter=separator), limits)
    except csv.Error as error:
        raise InvalidInputError(N_("CSV 文件的引号或分隔符不配对，请用 Excel 或 WPS 打开后另存再上传")) from error
    return Sheet("CSV", _without_tail(rows))


def _bounded_rows(lines: Iterable[list[str]], limits: TableLimits) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for line in lines:
        if len(rows) >= limits.n_rows or len(line) > limits.n_columns:
            raise InvalidInputError(
                N_("CSV 文件超过 %(rows)s 行或 %(columns)s 列，请拆分后再上传"),
                rows=limits.n_rows,
                columns=limits.n_columns,
            )
        rows.append(_without_tail([clean_text(cell) for cell in line]))
    return rows


def _decoded_bytes(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInputError(N_("文件的文字编码无法识别，请另存为 UTF-8 编码的 CSV 或 .xlsx 再上传"))
