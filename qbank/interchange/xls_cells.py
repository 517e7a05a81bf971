"""Which numbers of an Excel 97-2003 workbook are shown as percentages; the cell reader gives their values alone."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from qbank.interchange.compound import Compound
from qbank.interchange.xlsx_cells import BUILT_IN_PERCENT, Place, is_percent

BEGIN, END, SHEET, FORMAT, STYLE, PASSWORD = 0x0809, 0x000A, 0x0085, 0x041E, 0x00E0, 0x002F
NUMBER, PACKED, PACKED_ROW, FORMULA = 0x0203, 0x027E, 0x00BD, 0x0006
MOST_SHEETS = 256


def xls_percent_cells(data: bytes) -> dict[str, set[Place]]:
    """Return, by sheet name, the places (row and column from 0) of numbers shown as percentages; none if damaged."""
    try:
        return _percents(Compound(data).stream("Workbook"))
    except (ValueError, struct.error, IndexError):
        return {}


def _percents(book: bytes) -> dict[str, set[Place]]:
    sheets: list[tuple[str, int]] = []
    custom: set[int] = set()
    styles: list[int] = []
    for kind, body in _records(book, 0):
        if kind == PASSWORD:
            return {}
        if kind == SHEET:
            sheets.append((_text(body, body[6], 7), struct.unpack_from("<I", body)[0]))
        elif kind == FORMAT:
            number, length = struct.unpack_from("<HH", body)
            if is_percent(_text(body, length, 4)):
                custom.add(number)
        elif kind == STYLE:
            styles.append(struct.unpack_from("<H", body, 2)[0])
    shown = {place for place, number in enumerate(styles) if number in BUILT_IN_PERCENT | custom}
    if not shown:
        return {}
    return {name: {place for place, style in _numbers(book, at) if style in shown} for name, at in sheets[:MOST_SHEETS]}


def _text(body: bytes, length: int, flags_at: int) -> str:
    """Return a text whose flags say whether a character takes one byte or two."""
    is_wide = bool(body[flags_at] & 1)
    raw = body[flags_at + 1 : flags_at + 1 + length * (2 if is_wide else 1)]
    return raw.decode("utf-16-le" if is_wide else "latin-1", "replace")


def _records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the records of the part that begins at a place, leaving out those of parts inside it."""
    depth = 0
    while at + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, at)
        body = book[at + 4 : at + 4 + length]
        at += 4 + length
        depth += (kind == BEGIN) - (kind == END)
        if depth <= 0:
            return
        if depth == 1 and kind != BEGIN:
            yield kind, body


def _numbers(book: bytes, at: int) -> Iterator[tuple[Place, int]]:
    """Yield place and style of every number of a sheet."""
    for kind, body in _records(book, at):
        if kind in {NUMBER, PACKED, FORMULA}:
            row, column, style = struct.unpack_from("<HHH", body)
            yield (row, column), style
        elif kind == PACKED_ROW:
            row, first = struct.unpack_from("<HH", body)
            for place in range((len(body) - 6) // 6):
                yield (row, first + place), struct.unpack_from("<H", body, 4 + place * 6)[0]
