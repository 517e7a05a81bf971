"""A marker's desk: an answer taken for a while, drafts that are kept, handing an answer to the leader."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from exam_delivery.models import Attempt, MarkingDesk, MarkingFlag
from exam_delivery.repository import marking as repository
from exam_delivery.repository import planning
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules import marking_keys as keys
from exam_delivery.rules.marking import FlagKind
from exam_delivery.services import marking_board, marking_training, recusal
from exam_delivery.services.marking_board import Task
from exam_delivery.services.scoring import SCORABLE
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.profiles import value
from kernel.uow import UnitOfWork

DRAFT_LENGTH = 600


def _turn(uow: UnitOfWork, attempt: Attempt, slot: int) -> tuple[Task, bool]:
    """Return what this person may do with an answer, and whether it is free; a trial always is, and looks the same."""
    row = planning.get_session(uow.session, attempt.exam_session_id, actor=uow.actor)
    if row.status not in SCORABLE:
        raise ConflictError(N_("这个场次现在不能阅卷"))
    recusal.check_marker(uow.session, uow.actor, attempt.attempt_id)
    if marking_training.find_trial(uow.session, uow.actor, attempt, slot) is not None:
        return Task.MARK, True
    board = marking_board.load(uow.session, row, attempt.attempt_id)
    answer = board.find(attempt.attempt_id, slot)
    if answer is None:
        raise NotFoundError(N_("这份答案不需要人工评分"))
    task = board.task(answer, uow.actor.user_id)
    if task is None:
        raise ConflictError(N_("这份答案现在不由您评分，请看下一份"))
    if task is Task.MARK:
        marking_training.check_trained(uow.session, uow.actor, row, answer.pending.item)
    return task, board.is_free(answer, uow.actor.user_id)


def _put_back(uow: UnitOfWork, attempt_id: uuid.UUID, slot: int) -> None:
    for desk in repository.own_desks(uow.session, actor=uow.actor):
        if (desk.attempt_id, desk.slot) == (attempt_id, slot):
            continue
        if desk.draft:
            desk.expires_at = min(desk.expires_at, now())
        else:
            uow.session.delete(desk)


def _renew(uow: UnitOfWork, attempt: Attempt, slot: int) -> MarkingDesk:
    moment, minutes = now(), value(uow.session, attempt.organisation_id, keys.CLAIM_MINUTES.name)
    desk = repository.find_desk(uow.session, attempt.attempt_id, slot, _user(uow))
    if desk is None:
        desk = MarkingDesk(
            attempt_id=attempt.attempt_id, slot=slot, marked_by=_user(uow), organisation_id=attempt.organisation_id,
            claimed_at=moment, expires_at=moment, draft={},
        )  # fmt: skip
        uow.add(desk)
        uow.flush()  # a later step of the same act asks for it
    elif desk.expires_at <= moment:
        desk.claimed_at = moment
    desk.expires_at = moment + timedelta(minutes=minutes)
    return desk


def _user(uow: UnitOfWork) -> uuid.UUID:
    if uow.actor.user_id is None:
        raise ConflictError(N_("只有登录的阅卷员可以领取答案"))
    return uow.actor.user_id


def save_draft(uow: UnitOfWork, attempt_id: uuid.UUID, slot: int, draft: Mapping[str, Any]) -> bool:
    """Take an answer for some minutes, or stay on it, and keep what was typed.

    Whatever else this person had taken goes back; its drafts stay. Returns False where the answer is somebody else's
    meanwhile: the draft is kept all the same.
    """
    require(uow.actor, Permission.RESPONSE_MARK)
    attempt = scores_repository.lock_attempt(uow.session, attempt_id, actor=uow.actor)
    try:
        _task, is_free = _turn(uow, attempt, slot)
    except (ConflictError, NotFoundError):
        is_free = False
    if not is_free and _has_marked(uow, attempt, slot):
        return False
    desk = repository.find_desk(uow.session, attempt_id, slot, _user(uow))
    if is_free:
        _put_back(uow, attempt_id, slot)
    if is_free or desk is None:
        desk = _renew(uow, attempt, slot)
    if not is_free:
        desk.expires_at = min(desk.expires_at, now())
    desk.draft = _cut(draft)
    return is_free


def _has_marked(uow: UnitOfWork, attempt: Attempt, slot: int) -> bool:
    found = repository.marks_by_answer(uow.session, attempt.exam_session_id, attempt.attempt_id)
    return any(mark.marked_by == uow.actor.user_id for mark in found.get((attempt.attempt_id, slot), ()))


def _cut(draft: Mapping[str, Any]) -> dict[str, Any]:
    criteria = [str(one)[:20] for one in draft.get("criteria", [])][:50]
    kept = {"score": str(draft.get("score", ""))[:20], "comment": str(draft.get("comment", ""))[:DRAFT_LENGTH]}
    return {**kept, "criteria": criteria} if any(criteria) or any(kept.values()) else {}


def drop_draft(uow: UnitOfWork, attempt_id: uuid.UUID, slot: int) -> None:
    """Throw an own draft away."""
    require(uow.actor, Permission.RESPONSE_MARK)
    desk = repository.find_desk(uow.session, attempt_id, slot, _user(uow))
    if desk is not None and desk.organisation_id == uow.actor.organisation:
        uow.session.delete(desk)


def hand_over(uow: UnitOfWork, attempt_id: uuid.UUID, slot: int, kind: FlagKind, text: str) -> MarkingFlag:
    """Hand an answer to the leader: it cannot be read, the rubric does not fit, something is wrong with it."""
    require(uow.actor, Permission.RESPONSE_MARK)
    attempt = scores_repository.lock_attempt(uow.session, attempt_id, actor=uow.actor)
    task, _is_free = _turn(uow, attempt, slot)
    if task is Task.DECIDE:
        raise ConflictError(N_("这份答案已经在等您裁定，不能再上交"))
    if marking_training.find_trial(uow.session, uow.actor, attempt, slot) is not None:
        raise ConflictError(N_("组长看过这份答案，请按评分标准评分"))
    if kind is FlagKind.OTHER and not text.strip():
        raise InvalidInputError(N_("请写明上交的原因"), fields={"flag_text": [N_("请写明上交的原因")]})
    flag = MarkingFlag(
        organisation_id=attempt.organisation_id, attempt_id=attempt_id, slot=slot, kind=kind, text=text.strip()[:300],
        flagged_by=uow.actor.user_id, flagged_at=now(),
    )  # fmt: skip
    uow.add(flag)
    drop_draft(uow, attempt_id, slot)
    audit.record(uow, "response.flag", "attempt", attempt_id, after={"slot": slot, "kind": kind.value})
    return flag
