"""Which items stand in which forms, over all forms of an organisation."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from blueprints.models import ExamForm, FormSlot
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
