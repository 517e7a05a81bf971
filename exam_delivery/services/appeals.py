"""Requests for a score check or an appeal: filed, accepted, looked into by somebody independent, closed by another person.

A request never changes a score. What it finds goes the ordinary ways: a new mark, a scoring run by the present key, a
key-change case, the reversal of a ruling; a released batch then hands over a correction.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from exam_delivery.models import Registration, RegistrationStatus, ScoreRelease, ScoreReviewEvent, ScoreReviewRequest
from exam_delivery.repository import appeals as repository
from exam_delivery.repository import attempts_planning, candidates
from exam_delivery.repository import rulings as rulings_repository
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules import appeals as rules
from exam_delivery.rules.appeals import RequestKind, RequestState, RequestSubject
from exam_delivery.services import appeal_reviewers, personal
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE, now, today
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SHORTEST_REASON = 5
LONGEST_TEXT = 2000
OPEN_STATES = rules.OPEN_STATES
COUNTING = frozenset(RequestState) - {RequestState.DECLINED, RequestState.WITHDRAWN}
"""Requests that use up a round."""
NOT_RELEASED = N_("成绩还没有发布，发布后才能申请")


@dataclass(frozen=True, slots=True)
class Terms:
    """Until when a request may be filed, and how many are left."""

    deadline: dt.date
    is_certain: bool
    rounds_left: int


@dataclass(frozen=True, slots=True)
class Filing:
    """What a candidate asks for; `letter` is the scanned request, name and bytes."""

    kind: str
    subject: str
    statement: str
    filed_on: dt.date | None
    slots: tuple[int, ...] = ()
    result_ruling_id: uuid.UUID | None = None
    letter: tuple[str, bytes] | None = None


def terms_of(session: Session, actor: Actor, registration: Registration, kind: RequestKind) -> Terms:
    """Return the terms of a request about a registration.

    Raises
    ------
    ConflictError
        If there is nothing yet that could be questioned.
    """
    former = repository.requests_of(session, registration.registration_id, actor=actor)
    known = _known_since(session, actor, registration, former)
    if not known:
        raise ConflictError(NOT_RELEASED)
    values = profiles.values(session, actor.organisation)
    end = rules.filing_deadline(kind, known, values)
    n_former = sum(1 for one in former if one.kind is kind and one.state in COUNTING)
    return Terms(end.date, end.is_certain, rules.rounds_left(kind, n_former, values))


def _known_since(
    session: Session, actor: Actor, registration: Registration, former: Sequence[ScoreReviewRequest]
) -> list[dt.date]:
    """Return the days on which the candidate learned something that may be questioned."""
    releases = repository.releases_of_batch(session, registration.exam_batch_id, actor=actor)
    rulings = rulings_repository.rulings_of(session, registration.registration_id, actor=actor)
    moments = [_changed_last(releases, registration.registration_id)]
    moments += [one.closed_at for one in former]
    moments += [one.decided_at for one in rulings]
    return [moment.astimezone(OFFICIAL_ZONE).date() for moment in moments if moment is not None]


def _changed_last(releases: Sequence[ScoreRelease], registration_id: uuid.UUID) -> dt.datetime | None:
    """Return when a person's result was released last with another content than before."""
    found, before = None, None
    for release in releases:
        row = next((row for row in release.results if row[0] == str(registration_id)), None)
        if row is not None and row[1:3] != before:
            found, before = release.released_at, row[1:3]
    return found


def file_request(uow: UnitOfWork, registration_id: uuid.UUID, filing: Filing) -> ScoreReviewRequest:
    """Enter a candidate's request; one that came too late is kept too, and usually declined.

    Raises
    ------
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If another request about the same registration is open, or no round is left.
    """
    require(uow.actor, Permission.SCORE_RELEASE)
    return enter(uow, candidates.get_registration(uow.session, registration_id, actor=uow.actor), filing)


def enter(uow: UnitOfWork, registration: Registration, filing: Filing) -> ScoreReviewRequest:
    """Enter a request; the caller has settled who may: an officer, or the candidate who proved who they are."""
    n_before = repository.lock_numbers(uow.session, uow.actor.organisation)
    _check_filing(uow, registration, filing)
    terms = terms_of(uow.session, uow.actor, registration, RequestKind(filing.kind))
    former = repository.requests_of(uow.session, registration.registration_id, actor=uow.actor)
    if any(one.state in rules.OPEN_STATES for one in former):
        raise ConflictError(N_("此人已有一件没有办结的申请"))
    if terms.rounds_left == 0:
        raise ConflictError(N_("此人的申请次数已用完"))
    request = _new_request(uow, registration, filing, terms, f"FH-{today().year}-{n_before + 1:05d}")
    request.round = 1 + sum(1 for one in former if one.kind is request.kind and one.state in COUNTING)
    uow.add(request)
    uow.flush()  # the event names it
    _note(uow, request, request.statement)
    after = {"code": request.code, "kind": request.kind.value, "late": request.is_late}
    audit.record(uow, "appeal.file", "score_review_request", request.score_review_request_id, after=after)
    return request


def _check_filing(uow: UnitOfWork, registration: Registration, filing: Filing) -> None:
    problems: dict[str, list[str]] = {}
    if filing.kind not in set(RequestKind):
        problems["kind"] = [N_("请选择申请种类")]
    if filing.subject not in set(RequestSubject):
        problems["subject"] = [N_("请选择申请事项")]
    if len(filing.statement.strip()) < SHORTEST_REASON:
        problems["statement"] = [N_("请写明申请理由，至少 5 个字")]
    if filing.filed_on is None or filing.filed_on > today():
        problems["filed_on"] = [N_("请填写收到申请的日期，不能晚于今天")]
    if filing.subject == RequestSubject.ITEMS and not filing.slots:
        problems["slots"] = [N_("请填写有疑问的题号")]
    if filing.subject == RequestSubject.RULING and not _is_own_ruling(uow, registration, filing):
        problems["result_ruling_id"] = [N_("请选择要申诉的处理决定")]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)


def _is_own_ruling(uow: UnitOfWork, registration: Registration, filing: Filing) -> bool:
    """Say whether a request names a ruling about the person; a plain absence has none and may be questioned all the same."""
    if filing.result_ruling_id is None:
        return registration.status is RegistrationStatus.ABSENT
    rows = rulings_repository.rulings_of(uow.session, registration.registration_id, actor=uow.actor)
    return any(one.result_ruling_id == filing.result_ruling_id for one in rows)


def _new_request(
    uow: UnitOfWork, registration: Registration, filing: Filing, terms: Terms, code: str
) -> ScoreReviewRequest:
    key = new_id()
    filed_on = filing.filed_on or today()
    name, data = filing.letter or ("", b"")
    return ScoreReviewRequest(
        score_review_request_id=key, organisation_id=registration.organisation_id, code=code,
        exam_batch_id=registration.exam_batch_id, registration_id=registration.registration_id,
        kind=RequestKind(filing.kind), subject=RequestSubject(filing.subject), slots=sorted(set(filing.slots)),
        result_ruling_id=filing.result_ruling_id if filing.subject == RequestSubject.RULING else None,
        statement=filing.statement.strip()[:LONGEST_TEXT], filed_on=filed_on, filing_deadline=terms.deadline,
        is_late=filed_on > terms.deadline, letter_name=name[:200], state=RequestState.FILED,
        letter_ciphertext=personal.seal_bytes(data, place=_place(key)) if data else None,
        entered_by=uow.actor.user_id, entered_by_name=uow.actor.name[:100], entered_at=now(),
        score_before=score_of(uow.session, registration),
    )  # fmt: skip


def score_of(session: Session, registration: Registration) -> Decimal | None:
    """Return the present score of a registration."""
    attempt = attempts_planning.find_attempt_of(session, registration.registration_id)
    if attempt is None:
        return None
    record = scores_repository.newest_records(session, [attempt.attempt_id]).get(attempt.attempt_id)
    return record.score if record else None


def _place(request_id: uuid.UUID) -> str:
    return f"score_review_requests|letter|{request_id}"


def read_letter(session: Session, actor: Actor, request_id: uuid.UUID) -> tuple[str, bytes] | None:
    """Return name and bytes of the letter that a request came with, None without one."""
    visible_request(session, actor, request_id)
    name, sealed = repository.read_letter(session, request_id, actor=actor)
    return (name, personal.open_bytes(sealed, place=_place(request_id))) if sealed else None


def visible_request(session: Session, actor: Actor, request_id: uuid.UUID) -> ScoreReviewRequest:
    """Return a request for those who manage requests, and for whom it is assigned to; to others it does not exist."""
    request = repository.get_request(session, request_id, actor=actor)
    if not actor.may(Permission.SCORE_RELEASE) and request.reviewer_id != actor.user_id:
        raise NotFoundError(repository.NOT_FOUND)
    return request


# --- the officer's steps ---------------------------------------------------------------------------------------------


def accept(uow: UnitOfWork, request_id: uuid.UUID, *, late_reason: str = "") -> ScoreReviewRequest:
    """Accept a request; the days for the answer begin. One that came too late needs a reason."""
    request = _lock(uow, request_id)
    if request.is_late:
        _check_reason(late_reason, "late_reason", N_("申请已超过期限，受理须写明正当理由，至少 5 个字"))
    request.accepted_on = today()
    end = rules.answer_deadline(request.accepted_on, profiles.values(uow.session, uow.actor.organisation))
    request.answer_deadline = end.date
    step(uow, request, RequestState.ACCEPTED, late_reason)
    return request


def decline(uow: UnitOfWork, request_id: uuid.UUID, *, reason: str) -> ScoreReviewRequest:
    """Decline a request, with the reason that its letter gives."""
    request = _lock(uow, request_id)
    _check_reason(reason, "reason", N_("请写明不予受理的理由，至少 5 个字"))
    step(uow, request, RequestState.DECLINED, reason)
    return request


def withdraw(uow: UnitOfWork, request_id: uuid.UUID, *, reason: str) -> ScoreReviewRequest:
    """Take back a request as the candidate wished."""
    request = _lock(uow, request_id)
    _check_reason(reason, "reason", N_("请写明考生撤回的方式和日期，至少 5 个字"))
    step(uow, request, RequestState.WITHDRAWN, reason)
    return request


def assign(uow: UnitOfWork, request_id: uuid.UUID, user_id: uuid.UUID) -> ScoreReviewRequest:
    """Give a request to somebody independent; again gives it to another one.

    Raises
    ------
    ConflictOfInterestError
        If a rule of recusal forbids it.
    ForbiddenError
        If they had a hand in the result.
    """
    request = _lock(uow, request_id)
    reviewer = appeal_reviewers.require_independent(uow.session, uow.actor, request, user_id)
    request.reviewer_id, request.reviewer_name = reviewer.user_id, reviewer.name[:100]
    step(uow, request, RequestState.REVIEWING, request.reviewer_name)
    return request


def send_back(uow: UnitOfWork, request_id: uuid.UUID, *, reason: str) -> ScoreReviewRequest:
    """Give a conclusion back to its reviewer."""
    request = _lock(uow, request_id)
    rules.check_step(request.state, RequestState.REVIEWING)
    _check_reason(reason, "reason", N_("请写明退回的理由，至少 5 个字"))
    request.outcome = request.concluded_at = request.marks = None
    request.remedy = rules.Remedy.NONE
    step(uow, request, RequestState.REVIEWING, reason)
    return request


def _lock(uow: UnitOfWork, request_id: uuid.UUID) -> ScoreReviewRequest:
    require(uow.actor, Permission.SCORE_RELEASE)
    return repository.get_request(uow.session, request_id, actor=uow.actor, lock=True)


def _check_reason(text: str, name: str, message: str) -> None:
    if len(text.strip()) < SHORTEST_REASON:
        raise InvalidInputError(message, fields={name: [message]})


def step(uow: UnitOfWork, request: ScoreReviewRequest, new: RequestState, text: str = "") -> None:
    """Take a step of a request and keep who took it, when and why."""
    rules.check_step(request.state, new)
    before, request.state = request.state, new
    _note(uow, request, text)
    audit.record(
        uow, f"appeal.{new.value}", "score_review_request", request.score_review_request_id,
        before={"state": before.value}, after={"code": request.code, "state": new.value}, reason=text.strip()[:300],
    )  # fmt: skip


def _note(uow: UnitOfWork, request: ScoreReviewRequest, text: str) -> None:
    n_before = len(repository.list_events(uow.session, request.score_review_request_id))
    uow.add(
        ScoreReviewEvent(
            organisation_id=request.organisation_id, request_id=request.score_review_request_id, number=n_before + 1,
            after=request.state, text=text.strip()[:LONGEST_TEXT], actor_id=uow.actor.user_id,
            actor_name=uow.actor.name[:100], at=now(),
        )
    )  # fmt: skip
    uow.flush()  # the next event of the same act counts this one


def require_not_reviewer(actor: Actor, request: ScoreReviewRequest) -> None:
    """Refuse the reviewer to close what they concluded: two people stand behind every answer."""
    if request.reviewer_id == actor.user_id:
        raise ForbiddenError(N_("复核人不能办结自己复核的申请"))
