"""How the pictures of the guides for exam staff are reached: the rooms before the day, the room, its papers, the chief's overview."""

from __future__ import annotations

import re

from picture_seat import ID, Seat, here

N_ELSEWHERE, N_WRITING, N_SILENT = 8, 18, 3
"""Candidates that other walks need, those who write in the room, and those of them who lose the network."""
SILENCE_MS = 32_000


def prepare_rooms(seat: Seat) -> None:
    """The officer sets the surroundings and gives a room its code; a technician checks two seats; the gate tells what is left."""
    page = seat.sign_in("exam-officer").open("/exam-sessions/?status=open")
    session = here(seat.follow(r"/exam-sessions/ID$"))
    seat.open(f"{session}/lockdown")
    page.get_by_label("退出密码").fill("demo-leave")
    page.get_by_role("button", name="生成配置文件").click()
    page.get_by_role("link", name="下载配置文件").wait_for()
    seat.shoot("lockdown")
    seat.open(f"{session}/readiness")
    page.get_by_role("button", name="生成考场代码").click()
    code = page.locator(".room-check-room code").first.inner_text()
    for number in ("2", "1"):
        seat.open(f"/room-check/?code={code}")
        page.get_by_label("座位号").fill(number)
        page.get_by_label("机器编号").fill(f"PC-3{number}")
        page.get_by_role("button", name="开始检查").click()
        page.locator("[data-room-check-result] .terms").wait_for()
    seat.shoot("room-check")
    seat.open(f"{session}/readiness")
    seat.shoot("readiness-gate")


def let_people_write(seat: Seat) -> None:
    """Let candidates begin and answer some items, the first of them then fall silent and the others keep contact."""
    people = seat.facts["candidates"][N_ELSEWHERE : N_ELSEWHERE + N_WRITING]
    began = (begin(seat, who, n_answers=10 + 2 * place) for place, who in enumerate(people))
    calls = [call for call in began if call]
    seat.page.wait_for_timeout(SILENCE_MS)
    for attempt, headers in calls[N_SILENT:]:
        seat.page.request.get(f"{attempt}/responses", headers=headers)


def begin(seat: Seat, who: dict[str, str], n_answers: int) -> tuple[str, dict[str, str]] | None:
    """Let a candidate's page sign in, start and save; return the address of the attempt and what proves the page.

    Two candidates of the demonstration are held elsewhere: their sign-in waits for consent, and there is nothing to return.
    """
    call, api = seat.page.request, f"{seat.url}/api/v1/exam"
    names = ("admission_number", "id_number")
    answer = call.post(f"{api}/sign-in", data={name: who[name] for name in names}).json()
    if "token" not in answer:
        return None
    attempt, headers = f"{api}/attempts/{answer['attempt_id']}", {"Authorization": f"Bearer {answer['token']}"}
    call.post(f"{attempt}/start", data={}, headers=headers)
    slots = call.get(f"{attempt}/form", headers=headers).json()["slots"]
    events = [
        {"slot": one["slot"], "seq": 1, "response": [one["choices"][0]["id"]], "client_time": ""}
        for one in slots
        if one["interaction"] == "choice"
    ]
    call.put(f"{attempt}/responses", data={"events": events[:n_answers]}, headers=headers)
    return attempt, headers


def run_the_room(seat: Seat) -> None:
    """An invigilator acts on a candidate, reads the case and the report; the chief looks at everything."""
    let_people_write(seat)
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
    page.locator(".overview-session", has_text="正在进行").get_by_role("link", name="改期或取消").click()
    page.get_by_role("heading", name="影响范围").wait_for()
    seat.shoot("room-change")
    page.get_by_role("link", name="换用备用卷").click()
    page.get_by_label("原因").select_option(index=1)
    page.get_by_label("已开始作答的考生作废重考").check()
    page.get_by_role("button", name="提出换卷").click()
    page.get_by_role("heading", name="待批准的作废重考").wait_for()
    seat.shoot("room-standby", top=".panel:has(h2:text('待批准的作废重考'))")
    page.get_by_role("button", name="收回").click()
