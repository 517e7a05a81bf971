"""The two documents of a sealed form: what candidates may see, and what scoring needs. Never the one inside the other."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from item_templates import registry
from item_templates.canonical import content_to_json
from item_templates.contract import ItemContent
from item_templates.markup import media_ids
from kernel.canonical import digest

DELIVERY_FORMAT = "kaoku-form-delivery/1"
SCORING_FORMAT = "kaoku-form-scoring/1"
KEY_VERSION = 1
ReadMedia = Callable[[str], tuple[bytes, str]]
"""Gives the bytes and the MIME type of a medium by its id."""


@dataclass(frozen=True, slots=True)
class FormHeader:
    """What stands above a form."""

    form_id: uuid.UUID
    title: str
    occupation: str
    level: str
    total_score: Decimal


@dataclass(frozen=True, slots=True)
class SectionText:
    """A part of a form: its heading and how to answer."""

    title: str
    instructions: str


@dataclass(frozen=True, slots=True)
class SlotContent:
    """One slot of a form with its frozen content; `section` counts from 0.

    An item may fill several slots: `place` is the item's place among the items of the form, `part` counts its slots from 1,
    `item_type` names the type that was chosen (the content may be of another one), `seed` is what the item was frozen with.
    """

    slot: int
    section: int
    item_id: uuid.UUID
    item_version_id: uuid.UUID
    point: str
    score: Decimal
    content: ItemContent
    place: int = 0
    part: int = 1
    seed: int = 0
    item_type: str = ""

    @property
    def chosen_type(self) -> str:
        """Registry name of the type under which the item was chosen and stands in its part of the form."""
        return self.item_type or self.content.type


def score_text(score: Decimal) -> str:
    """Return marks as text without trailing zeros.

    Examples
    --------
    >>> score_text(Decimal("1.500")), score_text(Decimal("100.000"))
    ('1.5', '100')
    """
    text = format(score, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def build_delivery(
    header: FormHeader, sections: Sequence[SectionText], slots: Sequence[SlotContent], read_media: ReadMedia
) -> dict[str, Any]:
    """Return the delivery document: built from what item types say may be shown, so no key can slip in.

    ``kaoku-form-delivery/1``: a text that several slots share stands once in ``stimuli``, a list of HTML that is there when
    there is any; the slots that share it follow each other and name it by ``stimulus``, its index.
    """
    stimuli, shared = shared_stimuli(slots)
    views = [delivery_slot(slot) | shared.get(slot.slot, {}) for slot in slots]
    texts = [*stimuli, *(html for view in views for html in shown_html(view))]
    names = dict.fromkeys(name for html in texts for name in media_ids(html))
    document = {
        "format": DELIVERY_FORMAT,
        "form_id": str(header.form_id),
        "title": header.title,
        "occupation": header.occupation,
        "level": header.level,
        "total_score": score_text(header.total_score),
        "sections": [
            {
                "title": section.title,
                "instructions": section.instructions,
                "slots": [slot.slot for slot in slots if slot.section == number],
            }
            for number, section in enumerate(sections)
        ],
        "slots": views,
        "media": {name: _embedded(*read_media(name)) for name in names},
    }
    return document | ({"stimuli": stimuli} if stimuli else {})


def shared_stimuli(slots: Sequence[SlotContent]) -> tuple[list[str], dict[int, dict[str, int]]]:
    """Return the texts that slots share, and for each slot that has one ``{"stimulus": index}``; one text for each place."""
    stimuli: list[str] = []
    places: dict[int, int] = {}
    shared = {}
    for slot in slots:
        if slot.content.stimulus:
            if slot.place not in places:
                places[slot.place] = len(stimuli)
                stimuli.append(slot.content.stimulus)
            shared[slot.slot] = {"stimulus": places[slot.place]}
    return stimuli, shared


def delivery_slot(slot: SlotContent) -> dict[str, Any]:
    """Return one slot of the delivery document, field by field."""
    item_type = registry.get(slot.content.type)
    view = item_type.render(slot.content)
    out: dict[str, Any] = {
        "slot": slot.slot,
        "section": slot.section,
        "type": view["type"],
        "interaction": view["interaction"],
        "multiple": view.get("max_choices", 1) > 1,
        "stem": view["stem"],
        "choices": view.get("choices", []),
        "targets": view.get("targets", []),
        "n_blanks": view.get("n_blanks", 0),
        "score": score_text(slot.score),
        "may_shuffle": item_type.may_shuffle(slot.content),
    }
    return out | {name: view[name] for name in ("unit", "hotspot") if view.get(name)}


def shown_html(view: Mapping[str, Any]) -> list[str]:
    """Return the texts of a delivery slot that may name pictures."""
    return [view["stem"], *(part["content"] for part in (*view["choices"], *view["targets"]))]


def _embedded(data: bytes, mime: str) -> dict[str, str]:
    return {"mime": mime, "data": base64.b64encode(data).decode("ascii")}


def build_scoring(form_id: uuid.UUID, delivery_digest: str, slots: Sequence[SlotContent]) -> dict[str, Any]:
    """Return the scoring document, bound to the delivery document by its digest.

    ``kaoku-form-scoring/1``: `item_version_id` and `part` (from 1) name what a slot measures, `seed` is what the item was
    frozen with; `content` is what came of it, a child of a testlet with its ``stimulus``.
    """
    return {
        "format": SCORING_FORMAT,
        "form_id": str(form_id),
        "delivery_digest": delivery_digest,
        "key_version": KEY_VERSION,
        "slots": [
            {
                "slot": slot.slot,
                "item_id": str(slot.item_id),
                "item_version_id": str(slot.item_version_id),
                "part": slot.part,
                "seed": slot.seed,
                "point": slot.point,
                "score": score_text(slot.score),
                "content": content_to_json(slot.content),
            }
            for slot in slots
        ],
    }


def document_digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document's canonical JSON."""
    return digest(document)
