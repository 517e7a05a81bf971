"""What the pages of a hotspot item draw: the stem around its picture, and the regions upon it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from item_templates.contract import ItemContent, Json
from item_templates.hotspot.shapes import Region, read_region


@dataclass(frozen=True, slots=True)
class PictureParts:
    """A stem in three pieces, and the regions to be drawn on the picture."""

    before: str
    image: str
    after: str
    mode: str
    picks: int
    regions: tuple[Region, ...]


def mode_of(parameters: Mapping[str, Json]) -> str:
    """Return ``regions`` or ``point``."""
    return "point" if parameters.get("mode") == "point" else "regions"


def picks_of(parameters: Mapping[str, Json]) -> int:
    """Return how many regions or points a candidate may give, at least 1."""
    picks = parameters.get("picks")
    return picks if isinstance(picks, int) and not isinstance(picks, bool) and 1 <= picks <= 26 else 1


def regions_of(parameters: Mapping[str, Json]) -> dict[str, Region]:
    """Return the regions that can be read, by id."""
    given = parameters.get("regions")
    read = {name: read_region(name, one) for name, one in given.items()} if isinstance(given, Mapping) else {}
    return {name: region for name, region in read.items() if region}


def picture_parts(content: ItemContent | Mapping[str, Json]) -> PictureParts:
    """Return what a page draws, from an item or from its delivery view.

    Examples
    --------
    >>> parts = picture_parts(ItemContent("hotspot", '点出<img src="media:m" alt="图">。', parameters={"mode": "point"}))
    >>> parts.before, parts.image, parts.after, parts.mode
    ('点出', '<img src="media:m" alt="图">', '。', 'point')
    """
    stem = str(content["stem"]) if isinstance(content, Mapping) else content.stem
    parameters = (content.get("hotspot") or {}) if isinstance(content, Mapping) else content.parameters
    before, opening, rest = stem.partition("<img ")
    inside, closing, after = rest.partition('">')
    image = f"{opening}{inside}{closing}"
    regions = tuple(regions_of(parameters).values())
    return PictureParts(before, image, after, mode_of(parameters), picks_of(parameters), regions)
