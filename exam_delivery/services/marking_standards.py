"""What the leader of an item does for its training and checks: agreed marks, and letting paused markers go on."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, Mark, MarkingPause, MarkingStandard, MarkingTrial
from exam_delivery.repository import marking as marks_repository
from exam_delivery.repository import marking_training as repository
from exam_delivery.repository import planning
from exam_delivery.repository import scores as scores_repository
from exam_delivery.repository.marking import Place
from exam_delivery.rules import marking_keys as keys
from exam_delivery.rules.marking import MarkState, StandardKind
from exam_delivery.rules.scoring import KeyedSlot, response_text
from exam_delivery.services import marking, marking_board, marking_plans, recusal
from exam_delivery.services.marking import Typed
from exam_delivery.services.marking_board import Answer
from exam_delivery.services.scoring import SCORABLE
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.profiles import value
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Offered:
    """An answer that the leader may give an agreed mark."""

    attempt_id: uuid.UUID
    slot: KeyedSlot
    response: str
    code: str


@dataclass(frozen=True, slots=True)
class StandardLine:
    """One agreed mark and how markers met it."""

    standard: MarkingStandard
    code: str
    trials: Sequence[MarkingTrial]

    @property
    def n_hits(self) -> int:
        """How many markers were near enough."""
        return sum(one.is_hit for one in self.trials)


def check_leader(session: Session, actor: Actor, exam_session_id: uuid.UUID, item: Place) -> ExamSession:
    """Return a session in which the actor leads the marking of an item."""
    require(actor, Permission.RESPONSE_MARK)
    row = planning.get_session(session, exam_session_id, actor=actor)
    plan = marks_repository.plans_of_session(session, exam_session_id).get(item)
    if plan is None or actor.user_id is None or plan.leader_id != actor.user_id:
        raise ForbiddenError(N_("只有这道题的阅卷组长可以设定标答案"))
    return row


def list_standards(session: Session, row: ExamSession, item: Place) -> list[StandardLine]:
    """Return the agreed marks of an item with what markers gave."""
    standards = repository.standards_of_session(session, row.exam_session_id).get(item, [])
    tried = [one for found in repository.trials(session, standards).values() for one in found]
    return [
        StandardLine(
            one, marking.script_code(one.attempt_id, one.slot),
            [trial for trial in tried if trial.marking_standard_id == one.marking_standard_id],
        )
        for one in standards
    ]  # fmt: skip


def offer(session: Session, actor: Actor, row: ExamSession, item: Place, after: uuid.UUID | None) -> Offered | None:
    """Return the next answer, in a random order of the leader's own, that nobody has touched yet."""
    board = marking_board.load(session, row)
    barred = recusal.barred_attempts(session, actor, row.exam_session_id)
    fit = [one for one in board.answers if one.pending.item == item and _is_untouched(one)]
    free = [one.pending.attempt_id for one in fit if one.pending.attempt_id not in barred]
    free.sort(key=lambda key: hashlib.sha256(f"{actor.user_id}/standard/{key}".encode()).hexdigest())
    if not free:
        return None
    attempt_id = free[(free.index(after) + 1) % len(free)] if after in free else free[0]
    attempt = marks_repository.get_attempt(session, attempt_id, actor=actor)
    stored = scores_repository.load_responses(session, [attempt_id])[attempt_id].get(item[1])
    keyed = marking.keyed_slot(session, attempt, item[1])
    return Offered(attempt_id, keyed, response_text(stored), marking.script_code(attempt_id, item[1]))


def _is_untouched(answer: Answer) -> bool:
    is_waiting = answer.resolution.state is MarkState.WAITING
    return is_waiting and not (answer.marks or answer.flags or answer.takers)


def set_standard(
    uow: UnitOfWork, attempt_id: uuid.UUID, slot: int, kind: StandardKind, typed: Typed
) -> MarkingStandard:
    """Give an answer its agreed mark: it counts for the candidate, and markers are trained or checked on it.

    Raises
    ------
    ConflictError
        If somebody has marked, taken or flagged the answer meanwhile.
    """
    attempt = scores_repository.lock_attempt(uow.session, attempt_id, actor=uow.actor)
    row = check_leader(uow.session, uow.actor, attempt.exam_session_id, (attempt.form_id, slot))
    recusal.check_marker(uow.session, uow.actor, attempt_id)
    answer = marking_board.load(uow.session, row, attempt_id).find(attempt_id, slot)
    if row.status not in SCORABLE or answer is None or not _is_untouched(answer):
        raise ConflictError(N_("这份答案已有人领取、评分或上交，请另选一份"))
    keyed = marking.keyed_slot(uow.session, attempt, slot)
    step = Decimal(value(uow.session, attempt.organisation_id, keys.STEP.name))
    score, criteria = marking.read_mark(typed, keyed, step)
    who = {"organisation_id": attempt.organisation_id, "attempt_id": attempt_id, "slot": slot}
    reason = typed.comment.strip()[:500]
    uow.add(
        Mark(
            **who, number=1, score=score, max_score=keyed.max_score, criteria=[f"{one:f}" for one in criteria],
            comment=reason, is_final=True, seconds=None, marked_by=uow.actor.user_id, marked_at=now(),
        )
    )  # fmt: skip
    standard = MarkingStandard(
        **who, exam_session_id=row.exam_session_id, form_id=attempt.form_id, kind=kind, score=score,
        max_score=keyed.max_score, reason=reason, set_by=uow.actor.user_id, set_at=now(),
    )  # fmt: skip
    uow.add(standard)
    uow.flush()  # the new score version reads the mark
    audit.record(uow, "marking_standard.set", "attempt", attempt_id, after={"slot": slot, "kind": kind.value})
    marking.complete(uow, attempt, slot)
    return standard


def lift_pause(uow: UnitOfWork, pause_id: uuid.UUID) -> MarkingPause:
    """Let a paused marker go on, after the leader or the officer has spoken with him."""
    pause = repository.get_pause(uow.session, pause_id, actor=uow.actor)
    marking_plans.check_manager(uow.session, uow.actor, pause.exam_session_id)
    if pause.marked_by == uow.actor.user_id:
        raise ForbiddenError(N_("不能解除自己的暂停"))
    if pause.lifted_at is not None:
        raise ConflictError(N_("这次暂停已经解除"))
    pause.lifted_at, pause.lifted_by = now(), uow.actor.user_id
    audit.record(uow, "marking.resume", "exam_session", pause.exam_session_id, after={"slot": pause.slot})
    return pause
