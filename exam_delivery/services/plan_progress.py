"""What was planned beside what batches, sessions and candidates have become of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import ExamBatch, ExamPlan, ExamPlanLine, ExamSession
from exam_delivery.repository import planning
from exam_delivery.repository import plans as repository
from exam_delivery.rules.plans import days_off, line_of
from kernel.clock import OFFICIAL_ZONE
from kernel.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """What a batch of a plan has come to; `is_off_dates` where a session lies outside its line's dates."""

    batch: ExamBatch
    days: Sequence[dt.date]
    n_registered: int
    n_sat: int
    is_off_dates: bool = False

    @property
    def n_sessions(self) -> int:
        """Sessions that take place."""
        return len(self.days)


@dataclass(frozen=True, slots=True)
class LineProgress:
    """A planned line and the batches that carry it out."""

    line: ExamPlanLine
    batches: Sequence[BatchProgress]

    @property
    def n_sessions(self) -> int:
        """Sessions of all its batches."""
        return sum(one.n_sessions for one in self.batches)

    @property
    def n_registered(self) -> int:
        """Candidates registered in all its batches."""
        return sum(one.n_registered for one in self.batches)

    @property
    def n_sat(self) -> int:
        """Candidates who began."""
        return sum(one.n_sat for one in self.batches)


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """All lines of a plan, and the batches given to it whose occupation and level it does not name."""

    lines: Sequence[LineProgress]
    outside: Sequence[BatchProgress]

    @property
    def n_planned(self) -> int:
        """Candidates planned."""
        return sum(one.line.n_planned for one in self.lines)

    @property
    def batches(self) -> Sequence[BatchProgress]:
        """Every batch of the plan."""
        return [*(batch for one in self.lines for batch in one.batches), *self.outside]

    @property
    def n_registered(self) -> int:
        """Candidates registered in all batches of the plan."""
        return sum(one.n_registered for one in self.batches)

    @property
    def n_sat(self) -> int:
        """Candidates who began."""
        return sum(one.n_sat for one in self.batches)


def find_progress(session: Session, plan: ExamPlan, *, actor: Actor) -> PlanProgress:
    """Return planned lines beside what became of them, in four queries."""
    lines = repository.lines_of(session, plan.exam_plan_id, actor=actor)
    batches = repository.batches_of(session, plan.exam_plan_id, actor=actor)
    keys = [batch.exam_batch_id for batch in batches]
    sessions = planning.sessions_of_batches(session, keys, actor=actor)
    people = repository.count_people(session, keys)
    by_line: dict[uuid.UUID | None, list[BatchProgress]] = {}
    for batch in batches:
        days = _days(sessions[batch.exam_batch_id])
        line = line_of(lines, batch.occupation_code, batch.level_code, days[0] if days else None)
        is_off = line is not None and any(days_off(line, day) for day in days)
        found = BatchProgress(batch, days, *people.get(batch.exam_batch_id, (0, 0)), is_off)
        by_line.setdefault(line.exam_plan_line_id if line else None, []).append(found)
    return PlanProgress(
        [LineProgress(one, by_line.get(one.exam_plan_line_id, [])) for one in lines], by_line.get(None, [])
    )


def _days(sessions: Sequence[ExamSession]) -> list[dt.date]:
    return sorted(one.starts_at.astimezone(OFFICIAL_ZONE).date() for one in sessions if one.cancelled_at is None)


def is_outside(session: Session, batch: ExamBatch, *, actor: Actor) -> bool:
    """Say whether a batch was given to a plan that does not name its occupation and level."""
    if batch.exam_plan_id is None:
        return False
    lines = repository.lines_of(session, batch.exam_plan_id, actor=actor)
    return line_of(lines, batch.occupation_code, batch.level_code, None) is None
