"""Sessions: plans that cannot work are refused, rooms and people are never booked twice, states follow their order."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest

from exam_delivery.models import Attempt, AttemptStatus, ExamSession, Registration, RegistrationStatus, SessionStatus
from exam_delivery.rules.planning import check_plan
from exam_delivery.rules.states import ALLOWED, check_step
from exam_delivery.services import batches, documents, running, sessions
from exam_delivery.services.batches import RoomPlan
from exam_delivery.services.documents import DocumentKind
from kernel.clock import now, shifted
from kernel.db import db
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.uow import unit_of_work
from tests.exam_delivery.world import session_plan

TITLES = {"a": "甲", "b": "乙"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"form_ids": (), "standby_form_ids": ("a",)}, "form_ids"),
        ({"form_ids": ("z",)}, "form_ids"),
        ({"starts_at": None}, "starts_at"),
        ({"duration_minutes": 4}, "duration_minutes"),
        ({"duration_minutes": None}, "duration_minutes"),
        ({"open_entry_minutes": -1}, "open_entry_minutes"),
        ({"late_cutoff_minutes": 90}, "late_cutoff_minutes"),
        ({"earliest_submit_minutes": 91}, "earliest_submit_minutes"),
        ({"leave_limit": None}, "leave_limit"),
        ({"per_page": "some"}, "per_page"),
    ],
)
def test_a_plan_that_cannot_work_names_the_field(changes, field):
    assert set(check_plan(session_plan(["a"], **changes), titles=TITLES)) == {field}


def test_a_plan_that_ends_before_its_length_is_over_names_the_end():
    starts_at = now() + dt.timedelta(hours=1)
    plan = session_plan(["a"], starts_at=starts_at, ends_at=starts_at + dt.timedelta(minutes=60))
    assert set(check_plan(plan, titles=TITLES)) == {"ends_at"}


def test_a_good_plan_ends_after_its_length_unless_said_otherwise():
    plan = session_plan(["a", "b"])
    assert check_plan(plan, titles=TITLES) == {}
    assert plan.end - plan.begin == dt.timedelta(minutes=90)
    assert plan.begin - plan.opening == dt.timedelta(minutes=30)


def test_states_have_no_short_cut():
    for present in SessionStatus:
        for wanted in set(SessionStatus) - ALLOWED[present]:
            with pytest.raises(IllegalTransitionError):
                check_step(present, wanted)


def test_the_forms_of_a_session_are_reserved_and_let_go(world):
    assert {form for form, _reference in world.forms.reservations} == set(world.forms.form_ids)
    row = db.session.get(ExamSession, world.key)
    with unit_of_work(world.officer) as uow:
        sessions.edit_session(uow, world.key, session_plan(world.forms.form_ids[:1]), version=row.version)
    assert {form for form, _reference in world.forms.reservations} == {world.forms.form_ids[0]}


def other_session(world, **changes):
    with unit_of_work(world.officer) as uow:
        return sessions.create_session(
            uow, world.batch.exam_batch_id, session_plan(world.forms.form_ids, name="第二场", **changes)
        )


def test_a_room_and_a_person_cannot_be_in_two_sessions_at_one_time(world, make_user):
    person = make_user(Role.INVIGILATOR, name="监考甲")
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, world.key, {world.room.exam_room_id: [person.user_id]})
        second = batches.save_room(uow, None, RoomPlan("演示考点", "第 02 考场", 30))
    same_time = other_session(world)
    with pytest.raises(ConflictError, match="第 01 考场"), unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, same_time.exam_session_id, {world.room.exam_room_id: []})
    with pytest.raises(ConflictError, match="监考甲"), unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, same_time.exam_session_id, {second.exam_room_id: [person.user_id]})
    later = other_session(world, starts_at=now() + dt.timedelta(days=1))
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, later.exam_session_id, {world.room.exam_room_id: [person.user_id]})


def test_a_person_is_in_one_room_only_and_must_be_an_invigilator(world, make_user):
    person, stranger = make_user(Role.INVIGILATOR), make_user(Role.AUTHOR)
    with unit_of_work(world.officer) as uow:
        second = batches.save_room(uow, None, RoomPlan("演示考点", "第 02 考场", 30))
    both = {world.room.exam_room_id: [person.user_id], second.exam_room_id: [person.user_id]}
    with pytest.raises(InvalidInputError, match="两个考场"), unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, world.key, both)
    with pytest.raises(InvalidInputError, match="监考角色"), unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, world.key, {world.room.exam_room_id: [stranger.user_id]})


def opened(world, n=3):
    world.register(n)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()


def begin(world, attempt, answers=None):
    from exam_delivery.models import ResponseState

    with unit_of_work(world.officer) as uow:
        row = uow.session.get(Attempt, attempt.attempt_id)
        row.status, row.started_at, row.deadline_at = AttemptStatus.IN_PROGRESS, now(), now() + dt.timedelta(hours=1)
        for slot, text in (answers or {}).items():
            uow.add(ResponseState(attempt_id=row.attempt_id, slot=slot, seq=1, response=text, received_at=now()))


def test_closing_hands_in_who_writes_and_marks_absent_who_never_began(world):
    opened(world)
    writing = world.attempts()[0]
    begin(world, writing, {1: '["B"]'})
    with unit_of_work(world.officer) as uow:
        running.close_session(uow, world.key)
    db.session.expire_all()
    row = db.session.get(Attempt, writing.attempt_id)
    assert (row.status, row.submit_kind) == ("submitted", "timeout")
    assert row.receipt["n_answers"] == 1
    statuses = sorted(one.status for one in db.session.query(Registration).all())
    assert statuses == [RegistrationStatus.ABSENT, RegistrationStatus.ABSENT, RegistrationStatus.ADMITTED]
    assert db.session.query(Job).filter_by(name="exam_delivery.score").count() == 1


def test_the_clock_opens_and_closes_sessions_by_itself(world):
    world.register(1)
    world.arrange()
    world.prepare()
    assert running.follow_the_clock() == 0
    with unit_of_work(world.officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        row.opens_at = row.starts_at = now() - dt.timedelta(hours=3)
        attempt = uow.session.query(Attempt).one()
        attempt.opens_at = attempt.starts_at = attempt.latest_start_at = row.opens_at
    assert running.follow_the_clock() == 1
    db.session.expire_all()
    assert db.session.get(ExamSession, world.key).status is SessionStatus.OPEN
    with unit_of_work(world.officer) as uow:
        uow.session.get(ExamSession, world.key).ends_at = now() - dt.timedelta(hours=1)
    assert running.follow_the_clock() == 1
    db.session.expire_all()
    assert db.session.get(ExamSession, world.key).status is SessionStatus.CLOSED
    assert running.follow_the_clock() == 0


def test_the_clock_leaves_a_session_open_while_somebody_with_extra_time_writes(world):
    opened(world, 1)
    begin(world, world.attempts()[0])
    with unit_of_work(world.officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        row.starts_at, row.ends_at = now() - dt.timedelta(hours=3), now() - dt.timedelta(hours=1)
    assert running.follow_the_clock() == 0


def test_an_open_session_cannot_be_edited(world):
    opened(world, 1)
    row = db.session.get(ExamSession, world.key)
    with pytest.raises(ConflictError, match="考场控制台"), unit_of_work(world.officer) as uow:
        sessions.edit_session(uow, world.key, session_plan(world.forms.form_ids), version=row.version)


FORM = {
    "name": "浏览器场次", "starts_at": "2031-05-01T09:00", "duration_minutes": "90", "open_entry_minutes": "30",
    "late_cutoff_minutes": "30", "earliest_submit_minutes": "30", "leave_limit": "5", "per_page": "one",
    "shuffle_items": "1",
}  # fmt: skip


def test_an_officer_plans_a_session_in_the_browser_in_local_time(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    address = f"/exam-batches/{world.batch.exam_batch_id}/sessions/new"
    assert "第 2 场" in client.get(address).text
    bad = client.post(address, data=FORM | {"duration_minutes": "x", "form_ids": world.forms.form_ids})
    assert bad.status_code == 422
    assert "浏览器场次" in bad.text
    good = client.post(address, data=FORM | {"form_ids": world.forms.form_ids})
    assert good.status_code == 303
    row = db.session.query(ExamSession).filter_by(name="浏览器场次").one()
    assert row.starts_at == dt.datetime(2031, 5, 1, 1, 0, tzinfo=dt.UTC)
    assert (row.shuffle_items, row.shuffle_choices) == (True, False)
    page = client.get(good.headers["Location"]).text
    assert "还没有考生" in page
    assert "2031-05-01 09:00" in page


def test_the_whole_way_of_a_session_shows_in_the_browser(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    world.register(2)
    base = f"/exam-sessions/{world.key}"
    assert "没有准考证号" in client.get(base).text
    assert client.post(f"{base}/prepare").status_code == 303
    assert "没有准考证号" in client.get(base).text
    client.post(f"{base}/arrange")
    people = client.get(f"{base}/people").text
    assert "随机种子" in people
    assert "演示考生1" in people
    world.prepare()
    db.session.expire_all()
    assert "备考完成" in client.get(base).text
    client.post(f"{base}/open")
    assert "结束考试" in client.get(base).text
    client.post(f"{base}/close")
    assert "已结束待评分" in client.get(base).text
    for view in ("rooms", "documents", "people"):
        assert client.get(f"{base}/{view}").status_code == 200
    assert client.get("/exam-sessions/?status=closed").text.count("第一场") >= 1
    assert client.get("/exam-sessions/?status=open").text.count("没有这种状态的场次") == 1


def test_lists_stay_masked_and_a_number_is_shown_only_on_demand(world, sign_in):
    from exam_delivery.models import Candidate
    from tests.exam_delivery.world import id_number

    client = sign_in(Role.EXAM_OFFICER)
    world.register(1)
    page = client.get(f"/exam-sessions/{world.key}/people").text
    assert id_number(1) not in page
    assert "110101********" in page
    person = db.session.query(Candidate).one()
    assert id_number(1) in client.post(f"/candidates/{person.candidate_id}/reveal").text
    assert sign_in(Role.INVIGILATOR).post(f"/candidates/{person.candidate_id}/reveal").status_code == 403


def test_a_roster_is_previewed_and_imported_in_the_browser(world, sign_in):
    import io

    from tests.exam_delivery.test_registrations import GOOD, roster_file

    client = sign_in(Role.EXAM_OFFICER)
    address = f"/exam-batches/{world.batch.exam_batch_id}/roster"
    assert "下载模板" in client.get(address).text
    assert client.get("/roster-template.xlsx").data.startswith(b"PK")
    data = roster_file(GOOD, GOOD | {"姓名": "演示坏", "证件号码": "123"})
    sent = {"file": (io.BytesIO(data), "名单.xlsx"), "exam_session_id": str(world.key)}
    answer = client.post(address, data=sent, content_type="multipart/form-data")
    assert answer.status_code == 303
    preview = client.get(answer.headers["Location"]).text
    assert "演示坏" in preview
    assert "应为 18 位" in preview
    done = client.post(answer.headers["Location"] + "/import", data={"mode": "valid"})
    assert done.status_code == 303
    assert "演示甲" in client.get(done.headers["Location"]).text
    wrong = client.post(address, data={"file": (io.BytesIO(b"x"), "a.xlsx")}, content_type="multipart/form-data")
    assert wrong.status_code == 422


def test_every_todo_of_an_officer_leads_somewhere(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    home = client.get("/").text
    assert "尚未备考" in home
    assert "还没有考生" in home


def test_the_receipt_of_a_closed_attempt_matches_what_is_scored(world):
    opened(world, 1)
    begin(world, world.attempts()[0], {1: '["B"]', 2: json.dumps([])})
    world.close_and_score()
    from exam_delivery.models import ScoreRecord

    record = db.session.query(ScoreRecord).one()
    assert record.responses_digest == db.session.query(Attempt).one().receipt["digest"]


def test_the_officer_allows_tools_which_are_fixed_once_the_session_is_prepared(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    address = f"/exam-batches/{world.batch.exam_batch_id}/sessions/new"
    page = client.get(address).text
    assert "允许使用计算器" in page
    typed = FORM | {"name": "有计算器的场次", "form_ids": world.forms.form_ids[:1], "tool_calculator": "1"}
    assert client.post(address, data=typed).status_code in {302, 303}
    row = db.session.query(ExamSession).filter_by(name="有计算器的场次").one()
    assert row.tools == ["calculator"]
    edit = client.get(f"/exam-sessions/{row.exam_session_id}/edit").text
    boxes = {name: tag for tag, name in re.findall(r'(<input[^>]*name="(tool_\w+)"[^>]*>)', edit)}
    assert ("checked" in boxes["tool_calculator"], "checked" in boxes["tool_scratch"]) == (True, False)


def test_an_invigilator_reads_the_people_and_papers_of_the_own_sessions_alone(world, sign_in, make_user):
    world.register(2)
    world.arrange()
    with unit_of_work(world.officer) as uow:
        printed = documents.print_document(uow.session, world.officer, world.key, DocumentKind.SIGN_IN_SHEETS)
        paper = documents.store_document(uow, world.key, DocumentKind.SIGN_IN_SHEETS, printed).exam_document_id
    here = f"/exam-sessions/{world.key}"
    addresses = (f"{here}/people", f"{here}/documents", f"/exam-documents/{paper}")
    person = make_user(Role.INVIGILATOR)
    client, chief = sign_in(user=person), sign_in(Role.CHIEF_INVIGILATOR)
    assert [client.get(one).status_code for one in addresses] == [404, 404, 404]
    assert [chief.get(one).status_code for one in addresses] == [200, 200, 200]
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, world.key, {world.room.exam_room_id: [person.user_id]})
    assert [client.get(one).status_code for one in addresses] == [200, 200, 200]
    everybody = f"/exam-batches/{world.batch.exam_batch_id}/people"
    assert (client.get(everybody).status_code, chief.get(everybody).status_code) == (403, 200)
    assert everybody not in client.get(f"/exam-batches/{world.batch.exam_batch_id}").text


def test_papers_printed_before_a_change_of_the_session_are_marked(world, sign_in):
    world.register(2)
    world.arrange()
    client, address = sign_in(Role.EXAM_OFFICER), f"/exam-sessions/{world.key}/documents"
    with unit_of_work(world.officer) as uow:
        printed = documents.print_document(uow.session, world.officer, world.key, DocumentKind.TICKETS)
        documents.store_document(uow, world.key, DocumentKind.TICKETS, printed)
    assert "生成后有改动" not in client.get(address).text
    with shifted(dt.timedelta(minutes=5)), unit_of_work(world.officer) as uow:
        version = uow.session.get(ExamSession, world.key).version
        plan = session_plan(world.forms.form_ids, starts_at=now() + dt.timedelta(hours=5))
        sessions.edit_session(uow, world.key, plan, version=version)
    page = client.get(address).text
    assert "生成后有改动" in page
    assert "请重新生成" in page
