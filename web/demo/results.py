"""The demonstration's past examination on its way to certificates: scored, marked, released, decided, published."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from exam_delivery.models import ExamSession
from exam_delivery.services import marking, release, running
from kernel.clock import shifted
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from web.demo.exams import past_exam_outline, prepare_exam
from web.demo.people import Staff, read_people
from web.demo.sitting import sit

SEED = 11
HELD, MARKED, ISSUED = timedelta(days=-25), timedelta(days=-24), timedelta(days=-2)


def load_past_exam(staff: Staff, level_id: uuid.UUID, form_ids: Sequence[uuid.UUID]) -> ExamSession:
    """Hold, score, mark and release the past examination."""
    with shifted(HELD):
        row = prepare_exam(staff, level_id, form_ids, past_exam_outline(), read_people()["past_candidates"])
        sit(staff, row)
    with shifted(MARKED):
        with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
            running.close_session(uow, row.exam_session_id)
        run_waiting_jobs()
        mark_all(staff, row)
        release_batch(staff, row)
    return row


def release_batch(staff: Staff, row: ExamSession) -> None:
    """Release the scores and let certification receive them."""
    officer = staff.actor(Role.EXAM_OFFICER)
    preview = release.preview_release(db.session(), officer, row.exam_batch_id)
    with unit_of_work(officer) as uow:
        release.release_scores(uow, row.exam_batch_id, confirmed_digest=preview.digest)
    run_waiting_jobs()


def run_waiting_jobs() -> None:
    """Run what was published, as the worker would."""
    while waiting := list(db.session.scalars(select(Job.job_id).where(Job.status == JobStatus.WAITING))):
        for job_id in waiting:
            run_job(job_id)
    db.session.expire_all()


def mark_all(staff: Staff, row: ExamSession) -> None:
    """Mark the short answers: more for a longer answer, as a marker with the rubric would."""
    marker = staff.actor(Role.MARKER)
    chance = random.Random(SEED)  # noqa: S311 - a reproducible show
    while found := marking.next_script(db.session(), marker, row.exam_session_id):
        script = marking.get_script(db.session(), marker, *found)
        with unit_of_work(marker) as uow:
            score = mark_for(script, chance)
            marking.give_mark(uow, *found, str(score), n_seen=0)
        db.session.expire_all()


def mark_for(script: marking.Script, chance: random.Random) -> Decimal:
    """Return a mark for an answer by how much of the rubric it holds."""
    rubric = script.slot.content.rubric
    points = [Decimal(str(point["score"])) for point in rubric if str(point["text"]) in script.response]
    blurred = sum(points, Decimal(0)) - (Decimal(1) if chance.random() < 0.1 else Decimal(0))
    return max(Decimal(0), min(script.slot.max_score, blurred))
