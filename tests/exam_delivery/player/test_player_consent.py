"""Handing in where the rules ask for the invigilator's consent in the last minutes: the page says so before anybody is refused."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.exam_delivery.player.player_walk import ASK_NOW

pytestmark = pytest.mark.journey
ADVICE = "考试结束前 10 分钟内交卷须经监考员同意：请举手，由监考员收卷"


def seated_with(room, seconds_left: int) -> Page:
    """Return the exam of somebody who needs consent in the last ten minutes."""
    room.exam.form["conduct"] = {"consent_seconds": 600}
    room.exam.seconds = seconds_left
    return room.seated()


def open_hand_in(page: Page) -> Locator:
    page.get_by_role("button", name="交卷", exact=True).click()
    return page.get_by_role("dialog", name="交卷前检查")


def test_in_the_last_minutes_the_dialog_says_that_consent_is_needed_and_the_open_items_are_there_to_go_on(room) -> None:
    page = seated_with(room, 300)
    dialog = open_hand_in(page)
    expect(dialog).to_contain_text(ADVICE)
    expect(dialog.get_by_role("button", name="交卷", exact=True)).to_be_disabled()
    dialog.get_by_role("button", name="回到第 3 题").click()
    expect(page.get_by_role("heading", name="第 3 题")).to_be_visible()
    assert ("POST", "submit") not in room.exam.calls


def test_more_time_opens_the_way_to_hand_in_while_the_dialog_is_open(room) -> None:
    page = seated_with(room, 300)
    dialog = open_hand_in(page)
    expect(dialog).to_contain_text(ADVICE)
    room.exam.deadline_at = time.time() + 1200
    page.evaluate(ASK_NOW)
    expect(dialog.get_by_role("button", name="交卷", exact=True)).to_be_enabled()
    expect(dialog).not_to_contain_text("须经监考员同意")
    dialog.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible()


def test_whoever_is_at_the_second_question_when_the_last_minutes_begin_is_told(room) -> None:
    page = seated_with(room, 1200)
    open_hand_in(page).get_by_role("button", name="交卷", exact=True).click()
    expect(page.get_by_role("button", name="确定交卷")).to_be_enabled()
    room.exam.deadline_at = time.time() + 599
    page.evaluate(ASK_NOW)
    dialog = page.get_by_role("dialog", name="交卷前检查")
    expect(dialog).to_contain_text(ADVICE)
    expect(dialog.get_by_role("heading", name="交卷前检查")).to_be_focused()


def test_the_receipt_comes_by_itself_when_the_invigilator_hands_in_for_the_candidate(room) -> None:
    page = seated_with(room, 300)
    expect(open_hand_in(page)).to_contain_text(ADVICE)
    with room.exam.lock:
        room.exam.submit()
    page.evaluate(ASK_NOW)
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=12000)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_at_the_end_of_the_time_answers_are_handed_in_without_anybody_s_consent(room) -> None:
    page = seated_with(room, 300)
    expect(open_hand_in(page)).to_contain_text(ADVICE)
    room.exam.deadline_at = time.time() - 1
    page.evaluate(ASK_NOW)
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=12000)
