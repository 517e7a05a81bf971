"""Machines of a room: what a list of them says, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_

CODE = re.compile(r"[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9\u4e00-\u9fff._/#-]{0,39}")
MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A machine with the seat at which it stands."""

    seat_number: int
    code: str


def read_code(text: str) -> str:
    """Return the number of a machine as it is kept; raises InvalidInputError."""
    found = text.strip()
    if not CODE.fullmatch(found):
        message = N_("机器编号由字母、数字、汉字和 . _ / # - 组成，不超过 40 个字")
        raise InvalidInputError(message, fields={"device": [message]})
    return found


def read_lines(text: str, *, capacity: int) -> list[DeviceLine]:
    r"""Return the machines of a list, a line each: seat, blank, number of the machine; raises InvalidInputError.

    Examples
    --------
    >>> read_lines("1 PC-01\n02，PC-02", capacity=2)
    [DeviceLine(seat_number=1, code='PC-01'), DeviceLine(seat_number=2, code='PC-02')]
    """
    found = [_line(number, line, capacity) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    seats, codes = [one.seat_number for one in found], [one.code for one in found]
    if not found or len(found) > MOST_LINES:
        raise _mistake(N_("请填写 1–1000 行，每行一台机器"))
    if len(set(seats)) < len(seats) or len(set(codes)) < len(codes):
        raise _mistake(N_("同一个座位或同一台机器写了两次，请改正"))
    return found


def _line(number: int, line: str, capacity: int) -> DeviceLine:
    parts = re.split(r"[\s,，;；:：]+", line.strip(), maxsplit=1)
    if len(parts) < 2 or not parts[0].isdecimal() or not 1 <= int(parts[0]) <= capacity:
        raise _mistake(N_("第 %(line)s 行应是“座位号 机器编号”，座位号在 1–%(n)s 之间"), line=number, n=capacity)
    return DeviceLine(int(parts[0]), read_code(parts[1]))


def _mistake(message: str, **params: object) -> InvalidInputError:
    return InvalidInputError(message, fields={"devices": [message % params if params else message]}, **params)
