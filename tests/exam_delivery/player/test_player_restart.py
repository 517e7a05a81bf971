"""The candidate's page when the form is replaced after the start: it says so, gives up the old answers, and begins anew."""

from __future__ import annotations

import uuid

from playwright.sync_api import expect


def test_the_page_of_a_voided_attempt_says_so_and_the_new_form_opens_empty_after_signing_in(room) -> None:
    page = room.seated()
    page.get_by_text("刀具的横向移动", exact=True).click()
    expect(page.locator(".safety")).to_have_text("已保存")
    exam = room.exam
    with exam.lock:
        exam.status, exam.receipt = "submitted", {"n_answers": 1, "digest": "d", "voided_at": "2026-11-22T01:00:00Z"}
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.get_by_text("您的试卷已更换：原来的作答已停止，答案留存备查。")).to_be_visible(timeout=12000)
    with exam.lock:
        exam.status, exam.receipt, exam.responses, exam.deadline_at = "ready", None, {}, None
        exam.attempt = str(uuid.uuid4())
        exam.start()
    room.sign_in(page)
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
    expect(page.get_by_role("radio", name="刀具的横向移动")).not_to_be_checked()
    page.get_by_text("尾座的移动", exact=True).click()
    expect(page.locator(".safety")).to_have_text("已保存")
    assert exam.responses[1]["response"] == ["c4"]
