"""Every link that a role sees opens, is accessible, and is written as a picture for people to look at.

Each role walks from its home page over every kind of page it can reach (one of a kind: addresses that differ only in an id
or a filter count as the same). A page that another role has shown already is only asked whether it answers.
"""

from __future__ import annotations

import re

import pytest

from tests.journeys.kinds import kind_of

pytestmark = [pytest.mark.journey, pytest.mark.slow]

ROLES = [
    "demo-platform-admin", "demo-organisation-admin", "demo-editor", "demo-author", "demo-reviewer1", "demo-assembler",
    "demo-form-approver1", "demo-exam-officer", "demo-invigilator1", "demo-chief-invigilator", "demo-marker",
    "demo-assessor", "demo-certification-officer", "demo-supervisor",
]  # fmt: skip
LEFT_ALONE = ("/static", "/language", "/api/", "/exam/")


@pytest.fixture(scope="module")
def shown() -> set[str]:
    """Kinds of pages that have been looked at already, by whatever role."""
    return set()


@pytest.mark.parametrize("username", ROLES)
def test_every_link_of_the_role_opens_without_a_fault(desk, username, shown):
    seat = desk(username)
    seat.shoot(f"{username}-home")
    waiting, asked = ["/"], set()
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        if kind in asked or kind.startswith(LEFT_ALONE):
            continue
        asked.add(kind)
        waiting += visit(seat, address, kind, shown)


def visit(seat, address, kind, shown):
    """Open an address and return the links on it; files are only asked whether they come."""
    answer = seat.context.request.get(seat.url + address)
    assert answer.ok, f"{address}: {answer.status} behind a link on {seat.page.url}"
    if "text/html" not in answer.headers["content-type"]:
        return []
    if kind not in shown:
        shown.add(kind)
        seat.page.set_viewport_size({"width": 1440, "height": 900})
        seat.open(address)
        seat.shoot(re.sub(r"[^A-Za-z0-9]+", "-", kind).strip("-") or "home")
    return re.findall(r'href="(/[^"#]*)"', answer.text().replace("&amp;", "&"))


def test_the_public_pages_open_for_everybody(desk):
    seat = desk()
    for path, name in (
        ("/sign-in", "sign-in"), ("/certificates", "certificate-look-up"), ("/exam/", "exam-sign-in"),
        ("/my-results", "own-results-sign-in"),
    ):  # fmt: skip
        seat.open(path)
        seat.shoot(f"public-{name}")


def test_a_candidate_sees_their_own_page_without_an_account(desk, installation):
    seat, who = desk(), installation.candidates[0]
    page = seat.open("/my-results")
    page.get_by_label("姓名").fill(who["name"])
    page.get_by_label("证件号码").fill(who["id_number"])
    page.get_by_label("准考证号或证书编号").fill(who["admission_number"])
    page.get_by_role("button", name="查看", exact=True).click()
    page.get_by_text(who["admission_number"]).first.wait_for()
    seat.check()
    seat.shoot("own-results")


def test_a_candidate_reaches_the_exam_and_an_answer_is_kept(desk, installation):
    seat, who = desk(), installation.candidates[0]
    page = seat.open("/exam/")
    page.get_by_label("准考证号").fill(who["admission_number"])
    page.get_by_label("证件号码").fill(who["id_number"])
    page.get_by_role("button", name="登录", exact=True).click()
    for name in ("信息正确，继续", "我已阅读，继续", "我会操作了，继续"):
        page.get_by_role("button", name=name).click()
    page.get_by_label("我已阅读并承诺遵守").check()
    page.get_by_role("button", name="进入等候").click()
    page.get_by_role("heading", name="第 1 题").wait_for()
    page.locator("main input[type=radio], main input[type=checkbox]").first.check()
    page.get_by_text("已保存").first.wait_for()
    seat.check()
    seat.shoot("exam")
