"""What of a session waits for whom: answers with their marks, flags and takers, and the plan of each item."""

from __future__ import annotations

import enum
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, Mark, MarkingFlag, MarkingPlan
from exam_delivery.repository import marking as repository
from exam_delivery.repository import marking_training as training
from exam_delivery.repository.marking import Pending, Place
from exam_delivery.repository.marking_results import resolution_of, rule_of
from exam_delivery.rules import marking_keys as keys
from exam_delivery.rules.marking import MarkRule, MarkState, Resolution
from item_templates.rounding import round_score
from kernel.clock import now
from kernel.profiles import values


class Task(enum.StrEnum):
    """What a person may do with an answer."""

    MARK = "mark"
    DECIDE = "decide"


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """How one item is marked and by whom, as it holds now."""

    rule: MarkRule
    leader_id: uuid.UUID | None = None
    quotas: Mapping[uuid.UUID, int | None] = field(default_factory=dict)
    is_set: bool = False
    is_open: bool = True

    def is_marker(self, user_id: uuid.UUID | None) -> bool:
        """Say whether somebody marks this item; a leader of double marking stays free to decide unless he is named."""
        if self.quotas:
            return user_id in self.quotas
        return self.rule.n_needed == 1 or user_id != self.leader_id


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that has no score yet, with everything that people did to it."""

    pending: Pending
    marks: Sequence[Mark]
    flags: Sequence[MarkingFlag]
    takers: frozenset[uuid.UUID]
    resolution: Resolution

    @property
    def markers(self) -> frozenset[uuid.UUID | None]:
        """Who has marked it independently."""
        return frozenset(mark.marked_by for mark in self.marks if not mark.is_final)

    @property
    def needs_decision(self) -> bool:
        """Whether the leader or a third person must decide."""
        state = self.resolution.state
        return state is MarkState.DISPUTED or (state is not MarkState.SETTLED and bool(self.flags))


@dataclass(frozen=True, slots=True)
class Board:
    """A session's marking as it stands."""

    answers: Sequence[Answer]
    plans: Mapping[Place, ItemPlan]
    n_marked: Mapping[Place, Mapping[uuid.UUID | None, int]]
    paused: frozenset[tuple[Place, uuid.UUID]] = frozenset()

    def find(self, attempt_id: uuid.UUID, slot: int) -> Answer | None:
        """Return one answer that has no score yet."""
        wanted = (attempt_id, slot)
        return next((one for one in self.answers if (one.pending.attempt_id, one.pending.slot) == wanted), None)

    def task(self, answer: Answer, user_id: uuid.UUID | None) -> Task | None:
        """Return what somebody may do with an answer, were it not taken; relations to its author aside."""
        plan = self.plans[answer.pending.item]
        if answer.resolution.state is MarkState.SETTLED or user_id in answer.markers or not plan.is_open:
            return None
        if answer.needs_decision:
            return Task.DECIDE if self._may_decide(answer, plan, user_id) else None
        return Task.MARK if plan.is_marker(user_id) and self._may_mark(answer.pending.item, user_id) else None

    @staticmethod
    def _may_decide(answer: Answer, plan: ItemPlan, user_id: uuid.UUID | None) -> bool:
        if plan.leader_id is not None:
            return user_id == plan.leader_id
        return plan.is_marker(user_id) and all(flag.flagged_by != user_id for flag in answer.flags)

    def _may_mark(self, item: Place, user_id: uuid.UUID | None) -> bool:
        if user_id and (item, user_id) in self.paused:
            return False
        quota = self.plans[item].quotas.get(user_id) if user_id else None
        return quota is None or self.n_marked.get(item, {}).get(user_id, 0) < quota

    def is_free(self, answer: Answer, user_id: uuid.UUID | None) -> bool:
        """Say whether fewer people have taken an answer than it still needs."""
        needed = 1 if answer.needs_decision else self.plans[answer.pending.item].rule.n_needed - len(answer.markers)
        return len(answer.takers - answer.markers - {user_id}) < needed


def load(session: Session, row: ExamSession, attempt_id: uuid.UUID | None = None) -> Board:
    """Return the board of a session, or of one attempt of it."""
    key = row.exam_session_id
    pending = repository.list_pending(session, key, attempt_id)
    marks = repository.marks_by_answer(session, key, attempt_id)
    flags = repository.flags_by_answer(session, key, attempt_id)
    takers = repository.desks_by_answer(session, key, now(), attempt_id)
    n_marked = repository.n_marked_by(session, key)
    plans = _plans(session, row, {one.item: one.max_score for one in pending}, n_marked)
    answers = [
        Answer(
            one, marks.get(place, ()), flags.get(place, ()), frozenset(takers.get(place, ())),
            resolution_of(marks.get(place, ()), plans[one.item].rule),
        )
        for one in pending
        for place in [(one.attempt_id, one.slot)]
    ]  # fmt: skip
    return Board(answers, plans, n_marked, frozenset(training.paused_markers(session, key)))


def _plans(
    session: Session, row: ExamSession, items: Mapping[Place, Decimal], n_marked: Mapping[Place, Any]
) -> dict[Place, ItemPlan]:
    stored = repository.plans_of_session(session, row.exam_session_id)
    held = values(session, row.organisation_id)
    found: dict[Place, ItemPlan] = {}
    for item, max_score in items.items():
        plan = stored.get(item)
        if plan is not None:
            found[item] = plan_of(plan)
        else:
            begun = bool(n_marked.get(item))
            rule = MarkRule() if begun else default_rule(held, max_score)
            found[item] = ItemPlan(rule, is_open=begun or not held[keys.PLAN_FIRST.name])
    return found


def plan_of(plan: MarkingPlan) -> ItemPlan:
    """Return a stored plan as it works."""
    quotas = {uuid.UUID(user): quota for user, quota in plan.markers}
    return ItemPlan(rule_of(plan), plan.leader_id, quotas, is_set=True)


def default_rule(held: Mapping[str, Any], max_score: Decimal) -> MarkRule:
    """Return how the rule profile wants an item of some marks to be marked."""
    share = Decimal(str(held[keys.TOLERANCE_SHARE.name]))
    return MarkRule(
        keys.METHODS[held[keys.METHOD.name]], round_score(share * max_score),
        keys.FINAL_RULES[held[keys.FINAL_RULE.name]], keys.DISPUTE_RULES[held[keys.DISPUTE_RULE.name]],
    )  # fmt: skip


def by_item(answers: Sequence[Answer]) -> dict[Place, list[Answer]]:
    """Return answers by item."""
    found: dict[Place, list[Answer]] = defaultdict(list)
    for answer in answers:
        found[answer.pending.item].append(answer)
    return found
