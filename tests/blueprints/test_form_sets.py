"""One form for each candidate: drawn, looked at, reviewed and sealed as one set, and given to candidates one by one."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from decimal import Decimal

import pytest
from sqlalchemy import select

from blueprints import public_sets, repository, repository_sets
from blueprints.models import AssemblyRun, ExamBlueprint, ExamForm, FormPackage
from blueprints.rules.states import FormStatus, RunStatus
from blueprints.services import blueprints, form_sets, forms, quarantine, runs, sealing, swaps, versions
from blueprints.services.forms import OwnWorkError
from blueprints.services.sealing import Part
from exam_delivery.models import Attempt, KeyChange, ScoreRecord
from exam_delivery.repository import key_changes as key_change_repository
from exam_delivery.rules.amendments import ChangeState
from exam_delivery.services import (
    analyses,
    arranging,
    batches,
    key_changes,
    key_effects,
    preparation,
    rosters,
    sessions,
)
from exam_delivery.services.batches import BatchPlan, RoomPlan
from exam_delivery.services.readiness import find_blockers
from kernel.audit.models import AuditEvent
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.public_changes import Report, ReportSource
from qbank.services import corrections
from tests.blueprints.bank_cases import small_spec
from tests.exam_delivery.world import World, people, session_plan

N_FORMS = 12


@pytest.fixture
def draw(bank, assembler, approver, session):
    """Run a draw of one form a candidate as the worker would."""

    def make(*, n_forms=N_FORMS, seed=5, max_rate=None, **changes):
        with unit_of_work(assembler) as uow:
            row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec(**changes))
            blueprints.publish_blueprint(uow, row.exam_blueprint_id)
        with unit_of_work(approver) as uow:
            versions.approve_blueprint(uow, row.exam_blueprint_id)
        with unit_of_work(assembler) as uow:
            run = runs.start_run(
                uow, row.exam_blueprint_id, n_forms=n_forms, seed=seed, is_on_the_fly=True, max_rate=max_rate
            )
        assert run_job(run.job_id) == "done"
        session.expire_all()
        return repository.get_run(session, run.assembly_run_id, actor=assembler)

    return make


@pytest.fixture
def drafts(draw, assembler):
    run = draw()
    with unit_of_work(assembler) as uow:
        return form_sets.accept_set(uow, run.assembly_run_id, name="一人一卷")


@pytest.fixture
def sealed_set(drafts, assembler, approver, session):
    key = drafts.form_set_id
    with unit_of_work(assembler) as uow:
        form_sets.submit_set(uow, key)
    with unit_of_work(approver) as uow:
        form_sets.approve_set(uow, key)
        job_id = form_sets.request_sealing(uow, key).job_id
    assert run_job(job_id) == "done"
    session.expire_all()
    return key


def test_a_draw_tells_how_evenly_it_uses_the_bank_and_keeps_its_bound(draw):
    run = draw()
    result = run.result
    uses = Counter(place for form in result["dealt"] for place in form)
    assert run.status is RunStatus.FEASIBLE
    assert len(result["dealt"]) == N_FORMS
    assert max(uses.values()) == result["exposure"]["max_uses"] <= result["exposure"]["allowed_uses"]
    assert sum(n for _label, n in result["figures"]["uses"]) == len(result["catalogue"])
    assert all(not rule["n_broken"] for rule in result["rules"])
    assert result["dealt"] == draw().result["dealt"]


def test_a_bound_that_the_bank_cannot_keep_is_refused_with_the_least_possible(draw):
    run = draw(max_rate=Decimal("0.01"))
    assert run.status is RunStatus.INFEASIBLE
    (reason,) = run.result["conflict"]["constraints"]
    assert reason["rule"] == "exposure_rate"
    least = Decimal(reason["text"]["values"]["least"]) / 100
    assert draw(max_rate=min(Decimal(1), least + Decimal("0.1"))).status is RunStatus.FEASIBLE


def test_a_set_is_reviewed_and_sealed_as_one(sealed_set, assembler, approver, session):
    row = repository_sets.get_set(session, sealed_set, actor=assembler)
    members = repository_sets.members(session, sealed_set)
    assert row.status is FormStatus.SEALED
    assert [form.label for form in members] == [f"{n:04d}" for n in range(1, N_FORMS + 1)]
    assert {form.status for form in members} == {FormStatus.SEALED}
    assert session.query(FormPackage).count() == N_FORMS
    acts = [step.act.value for step in repository.list_decisions(session, members[-1].exam_form_id)]
    assert acts == ["accept", "submit", "approve", "seal"]
    opened = sealing.open_part(session, approver, members[3].exam_form_id, Part.DELIVERY)
    assert len(opened["slots"]) == members[3].n_slots
    assert repository.list_forms(session, repository.Filters(), actor=assembler, offset=0, limit=9) == ([], 0)


def test_a_form_of_a_set_does_not_go_its_own_way(drafts, assembler, session):
    form = repository_sets.members(session, drafts.form_set_id)[0]
    with pytest.raises(ConflictError), unit_of_work(assembler) as uow:
        forms.submit_form(uow, form.exam_form_id)
    with pytest.raises(ConflictError), unit_of_work(assembler) as uow:
        swaps.swap_item(uow, form.exam_form_id, slot=1, item_id=uuid.uuid4(), version=form.version)
    with unit_of_work(assembler) as uow:
        form_sets.submit_set(uow, drafts.form_set_id)
    refusal = form_sets.refusal(session, assembler, drafts)
    assert isinstance(refusal, OwnWorkError)


def test_an_item_out_of_use_is_swapped_in_every_form_of_a_set_within_its_bound(
    drafts, assembler, approver, make_actor, session
):
    key = drafts.form_set_id
    with unit_of_work(assembler) as uow:
        form_sets.submit_set(uow, key)
    with unit_of_work(approver) as uow:
        form_sets.approve_set(uow, key)
    item_id, n = Counter(repository_sets.items_of_set(session, key)).most_common(1)[0]
    editor = make_actor(Role.EDITOR)
    with unit_of_work(editor) as uow:
        case = corrections.report_error(uow, Report(ReportSource.STAFF, "两个选项都对", item_id=item_id))
        corrections.quarantine(uow, case.correction_case_id, reason="答案有争议")
    with unit_of_work(assembler) as uow:
        done = quarantine.sweep(uow, item_id)
    session.expire_all()
    replaced = [one for one in done if one.outcome is quarantine.Outcome.REPLACED]
    uses = repository_sets.items_of_set(session, key)
    run = repository.get_run(session, drafts.assembly_run_id, actor=assembler)
    assert len(done) == n
    assert replaced
    assert uses.get(item_id, 0) == n - len(replaced)
    assert max(uses.values()) <= run.result["exposure"]["allowed_uses"]
    assert repository_sets.get_set(session, key, actor=assembler).status is FormStatus.IN_REVIEW
    assert {form.status for form in repository_sets.members(session, key)} == {FormStatus.IN_REVIEW}


def test_every_candidate_of_a_session_gets_a_form_of_their_own(sealed_set, bank, make_actor, session):
    officer = make_actor(Role.EXAM_OFFICER)
    row = session_with_set(officer, bank, sealed_set, n_people=N_FORMS - 1)
    assert len(row.form_ids) == N_FORMS
    hints = [one.text for one in find_blockers(session, officer, row)]
    assert "卷组只余 1 份备用试卷，临时增加的考生可能没有试卷" in hints
    prepared(officer, row)
    attempts = session.scalars(select(Attempt).where(Attempt.exam_session_id == row.exam_session_id)).all()
    assert len({attempt.form_id for attempt in attempts}) == N_FORMS - 1
    assert all(str(attempt.form_id) in row.form_ids for attempt in attempts)
    assert len(public_sets.live_forms(session, officer, sealed_set)) == N_FORMS
    second = session_with_set(officer, bank, sealed_set, n_people=2, first=50)
    (reason,) = [one.text for one in find_blockers(session, officer, second) if not one.is_hint]
    assert reason == "一人一卷的试卷不够，还差 1 份；请另选卷组，或把部分考生排到其他场次"
    with unit_of_work(officer) as uow:
        preparation.undo_preparation(uow, row.exam_session_id)
    assert [one for one in find_blockers(session, officer, second) if not one.is_hint] == []
    with pytest.raises(ConflictError), unit_of_work(make_actor(Role.FORM_APPROVER)) as uow:
        form_sets.withdraw_set(uow, sealed_set, reason="不用了")


def test_a_set_is_chosen_after_people_and_seats(sealed_set, bank, make_actor, session, sign_in):
    officer = make_actor(Role.EXAM_OFFICER)
    row = session_with_set(officer, bank, None, n_people=3)
    assert [one.text for one in find_blockers(session, officer, row) if not one.is_hint] == ["还没有选择试卷"]
    address = f"/exam-sessions/{row.exam_session_id}/forms"
    client = sign_in(Role.EXAM_OFFICER)
    assert "一人一卷" in client.get(address).get_data(as_text=True)
    sent = {"form_set_id": str(sealed_set), "length": "forms", "version": str(row.version)}
    assert client.post(address, data=sent).status_code == 303
    session.expire_all()
    (chosen,) = public_sets.list_sealed_sets(session, officer, standard_level_id=bank.standard_level_id)
    assert (len(row.form_ids), row.duration_seconds) == (N_FORMS, chosen.duration_minutes * 60)
    prepared(officer, row)
    attempts = session.scalars(select(Attempt).where(Attempt.exam_session_id == row.exam_session_id)).all()
    assert len({attempt.form_id for attempt in attempts}) == 3


def session_with_set(officer, bank, form_set_id, *, n_people, first=1):
    """Plan a session with a set and seat people in it."""

    def do(act):
        with unit_of_work(officer) as uow:
            return act(uow)

    plan = session_plan([], form_set_id=str(form_set_id) if form_set_id else "")
    level = str(bank.standard_level_id)
    batch = do(lambda uow: batches.create_batch(uow, BatchPlan(f"2026-{first}", "一人一卷批次", level)))
    room = do(lambda uow: batches.save_room(uow, None, RoomPlan("演示考点", f"第 {first} 考场", 30)))
    row = do(lambda uow: sessions.create_session(uow, batch.exam_batch_id, plan))
    do(lambda uow: sessions.set_rooms(uow, row.exam_session_id, {room.exam_room_id: []}))
    rows = people(n_people, first=first)
    do(lambda uow: rosters.register_rows(uow, batch.exam_batch_id, rows, exam_session_id=row.exam_session_id))
    do(lambda uow: arranging.arrange(uow, row.exam_session_id, seed=7))
    return row


def prepared(officer, row):
    with unit_of_work(officer) as uow:
        job = preparation.request_preparation(uow, row.exam_session_id)
    assert run_job(job.job_id) == "done"
    db.session.expire_all()


def test_pages_draw_show_and_hand_on_a_set(bank, sign_in, session):
    client = sign_in(Role.ASSEMBLER)
    answer = client.post("/blueprints/new", data={"standard_level_id": str(bank.standard_level_id)})
    key = uuid.UUID(answer.location.split("/")[-2])
    with unit_of_work(system_actor(bank.organisation_id, name="test")) as uow:
        uow.session.get_one(ExamBlueprint, key).spec = small_spec()
    client.post(f"/blueprints/{key}/publish")
    wrong = client.post(f"/blueprints/{key}/assemble-on-the-fly", data={"fly_n_forms": "5", "fly_max_rate": "二"})
    assert (wrong.status_code, "请填写 0 到 100 之间的百分数" in wrong.get_data(as_text=True)) == (422, True)
    sent = {"fly_n_forms": "8", "fly_max_rate": "100", "fly_seed": "3", "fly_time_limit": "60"}
    started = client.post(f"/blueprints/{key}/assemble-on-the-fly", data=sent)
    run = session.scalars(select(AssemblyRun)).one()
    assert run_job(run.job_id) == "done"
    page = client.get(started.location).get_data(as_text=True)
    assert "试题使用分布" in page
    assert "0008" in page
    assert "单选第" in client.get(f"{started.location}?number=3").get_data(as_text=True)
    accepted = client.post(f"/assembly-runs/{run.assembly_run_id}/accept", data={"name": "一人一卷卷"})
    shown = client.get(accepted.location).get_data(as_text=True)
    assert "0001" in shown
    assert client.post(f"{accepted.location}/submit").status_code == 303
    assert "一人一卷卷" in client.get("/form-sets/?status=in_review").get_data(as_text=True)
    form = session.scalars(select(ExamForm).where(ExamForm.label == "0002")).one()
    assert "属于一人一卷的卷组" in client.get(f"/forms/{form.exam_form_id}").get_data(as_text=True)
    assert client.get(f"/forms/{form.exam_form_id}/report").status_code == 200
    assert sign_in(Role.REVIEWER).post(f"{accepted.location}/approve").status_code == 403


def test_a_set_is_its_organisations_alone(drafts, make_user, other_organisation, sign_in):
    stranger = make_user(Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    client = sign_in(Role.FORM_APPROVER, user=stranger)
    for act in ("return", "approve", "seal", "withdraw"):
        assert client.post(f"/form-sets/{drafts.form_set_id}/{act}", data={"comment": "x"}).status_code == 404
    assert client.get(f"/form-sets/{drafts.form_set_id}").status_code == 404


def test_own_forms_are_answered_scored_and_analysed_like_others(sealed_set, bank, make_actor, session):
    officer = make_actor(Role.EXAM_OFFICER)
    world = object.__new__(World)
    world.officer, world.session = officer, session_with_set(officer, bank, sealed_set, n_people=3)
    prepared(officer, world.session)
    world.open()
    keys = {}
    for attempt in world.attempts():
        scoring = sealing.open_part(session, officer, attempt.form_id, Part.SCORING)
        keys[attempt.attempt_id] = {slot["slot"]: json.dumps([slot["content"]["key"]]) for slot in scoring["slots"]}
        right = dict(list(keys[attempt.attempt_id].items())[: 5 * (1 + len(keys))])
        world.sit(right, attempt)
    world.close_and_score()
    scores = sorted(record.score for record in session.scalars(select(ScoreRecord)))
    assert scores == [10, 15, 20]
    tables = analyses.load_tables(session, officer, world.key)
    assert len({table.form_id for table in tables}) == 3
    job = session.scalars(select(Job).where(Job.name == analyses.ANALYSE_JOB)).first()
    assert job is None or run_job(job.job_id) == "done"
    form_ids = [table.form_id for table in tables]
    assert set(public_sets.sets_of_forms(session, officer, form_ids).values()) == {(sealed_set, "一人一卷")}
    program = system_actor(bank.organisation_id, name="scoring")
    opened = dict(public_sets.open_scorings(session, program, form_ids))
    assert opened == {key: sealing.open_part(session, program, key, Part.SCORING) for key in form_ids}
    with pytest.raises(ForbiddenError):
        next(public_sets.open_scorings(session, officer, form_ids))


def test_one_case_changes_the_key_of_an_item_in_every_form_of_a_set(sealed_set, bank, make_actor, sign_in, session):
    officer, second = make_actor(Role.EXAM_OFFICER), make_actor(Role.EXAM_OFFICER)
    world = object.__new__(World)
    world.officer, world.session = officer, session_with_set(officer, bank, sealed_set, n_people=6)
    prepared(officer, world.session)
    world.open()
    given = {attempt.form_id: attempt for attempt in world.attempts()}
    held = {form_id: sealing.open_part(session, officer, form_id, Part.SCORING)["slots"] for form_id in given}
    chosen = Counter(
        slot["item_version_id"]
        for slots in held.values()
        for slot in slots
        if slot["content"]["type"] == "single_choice"
    )
    version, n_sat = chosen.most_common(1)[0]
    places = {form_id: one for form_id, slots in held.items() for one in slots if one["item_version_id"] == version}
    wrong = next(letter for letter in "ABCD" if letter != next(iter(places.values()))["content"]["key"])
    for form_id, attempt in given.items():
        world.sit({places[form_id]["slot"]: json.dumps([wrong])} if form_id in places else {}, attempt)
    world.close_and_score()
    total = len(
        public_sets.forms_holding(session, officer, repository_form_ids(session, sealed_set), uuid.UUID(version))
    )
    assert n_sat == len(places) >= 2
    assert total >= n_sat
    first = next(iter(places))
    client = choose_form_of_set(sign_in, sealed_set, first, session)
    address = f"/key-changes/new/{first}/{places[first]['slot']}"
    assert f"另外 {total - 1} 份试卷" in client.get(address).get_data(as_text=True)
    fields = {
        "source": "statistics",
        "policy": "new_key",
        "key_text": wrong,
        "reason": "教材写明的是另一个选项，原答案抄错",
    }
    answer = client.post(address, data={**fields, "with_others": "1"})
    case = session.get(KeyChange, uuid.UUID(answer.location.split("/")[-1]))
    members = key_change_repository.case_of(session, case)
    assert {one.form_id for one in members} >= set(places)
    assert len(members) == total
    assert "共 " + str(total) in client.get(answer.location).get_data(as_text=True)
    again = client.get(f"/key-changes/{members[1].key_change_id}")
    assert again.location.endswith(str(case.key_change_id))
    with pytest.raises(ConflictError, match=case.code), unit_of_work(second) as uow:
        key_changes.approve(uow, members[1].key_change_id, confirmed_digest="")
    other = next(form_id for form_id in places if form_id != first)
    with pytest.raises(ConflictError, match=case.code), unit_of_work(second) as uow:
        key_changes.propose(uow, key_changes.Proposal(other, places[other]["slot"], **fields))
    effects = key_effects.find_effects(session, second, case)
    assert (effects.counts["sat"], effects.counts["raised"]) == (n_sat, n_sat)
    with unit_of_work(second) as uow:
        key_changes.approve(uow, case.key_change_id, confirmed_digest=effects.digest, reason="已核对")
    job = session.query(Job).filter_by(name=key_changes.APPLY_JOB).one()
    assert run_job(job.job_id) == "done"
    session.expire_all()
    members = key_change_repository.case_of(session, session.get(KeyChange, case.key_change_id))
    assert {(one.state, one.number) for one in members} == {(ChangeState.APPLIED, 1)}
    assert members[0].effects["raised"] == n_sat
    assert sum(one.effects["raised"] for one in members[1:]) == n_sat - 1
    newest = {}
    for record in session.scalars(select(ScoreRecord).order_by(ScoreRecord.number)):
        newest[record.attempt_id] = record
    assert {newest[given[form_id].attempt_id].score for form_id in places} == {1}
    (audited,) = session.scalars(select(AuditEvent).where(AuditEvent.act == "key_change.apply"))
    assert set(audited.details["after"]["forms"]) == {str(one.form_id) for one in members}


def repository_form_ids(session, form_set_id):
    return [form.exam_form_id for form in repository_sets.members(session, form_set_id)]


def choose_form_of_set(sign_in, sealed_set, first, session):
    """Find a form by way of its set, which is one line; its forms are listed and searched on a page of their own."""
    assert sign_in(Role.MARKER).get(f"/key-changes/new/sets/{sealed_set}").status_code == 403
    client = sign_in(Role.EXAM_OFFICER)
    listed = client.get("/key-changes/new").get_data(as_text=True)
    assert (listed.count("/key-changes/new/sets/"), f"/key-changes/new/{first}" in listed) == (1, False)
    inside = client.get(f"/key-changes/new/sets/{sealed_set}").get_data(as_text=True)
    members = {form.exam_form_id: sealing.form_title(form) for form in repository_sets.members(session, sealed_set)}
    assert sum(f"/key-changes/new/{key}" in inside for key in members) == N_FORMS
    searched = client.get("/key-changes/new/sets/" + str(sealed_set), query_string={"q": members[first]}).get_data(
        as_text=True
    )
    assert [key for key in members if f"/key-changes/new/{key}" in searched] == [first]
    assert "没有符合条件的试卷" in client.get("/key-changes/new?q=没有这份").get_data(as_text=True)
    assert client.get(f"/key-changes/new/sets/{first}").status_code == 404
    return client
