"""Hotspot items as interactions on their picture; regions in pixels of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from lxml.etree import _Element

from item_templates.contract import ItemContent
from item_templates.hotspot.pages import mode_of, picks_of, picture_parts, regions_of
from item_templates.hotspot.shapes import SIDE, Region
from item_templates.markup import media_ids, one_line
from item_templates.rounding import decimal_text
from qbank.interchange.qti import rules_out as rules
from qbank.interchange.qti.build import append, element
from qbank.interchange.qti.desk import Desk, Part, declaration, map_table
from qbank.interchange.qti.found import encode_id
from qbank.interchange.qti.markup_out import blocks
from qbank.interchange.qti.read_hotspot import LABEL, Size

THEIRS = {"rect": "rect", "ellipse": "ellipse", "polygon": "poly"}
UNKNOWN_SIZE = (SIDE, SIDE)


def write_hotspot(content: ItemContent, desk: Desk) -> Part:
    """Return a hotspot item as an interaction with its picture; the stem stands around it."""
    parts = picture_parts(content)
    name = next(iter(media_ids(content.stem)), "")
    size = desk.size(name) or UNKNOWN_SIZE
    make = _point if mode_of(content.parameters) == "point" else _regions
    made, interaction = make(content, desk, size)
    interaction.insert(0, _picture(content, name, size, desk))
    made.body = [*blocks(parts.before, desk.address), interaction, *blocks(parts.after, desk.address)]
    return made


def _picture(content: ItemContent, name: str, size: Size, desk: Desk) -> _Element:
    medium = next((one for one in content.media if one.get("id") == name), {})
    sides = {"width": str(size[0]), "height": str(size[1])}
    kind = str(medium.get("mime") or "image/png")
    return element("object", {"type": kind, "data": desk.address(name), **sides}, [str(medium.get("alt") or "")])


def _regions(content: ItemContent, desk: Desk, size: Size) -> tuple[Part, _Element]:
    shapes, picks = regions_of(content.parameters), picks_of(content.parameters)
    options = [
        element(
            "hotspotChoice",
            {"identifier": encode_id(one.id), **_shape(shapes[one.id], size), LABEL: one_line(one.content)},
        )
        for one in content.choices
        if one.id in shapes
    ]
    interaction = element(
        "hotspotInteraction", {"responseIdentifier": desk.response, "maxChoices": str(picks)}, options
    )
    key = [encode_id(one) for one in content.key]
    several = picks > 1
    table, template, steps = None, "", []
    if content.scoring.get("method") == "per_region" and several:
        part = rules.share(content.score, len(key))
        worth = [(encode_id(one.id), part if one.id in content.key else -content.score) for one in content.choices]
        table, template = map_table(worth, Decimal(0), content.score), rules.MAP
    elif content.score == 1:
        template = rules.MATCH
    else:
        steps = [rules.condition((rules.match(desk.response), rules.set_score(desk.outcome, content.score)))]
    declared = declaration(desk.response, "multiple" if several else "single", "identifier", key, table)
    return Part([declared], [], template, steps), interaction


def _point(content: ItemContent, desk: Desk, size: Size) -> tuple[Part, _Element]:
    shapes, picks = regions_of(content.parameters), picks_of(content.parameters)
    wanted = [shapes[one] for one in content.key if one in shapes]
    attributes = {"responseIdentifier": desk.response, "maxChoices": str(picks)}
    declared = declaration(
        desk.response, "multiple" if picks > 1 else "single", "point", [_centre(one, size) for one in wanted]
    )
    append(declared, _areas(content, wanted, size))
    all_hit = element("mapResponsePoint", {"identifier": desk.response})
    steps = []
    template = rules.MAP_POINT
    if content.scoring.get("method") != "per_region" and len(wanted) > 1:
        test = element("gte", None, [all_hit, rules.base_value(decimal_text(content.score), "float")])
        steps, template = [rules.condition((test, rules.set_score(desk.outcome, content.score)))], ""
    return Part([declared], [], template, steps), element("selectPointInteraction", attributes)


def _areas(content: ItemContent, wanted: Sequence[Region], size: Size) -> _Element:
    worth = decimal_text(rules.share(content.score, len(wanted)))
    entries = [element("areaMapEntry", {**_shape(one, size), "mappedValue": worth}) for one in wanted]
    return element("areaMapping", {"upperBound": decimal_text(content.score), "defaultValue": "0"}, entries)


def _shape(region: Region, size: Size) -> dict[str, str]:
    coords = list(region.coords)
    if region.shape == "rect":
        coords = [min(coords[0::2]), min(coords[1::2]), max(coords[0::2]), max(coords[1::2])]
    pixels = [str(round(one * size[n % 2] / SIDE)) for n, one in enumerate(coords)]
    return {"shape": THEIRS[region.shape], "coords": ",".join(pixels)}


def _centre(region: Region, size: Size) -> str:
    return " ".join(str(round(one * side / SIDE)) for one, side in zip(region.centre, size, strict=True))
