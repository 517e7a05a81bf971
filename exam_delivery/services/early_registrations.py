"""Who is registered in batches whose scores are not released: for components that are assessed before theory, or without it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import Candidate, ExamBatch, Registration
from exam_delivery.repository import candidates as repository
from exam_delivery.repository import early_registrations as early_repository
from exam_delivery.repository import planning, releases
from exam_delivery.services import personal
from exam_delivery.services.packages import (
    BatchInfo,
    CandidateResult,
    ResultOutcome,
    ResultPackage,
    results_digest,
)
from kernel import audit
from kernel.clock import OFFICIAL_ZONE, now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

PREFIX = "RD"
"""Begins the admission numbers of those who have none yet: numbers of sessions follow the rule profile's pattern."""


@dataclass(frozen=True, slots=True)
class UnreleasedBatch:
    """A batch of exam delivery with people whose scores are not released."""

    exam_batch_id: uuid.UUID
    code: str
    name: str
    occupation_name: str
    level_code: str
    level_name: str
    n_people: int


def list_unreleased(session: Session, actor: Actor) -> list[UnreleasedBatch]:
    """Return the own organisation's batches with registrations and without a release, the newest first."""
    return [
        UnreleasedBatch(
            row.exam_batch_id, row.code, row.name, row.occupation_name, row.level_code, row.level_name, int(n_people)
        )
        for row, n_people in early_repository.list_unreleased(session, actor)
    ]


def open_registrations(uow: UnitOfWork, exam_batch_id: uuid.UUID) -> ResultPackage:
    """Return everybody of a batch as a package without results; who has no admission number gets one first.

    Raises
    ------
    ConflictError
        If the scores are released, or nobody is registered.
    """
    batch = planning.get_batch(uow.session, exam_batch_id, actor=uow.actor)
    if releases.find_release_of_batch(uow.session, exam_batch_id, actor=uow.actor) is not None:
        raise ConflictError(N_("本批次成绩已经发布"))
    people = early_repository.lock_people(uow.session, exam_batch_id)
    if not people:
        raise ConflictError(N_("本批次还没有考生，请先由考务导入名单"))
    _number(uow, batch, people)
    rows = [[str(one.registration_id), ResultOutcome.NOT_TAKEN.value, None, None] for one, _candidate in people]
    return ResultPackage(
        release_id=exam_batch_id,
        organisation_id=batch.organisation_id,
        batch=BatchInfo(batch.exam_batch_id, batch.code, batch.name),
        session_names=(),
        standard_level_id=batch.standard_level_id,
        occupation_code=batch.occupation_code,
        occupation_name=batch.occupation_name,
        level_code=batch.level_code,
        level_name=batch.level_name,
        package_digest=results_digest(exam_batch_id, rows),
        released_at=now(),
        results=tuple(_unknown(one, candidate) for one, candidate in people),
    )


def _number(uow: UnitOfWork, batch: ExamBatch, people: Sequence[tuple[Registration, Candidate]]) -> None:
    """Number those without a number, in the order of registration; they sign in with it at a session as well."""
    missing = [pair for pair in people if not pair[0].admission_number]
    if not missing:
        return
    prefix = f"{PREFIX}{now().astimezone(OFFICIAL_ZONE):%y%m%d}"
    used = repository.numbers_with_prefix(uow.session, prefix)
    first = max((int(number[len(prefix) :]) for number, _owner in used), default=0) + 1
    for sequence, (registration, candidate) in enumerate(missing, start=first):
        number = f"{prefix}{sequence:04d}"
        registration.admission_number = number
        registration.sign_in_index = personal.sign_in_index(number, personal.read_number(candidate))
    uow.flush()
    audit.record(uow, "registration.number_early", "exam_batch", batch.exam_batch_id, after={"n": len(missing)})


def _unknown(registration: Registration, candidate: Candidate) -> CandidateResult:
    return CandidateResult(
        candidate_id=candidate.candidate_id,
        admission_number=registration.admission_number or "",
        name=candidate.name,
        id_kind=candidate.id_kind,
        id_number=personal.read_number(candidate),
        sex=candidate.sex,
        birth_date=candidate.birth_date,
        phone=candidate.phone,
        employer=candidate.employer,
        outcome=ResultOutcome.NOT_TAKEN,
        theory_score=None,
        attempt_id=None,
        extra=candidate.extra,
    )
