"""Reading and writing sets of forms, always inside the actor's organisation."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from blueprints.models import ExamForm, FormDecision, FormPackage, FormReservation, FormSet, FormSlot
from blueprints.rules.states import FormStatus
from kernel.db import new_id
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST_FORMS = 5000
CHUNK = 5000
FEW = 500
MOST_MEMBERS = 20_000


def is_member() -> ColumnElement[bool]:
    """Say in a query that a form stands and falls with its set; one that takes a sealed form's place goes its own way."""
    return ExamForm.form_set_id.is_not(None) & ExamForm.replaces_form_id.is_(None)


def get_set(session: Session, form_set_id: uuid.UUID, *, actor: Actor) -> FormSet:
    """Return a set of the actor's organisation."""
    row = session.get(FormSet, form_set_id)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("卷组不存在"))
    return row


def lock_set(session: Session, form_set_id: uuid.UUID, *, actor: Actor) -> FormSet:
    """Return a set, locked for a change of state or for handing out its forms."""
    session.flush()
    query = select(FormSet).where(FormSet.form_set_id == form_set_id, FormSet.organisation_id == actor.organisation)
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError(N_("卷组不存在"))
    return row


def set_of_run(session: Session, run_id: uuid.UUID, *, actor: Actor) -> FormSet | None:
    """Return the set that a run's forms make, or None before they are taken over."""
    query = select(FormSet).where(FormSet.assembly_run_id == run_id, FormSet.organisation_id == actor.organisation)
    return session.scalar(query)


def list_sets(
    session: Session,
    *,
    actor: Actor,
    status: FormStatus | None = None,
    standard_level_id: uuid.UUID | None = None,
    offset: int = 0,
    limit: int = 50,
) -> tuple[Sequence[FormSet], int]:
    """Return one page of sets, newest first, and how many there are."""
    query = select(FormSet).where(FormSet.organisation_id == actor.organisation)
    if status is not None:
        query = query.where(FormSet.status == status)
    if standard_level_id is not None:
        query = query.where(FormSet.standard_level_id == standard_level_id)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return session.scalars(query.order_by(FormSet.created_at.desc()).offset(offset).limit(limit)).all(), total


def count_sets(session: Session, status: FormStatus, *, actor: Actor, not_by: uuid.UUID | None = None) -> int:
    """Return how many sets are in a state, leaving out those that `not_by` made."""
    query = select(func.count()).select_from(FormSet).where(
        FormSet.organisation_id == actor.organisation, FormSet.status == status
    )  # fmt: skip
    if not_by:
        query = query.where(FormSet.created_by.is_distinct_from(not_by))
    return session.scalar(query) or 0


def members(
    session: Session, form_set_id: uuid.UUID, *, offset: int = 0, limit: int = MOST_FORMS
) -> Sequence[ExamForm]:
    """Return forms of a set by label, those among them that take a sealed form's place."""
    query = select(ExamForm).where(ExamForm.form_set_id == form_set_id).order_by(ExamForm.label)
    return session.scalars(query.offset(offset).limit(limit)).all()


def count_members(session: Session, form_set_id: uuid.UUID, status: FormStatus | None = None) -> int:
    """Return how many forms a set has, all or those in a state."""
    query = select(func.count()).select_from(ExamForm).where(ExamForm.form_set_id == form_set_id)
    return session.scalar(query.where(ExamForm.status == status) if status else query) or 0


def versions_of_set(session: Session, form_set_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the item versions that stand in any form of a set, each once."""
    query = (
        select(FormSlot.item_version_id)
        .join(ExamForm, ExamForm.exam_form_id == FormSlot.exam_form_id)
        .where(ExamForm.form_set_id == form_set_id)
        .distinct()
    )
    return list(session.scalars(query))


def places_of_set(session: Session, form_set_id: uuid.UUID) -> dict[str, dict[uuid.UUID, str]]:
    """Return the item versions in every form of a set that stands and falls with it, by label, each with its code."""
    query = (
        select(ExamForm.label, FormSlot.item_version_id, FormSlot.item_code)
        .join(ExamForm, ExamForm.exam_form_id == FormSlot.exam_form_id)
        .where(ExamForm.form_set_id == form_set_id, is_member(), ExamForm.status != FormStatus.WITHDRAWN)
        .order_by(ExamForm.label)
    )
    found: dict[str, dict[uuid.UUID, str]] = {}
    for label, version, code in session.execute(query):
        found.setdefault(label, {})[version] = code
    return found


def items_of_set(session: Session, form_set_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Return in how many forms of a set each item stands, forms withdrawn left out."""
    query = (
        select(FormSlot.item_id, func.count())
        .join(ExamForm, ExamForm.exam_form_id == FormSlot.exam_form_id)
        .where(ExamForm.form_set_id == form_set_id, ExamForm.status != FormStatus.WITHDRAWN)
        .group_by(FormSlot.item_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def makers_of_set(session: Session, form_set_id: uuid.UUID, acts: Collection[Any]) -> set[uuid.UUID | None]:
    """Return who did any of some acts with a form of a set."""
    query = (
        select(FormDecision.decided_by)
        .join(ExamForm, ExamForm.exam_form_id == FormDecision.exam_form_id)
        .where(ExamForm.form_set_id == form_set_id, FormDecision.act.in_(acts))
        .distinct()
    )
    return set(session.scalars(query))


def add_forms(session: Session, forms: Sequence[Mapping[str, Any]], slots: Sequence[Mapping[str, Any]]) -> None:
    """Store very many forms with their places at once."""
    session.flush()
    session.execute(insert(ExamForm), [{"version": 1, "status": FormStatus.DRAFT, **form} for form in forms])
    for start in range(0, len(slots), CHUNK):
        rows = [{"form_slot_id": new_id(), "is_locked": False, **slot} for slot in slots[start : start + CHUNK]]
        session.execute(insert(FormSlot), rows)


def step_members(
    session: Session, form_set_id: uuid.UUID, values: Mapping[str, Any], decision: Mapping[str, Any]
) -> None:
    """Bring the forms that stand and fall with a set one step further, and note it in the history of each."""
    mine = (ExamForm.form_set_id == form_set_id, is_member(), ExamForm.status != FormStatus.WITHDRAWN)
    session.flush()
    keys = session.scalars(select(ExamForm.exam_form_id).where(*mine)).all()
    told = [{"form_decision_id": new_id(), "exam_form_id": key, **decision} for key in keys]
    if told:
        session.execute(insert(FormDecision), told)
        changes = {**values, "version": ExamForm.version + 1}
        session.execute(update(ExamForm).where(*mine).values(**changes).execution_options(synchronize_session=False))
    session.expire_all()


def next_to_seal(session: Session, form_set_id: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """Return approved forms of a set that have no package yet."""
    query = select(ExamForm.exam_form_id).where(
        ExamForm.form_set_id == form_set_id, is_member(), ExamForm.status == FormStatus.APPROVED
    )
    return list(session.scalars(query.order_by(ExamForm.label).limit(limit)))


def live_forms(session: Session, form_set_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the sealed forms of a set whose place no other sealed form has taken, by label."""
    successor = aliased(ExamForm)
    replaced = select(successor.replaces_form_id).where(
        successor.form_set_id == form_set_id, successor.status == FormStatus.SEALED,
        successor.replaces_form_id.is_not(None),
    )  # fmt: skip
    query = (
        select(ExamForm.exam_form_id)
        .join(FormPackage, FormPackage.exam_form_id == ExamForm.exam_form_id)
        .where(
            ExamForm.form_set_id == form_set_id, ExamForm.status == FormStatus.SEALED,
            ExamForm.exam_form_id.not_in(replaced),
        )
        .order_by(ExamForm.label)
    )  # fmt: skip
    return list(session.scalars(query))


def count_reserved(session: Session, form_set_id: uuid.UUID) -> int:
    """Return how many sittings count on forms of a set."""
    query = (
        select(func.count(FormReservation.reference.distinct()))
        .join(ExamForm, ExamForm.exam_form_id == FormReservation.exam_form_id)
        .where(ExamForm.form_set_id == form_set_id)
    )
    return session.scalar(query) or 0


def reserve_forms(session: Session, form_ids: Collection[uuid.UUID], reference: str, moment: datetime) -> None:
    """Note that a sitting counts on exactly these forms of the set it takes."""
    session.execute(delete(FormReservation).where(FormReservation.reference == reference))
    rows = [
        {"form_reservation_id": new_id(), "exam_form_id": key, "reference": reference, "reserved_at": moment}
        for key in form_ids
    ]
    if rows:
        session.execute(insert(FormReservation), rows)


def sealed_members(session: Session, *, actor: Actor) -> list[tuple[ExamForm, uuid.UUID, str]]:
    """Return the sealed forms that belong to any set of the organisation, each with its package's key and digest."""
    query = (
        select(ExamForm, FormPackage.form_package_id, FormPackage.delivery_digest)
        .join(FormPackage, FormPackage.exam_form_id == ExamForm.exam_form_id)
        .where(
            ExamForm.organisation_id == actor.organisation, ExamForm.form_set_id.is_not(None),
            ExamForm.status == FormStatus.SEALED,
        )
        .order_by(FormPackage.sealed_at.desc())
    )  # fmt: skip
    return [(row[0], row[1], row[2]) for row in session.execute(query.limit(MOST_MEMBERS))]


def forms_holding(
    session: Session, form_ids: Sequence[uuid.UUID], item_version_id: uuid.UUID, *, actor: Actor
) -> list[uuid.UUID]:
    """Return those of some forms in which a version of an item stands."""
    query = (
        select(ExamForm.exam_form_id)
        .join(FormSlot, FormSlot.exam_form_id == ExamForm.exam_form_id)
        .where(ExamForm.organisation_id == actor.organisation, FormSlot.item_version_id == item_version_id)
        .distinct()
    )
    parts = [form_ids[start : start + FEW] for start in range(0, len(form_ids), FEW)]
    return [key for some in parts for key in session.scalars(query.where(ExamForm.exam_form_id.in_(some)))]


def replaced_forms(session: Session, form_ids: Sequence[uuid.UUID], *, actor: Actor) -> list[tuple[ExamForm, ExamForm]]:
    """Return those of some forms whose place another sealed form has taken, each with that form."""
    successor = aliased(ExamForm)
    query = (
        select(ExamForm, successor)
        .join(successor, successor.replaces_form_id == ExamForm.exam_form_id)
        .where(
            ExamForm.organisation_id == actor.organisation, ExamForm.status == FormStatus.SEALED,
            successor.status == FormStatus.SEALED,
        )
        .order_by(ExamForm.label)
    )  # fmt: skip
    parts = [form_ids[start : start + FEW] for start in range(0, len(form_ids), FEW)]
    return [(row[0], row[1]) for some in parts for row in session.execute(query.where(ExamForm.exam_form_id.in_(some)))]
