"""Training and quiet checks: answers with an agreed mark that markers meet before and among the live ones."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamSession, MarkingPause, MarkingStandard, MarkingTrial
from exam_delivery.repository import marking as marks_repository
from exam_delivery.repository import marking_training as repository
from exam_delivery.repository.marking import Place
from exam_delivery.rules import marking_keys as keys
from exam_delivery.rules.marking import StandardKind
from exam_delivery.services import marking_board, recusal
from exam_delivery.services.marking_board import Board
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.profiles import values
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Standing:
    """How a marker stands with the agreed marks of one item."""

    open_training: Sequence[MarkingStandard]
    open_checks: Sequence[MarkingStandard]
    training: Sequence[MarkingTrial]
    checks: Sequence[MarkingTrial]


def standing(session: Session, actor: Actor, row: ExamSession, standards: Sequence[MarkingStandard]) -> Standing:
    """Return which agreed marks of an item a marker has met, and which are still before him.

    Answers of people that he must keep away from, and those that he set himself, are no part of it.
    """
    foreign = [one for one in standards if one.set_by != actor.user_id]
    barred = recusal.barred_attempts(session, actor, row.exam_session_id) if foreign else set()
    fit = [one for one in foreign if one.attempt_id not in barred]
    own = repository.trials(session, fit).get(actor.user_id, []) if fit and actor.user_id else []
    kinds = {one.marking_standard_id: one.kind for one in fit}
    tried = {one.marking_standard_id for one in own}
    ahead = [one for one in fit if one.marking_standard_id not in tried]
    return Standing(
        [one for one in ahead if one.kind is StandardKind.TRAINING],
        sorted((one for one in ahead if one.kind is StandardKind.CHECK), key=lambda one: _own_order(actor, one)),
        [one for one in own if kinds[one.marking_standard_id] is StandardKind.TRAINING],
        [one for one in own if kinds[one.marking_standard_id] is StandardKind.CHECK],
    )


def _own_order(actor: Actor, standard: MarkingStandard) -> str:
    return hashlib.sha256(f"{actor.user_id}/{standard.marking_standard_id}".encode()).hexdigest()


def next_trial(session: Session, actor: Actor, row: ExamSession, board: Board, item: Place) -> Place | None:
    """Return the agreed answer that comes before the next live one: training first, then a check now and then."""
    standards = repository.standards_of_session(session, row.exam_session_id).get(item, [])
    if not standards:
        return None
    found = standing(session, actor, row, standards)
    if found.open_training:
        return found.open_training[0].attempt_id, item[1]
    every = values(session, row.organisation_id)[keys.CHECK_EVERY.name]
    n_live = board.n_marked.get(item, {}).get(actor.user_id, 0)
    if found.open_checks and n_live // every > len(found.checks):
        return found.open_checks[0].attempt_id, item[1]
    return None


def find_trial(session: Session, actor: Actor, attempt: Attempt, slot: int) -> MarkingStandard | None:
    """Return the agreed mark that an answer has, where this marker is to try it and has not yet."""
    standard = repository.find_standard(session, attempt.attempt_id, slot, actor=actor)
    if standard is None or standard.set_by == actor.user_id or actor.user_id is None:
        return None
    plan = marks_repository.plans_of_session(session, attempt.exam_session_id).get((attempt.form_id, slot))
    if plan is not None and not marking_board.plan_of(plan).is_marker(actor.user_id):
        return None
    tried = repository.trials(session, [standard]).get(actor.user_id)
    return None if tried else standard


def check_trained(session: Session, actor: Actor, row: ExamSession, item: Place) -> None:
    """Refuse live answers to a marker whose training is not over."""
    standards = repository.standards_of_session(session, row.exam_session_id).get(item, [])
    has_training = any(one.kind is StandardKind.TRAINING for one in standards)
    if has_training and standing(session, actor, row, standards).open_training:
        raise ConflictError(N_("请先评完这道题的培训答案，再评正式答案"))


def record_trial(uow: UnitOfWork, standard: MarkingStandard, score: Decimal) -> MarkingTrial:
    """Keep what a marker gave to an agreed answer; a marker who misses too often is paused.

    Nothing here counts for the candidate: the agreed mark does.
    """
    held = values(uow.session, standard.organisation_id)
    bound = Decimal(str(held[keys.HIT_SHARE.name])) * standard.max_score
    if uow.actor.user_id is None:
        raise ConflictError(N_("只有登录的阅卷员可以领取答案"))
    trial = MarkingTrial(
        organisation_id=standard.organisation_id, marking_standard_id=standard.marking_standard_id, score=score,
        is_hit=abs(score - standard.score) <= bound, marked_by=uow.actor.user_id, marked_at=now(),
    )  # fmt: skip
    uow.add(trial)
    uow.flush()  # the standing counts it
    _judge(uow, standard)
    return trial


def _judge(uow: UnitOfWork, standard: MarkingStandard) -> None:
    row = uow.session.get_one(ExamSession, standard.exam_session_id)
    item = (standard.form_id, standard.slot)
    standards = repository.standards_of_session(uow.session, row.exam_session_id)[item]
    found = standing(uow.session, uow.actor, row, standards)
    held = values(uow.session, standard.organisation_id)
    if standard.kind is StandardKind.TRAINING:
        needed = math.ceil(held[keys.TRAINING_SHARE.name] * len(found.training))
        if not found.open_training and _hits(found.training) < needed:
            _pause(uow, standard, found.training)
        return
    last = _since_pause(uow, standard, found.checks)[-held[keys.CHECK_WINDOW.name] :]
    if len(last) - _hits(last) >= held[keys.CHECK_MISSES.name]:
        _pause(uow, standard, last)


def _hits(found: Collection[MarkingTrial]) -> int:
    return sum(one.is_hit for one in found)


def _since_pause(uow: UnitOfWork, standard: MarkingStandard, found: Sequence[MarkingTrial]) -> list[MarkingTrial]:
    """Return the trials after the last pause that was lifted: what was forgiven does not count again."""
    lifted = [
        one.lifted_at
        for one in repository.pauses_of_session(uow.session, standard.exam_session_id)
        if one.marked_by == uow.actor.user_id and one.slot == standard.slot and one.form_id == standard.form_id
    ]
    last = max((one for one in lifted if one is not None), default=None)
    return [one for one in found if last is None or one.marked_at > last]


def _pause(uow: UnitOfWork, standard: MarkingStandard, tried: Sequence[MarkingTrial]) -> None:
    pause = MarkingPause(
        organisation_id=standard.organisation_id, exam_session_id=standard.exam_session_id, form_id=standard.form_id,
        slot=standard.slot, marked_by=uow.actor.user_id, kind=standard.kind, n_hits=_hits(tried), n_tried=len(tried),
        paused_at=now(),
    )  # fmt: skip
    uow.add(pause)
    after = {"slot": standard.slot, "kind": standard.kind.value, "hits": pause.n_hits, "tried": pause.n_tried}
    audit.record(uow, "marking.pause", "exam_session", standard.exam_session_id, after=after)
