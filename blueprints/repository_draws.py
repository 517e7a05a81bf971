"""Reading how sealed forms were drawn, and what else the same seed gives."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from blueprints.models import AssemblyRun, ExamForm, FormPackage
from blueprints.rules.states import FormStatus
from kernel.identity.actor import Actor

AT_ONCE = 500
LONGEST_CHAIN = 50


def sealed_forms(
    session: Session, form_ids: Sequence[uuid.UUID], *, actor: Actor
) -> list[tuple[ExamForm, FormPackage]]:
    """Return forms of the actor's organisation with their slots and packages, in the order of their labels."""
    found: list[tuple[ExamForm, FormPackage]] = []
    for start in range(0, len(form_ids), AT_ONCE):
        query = (
            select(ExamForm, FormPackage)
            .join(FormPackage, FormPackage.exam_form_id == ExamForm.exam_form_id)
            .where(
                ExamForm.organisation_id == actor.organisation,
                ExamForm.exam_form_id.in_(form_ids[start : start + AT_ONCE]),
            )
            .options(selectinload(ExamForm.slots))
        )
        found += [(row[0], row[1]) for row in session.execute(query)]
    return sorted(found, key=lambda entry: (entry[0].label, str(entry[0].exam_form_id)))


def runs_by_id(session: Session, run_ids: Collection[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, AssemblyRun]:
    """Return runs of the actor's organisation by key."""
    query = select(AssemblyRun).where(
        AssemblyRun.assembly_run_id.in_(run_ids), AssemblyRun.organisation_id == actor.organisation
    )
    return {row.assembly_run_id: row for row in session.scalars(query)}


def twins_of(session: Session, run: AssemblyRun) -> tuple[list[uuid.UUID], int]:
    """Return the organisation's runs with the same pool and seed, and how many forms others drew with them."""
    same = (AssemblyRun.pool_digest == run.pool_digest, AssemblyRun.seed == run.seed)
    own = select(AssemblyRun.assembly_run_id).where(*same, AssemblyRun.organisation_id == run.organisation_id)
    others = (
        select(func.count())
        .select_from(ExamForm)
        .join(AssemblyRun, AssemblyRun.assembly_run_id == ExamForm.assembly_run_id)
        .where(*same, AssemblyRun.organisation_id != run.organisation_id, ExamForm.status != FormStatus.WITHDRAWN)
    )
    return list(session.scalars(own)), session.scalar(others) or 0


def forms_of_runs(session: Session, run_ids: Sequence[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, ExamForm]:
    """Return the forms of some runs, and those that took the place of one of them, by key."""
    mine = ExamForm.organisation_id == actor.organisation
    rows = session.scalars(select(ExamForm).where(mine, ExamForm.assembly_run_id.in_(run_ids)))
    found = {row.exam_form_id: row for row in rows}
    newest = list(found)
    for _step in range(LONGEST_CHAIN):
        rows = session.scalars(select(ExamForm).where(mine, ExamForm.replaces_form_id.in_(newest)))
        fresh = {row.exam_form_id: row for row in rows if row.exam_form_id not in found}
        if not fresh:
            break
        found |= fresh
        newest = list(fresh)
    return found
