"""Replaying a draw from the pool that was kept with it, whatever became of the bank since."""

from __future__ import annotations

import json
import stat
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from blueprints.assembly.command import assemble_command
from blueprints.cli import replay
from blueprints.models import AssemblyPool, AssemblyRun
from blueprints.rules.kept_pools import POOL_DAYS
from blueprints.rules.states import RunStatus
from blueprints.services import blueprints, form_sets, forms, kept_pools, runs, versions
from kernel import clock, profiles
from kernel.audit.models import AuditEvent
from kernel.identity.actor import system_actor
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.rules.items import ItemStatus
from tests.blueprints.bank_cases import small_spec

MODES = {
    "fixed": {"n_forms": 1},
    "A and B": {"n_forms": 2},
    "parallel, sharing items": {"n_forms": 4, "max_overlap": 8},
    "one for each candidate": {"n_forms": 6, "is_on_the_fly": True},
}
RULES = {"earlier": {"last": 2, "max_count": 20}, "key_balance": [{"type": "true_false", "min": 0.1, "max": 0.9}]}


def again(run, *options):
    answer = CliRunner().invoke(replay, [str(run.assembly_run_id), *options])
    return answer.exit_code, answer.output


@pytest.fixture
def draw(bank, assembler, approver, session):
    """Run a draw of any mode as the worker would."""

    def make(*, seed=11, rules=RULES, **wanted):
        with unit_of_work(assembler) as uow:
            row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec(**rules))
            blueprints.publish_blueprint(uow, row.exam_blueprint_id)
        with unit_of_work(approver) as uow:
            versions.approve_blueprint(uow, row.exam_blueprint_id)
        with unit_of_work(assembler) as uow:
            run = runs.start_run(uow, row.exam_blueprint_id, seed=seed, **wanted)
        assert run_job(run.job_id) == "done"
        session.expire_all()
        return session.get_one(AssemblyRun, run.assembly_run_id)

    return make


def seal(run, assembler, approver):
    """Take the forms over, approve and seal them: the first, or a whole set."""
    with unit_of_work(assembler) as uow:
        if run.is_on_the_fly:
            made = [form_sets.accept_set(uow, run.assembly_run_id, name="一人一卷").form_set_id]
            form_sets.submit_set(uow, *made)
        else:
            made = [form.exam_form_id for form in runs.accept_run(uow, run.assembly_run_id)]
            forms.submit_form(uow, made[0])
    if run.is_on_the_fly:
        with unit_of_work(approver) as uow:
            form_sets.approve_set(uow, *made)
            job_id = form_sets.request_sealing(uow, *made).job_id
        assert run_job(job_id) == "done"
        return
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, made[0])
        assert forms.seal_form(uow, made[0]).delivery_digest


def upset_bank(session, run):
    """Count uses, retire one drawn item and change what is known of the others."""
    items = (run.result or {}).get("catalogue") or (run.result or {})["forms"][0]["items"]
    codes = [item["code"] for item in items]
    session.execute(update(Item).values(n_used=7))
    session.execute(update(Item).where(Item.code.in_(codes[:3])).values(status=ItemStatus.RETIRED))
    session.commit()


@pytest.mark.parametrize("mode", MODES)
def test_a_sealed_draw_is_replayed_equal_after_uses_were_counted_and_items_retired(
    draw, assembler, approver, session, mode
):
    run = draw(**MODES[mode])
    assert run.status in runs.DONE
    seal(run, assembler, approver)
    upset_bank(session, run)
    code, said = again(run)
    assert (code, "重放一致" in said, said.count(run.pool_digest)) == (0, True, 2), said


def test_a_refused_draw_is_replayed_to_the_same_refusal_and_a_changed_outcome_is_named(draw, session):
    run = draw(n_forms=1, rules={"max_per_point": 1})
    assert run.status is RunStatus.INFEASIBLE
    session.execute(update(Item).values(n_used=3))
    session.commit()
    code, said = again(run)
    assert (code, "同样没有可行的试卷" in said) == (0, True), said
    kept = draw(n_forms=1)
    forged = json.loads(json.dumps(kept.result))
    forged["forms"][0]["items"].reverse()
    session.execute(
        update(AssemblyRun).where(AssemblyRun.assembly_run_id == kept.assembly_run_id).values(result=forged)
    )
    session.commit()
    session.expire_all()
    code, said = again(kept)
    assert (code, "重放不一致" in said, "引擎" in said) == (1, True, False), said
    del forged["engine"]
    session.execute(
        update(AssemblyRun).where(AssemblyRun.assembly_run_id == kept.assembly_run_id).values(result=forged)
    )
    session.commit()
    session.expire_all()
    assert "当时由第 1 版组卷引擎抽取" in again(kept)[1]


def test_equal_pools_are_kept_once_encrypted_and_each_organisation_has_its_own(
    draw, assembler, session, other_organisation
):
    first, second = draw(n_forms=1, seed=1), draw(n_forms=2, seed=2)
    assert first.pool_digest == second.pool_digest
    (row,) = session.scalars(select(AssemblyPool)).all()
    drawn = (first.result or {})["forms"][0]["items"][0]["id"]
    assert (row.n_items, row.digest, drawn.encode() in row.ciphertext) == (first.n_pool, first.pool_digest, False)
    pool = kept_pools.read_kept(session, assembler, row.digest)
    assert drawn in {item.id for item in pool or ()}
    stranger = system_actor(other_organisation.organisation_id)
    assert kept_pools.read_kept(session, stranger, row.digest) is None
    row.ciphertext = row.ciphertext[:-1] + bytes([row.ciphertext[-1] ^ 1])
    session.commit()
    code, said = again(first)
    assert (code, "密文校验失败" in said) == (1, True), said


def test_the_files_of_a_draw_replay_it_without_a_database_and_their_leaving_is_recorded(draw, session, tmp_path):
    run = draw(**MODES["one for each candidate"])
    code, said = again(run, "--files", str(tmp_path))
    assert code == 0, said
    files = {path.name: path for path in tmp_path.iterdir()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    known = {key for item in json.loads(files["pool.json"].read_text("utf-8"))["items"] for key in item}
    assert known <= {
        "id", "type", "point", "importance", "difficulty", "score", "p_value", "a", "b", "c", "n_used", "last_used",
        "enemies", "set", "cognitive", "seconds", "characters", "key", "pretest", "earlier_forms",
    }  # fmt: skip
    wanted = [f"--{name}={files[f'{file}.json']}" for name, file in
              (("pool", "pool"), ("blueprint", "blueprint"), ("replay", "forms"))]  # fmt: skip
    answer = CliRunner().invoke(assemble_command, wanted)
    assert (answer.exit_code, "重放一致" in answer.output) == (0, True), answer.output
    event = session.scalars(select(AuditEvent).where(AuditEvent.act == "assembly.export_pool")).one()
    assert event.object_id == str(run.assembly_run_id)


def test_pools_go_when_nobody_took_a_form_in_time_and_stay_where_somebody_did(draw, assembler, session, monkeypatch):
    taken = draw(n_forms=1, seed=1)
    with unit_of_work(assembler) as uow:
        runs.accept_run(uow, taken.assembly_run_id)
    session.execute(update(Item).values(n_used=2))
    session.commit()
    idle = draw(n_forms=1, seed=1)
    assert kept_pools.purge_pools(session) == 0
    days = int(profiles.value(session, idle.organisation_id, POOL_DAYS.name))
    later = clock.now() + timedelta(days=days + 1)
    monkeypatch.setattr(kept_pools, "now", lambda: later)
    assert kept_pools.purge_pools(session) == 1
    session.expire_all()
    assert [row.digest for row in session.scalars(select(AssemblyPool))] == [taken.pool_digest]
    assert "没有留存题库" in again(idle)[1]
