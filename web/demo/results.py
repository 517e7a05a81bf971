"""The demonstration's past examination on its way to certificates: scored, marked, released, decided, published."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from sqlalchemy import select

from exam_delivery.models import ExamSession
from exam_delivery.repository import marking as repository
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules.scoring import parse_scoring, response_text
from exam_delivery.services import forms, marking, release, running
from item_templates.contract import ItemContent
from kernel.clock import shifted
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from web.demo.exams import past_exam_outline, prepare_exam, publish_draw
from web.demo.people import Staff, read_people
from web.demo.sitting import sit

SEED = 11
HELD, MARKED, ISSUED = timedelta(days=-25), timedelta(days=-24), timedelta(days=-2)


def load_past_exam(staff: Staff, level_id: uuid.UUID, form_ids: Sequence[uuid.UUID]) -> ExamSession:
    """Hold, score, mark and release the past examination."""
    with shifted(HELD):
        row = prepare_exam(staff, level_id, form_ids, past_exam_outline(), read_people()["past_candidates"])
        publish_draw(staff, row)
        sit(staff, row)
    with shifted(MARKED):
        with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
            running.close_session(uow, row.exam_session_id)
        run_waiting_jobs()
        mark_all(staff, row)
        release_batch(staff, row.exam_batch_id)
    return row


def release_batch(staff: Staff, batch_id: uuid.UUID) -> None:
    """Release the scores and let certification receive them."""
    officer = staff.actor(Role.EXAM_OFFICER)
    preview = release.preview_release(db.session(), officer, batch_id)
    with unit_of_work(officer) as uow:
        release.release_scores(uow, batch_id, confirmed_digest=preview.digest)
    run_waiting_jobs()


def run_waiting_jobs() -> None:
    """Run what was published, as the worker would."""
    while waiting := list(db.session.scalars(select(Job.job_id).where(Job.status == JobStatus.WAITING))):
        for job_id in waiting:
            run_job(job_id)
    db.session.expire_all()


def mark_all(staff: Staff, row: ExamSession) -> None:
    """Mark what needs a person: more for a longer answer, as a marker with the rubric would, one sitting after another."""
    marker = staff.actor(Role.MARKER)
    chance = random.Random(SEED)  # noqa: S311 - a reproducible show
    waiting = repository.list_unmarked(db.session(), row.exam_session_id, organisation_id=marker.organisation)
    keys = {form: contents_of(staff, form) for form in {form for _attempt, _slot, form in waiting}}
    given = scores_repository.load_responses(db.session(), [attempt for attempt, _slot, _form in waiting])
    for attempt_id, slots in groupby(sorted(waiting, key=_by_attempt), key=itemgetter(0)):
        with unit_of_work(marker) as uow:
            for _attempt, slot, form in slots:
                mark = mark_for(keys[form][slot], response_text(given[attempt_id].get(slot)), chance)
                marking.give_mark(uow, attempt_id, slot, str(mark), n_seen=0)
    db.session.expire_all()


def _by_attempt(waiting: tuple[uuid.UUID, int, uuid.UUID]) -> tuple[str, int]:
    return str(waiting[0]), waiting[1]


def contents_of(staff: Staff, form_id: uuid.UUID) -> dict[int, ItemContent]:
    """Return the items of a form by slot."""
    document = forms.open_scoring(db.session(), staff.organisation.organisation_id, form_id)
    return {slot.slot: slot.content for slot in parse_scoring(document).slots}


def mark_for(content: ItemContent, response: str, chance: random.Random) -> Decimal:
    """Return a mark for an answer by how much of the rubric it holds."""
    points = [Decimal(str(point["score"])) for point in content.rubric if str(point["text"]) in response]
    blurred = sum(points, Decimal(0)) - (Decimal(1) if chance.random() < 0.1 else Decimal(0))
    return max(Decimal(0), min(content.score, blurred))
