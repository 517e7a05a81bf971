"""The marking desk: answers without names, marks that nobody overwrites, scores made whole by the last mark."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamBatch, ExamSession, Mark, ScoreStatus
from exam_delivery.repository import marking as repository
from exam_delivery.repository import planning
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules.scoring import KeyedSlot, ScoringKey, response_text
from exam_delivery.services import recusal, scoring
from exam_delivery.services.scoring import Keys
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class MarkingQueue:
    """A session whose answers wait for markers."""

    exam_session: ExamSession
    batch: ExamBatch
    n_waiting: int
    n_marked: int
    n_mine: int


@dataclass(frozen=True, slots=True)
class Script:
    """One answer as a marker sees it: no name, no number, no seat."""

    attempt_id: uuid.UUID
    exam_session_id: uuid.UUID
    slot: KeyedSlot
    response: str
    n_marks: int
    own_mark: Mark | None

    @property
    def code(self) -> str:
        """A code by which people speak about the script; it tells nothing about the person."""
        return hashlib.sha256(f"{self.attempt_id}/{self.slot.slot}".encode()).hexdigest()[:8].upper()


def list_queues(session: Session, actor: Actor) -> list[MarkingQueue]:
    """Return the sessions with answers to mark or marks by this person, the fullest first."""
    require(actor, Permission.RESPONSE_MARK)
    waiting = scores_repository.count_unmarked(session, actor=actor)
    marked = repository.count_marks(session, actor=actor)
    queues = []
    for key in {*waiting, *marked}:
        row = planning.get_session(session, key, actor=actor)
        if row.status in scoring.SCORABLE:
            n_marked, n_mine = marked.get(key, (0, 0))
            batch = planning.get_batch(session, row.exam_batch_id, actor=actor)
            queues.append(MarkingQueue(row, batch, waiting.get(key, 0), n_marked, n_mine))
    return sorted(queues, key=lambda queue: (-queue.n_waiting, queue.exam_session.starts_at))


def next_script(
    session: Session, actor: Actor, exam_session_id: uuid.UUID, *, after: tuple[uuid.UUID, int] | None = None
) -> tuple[uuid.UUID, int] | None:
    """Return the next answer for this marker: slot by slot, in an order of the marker's own so that two seldom meet.

    `after` is an answer that the marker puts off; it comes again when the others are done.
    """
    require(actor, Permission.RESPONSE_MARK)
    planning.get_session(session, exam_session_id, actor=actor)
    waiting = repository.list_unmarked(session, exam_session_id, organisation_id=actor.organisation)
    barred = recusal.barred_attempts(session, actor, exam_session_id) if waiting else set()
    waiting = [one for one in waiting if one[0] not in barred]
    ordered = sorted(waiting, key=lambda one: (str(one[2]), one[1], _own_order(actor, one[0])))
    scripts = [(attempt_id, slot) for attempt_id, slot, _form in ordered]
    if after in scripts:
        place = scripts.index(after) + 1
        scripts = scripts[place:] + scripts[:place]
    return scripts[0] if scripts else None


def _own_order(actor: Actor, attempt_id: uuid.UUID) -> str:
    return hashlib.sha256(f"{actor.user_id}/{attempt_id}".encode()).hexdigest()


def get_script(session: Session, actor: Actor, attempt_id: uuid.UUID, slot: int) -> Script:
    """Return one answer that a person must mark."""
    require(actor, Permission.RESPONSE_MARK)
    attempt = repository.get_attempt(session, attempt_id, actor=actor)
    recusal.check_marker(session, actor, attempt_id)
    keyed = _keyed_slot(session, attempt, slot)
    marks = repository.marks_of_slot(session, attempt_id, slot)
    if not marks and not repository.is_unmarked(session, attempt, slot):
        raise NotFoundError(N_("这份答案不需要人工评分"))
    stored = scores_repository.load_responses(session, [attempt_id])[attempt_id].get(slot)
    own = marks[-1] if marks and marks[-1].marked_by == actor.user_id else None
    text = response_text(stored)
    return Script(attempt_id, attempt.exam_session_id, keyed, text, len(marks), own)


def _keyed_slot(session: Session, attempt: Attempt, slot: int) -> KeyedSlot:
    key = Keys(attempt.organisation_id).get(session, attempt.form_id)
    keyed = key.find(slot) if isinstance(key, ScoringKey) else None
    if keyed is None:
        raise NotFoundError(N_("找不到这道题的评分标准"))
    return keyed


def give_mark(uow: UnitOfWork, attempt_id: uuid.UUID, slot: int, score: str, *, comment: str = "", n_seen: int) -> Mark:
    """Mark an answer; `n_seen` is how many marks the marker saw, so that nobody overwrites another's.

    Raises
    ------
    ConflictError
        If somebody else has marked it, or the scores are released.
    """
    require(uow.actor, Permission.RESPONSE_MARK)
    attempt = scores_repository.lock_attempt(uow.session, attempt_id, actor=uow.actor)
    row = planning.get_session(uow.session, attempt.exam_session_id, actor=uow.actor)
    if row.status not in scoring.SCORABLE:
        raise ConflictError(N_("这个场次现在不能阅卷"))
    recusal.check_marker(uow.session, uow.actor, attempt_id)
    keyed = _keyed_slot(uow.session, attempt, slot)
    marks = repository.marks_of_slot(uow.session, attempt_id, slot)
    _check_turn(uow, marks, n_seen)
    if not marks and not repository.is_unmarked(uow.session, attempt, slot):
        raise NotFoundError(N_("这份答案不需要人工评分"))
    mark = _new_mark(uow, attempt, keyed, parse_mark(score, keyed.max_score), comment, number=len(marks) + 1)
    uow.add(mark)
    uow.flush()  # the new score version reads the marks
    audit.record(uow, "response.mark", "attempt", attempt_id, after={"slot": slot, "number": mark.number})
    _complete(uow, attempt)
    return mark


def _check_turn(uow: UnitOfWork, marks: Sequence[Mark], n_seen: int) -> None:
    if marks and marks[-1].marked_by != uow.actor.user_id:
        raise ConflictError(N_("这份答案刚刚已由他人评分，您的评分没有保存；请看下一份"))
    if len(marks) != n_seen:
        raise ConflictError(N_("这份答案的评分已有变化，请刷新后再评"))


def parse_mark(text: str, max_score: Decimal) -> Decimal:
    """Return a typed mark; raises InvalidInputError outside 0 to the slot's marks or finer than 0.5."""
    try:
        score = Decimal(text.strip())
    except InvalidOperation:
        score = Decimal(-1)
    if not (score.is_finite() and 0 <= score <= max_score and score * 2 == int(score * 2)):
        message = N_("请填写 0 至满分之间的分数，以 0.5 分为单位")
        raise InvalidInputError(message, fields={"score": [message]})
    return score


def _new_mark(
    uow: UnitOfWork, attempt: Attempt, keyed: KeyedSlot, score: Decimal, comment: str, *, number: int
) -> Mark:
    return Mark(
        organisation_id=attempt.organisation_id, attempt_id=attempt.attempt_id, slot=keyed.slot, number=number,
        score=score, max_score=keyed.max_score, comment=comment.strip()[:500], marked_by=uow.actor.user_id,
        marked_at=now(),
    )  # fmt: skip


def _complete(uow: UnitOfWork, attempt: Attempt) -> None:
    """Make a new score version when this mark was the last one missing, or changed a whole score."""
    record = scoring.record_of(uow.session, attempt.attempt_id)
    slots = scores_repository.slot_scores(uow.session, record.score_record_id) if record else ()
    marks = scores_repository.load_marks(uow.session, [attempt.attempt_id])[attempt.attempt_id]
    is_waiting = any(slot.score is None and slot.slot not in marks for slot in slots)
    if record is None or is_waiting:
        return
    scoring.score_attempts(uow, [attempt.attempt_id], Keys(attempt.organisation_id), None)
    if record.status is not ScoreStatus.COMPLETE:
        scoring.settle(uow, attempt.exam_session_id)
