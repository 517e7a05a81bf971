"""What of a room a page does not show yet: judged by what stands in each row, not by times or numbers.

The page sends back a mark of every row that it shows. So nothing depends on clocks or on the order in which transactions end: a row
is told again exactly while what it says differs from what the page was last told, however late its change was committed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final
from zlib import crc32

from exam_delivery.pages.console_lines import Changing

HEADER: Final = "X-Kaoku-Shown"
MAX_MARKS = 1400
"""The marks travel in one header, for which servers keep 8 KB; a page with more rows is told all of them at every poll."""
WIDTH = 4


def marks_of(lines: Sequence[Changing]) -> str:
    """Return the marks of all rows, for the page to send back unread.

    Examples
    --------
    >>> line = Changing(key="7", state="working", rank=9, answered="1 / 5", contact="", deadline="", device="", flag="")
    >>> len(marks_of([line])), news([line], marks_of([line])), news([{**line, "answered": "2 / 5"}], marks_of([line]))[0]["answered"]
    (8, [], '2 / 5')
    """
    if len(lines) > MAX_MARKS:
        return ""
    return base64.b64encode(b"".join(_mark(line) for line in sorted(lines, key=_key))).decode()


def news(lines: Sequence[Changing], shown: str) -> list[Changing]:
    """Return the rows that say something else than the page shows, in their order; all of them when its marks are unknown."""
    marks = _decoded(shown)
    places = {line["key"]: place * WIDTH for place, line in enumerate(sorted(lines, key=_key))}
    if len(marks) != len(lines) * WIDTH:
        return list(lines)
    return [line for line in lines if marks[places[line["key"]] :][:WIDTH] != _mark(line)]


def _key(line: Changing) -> str:
    return line["key"]


def _mark(line: Changing) -> bytes:
    """Return 32 bits of everything that the row says, its owner too: another row in its place has another mark."""
    return crc32("\x1f".join(map(str, line.values())).encode()).to_bytes(WIDTH, "big")


def _decoded(shown: str) -> bytes:
    try:
        return base64.b64decode(shown, validate=True)
    except (binascii.Error, ValueError):
        return b""
