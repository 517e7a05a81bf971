"""Write items as the canonical JSON file; pictures go along under ``media``, by digest."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

from item_templates.canonical import item_to_json
from item_templates.contract import CanonicalItem
from kernel.i18n import N_
from qbank.interchange.model import Notice


def write_json(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return the file and what it could not carry; `media` holds the pictures by digest."""
    body: dict[str, object] = {"items": [item_to_json(item) for item in items]}
    wanted = {str(one.get("digest")): item.id for item in items for one in item.content.media}
    pictures = {name: base64.b64encode(media[name]).decode() for name in wanted if name in media}
    if pictures:
        body["media"] = pictures
    message = N_("图片文件不在手边，只写出了它的说明")
    losses = [Notice(f"item {item_id}", "picture", message) for name, item_id in wanted.items() if name not in media]
    return json.dumps(body, ensure_ascii=False, indent=1).encode() + b"\n", losses
