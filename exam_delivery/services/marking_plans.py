"""The marking plan of a session: how each item is marked, by whom, how far it is, and what holds it up."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, MarkingPlan
from exam_delivery.repository import marking as repository
from exam_delivery.repository import planning
from exam_delivery.repository import recusal as people
from exam_delivery.repository.marking import Place
from exam_delivery.rules.marking import MarkRule, MarkState
from exam_delivery.services import marking_board, recusal
from exam_delivery.services.marking_board import Answer, Board, ItemPlan, Task
from exam_delivery.services.scoring import SCORABLE
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.profiles import values
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """What the officer or the leader chose for an item."""

    rule: MarkRule
    leader_id: uuid.UUID | None
    quotas: Mapping[uuid.UUID, int | None]


@dataclass(frozen=True, slots=True)
class Stuck:
    """An answer that nobody can take as things stand, or that waits for one person; and why."""

    answer: Answer
    reason: str
    params: Mapping[str, str]
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """How far the marking of one item is."""

    item: Place
    max_score: Decimal
    plan: ItemPlan
    n_answers: int
    n_settled: int
    n_first: int
    n_second: int
    n_decisions: int
    is_begun: bool
    stuck: Sequence[Stuck]

    @property
    def n_blocked(self) -> int:
        """How many answers nobody can take."""
        return sum(one.is_blocked for one in self.stuck)


def check_manager(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> ExamSession:
    """Return a session whose marking the actor may arrange and watch: its officer, or the leader of one of its items."""
    row = planning.get_session(session, exam_session_id, actor=actor)
    leads = actor.may(Permission.RESPONSE_MARK) and is_leader(session, actor, exam_session_id)
    if not (leads or actor.may(Permission.SESSION_WRITE)):
        raise ForbiddenError(N_("只有考务管理员和本场次的阅卷组长可以查看阅卷安排"))
    return row


def is_leader(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> bool:
    """Say whether somebody leads the marking of an item of a session."""
    plans = repository.plans_of_session(session, exam_session_id).values()
    return actor.user_id is not None and any(plan.leader_id == actor.user_id for plan in plans)


def save_plan(uow: UnitOfWork, exam_session_id: uuid.UUID, items: Sequence[Place], choice: PlanChoice) -> None:
    """Set how some items are marked; once an item is begun only its people may change.

    Raises
    ------
    ConflictError
        If the way of marking would change under marks that were given already.
    """
    row = check_manager(uow.session, uow.actor, exam_session_id)
    planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.status not in SCORABLE:
        raise ConflictError(N_("场次结束后、成绩发布前才能安排阅卷"))
    _check_people(uow.session, uow.actor, choice)
    known = {one.item: one for one in list_progress(uow.session, uow.actor, row)}
    for item in items:
        if item not in known:
            raise NotFoundError(N_("这道题没有需要人工评分的答案"))
        _save(uow, row, known[item], choice)


def _save(uow: UnitOfWork, row: ExamSession, progress: ItemProgress, choice: PlanChoice) -> None:
    before = progress.plan
    if choice.rule.tolerance > progress.max_score:
        message = N_("允许分差不能超过该题满分")
        raise InvalidInputError(message, fields={"tolerance": [message]})
    if progress.is_begun and choice.rule != before.rule:
        raise ConflictError(N_("第 %(slot)s 题已经开始阅卷，只能调整人员和定额"), slot=progress.item[1])
    plan = repository.plans_of_session(uow.session, row.exam_session_id).get(progress.item)
    if plan is None:
        plan = MarkingPlan(marking_plan_id=new_id(), **_blank(row, progress.item, choice.rule))
        uow.add(plan)
    plan.method, plan.tolerance = choice.rule.method, choice.rule.tolerance
    plan.final_rule, plan.dispute_rule = choice.rule.final_rule, choice.rule.dispute_rule
    plan.leader_id, plan.markers = choice.leader_id, _listed(choice.quotas)
    plan.set_by, plan.set_at = uow.actor.user_id, now()
    audit.record(
        uow, "marking_plan.save", "exam_session", row.exam_session_id,
        before={"slot": progress.item[1], **_told(before)}, after={"slot": progress.item[1], **_told(choice)},
    )  # fmt: skip


def _listed(quotas: Mapping[uuid.UUID, int | None]) -> list[list[Any]]:
    return [[str(user), quota] for user, quota in quotas.items()]


def _told(plan: PlanChoice | ItemPlan) -> dict[str, Any]:
    leader = str(plan.leader_id) if plan.leader_id else None
    tolerance = f"{plan.rule.tolerance:f}"
    return {
        "method": plan.rule.method.value, "tolerance": tolerance, "leader": leader, "markers": _listed(plan.quotas)
    }  # fmt: skip


def _check_people(session: Session, actor: Actor, choice: PlanChoice) -> None:
    known = {key for key, _name in people.list_markers(session, actor=actor)}
    chosen = {*choice.quotas, *([choice.leader_id] if choice.leader_id else [])}
    if not chosen <= known:
        message = N_("只能选择本机构的阅卷员")
        raise InvalidInputError(message, fields={"markers": [message]})
    if len(choice.quotas) == 1 and choice.rule.n_needed == 2:
        message = N_("双评至少需要两名阅卷员")
        raise InvalidInputError(message, fields={"markers": [message]})


def _blank(row: ExamSession, item: Place, rule: MarkRule) -> dict[str, Any]:
    return {
        "organisation_id": row.organisation_id, "exam_session_id": row.exam_session_id, "form_id": item[0],
        "slot": item[1], "method": rule.method, "tolerance": rule.tolerance, "final_rule": rule.final_rule,
        "dispute_rule": rule.dispute_rule, "leader_id": None, "markers": [], "set_by": None, "set_at": now(),
    }  # fmt: skip


def fix_plan(uow: UnitOfWork, row: ExamSession, item: Place, max_score: Decimal) -> None:
    """Write down the rule profile's way of marking with an item's first mark, so that later profiles change nothing."""
    begun = repository.n_marked_by(uow.session, row.exam_session_id).get(item)
    if begun or item in repository.plans_of_session(uow.session, row.exam_session_id):
        return
    rule = marking_board.default_rule(values(uow.session, row.organisation_id), max_score)
    is_postgresql = uow.session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert if is_postgresql else sqlite.insert
    blank = {"marking_plan_id": new_id(), "version": 1, **_blank(row, item, rule)}
    uow.session.execute(insert(MarkingPlan).values(**blank).on_conflict_do_nothing())


def list_progress(session: Session, actor: Actor, row: ExamSession) -> list[ItemProgress]:
    """Return how far each item of a session is, and which answers wait for whom."""
    board = marking_board.load(session, row)
    names = dict(people.list_markers(session, actor=actor))
    barred = {key: barred_for(session, actor, row, key, name) for key, name in names.items()} if board.answers else {}
    pending = marking_board.by_item(board.answers)
    marked = repository.marked_answers(session, row.exam_session_id)
    stored = repository.plans_of_session(session, row.exam_session_id)
    found = []
    for item in sorted({*pending, *marked}, key=lambda one: (str(one[0]), one[1])):
        answers = pending.get(item, [])
        attempts, worth = marked.get(item, (set(), answers[0].pending.max_score if answers else Decimal(0)))
        n_whole = len(attempts - {one.pending.attempt_id for one in answers})
        old = marking_board.plan_of(stored[item]) if item in stored else ItemPlan(MarkRule())
        plan = board.plans.get(item, old)
        stuck = [_stuck(board, one, names, barred) for one in answers if one.resolution.state is not MarkState.SETTLED]
        found.append(
            _progress(
                item, plan, answers, worth=worth, n_whole=n_whole, is_begun=bool(board.n_marked.get(item)),
                stuck=[one for one in stuck if one],
            )
        )  # fmt: skip
    return found


def barred_for(session: Session, actor: Actor, row: ExamSession, user_id: uuid.UUID, name: str) -> set[uuid.UUID]:
    """Return the attempts that some marker must not mark."""
    marker = Actor(user_id, actor.organisation_id, name, frozenset(), frozenset())
    return recusal.barred_attempts(session, marker, row.exam_session_id)


def _progress(
    item: Place,
    plan: ItemPlan,
    answers: Sequence[Answer],
    *,
    worth: Decimal,
    n_whole: int,
    is_begun: bool,
    stuck: Sequence[Stuck],
) -> ItemProgress:
    """Count one item: `answers` of attempts without a whole score, `n_whole` marked ones of the others."""
    waiting = [one for one in answers if one.resolution.state is not MarkState.SETTLED]
    marking = [one for one in waiting if not one.needs_decision]
    n_answers = len(answers) + n_whole
    return ItemProgress(
        item, worth, plan, n_answers, n_answers - len(waiting), sum(not one.markers for one in marking),
        sum(bool(one.markers) for one in marking), sum(one.needs_decision for one in waiting), is_begun,
        stuck,
    )  # fmt: skip


def _stuck(
    board: Board, answer: Answer, names: Mapping[uuid.UUID, str], barred: Mapping[uuid.UUID, set[uuid.UUID]]
) -> Stuck | None:
    """Return what an answer waits for, where that is not simply any marker."""
    plan = board.plans[answer.pending.item]
    tasks = {key: board.task(answer, key) for key in names}
    able = [key for key, task in tasks.items() if task and answer.pending.attempt_id not in barred.get(key, ())]
    if able and not answer.needs_decision:
        return None
    if able and plan.leader_id in able:
        return Stuck(answer, N_("等待阅卷组长 %(name)s 裁定"), {"name": names[plan.leader_id]}, is_blocked=False)
    if able:
        return Stuck(answer, N_("等待第三名阅卷员裁定"), {}, is_blocked=False)
    return Stuck(answer, _why_blocked(answer, plan, names, tasks, board.paused), {}, is_blocked=True)


def _why_blocked(
    answer: Answer,
    plan: ItemPlan,
    names: Mapping[uuid.UUID, str],
    tasks: Mapping[uuid.UUID, Task | None],
    paused: Collection[tuple[Place, uuid.UUID]],
) -> str:
    if not plan.is_open:
        return N_("还没有保存阅卷安排")
    if not names:
        return N_("本机构没有阅卷员")
    if any(tasks.values()):
        return N_("可以评分的人都须回避，请另派阅卷员")
    if answer.needs_decision:
        by_leader = N_("阅卷组长评过这份答案或已停用，请另派组长裁定")
        return by_leader if plan.leader_id else N_("没有第三名阅卷员可以裁定，请指定阅卷组长")
    if any(item == answer.pending.item for item, _user in paused):
        return N_("阅卷员已暂停，请让其继续或另派阅卷员")
    return N_("指定的阅卷员定额已满或都评过，请增加阅卷员或定额")
