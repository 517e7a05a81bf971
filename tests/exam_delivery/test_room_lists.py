"""Many rooms at once: looked at first, made all or none."""

from __future__ import annotations

import io

import pytest
from lxml import html
from playwright.sync_api import Route, expect

from exam_delivery.repository import planning
from exam_delivery.rules.room_lists import RoomRun, count_up, lines_of_run, read_rows, rows_of_text
from exam_delivery.services import room_lists
from kernel.db import db
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import unit_of_work
from tests.accessibility import violations
from tests.pages import words

RUN = {"site": "演示考点", "first": "第11考场", "count": "17", "capacity": "30"}


def names(world):
    db.session().expire_all()
    return [room.name for room in planning.list_rooms(db.session(), actor=world.officer)]


def hidden_lines(page):
    return html.document_fromstring(page).xpath("//input[@name='lines']/@value")[0]


def test_names_count_up_and_keep_their_width():
    run = lines_of_run(RoomRun("甲", "A楼第08考场", 3, 30))
    assert [one.name for one in run] == ["A楼第08考场", "A楼第09考场", "A楼第10考场"]
    assert count_up("第9考场") == "第10考场"


@pytest.mark.parametrize(
    ("first", "count", "field"), [("机房", 2, "first"), ("第1考场", 0, "count"), ("1", 201, "count")]
)
def test_a_run_that_cannot_be_counted_names_the_field(first, count, field):
    with pytest.raises(InvalidInputError) as refusal:
        lines_of_run(RoomRun("甲", first, count, 30))
    assert set(refusal.value.fields) == {field}


def test_a_table_is_read_by_its_headings_or_in_the_usual_order():
    by_heading = read_rows(rows_of_text("座位数\t考场\t考点（校区）\n30\t一\t甲\n\n20座\t二\t甲"))
    usual = read_rows(rows_of_text("甲，一，30\n甲,二,20,是"))
    assert [(one.number, one.site, one.name, one.capacity) for one in by_heading] == [
        (2, "甲", "一", 30),
        (4, "甲", "二", 20),
    ]
    assert [(one.name, one.is_separate) for one in usual] == [("一", False), ("二", True)]


def test_seventeen_rooms_are_looked_at_and_then_made_at_once(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    shown = client.post("/exam-rooms/many/run", data=RUN)
    assert "第27考场" in shown.text
    assert "建立全部 17 个考场" in shown.text
    assert names(world) == ["第 01 考场"]
    done = client.post("/exam-rooms/many/", data={"lines": hidden_lines(shown.text)})
    assert done.status_code == 303
    assert "已建立 17 个考场" in client.get(done.headers["Location"]).text
    assert len(names(world)) == 18


def test_each_wrong_row_says_why_and_none_is_made(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    lines = "演示考点,第 01 考场,30\n演示考点,大考场,31\n演示考点,无座,x\n,没考点,9\n甲,一,9\n甲,一,9"
    text = words(client.post("/exam-rooms/many/table", data={"lines": lines}).text)
    for said in (
        "这个考点已有同名考场",
        "座位数 31 超过规则方案的上限 30",
        "座位数应为正整数",
        "请填写考点名称",
        "与第 5 行重复",
    ):
        assert said in text
    assert "建立全部" not in text
    refused = client.post("/exam-rooms/many/", data={"lines": lines})
    assert refused.status_code == 422
    assert "没有建立任何考场" in refused.text
    assert names(world) == ["第 01 考场"]


def test_a_workbook_is_read_too(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    book = write_table([TableSheet("考场", ("考点", "考场名称", "座位数"), [("乙校", "一号机房", "28")])])
    shown = client.post("/exam-rooms/many/table", data={"lines": "", "file": (io.BytesIO(book), "考场.xlsx")})
    assert "一号机房" in shown.text
    assert "可以建立" in shown.text


@pytest.mark.parametrize("lines", ["", "考点\t考场\t座位数"])
def test_a_table_without_rooms_is_refused_beside_its_field(world, sign_in, lines):
    page = sign_in(Role.EXAM_OFFICER).post("/exam-rooms/many/table", data={"lines": lines})
    assert page.status_code == 422
    assert "清单中应有 1–200 个考场" in page.text
    assert 'id="error-lines"' in page.text


def test_a_copy_has_the_next_free_name(world, sign_in):
    page = sign_in(Role.EXAM_OFFICER).get(f"/exam-rooms/many/?like={world.room.exam_room_id}").text
    assert "第 02 考场" in page


def test_only_officers_make_rooms(world, make_actor):
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.INVIGILATOR)) as uow:
        room_lists.make_rooms(uow, lines_of_run(RoomRun("甲", "第1考场", 2, 30)))


@pytest.mark.journey
def test_form_and_preview_are_usable_by_everybody(world, sign_in, chromium):
    client, context = sign_in(Role.EXAM_OFFICER), chromium.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()

    def answer(route: Route) -> None:
        asked, address = route.request, route.request.url.removeprefix("http://kaoku.test")
        kind = {"Content-Type": asked.headers.get("content-type", "")}
        sent = {"data": asked.post_data_buffer, "headers": kind} if asked.method == "POST" else {}
        with client.open(address, method=asked.method, **sent) as found:
            route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.data)

    page.route("http://kaoku.test/**", answer)
    page.goto("http://kaoku.test/exam-rooms/many/")
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations(page)] == []
    page.fill("[name=site]", "演示考点")
    page.fill("[name=first]", "第 01 考场")
    page.fill("[name=count]", "2")
    page.get_by_role("button", name="核对", exact=True).click()
    expect(page.get_by_text("这个考点已有同名考场")).to_be_visible()
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations(page)] == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= 321")
    context.close()
