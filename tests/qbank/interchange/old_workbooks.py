"""Excel 97-2003 workbooks for tests, as small as readers take them: one sheet of numbers and texts with formats."""

from __future__ import annotations

import struct

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR = 512


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def wide(text: str) -> bytes:
    return b"\x01" + text.encode("utf-16-le")


def old_workbook(rows: list[list[object]], *, sheet: str = "题目", size: int = 0) -> bytes:
    """Return a workbook; a number given as (value, format code) gets that format, `size` fills the stream up."""
    codes = list(dict.fromkeys(cell[1] for row in rows for cell in row if isinstance(cell, tuple)))
    begin = record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0x0DBB, 1996, 0, 6))
    font = record(0x0031, struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + b"\x05\x00Arial")
    formats = b"".join(
        record(0x041E, struct.pack("<HH", 164 + place, len(code)) + wide(code)) for place, code in enumerate(codes)
    )
    styles = b"".join(
        record(0x00E0, struct.pack("<HHH14x", 0, number, 0)) for number in (0, *(164 + n for n in range(len(codes))))
    )
    head = begin + record(0x0042, struct.pack("<H", 1200)) + font + formats + styles
    name = bytes([len(sheet)]) + wide(sheet)
    place = len(head) + 4 + 6 + len(name) + 4
    book = head + record(0x0085, struct.pack("<IBB", place, 0, 0) + name) + record(0x000A)
    assert len(book) == place
    return compound("Workbook", (book + _sheet(rows, codes)).ljust(size, b"\0"))


def _sheet(rows: list[list[object]], codes: list[str]) -> bytes:
    width = max(map(len, rows))
    begin = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x10, 0x0DBB, 1996, 0, 6))
    extent = record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    cells = b"".join(_cell(r, c, cell, codes) for r, row in enumerate(rows) for c, cell in enumerate(row))
    return begin + extent + cells + record(0x000A)


def _cell(row: int, column: int, cell: object, codes: list[str]) -> bytes:
    if isinstance(cell, str):
        return record(0x0204, struct.pack("<HHHH", row, column, 0, len(cell)) + wide(cell))
    value, style = (cell[0], 1 + codes.index(cell[1])) if isinstance(cell, tuple) else (cell, 0)
    if isinstance(value, int):
        return record(0x027E, struct.pack("<HHHI", row, column, style, value << 2 | 2))
    return record(0x0203, struct.pack("<HHHd", row, column, style, value))


def compound(name: str, stream: bytes) -> bytes:
    """Return a compound file with one stream, in small sectors of its own when it is short."""
    is_small = len(stream) < 4096
    padded = stream.ljust(-(-len(stream) // SECTOR) * SECTOR, b"\0")
    n_data = len(padded) // SECTOR
    n_mini = n_data * 8
    mini_table = struct.pack(f"<{n_mini}I", *range(1, n_mini), END) if is_small else b""
    mini_table += b"\xff" * (-len(mini_table) % SECTOR)
    n_mini_table = len(mini_table) // SECTOR
    first = 2 + n_mini_table  # allocation table, folder, table of small sectors, data
    chain = [FAT, END, *_linked(2, n_mini_table), *_linked(first, n_data)]
    table = struct.pack("<128I", *chain, *[FREE] * (128 - len(chain)))
    root = _entry("Root Entry", 5, 1, first if is_small else END, len(padded) if is_small else 0)
    own = _entry(name, 2, FREE, 0 if is_small else first, len(stream))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    mini_start = 2 if is_small else END
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, mini_start, n_mini_table, END, 0)
    header += struct.pack("<109I", 0, *[FREE] * 108)
    return header + table + root + own + bytes(256) + mini_table + padded


def _linked(first: int, n: int) -> list[int]:
    return [*range(first + 1, first + n), END] if n else []


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1) + struct.pack("<III", FREE, FREE, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)
