"""What forms need of the bank, fetched for whoever may read the form, inside the walls of the organisation."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy.orm import Session

from blueprints.models import ExamForm
from blueprints.rules.packages import ReadMedia, SlotContent
from kernel.identity.actor import Actor, system_actor
from qbank import public as qbank


def bank_actor(actor: Actor) -> Actor:
    """Return an actor who may read the organisation's items: the right to read a form carries the right to its items.

    The person stays named in audit events, which the callers write with the person's own unit of work.
    """
    return replace(system_actor(actor.organisation, actor.name), request_id=actor.request_id)


def contents_of(
    session: Session, actor: Actor, item_version_ids: Iterable[uuid.UUID]
) -> Mapping[uuid.UUID, qbank.FrozenItem]:
    """Return the frozen contents of item versions by version id."""
    return qbank.load_contents(session, bank_actor(actor), list(item_version_ids))


def slot_contents(session: Session, actor: Actor, form: ExamForm) -> list[SlotContent]:
    """Return the places of a form, in order, each with its item's frozen content; `form` has its slots loaded."""
    contents = contents_of(session, actor, [slot.item_version_id for slot in form.slots])
    return [
        SlotContent(
            slot=slot.slot, section=slot.section, item_id=slot.item_id, item_version_id=slot.item_version_id,
            point=slot.point, score=slot.score, content=contents[slot.item_version_id].content,
        )
        for slot in form.slots
    ]  # fmt: skip


def media_reader(session: Session, actor: Actor) -> ReadMedia:
    """Return what gives the bytes and type of a medium of the actor's organisation."""
    return lambda media_id: qbank.read_media(session, actor.organisation, media_id)
