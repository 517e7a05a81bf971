"""Many rooms at once: a run of names that count up, or a table with a room a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_

MOST_ROOMS = 200
KNOWN_HEADINGS = {
    "site": ("考点", "考点名称"),
    "name": ("考场名称", "考场", "考场号"),
    "capacity": ("座位数", "座位", "人数", "容量"),
    "is_separate": ("单独考场", "单独"),
}
COLUMNS = tuple(KNOWN_HEADINGS)
YES = frozenset({"是", "√", "1", "y", "yes", "单独", "单独考场"})
LAST_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RoomLine:
    """A room as a row of a table says it; `number` counts as the table does."""

    number: int
    site: str
    name: str
    capacity: int | None
    is_separate: bool = False


@dataclass(frozen=True, slots=True)
class RoomRun:
    """Rooms of one site that differ by the last number of their names."""

    site: str
    first: str
    count: int | None
    capacity: int | None
    is_separate: bool = False


def count_up(name: str, n: int = 1) -> str:
    """Return a name with its last number raised, as wide as before; empty if it has no number.

    Examples
    --------
    >>> count_up("第01考场", 16), count_up("机房 A")
    ('第17考场', '')
    """
    found = LAST_NUMBER.match(name)
    if not found:
        return ""
    before, digits, after = found.groups()
    return f"{before}{int(digits) + n:0{len(digits)}d}{after}"


def lines_of_run(run: RoomRun) -> list[RoomLine]:
    """Return the rooms of a run; raises InvalidInputError if it cannot be counted."""
    problems: dict[str, list[str]] = {}
    if run.count is None or not 1 <= run.count <= MOST_ROOMS:
        problems["count"] = [N_("请填写 1–200 的个数")]
    elif run.count > 1 and not count_up(run.first):
        problems["first"] = [N_("名称里要有数字，如“第01考场”，系统才能依次编号")]
    if problems:
        raise InvalidInputError(next(iter(problems.values()))[0], fields=problems)
    return [
        RoomLine(n + 1, run.site, count_up(run.first, n) if n else run.first, run.capacity, run.is_separate)
        for n in range(run.count or 0)
    ]


def read_rows(rows: Sequence[Sequence[str]]) -> list[RoomLine]:
    """Return the rooms of a table: by its headings where the first row with text has them, else in their usual order.

    Raises
    ------
    InvalidInputError
        If there is no room in it, or more than can be made at once.
    """
    numbered = [(number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    places = _places(numbered[0][1]) if numbered else {}
    body = numbered[1:] if places else numbered
    usual = {name: place for place, name in enumerate(COLUMNS)}
    found = [_line(number, row, places or usual) for number, row in body]
    if not 1 <= len(found) <= MOST_ROOMS:
        raise InvalidInputError(N_("清单中应有 1–200 个考场，每行一个"))
    return found


def _places(row: Sequence[str]) -> dict[str, int]:
    """Return where the columns stand if a row is a heading, else nothing."""
    cells = [re.sub(r"[\s（(].*$", "", cell.strip()) for cell in row]
    found = {name: place for name, words in KNOWN_HEADINGS.items() for place, cell in enumerate(cells) if cell in words}
    return found if {"name", "capacity"} <= set(found) else {}


def _line(number: int, row: Sequence[str], places: dict[str, int]) -> RoomLine:
    def cell(name: str) -> str:
        place = places.get(name, len(row))
        return " ".join(row[place].split()) if place < len(row) else ""

    digits = re.sub(r"(\.0+|\s*[座人个])$", "", cell("capacity"))
    capacity = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else None
    return RoomLine(number, cell("site"), cell("name"), capacity, cell("is_separate").lower() in YES)


def rows_of_text(text: str) -> list[list[str]]:
    """Return the cells of pasted lines: parted by tabs as spreadsheets copy them, else by commas."""
    return [re.split(r"\t" if "\t" in text else r"[,，;；]", line) for line in text.splitlines()]


def repeated(lines: Sequence[RoomLine]) -> Iterator[tuple[RoomLine, RoomLine]]:
    """Yield each room that stands in the list already, with the row where it stands first."""
    first: dict[tuple[str, str], RoomLine] = {}
    for line in lines:
        earlier = first.setdefault((line.site, line.name), line)
        if earlier is not line:
            yield line, earlier
