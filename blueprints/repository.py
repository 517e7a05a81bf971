"""Reading blueprints, runs, forms and packages, always inside the actor's organisation."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, selectinload

from blueprints.models import (
    AssemblyRun,
    ExamBlueprint,
    ExamForm,
    FormChange,
    FormDecision,
    FormPackage,
    FormReservation,
    FormSlot,
)
from blueprints.rules.blueprint_states import Stage
from blueprints.rules.states import BlueprintStatus, FormStatus, RunStatus
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.lists import UNORDERED, Order, ordered_by

MOST_FORMS = 1000


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; empty values leave it open."""

    text: str = ""
    standard_level_id: uuid.UUID | None = None
    status: str = ""


def stands_alone() -> ColumnElement[bool]:
    """Say in a query that a form goes its own way, not that of a set of forms for as many candidates."""
    return ExamForm.form_set_id.is_(None) | ExamForm.replaces_form_id.is_not(None)


@dataclass(frozen=True, slots=True)
class PackageRow:
    """A sealed form without its ciphertext, for lists."""

    form: ExamForm
    package_id: uuid.UUID
    title: str
    delivery_digest: str


def get_blueprint(session: Session, blueprint_id: uuid.UUID, *, actor: Actor) -> ExamBlueprint:
    """Return a blueprint of the actor's organisation."""
    row = session.get(ExamBlueprint, blueprint_id)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("组卷蓝图不存在"))
    return row


LIST_ORDERS: dict[str, Any] = {
    "name": ExamBlueprint.name, "occupation": ExamBlueprint.occupation_name, "items": ExamBlueprint.n_items,
    "score": ExamBlueprint.total_score, "updated": ExamBlueprint.updated_at,
}  # fmt: skip


def list_blueprints(
    session: Session, filters: Filters, *, actor: Actor, order: Order = UNORDERED, offset: int, limit: int
) -> tuple[Sequence[ExamBlueprint], int]:
    """Return one page of blueprints, last changed first unless another order is asked for, and how many there are."""
    where: list[ColumnElement[bool]] = [ExamBlueprint.organisation_id == actor.organisation]
    if filters.text:
        where.append(ExamBlueprint.name.icontains(filters.text, autoescape=True))
    if filters.standard_level_id:
        where.append(ExamBlueprint.standard_level_id == filters.standard_level_id)
    if filters.status:
        where += _in_stage(Stage(filters.status))
    by = ordered_by(order, LIST_ORDERS, [ExamBlueprint.updated_at.desc()], ExamBlueprint.exam_blueprint_id)
    query = select(ExamBlueprint).where(*where).order_by(*by)
    return session.scalars(query.offset(offset).limit(limit)).all(), _count(session, query)


def _in_stage(stage: Stage) -> list[ColumnElement[bool]]:
    """Return the conditions of a blueprint's stage."""
    if stage in (Stage.SUBMITTED, Stage.APPROVED):
        is_approved = ExamBlueprint.approved_at.is_not(None)
        waits = ExamBlueprint.approved_at.is_(None)
        published = ExamBlueprint.status == BlueprintStatus.PUBLISHED
        return [published, is_approved if stage is Stage.APPROVED else waits]
    return [ExamBlueprint.status == BlueprintStatus(stage.value)]


def count_runs_of(session: Session, blueprint_id: uuid.UUID) -> int:
    """Return how many runs were made with a blueprint."""
    return _count(session, select(AssemblyRun).where(AssemblyRun.exam_blueprint_id == blueprint_id))


def get_run(session: Session, run_id: uuid.UUID, *, actor: Actor) -> AssemblyRun:
    """Return a run of the actor's organisation."""
    row = session.get(AssemblyRun, run_id)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("组卷记录不存在"))
    return row


def list_runs(
    session: Session, *, actor: Actor, blueprint_id: uuid.UUID | None = None, offset: int = 0, limit: int = 50
) -> tuple[Sequence[AssemblyRun], int]:
    """Return one page of runs, newest first, and how many there are."""
    query = select(AssemblyRun).where(AssemblyRun.organisation_id == actor.organisation)
    if blueprint_id:
        query = query.where(AssemblyRun.exam_blueprint_id == blueprint_id)
    page = query.order_by(AssemblyRun.created_at.desc()).offset(offset).limit(limit)
    return session.scalars(page).all(), _count(session, query)


def count_refused_runs(session: Session, *, actor: Actor) -> int:
    """Return how many of the actor's own runs ended without forms and without a later run of the same blueprint."""
    later = (
        select(func.max(AssemblyRun.created_at))
        .where(AssemblyRun.organisation_id == actor.organisation)
        .group_by(AssemblyRun.exam_blueprint_id)
    )
    query = select(AssemblyRun).where(
        AssemblyRun.organisation_id == actor.organisation,
        AssemblyRun.created_by == actor.user_id,
        AssemblyRun.status.in_([RunStatus.INFEASIBLE, RunStatus.TIME_LIMIT]),
        AssemblyRun.created_at.in_(later),
    )
    return _count(session, query)


def get_form(session: Session, form_id: uuid.UUID, *, actor: Actor, with_slots: bool = False) -> ExamForm:
    """Return a form of the actor's organisation; its slots only when asked for."""
    query = select(ExamForm).where(ExamForm.exam_form_id == form_id, ExamForm.organisation_id == actor.organisation)
    if with_slots:
        session.flush()  # reading afresh must not undo what the same act has changed before
        query = query.options(selectinload(ExamForm.slots)).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise NotFoundError(N_("试卷不存在"))
    return row


def forms_with_slots(session: Session, form_ids: Collection[uuid.UUID], *, actor: Actor) -> Sequence[ExamForm]:
    """Return those of some forms that are the organisation's, with their slots."""
    query = select(ExamForm).where(ExamForm.exam_form_id.in_(form_ids), ExamForm.organisation_id == actor.organisation)
    return session.scalars(query.options(selectinload(ExamForm.slots))).all()


def lock_form(session: Session, form_id: uuid.UUID, *, actor: Actor) -> ExamForm:
    """Return a form with its slots, locked for a change of state."""
    session.flush()  # reading afresh must not undo what the same act has changed before
    query = select(ExamForm).where(ExamForm.exam_form_id == form_id, ExamForm.organisation_id == actor.organisation)
    locked = query.options(selectinload(ExamForm.slots)).with_for_update(of=ExamForm)
    row = session.scalar(locked.execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError(N_("试卷不存在"))
    return row


FORM_ORDERS: dict[str, Any] = {
    "title": ExamForm.name, "occupation": ExamForm.occupation_name, "items": ExamForm.n_slots,
    "score": ExamForm.total_score, "minutes": ExamForm.duration_minutes, "status": ExamForm.status,
    "created": ExamForm.created_at, "changed": ExamForm.updated_at,
}  # fmt: skip


def list_forms(
    session: Session, filters: Filters, *, actor: Actor, order: Order = UNORDERED, offset: int, limit: int
) -> tuple[Sequence[ExamForm], int]:
    """Return one page of forms that go their own way, newest first unless another order is asked for, and how many there are."""
    where: list[ColumnElement[bool]] = [ExamForm.organisation_id == actor.organisation, stands_alone()]
    if filters.text:
        where.append(ExamForm.name.icontains(filters.text, autoescape=True))
    if filters.standard_level_id:
        where.append(ExamForm.standard_level_id == filters.standard_level_id)
    if filters.status:
        where.append(ExamForm.status == FormStatus(filters.status))
    query = select(ExamForm).where(*where)
    by = ordered_by(order, FORM_ORDERS, [ExamForm.created_at.desc(), ExamForm.label], ExamForm.exam_form_id)
    return session.scalars(query.order_by(*by).offset(offset).limit(limit)).all(), _count(session, query)


def list_forms_of_run(session: Session, run_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamForm]:
    """Return the forms that a run gave, by label, with their slots."""
    query = select(ExamForm).where(ExamForm.assembly_run_id == run_id, ExamForm.organisation_id == actor.organisation)
    return session.scalars(query.options(selectinload(ExamForm.slots)).order_by(ExamForm.label).limit(MOST_FORMS)).all()


def count_forms(session: Session, status: FormStatus, *, actor: Actor, not_by: uuid.UUID | None = None) -> int:
    """Return how many forms are in a state, leaving out those that `not_by` made or submitted."""
    query = select(ExamForm).where(
        ExamForm.organisation_id == actor.organisation, ExamForm.status == status, stands_alone()
    )
    if not_by:
        query = query.where(
            ExamForm.created_by.is_distinct_from(not_by), ExamForm.submitted_by.is_distinct_from(not_by)
        )
    return _count(session, query)


def list_decisions(session: Session, form_id: uuid.UUID) -> Sequence[FormDecision]:
    """Return the steps of a form, oldest first."""
    query = select(FormDecision).where(FormDecision.exam_form_id == form_id)
    return session.scalars(query.order_by(FormDecision.decided_at, FormDecision.form_decision_id).limit(500)).all()


def list_changes(session: Session, form_id: uuid.UUID, *, limit: int = 500) -> Sequence[FormChange]:
    """Return the last changes of a form by hand, oldest first."""
    query = select(FormChange).where(FormChange.exam_form_id == form_id)
    return session.scalars(query.order_by(FormChange.number.desc()).limit(limit)).all()[::-1]


def last_change_number(session: Session, form_id: uuid.UUID) -> int:
    """Return the number of the last change of a form, 0 before the first."""
    return session.scalar(select(func.max(FormChange.number)).where(FormChange.exam_form_id == form_id)) or 0


def last_standing_change(session: Session, form_id: uuid.UUID) -> FormChange | None:
    """Return the last change of a form that is no undoing and was not undone, or None."""
    undone = select(FormChange.undoes).where(FormChange.exam_form_id == form_id, FormChange.undoes.is_not(None))
    query = select(FormChange).where(
        FormChange.exam_form_id == form_id, FormChange.undoes.is_(None), FormChange.number.not_in(undone)
    )
    return session.scalar(query.order_by(FormChange.number.desc()).limit(1))


def unsealed_forms_with(
    session: Session, item_ids: Collection[uuid.UUID], standard_level_id: uuid.UUID, *, actor: Actor
) -> list[tuple[ExamForm, list[str]]]:
    """Return the forms of a level on their way to being sealed that hold some items, with these items' codes."""
    query = (
        select(ExamForm, FormSlot.item_code)
        .join(FormSlot, FormSlot.exam_form_id == ExamForm.exam_form_id)
        .where(
            ExamForm.organisation_id == actor.organisation,
            ExamForm.standard_level_id == standard_level_id,
            ExamForm.status.in_([FormStatus.DRAFT, FormStatus.IN_REVIEW, FormStatus.APPROVED]),
            FormSlot.item_id.in_(item_ids),
        )
        .order_by(ExamForm.created_at.desc(), ExamForm.label, FormSlot.slot)
    )
    found: dict[uuid.UUID, tuple[ExamForm, list[str]]] = {}
    for form, code in session.execute(query.limit(MOST_FORMS)) if item_ids else ():
        found.setdefault(form.exam_form_id, (form, []))[1].append(code)
    return list(found.values())


def count_relying(session: Session, standard_level_id: uuid.UUID) -> int:
    """Return how many published blueprints and forms rely on a level's outline."""
    blueprints = select(ExamBlueprint.exam_blueprint_id).where(
        ExamBlueprint.standard_level_id == standard_level_id, ExamBlueprint.status == BlueprintStatus.PUBLISHED
    )
    forms = select(ExamForm.exam_form_id).where(
        ExamForm.standard_level_id == standard_level_id, ExamForm.status != FormStatus.WITHDRAWN
    )
    return _count(session, blueprints) + _count(session, forms)


def get_package(session: Session, form_id: uuid.UUID, *, actor: Actor) -> FormPackage:
    """Return the package of a sealed form."""
    query = select(FormPackage).where(
        FormPackage.exam_form_id == form_id, FormPackage.organisation_id == actor.organisation
    )
    row = session.scalar(query)
    if row is None:
        raise NotFoundError(N_("没有这份封存试卷，请先封存"))
    return row


def find_package(session: Session, form_id: uuid.UUID, *, actor: Actor) -> FormPackage | None:
    """Return the package of a form, or None while it is not sealed."""
    query = select(FormPackage).where(
        FormPackage.exam_form_id == form_id, FormPackage.organisation_id == actor.organisation
    )
    return session.scalar(query)


def list_packages(session: Session, *, actor: Actor, form_ids: Collection[uuid.UUID] | None = None) -> list[PackageRow]:
    """Return sealed forms without their ciphertext, newest first; without keys only those that belong to no set."""
    query = (
        select(ExamForm, FormPackage.form_package_id, FormPackage.title, FormPackage.delivery_digest)
        .join(FormPackage, FormPackage.exam_form_id == ExamForm.exam_form_id)
        .where(ExamForm.organisation_id == actor.organisation, ExamForm.status == FormStatus.SEALED)
    )
    newest = query.order_by(FormPackage.sealed_at.desc(), ExamForm.label).limit(MOST_FORMS)
    if form_ids is None:
        return [PackageRow(*row) for row in session.execute(newest.where(ExamForm.form_set_id.is_(None)))]
    wanted = list(form_ids)
    parts = [wanted[start : start + MOST_FORMS] for start in range(0, len(wanted), MOST_FORMS)]
    return [
        PackageRow(*row) for some in parts for row in session.execute(newest.where(ExamForm.exam_form_id.in_(some)))
    ]


def list_reservations(session: Session, form_id: uuid.UUID) -> Sequence[FormReservation]:
    """Return what counts on a form."""
    query = select(FormReservation).where(FormReservation.exam_form_id == form_id)
    return session.scalars(query.order_by(FormReservation.reserved_at).limit(MOST_FORMS)).all()


def find_reservation(session: Session, form_id: uuid.UUID, reference: str) -> FormReservation | None:
    """Return one reservation, or None."""
    query = select(FormReservation).where(
        FormReservation.exam_form_id == form_id, FormReservation.reference == reference
    )
    return session.scalar(query)


def items_in_other_forms(
    session: Session, standard_level_id: uuid.UUID, run_id: uuid.UUID, *, actor: Actor
) -> set[uuid.UUID]:
    """Return the items that stand in forms of a level which another run gave and nobody withdrew."""
    query = (
        select(FormSlot.item_id)
        .join(ExamForm, ExamForm.exam_form_id == FormSlot.exam_form_id)
        .where(
            ExamForm.organisation_id == actor.organisation,
            ExamForm.standard_level_id == standard_level_id,
            ExamForm.status != FormStatus.WITHDRAWN,
            ExamForm.assembly_run_id.is_distinct_from(run_id),
        )
        .distinct()
    )
    return set(session.scalars(query))


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
