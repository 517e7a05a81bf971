"""Reading what was published of draws: by session for staff, by organisation for everybody."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.models.draw_commitments import DrawCommitment, DrawReveal
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation

MOST_ORGANISATIONS = 500
Entry = tuple[DrawCommitment, DrawReveal | None]


@dataclass(frozen=True, slots=True)
class FormUse:
    """A session that counts on forms: those that people sat or will sit, and those in reserve."""

    exam_session_id: uuid.UUID
    name: str
    status: SessionStatus
    form_ids: frozenset[str]
    standby_form_ids: frozenset[str]


def entries_of_session(session: Session, organisation_id: uuid.UUID, exam_session_id: uuid.UUID) -> list[Entry]:
    """Return what was published for a session, oldest first, with the seeds that were told."""
    query = (
        select(DrawCommitment, DrawReveal)
        .outerjoin(DrawReveal, DrawReveal.draw_commitment_id == DrawCommitment.draw_commitment_id)
        .where(DrawCommitment.organisation_id == organisation_id, DrawCommitment.exam_session_id == exam_session_id)
        .order_by(DrawCommitment.number)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def entries_of_run(session: Session, organisation_id: uuid.UUID, run_id: uuid.UUID) -> list[Entry]:
    """Return what was published of a draw, oldest first."""
    query = (
        select(DrawCommitment, DrawReveal)
        .outerjoin(DrawReveal, DrawReveal.draw_commitment_id == DrawCommitment.draw_commitment_id)
        .where(DrawCommitment.organisation_id == organisation_id, DrawCommitment.assembly_run_id == run_id)
        .order_by(DrawCommitment.published_at)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def find_session(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> ExamSession | None:
    """Return a session of the actor's organisation; None where it was deleted since it was published."""
    row = session.get(ExamSession, exam_session_id)
    return row if row is not None and row.organisation_id == actor.organisation else None


def sessions_to_reveal(session: Session, *, actor: Actor) -> list[uuid.UUID]:
    """Return the sessions of which a seed was promised and not told yet."""
    told = select(DrawReveal.draw_commitment_id)
    query = select(DrawCommitment.exam_session_id).where(
        DrawCommitment.organisation_id == actor.organisation, DrawCommitment.assembly_run_id.is_not(None),
        DrawCommitment.draw_commitment_id.not_in(told),
    )  # fmt: skip
    return sorted(set(session.scalars(query)))


def told_forms(session: Session, *, actor: Actor) -> set[str]:
    """Return the forms that a published seed tells."""
    query = select(DrawReveal.form_ids).where(DrawReveal.organisation_id == actor.organisation)
    return {str(form_id) for found in session.scalars(query) for form_id in found}


def uses_of_forms(session: Session, form_ids: set[str], *, actor: Actor) -> list[FormUse]:
    """Return the sessions that count on any of some forms, cancelled ones too: they may be restored."""
    query = (
        select(
            ExamSession.exam_session_id, ExamSession.name, ExamSession.status, ExamSession.form_ids,
            ExamSession.standby_form_ids,
        )
        .where(ExamSession.organisation_id == actor.organisation)
        .order_by(ExamSession.starts_at)
    )  # fmt: skip
    found = (
        FormUse(row[0], row[1], row[2], frozenset(map(str, row[3])), frozenset(map(str, row[4])))
        for row in session.execute(query)
    )
    return [one for one in found if form_ids & (one.form_ids | one.standby_form_ids)]


# --- for everybody ---------------------------------------------------------------------------------------------------


def organisations_with_entries(session: Session) -> list[tuple[str, str, int, datetime]]:
    """Return code, name, number of sessions and newest publication of each organisation that published anything."""
    query = (
        select(
            Organisation.code, Organisation.name, func.count(DrawCommitment.exam_session_id.distinct()),
            func.max(DrawCommitment.published_at),
        )
        .join(DrawCommitment, DrawCommitment.organisation_id == Organisation.organisation_id)
        .group_by(Organisation.code, Organisation.name)
        .order_by(Organisation.code)
        .limit(MOST_ORGANISATIONS)
    )  # fmt: skip
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]


def first_entries(
    session: Session, organisation_id: uuid.UUID, *, page: int, per_page: int
) -> tuple[list[DrawCommitment], int]:
    """Return the first entry of each session of an organisation, newest first, and how many there are."""
    mine = (DrawCommitment.organisation_id == organisation_id, DrawCommitment.number == 1)
    query = select(DrawCommitment).where(*mine).order_by(DrawCommitment.published_at.desc())
    rows = session.scalars(query.offset((page - 1) * per_page).limit(per_page)).all()
    return list(rows), session.scalar(select(func.count()).select_from(DrawCommitment).where(*mine)) or 0


def promised_and_told(session: Session, exam_session_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """Return by session how many seeds were promised and how many of them told."""
    query = (
        select(
            DrawCommitment.exam_session_id, func.count(DrawCommitment.assembly_run_id),
            func.count(DrawReveal.draw_commitment_id),
        )
        .outerjoin(DrawReveal, DrawReveal.draw_commitment_id == DrawCommitment.draw_commitment_id)
        .where(DrawCommitment.exam_session_id.in_(exam_session_ids))
        .group_by(DrawCommitment.exam_session_id)
    )  # fmt: skip
    return {row[0]: (row[1], row[2]) for row in session.execute(query)}
