"""Which items stand in which forms, over all forms of an organisation."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, selectinload

from blueprints.models import ExamForm, FormPackage, FormSlot
from blueprints.rules.states import FormStatus
from kernel.identity.actor import Actor

MOST_FORMS = 2000
MOST_SLOTS = 400_000
IN_WORK = (FormStatus.DRAFT, FormStatus.IN_REVIEW, FormStatus.APPROVED)


def forms_holding(session: Session, item_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamForm]:
    """Return the forms that hold an item and were not withdrawn, oldest first, with their slots."""
    holding = select(FormSlot.exam_form_id).where(FormSlot.item_id == item_id)
    query = select(ExamForm).where(
        ExamForm.organisation_id == actor.organisation, ExamForm.exam_form_id.in_(holding),
        ExamForm.status != FormStatus.WITHDRAWN,
    )  # fmt: skip
    ordered = query.options(selectinload(ExamForm.slots)).order_by(ExamForm.created_at, ExamForm.label)
    return session.scalars(ordered.limit(MOST_FORMS)).all()


def count_forms_holding(session: Session, item_ids: Collection[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, int]:
    """Return in how many forms on their way to be sealed, or sealed, some items stand."""
    query = (
        select(FormSlot.item_id, func.count())
        .join(ExamForm, ExamForm.exam_form_id == FormSlot.exam_form_id)
        .where(
            ExamForm.organisation_id == actor.organisation, ExamForm.status != FormStatus.WITHDRAWN,
            FormSlot.item_id.in_(item_ids),
        )
        .group_by(FormSlot.item_id)
    )  # fmt: skip
    return {row[0]: row[1] for row in session.execute(query)} if item_ids else {}


def count_in_work(session: Session, item_ids: Collection[uuid.UUID], *, actor: Actor) -> int:
    """Return how many forms that are not sealed yet hold any of some items."""
    holding = select(FormSlot.exam_form_id).where(FormSlot.item_id.in_(item_ids))
    query = select(func.count()).select_from(ExamForm).where(
        ExamForm.organisation_id == actor.organisation, ExamForm.status.in_(IN_WORK), ExamForm.exam_form_id.in_(holding)
    )  # fmt: skip
    return (session.scalar(query) or 0) if item_ids else 0


def list_replacing(session: Session, form_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamForm]:
    """Return the forms that take a form's place and were not withdrawn, oldest first."""
    query = select(ExamForm).where(
        ExamForm.replaces_form_id == form_id, ExamForm.organisation_id == actor.organisation,
        ExamForm.status != FormStatus.WITHDRAWN,
    )  # fmt: skip
    return session.scalars(query.order_by(ExamForm.created_at)).all()


def count_replacing(session: Session, form_id: uuid.UUID) -> int:
    """Return how many forms ever took a form's place."""
    query = select(func.count()).select_from(ExamForm).where(ExamForm.replaces_form_id == form_id)
    return session.scalar(query) or 0


def last_forms(
    session: Session, standard_level_id: uuid.UUID, *, but: Collection[uuid.UUID], limit: int, actor: Actor
) -> Sequence[ExamForm]:
    """Return the newest forms of a level that were not withdrawn, with their slots, some left out."""
    query = select(ExamForm).where(
        ExamForm.organisation_id == actor.organisation, ExamForm.standard_level_id == standard_level_id,
        ExamForm.status != FormStatus.WITHDRAWN, ExamForm.form_set_id.is_(None), ExamForm.exam_form_id.not_in(but),
    )  # fmt: skip
    ordered = query.options(selectinload(ExamForm.slots)).order_by(ExamForm.created_at.desc(), ExamForm.label)
    return session.scalars(ordered.limit(limit)).all()


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """An item in a form, as the form keeps it."""

    exam_form_id: uuid.UUID
    item_id: uuid.UUID
    item_code: str
    type: str
    point: str


def items_of_sealed_forms(session: Session, standard_level_id: uuid.UUID, *, actor: Actor) -> list[PlacedItem]:
    """Return the items of every form of a level that was ever sealed, forms withdrawn since among them."""
    columns = (FormSlot.exam_form_id, FormSlot.item_id, FormSlot.item_code, FormSlot.type, FormSlot.point)
    query = (
        select(*columns)
        .join(ExamForm, ExamForm.exam_form_id == FormSlot.exam_form_id)
        .join(FormPackage, FormPackage.exam_form_id == ExamForm.exam_form_id)
        .where(ExamForm.organisation_id == actor.organisation, ExamForm.standard_level_id == standard_level_id)
        .order_by(ExamForm.created_at)
    )
    return [PlacedItem(*row) for row in session.execute(query.limit(MOST_SLOTS))]


def holding(placed: Sequence[PlacedItem]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Return the items by form."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {}
    for one in placed:
        found.setdefault(one.exam_form_id, []).append(one.item_id)
    return found


def forms_ever_holding(session: Session, item_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamForm]:
    """Return every form that holds an item, withdrawn ones among them, with their slots."""
    holding_it = select(FormSlot.exam_form_id).where(FormSlot.item_id == item_id)
    query = select(ExamForm).where(
        ExamForm.organisation_id == actor.organisation, ExamForm.exam_form_id.in_(holding_it)
    )
    ordered = query.options(selectinload(ExamForm.slots)).order_by(ExamForm.created_at.desc())
    return session.scalars(ordered.limit(MOST_FORMS)).all()


def levels_with_forms(session: Session, *, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return the levels that have forms, with their names, by name."""
    name = ExamForm.occupation_name + " " + ExamForm.level_name
    query = select(ExamForm.standard_level_id, func.max(name)).where(ExamForm.organisation_id == actor.organisation)
    found = session.execute(query.group_by(ExamForm.standard_level_id).limit(MOST_FORMS))
    return sorted(((row[0], row[1]) for row in found), key=lambda pair: pair[1])


def code_of(session: Session, item_id: uuid.UUID, *, actor: Actor) -> str:
    """Return the code under which an item stands in the organisation's forms; empty when it stands in none."""
    query = (
        select(FormSlot.item_code)
        .join(ExamForm, ExamForm.exam_form_id == FormSlot.exam_form_id)
        .where(ExamForm.organisation_id == actor.organisation, FormSlot.item_id == item_id)
    )
    return session.scalar(query.limit(1)) or ""


def superseded_forms(session: Session, *, actor: Actor) -> list[uuid.UUID]:
    """Return the sealed forms whose place another sealed form has taken."""
    successor = aliased(ExamForm)
    query = (
        select(ExamForm.exam_form_id)
        .join(successor, successor.replaces_form_id == ExamForm.exam_form_id)
        .where(
            ExamForm.organisation_id == actor.organisation, ExamForm.status == FormStatus.SEALED,
            successor.status == FormStatus.SEALED,
        )
        .distinct()
    )  # fmt: skip
    return list(session.scalars(query.limit(MOST_FORMS)))
