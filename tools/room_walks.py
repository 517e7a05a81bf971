"""How the pictures of the guide for exam staff are reached: the room, its papers, and the chief's overview."""

from __future__ import annotations

import re
from typing import Any

ID = r"[0-9a-f]{8}-[0-9a-f-]{27}"


def run_the_room(seat: Any) -> None:
    """An invigilator acts on a candidate, reads the case and the report; the chief looks at everything."""
    page = seat.sign_in("invigilator1").open("/console/")
    page.locator("tr", has_text="正在进行").get_by_role("link", name="进入控制台").click()
    page.locator("tr[data-seat]").first.wait_for()
    session = re.search(ID, page.url)
    key = session.group() if session else ""
    page.locator("tr[data-seat] .cell-check input").nth(0).check()
    page.locator("tr[data-seat] .cell-check input").nth(1).check()
    seat.shoot("room-console")
    page.get_by_role("link", name="处置").first.click()
    page.locator("#drawer h3").first.wait_for()
    seat.shoot("room-candidate")
    seat.open(f"/console/{key}/incidents")
    seat.open(f"/console/{key}/incidents/new")
    seat.open(f"/console/{key}/lost-time")
    seat.open("/misconduct/")
    page.locator("tbody a").first.click()
    page.get_by_role("heading", name="违纪情况").wait_for()
    seat.shoot("room-misconduct")
    page = seat.open(f"/console/{key}")
    page.get_by_role("link", name="考场报告与签字").first.click()
    page.get_by_role("heading", name="处置与情况").wait_for()
    seat.shoot("room-report")
    page.context.clear_cookies()
    page = seat.sign_in("chief-invigilator").open("/console/overview")
    seat.shoot("room-overview")
    page.get_by_role("link", name="改期或取消").first.click()
    page.get_by_role("heading", name="影响范围").wait_for()
    seat.shoot("room-change")
