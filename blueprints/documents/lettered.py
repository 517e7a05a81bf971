"""Hotspot items on paper: regions and letters drawn on the picture, or a picture on which candidates put their marks."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from blueprints.rules.packages import SlotContent
from item_templates.contract import ItemContent
from item_templates.hotspot.pages import mode_of, picks_of, regions_of
from item_templates.hotspot.shapes import SIDE, Region
from item_templates.markup import media_ids

Media = Mapping[str, bytes]
OUTLINE, KEY_OUTLINE, HALO = (0, 0, 0), (0, 110, 50), (255, 255, 255)
MARK_PLACES = "（请在图上画 × 标出，共 {n} 处）"


def for_print(
    slots: Sequence[SlotContent], media: Media, *, with_key: bool
) -> tuple[list[SlotContent], dict[str, bytes]]:
    """Return slots and pictures as paper needs them; all but hotspot items stay as they are.

    On the form, regions to choose among are drawn with their letters, and where a place is to be pointed at neither regions
    nor their names appear. In the key, every picture shows its regions, those of the key twice as thick.
    """
    drawn = dict(media)
    out = []
    for slot in slots:
        is_drawn = slot.content.type == "hotspot"
        content = _printed(slot, drawn, with_key=with_key) if is_drawn else slot.content
        out.append(replace(slot, content=content))
    return out, drawn


def _printed(slot: SlotContent, drawn: dict[str, bytes], *, with_key: bool) -> ItemContent:
    content = slot.content
    if mode_of(content.parameters) == "point" and not with_key:
        hint = MARK_PLACES.format(n=picks_of(content.parameters))
        return replace(content, choices=(), stem=f"{content.stem}<br>{hint}")
    name = next(iter(media_ids(content.stem)), "")
    keys = content.key if with_key and isinstance(content.key, list | tuple) else ()
    picture = lettered(drawn.get(name, b""), list(regions_of(content.parameters).values()), keys)
    if not picture:
        return content
    new = f"lettered-{slot.slot}"
    drawn[new] = picture
    if with_key:
        return replace(content, explanation=f'<p><img src="media:{new}" alt=""></p>{content.explanation}')
    return replace(content, stem=re.sub(rf'src="media:{re.escape(name)}"', f'src="media:{new}"', content.stem))


def lettered(data: bytes, regions: Sequence[Region], keys: Sequence[str]) -> bytes:
    """Return a picture with regions outlined and named by their letters; empty when it is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            picture = image.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return b""
    pencil = ImageDraw.Draw(picture)
    width = max(2, min(picture.size) // 160)
    font = ImageFont.load_default(max(12, min(picture.size) // 18))
    for region in regions:
        is_key = region.id in keys
        _outline(
            pencil, _points(region, picture.size), KEY_OUTLINE if is_key else OUTLINE, width * (2 if is_key else 1)
        )
        x, y = (value * length / SIDE for value, length in zip(region.centre, picture.size, strict=True))
        pencil.text((x, y), region.id, OUTLINE, font=font, anchor="mm", stroke_width=width, stroke_fill=HALO)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _points(region: Region, size: tuple[int, int]) -> list[tuple[float, float]] | tuple[float, float, float, float]:
    """Return the box of an ellipse or the corners of any other shape, in pixels."""
    a, (across, down) = region.coords, (size[0] / SIDE, size[1] / SIDE)
    if region.shape == "ellipse":
        return (a[0] - a[2]) * across, (a[1] - a[3]) * down, (a[0] + a[2]) * across, (a[1] + a[3]) * down
    corners = (a[0], a[1], a[2], a[1], a[2], a[3], a[0], a[3]) if region.shape == "rect" else a
    return [(x * across, y * down) for x, y in zip(corners[0::2], corners[1::2], strict=True)]


def _outline(
    pencil: ImageDraw.ImageDraw,
    points: list[tuple[float, float]] | tuple[float, float, float, float],
    colour: tuple[int, int, int],
    width: int,
) -> None:
    """Draw a closed line with a light edge, so that it stands out on any picture."""
    for ink, thickness in ((HALO, width * 2), (colour, width)):
        if isinstance(points, tuple):
            pencil.ellipse(points, outline=ink, width=thickness)
        else:
            pencil.line([*points, points[0]], fill=ink, width=thickness, joint="curve")
