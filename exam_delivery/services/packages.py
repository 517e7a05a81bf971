"""The released results of a batch, as certification receives them."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import Candidate, Registration, ScoreRelease
from exam_delivery.repository import releases as repository
from exam_delivery.services.personal import read_number
from kernel.canonical import digest
from kernel.crypto import SealBrokenError
from kernel.i18n import N_


class ResultOutcome(enum.StrEnum):
    """What became of a candidate's theory examination; who resits other parts alone did not take it."""

    SCORED = "scored"
    ABSENT = "absent"
    VOID = "void"
    NOT_TAKEN = "not_taken"


@dataclass(frozen=True, slots=True)
class BatchInfo:
    """The batch that a package belongs to."""

    batch_id: uuid.UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """One candidate's result.

    Attributes
    ----------
    candidate_id : UUID
        The person inside the organisation; the same in every batch.
    admission_number : str
        Unique per installation.
    name, phone, employer : str
        As registered.
    id_kind : str
        A value of `kernel.national_id.IdKind`.
    id_number : str
        Plain: decrypted here and nowhere else; encrypt it again before it is stored.
    sex : str
        A value of `kernel.national_id.Sex`, or empty.
    birth_date : date or None
        From the number where the number tells it.
    outcome : ResultOutcome
        Whether there is a score.
    theory_score : Decimal or None
        None unless `outcome` is scored.
    attempt_id : UUID or None
        None for those who never had one.
    extra : mapping
        Other columns of the registration, by their Chinese heading.
    """

    candidate_id: uuid.UUID
    admission_number: str
    name: str
    id_kind: str
    id_number: str
    sex: str
    birth_date: dt.date | None
    phone: str
    employer: str
    outcome: ResultOutcome
    theory_score: Decimal | None
    attempt_id: uuid.UUID | None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResultPackage:
    """The released results of one batch; `package_digest` fixes outcomes and scores."""

    release_id: uuid.UUID
    organisation_id: uuid.UUID
    batch: BatchInfo
    session_names: tuple[str, ...]
    standard_level_id: uuid.UUID
    occupation_code: str
    occupation_name: str
    level_code: str
    level_name: str
    package_digest: str
    released_at: dt.datetime
    results: tuple[CandidateResult, ...]


def build_package(session: Session, release_id: uuid.UUID) -> ResultPackage:
    """Return the results of a release; refuse rows that no longer match what was released."""
    release = repository.get_release(session, release_id)
    batch = repository.get_batch_of_release(session, release)
    if results_digest(batch.exam_batch_id, release.results) != release.package_digest:
        raise SealBrokenError(N_("成绩发布记录与其校验值不符，可能被改动，请核对审计记录"))
    people = repository.load_people(session, release)
    return ResultPackage(
        release_id=release.score_release_id,
        organisation_id=release.organisation_id,
        batch=BatchInfo(batch.exam_batch_id, batch.code, batch.name),
        session_names=repository.session_names(session, release),
        standard_level_id=batch.standard_level_id,
        occupation_code=batch.occupation_code,
        occupation_name=batch.occupation_name,
        level_code=batch.level_code,
        level_name=batch.level_name,
        package_digest=release.package_digest,
        released_at=release.released_at,
        results=_results(session, release, people),
    )


def results_digest(exam_batch_id: uuid.UUID, results: list[Any]) -> str:
    """Return the digest that fixes who had which outcome and score."""
    return digest({"batch": str(exam_batch_id), "results": results})


def _results(
    session: Session, release: ScoreRelease, people: Mapping[uuid.UUID, tuple[Registration, Candidate]]
) -> tuple[CandidateResult, ...]:
    attempts = repository.attempt_ids(session, release)
    rows = []
    for registration_id, outcome, score, _record in release.results:
        registration, candidate = people[uuid.UUID(registration_id)]
        attempt_id = attempts.get(registration.registration_id)
        rows.append(_result(registration, candidate, ResultOutcome(outcome), score, attempt_id))
    return tuple(rows)


def _result(
    registration: Registration,
    candidate: Candidate,
    outcome: ResultOutcome,
    score: str | None,
    attempt_id: uuid.UUID | None,
) -> CandidateResult:
    return CandidateResult(
        candidate_id=candidate.candidate_id,
        admission_number=registration.admission_number or "",
        name=candidate.name,
        id_kind=candidate.id_kind,
        id_number=read_number(candidate),
        sex=candidate.sex,
        birth_date=candidate.birth_date,
        phone=candidate.phone,
        employer=candidate.employer,
        outcome=outcome,
        theory_score=Decimal(score) if score is not None else None,
        attempt_id=attempt_id,
        extra=candidate.extra,
    )
