"""The booklet of a panel: items of a form with what is known of their difficulty, and the spec that the rules read."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from blueprints import repository, repository_panels
from blueprints.models import ExamForm, FormSlot
from blueprints.models_panels import PanelItem, StandardPanel
from blueprints.rules.packages import SlotContent, score_text
from blueprints.rules.panel_results import assumed_facility
from blueprints.rules.panels import Judged, PanelMethod, PanelSpec, RatedItem
from blueprints.services.bank import slot_contents
from kernel.canonical import digest
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, system_actor
from qbank import public as qbank
from qbank.public import StatisticsRow

TRUE_FALSE = ("true", "false")


def program(organisation_id: uuid.UUID) -> Actor:
    """Return who reads a form's items for a panel: raters know the bank by nothing but the booklet."""
    return system_actor(organisation_id, name="standard setting panel")


def form_slots(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> tuple[ExamForm, list[SlotContent]]:
    """Return a form with its slots as sealing freezes them."""
    reader = program(organisation_id)
    form = repository.get_form(session, form_id, actor=reader, with_slots=True)
    return form, slot_contents(session, reader, form)


def items_digest(slots: Sequence[SlotContent]) -> str:
    """Return what changes when an item of the form or its marks are exchanged."""
    return digest([[one.slot, str(one.item_version_id), one.part, score_text(one.score)] for one in slots])


def check_unchanged(session: Session, panel: StandardPanel) -> list[SlotContent]:
    """Return the slots of a panel's form; raises ConflictError when an item was exchanged since."""
    _form, slots = form_slots(session, panel.organisation_id, panel.exam_form_id)
    if items_digest(slots) != panel.items_digest:
        raise ConflictError(N_("试卷在专家组设立之后替换过试题，评定不再适用；请取消本专家组，为现在的试卷重新设立"))
    return slots


def build_items(session: Session, form: ExamForm, slots: Sequence[SlotContent], method: PanelMethod) -> list[PanelItem]:
    """Return the booklet: in the order of the form, for bookmarks from the easiest to the hardest."""
    known = qbank.load_statistics(session, program(form.organisation_id), [slot.item_id for slot in slots])
    places = {slot.slot: slot for slot in form.slots}
    items = [_item(slot, places[slot.place], known.get(slot.item_id), method) for slot in slots]
    if method is PanelMethod.BOOKMARK:
        items.sort(key=lambda one: (-one.assumed, one.number))
    for place, item in enumerate(items, 1):
        item.place = place
    return items


def _item(slot: SlotContent, place: FormSlot, row: StatisticsRow | None, method: PanelMethod) -> PanelItem:
    is_known = row is not None and row.item_version_id == slot.item_version_id and not slot.content.stimulus
    facility = row.proportion_correct if row is not None and is_known else None
    n_observed = row.n if row is not None and facility is not None else 0
    judged, options = judged_by(slot, method)
    return PanelItem(
        number=slot.slot, item_id=slot.item_id, item_version_id=slot.item_version_id,
        item_code=place.item_code, type=slot.content.type, point=slot.point, score=slot.score,
        judged=judged, options=list(options), difficulty=place.difficulty, proportion_correct=facility,
        n_observed=n_observed, assumed=assumed_facility(place.difficulty, facility, n_observed),
    )  # fmt: skip


def judged_by(slot: SlotContent, method: PanelMethod) -> tuple[Judged, tuple[str, ...]]:
    """Return what raters give for an item; Nedelsky's judgement asks for options with one key, other items get a chance."""
    if method is PanelMethod.BOOKMARK:
        return Judged.PLACE, ()
    if method is PanelMethod.EBEL:
        return Judged.CELL, ()
    if method is PanelMethod.NEDELSKY and slot.content.type == "single_choice":
        return Judged.OPTIONS, tuple(choice.id for choice in slot.content.choices)
    if method is PanelMethod.NEDELSKY and slot.content.type == "true_false":
        return Judged.OPTIONS, TRUE_FALSE
    return Judged.CHANCE, ()


def key_options(slot: SlotContent) -> set[str]:
    """Return the options of a choice item that are right: they cannot be ruled out."""
    key = slot.content.key
    if isinstance(key, bool):
        return {"true" if key else "false"}
    return set(key) if isinstance(key, list | tuple) else {str(key)}


def spec_of(session: Session, panel: StandardPanel) -> PanelSpec:
    """Return what a panel asks of each rater."""
    items = repository_panels.list_items(session, panel.standard_panel_id)
    return PanelSpec(panel.method, tuple(rated(item) for item in items), panel.asks_compromise)


def rated(item: PanelItem) -> RatedItem:
    """Return an item as the rules read it."""
    return RatedItem(
        place=item.place, number=item.number, score=float(item.score), judged=item.judged, options=tuple(item.options),
        facility=item.proportion_correct, assumed=item.assumed,
    )  # fmt: skip
