"""A refused draw: supply per rule, ways out that are tried before anything is kept, and the order to write what is missing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blueprints.models import AssemblyRun, ExamBlueprint
from blueprints.rules.specs import blueprint_of
from blueprints.rules.states import RunStatus
from blueprints.rules.supply import supply_checks
from blueprints.services import blueprints, orders, runs, trials
from blueprints.services.bank import load_pool
from kernel.clock import today
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.writing import WritingTask
from qbank.public_writing import Assignment
from tests.blueprints.bank_cases import Bank, small_spec

RunFinished = Callable[..., AssemblyRun]


def tried(session: Session, run: AssemblyRun, actor: Actor, index: int = 0) -> AssemblyRun:
    with unit_of_work(actor) as uow:
        trial = trials.start_trial(uow, run.assembly_run_id, index)
    assert trial.job_id
    run_job(trial.job_id)
    session.expire_all()
    return session.get_one(AssemblyRun, trial.assembly_run_id)


def test_every_way_out_is_tried_without_touching_any_blueprint(
    run_finished: RunFinished, assembler: Actor, session: Session
) -> None:
    run = run_finished(n_forms=1, max_per_point=1)
    count = select(func.count()).select_from(ExamBlueprint)
    before = session.scalar(count)
    ways = (run.result or {})["conflict"]["relaxation"]
    found = [tried(session, run, assembler, index) for index in range(len(ways))]
    assert {trial.status for trial in found} <= runs.DONE
    assert session.scalar(count) == before
    assert {trial.exam_blueprint_id for trial in found} == {run.exam_blueprint_id}
    assert {trial.seed for trial in found} == {run.seed}


def test_a_trial_is_taken_over_only_after_its_rules_were_kept_and_published(
    run_finished: RunFinished, assembler: Actor, session: Session
) -> None:
    trial = tried(session, run_finished(n_forms=1, max_per_point=1), assembler)
    with pytest.raises(ConflictError, match="试组"), unit_of_work(assembler) as uow:
        runs.accept_run(uow, trial.assembly_run_id)
    with unit_of_work(assembler) as uow:
        kept = trials.keep_trial(uow, trial.assembly_run_id)
        assert kept.copied_from_id is not None
        blueprints.publish_blueprint(uow, kept.exam_blueprint_id)
    with pytest.raises(IllegalTransitionError), unit_of_work(assembler) as uow:
        trials.keep_trial(uow, trial.assembly_run_id)
    with unit_of_work(assembler) as uow:
        (form,) = runs.accept_run(uow, trial.assembly_run_id)
    assert form.exam_blueprint_id == kept.exam_blueprint_id


def test_fewer_forms_as_a_way_out_is_an_ordinary_draw(
    run_finished: RunFinished, assembler: Actor, session: Session
) -> None:
    run = run_finished(n_forms=9)
    assert run.status is RunStatus.INFEASIBLE
    ways = (run.result or {})["conflict"]["relaxation"]
    index = next(n for n, way in enumerate(ways) if way["changes"][0]["rule"] == "n_forms")
    fewer = tried(session, run, assembler, index)
    assert fewer.n_forms < 9
    with unit_of_work(assembler) as uow:
        assert len(runs.accept_run(uow, fewer.assembly_run_id)) == fewer.n_forms


def test_no_stranger_tries_or_keeps_anything(
    run_finished: RunFinished, make_actor: Callable[..., Actor], other_organisation: Organisation
) -> None:
    run = run_finished(n_forms=1, max_per_point=1)
    stranger = make_actor(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        trials.start_trial(uow, run.assembly_run_id, 0)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        trials.keep_trial(uow, run.assembly_run_id)


def test_the_supply_of_each_rule_is_counted_for_all_forms(bank: Bank, assembler: Actor, session: Session) -> None:
    pool = load_pool(session, assembler, bank.standard_level_id).items
    spec = blueprint_of(small_spec(importance={"Z": {"min": 0.5}}))
    one, three = ({check.rule: check for check in supply_checks(spec, pool, n)} for n in (1, 3))
    assert one["types[single_choice]"].needed == 10
    assert one["types[single_choice]"].available == 48
    assert one["importance[Z]"].needed == 10
    assert one["importance[Z]"].available == 36
    assert three["types[single_choice]"].needed == 30
    assert not [rule for rule, check in one.items() if check.is_short]
    assert [rule for rule, check in three.items() if check.is_short] == []
    many = {check.rule for check in supply_checks(spec, pool, 5) if check.is_short}
    assert many == {"types[single_choice]", "types[true_false]", "importance[Z]", "weights[A-B]", "weights[B-A]"} & many
    assert "types[single_choice]" in many


def test_the_writing_order_goes_to_an_expert_until_a_day(
    run_finished: RunFinished, make_actor: Callable[..., Actor], session: Session
) -> None:
    run = run_finished(n_forms=1, max_per_point=1)
    expert = make_actor(Role.AUTHOR)
    editor = make_actor(Role.EDITOR, Role.ASSEMBLER)
    due_on = today() + timedelta(days=14)
    with pytest.raises(InvalidInputError), unit_of_work(editor) as uow:
        orders.commission_order(uow, run.assembly_run_id, Assignment(due_on=today() - timedelta(days=1)))
    with unit_of_work(editor) as uow:
        n_items = orders.commission_order(uow, run.assembly_run_id, Assignment(expert.user_id, due_on))
    task = session.scalars(select(WritingTask)).one()
    assert (task.expert_id, task.due_on) == (expert.user_id, due_on)
    assert n_items == sum(line["count"] for line in (run.result or {})["conflict"]["writing_order"])


def test_a_refused_run_is_understood_and_repaired_in_the_browser(
    sign_in: Callable[..., FlaskClient], run_finished: RunFinished, session: Session
) -> None:
    run = run_finished(n_forms=1, max_per_point=1)
    client = sign_in(Role.ASSEMBLER)
    address = f"/assembly-runs/{run.assembly_run_id}"
    page = client.get(address).get_data(as_text=True)
    for words in ("逐条供给", "冲突", "道单项选择题，考点", "试一试", "截止日期"):
        assert words in page, words
    late = client.post(f"{address}/writing-task", data={"due_on": "2020-01-01"})
    assert late.status_code == 422
    assert "不能早于今天" in late.get_data(as_text=True)
    trial = uuid.UUID(client.post(f"{address}/relaxations/0/trial").location.split("/")[-1])
    job_id = session.get_one(AssemblyRun, trial).job_id
    assert job_id
    run_job(job_id)
    session.expire_all()
    page = client.get(f"/assembly-runs/{trial}").get_data(as_text=True)
    assert "蓝图没有改动" in page
    assert "采用试卷" not in page
    kept = client.post(f"/assembly-runs/{trial}/keep")
    assert session.get_one(ExamBlueprint, uuid.UUID(kept.location.split("/")[-1])).copied_from_id
    assert "采用试卷" in client.get(f"/assembly-runs/{trial}").get_data(as_text=True)
