"""Long work of exam delivery: preparing attempts, scoring, printing; and the clock that opens and closes sessions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TypeVar

from exam_delivery.repository import planning
from exam_delivery.services import (
    attempts,
    documents,
    draw_commitments,
    draw_reveals,
    key_changes,
    preparation,
    running,
    scoring,
)
from kernel.db import db
from kernel.jobs.registry import JobContext, every, handler
from kernel.uow import unit_of_work

CHUNK = 100
CLOCK_SECONDS = 15.0
SWEEP_SECONDS = 5.0
DAY_SECONDS = 86400.0
T = TypeVar("T")


def chunks(values: Sequence[T]) -> list[Sequence[T]]:
    """Return the values in pieces whose transactions are short, so that answering never waits for long."""
    return [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]


def _session_of(context: JobContext) -> uuid.UUID:
    return uuid.UUID(context.payload["exam_session_id"])


@handler(preparation.PREPARE_JOB)
def run_preparation(context: JobContext) -> None:
    """Make the attempts of a session; what an earlier run made is kept."""
    key = _session_of(context)
    with unit_of_work(context.actor) as uow:
        plan = preparation.begin_preparation(uow, key)
    parts = chunks(plan.missing)
    for number, entries in enumerate(parts):
        context.progress(100 * number // len(parts), f"{number * CHUNK} / {len(plan.missing)}")
        with unit_of_work(context.actor) as uow:
            preparation.store_attempts(uow, plan, entries)
    with context.finish(result_url=_session_page(key)) as uow:
        preparation.finish_preparation(uow, key)
        draw_commitments.publish_by_rule(uow, planning.get_session(uow.session, key, actor=uow.actor))


@handler(scoring.SCORE_JOB)
def run_scoring(context: JobContext) -> None:
    """Score every handed-in attempt of a session; a run that was interrupted goes on."""
    key, run_id = _session_of(context), uuid.UUID(context.payload["run_id"])
    handed_in = scoring.attempts_to_score(db.session(), context.actor, key, run_id)
    keys = scoring.Keys(context.actor.organisation)
    parts = chunks(handed_in)
    for number, some in enumerate(parts):
        context.progress(100 * number // len(parts), f"{number * CHUNK} / {len(handed_in)}")
        with unit_of_work(context.actor) as uow:
            scoring.score_attempts(uow, some, keys, run_id)
    with context.finish({"attempts": len(handed_in)}, result_url=_session_page(key)) as uow:
        scoring.settle(uow, key)


@handler(key_changes.APPLY_JOB)
def run_key_change(context: JobContext) -> None:
    """Apply an approved key-change case to everybody at once."""
    key = uuid.UUID(context.payload["key_change_id"])
    context.progress(5)
    with context.finish(result_url=f"/key-changes/{key}") as uow:
        key_changes.apply_change(uow, key)


@handler(draw_reveals.REVEAL_JOB)
def run_reveals(context: JobContext) -> None:
    """Tell the seeds that wait for nothing since scores were released."""
    with context.finish() as uow:
        draw_reveals.reveal_by_rule(uow)


@handler(documents.DOCUMENT_JOB)
def run_printing(context: JobContext) -> None:
    """Print a document of a session and keep it for download."""
    key, kind = _session_of(context), documents.DocumentKind(context.payload["kind"])
    context.progress(5)
    printed = documents.print_document(db.session(), context.actor, key, kind)
    with context.finish(result_url=f"{_session_page(key)}/documents") as uow:
        documents.store_document(uow, key, kind, printed)


def _session_page(key: uuid.UUID) -> str:
    return f"/exam-sessions/{key}"


@every(CLOCK_SECONDS, "exam_delivery.clock")
def follow_the_clock() -> None:
    """Open and close sessions whose time has come."""
    running.follow_the_clock()


@every(SWEEP_SECONDS, "exam_delivery.close_overdue")
def close_overdue() -> None:
    """Hand in the attempts whose time is over and whose page did not."""
    attempts.sweep()


@every(DAY_SECONDS, "exam_delivery.forget_old_tries")
def forget_old_tries() -> None:
    """Delete failed sign-ins that no throttle looks at any more."""
    attempts.forget_old_tries()
