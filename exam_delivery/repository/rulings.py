"""Rulings about results."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, undefer

from exam_delivery.models import Candidate, ExamBatch, Registration, ResultRuling
from exam_delivery.repository.planning import escape_like
from exam_delivery.rules.rulings import RulingKind, RulingState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation

Entry = tuple[ResultRuling, Registration, Candidate, ExamBatch]
NOT_FOUND = N_("处理决定不存在")


@dataclass(frozen=True, slots=True)
class RulingFilter:
    """Which rulings are wanted."""

    state: RulingState | None = None
    kind: RulingKind | None = None
    exam_batch_id: uuid.UUID | None = None
    text: str = ""


def get_ruling(session: Session, ruling_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> ResultRuling:
    """Return a ruling of the actor's organisation, locked for a decision where asked."""
    query = select(ResultRuling).where(
        ResultRuling.result_ruling_id == ruling_id, ResultRuling.organisation_id == actor.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(NOT_FOUND)
    return found


def read_evidence(session: Session, ruling_id: uuid.UUID, *, actor: Actor) -> tuple[str, bytes | None]:
    """Return name and encrypted bytes of a ruling's evidence."""
    query = select(ResultRuling).where(
        ResultRuling.result_ruling_id == ruling_id, ResultRuling.organisation_id == actor.organisation
    )
    found = session.scalar(query.options(undefer(ResultRuling.evidence_ciphertext)))
    if found is None:
        raise NotFoundError(NOT_FOUND)
    return found.evidence_name, found.evidence_ciphertext


def rulings_of(session: Session, registration_id: uuid.UUID, *, actor: Actor) -> Sequence[ResultRuling]:
    """Return the rulings about a registration, oldest first."""
    query = select(ResultRuling).where(
        ResultRuling.registration_id == registration_id, ResultRuling.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(ResultRuling.code)).all()


def has_source(session: Session, source_key: str, *, actor: Actor) -> bool:
    """Say whether a case of an exam room has its ruling."""
    query = select(func.count()).where(
        ResultRuling.organisation_id == actor.organisation, ResultRuling.source_key == source_key
    )
    return bool(session.scalar(query))


def _entries() -> Select[ResultRuling, Registration, Candidate, ExamBatch]:
    return (
        select(ResultRuling, Registration, Candidate, ExamBatch)
        .join(Registration, Registration.registration_id == ResultRuling.registration_id)
        .join(Candidate, Candidate.candidate_id == ResultRuling.candidate_id)
        .join(ExamBatch, ExamBatch.exam_batch_id == ResultRuling.exam_batch_id)
    )


def get_entry(session: Session, ruling_id: uuid.UUID, *, actor: Actor) -> Entry:
    """Return a ruling with the person and the batch."""
    query = _entries().where(
        ResultRuling.result_ruling_id == ruling_id, ResultRuling.organisation_id == actor.organisation
    )
    row = session.execute(query).first()
    if row is None:
        raise NotFoundError(NOT_FOUND)
    return row[0], row[1], row[2], row[3]


def list_rulings(
    session: Session, wanted: RulingFilter, *, actor: Actor, page: int = 1, per_page: int = 50
) -> tuple[list[Entry], int]:
    """Return one page of rulings, the newest first, and how many there are."""
    conditions: list[ColumnElement[bool]] = [ResultRuling.organisation_id == actor.organisation]
    equal = {
        ResultRuling.state: wanted.state,
        ResultRuling.kind: wanted.kind,
        ResultRuling.exam_batch_id: wanted.exam_batch_id,
    }
    conditions += [column == value for column, value in equal.items() if value is not None]
    if wanted.text:
        found = f"%{escape_like(wanted.text)}%"
        columns = (Candidate.name, Registration.admission_number, ResultRuling.code)
        conditions.append(or_(*(column.like(found, escape="\\") for column in columns)))
    query = _entries().where(*conditions)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.execute(
        query.order_by(ResultRuling.proposed_at.desc(), ResultRuling.code).limit(per_page).offset((page - 1) * per_page)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows], total


def count_proposed(session: Session, *, actor: Actor) -> int:
    """Return how many rulings wait for a second person other than this one."""
    query = select(func.count()).where(
        ResultRuling.organisation_id == actor.organisation,
        ResultRuling.state == RulingState.PROPOSED,
        ResultRuling.proposed_by.is_distinct_from(actor.user_id),
    )
    return session.scalar(query) or 0


def in_force(session: Session, organisation_id: uuid.UUID, exam_batch_id: uuid.UUID) -> Sequence[ResultRuling]:
    """Return the rulings of a batch that count, oldest first."""
    query = select(ResultRuling).where(
        ResultRuling.organisation_id == organisation_id,
        ResultRuling.exam_batch_id == exam_batch_id,
        ResultRuling.state == RulingState.IN_FORCE,
    )
    return session.scalars(query.order_by(ResultRuling.decided_at, ResultRuling.code)).all()


def bars(
    session: Session, organisation_id: uuid.UUID, id_number_indexes: Sequence[str], on: dt.date
) -> dict[str, ResultRuling]:
    """Return, by the keyed index of the number, the ruling that still keeps somebody from registering on a day."""
    query = (
        select(Candidate.id_number_index, ResultRuling)
        .join(Candidate, Candidate.candidate_id == ResultRuling.candidate_id)
        .where(
            ResultRuling.organisation_id == organisation_id,
            ResultRuling.state == RulingState.IN_FORCE,
            ResultRuling.barred_until >= on,
        )
        .order_by(ResultRuling.barred_until)
    )
    wanted = set(id_number_indexes)
    return {index: ruling for index, ruling in session.execute(query) if index in wanted}


def lock_numbers(session: Session, organisation_id: uuid.UUID) -> int:
    """Lock the organisation's row, so that numbers of rulings have no twin, and return how many there are."""
    session.execute(
        select(Organisation.organisation_id).where(Organisation.organisation_id == organisation_id).with_for_update()
    )
    query = select(func.count()).where(ResultRuling.organisation_id == organisation_id)
    return session.scalar(query) or 0
