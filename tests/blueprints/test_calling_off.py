"""A draw that takes long is called off within its step, and leaves no outcome."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from blueprints import jobs
from blueprints.models import AssemblyRun
from blueprints.rules.states import RunStatus
from blueprints.services import blueprints, runs
from kernel.identity.actor import Actor
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.blueprints.bank_cases import Bank, small_spec


def test_a_draw_is_called_off_in_the_middle_of_a_step(
    bank: Bank, assembler: Actor, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
        run = runs.start_run(uow, row.exam_blueprint_id, n_forms=1, seed=1)
    job_id, run_id = run.job_id, run.assembly_run_id
    assert job_id

    def slow(*_args: object, is_cancelled: Callable[[], bool], **_options: object) -> None:
        with unit_of_work(assembler) as uow:
            uow.session.get_one(Job, job_id).is_cancel_requested = True
        is_cancelled()
        pytest.fail("the search went on")

    monkeypatch.setattr(runs, "assemble", slow)
    monkeypatch.setattr(jobs, "ASK_SECONDS", -1.0)
    run_job(job_id)
    session.expire_all()
    assert session.get_one(Job, job_id).status is JobStatus.CANCELLED
    kept = session.get_one(AssemblyRun, run_id)
    assert (kept.status, kept.result) == (RunStatus.WAITING, None)
