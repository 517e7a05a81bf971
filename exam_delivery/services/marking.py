"""The marking desk: answers without names, marks that nobody overwrites, scores made whole by the last mark."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamBatch, ExamSession, Mark, MarkingDesk, MarkingFlag, ScoreStatus
from exam_delivery.repository import marking as repository
from exam_delivery.repository import planning
from exam_delivery.repository import scores as scores_repository
from exam_delivery.repository.marking import Place
from exam_delivery.repository.marking_results import counted_marks
from exam_delivery.rules import marking_keys as keys
from exam_delivery.rules.marking import StandardKind, criteria_scores, parse_criteria, parse_mark
from exam_delivery.rules.scoring import KeyedSlot, ScoringKey, response_text
from exam_delivery.services import marking_board, marking_plans, marking_training, recusal, scoring
from exam_delivery.services.marking_board import Board, Task
from exam_delivery.services.scoring import Keys
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.profiles import value
from kernel.uow import UnitOfWork

__all__ = [
    "MarkingQueue",
    "Script",
    "TrialDone",
    "Typed",
    "get_script",
    "give_mark",
    "give_trial",
    "list_queues",
    "next_script",
    "parse_mark",
    "queue_of",
]


@dataclass(frozen=True, slots=True)
class MarkingQueue:
    """A session whose answers wait for markers; `n_waiting` are those that this person may take."""

    exam_session: ExamSession
    batch: ExamBatch
    n_waiting: int
    n_decisions: int
    n_others: int
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
    others: Sequence[Mark] = ()
    flags: Sequence[MarkingFlag] = ()
    desk: MarkingDesk | None = None
    step: Decimal = Decimal("0.5")
    is_training: bool = False

    @property
    def code(self) -> str:
        """A code by which people speak about the script; it tells nothing about the person."""
        return script_code(self.attempt_id, self.slot.slot)

    @property
    def is_decision(self) -> bool:
        """Whether two people disagreed, or somebody handed the answer over."""
        return self.own_mark is None and bool(self.others or self.flags)

    @property
    def criteria(self) -> tuple[Decimal, ...]:
        """The marks of each scoring point, where they add up to the slot's."""
        return criteria_scores(self.slot.content.rubric, self.slot.max_score)


def script_code(attempt_id: uuid.UUID, slot: int) -> str:
    """Return the code by which people speak about an answer."""
    return hashlib.sha256(f"{attempt_id}/{slot}".encode()).hexdigest()[:8].upper()


def list_queues(session: Session, actor: Actor) -> list[MarkingQueue]:
    """Return the sessions with answers to mark or marks by this person, the fullest first."""
    require(actor, Permission.RESPONSE_MARK)
    marked = repository.count_marks(session, actor=actor)
    pending = repository.pending_sessions(session, actor=actor)
    queues = []
    for key in pending | set(marked):
        row = planning.get_session(session, key, actor=actor)
        if row.status in scoring.SCORABLE:
            board = marking_board.load(session, row) if key in pending else None
            queues.append(_queue(session, actor, row, board, marked.get(key, (0, 0))))
    return sorted(queues, key=lambda queue: (-queue.n_waiting, queue.exam_session.starts_at))


def queue_of(session: Session, actor: Actor, row: ExamSession) -> MarkingQueue:
    """Return one session's queue as this person sees it."""
    n_marked = repository.count_marks(session, actor=actor).get(row.exam_session_id, (0, 0))
    return _queue(session, actor, row, marking_board.load(session, row), n_marked)


def _queue(session: Session, actor: Actor, row: ExamSession, board: Board | None, n: tuple[int, int]) -> MarkingQueue:
    tasks = [board.task(one, actor.user_id) for one in board.answers] if board else []
    open_answers = sum(one.resolution.score is None for one in board.answers) if board else 0
    n_mine = sum(task is not None for task in tasks)
    batch = planning.get_batch(session, row.exam_batch_id, actor=actor)
    return MarkingQueue(row, batch, n_mine, tasks.count(Task.DECIDE), open_answers - n_mine, n[0], n[1])


def next_script(
    session: Session,
    actor: Actor,
    exam_session_id: uuid.UUID,
    *,
    after: Place | None = None,
    item: Place | None = None,
) -> Place | None:
    """Return the next answer for this marker: item by item, in an order of the marker's own so that two seldom meet.

    The order is random but always the same for the marker, so that no answer profits from when it comes. `after` is an
    answer that the marker puts off; it comes again when the others are done. `item` is the item to go on with.
    """
    require(actor, Permission.RESPONSE_MARK)
    row = planning.get_session(session, exam_session_id, actor=actor)
    board = marking_board.load(session, row)
    mine = [one for one in board.answers if board.task(one, actor.user_id) and board.is_free(one, actor.user_id)]
    barred = recusal.barred_attempts(session, actor, exam_session_id) if mine else set()
    waiting = [one.pending for one in mine if one.pending.attempt_id not in barred]
    ordered = sorted(
        waiting, key=lambda one: (one.item != item, str(one.form_id), one.slot, _own_order(actor, one.attempt_id))
    )
    if after in (scripts := [(one.attempt_id, one.slot) for one in ordered]):
        place = scripts.index(after) + 1
        ordered = ordered[place:] + ordered[:place]
    if not ordered:
        return None
    first = ordered[0]
    task = next(board.task(one, actor.user_id) for one in mine if one.pending == first)
    trial = marking_training.next_trial(session, actor, row, board, first.item) if task is Task.MARK else None
    return trial if trial and trial != after else (first.attempt_id, first.slot)


def _own_order(actor: Actor, attempt_id: uuid.UUID) -> str:
    return hashlib.sha256(f"{actor.user_id}/{attempt_id}".encode()).hexdigest()


def get_script(session: Session, actor: Actor, attempt_id: uuid.UUID, slot: int) -> Script:
    """Return one answer that a person must mark or has marked."""
    require(actor, Permission.RESPONSE_MARK)
    attempt = repository.get_attempt(session, attempt_id, actor=actor)
    recusal.check_marker(session, actor, attempt_id)
    keyed = keyed_slot(session, attempt, slot)
    row = planning.get_session(session, attempt.exam_session_id, actor=actor)
    board = marking_board.load(session, row, attempt_id)
    marks = repository.marks_by_answer(session, attempt.exam_session_id, attempt_id).get((attempt_id, slot), [])
    own = [mark for mark in marks if mark.marked_by == actor.user_id]
    answer = board.find(attempt_id, slot)
    task = board.task(answer, actor.user_id) if answer else None
    trial = None if own or task else marking_training.find_trial(session, actor, attempt, slot)
    if not own and task is None and trial is None:
        raise NotFoundError(N_("这份答案不由您评分，或已经评完"))
    stored = scores_repository.load_responses(session, [attempt_id])[attempt_id].get(slot)
    decides = answer if task is Task.DECIDE else None
    return Script(
        attempt_id, attempt.exam_session_id, keyed, response_text(stored), len(own), own[-1] if own else None,
        others=_newest_of_each(decides.marks) if decides else (), flags=decides.flags if decides else (),
        desk=repository.find_desk(session, attempt_id, slot, actor.user_id) if actor.user_id else None,
        step=Decimal(value(session, actor.organisation, keys.STEP.name)),
        is_training=trial is not None and trial.kind is StandardKind.TRAINING,
    )  # fmt: skip


def _newest_of_each(marks: Sequence[Mark]) -> list[Mark]:
    newest = {mark.marked_by: mark for mark in marks if not mark.is_final}
    return list(newest.values())


def keyed_slot(session: Session, attempt: Attempt, slot: int) -> KeyedSlot:
    """Return the item behind an answer with its rubric."""
    key = Keys(attempt.organisation_id).get(session, attempt.form_id)
    keyed = key.find(slot) if isinstance(key, ScoringKey) else None
    if keyed is None:
        raise NotFoundError(N_("找不到这道题的评分标准"))
    return keyed


@dataclass(frozen=True, slots=True)
class Typed:
    """What a marker typed: a total, or marks of each scoring point, or both."""

    score: str
    criteria: Sequence[str] = ()
    comment: str = ""


@dataclass(slots=True)
class _Act:
    """One act of marking: the answer, who marked it before, and what the rule profile says."""

    uow: UnitOfWork
    attempt: Attempt
    keyed: KeyedSlot
    board: Board
    marks: Sequence[Mark]
    own: list[Mark] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.own = [mark for mark in self.marks if mark.marked_by == self.uow.actor.user_id]

    @property
    def item(self) -> Place:
        """The item that is marked."""
        return self.attempt.form_id, self.keyed.slot

    def held(self, name: str) -> Any:
        """Return a value of the rule profile."""
        return value(self.uow.session, self.attempt.organisation_id, name)


def give_mark(
    uow: UnitOfWork,
    attempt_id: uuid.UUID,
    slot: int,
    score: str,
    *,
    comment: str = "",
    criteria: Sequence[str] = (),
    n_seen: int,
) -> Mark:
    """Mark an answer; `n_seen` is how many own marks the marker saw, so that nothing is overwritten unseen.

    Raises
    ------
    ConflictError
        If somebody else has marked or taken it, the time to change it is over, or the scores are released.
    """
    require(uow.actor, Permission.RESPONSE_MARK)
    attempt = scores_repository.lock_attempt(uow.session, attempt_id, actor=uow.actor)
    row = planning.get_session(uow.session, attempt.exam_session_id, actor=uow.actor)
    if row.status not in scoring.SCORABLE:
        raise ConflictError(N_("这个场次现在不能阅卷"))
    recusal.check_marker(uow.session, uow.actor, attempt_id)
    keyed = keyed_slot(uow.session, attempt, slot)
    marks = repository.marks_by_answer(uow.session, row.exam_session_id, attempt_id).get((attempt_id, slot), [])
    act = _Act(uow, attempt, keyed, marking_board.load(uow.session, row, attempt_id), marks)
    is_final = _check_turn(act, n_seen)
    if not (is_final or act.own):
        marking_training.check_trained(uow.session, uow.actor, row, act.item)
    mark = _new_mark(act, Typed(score, criteria, comment), is_final=is_final)
    marking_plans.fix_plan(uow, row, act.item, keyed.max_score)
    uow.add(mark)
    uow.flush()  # the new score version reads the marks
    audit.record(uow, "response.mark", "attempt", attempt_id, after={"slot": slot, "number": mark.number})
    complete(uow, attempt, slot)
    return mark


@dataclass(frozen=True, slots=True)
class TrialDone:
    """What a marker gave to an answer with an agreed mark; the agreed mark is told after training only."""

    score: Decimal
    is_hit: bool
    agreed: Decimal | None
    reason: str


def give_trial(uow: UnitOfWork, attempt_id: uuid.UUID, slot: int, typed: Typed) -> TrialDone | None:
    """Keep a mark of an answer that trains or checks this marker; returns None where the answer is a live one."""
    require(uow.actor, Permission.RESPONSE_MARK)
    attempt = scores_repository.lock_attempt(uow.session, attempt_id, actor=uow.actor)
    standard = marking_training.find_trial(uow.session, uow.actor, attempt, slot)
    if standard is None:
        return None
    recusal.check_marker(uow.session, uow.actor, attempt_id)
    step = Decimal(value(uow.session, attempt.organisation_id, keys.STEP.name))
    score, _criteria = read_mark(typed, keyed_slot(uow.session, attempt, slot), step)
    trial = marking_training.record_trial(uow, standard, score)
    if uow.actor.user_id and (desk := repository.find_desk(uow.session, attempt_id, slot, uow.actor.user_id)):
        uow.session.delete(desk)
    told = standard.kind is StandardKind.TRAINING
    return TrialDone(score, trial.is_hit, standard.score if told else None, standard.reason if told else "")


def _check_turn(act: _Act, n_seen: int) -> bool:
    """Refuse a mark that is not this person's turn; return whether it decides."""
    if act.own:
        _check_change(act, n_seen)
        return act.own[-1].is_final
    answer = act.board.find(act.attempt.attempt_id, act.keyed.slot)
    if answer is None and not act.marks:
        raise NotFoundError(N_("这份答案不需要人工评分"))
    task = act.board.task(answer, act.uow.actor.user_id) if answer else None
    if answer is None or (task is None and act.marks):
        raise ConflictError(N_("这份答案刚刚已由他人评分，您的评分没有保存；请看下一份"))
    if task is None:
        raise ConflictError(N_("这份答案现在不由您评分，请看下一份"))
    if not act.board.is_free(answer, act.uow.actor.user_id):
        raise ConflictError(N_("领取已超时，这份答案已由他人领取；您的评分没有提交，草稿已保留"))
    if n_seen:
        raise ConflictError(N_("这份答案的评分已有变化，请刷新后再评"))
    return task is Task.DECIDE


def _check_change(act: _Act, n_seen: int) -> None:
    """Refuse to change an own mark that is not the one seen, too old, or no longer the last word."""
    newest = act.own[-1]
    if len(act.own) != n_seen:
        raise ConflictError(N_("这份答案的评分已有变化，请刷新后再评"))
    if any(mark.is_final and mark.number > newest.number for mark in act.marks if mark not in act.own):
        raise ConflictError(N_("这份答案已经裁定，不能再修改"))
    minutes = act.held(keys.CHANGE_MINUTES.name)
    if now() - act.own[0].marked_at > timedelta(minutes=minutes):
        raise ConflictError(N_("评分已超过 %(minutes)s 分钟，不能再修改；有疑问请告诉阅卷组长"), minutes=minutes)


def _new_mark(act: _Act, typed: Typed, *, is_final: bool) -> Mark:
    attempt, keyed, user_id, moment = act.attempt, act.keyed, act.uow.actor.user_id, now()
    score, criteria = read_mark(typed, keyed, Decimal(act.held(keys.STEP.name)))
    desk = repository.find_desk(act.uow.session, attempt.attempt_id, keyed.slot, user_id) if user_id else None
    if desk is not None:
        act.uow.session.delete(desk)
    return Mark(
        organisation_id=attempt.organisation_id, attempt_id=attempt.attempt_id, slot=keyed.slot,
        number=max((mark.number for mark in act.marks), default=0) + 1, score=score, max_score=keyed.max_score,
        criteria=[f"{one:f}" for one in criteria], comment=typed.comment.strip()[:500], is_final=is_final,
        seconds=int((moment - desk.claimed_at).total_seconds()) if desk and not act.own else None, marked_by=user_id,
        marked_at=moment,
    )  # fmt: skip


def read_mark(typed: Typed, keyed: KeyedSlot, step: Decimal) -> tuple[Decimal, tuple[Decimal, ...]]:
    """Return total and marks of each scoring point; raises InvalidInputError where they do not fit."""
    limits = criteria_scores(keyed.content.rubric, keyed.max_score)
    criteria = parse_criteria(typed.criteria, limits, step)
    if not criteria:
        return parse_mark(typed.score, keyed.max_score, step), ()
    total = sum(criteria, Decimal(0))
    if typed.score.strip() and parse_mark(typed.score, keyed.max_score, step) != total:
        message = N_("得分与各评分点之和不一致，请核对")
        raise InvalidInputError(message, fields={"score": [message]})
    return total, criteria


def complete(uow: UnitOfWork, attempt: Attempt, slot: int) -> None:
    """Make a new score version when this mark was the last one missing, or changed a whole score."""
    record = scoring.record_of(uow.session, attempt.attempt_id)
    slots = scores_repository.slot_scores(uow.session, record.score_record_id) if record else ()
    marks = counted_marks(uow.session, [attempt.attempt_id])[attempt.attempt_id]
    is_waiting = any(one.score is None and one.slot not in marks for one in slots)
    if record is None or is_waiting:
        return
    scoring.score_attempts(uow, [attempt.attempt_id], Keys(attempt.organisation_id), None)
    if record.status is not ScoreStatus.COMPLETE or slot not in marks:
        scoring.settle(uow, attempt.exam_session_id)
