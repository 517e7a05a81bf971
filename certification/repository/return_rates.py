"""Counts of rosters that were sent and of what came back, by body and round and by field."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from certification.models import CertificationBatch, RosterReturn, RosterStatus, RosterSubmission
from certification.repository.access import visible_organisations
from kernel.clock import OFFICIAL_ZONE
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation

Place = tuple[uuid.UUID, int]
"""An organisation and a round."""


@dataclass(frozen=True, slots=True)
class RateFilter:
    """What is counted; empty fields narrow nothing. Days are days on which rosters were sent."""

    body: uuid.UUID | None = None
    occupation_code: str = ""
    level_code: str = ""
    first: dt.date | None = None
    last: dt.date | None = None


@dataclass(frozen=True, slots=True)
class RosterCount:
    """The rosters of one body, round and outcome."""

    organisation_id: uuid.UUID
    round: int
    status: RosterStatus
    n_rosters: int
    n_people: int


def _conditions(session: Session, actor: Actor, wanted: RateFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [RosterSubmission.organisation_id.in_(visible_organisations(session, actor))]
    equal = (
        (RosterSubmission.organisation_id, wanted.body),
        (CertificationBatch.occupation_code, wanted.occupation_code),
        (CertificationBatch.level_code, wanted.level_code),
    )
    found += [column == value for column, value in equal if value]
    if wanted.first:
        found.append(RosterSubmission.submitted_at >= _midnight(wanted.first))
    if wanted.last and wanted.last < dt.date.max:
        found.append(RosterSubmission.submitted_at < _midnight(wanted.last + dt.timedelta(days=1)))
    return found


def _midnight(day: dt.date) -> dt.datetime:
    """Return the first moment of a day on the official calendar; a day before the calendar begins there is the earliest."""
    if day.year < 2:
        return dt.datetime.min.replace(tzinfo=dt.UTC)
    return dt.datetime.combine(day, dt.time(), OFFICIAL_ZONE).astimezone(dt.UTC)


_BATCH = CertificationBatch.certification_batch_id == RosterSubmission.certification_batch_id
_ROUND = RosterSubmission.roster_submission_id == RosterReturn.roster_submission_id


def roster_counts(session: Session, actor: Actor, wanted: RateFilter) -> list[RosterCount]:
    """Return how many rosters with how many people were sent, by body, round and outcome."""
    keys = (RosterSubmission.organisation_id, RosterSubmission.round, RosterSubmission.status)
    query = (
        select(*keys, func.count(), func.sum(RosterSubmission.n_rows))
        .join(CertificationBatch, _BATCH)
        .where(*_conditions(session, actor, wanted))
        .group_by(*keys)
    )
    return [RosterCount(*row[:4], int(row[4])) for row in session.execute(query)]


def people_returned(session: Session, actor: Actor, wanted: RateFilter) -> dict[Place, int]:
    """Return of how many reported people something came back, by body and round."""
    people = (
        select(RosterSubmission.organisation_id, RosterSubmission.round, RosterReturn.result_record_id)
        .join(RosterReturn, _ROUND)
        .join(CertificationBatch, _BATCH)
        .where(RosterReturn.result_record_id.is_not(None), *_conditions(session, actor, wanted))
        .distinct()
        .subquery()
    )
    query = select(people.c.organisation_id, people.c.round, func.count()).group_by(
        people.c.organisation_id, people.c.round
    )
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def items_returned(session: Session, actor: Actor, wanted: RateFilter) -> dict[Place, int]:
    """Return how many fields came back, by body and round."""
    keys = (RosterSubmission.organisation_id, RosterSubmission.round)
    query = (
        select(*keys, func.count())
        .join(RosterReturn, _ROUND)
        .join(CertificationBatch, _BATCH)
        .where(*_conditions(session, actor, wanted))
        .group_by(*keys)
    )
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def items_by_field(session: Session, actor: Actor, wanted: RateFilter) -> dict[tuple[str, str], int]:
    """Return how many items came back, by field and reason."""
    keys = (RosterReturn.field_name, RosterReturn.reason_code)
    query = (
        select(*keys, func.count())
        .join(RosterSubmission, _ROUND)
        .join(CertificationBatch, _BATCH)
        .where(*_conditions(session, actor, wanted))
        .group_by(*keys)
    )
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def people_by_field(session: Session, actor: Actor, wanted: RateFilter) -> dict[str, int]:
    """Return of how many reported people a field came back."""
    people = (
        select(RosterReturn.field_name, RosterReturn.roster_submission_id, RosterReturn.result_record_id)
        .join(RosterSubmission, _ROUND)
        .join(CertificationBatch, _BATCH)
        .where(RosterReturn.result_record_id.is_not(None), *_conditions(session, actor, wanted))
        .distinct()
        .subquery()
    )
    query = select(people.c.field_name, func.count()).group_by(people.c.field_name)
    return {row[0]: row[1] for row in session.execute(query)}


def list_bodies(session: Session, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return the organisations that the actor sees, by name."""
    query = select(Organisation.organisation_id, Organisation.name).where(
        Organisation.organisation_id.in_(visible_organisations(session, actor))
    )
    return [(row[0], row[1]) for row in session.execute(query.order_by(Organisation.name))]


def list_choices(session: Session, actor: Actor) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the occupations and levels of the batches whose rosters were sent, as code and name."""
    visible = visible_organisations(session, actor)
    pairs = (
        (CertificationBatch.occupation_code, CertificationBatch.occupation_name),
        (CertificationBatch.level_code, CertificationBatch.level_name),
    )
    lists = [
        session.execute(
            select(code, func.max(name))
            .join(RosterSubmission, _BATCH)
            .where(RosterSubmission.organisation_id.in_(visible))
            .group_by(code)
            .order_by(code)
        )
        for code, name in pairs
    ]
    occupations, levels = ([(row[0], row[1]) for row in rows] for rows in lists)
    return occupations, levels
