"""Regions of a picture: their shapes, in thousandths of its width and height, and whether a point lies in one.

Thousandths hold at every size at which the picture is shown. A circle is an ellipse with its own radius for each direction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from item_templates.contract import Json

SHAPES = ("rect", "ellipse", "polygon")
SIDE = 1000
MAX_CORNERS = 40
_SEPARATORS = re.compile(r"[\s,，;；、()（）]+")
Point = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Region:
    """One region: ``rect`` by two opposite corners, ``ellipse`` by centre and radii, ``polygon`` by its corners."""

    id: str
    shape: str
    coords: tuple[int, ...]

    @property
    def centre(self) -> tuple[int, int]:
        """Where the region's letter stands."""
        if self.shape == "ellipse":
            return self.coords[0], self.coords[1]
        xs, ys = self.coords[0::2], self.coords[1::2]
        return sum(xs) // len(xs), sum(ys) // len(ys)

    @property
    def svg(self) -> Mapping[str, str]:
        """The attributes of the SVG element of the shape's name, in a view box of 1000 by 1000."""
        a = self.coords
        if self.shape == "rect":
            left, right, top, bottom = min(a[0], a[2]), max(a[0], a[2]), min(a[1], a[3]), max(a[1], a[3])
            sides = {"x": left, "y": top, "width": right - left, "height": bottom - top}
            return {name: str(value) for name, value in sides.items()}
        if self.shape == "ellipse":
            return {name: str(value) for name, value in zip(("cx", "cy", "rx", "ry"), a, strict=True)}
        return {"points": " ".join(f"{x},{y}" for x, y in zip(a[0::2], a[1::2], strict=True))}


def read_region(name: str, source: Json) -> Region | None:
    """Return the region that a JSON object describes, None when it describes none.

    Examples
    --------
    >>> read_region("A", {"shape": "rect", "coords": [0, 0, 500, 500]}).centre
    (250, 250)
    >>> read_region("A", {"shape": "rect", "coords": [0, 0, 0, 500]}) is None
    True
    """
    if not isinstance(source, Mapping):
        return None
    shape, coords = source.get("shape"), source.get("coords")
    if shape not in SHAPES or not isinstance(coords, list | tuple):
        return None
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= SIDE for one in coords):
        return None
    region = Region(name, str(shape), tuple(coords))
    return region if _has_area(region) else None


def _has_area(region: Region) -> bool:
    a = region.coords
    if region.shape == "polygon":
        return 6 <= len(a) <= 2 * MAX_CORNERS and len(a) % 2 == 0 and _twice_area(a) != 0
    if len(a) != 4:
        return False
    return a[0] != a[2] and a[1] != a[3] if region.shape == "rect" else a[2] > 0 and a[3] > 0


def _twice_area(coords: Sequence[int]) -> int:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _edges(coords))


def _edges(coords: Sequence[int]) -> Iterable[tuple[tuple[int, int], tuple[int, int]]]:
    corners = list(zip(coords[0::2], coords[1::2], strict=True))
    return zip(corners, [*corners[1:], corners[0]], strict=True)


def coords_of_text(text: str) -> Json:
    """Return typed coordinates as a list of whole numbers; the text itself when it holds anything else.

    Examples
    --------
    >>> coords_of_text("(100, 200)，300 400"), coords_of_text("左上角")
    ([100, 200, 300, 400], '左上角')
    """
    parts = [part for part in _SEPARATORS.split(text.strip()) if part]
    if parts and all(part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts):
        return [int(part) for part in parts]
    return text.strip()


def contains(region: Region, point: Point) -> bool:
    """Say whether a point lies in a region or on its border; a polygon is filled by the even-odd rule.

    Examples
    --------
    >>> square = Region("A", "rect", (0, 0, 500, 500))
    >>> contains(square, (Decimal(500), Decimal(250))), contains(square, (Decimal("500.1"), Decimal(250)))
    (True, False)
    """
    x, y = point
    a = region.coords
    if region.shape == "rect":
        return min(a[0], a[2]) <= x <= max(a[0], a[2]) and min(a[1], a[3]) <= y <= max(a[1], a[3])
    if region.shape == "ellipse":
        across, down = (x - a[0]) * a[3], (y - a[1]) * a[2]
        return across * across + down * down <= (a[2] * a[3]) ** 2
    return any(_on_edge(edge, point) for edge in _edges(a)) or _crossings(a, point) % 2 == 1


def _on_edge(edge: tuple[tuple[int, int], tuple[int, int]], point: Point) -> bool:
    (x1, y1), (x2, y2) = edge
    x, y = point
    on_line = (x - x1) * (y2 - y1) == (y - y1) * (x2 - x1)
    return on_line and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)


def _crossings(coords: Sequence[int], point: Point) -> int:
    """Return how many edges a ray to the right of the point crosses."""
    x, y = point
    count = 0
    for (x1, y1), (x2, y2) in _edges(coords):
        if (y1 > y) != (y2 > y):
            side = (x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)
            count += side < 0 if y2 > y1 else side > 0
    return count


def hits(regions: Sequence[Region], points: Sequence[Point]) -> int:
    """Return how many regions the points hit, each point counting for one region and each region once.

    Where regions overlap, points are given to them so that as many as possible are hit.

    Examples
    --------
    >>> wide, narrow = Region("A", "rect", (0, 0, 500, 500)), Region("B", "rect", (0, 0, 100, 100))
    >>> hits([wide, narrow], [(Decimal(50), Decimal(50)), (Decimal(60), Decimal(60))])
    2
    """
    taken: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column, point in enumerate(points):
            if column in tried or not contains(regions[row], point):
                continue
            tried.add(column)
            if column not in taken or place(taken[column], tried):
                taken[column] = row
                return True
        return False

    return sum(place(row, set()) for row in range(len(regions)))
