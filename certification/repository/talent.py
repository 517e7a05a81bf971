"""人才库: counts of certified people and certificates, and the people themselves, by the same filters."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, case, extract, func, or_, select
from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateState
from certification.repository.access import visible_organisations
from kernel.clock import today
from kernel.identity.actor import Actor
from kernel.national_id import IdKind

COUNTING = (CertificateState.VALID, CertificateState.HELD)
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class TalentFilter:
    """What is counted; empty fields narrow nothing. `region` is a province's code, days are days of issue."""

    occupation_code: str = ""
    level_code: str = ""
    region: str = ""
    body: uuid.UUID | None = None
    first: dt.date | None = None
    last: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One certified person as the list shows them."""

    id_number_index: str
    name: str
    id_number_mask: str
    n_certificates: int
    latest: dt.date
    certificates: Sequence[Certificate] = ()


REGION = case(
    (Certificate.id_kind == IdKind.RESIDENT_ID.value, func.substr(Certificate.id_number_mask, 1, 2)), else_=""
)
"""The province of the identity number: its first two digits, which the mask keeps."""
DIMENSIONS: Mapping[str, SQLColumnExpression[Any]] = {
    "occupation": Certificate.occupation_code,
    "level": Certificate.level_code,
    "region": REGION,
    "body": Certificate.organisation_id,
    "year": extract("year", Certificate.issued_on),
}


def conditions(session: Session, actor: Actor, wanted: TalentFilter) -> list[ColumnElement[bool]]:
    """Return what a certificate must be to count."""
    found: list[ColumnElement[bool]] = [
        Certificate.organisation_id.in_(visible_organisations(session, actor)),
        Certificate.issued_at.is_not(None),
        Certificate.state.in_(COUNTING),
        or_(Certificate.expires_on.is_(None), Certificate.expires_on >= today()),
    ]
    equal = (
        (Certificate.occupation_code, wanted.occupation_code), (Certificate.level_code, wanted.level_code),
        (REGION, wanted.region), (Certificate.organisation_id, wanted.body),
    )  # fmt: skip
    found += [column == value for column, value in equal if value]
    if wanted.first:
        found.append(Certificate.issued_on >= wanted.first)
    if wanted.last:
        found.append(Certificate.issued_on <= wanted.last)
    return found


def _counts() -> tuple[ColumnElement[int], ColumnElement[int]]:
    return func.count(func.distinct(Certificate.id_number_index)), func.count(Certificate.certificate_id)


def totals(session: Session, actor: Actor, wanted: TalentFilter) -> tuple[int, int]:
    """Return how many people and certificates count."""
    row = session.execute(select(*_counts()).where(*conditions(session, actor, wanted))).one()
    return int(row[0]), int(row[1])


def count_by(session: Session, actor: Actor, wanted: TalentFilter, dimension: str) -> list[tuple[Any, str, int, int]]:
    """Return ``(value, name, people, certificates)`` by a dimension, the largest first; the name as certificates state it."""
    column = DIMENSIONS[dimension]
    names = {"occupation": Certificate.occupation_name, "level": Certificate.level_name, "body": Certificate.body_name}
    name = func.max(names[dimension]) if dimension in names else func.max("")
    query = select(column, name, *_counts()).where(*conditions(session, actor, wanted)).group_by(column)
    ordered = query.order_by(_counts()[0].desc(), column).limit(MOST_LINES)
    return [(row[0], str(row[1]), int(row[2]), int(row[3])) for row in session.execute(ordered)]


def list_people(
    session: Session, actor: Actor, wanted: TalentFilter, *, offset: int, limit: int
) -> tuple[list[Person], int]:
    """Return one page of certified people, whoever was certified last first, and how many they are."""
    wheres = conditions(session, actor, wanted)
    latest = func.max(Certificate.issued_on)
    query = (
        select(
            Certificate.id_number_index, func.max(Certificate.name), func.max(Certificate.id_number_mask),
            func.count(Certificate.certificate_id), latest,
        )
        .where(*wheres)
        .group_by(Certificate.id_number_index)
        .order_by(latest.desc(), Certificate.id_number_index)
    )  # fmt: skip
    rows = session.execute(query.offset(offset).limit(limit)).all()
    held: dict[str, list[Certificate]] = {row[0]: [] for row in rows}
    chosen = select(Certificate).where(*wheres, Certificate.id_number_index.in_(list(held)))
    for certificate in session.scalars(chosen.order_by(Certificate.issued_on.desc(), Certificate.number.desc())):
        held[certificate.id_number_index].append(certificate)
    people = [Person(row[0], row[1], row[2], int(row[3]), row[4], held[row[0]]) for row in rows]
    return people, totals(session, actor, wanted)[0]
