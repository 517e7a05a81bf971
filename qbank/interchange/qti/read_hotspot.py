"""Interactions on a picture: regions that are picked, places that are pointed at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lxml.etree import _Element

from item_templates.contract import Choice, ItemContent, Json
from item_templates.hotspot.shapes import SIDE, read_region
from item_templates.markup import from_plain
from kernel.i18n import N_
from qbank.interchange.qti.declarations import Area, Response, coordinates
from qbank.interchange.qti.found import Context, Taken, best_entries, identifiers, letters, no_key, worth_of
from qbank.interchange.qti.images import size_of
from qbank.interchange.qti.tree import text_of
from qbank.interchange.reading import SkippedRecord

Size = tuple[int, int]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
OURS = {"rect": "rect", "ellipse": "ellipse", "poly": "polygon", "circle": "ellipse"}
LABEL = "hotspotLabel"


def read_hotspot(context: Context, interaction: _Element, number: int) -> Taken:
    """Return the hotspot item that a ``hotspotInteraction`` is: its regions are picked."""
    response = context.response(interaction)
    picture, size = _picture(context, interaction)
    elements = interaction.findall("hotspotChoice")
    ids = letters(identifiers(elements))
    regions = {
        ids[one.get("identifier", "")]: region_json(one.get("shape", ""), coordinates(one.get("coords")), size)
        for one in elements
    }
    choices = tuple(
        Choice(mine, from_plain(one.get(LABEL) or N_("区域 %(id)s") % {"id": mine}))
        for mine, one in zip(ids.values(), elements, strict=True)
    )
    named = list(response.correct) or best_entries(response)
    key = [mine for name, mine in ids.items() if name in named]
    if not key:
        raise no_key()
    most = _count(interaction, len(choices) if response.cardinality != "single" else 1)
    back = {mine: name for name, mine in ids.items()}
    content = ItemContent("hotspot", "", choices, key, parameters=_parameters("regions", max(most, len(key)), regions))
    return Taken(
        content,
        lambda answer: {response.identifier: [back[one] for one in answer]},
        worth_of(response, ids),
        {number: picture},
    )


def read_select_point(context: Context, interaction: _Element, number: int) -> Taken:
    """Return the hotspot item that a ``selectPointInteraction`` is: a place is pointed at."""
    response = context.response(interaction)
    picture, size = _picture(context, interaction)
    areas = _paid(response)
    if len(areas) > 1 and response.cardinality == "single":
        raise SkippedRecord("qti_several_areas", N_("只点一处却有几个正确的区域，无法导入"))
    ids = list(ALPHABET[: len(areas)])
    regions = {mine: region_json(one.shape, one.coordinates, size) for mine, one in zip(ids, areas, strict=True)}
    choices = tuple(Choice(mine, from_plain(N_("区域 %(id)s") % {"id": mine})) for mine in ids)
    content = ItemContent("hotspot", "", choices, ids, parameters=_parameters("point", len(ids), regions))

    def encode(answer: Sequence[Any]) -> dict[str, list[str]]:
        return {response.identifier: [_pixels(point, size) for point in answer]}

    return Taken(content, encode, texts={number: picture})


def _paid(response: Response) -> list[Area]:
    """Return the areas that earn something; raises SkippedRecord where there are none or too many."""
    areas = [one for one in response.areas.areas if one.value > 0] if response.areas else []
    if not areas:
        raise SkippedRecord("no_key", N_("没有写明正确的区域（areaMapping）"))
    if len(areas) > len(ALPHABET) or any(one.shape not in OURS for one in areas):
        raise SkippedRecord("qti_area", N_("正确的区域太多，或形状无法识别"))
    return areas


def _picture(context: Context, interaction: _Element) -> tuple[str, Size]:
    """Return the picture as HTML and the size to which coordinates refer; raises SkippedRecord without one."""
    found = next((one for one in interaction.iter("object", "img")), None)
    if found is None:
        raise SkippedRecord("no_picture", N_("热区题没有图片"))
    html = context.flow.picture(found.get("data", "") or found.get("src", ""), found.get("alt", "") or text_of(found))
    name = html.partition("media:")[2].partition('"')[0]
    declared = [found.get(side, "") for side in ("width", "height")]
    size = (int(declared[0]), int(declared[1])) if all(one.isdigit() and int(one) for one in declared) else None
    size = size or size_of(context.flow.shelf.pictures.get(name, b""))
    if not html or size is None:
        raise SkippedRecord("no_picture", N_("热区题的图片不在文件中，或大小不明"))
    return html, size


def _count(interaction: _Element, unlimited: int) -> int:
    text = interaction.get("maxChoices", "1")
    return (int(text) if text.isdigit() else 1) or unlimited


def _parameters(mode: str, picks: int, regions: Mapping[str, Json]) -> dict[str, Json]:
    return {"mode": mode, "picks": picks, "regions": dict(regions)}


def region_json(shape: str, pixels: Sequence[Decimal], size: Size) -> Json:
    """Return a region in thousandths; raises SkippedRecord for a shape that is none of ours.

    Examples
    --------
    >>> region_json("circle", (Decimal(50), Decimal(25), Decimal(10)), (100, 50))
    {'shape': 'ellipse', 'coords': [500, 500, 100, 200]}
    """
    if shape == "circle" and len(pixels) == 3:
        pixels = (*pixels, pixels[2])
    made = {"shape": OURS.get(shape, ""), "coords": [_thousandth(one, size[n % 2]) for n, one in enumerate(pixels)]}
    if read_region("A", made) is None:
        raise SkippedRecord("qti_area", N_("图片上的区域（%(shape)s）无法识别") % {"shape": shape[:20]})
    return made


def _thousandth(pixel: Decimal, side: int) -> int:
    return int((pixel * SIDE / side).to_integral_value())


def _pixels(point: Sequence[str], size: Size) -> str:
    return " ".join(f"{Decimal(one) * side / SIDE:f}" for one, side in zip(point, size, strict=True))
