"""What is published of a draw before the exam cannot be changed or guessed, and the seed told after it proves the draw."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Route
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from blueprints.assembly.command import assemble_command
from blueprints.cli import replay
from blueprints.models import AssemblyRun, FormPackage
from blueprints.rules.draw_commitments import seed_digest, spec_digest
from blueprints.services import forms
from exam_delivery.models import SessionStatus
from exam_delivery.models.draw_commitments import DrawCommitment, DrawReveal
from exam_delivery.rules.draw_commitments import PUBLISH_AUTOMATIC, PUBLISH_DRAW, PUBLISH_REQUIRED
from exam_delivery.rules.standby import SwitchState
from exam_delivery.services import draw_commitments, draw_reveals, release, sessions, standby
from exam_delivery.services.readiness_gate import find_gate
from exam_delivery.services.standby import SwitchPlan
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.canonical import digest
from kernel.clock import now, today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.accessibility import violations
from tests.blueprints.bank_cases import fill_bank
from tests.exam_delivery.draw_world import SEED, Drawer, DrawnWorld
from tests.exam_delivery.world import session_plan

REASON = "监督员要求当场核对"


@pytest.fixture
def bank(organisation):
    return fill_bank(organisation.organisation_id)


@pytest.fixture
def drawer(bank, make_actor):
    return Drawer(bank, make_actor(Role.ASSEMBLER), make_actor(Role.FORM_APPROVER))


@pytest.fixture
def drawn(drawer):
    return drawer.draw()


@pytest.fixture
def world(drawn, bank, officer):
    """A session that gives both forms of a draw."""
    return DrawnWorld(officer, bank.standard_level_id, [form.exam_form_id for form in drawn[1]])


@pytest.fixture
def first_only(drawn, bank, officer):
    """A session that gives form A alone; form B lies sealed."""
    return DrawnWorld(officer, bank.standard_level_id, [drawn[1][0].exam_form_id])


def rule(make_actor, value):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {PUBLISH_DRAW: value}, effective_on=today())


def entries(world):
    db.session.expire_all()
    return list(
        db.session.scalars(select(DrawCommitment).filter_by(exam_session_id=world.key).order_by(DrawCommitment.number))
    )


def addresses(organisation, world):
    start = f"/draws/{organisation.code}"
    return ["/draws/", start, f"{start}/{world.key}", f"{start}/{world.key}.json"]


def test_the_commitment_is_the_sha_256_of_a_text_that_anybody_can_type():
    nonce = "ab" * 32
    assert seed_digest(7, nonce) == hashlib.sha256(f"kaoku-draw/1:7:{nonce}".encode()).hexdigest()
    assert seed_digest(7, "00ff") == "4cb9a5192971b23969b8c9bcdb10e4cfa8e9f68ab6256bd1ce329c4764f2263a"


def test_an_entry_names_the_draw_and_the_sealed_forms_and_no_secret(world, drawn, organisation):
    run, made = drawn
    (entry,) = world.publish()
    said = entry.content
    packages = {row.exam_form_id: row for row in db.session.scalars(select(FormPackage))}
    assert said["draw"]["pool_digest"] == run.pool_digest
    assert said["draw"]["blueprint_digest"] == spec_digest(run.spec)
    assert [(one["label"], one["digest"]) for one in said["forms"]] == [
        (form.label, packages[form.exam_form_id].delivery_digest) for form in made
    ]
    assert [one["n_changed"] for one in said["forms"]] == [0, 0]
    assert (said["is_late"], said["number"], entry.digest) == (False, 1, digest(said))
    text = json.dumps(said)
    assert str(SEED) not in text
    assert str(run.assembly_run_id) not in text
    assert not any(str(form.exam_form_id) in text for form in made)
    assert world.officer.name not in text


def test_equal_draws_have_different_commitments_so_that_nobody_finds_the_seed_by_trying(world, officer):
    (one,) = world.publish()
    tries = {seed_digest(SEED, ""), hashlib.sha256(str(SEED).encode()).hexdigest()}
    assert one.content["draw"]["seed_digest"] not in tries
    assert SEED.to_bytes(4, "big") not in one.nonce_ciphertext
    nonce = draw_commitments.nonce_of(one)
    assert len(nonce) == 64
    assert nonce.encode() not in one.nonce_ciphertext


def test_after_the_start_it_is_published_with_a_reason_alone_and_marked_late(world):
    world.put(starts_at=now() - timedelta(minutes=1))
    with pytest.raises(InvalidInputError):
        world.publish()
    assert entries(world) == []
    world.publish("考务员忘记在开考前公布")
    assert [(one.content["is_late"], one.content["reason"]) for one in entries(world)] == [
        (True, "考务员忘记在开考前公布")
    ]


def test_nobody_changes_or_deletes_what_was_published_nor_the_program_nor_the_database(world):
    world.publish()
    for statement in (update(DrawCommitment).values(digest="0" * 64), delete(DrawCommitment)):
        with pytest.raises(DatabaseError), db.session.begin_nested():
            db.session.execute(statement)
    with pytest.raises(ConflictError, match="没有还没公布的试卷"):
        world.publish(REASON)
    assert len(entries(world)) == 1
    acts = db.session.scalars(select(AuditEvent.act).where(AuditEvent.act.like("draw_commitment.%"))).all()
    assert acts == ["draw_commitment.publish"]


def test_an_exchanged_form_adds_an_entry_with_a_reason_and_the_first_stays(first_only, drawn, drawer):
    first_only.publish()
    before = entries(first_only)[0].content
    _run, (other,) = drawer.draw(n_forms=1, seed=SEED + 1)
    row = first_only.row()
    with unit_of_work(first_only.officer) as uow:
        sessions.edit_session(uow, first_only.key, session_plan([str(other.exam_form_id)]), version=row.version)
    with pytest.raises(InvalidInputError):
        first_only.publish()
    first_only.publish("原试卷有误，换用新组的试卷")
    first, second = entries(first_only)
    assert first.content == before
    assert (second.kind.value, second.content["reason"]) == ("added", "原试卷有误，换用新组的试卷")


def test_a_standby_form_that_is_given_adds_an_entry(drawn, bank, officer, make_actor):
    first, second = drawn[1]
    world = DrawnWorld(
        officer, bank.standard_level_id, [first.exam_form_id], standby_form_ids=(str(second.exam_form_id),)
    )
    world.publish()
    assert [one["is_standby"] for one in entries(world)[0].content["forms"]] == [False, True]
    world.register(1)
    world.arrange()
    world.prepare()
    one, two = make_actor(Role.CHIEF_INVIGILATOR), make_actor(Role.CHIEF_INVIGILATOR)
    with unit_of_work(one) as uow:
        key = standby.propose(uow, world.key, SwitchPlan(str(second.exam_form_id), "leak")).form_switch_id
    with unit_of_work(two) as uow:
        standby.decide(uow, world.key, key, SwitchState.DONE)
    given = entries(world)[-1]
    assert (given.number, given.kind.value, given.content["reason"]) == (2, "given", "试卷泄露或疑似泄露")
    assert given.content["draw"]["seed_digest"] != entries(world)[0].content["draw"]["seed_digest"]


def test_only_who_plans_sessions_publishes_and_other_organisations_find_nothing(
    world, make_actor, organisation, other_organisation, app
):
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.CHIEF_INVIGILATOR)) as uow:
        draw_commitments.publish(uow, world.key)
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        draw_commitments.publish(uow, world.key)
    world.publish()
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        draw_reveals.reveal(uow, world.key, reason=REASON, gives_up_spares=True)
    client = app.test_client()
    assert client.get(f"/draws/{organisation.code}/{world.key}").status_code == 200
    assert client.get(f"/draws/{other_organisation.code}/{world.key}").status_code == 404
    assert client.get(f"/draws/{other_organisation.code}/{world.key}.json").status_code == 404


def test_no_page_tells_the_seed_or_nonce_before_the_reveal(world, organisation, app, sign_in):
    (entry,) = world.publish()
    world.register(2)
    world.arrange()
    world.prepare()
    nonce, client, officer = draw_commitments.nonce_of(entries(world)[0]), app.test_client(), sign_in(Role.EXAM_OFFICER)
    staff = ["", "/draw", "/draw.pdf", "/readiness", "/people", "/documents", "/rooms"]
    answers = [client.get(one) for one in addresses(organisation, world)]
    answers += [officer.get(f"/exam-sessions/{world.key}{one}") for one in staff]
    assert {one.status_code for one in answers} == {200}
    for answer in answers:
        assert str(SEED).encode() not in answer.data
        assert nonce.encode() not in answer.data
    assert entry.content["draw"]["seed_digest"].encode() in answers[2].data
    assert answers[3].json["entries"][0]["revealed"] is None


def test_a_seed_waits_until_the_session_is_over_and_its_scores_are_out(world):
    world.publish()
    with pytest.raises(ConflictError, match="本场次还没有结束"):
        world.reveal(REASON)
    world.sit_and_release()
    (told,) = world.reveal()
    said = entries(world)[0].content["draw"]["seed_digest"]
    assert (told.seed, seed_digest(told.seed, told.nonce)) == (SEED, said)


def test_telling_before_the_release_is_a_deliberate_act_with_a_reason(world):
    world.publish()
    world.sit_and_release()
    world.put(status=SessionStatus.CLOSED)
    with pytest.raises(InvalidInputError):
        world.reveal()
    (told,) = world.reveal(REASON)
    assert told.reason == REASON
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.act == "draw_commitment.reveal")).one()
    assert (event.actor_id, event.details["reason"]) == (world.officer.user_id, REASON)


def test_a_seed_waits_for_other_sessions_on_forms_of_the_same_draw(first_only, drawn, bank, officer, sign_in):
    """Form A was sat and released; form B, of the same seed, is sat later."""
    later = DrawnWorld(officer, bank.standard_level_id, [drawn[1][1].exam_form_id], code="2026-02", name="第二场")
    first_only.publish()
    first_only.sit_and_release()
    with pytest.raises(ConflictError, match="第二场"):
        first_only.reveal(REASON, gives_up_spares=True)
    later.put(cancelled_at=now())  # it may be restored
    with pytest.raises(ConflictError, match="第二场"):
        first_only.reveal(REASON, gives_up_spares=True)
    assert "同一次抽取的试卷还用于场次“第二场”" in sign_in(Role.EXAM_OFFICER).get(
        f"/exam-sessions/{first_only.key}/draw"
    ).get_data(as_text=True)
    later.put(cancelled_at=None)
    later.put(seat_seed=None)
    with unit_of_work(officer) as uow:
        uow.session.get(type(later.session), later.key).status = SessionStatus.PLANNED
    later.register(2, first=11)
    later.arrange()
    later.prepare()
    later.put(status=SessionStatus.RELEASED)
    assert [one.seed for one in first_only.reveal()] == [SEED]


def test_a_seed_waits_where_the_same_form_is_sat_again(world, drawn, bank, officer):
    again = DrawnWorld(officer, bank.standard_level_id, [drawn[1][0].exam_form_id], code="2026-03", name="补考场")
    world.publish()
    world.sit_and_release()
    with pytest.raises(ConflictError, match="补考场"):
        world.reveal(REASON)
    assert again.row().status is SessionStatus.PLANNED


def test_forms_that_nobody_was_given_are_told_only_when_they_are_given_up_and_are_never_used_again(
    first_only, drawn, bank, officer, drawer
):
    spare = drawn[1][1]
    first_only.publish()
    first_only.sit_and_release()
    with pytest.raises(ConflictError, match="1 份没有用过的试卷"):
        first_only.reveal(REASON)
    first_only.reveal(REASON, gives_up_spares=True)
    with pytest.raises(ConflictError, match="种子已经公开"):
        DrawnWorld(officer, bank.standard_level_id, [spare.exam_form_id], code="2026-04")


def test_a_withdrawn_form_is_no_secret_any_more(first_only, drawn, drawer):
    first_only.publish()
    first_only.sit_and_release()
    with unit_of_work(drawer.approver) as uow:
        forms.withdraw_form(uow, drawn[1][1].exam_form_id, reason="不再使用这份试卷")
    assert [one.seed for one in first_only.reveal()] == [SEED]


def test_by_the_rule_it_is_published_with_the_preparation_and_told_with_the_release(world, make_actor):
    rule(make_actor, PUBLISH_AUTOMATIC)
    world.register(2)
    world.arrange()
    world.prepare()
    assert [(one.kind.value, one.published_by, one.content["is_late"]) for one in entries(world)] == [
        ("first", entries(world)[0].published_by, False)
    ]
    world.open()
    world.close_and_score()
    shown = release.preview_release(db.session(), world.officer, world.batch.exam_batch_id)
    with unit_of_work(world.officer) as uow:
        release.release_scores(uow, world.batch.exam_batch_id, confirmed_digest=shown.digest)
    job = db.session.query(Job).filter_by(name=draw_reveals.REVEAL_JOB).one()
    assert run_job(job.job_id) == "done", job.error
    assert [one.seed for one in db.session.scalars(select(DrawReveal))] == [SEED]


def test_the_gate_asks_for_publication_where_the_rule_does(world, make_actor, officer):
    def said():
        return {(one.state, one.message) for one in find_gate(db.session(), officer, world.row()).lines}

    line = "%(n)s 份试卷的抽题承诺还没有公布"
    assert not any("抽题承诺" in message for _state, message in said())
    rule(make_actor, PUBLISH_REQUIRED)
    assert ("blocked", line) in said()
    world.publish()
    assert ("ok", "抽题承诺已公布（%(n)s 条）") in said()


def test_staff_publish_read_print_and_tell_in_the_browser(world, sign_in, organisation, app):
    client, address = sign_in(Role.EXAM_OFFICER), f"/exam-sessions/{world.key}"
    assert "公布抽题承诺" in client.get(f"{address}/draw").get_data(as_text=True)
    assert client.post(f"{address}/draw/publish", follow_redirects=True).status_code == 200
    assert "已公布 1 条，种子待公开" in client.get(address).get_data(as_text=True)
    assert client.get(f"{address}/draw.pdf").data.startswith(b"%PDF")
    assert (
        client.post(f"{address}/draw/publish", follow_redirects=True).get_data(as_text=True).count("没有还没公布") == 1
    )
    world.sit_and_release()
    world.put(status=SessionStatus.CLOSED)
    refused = client.post(f"{address}/draw/reveal", data={"reveal_reason": "短"})
    assert refused.status_code == 422
    assert "请写明提前公开的原因" in refused.get_data(as_text=True)
    client.post(f"{address}/draw/reveal", data={"reveal_reason": REASON})
    public = app.test_client()
    page = public.get(f"/draws/{organisation.code}/{world.key}").get_data(as_text=True)
    told = public.get(f"/draws/{organisation.code}/{world.key}.json").json["entries"][0]["revealed"]
    assert str(SEED) in page
    assert told["nonce"] in page
    assert f"kaoku replay {told['run']}" in page
    assert hashlib.sha256(told["text"].encode()).hexdigest() == entries(world)[0].content["draw"]["seed_digest"]


def test_replaying_holds_the_published_commitment_against_the_draw(world, drawn, organisation, app, tmp_path):
    run_id = str(drawn[0].assembly_run_id)
    (entry,) = world.publish()
    before = CliRunner().invoke(replay, [run_id, "--files", str(tmp_path)])
    assert before.exit_code == 0
    assert f"抽题承诺 {entry.digest[:16]}：一致" in before.output
    assert "种子尚未公开" in before.output
    world.sit_and_release()
    world.reveal()
    assert "种子尚未公开" not in CliRunner().invoke(replay, [run_id]).output
    published = app.test_client().get(f"/draws/{organisation.code}/{world.key}.json").json
    assert on_files(tmp_path, published) == (0, "与公布的抽题承诺一致")
    for part, value in (("seed", SEED + 1), ("nonce", "0" * 64)):
        other = json.loads(json.dumps(published))
        other["entries"][0]["revealed"][part] = value
        assert on_files(tmp_path, other) == (1, "种子和随机数算不出公布的摘要")


def on_files(folder, published):
    """Hold the exported draw against a public page, and return the exit code with the words looked for."""
    (folder / "commitment.json").write_text(json.dumps(published), "utf-8")
    names = ("pool", "blueprint")
    options = [part for name in names for part in (f"--{name}", str(folder / f"{name}.json"))]
    options += ["--replay", str(folder / "forms.json"), "--commitment", str(folder / "commitment.json")]
    answer = CliRunner().invoke(assemble_command, options)
    words = ("算不出公布的摘要", "与公布的抽题承诺一致")
    found = next((one for one in words if one in answer.output), answer.output)
    return answer.exit_code, "种子和随机数算不出公布的摘要" if found == words[0] else found


def test_a_draw_record_that_was_changed_since_is_found_out(world, drawn):
    world.publish()
    world.sit_and_release()
    db.session.execute(update(AssemblyRun).values(seed=SEED + 1))
    db.session.expire_all()
    answer = CliRunner().invoke(replay, [str(drawn[0].assembly_run_id)])
    assert answer.exit_code == 1
    assert "不一致" in answer.output
    with pytest.raises(ConflictError, match="与公布的承诺不符"):
        world.reveal()


@pytest.mark.parametrize("is_told", [False, True], ids=["promised", "told"])
def test_the_public_pages_hold_for_everybody(world, organisation, app, chromium: Browser, is_told):
    world.publish()
    if is_told:
        world.sit_and_release()
        world.reveal()
    client, context = app.test_client(), chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()

    def answer(route: Route) -> None:
        with client.get(route.request.url.removeprefix("http://kaoku.test")) as found:
            route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.data)

    page.route("http://kaoku.test/**", answer)
    for address in addresses(organisation, world)[:-1]:
        page.goto(f"http://kaoku.test{address}")
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations(page)] == [], address
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth <= 321"), address
        page.set_viewport_size({"width": 1280, "height": 900})
    context.close()


def test_what_was_never_published_is_not_found(organisation, app):
    client = app.test_client()
    assert client.get(f"/draws/{organisation.code}/{uuid.uuid4()}").status_code == 404
    assert client.get("/draws/nobody").status_code == 404
    assert client.get("/draws/").status_code == 200


def test_the_public_look_up_leads_to_the_commitments(app):
    assert 'href="/draws/"' in app.test_client().get("/certificates").text
