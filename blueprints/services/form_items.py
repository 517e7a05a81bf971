"""The items of a form as item files carry them: whole items, frozen where a form freezes, with the form's marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from blueprints.documents.package import FormItem
from blueprints.models import ExamForm, FormSlot
from blueprints.rules.freezing import shared_out
from blueprints.rules.packages import SlotContent
from blueprints.rules.sections import sections_of
from item_templates.contract import CanonicalItem, ItemContent
from kernel.identity.actor import Actor
from qbank import public as qbank


def canonical_items(session: Session, actor: Actor, form: ExamForm, slots: Sequence[SlotContent]) -> list[FormItem]:
    """Return the items of a form in order; an item that fills several slots comes once, as a whole."""
    kept = qbank.load_contents(session, actor, [place.item_version_id for place in form.slots])
    titles = {section.number: f"{section.numeral}、{section.label}" for section in sections_of(slots)}
    by_place: dict[int, list[SlotContent]] = {}
    for slot in slots:
        by_place.setdefault(slot.place, []).append(slot)
    items = []
    for place in form.slots:
        here, frozen = by_place[place.slot], kept[place.item_version_id]
        content = _whole(place, here, frozen.content)
        item = CanonicalItem(frozen.code, content, frozen.points, place.difficulty)
        items.append(FormItem(place.section, titles[place.section], here[0].slot, here[-1].slot, item))
    return items


def _whole(place: FormSlot, slots: Sequence[SlotContent], content: ItemContent) -> ItemContent:
    """Return what stands in a place: what the form froze, or a set with the marks that the form gives its parts."""
    if not content.items:
        return replace(slots[0].content, score=place.score)
    scores = shared_out(place.score, [child.score for child in content.items])
    children = tuple(replace(child, score=score) for child, score in zip(content.items, scores, strict=True))
    return replace(content, items=children, score=place.score)
