"""How the pictures of what follows an examination are reached: marking, score checks and appeals, the figures."""

from __future__ import annotations

import re
from pathlib import Path

from picture_seat import ID, Seat, first_page, here


def doubt_a_result(seat: Seat) -> None:
    """The exam officer looks at the requests and hands out an answer; the reviewer sees how a score came about."""
    page = seat.sign_in("exam-officer").open("/appeals/")
    seat.shoot("appeals")
    seat.open("/appeals/?state=closed")
    seat.follow(r"/appeals/ID$")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="告知书（PDF）").click()
    seat.save("appeal-letter", first_page(Path(waiting.value.path())))
    page.context.clear_cookies()
    seat.sign_in("certification-officer").open("/appeals/mine")
    seat.follow(r"/appeals/ID$")
    seat.shoot("appeal-review", top=".panel:has(h2:text('机器核对'))")


def mark_answers(seat: Seat) -> None:
    """A marker works on an answer; the officer sees plan and figures; the leader agrees a mark."""
    page = seat.sign_in("exam-officer").open("/exam-sessions/")
    page.get_by_role("link", name="演示·电工四级理论考试（阅卷中）").first.click()
    page.wait_for_load_state()
    session = re.search(ID, here(page))
    key = session.group() if session else ""
    seat.open(f"/marking/sessions/{key}")
    seat.shoot("marking-plan")
    seat.open(f"/marking/statistics/{key}")
    seat.shoot("marking-statistics")
    page.context.clear_cookies()
    seat.sign_in("marker").open(f"/marking/sessions/{key}")
    seat.follow(r"/marking/standards/ID/ID/\d+$")
    seat.shoot("marking-standards", top=".columns")
    page.context.clear_cookies()
    seat.sign_in("marker2").open(f"/marking/{key}")
    page.locator("[data-criterion]").first.fill("2")
    seat.shoot("marking-desk")


def read_figures(seat: Seat) -> None:
    """The supervisor reads the figures of the past session: test, form comparison, one item, leads."""
    seat.sign_in("supervisor").open("/analyses/")
    seat.follow(r"/analyses/sessions/ID/forms/ID$")
    seat.shoot("form-analysis")
    form = here(seat.page)
    seat.follow(r"/forms/ID/items/\d+$")
    seat.shoot("item-analysis", top=".panel")
    seat.open(form.partition("/forms/")[0])
    seat.shoot("form-comparison", top=".panel:has(h2:text('各卷之间是否可比'))")
    seat.shoot("device-comparison", top=".panel:has(h2:text('各作答设备'))")
    seat.open("/analyses/levels/")
    seat.follow(r"/analyses/levels/ID$")
    seat.shoot("bank-statistics")
    seat.open("/leads/")
    seat.follow(r"/leads/ID$")
    seat.shoot("lead")
