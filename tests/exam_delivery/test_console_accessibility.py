"""Every state of the invigilator's console and of the chief's pages: axe, 320 pixels, double zoom, the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from exam_delivery.rules.room import SeatState
from exam_delivery.services import forms as forms_service
from kernel.clock import now
from kernel.identity.permissions import Role
from tests.accessibility import NARROW, TAGS, ZOOMED, hidden_focus, sticking_out_at, violations
from tests.exam_delivery.served_room import ServedRoom, put_into_every_state, served_room
from tests.exam_delivery.sitting_cases import Person
from tests.exam_delivery.world import SealedForms, fake_blueprints

pytestmark = pytest.mark.journey

States = dict[SeatState, Person]


@pytest.fixture
def room(embedded_database_url: str, tmp_path: Path) -> Iterator[ServedRoom]:
    """A room with one candidate for each state; the markup is the same on both engines."""
    with served_room(embedded_database_url, tmp_path, n=len(SeatState)) as served:
        yield served


def look(page: Page, state: str, part: str = "") -> None:
    """Assert that axe finds nothing, in a part or on the whole page, and nothing sticks out at double zoom and at 320 pixels."""
    found = [(one["id"], one["nodes"][0]["html"]) for one in violations(page, TAGS, part)]
    assert found == [], state
    assert sticking_out_at(page, ZOOMED, NARROW) == [], state


def look_at_confirmations(page: Page, where: str, state: str) -> None:
    """Open every confirmation, look at it, and close it by Escape, which gives the focus back."""
    for summary in page.locator(f"{where} details.confirm > summary").all():
        summary.focus()
        page.keyboard.press("Enter")
        panel = page.locator(f"{where} details[open] .confirm-panel")
        expect(panel).to_be_focused()
        look(page, f"{state}: {summary.inner_text()}", f"{where} details[open]")
        page.keyboard.press("Escape")
        expect(summary).to_be_focused()


def test_every_state_of_a_candidate_and_every_dialog_is_accessible(room: ServedRoom, chromium: Browser) -> None:
    people = put_into_every_state(room)
    page = room.desk(chromium, Role.INVIGILATOR)
    for state, person in people.items():
        expect(page.locator(f'[data-seat="{person.registration_id}"]')).to_have_attribute("data-state", state.value)
    look(page, "room")
    look_at_confirmations(page, ".console-tools", "room")
    seen: set[str] = set()
    for state, person in people.items():
        page.locator(f'[data-seat="{person.registration_id}"]').get_by_role("link", name="处置").click()
        drawer = page.get_by_role("dialog", name="详情")
        expect(drawer).to_be_focused()
        look(page, state, "#drawer")
        acts = set(drawer.locator("details.confirm > summary").all_inner_texts())
        if acts - seen:
            look_at_confirmations(page, "#drawer", state)
        seen |= acts
        page.keyboard.press("Escape")
        expect(drawer).to_be_hidden()
    assert {"暂停", "恢复", "锁定", "解锁", "换座位", "强制收卷", "撤销收卷", "记缺考", "撤销缺考"} <= seen
    page.locator("tbody input[name=selected]").first.check()
    page.locator("#room-text").scroll_into_view_if_needed()  # no row lies half behind the bar
    look(page, "some are selected")
    look_at_confirmations(page, ".bulk-bar", "selection")
    page.goto(room.address + room.path + "?view=seats")
    look(page, "seats")


def test_the_papers_of_the_room_are_accessible(room: ServedRoom, chromium: Browser) -> None:
    people = put_into_every_state(room)
    page = room.desk(chromium, Role.INVIGILATOR, "/console/")
    look(page, "sessions")
    candidate = f"{room.path}/candidates/{people[SeatState.WORKING].registration_id}"
    report = f"{room.path}/rooms/{room.sitting.room_ids[0]}/report"
    for path in (
        f"{room.path}/lost-time", f"{room.path}/incidents", f"{room.path}/incidents/new", candidate,
        f"{candidate}/rescue", f"{candidate}/misconduct", report, f"{room.path}/exemptions", "/misconduct/",
    ):  # fmt: skip
        answer = page.goto(room.address + path)
        assert answer
        assert answer.ok, path
        look(page, path)


def test_a_room_without_candidates_says_so_accessibly(
    embedded_database_url: str, tmp_path: Path, chromium: Browser
) -> None:
    with served_room(embedded_database_url, tmp_path, n=0) as room:
        page = room.desk(chromium, Role.INVIGILATOR)
        expect(page.get_by_text("考场里还没有考生")).to_be_visible()
        look(page, "empty room")
        page.goto(room.address + f"{room.path}/lost-time")
        look(page, "no lost time")


def test_the_pages_of_the_chief_are_accessible(
    room: ServedRoom, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    forms = SealedForms(room.sitting.organisation_id)
    monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(forms))
    room.write_session(standby_form_ids=forms.form_ids[:1])
    put_into_every_state(room)
    session = f"/exam-sessions/{room.sitting.exam_session_id}"
    officer = room.desk(chromium, Role.EXAM_OFFICER, f"{session}/standby")
    look(officer, "forms in reserve")
    officer.get_by_label("原因").select_option(index=1)
    officer.get_by_label("已开始作答的考生作废重考").check()
    officer.get_by_role("button", name="提出换卷").click()
    chief = room.desk(chromium, Role.CHIEF_INVIGILATOR, f"{session}/standby")
    expect(chief.get_by_role("heading", name="待批准的作废重考")).to_be_visible()
    look(chief, "a restart waits for approval")
    look_at_confirmations(chief, ".page-body", "restart")
    for path in ("/console/overview", f"{room.path}/change", "/console/rescue-files", f"{session}/readiness"):
        chief.goto(room.address + path)
        look(chief, path)
        look_at_confirmations(chief, ".page-body", path)


def test_opening_again_and_a_cancelled_session_are_accessible(room: ServedRoom, chromium: Browser) -> None:
    put_into_every_state(room)
    room.write_session(status="closed")
    session = f"/exam-sessions/{room.sitting.exam_session_id}"
    officer = room.desk(chromium, Role.EXAM_OFFICER, f"{session}/reopening")
    look(officer, "nothing was opened again")
    officer.get_by_label("时间（分钟）").fill("10")
    officer.get_by_label("原因").select_option(index=1)
    officer.get_by_role("button", name="提出重新开放").click()
    chief = room.desk(chromium, Role.CHIEF_INVIGILATOR, f"{session}/reopening")
    look(chief, "an opening waits for approval")
    look_at_confirmations(chief, ".page-body", "opening again")
    room.write_session(status="prepared", cancelled_at=now())
    chief.goto(room.address + f"{room.path}/change")
    look(chief, "cancelled")


def test_five_hundred_candidates_fit_a_narrow_window_and_are_reached_by_keyboard(
    embedded_database_url: str, tmp_path: Path, chromium: Browser
) -> None:
    with served_room(embedded_database_url, tmp_path, n=500) as room:
        room.write(room.sitting.people[-1], locked_at=now())
        page = room.desk(chromium, Role.INVIGILATOR)
        assert sticking_out_at(page, ZOOMED, NARROW) == []
        rows = page.locator("tr[data-seat]")
        expect(rows).to_have_count(500)
        page.get_by_role("region", name="考生，需要处理的在前").focus()
        page.keyboard.press("ArrowDown")
        expect(rows.first).to_be_focused()
        expect(rows.first).to_have_attribute("data-state", "locked")
        page.keyboard.press("Space")
        page.keyboard.press("End")
        expect(rows.last).to_be_focused()
        assert hidden_focus(page) == ""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until a control of this name has the focus; it can always be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        assert hidden_focus(page) == ""
        if (
            page.evaluate(
                "(document.activeElement.labels || [])[0]?.innerText || document.activeElement.innerText"
            ).strip()
            == name
        ):
            return
    pytest.fail(f"{name} cannot be reached by Tab")


def test_an_invigilator_handles_a_room_by_keyboard_alone(room: ServedRoom, chromium: Browser) -> None:
    people = put_into_every_state(room)
    page = room.desk(chromium, Role.INVIGILATOR)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "导出名单")
    for key in ("Tab", "ArrowDown", "Enter"):  # the list, its first row, its drawer
        page.keyboard.press(key)
    drawer = page.get_by_role("dialog", name="详情")
    expect(drawer).to_contain_text("已锁定")
    tab_to(page, "延长（分钟）")
    page.keyboard.type("5")
    tab_to(page, "原因")
    page.keyboard.press("ArrowDown")
    tab_to(page, "延时")
    page.keyboard.press("Enter")
    expect(page.get_by_text("已延时")).to_be_visible()
    row = page.locator(f'[data-seat="{people[SeatState.LOCKED].registration_id}"]')
    row.get_by_role("link", name="处置").focus()
    page.keyboard.press("Enter")
    expect(drawer).to_be_focused()
    tab_to(page, "解锁")
    page.keyboard.press("Enter")
    tab_to(page, "原因")
    page.keyboard.press("ArrowDown")
    tab_to(page, "解锁")
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("data-state", "working")


def test_the_focus_is_never_hidden_behind_the_bar_of_the_selection(room: ServedRoom, chromium: Browser) -> None:
    put_into_every_state(room)
    page = room.desk(chromium, Role.INVIGILATOR)
    page.locator("tbody input[name=selected]").first.check()
    expect(page.locator(".bulk-bar")).to_be_visible()
    page.locator("tbody input[name=selected]").first.focus()
    for key in ["Tab"] * 40 + ["Shift+Tab"] * 60:
        page.keyboard.press(key)
        assert hidden_focus(page) == ""
