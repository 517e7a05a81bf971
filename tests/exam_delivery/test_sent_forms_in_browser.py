"""Forms in a real browser: a double click, going back, a refusal; nothing is done twice and nothing that was typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from exam_delivery.models import Incident
from kernel.db import db
from kernel.identity.permissions import Role
from tests.exam_delivery.served_room import ServedRoom, served_room

pytestmark = pytest.mark.journey
TWICE = "同一张表单收到了两次，只执行了一次。"
REASON = "全场网络中断，已报告总控"


@pytest.fixture
def room(scratch_database_url: str, tmp_path: Path) -> Iterator[ServedRoom]:
    with served_room(scratch_database_url, tmp_path, n=3) as served:
        yield served


def told(room: ServedRoom) -> list[str]:
    """Return the incidents that somebody wrote down, oldest first."""
    db.session.rollback()
    kept = db.session.scalars(select(Incident.text).order_by(Incident.incident_id))
    return [text for text in kept if text.startswith("空调")]


def write_down(page: Page, text: str) -> None:
    page.get_by_label("类别").select_option(index=1)
    page.get_by_label("情况经过").fill(text)


def record(page: Page) -> None:
    page.get_by_role("button", name="记录", exact=True).click()


@pytest.fixture
def form(room: ServedRoom, chromium: Browser) -> Page:
    return room.desk(chromium, Role.CHIEF_INVIGILATOR, f"{room.path}/incidents/new")


def test_a_double_click_writes_an_incident_down_once(room: ServedRoom, form: Page) -> None:
    write_down(form, "空调停了")
    form.get_by_role("button", name="记录", exact=True).dblclick()
    expect(form.locator("[data-flash=success]")).to_be_visible()
    assert told(room) == ["空调停了"]


def test_who_goes_back_and_sends_the_same_again_is_told_that_it_was_done_once(room: ServedRoom, form: Page) -> None:
    write_down(form, "空调停了")
    record(form)
    expect(form.locator("[data-flash=success]")).to_be_visible()
    form.go_back()
    expect(form.get_by_label("情况经过")).to_have_value("空调停了")
    record(form)
    expect(form.get_by_text(TWICE)).to_be_visible()
    assert told(room) == ["空调停了"]


def test_who_goes_back_and_changes_the_words_is_asked_and_gets_what_is_meant(room: ServedRoom, form: Page) -> None:
    write_down(form, "空调停了")
    record(form)
    expect(form.locator("[data-flash=success]")).to_be_visible()
    form.go_back()
    form.get_by_label("情况经过").fill("空调又停了，已报修")
    record(form)
    expect(form.get_by_role("heading", name="这张表单已经提交过一次")).to_be_visible()
    expect(form.get_by_text("空调又停了，已报修")).to_be_visible()
    assert told(room) == ["空调停了"]
    form.go_back()
    expect(form.get_by_label("情况经过")).to_have_value("空调又停了，已报修")
    record(form)
    form.get_by_role("button", name="作为新的一次提交").click()
    expect(form.locator("[data-flash=success]")).to_be_visible()
    assert told(room) == ["空调停了", "空调又停了，已报修"]


def test_a_refusal_of_an_act_on_chosen_candidates_leaves_the_choice_and_the_words(
    room: ServedRoom, chromium: Browser
) -> None:
    page = room.desk(chromium, Role.CHIEF_INVIGILATOR)
    chosen = page.locator('input[name="selected"]')
    chosen.nth(0).check()
    chosen.nth(1).check()
    page.locator("#many-act").select_option("lock")
    bar = page.locator("#room-people")
    bar.locator('[name="note"]').fill(REASON)  # the reason itself is forgotten
    bar.locator("summary").click()
    bar.get_by_role("button", name="确认执行").click()
    expect(page.locator("[data-flash=danger]")).to_be_visible()
    expect(chosen.nth(0)).to_be_checked()
    expect(chosen.nth(1)).to_be_checked()
    expect(bar.locator('[name="note"]')).to_have_value(REASON)
    expect(page.locator("#many-act")).to_have_value("lock")
    expect(bar.locator("[data-bulk-count]")).to_have_text("2")


def test_what_is_typed_is_kept_as_a_draft_with_its_time_until_it_is_sent(room: ServedRoom, form: Page) -> None:
    form.on("dialog", lambda dialog: dialog.accept())
    write_down(form, "空调停了，正在联系物业")
    expect(form.get_by_text("自动存在本页，尚未提交")).to_be_visible()
    form.reload()
    expect(form.get_by_label("情况经过")).to_have_value("空调停了，正在联系物业")
    expect(form.get_by_text("自动保存的草稿，尚未提交")).to_be_visible()
    form.get_by_role("button", name="不要草稿").click()
    expect(form.get_by_label("情况经过")).to_have_value("")
    write_down(form, "空调停了")
    expect(form.get_by_text("自动存在本页，尚未提交")).to_be_visible()
    record(form)
    expect(form.locator("[data-flash=success]")).to_be_visible()
    form.goto(f"{room.address}{room.path}/incidents/new")
    expect(form.get_by_label("情况经过")).to_have_value("")
