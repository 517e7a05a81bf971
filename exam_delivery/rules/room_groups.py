"""What several rooms have in common is said once: seventeen rooms without invigilators are one line, with their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast

from kernel.i18n import N_

FEW_INVIGILATORS = N_("%(room)s 只有 %(n)s 名监考员，应有 %(wanted)s 名")
FEW_FOR_PEOPLE = N_("%(room)s 有 %(people)s 名考生，监考员 %(staff)s 名，应有 %(wanted)s 名")
SEATS_FAILED = N_("%(room)s：%(bad)s 个座位没有通过检查（通过 %(ok)s / %(n)s）")
SEATS_OPEN = N_("%(room)s：%(open)s 个座位还没有检查（通过 %(ok)s / %(n)s）")
SEATS_PASSED = N_("%(room)s：%(n)s 个座位全部通过检查")
DEVICES_PASSED = N_("%(room)s：每个座位的考试机都已检查通过")
TOGETHER: dict[str, str] = {
    FEW_INVIGILATORS: N_("%(n)s 个考场监考员不足：%(rooms)s"),
    FEW_FOR_PEOPLE: N_("%(n)s 个考场监考员不足：%(rooms)s"),
    SEATS_FAILED: N_("%(n)s 个考场有座位没有通过检查：%(rooms)s"),
    SEATS_OPEN: N_("%(n)s 个考场还有座位没有检查：%(rooms)s"),
    SEATS_PASSED: N_("%(n)s 个考场的座位全部通过检查：%(rooms)s"),
    DEVICES_PASSED: N_("%(n)s 个考场的考试机都已检查通过：%(rooms)s"),
}
"""What is said of several rooms instead of each one's own message."""
NUMBERS = re.compile(r"(\d+)")


class RoomLine(Protocol):
    """A line that may be about a room: a frozen dataclass with these fields."""

    @property
    def message(self) -> str:
        """What is said, with placeholders."""

    @property
    def params(self) -> Mapping[str, object]:
        """What fills them."""


L = TypeVar("L", bound=RoomLine)


def gather(lines: Sequence[L]) -> list[L]:
    """Return lines with those that say the same of several rooms as one, in the place of the first.

    The one keeps the others as its `parts`, so that each room's figures can still be read.
    """
    by_message: dict[str, list[L]] = {}
    for line in lines:
        by_message.setdefault(line.message, []).append(line)
    found = []
    for line in lines:
        same = by_message[line.message]
        if line.message not in TOGETHER or len(same) == 1:
            found.append(line)
        elif line is same[0]:
            found.append(_together(same))
    return found


def _together(same: Sequence[L]) -> L:
    rooms = "、".join(spans([str(line.params["room"]) for line in same]))
    params = {"n": len(same), "rooms": rooms}
    changed = replace(cast("Any", same[0]), message=TOGETHER[same[0].message], params=params, parts=tuple(same))
    return cast("L", changed)


def spans(names: Sequence[str]) -> Iterator[str]:
    """Yield names with those that count up one by one drawn together.

    >>> list(spans(["甲 第1考场", "甲 第2考场", "甲 第3考场", "甲 第5考场", "乙"]))
    ['甲 第1–3考场', '甲 第5考场', '乙']
    """
    run: list[str] = []
    place: int | None = None
    for name in names:
        step = _step(run[-1], name) if run else None
        if run and (step is None or place not in {None, step}):
            yield _span(run, place)
            run, step = [], None
        place = step
        run.append(name)
    if run:
        yield _span(run, place)


def _step(before: str, after: str) -> int | None:
    """Return which piece of a name is a number raised by one in the next name, all else being equal."""
    first, second = NUMBERS.split(before), NUMBERS.split(after)
    differ = [place for place, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]]
    if len(first) != len(second) or len(differ) != 1 or differ[0] % 2 == 0:
        return None
    return differ[0] if int(second[differ[0]]) == int(first[differ[0]]) + 1 else None


def _span(run: Sequence[str], place: int | None) -> str:
    if len(run) == 1 or place is None:
        return run[0]
    pieces = NUMBERS.split(run[0])
    pieces[place] += f"–{NUMBERS.split(run[-1])[place]}"
    return "".join(pieces)
