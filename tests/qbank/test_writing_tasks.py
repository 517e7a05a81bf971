from __future__ import annotations

import io
from datetime import date, timedelta

import openpyxl
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from kernel import profiles
from kernel.clock import shifted
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.identity.services import actor_of_user
from kernel.identity.walls import AUTHORS_READ_BANK_KEY, EXPERTS_SEE_OWN_KEY
from kernel.uow import unit_of_work
from qbank import public_writing
from qbank.models.items import Item
from qbank.models.writing import WritingTask
from qbank.pages.writing import todos
from qbank.repository import writing as repository
from qbank.rules.writing import TaskStatus, WantedLine, spread
from qbank.services import coverage as coverage_services
from qbank.services import writing as services
from qbank.services.coverage import coverage, expert_figures
from qbank.services.writing import TaskPlan
from tests.factories.standards import make_level
from tests.qbank.item_bank import POINT, approve, choice, make_draft, point_id, submit
from tests.qbank.test_items_pages import FORM

OTHER = "A-A-A-002"


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR, name="题库管理员")


@pytest.fixture
def expert(make_actor):
    return make_actor(Role.AUTHOR, name="命题专家甲")


def soon(days=10):
    return services.today() + timedelta(days=days)


def commission(actor, level_id, expert=None, lines=None, **changes):
    wanted = lines or [WantedLine(POINT, "single_choice", 2, 3)]
    plan = TaskPlan(**({"title": "第一批", "due_on": soon() if expert else None} | changes))
    if expert:
        plan = TaskPlan(plan.title, plan.instructions, expert.user_id, plan.due_on, plan.source)
    with unit_of_work(actor) as uow:
        return services.commission(uow, level_id, wanted, plan)


def line_of(session, task, place=0):
    return repository.lines_of(session, [task.writing_task_id])[task.writing_task_id][place]


def write_for(expert, level_id, line, stem):
    item = make_draft(expert, level_id, choice(stem))
    with unit_of_work(expert) as uow:
        services.attach_item(uow, line.writing_task_line_id, uow.session.get(Item, item.item_id))
    return item


def test_a_task_goes_from_commission_to_acceptance(session, level_id, editor, expert, make_actor):
    task = commission(editor, level_id, expert)
    line = line_of(session, task)
    first, second = (write_for(expert, level_id, line, f"第 {n} 题（　）。") for n in (1, 2))
    submit(expert, first)
    with pytest.raises(ConflictError, match="1 行没有写够"), unit_of_work(expert) as uow:
        services.deliver_task(uow, task.writing_task_id)
    submit(expert, second)
    with unit_of_work(expert) as uow:
        services.deliver_task(uow, task.writing_task_id)
    with unit_of_work(editor) as uow:
        services.return_task(uow, task.writing_task_id, reason="题干太相近")
    assert task.status is TaskStatus.OPEN
    with unit_of_work(expert) as uow:
        services.deliver_task(uow, task.writing_task_id)
    with unit_of_work(editor) as uow:
        services.accept_task(uow, task.writing_task_id)
    assert task.status is TaskStatus.ACCEPTED
    acts = [event.act.value for event in repository.events_of(session, task.writing_task_id)]
    assert acts == ["plan", "issue", "deliver", "return", "deliver", "accept"]


def test_a_line_takes_no_more_items_than_were_asked_for_but_a_rejected_one_is_written_anew(
    session, level_id, editor, expert, make_actor
):
    from qbank.rules.review import Decision
    from qbank.services import reviews

    task = commission(editor, level_id, expert, [WantedLine(POINT, "single_choice", 1)])
    line = line_of(session, task)
    item = write_for(expert, level_id, line, "甲（　）。")
    with pytest.raises(ConflictError, match="写够"):
        services.line_to_write(session, expert, line.writing_task_line_id)
    submit(expert, item)
    with unit_of_work(make_actor(Role.REVIEWER)) as uow:
        version_id = item.current_version_id
        reviews.decide(uow, item.item_id, item_version_id=version_id, decision=Decision.REJECT, comment="超纲")
    assert services.line_to_write(session, expert, line.writing_task_line_id)[0] is line


def test_an_item_of_another_type_does_not_count_for_a_line(session, level_id, editor, expert):
    task = commission(editor, level_id, expert, [WantedLine(POINT, "true_false", 1)])
    line = line_of(session, task)
    with pytest.raises(ConflictError, match="题型"):
        write_for(expert, level_id, line, "甲（　）。")


def test_an_expert_sees_only_own_tasks_in_services_pages_and_interface(
    session, level_id, editor, expert, *, make_user, sign_in, make_actor, other_organisation
):
    own = commission(editor, level_id, expert)
    user = make_user(Role.AUTHOR)
    stranger, client = actor_of_user(user), sign_in(user=user)
    assert repository.list_tasks(session, actor=stranger, wanted=repository.TaskFilter())[1] == 0
    with pytest.raises(NotFoundError):
        repository.get_task(session, own.writing_task_id, actor=stranger)
    with pytest.raises(NotFoundError):
        services.line_to_write(session, stranger, line_of(session, own).writing_task_line_id)
    assert client.get(f"/writing/tasks/{own.writing_task_id}").status_code == 404
    assert client.get(f"/api/v1/writing-tasks/{own.writing_task_id}").status_code == 404
    assert client.get("/api/v1/writing-tasks").json["total"] == 0
    assert client.get("/writing/").status_code == 403
    assert client.get("/writing/coverage").status_code == 403
    outside = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        repository.get_task(session, own.writing_task_id, actor=outside)


def test_a_planned_task_is_not_shown_to_experts_and_its_lines_can_go_to_several(
    session, level_id, editor, expert, make_actor
):
    second = make_actor(Role.AUTHOR)
    lines = [WantedLine(POINT, "single_choice", 1), WantedLine(OTHER, "single_choice", 2)]
    task = commission(editor, level_id, None, lines)
    ids = [
        line.writing_task_line_id for line in repository.lines_of(session, [task.writing_task_id])[task.writing_task_id]
    ]
    experts = dict(zip(ids, [expert.user_id, second.user_id], strict=True))
    with unit_of_work(editor) as uow:
        issued = services.issue_task(uow, task.writing_task_id, experts, due_on=soon())
    assert [(one.expert_id, one.status) for one in issued] == [
        (expert.user_id, TaskStatus.OPEN), (second.user_id, TaskStatus.OPEN),
    ]  # fmt: skip
    assert [one.n_wanted for one in services.progress_of(session, issued)] == [1, 2]


def test_who_cannot_write_items_cannot_be_asked_and_the_day_cannot_be_past(level_id, editor, expert, make_actor):
    with pytest.raises(InvalidInputError, match="不能命题"):
        commission(editor, level_id, make_actor(Role.INVIGILATOR))
    with pytest.raises(InvalidInputError, match="截止日期"):
        commission(editor, level_id, expert, due_on=soon(-1))
    with pytest.raises(InvalidInputError, match="没有这种题型"):
        commission(editor, level_id, expert, [WantedLine(POINT, "riddle", 1)])
    with pytest.raises(ForbiddenError):
        commission(expert, level_id, expert)


def test_extending_and_cancelling_need_a_reason_that_is_kept(session, level_id, editor, expert):
    task = commission(editor, level_id, expert)
    with pytest.raises(InvalidInputError, match="原因"), unit_of_work(editor) as uow:
        services.extend_task(uow, task.writing_task_id, due_on=soon(20), reason=" ")
    with pytest.raises(InvalidInputError, match="晚于"), unit_of_work(editor) as uow:
        services.extend_task(uow, task.writing_task_id, due_on=soon(5), reason="x")
    with unit_of_work(editor) as uow:
        services.extend_task(uow, task.writing_task_id, due_on=soon(20), reason="设备检修")
    with unit_of_work(editor) as uow:
        services.cancel_task(uow, task.writing_task_id, reason="标准改版")
    assert task.due_on == soon(20)
    assert [e.reason for e in repository.events_of(session, task.writing_task_id)][-2:] == ["设备检修", "标准改版"]
    with pytest.raises(ConflictError, match="已取消"), unit_of_work(editor) as uow:
        services.accept_task(uow, task.writing_task_id)
    with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
        session.execute(text("DELETE FROM writing_task_events"))


def test_nobody_accepts_a_task_of_their_own(level_id, editor):
    task = commission(editor, level_id, editor)
    with unit_of_work(editor) as uow:
        uow.session.get(WritingTask, task.writing_task_id).status = TaskStatus.DELIVERED
    with pytest.raises(ForbiddenError, match="自己的命题任务"), unit_of_work(editor) as uow:
        services.accept_task(uow, task.writing_task_id)


def test_coverage_counts_what_is_there_on_its_way_and_asked_for(session, level_id, editor, expert, make_actor):
    item = make_draft(expert, level_id, choice("入库题（　）。"))
    submit(expert, item)
    approve(item, [make_actor(Role.REVIEWER) for _ in range(3)])
    make_draft(expert, level_id, choice("草稿（　）。"))
    found = coverage(session, editor, level_id)
    row = next(one for one in found.points if one.point.full_code == POINT)
    cell = next(one for one in row.cells if one.type == "single_choice")
    assert (cell.n_available, cell.n_pending, cell.n_wanted, cell.n_missing) == (1, 1, 3, 1)
    assert row.by_difficulty == {3: 1}
    commission(editor, level_id, expert, [WantedLine(POINT, "single_choice", 5)])
    row = next(one for one in coverage(session, editor, level_id).points if one.point.full_code == POINT)
    assert next(one for one in row.cells if one.type == "single_choice").n_missing == 0


def test_an_editor_can_want_another_number_for_a_point(session, level_id, editor):
    key = point_id(level_id)
    with unit_of_work(editor) as uow:
        assert coverage_services.set_targets(uow, level_id, {(key, "essay"): 2, (key, "true_false"): 0}) == 2
    found = coverage(session, editor, level_id)
    row = next(one for one in found.points if one.point.assessment_point_id == key)
    assert {cell.type: cell.n_wanted for cell in row.cells} == {
        "single_choice": 3, "multiple_choice": 1, "true_false": 0, "essay": 2,
    }  # fmt: skip
    gaps = [line for line in found.gaps({key}) if line.type == "essay"]
    assert sum(line.count for line in gaps) == 2
    with unit_of_work(editor) as uow:
        coverage_services.set_targets(uow, level_id, {(key, "essay"): None})
    assert "essay" not in coverage(session, editor, level_id).types


def test_a_gap_is_spread_towards_the_difficulty_shares():
    assert spread(10, {}, (10, 20, 40, 20, 10)) == {1: 1, 2: 2, 3: 4, 4: 2, 5: 1}
    assert spread(2, {3: 8}, (10, 20, 40, 20, 10)) == {2: 1, 4: 1}


def test_figures_of_an_expert_say_progress_and_acceptance(session, level_id, editor, expert, make_actor):
    task = commission(editor, level_id, expert)
    line = line_of(session, task)
    good, other = (write_for(expert, level_id, line, f"第 {n} 题（　）。") for n in (1, 2))
    submit(expert, good, other)
    approve(good, [make_actor(Role.REVIEWER) for _ in range(3)])
    found = expert_figures(session, editor)[0]
    assert (found.n_wanted, found.counts.n_submitted, found.counts.n_accepted) == (2, 2, 1)
    assert found.counts.acceptance_percent == 100
    with shifted(timedelta(days=30)):
        assert expert_figures(session, editor)[0].n_overdue == 1
        labels = [todo.label for todo in todos_of(editor)]
        assert "逾期的命题任务" in labels


def todos_of(actor):
    from flask import current_app

    with current_app.test_request_context():
        return [todo for todo in todos(db.session(), actor) if todo.count]


def test_an_expert_writes_the_next_item_of_a_task_in_the_browser(session, level_id, editor, make_user, sign_in):
    user = make_user(Role.AUTHOR)
    expert, client = actor_of_user(user), sign_in(user=user)
    task = commission(editor, level_id, expert)
    assert "写下一题" in client.get(f"/writing/tasks/{task.writing_task_id}").text
    editor_page = client.get(f"/writing/tasks/{task.writing_task_id}/next", follow_redirects=True)
    assert POINT in editor_page.text
    address = editor_page.request.full_path
    saved = client.post(address.replace("difficulty=3&", ""), data=FORM | {"act": "another"})
    assert saved.status_code == 303
    assert "/writing/lines/" in saved.location
    assert services.progress_of(session, [session.get(WritingTask, task.writing_task_id)])[0].counts.n_written == 1


def test_an_editor_commissions_what_a_level_lacks_in_the_browser(session, level_id, make_user, sign_in, expert):
    client = sign_in(Role.EDITOR)
    key = point_id(level_id)
    page = client.get(f"/writing/coverage?level={level_id}")
    assert "缺口与下达" in page.text
    data = {
        "level": level_id, "act": "commission", "points": [key], "title": "补充命题", "expert": expert.user_id,
        "due_on": soon().isoformat(), f"wanted-{key}:single_choice": "4", f"usual-{key}:single_choice": "3",
    }  # fmt: skip
    answer = client.post("/writing/coverage", data=data)
    assert answer.status_code == 303, answer.text
    task = session.query(WritingTask).one()
    assert services.progress_of(session, [task])[0].n_wanted == 4 + 1 + 2
    assert "补充命题" in client.get("/writing/").text
    assert client.get(f"/writing/tasks/{task.writing_task_id}").status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(client.get("/writing/experts.xlsx").data)).active
    assert expert.name in {cell.value for row in sheet.iter_rows() for cell in row}


def test_the_interface_commissions_and_says_what_is_wrong(level_id, sign_in, expert):
    client = sign_in(Role.EDITOR)
    body = {
        "standard_level_id": str(level_id), "title": "接口任务", "expert_id": str(expert.user_id),
        "due_on": soon().isoformat(), "lines": [{"point": POINT, "type": "single_choice", "count": 2}],
    }  # fmt: skip
    made = client.post("/api/v1/writing-tasks", json=body)
    assert (made.status_code, made.json["status"], made.json["n_wanted"]) == (201, "open", 2)
    assert client.post("/api/v1/writing-tasks", json=body | {"lines": []}).status_code == 422


def test_a_writing_order_becomes_a_planned_task_once(session, level_id, make_actor, editor):
    assembler = make_actor(Role.ASSEMBLER)
    for is_first in (True, False):
        lines = [public_writing.WantedLine("A-A-A-099", "single_choice", 7, 3)]
        if is_first:
            with unit_of_work(assembler) as uow:
                task_id = public_writing.commission(uow, level_id, lines, title="组卷补充", source="assembly_run:1")
            continue
        with pytest.raises(ConflictError, match="已经生成"), unit_of_work(assembler) as uow:
            public_writing.commission(uow, level_id, lines, title="组卷补充", source="assembly_run:1")
    task = repository.get_task(session, task_id, actor=editor)
    assert (task.status, task.expert_id) == (TaskStatus.PLANNED, None)


def publish(organisation, **values):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, values, effective_on=date(2020, 1, 1))


def test_the_rule_profile_says_how_much_of_the_bank_experts_see(
    session, organisation, level_id, editor, *, make_user, sign_in
):
    item = make_draft(editor, level_id)
    author, both = make_user(Role.AUTHOR), make_user(Role.AUTHOR, Role.REVIEWER)
    address = f"/api/v1/items/{item.item_id}"
    assert sign_in(user=author).get(address).status_code == 404
    assert sign_in(user=both).get(address).status_code == 200
    publish(organisation, **{EXPERTS_SEE_OWN_KEY: True})
    client = sign_in(user=both)
    assert client.get(address).status_code == 404
    assert client.get(f"/items/{item.item_id}").status_code == 404
    submit(editor, item)
    assert client.get(address).status_code == 200
    publish(organisation, **{AUTHORS_READ_BANK_KEY: True})
    assert sign_in(user=author).get(address).status_code == 200
