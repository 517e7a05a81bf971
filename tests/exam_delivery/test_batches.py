"""Batches and rooms: validated, inside the walls, never overwritten unseen."""

from __future__ import annotations

import pytest

from exam_delivery.models import ExamBatch, ExamRoom
from exam_delivery.repository import planning
from exam_delivery.services import batches
from exam_delivery.services.batches import BatchPlan, RoomPlan
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import LEVEL


def test_a_batch_takes_its_occupation_and_level_from_the_sealed_forms(world):
    assert (world.batch.occupation_name, world.batch.level_code) == ("人工智能训练师", "3")


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (BatchPlan("", "名", str(LEVEL)), "code"),
        (BatchPlan("批次", "名", str(LEVEL)), "code"),
        (BatchPlan("2026-01", "名", str(LEVEL)), "code"),
        (BatchPlan("2026-09", "", str(LEVEL)), "name"),
        (BatchPlan("2026-09", "名", ""), "standard_level_id"),
    ],
)
def test_a_bad_batch_names_the_field(world, plan, field):
    with pytest.raises(InvalidInputError) as refusal, unit_of_work(world.officer) as uow:
        batches.create_batch(uow, plan)
    assert set(refusal.value.fields) == {field}


def test_a_stale_edit_is_refused(world):
    plan = BatchPlan("2026-01", "新名")
    with unit_of_work(world.officer) as uow:
        batches.edit_batch(uow, world.batch.exam_batch_id, plan, version=1)
    with pytest.raises(ConflictError), unit_of_work(world.officer) as uow:
        batches.edit_batch(uow, world.batch.exam_batch_id, plan, version=1)


def test_a_batch_with_sessions_cannot_be_deleted(world):
    with pytest.raises(ConflictError), unit_of_work(world.officer) as uow:
        batches.delete_batch(uow, world.batch.exam_batch_id)


def test_an_empty_batch_can_be_deleted(world):
    with unit_of_work(world.officer) as uow:
        batch = batches.create_batch(uow, BatchPlan("2026-02", "空", str(LEVEL)))
    with unit_of_work(world.officer) as uow:
        batches.delete_batch(uow, batch.exam_batch_id)
    assert db.session.get(ExamBatch, batch.exam_batch_id) is None


def test_another_organisation_finds_no_batch_and_no_room(world, make_actor, other_organisation):
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        planning.get_batch(db.session(), world.batch.exam_batch_id, actor=stranger)
    with pytest.raises(NotFoundError):
        planning.get_session(db.session(), world.key, actor=stranger)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        batches.save_room(uow, world.room.exam_room_id, RoomPlan("甲", "乙", 3))
    assert planning.list_rooms(db.session(), actor=stranger) == []
    assert planning.list_batches(db.session(), actor=stranger)[1] == 0


def test_only_officers_plan(world, make_actor):
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.INVIGILATOR)) as uow:
        batches.create_batch(uow, BatchPlan("2026-02", "名", str(LEVEL)))


@pytest.mark.parametrize("capacity", [None, 0, 31])
def test_a_room_holds_at_most_what_the_rule_profile_allows(world, capacity):
    with pytest.raises(InvalidInputError) as refusal, unit_of_work(world.officer) as uow:
        batches.save_room(uow, None, RoomPlan("演示考点", "新考场", capacity))
    assert "capacity" in refusal.value.fields


def test_two_rooms_of_one_site_need_two_names(world):
    with pytest.raises(InvalidInputError), unit_of_work(world.officer) as uow:
        batches.save_room(uow, None, RoomPlan("演示考点", "第 01 考场", 20))
    with unit_of_work(world.officer) as uow:
        batches.save_room(uow, world.room.exam_room_id, RoomPlan("演示考点", "第 01 考场", 20))
    assert db.session.get(ExamRoom, world.room.exam_room_id).capacity == 20


def test_an_officer_makes_a_batch_in_the_browser_and_keeps_what_was_typed(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    bad = client.post("/exam-batches/new", data={"code": "2026-01", "name": "留住我", "standard_level_id": str(LEVEL)})
    assert bad.status_code == 422
    assert "留住我" in bad.text
    assert "已被使用" in bad.text
    good = client.post("/exam-batches/new", data={"code": "2026-03", "name": "第三批", "standard_level_id": str(LEVEL)})
    assert good.status_code == 303
    assert "第三批" in client.get(good.headers["Location"]).text
    assert "第三批" in client.get("/exam-batches/?q=第三").text
    assert "没有符合条件的批次" in client.get("/exam-batches/?q=%25").text


def test_rooms_are_made_and_edited_in_the_browser(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    assert client.post("/exam-rooms/", data={"site": "", "name": "", "capacity": "x"}).status_code == 422
    assert client.post("/exam-rooms/", data={"site": "甲", "name": "乙", "capacity": "9"}).status_code == 303
    page = client.get(f"/exam-rooms/?room={world.room.exam_room_id}").text
    assert "编辑考场" in page
    data = {"exam_room_id": str(world.room.exam_room_id), "site": "演示考点", "name": "停用的", "capacity": "9"}
    assert client.post("/exam-rooms/", data=data).status_code == 303
    assert "停用" in client.get("/exam-rooms/").text
