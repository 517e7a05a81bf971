"""Rescue files: taken in by the invigilator, looked at before anything changes, merged once, and decided where they came late.

The order is always: session locked, attempt locked, file locked. What is uploaded stays, whatever is decided about it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    Incident,
    RescueFile,
    ResponseEvent,
)
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import merging as merging_repository
from exam_delivery.repository import planning, standby
from exam_delivery.repository import rescue as repository
from exam_delivery.rules import keys, rescue
from exam_delivery.rules.merging import ALL_LATE, GivenAnswer, Verdict, judge, places_of
from exam_delivery.rules.rescue import RescueState
from exam_delivery.rules.states import FINISHED
from exam_delivery.services import late_answers, merging
from exam_delivery.services.reach import check_attempt_in_reach
from kernel import audit, crypto, profiles
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

NOTHING = timedelta(0)
Verdicts = list[tuple[GivenAnswer, Verdict]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do, or did: each answer with the place that the candidate sees and what becomes of it."""

    file: RescueFile
    lines: Sequence[tuple[int, GivenAnswer, Verdict]]
    counts: dict[str, int]


def upload(uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, data: bytes) -> RescueFile:
    """Take in a file of exactly this candidate; the same file again is the same row. Nothing is merged yet.

    Raises
    ------
    InvalidInputError
        If it is no rescue file, was changed or torn, or is another candidate's.
    """
    attempt = merging.open_seat(uow.session, exam_session_id, registration_id, actor=uow.actor)
    if len(data) > rescue.MAX_FILE:
        raise InvalidInputError(rescue.UNREADABLE, fields={"file": [rescue.UNREADABLE]})
    envelope = rescue.read_envelope(data)
    voided = {old.attempt_id: old for _v, old in standby.voided_of(uow.session, [registration_id])}
    attempt = voided.get(envelope.attempt_id, attempt)
    if envelope.attempt_id != attempt.attempt_id:
        raise _foreign(uow, exam_session_id, envelope.attempt_id)
    events = _open(attempt, data)
    digest = sha256(data).hexdigest()
    if known := repository.find_file(uow.session, attempt.attempt_id, digest):
        return known
    file = RescueFile(
        organisation_id=attempt.organisation_id, exam_session_id=exam_session_id, attempt_id=attempt.attempt_id,
        digest=digest, body=data, generation=envelope.generation, made_at=envelope.made_at[:40], n_events=len(events),
        state=RescueState.UPLOADED, outcome={}, uploaded_by=uow.actor.user_id, uploaded_at=now(),
    )  # fmt: skip
    uow.add(file)
    uow.flush()
    audit.record(uow, "rescue_file.upload", "attempt", attempt.attempt_id, after={"digest": digest, "n": len(events)})
    return file


def _foreign(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID) -> InvalidInputError:
    """Return the refusal of a file of somebody else; who it is, is told only to those who look after that person too."""
    message = N_("这个文件属于另一名考生，没有导入任何内容：请在那名考生的页面导入")
    try:
        check_attempt_in_reach(uow.session, exam_session_id, attempt_id, actor=uow.actor)
    except NotFoundError:
        return InvalidInputError(message, fields={"file": [message]})
    owner = attempts_repository.get_registration(uow.session, uow.session.get_one(Attempt, attempt_id))
    return InvalidInputError(
        N_("这个文件属于准考证号 %(number)s 的考生，没有导入任何内容：请在那名考生的页面导入"),
        number=owner.admission_number or "",
    )


def _open(attempt: Attempt, data: bytes) -> list[GivenAnswer]:
    envelope = rescue.read_envelope(data)
    key = rescue.attempt_key(crypto.purpose_key(rescue.PURPOSE), attempt.attempt_id, envelope.generation)
    return rescue.open_envelope(envelope, key, n_slots=attempt.n_slots)


def preview(session: Session, rescue_file_id: uuid.UUID, *, actor: Actor, at: datetime) -> Preview:
    """Return what an import would change now."""
    require(actor, Permission.SESSION_INVIGILATE)
    file = repository.get_file(session, rescue_file_id, actor=actor)
    check_attempt_in_reach(session, file.exam_session_id, file.attempt_id, actor=actor)
    attempt = session.get_one(Attempt, file.attempt_id)
    sitting = planning.get_session(session, file.exam_session_id, actor=actor)
    verdicts = _judge(session, attempt, sitting, file, at)
    places = places_of(attempt.layout)
    lines = sorted((places.get(event.slot, event.slot), event, verdict) for event, verdict in verdicts)
    return Preview(file, lines, _counts(verdicts))


def _judge(session: Session, attempt: Attempt, sitting: ExamSession, file: RescueFile, at: datetime) -> Verdicts:
    until = rescue.until_when(
        is_open=sitting.status not in FINISHED and attempt.registration_id is not None,
        rule=str(profiles.value(session, attempt.organisation_id, keys.RESCUE_LATE_RULE)),
        deadline=(attempt.deadline_at or attempt.ends_at) + (at - attempt.paused_at if attempt.paused_at else NOTHING),
        ended_at=attempt.submitted_at if attempt.status is AttemptStatus.SUBMITTED else None,
        grace_seconds=attempt.grace_seconds,
        at=at,
    )
    return _verdicts(session, attempt, file, until)


def _verdicts(session: Session, attempt: Attempt, file: RescueFile, until: datetime | None) -> Verdicts:
    """Return what becomes of the answers; those that also came late by the network are decided there, not twice."""
    known = merging_repository.known_answers(session, [attempt.attempt_id])[attempt.attempt_id]
    apart = late_answers.decided_here(session, attempt)
    return judge(_open(attempt, file.body), known, until=until, apart=apart)


def _counts(verdicts: Verdicts) -> dict[str, int]:
    n = Counter(verdict for _event, verdict in verdicts)
    return {verdict.value: n[verdict] for verdict in Verdict}


def import_file(uow: UnitOfWork, rescue_file_id: uuid.UUID) -> RescueFile:
    """Merge a file by the answer protocol; doing it again changes nothing."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    attempt, file, sitting = _locked(uow, rescue_file_id)
    if file.state is not RescueState.UPLOADED:
        return file
    at = now()
    verdicts = _judge(uow.session, attempt, sitting, file, at)
    _keep(uow, attempt, verdicts, at)
    merging.count(uow, attempt, [event for event, verdict in verdicts if verdict is Verdict.COUNTS], at)
    counts = _counts(verdicts)
    is_evidence = attempt.registration_id is None  # voided: kept, and nobody has to decide whether it counts
    file.state = RescueState.HELD if counts[Verdict.LATE] and not is_evidence else RescueState.IMPORTED
    file.outcome, file.imported_by, file.imported_at = counts, uow.actor.user_id, at
    _note(
        uow,
        attempt,
        f"计入 {counts['counts']} 题，已有 {counts['same']} 题，较旧 {counts['older']} 题，迟到 {counts['late']} 题",
        at,
    )
    audit.record(uow, "rescue_file.import", "attempt", attempt.attempt_id, after={"digest": file.digest, **counts})
    return file


def _locked(uow: UnitOfWork, rescue_file_id: uuid.UUID) -> tuple[Attempt, RescueFile, ExamSession]:
    file = repository.get_file(uow.session, rescue_file_id, actor=uow.actor)
    check_attempt_in_reach(uow.session, file.exam_session_id, file.attempt_id, actor=uow.actor)
    sitting = planning.lock_session(uow.session, file.exam_session_id, actor=uow.actor)
    attempt = attempts_repository.lock_attempt(uow.session, file.attempt_id, actor=uow.actor)
    file = repository.get_file(uow.session, rescue_file_id, actor=uow.actor, lock=True)
    return attempt, file, sitting


def _keep(uow: UnitOfWork, attempt: Attempt, verdicts: Verdicts, at: datetime) -> None:
    """Add every event that is not there yet; one whose number is taken stays in the file alone."""
    taken = repository.stored_events(uow.session, attempt.attempt_id)
    for event, verdict in verdicts:
        if (event.slot, event.seq) not in taken:
            uow.add(
                ResponseEvent(
                    attempt_id=attempt.attempt_id, slot=event.slot, seq=event.seq, response=event.response,
                    client_time=event.client_time, received_at=at, generation=event.generation,
                    is_late=verdict is Verdict.LATE,
                )
            )  # fmt: skip
            taken.add((event.slot, event.seq))
    uow.flush()


def decide(uow: UnitOfWork, rescue_file_id: uuid.UUID, *, does_count: bool, reason: str) -> RescueFile:
    """Let late answers count, or not; by somebody other than who imported them, as long as no results are out."""
    require(uow.actor, Permission.SESSION_CONTROL)
    attempt, file, sitting = _locked(uow, rescue_file_id)
    _check_decision(uow, file, sitting, reason)
    if does_count:
        merging.check_countable(attempt)
    at = now()
    if does_count:
        verdicts = _verdicts(uow.session, attempt, file, ALL_LATE)
        merging.count_late(uow, attempt, sitting, [event for event, verdict in verdicts if verdict is Verdict.LATE], at)
    file.state = RescueState.COUNTED if does_count else RescueState.LEFT_OUT
    file.decided_by, file.decided_at, file.decision_reason = uow.actor.user_id, at, reason.strip()
    _note(uow, attempt, f"{rescue.STATE_LABELS[file.state]}：{reason.strip()}", at)
    after = {"digest": file.digest, "state": file.state.value, "receipt": (attempt.receipt or {}).get("digest")}
    audit.record(uow, "rescue_file.decide", "attempt", attempt.attempt_id, after=after, reason=reason.strip())
    return file


def _check_decision(uow: UnitOfWork, file: RescueFile, sitting: ExamSession, reason: str) -> None:
    if file.state is not RescueState.HELD:
        raise ConflictError(N_("这个应急文件没有待裁定的答案，请刷新页面"))
    if file.imported_by == uow.actor.user_id:
        raise ConflictError(N_("导入的人不能裁定同一个文件，请另一名有权限的人员处理"))
    merging.check_unreleased(sitting)
    merging.check_reason(reason)


def _note(uow: UnitOfWork, attempt: Attempt, text: str, at: datetime) -> None:
    uow.add(
        Incident(
            organisation_id=attempt.organisation_id, exam_session_id=attempt.exam_session_id,
            attempt_id=attempt.attempt_id, kind="rescue", text=text[:500], noted_by=uow.actor.user_id, noted_at=at,
        )
    )  # fmt: skip
