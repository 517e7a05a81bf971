"""What candidates see and ask about themselves: released results, profile by section, receipt, requests and letters.

Nothing here takes a key of a row alone: every reading and every act also takes the person, and a foreign row does not exist.
"""

from __future__ import annotations

import datetime as dt
import hmac
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    ExamBatch,
    Registration,
    RegistrationStatus,
    ResultRuling,
    ScoreRelease,
    ScoreReviewRequest,
)
from exam_delivery.repository import appeals as appeal_repository
from exam_delivery.repository import candidates
from exam_delivery.repository import own_results as repository
from exam_delivery.repository import rulings as rulings_repository
from exam_delivery.rules.appeals import RequestKind, RequestState, RequestSubject
from exam_delivery.rules.rulings import RulingState
from exam_delivery.services import appeal_letters, appeals, request_files
from exam_delivery.services.appeals import Filing, Terms
from exam_delivery.services.packages import ResultOutcome
from exam_delivery.services.personal import sign_in_index
from kernel.clock import today
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

WITHDRAWN_ONLINE = N_("考生本人在网上撤回")
TOO_LATE = N_("申请期限已过，不能在网上提出；有正当理由的请书面联系评价机构")
WITHDRAWABLE = frozenset({RequestState.FILED, RequestState.ACCEPTED})
"""While nobody looks into it; later the officer notes the wish."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody who proved who they are: a person inside one organisation."""

    organisation_id: uuid.UUID
    candidate_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class SectionScore:
    """What a candidate earned in a section of the form."""

    title: str
    score: Decimal
    max_score: Decimal


@dataclass(frozen=True, slots=True)
class Sitting:
    """One registration of a candidate with what may be told of it now."""

    registration: Registration
    batch: ExamBatch
    released_at: dt.datetime | None
    outcome: str
    score: Decimal | None
    max_score: Decimal | None
    sections: tuple[SectionScore, ...]
    receipt: dict[str, Any] | None
    requests: tuple[ScoreReviewRequest, ...]
    rulings: tuple[ResultRuling, ...]
    terms: tuple[tuple[RequestKind, Terms], ...]
    subjects: tuple[RequestSubject, ...]
    raw_score: Decimal | None = None
    """What the answers earned, where forms were equated and the score is another."""
    handed_in_at: dt.datetime | None = None


def prove(session: Session, *, admission_number: str, id_number: str, name: str) -> Proof | None:
    """Return who somebody is when admission number, identity number and name belong together.

    The same work is done for an unknown number: one query, one keyed index, two comparisons.
    """
    number = "".join(c for c in admission_number if c.isprintable()).strip()[:60]
    found = repository.find_by_admission_number(session, number or "-")
    index, holder = (found[0].sign_in_index or "", found[1].name) if found else ("", "")
    is_number = hmac.compare_digest(index, sign_in_index(number, id_number[:60]))
    is_name = hmac.compare_digest(plain_name(holder), plain_name(name))
    if found is None or not (is_number and is_name):
        return None
    return Proof(found[0].organisation_id, found[0].candidate_id)


def plain_name(name: str) -> bytes:
    """Return a name as it is compared: without blanks and dots of names of minorities."""
    return re.sub(r"[\s·•．.]", "", name).casefold().encode()


# --- seeing ----------------------------------------------------------------------------------------------------------


def list_sittings(session: Session, actor: Actor, candidate_id: uuid.UUID) -> list[Sitting]:
    """Return everything that one person may see of their own registrations, the newest first."""
    rows = repository.registrations_of(session, actor.organisation, candidate_id)
    releases = repository.newest_releases(session, [batch.exam_batch_id for _one, batch in rows])
    attempts = repository.attempts_of(session, [one.registration_id for one, _batch in rows])
    return [
        _sitting(
            session,
            actor,
            one,
            batch,
            release=releases.get(batch.exam_batch_id),
            attempt=attempts.get(one.registration_id),
        )
        for one, batch in rows
    ]


def _sitting(
    session: Session,
    actor: Actor,
    registration: Registration,
    batch: ExamBatch,
    *,
    release: ScoreRelease | None,
    attempt: Attempt | None,
) -> Sitting:
    outcome, score, record_id = _released(release, registration)
    record = repository.find_record(session, record_id, actor.organisation) if record_id else None
    rulings = [
        one
        for one in rulings_repository.rulings_of(session, registration.registration_id, actor=actor)
        if one.state in {RulingState.IN_FORCE, RulingState.REVERSED}
    ]
    known = Sitting(
        registration=registration, batch=batch, released_at=release.released_at if release and outcome else None,
        outcome=outcome, score=score, max_score=record.max_score if record else None,
        sections=tuple(_sections(session, attempt, record_id)) if attempt and record_id else (),
        receipt=attempt.receipt if attempt else None,
        handed_in_at=attempt.submitted_at if attempt else None,
        requests=tuple(appeal_repository.requests_of(session, registration.registration_id, actor=actor)),
        rulings=tuple(rulings), terms=(), subjects=_subjects(registration, outcome, rulings),
        raw_score=record.score if record and score is not None and record.score != score else None,
    )  # fmt: skip
    return _with_terms(session, actor, known)


def _released(release: ScoreRelease | None, registration: Registration) -> tuple[str, Decimal | None, uuid.UUID | None]:
    for key, outcome, score, record in release.results if release else ():
        if key == str(registration.registration_id):
            return outcome, None if score is None else Decimal(score), uuid.UUID(record) if record else None
    return "", None, None


def _sections(session: Session, attempt: Attempt, record_id: uuid.UUID) -> Iterator[SectionScore]:
    scores = {one.slot: one for one in repository.slot_scores(session, record_id)}
    for title, slots in repository.sections_of(session, attempt.attempt_id):
        kept = [scores[slot] for slot in slots if slot in scores]
        earned = sum((one.score or Decimal(0) for one in kept), Decimal(0))
        yield SectionScore(title, earned, sum((one.max_score for one in kept), Decimal(0)))


def _subjects(registration: Registration, outcome: str, rulings: Sequence[ResultRuling]) -> tuple[RequestSubject, ...]:
    scored = (RequestSubject.TOTAL, RequestSubject.ITEMS) if outcome == ResultOutcome.SCORED else ()
    ruled = any(one.state is RulingState.IN_FORCE for one in rulings)
    is_absent = registration.status is RegistrationStatus.ABSENT and bool(outcome)
    return (*scored, RequestSubject.RULING) if ruled or is_absent else scored


def _with_terms(session: Session, actor: Actor, known: Sitting) -> Sitting:
    """Add until when a request may be filed; nothing while one is open, or where nothing can be questioned."""
    if not known.subjects or any(one.state in appeals.OPEN_STATES for one in known.requests):
        return known
    terms = [(kind, appeals.terms_of(session, actor, known.registration, kind)) for kind in RequestKind]
    open_terms = [(kind, one) for kind, one in terms if one.rounds_left and one.deadline >= today()]
    return Sitting(
        **{name: getattr(known, name) for name in Sitting.__slots__ if name != "terms"}, terms=tuple(open_terms)
    )


# --- asking ----------------------------------------------------------------------------------------------------------


def file_own_request(
    uow: UnitOfWork,
    candidate_id: uuid.UUID,
    registration_id: uuid.UUID,
    *,
    kind: str,
    subject: str,
    statement: str,
    slots: tuple[int, ...] = (),
    result_ruling_id: uuid.UUID | None = None,
) -> ScoreReviewRequest:
    """Enter the request that a candidate files on line, today and within the days for it.

    Raises
    ------
    NotFoundError
        If the registration is somebody else's.
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If the days are over, another request is open, or no round is left.
    """
    registration = _own_registration(uow, candidate_id, registration_id)
    filing = Filing(kind, subject, statement, today(), slots, result_ruling_id)
    if kind in set(RequestKind):
        terms = appeals.terms_of(uow.session, uow.actor, registration, RequestKind(kind))
        if terms.deadline < today():
            raise ConflictError(TOO_LATE)
    known = {one.registration.registration_id: one for one in list_sittings(uow.session, uow.actor, candidate_id)}
    if subject in set(RequestSubject) and subject not in known[registration_id].subjects:
        message = N_("这项内容现在不能申请")
        raise InvalidInputError(message, fields={"subject": [message]})
    return appeals.enter(uow, registration, filing)


def attach_own_files(
    uow: UnitOfWork, candidate_id: uuid.UUID, registration_id: uuid.UUID, files: Sequence[tuple[str, bytes]]
) -> int:
    """Add files to the one open request about a candidate's own registration and return how many.

    Raises
    ------
    NotFoundError
        If the registration is somebody else's.
    InvalidInputError
        If a file cannot be taken.
    ConflictError
        If no request is open, or somebody looks into it already.
    """
    registration = _own_registration(uow, candidate_id, registration_id)
    known = appeal_repository.requests_of(uow.session, registration.registration_id, actor=uow.actor)
    request = next((one for one in known if one.state in appeals.OPEN_STATES), None)
    if request is None:
        raise ConflictError(N_("没有可以添加材料的申请"))
    return request_files.attach(uow, request, files)


def _own_registration(uow: UnitOfWork, candidate_id: uuid.UUID, registration_id: uuid.UUID) -> Registration:
    registration = candidates.get_registration(uow.session, registration_id, actor=uow.actor)
    if registration.candidate_id != candidate_id:
        raise NotFoundError(N_("报名记录不存在"))
    return registration


def _own_request(uow: UnitOfWork, candidate_id: uuid.UUID, request_id: uuid.UUID, *, lock: bool) -> ScoreReviewRequest:
    request = appeal_repository.get_request(uow.session, request_id, actor=uow.actor, lock=lock)
    if _own_registration(uow, candidate_id, request.registration_id).candidate_id != candidate_id:
        raise NotFoundError(appeal_repository.NOT_FOUND)
    return request


def withdraw_own_request(uow: UnitOfWork, candidate_id: uuid.UUID, request_id: uuid.UUID) -> ScoreReviewRequest:
    """Take back a request that nobody looks into yet.

    Raises
    ------
    NotFoundError
        If the request is somebody else's.
    ConflictError
        If somebody looks into it already.
    """
    request = _own_request(uow, candidate_id, request_id, lock=True)
    if request.state not in WITHDRAWABLE:
        raise ConflictError(N_("申请已在复核，不能在网上撤回，请联系评价机构"))
    appeals.step(uow, request, RequestState.WITHDRAWN, WITHDRAWN_ONLINE)
    return request


def take_own_letter(uow: UnitOfWork, candidate_id: uuid.UUID, request_id: uuid.UUID) -> tuple[str, bytes]:
    """Return the letter about a candidate's own request as PDF; the taking is audited."""
    _own_request(uow, candidate_id, request_id, lock=False)
    return appeal_letters.hand_out_request_letter(uow, request_id, "pdf")


def take_own_ruling_letter(uow: UnitOfWork, candidate_id: uuid.UUID, ruling_id: uuid.UUID) -> tuple[str, bytes]:
    """Return the letter about a ruling that concerns the candidate as PDF; the taking is audited."""
    ruling = rulings_repository.get_ruling(uow.session, ruling_id, actor=uow.actor)
    if ruling.candidate_id != candidate_id:
        raise NotFoundError(rulings_repository.NOT_FOUND)
    return appeal_letters.hand_out_ruling_letter(uow, ruling_id, "pdf")
