"""The migration board in the browser: filters, one point after the other, carrying out, tasks."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.editions import EditionTask, OutlineMigration
from qbank.models.standards import StandardEdition, StandardLevel
from qbank.services import edition_copy, editions, outlines
from tests.factories.standards import make_level
from tests.qbank.item_bank import make_draft, point_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


@pytest.fixture
def client(sign_in):
    return sign_in(Role.EDITOR)


@pytest.fixture
def old(organisation):
    return make_level(organisation.organisation_id)


@pytest.fixture
def new(session, editor, old):
    with unit_of_work(editor) as uow:
        edition = edition_copy.copy_edition(uow, old.standard_edition_id, label="新版")
    return session.scalars(select(StandardLevel).where(StandardLevel.standard_edition_id == edition.standard_edition_id)).one()  # fmt: skip


@pytest.fixture
def board(client, session, old, new):
    """The address of an open board."""
    data = {"old_level": str(old.standard_level_id), "new_level": str(new.standard_level_id)}
    answer = client.post("/editions/", data=data)
    assert answer.status_code == 303
    return answer.location


def test_a_new_edition_begins_as_a_copy(client, session, old):
    standard_id = old.edition.occupational_standard_id
    data = {"label": "2027 年版", "effective_on": "2027-01-01", "source": str(old.standard_edition_id)}
    assert client.post(f"/standards/{standard_id}/editions", data=data).status_code == 303
    edition = session.scalars(select(StandardEdition).where(StandardEdition.label == "2027 年版")).one()
    level = session.scalars(select(StandardLevel).where(StandardLevel.standard_edition_id == edition.standard_edition_id)).one()  # fmt: skip
    assert "线路装调" in client.get(f"/standards/levels/{level.standard_level_id}").text


def test_a_board_needs_two_levels(client):
    page = client.post("/editions/", data={"old_level": "", "new_level": ""})
    assert page.status_code == 422
    assert "请选择" in page.text


def test_the_board_is_filtered_by_words_fate_and_range(client, board):
    assert "A-A-A-001" in client.get(board).text
    assert "A-A-A-001" not in client.get(board + "?range=B").text
    assert "没有符合条件的鉴定点" in client.get(board + "?fate=orphaned").text
    page = client.get(board + "?q=室内线路")
    assert "B-A-B-001" in page.text
    assert "A-A-A-001" not in page.text


def test_sure_proposals_are_accepted_together_and_taken_back(client, board):
    client.post(board + "/sure")
    assert "没有符合条件的鉴定点" in client.get(board + "?decided=open").text
    client.post(board + "/undo")
    assert "A-A-A-001" in client.get(board + "?decided=open").text


def test_selected_points_are_dropped_together(client, board, old):
    chosen = [str(point_id(old.standard_level_id, code)) for code in ("A-A-A-001", "A-A-A-002")]
    client.post(board + "/bulk", data={"selected": chosen, "act": "drop"})
    page = client.get(board + "?fate=orphaned")
    assert page.text.count("已决定") >= 2
    assert "职业守则要点1" in page.text


def test_going_through_the_board_point_by_point(client, board, old, new):
    address = f"{board}/points/{point_id(old.standard_level_id, 'A-A-A-001')}"
    page = client.get(address)
    assert page.text.index("职业守则要点1") < page.text.index("室内线路要点1")
    target = str(point_id(new.standard_level_id, "A-A-A-001"))
    answer = client.post(address, data={"targets": [target], "code": "A-A-A-002 职业守则要点2", "act": "save"})
    assert answer.location.endswith(str(point_id(old.standard_level_id, "A-A-A-002")))
    assert "拆分" in client.get(address).text
    refused = client.post(address, data={"code": "Z-9", "act": "save"})
    assert refused.status_code == 422
    assert "新版没有代码为 Z-9 的鉴定点" in refused.text


def test_the_whole_way_leaves_tasks(client, session, board, old, new):
    editor = system_actor(old.organisation_id)
    make_draft(editor, old.standard_level_id)
    key = session.scalars(select(OutlineMigration)).one().outline_migration_id
    with unit_of_work(editor) as uow:
        outlines.publish_outline(uow, new.standard_level_id)
        editions.decide(uow, key, [point_id(old.standard_level_id, "A-A-A-001")], [])
    client.post(board + "/sure")
    assert "请先填写新版的施行日期" in client.post(board + "/apply", follow_redirects=True).text
    client.post(board + "/date", data={"effective_on": "2026-01-01"})
    started = client.post(board + "/apply")
    assert "/jobs/" in started.location
    run_job(session.scalars(select(Job.job_id).where(Job.name == "qbank.apply_migration")).one())
    session.expire_all()
    for tab in ("", "/missing", "/impact", "/history"):
        assert client.get(board + tab).status_code == 200
    tasks = client.get("/edition-tasks/?kind=item_orphaned")
    assert "须改编或停用" in tasks.text
    task = session.scalars(select(EditionTask).where(EditionTask.kind == "item_orphaned")).one()
    address = f"/edition-tasks/{task.edition_task_id}"
    assert "保险丝熔断" in client.get(address).text
    assert client.post(address + "/assign", data={"points": ["X-1"]}).status_code == 422
    assert client.post(address + "/assign", data={"points": ["A-A-A-002 职业守则要点2", ""]}).status_code == 303
    assert "没有后续任务" in client.get("/edition-tasks/?kind=item_orphaned").text
    assert re.search(r"后续任务（\d+）", client.get("/editions/").text)


def test_readers_see_the_board_and_change_nothing(sign_in, board):
    reader = sign_in(Role.REVIEWER)
    page = reader.get(board)
    assert page.status_code == 200
    assert "执行迁移" not in page.text
    assert reader.post(board + "/sure").status_code == 403
