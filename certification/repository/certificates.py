"""Reading certificates, their events, counters and documents."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, undefer

from certification.models import (
    Certificate,
    CertificateCounter,
    CertificateEvent,
    CertificateState,
    CertificationBatch,
    CertificationDocument,
    ResultRecord,
)
from certification.repository.access import visible_organisations
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.lists import UNORDERED, Order, ordered_by

MAX_EXPORT = 50_000
CHUNK = 400
SERIES_LENGTH = 16
"""Positions of a number that its series shares: body, year and level; the serial follows."""


ORDERS: dict[str, Any] = {
    "number": Certificate.number, "name": Certificate.name, "occupation": Certificate.occupation_name,
    "level": Certificate.level_code, "issued": Certificate.issued_on, "expires": Certificate.expires_on,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CertificateFilter:
    """What the register is narrowed to."""

    search: str = ""
    state: CertificateState | None = None
    is_expired: bool | None = None
    day: dt.date | None = None
    occupation_code: str = ""
    level_code: str = ""
    year: int | None = None
    batch_id: uuid.UUID | None = None


def get_certificate(session: Session, certificate_id: uuid.UUID, *, actor: Actor) -> Certificate:
    """Return a certificate that the actor may read, or raise NotFoundError."""
    found = session.get(Certificate, certificate_id)
    if found is None or found.organisation_id not in visible_organisations(session, actor):
        raise NotFoundError(N_("证书不存在"))
    return found


def lock_certificate(session: Session, certificate_id: uuid.UUID, *, actor: Actor) -> Certificate:
    """Return a certificate of the own organisation, locked for the rest of the transaction."""
    query = select(Certificate).where(
        Certificate.certificate_id == certificate_id, Certificate.organisation_id == actor.organisation_id
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("证书不存在"))
    return found


def list_batch_certificates(session: Session, batch_id: uuid.UUID) -> Sequence[Certificate]:
    """Return the certificates of a batch by number."""
    query = select(Certificate).where(Certificate.certification_batch_id == batch_id)
    return session.scalars(query.order_by(Certificate.number)).all()


def find_certificates_of_people(
    session: Session, organisation_id: uuid.UUID, indices: Sequence[str]
) -> Sequence[Certificate]:
    """Return certificates of some people by their keyed indices."""
    query = select(Certificate).where(
        Certificate.organisation_id == organisation_id, Certificate.id_number_index.in_(indices)
    )
    return session.scalars(query).all()


def find_certificates_elsewhere(
    session: Session, organisation_id: uuid.UUID, indices: Sequence[str]
) -> Sequence[Certificate]:
    """Return what some people hold from other bodies of the installation, issued and counting.

    It looks over the walls, for one person may not hold the same certificate twice; callers say no more than that there is one.
    """
    found: list[Certificate] = []
    for start in range(0, len(indices), CHUNK):
        query = select(Certificate).where(
            Certificate.organisation_id != organisation_id,
            Certificate.id_number_index.in_(indices[start : start + CHUNK]),
            Certificate.issued_at.is_not(None),
            Certificate.state.in_((CertificateState.VALID, CertificateState.HELD)),
        )
        found += session.scalars(query)
    return found


def numbers_of_other_batches(session: Session, batch: CertificationBatch) -> list[str]:
    """Return the numbers of the body's certificates in the years and levels of a batch's own, of other batches."""
    own = select(func.substr(Certificate.number, 1, SERIES_LENGTH)).where(
        Certificate.certification_batch_id == batch.certification_batch_id
    )
    query = select(Certificate.number).where(
        Certificate.organisation_id == batch.organisation_id,
        Certificate.certification_batch_id != batch.certification_batch_id,
        func.substr(Certificate.number, 1, SERIES_LENGTH).in_(own),
    )
    return list(session.scalars(query))


def newest_of_attempts(
    session: Session, attempt_ids: Sequence[uuid.UUID], *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, Certificate]:
    """Return the newest certificate that rests on each of some attempts."""
    found: dict[uuid.UUID, Certificate] = {}
    for start in range(0, len(attempt_ids), CHUNK):
        query = (
            select(ResultRecord.attempt_id, Certificate)
            .join(Certificate, Certificate.result_record_id == ResultRecord.result_record_id)
            .where(
                ResultRecord.attempt_id.in_(attempt_ids[start : start + CHUNK]),
                Certificate.organisation_id == organisation_id,
            )
            .order_by(Certificate.created_at)
        )
        found.update((key, row) for key, row in session.execute(query) if key is not None)
    return found


def filtered(session: Session, actor: Actor, wanted: CertificateFilter) -> Select[Any]:
    """Return the register's query."""
    query = select(Certificate).where(Certificate.organisation_id.in_(visible_organisations(session, actor)))
    conditions = {
        Certificate.state: wanted.state,
        Certificate.occupation_code: wanted.occupation_code or None,
        Certificate.level_code: wanted.level_code or None,
        Certificate.certification_batch_id: wanted.batch_id,
    }
    for column, value in conditions.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.is_expired is not None:
        is_over = func.coalesce(Certificate.expires_on < wanted.day, false())
        query = query.where(is_over if wanted.is_expired else ~is_over)
    if wanted.year is not None:
        first = dt.date(min(max(wanted.year, dt.MINYEAR), dt.MAXYEAR), 1, 1)
        query = query.where(Certificate.issued_on.between(first, first.replace(month=12, day=31)))
    if wanted.search:
        text = wanted.search
        query = query.where(
            Certificate.number.startswith(text.upper(), autoescape=True)
            | Certificate.name.contains(text, autoescape=True)
        )
    return query


def list_certificates(
    session: Session,
    *,
    actor: Actor,
    wanted: CertificateFilter,
    order: Order = UNORDERED,
    offset: int = 0,
    limit: int = 50,
) -> tuple[Sequence[Certificate], int]:
    """Return one page of the register, the newest first unless another order is asked for, and the total."""
    query = filtered(session, actor, wanted)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    usual = [Certificate.created_at.desc(), Certificate.number.desc()]
    ordered = query.order_by(*ordered_by(order, ORDERS, usual, Certificate.certificate_id))
    return session.scalars(ordered.offset(offset).limit(limit)).all(), total


def list_register_choices(session: Session, *, actor: Actor) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the occupations and the levels that stand in the register, for its filters."""
    visible = visible_organisations(session, actor)
    occupations = select(Certificate.occupation_code, Certificate.occupation_name)
    levels = select(Certificate.level_code, Certificate.level_name)
    answers = [
        session.execute(query.where(Certificate.organisation_id.in_(visible)).distinct().limit(500)).all()
        for query in (occupations, levels)
    ]
    first, second = ([(row[0], row[1]) for row in answer] for answer in answers)
    return sorted(first), sorted(second, reverse=True)


def list_events(session: Session, certificate_id: uuid.UUID) -> Sequence[CertificateEvent]:
    """Return what happened to a certificate, in order."""
    query = select(CertificateEvent).where(CertificateEvent.certificate_id == certificate_id)
    return session.scalars(query.order_by(CertificateEvent.at, CertificateEvent.certificate_event_id)).all()


def lock_counter(
    session: Session, *, organisation_id: uuid.UUID, prefix: str, year: int, level_code: str
) -> CertificateCounter:
    """Return the counter of one series, made when it is missing, locked for the rest of the transaction."""
    key = {"organisation_id": organisation_id, "prefix": prefix, "year": year, "level_code": level_code}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(CertificateCounter).values(**key, last_serial=0).on_conflict_do_nothing())
    query = select(CertificateCounter).filter_by(**key).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def find_by_number(session: Session, number: str) -> Certificate | None:
    """Return an issued certificate of any organisation by its number: for the public look-up only."""
    return session.scalar(select(Certificate).where(Certificate.number == number, Certificate.issued_at.is_not(None)))


def find_by_token(session: Session, token: str) -> Certificate | None:
    """Return an issued certificate of any organisation by its public token: for the public look-up only."""
    return session.scalar(
        select(Certificate).where(Certificate.public_token == token, Certificate.issued_at.is_not(None))
    )


def list_documents(session: Session, batch_id: uuid.UUID) -> Sequence[CertificationDocument]:
    """Return the documents made for a batch, the newest first, without their contents."""
    query = select(CertificationDocument).where(CertificationDocument.certification_batch_id == batch_id)
    return session.scalars(query.order_by(CertificationDocument.created_at.desc()).limit(100)).all()


def get_document(session: Session, document_id: uuid.UUID, *, actor: Actor) -> CertificationDocument:
    """Return a document of the own organisation with its content, or raise NotFoundError."""
    query = select(CertificationDocument).where(
        CertificationDocument.certification_document_id == document_id,
        CertificationDocument.organisation_id == actor.organisation_id,
    )
    found = session.scalar(query.options(undefer(CertificationDocument.ciphertext)))
    if found is None:
        raise NotFoundError(N_("文件不存在"))
    return found
