"""Areas of images: whether a point lies in one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

Point = Sequence[Decimal]


def is_inside(point: Point, shape: str, area: Sequence[Decimal]) -> bool:
    """Say whether a point lies in an area: ``rect``, ``circle``, ``ellipse``, ``poly`` or ``default``, edges included.

    Examples
    --------
    >>> is_inside((Decimal(5), Decimal(5)), "circle", (Decimal(4), Decimal(5), Decimal(1)))
    True
    """
    if len(point) != 2 or None in point:
        return False
    test = {"rect": _in_rect, "circle": _in_circle, "ellipse": _in_ellipse, "poly": _in_polygon}.get(shape)
    return test(point[0], point[1], area) if test else shape == "default"


def _in_rect(x: Decimal, y: Decimal, area: Sequence[Decimal]) -> bool:
    return len(area) == 4 and area[0] <= x <= area[2] and area[1] <= y <= area[3]


def _in_circle(x: Decimal, y: Decimal, area: Sequence[Decimal]) -> bool:
    return len(area) == 3 and (x - area[0]) ** 2 + (y - area[1]) ** 2 <= area[2] ** 2


def _in_ellipse(x: Decimal, y: Decimal, area: Sequence[Decimal]) -> bool:
    if len(area) != 4 or not area[2] or not area[3]:
        return False
    return ((x - area[0]) / area[2]) ** 2 + ((y - area[1]) / area[3]) ** 2 <= 1


def _in_polygon(x: Decimal, y: Decimal, area: Sequence[Decimal]) -> bool:
    corners = list(zip(area[::2], area[1::2], strict=False))
    if len(corners) < 3:
        return False
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if _on_edge(x, y, (x1, y1), (x2, y2)):
            return True
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _on_edge(x: Decimal, y: Decimal, one: Point, two: Point) -> bool:
    cross = (two[0] - one[0]) * (y - one[1]) - (two[1] - one[1]) * (x - one[0])
    between = min(one[0], two[0]) <= x <= max(one[0], two[0]) and min(one[1], two[1]) <= y <= max(one[1], two[1])
    return cross == 0 and between
