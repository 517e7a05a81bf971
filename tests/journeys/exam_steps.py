"""The steps from approved items to released scores."""

from __future__ import annotations

import re
from datetime import datetime

from playwright.sync_api import expect

from tests.journeys import sitting
from tests.journeys.conftest import Desk
from tests.journeys.people import candidates, photo_archive, roster_file
from tests.journeys.sitting import (
    answer_by_keyboard,
    answer_by_mouse,
    enter,
    hand_in,
    next_item,
    progress,
    wait_until_saved,
)
from tests.journeys.way import (
    SHANGHAI,
    Journey,
    confirm,
    download,
    go,
    here,
    press,
    text_of,
    tile,
    told,
    until,
    wait_for_job,
)

MIX = {"单项选择题": (20, 3), "多项选择题": (5, 4), "判断题": (10, 1), "填空题": (5, 1), "简答题": (1, 5)}
N_SLOTS = sum(n for n, _score in MIX.values())
N_BEFORE_RELOAD, N_HASTY = 8, 12


def assemble_the_forms(journey: Journey) -> None:
    """The assembler draws up a blueprint and two parallel forms, and cannot approve them; two others approve and seal."""
    desk = journey.desk("assembler")
    draw_up_the_blueprint(desk)
    approve_the_blueprint(journey, here(desk.page))
    assemble(journey, desk)
    for label in "AB":
        page = desk.visit(journey.paths[f"form {label}"])
        confirm(page, "提交审核")
        told(page, "您不能批准这份试卷")
        assert not page.get_by_text("批准", exact=True).count()
    desk.check()
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    refused = page.request.post(f"{page.url}/approve", form={"csrf_token": token}, max_redirects=0)
    assert refused.status == 403
    approve_and_seal(journey)


def draw_up_the_blueprint(desk: Desk) -> None:
    """Start from the level's defaults, ask for a small mix of five types, and publish."""
    page = desk.open("/blueprints/new")
    page.get_by_label("职业等级").select_option(index=1)
    press(page, "建立")
    page.get_by_label("名称").fill("电工四级理论知识")
    page.get_by_label("考试时间").fill("60")
    for row in page.locator("#field-types tbody tr").all():
        n, score = MIX.get(row.locator("th").inner_text(), ("", ""))
        for place, value in enumerate((n, score)):
            row.locator("input").nth(place).fill(str(value))
    page.get_by_label("比重容差").fill("4")
    desk.check()
    press(page, "保存")
    told(page, "蓝图已保存")
    desk.check()
    confirm(page, "发布")
    page.locator(".state", has_text="已发布").first.wait_for()


def approve_the_blueprint(journey: Journey, path: str) -> None:
    """A second person reads the blueprint and approves it; the assembler cannot."""
    reader = journey.desk("approver1")
    page = reader.visit(path)
    confirm(page, "批准")
    told(page, "蓝图已批准")
    reader.check()


def assemble(journey: Journey, desk: Desk) -> None:
    """Assemble two forms that share no item, read the independent check, and take them over."""
    page = desk.page
    page.locator("#field-n_forms").fill("2")  # another panel draws "试卷份数", one for each candidate
    page.get_by_label("任意两份最多重复").fill("0")
    wait_for_job(page, lambda: press(page, "开始组卷"))
    page.get_by_role("heading", name="逐条核对").wait_for()
    assert not page.locator(".panel", has=page.get_by_role("heading", name="逐条核对")).locator(".state-danger").count()
    desk.check()
    confirm(page, "采用试卷")
    told(page, "已采用 2 份试卷")
    for label in "AB":
        link = page.locator(".notice a", has_text=f"（{label}卷）")
        journey.paths[f"form {label}"] = link.get_attribute("href") or ""


def approve_and_seal(journey: Journey) -> None:
    """One approver reads the forms and approves, another seals them."""
    reader, sealer = journey.desk("approver1"), journey.desk("approver2")
    for label in "AB":
        path = journey.paths[f"form {label}"]
        page = reader.visit(path)
        press(page, "查看题面")
        page.wait_for_url("**/content?**")
        reader.check()
        reader.visit(path)
        confirm(page, "批准")
        page.locator(".state", has_text="已批准").first.wait_for()
        page = sealer.visit(path)
        confirm(page, "封存")
        page.get_by_role("heading", name="封存卷包").wait_for()
    sealer.check()


def plan_the_examination(journey: Journey) -> None:
    """The exam officer sets up room, batch, session and roster, lots the seats, prints tickets and prepares the forms."""
    desk = journey.desk("officer")
    page = desk.open("/exam-rooms/")
    page.get_by_label("考点").fill("东江考点")
    page.get_by_label("考场名称").fill("第 01 考场")
    page.get_by_label("座位数").fill("30")
    press(page, "保存")
    told(page, "考场已保存")
    desk.check()
    plan_batch_and_session(journey, desk)
    bring_in_the_roster(journey, desk)
    lot_the_seats(journey, desk)
    print_the_tickets(journey, desk)
    prepare(journey, desk)


def plan_batch_and_session(journey: Journey, desk: Desk) -> None:
    """Plan a batch with one session that starts this very minute with both forms, in the room, with an invigilator."""
    page = desk.open("/exam-batches/new")
    page.get_by_label("批次编号").fill("202611-01")
    page.get_by_label("批次名称").fill("2026 年第一批电工四级认定")
    page.get_by_label("职业和等级").select_option(index=1)
    desk.check()
    press(page, "保存")
    told(page, "批次已建立")
    journey.paths["batch"] = here(page)
    press(page, "新建场次")
    for label in "AB":
        page.get_by_role("group", name="封存试卷").get_by_role("checkbox", name=f"（{label}卷）").check()
    page.get_by_label("开考时间").fill(f"{datetime.now(SHANGHAI):%Y-%m-%dT%H:%M}")
    page.get_by_label("最早交卷").fill("0")
    desk.check()
    press(page, "保存")
    told(page, "场次已建立")
    journey.paths["session"] = here(page)
    desk.check()
    page.get_by_role("link", name="考场与监考").click()
    page.get_by_label("使用 东江考点 第 01 考场").check()
    page.get_by_role("checkbox", name="invigilator").check()
    desk.check()
    press(page, "保存")
    told(page, "考场与监考员已保存")


def bring_in_the_roster(journey: Journey, desk: Desk) -> None:
    """Upload the roster of three in the template's columns, look at it, and import it; photos come as an archive."""
    page = desk.open(journey.paths["batch"])
    press(page, "导入考生名单")
    template = download(page, lambda: press(page, "下载模板"))
    journey.candidates = candidates()
    page.get_by_label("名单文件").set_input_files(roster_file(template, journey.candidates))
    page.get_by_label("安排到场次").select_option(index=1)
    desk.check()
    press(page, "上传并核对")
    assert tile(page, "可以导入") == "3"
    assert tile(page, "需要改正") == "0"
    desk.check()
    press(page, "导入全部 3 人")
    told(page, "已导入 3 名考生")
    desk.visit(f"{journey.paths['batch']}/people")
    page.get_by_label("照片压缩包").set_input_files(photo_archive(journey.candidates))
    page.locator("#photos").get_by_role("button", name="导入照片").click()
    told(page, "已保存 3 张照片")
    desk.check()


def lot_the_seats(journey: Journey, desk: Desk) -> None:
    """Give numbers and seats, and note the admission numbers that the candidates will read on their tickets."""
    page = desk.open(f"{journey.paths['session']}/people")
    confirm(page, "编排准考证号和座位")
    page.locator("td.number:not(:text-is('—'))").first.wait_for()
    rows = page.locator("tbody tr").all()
    cells = [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]
    journey.admission_numbers = {name: number for number, name, *_others in cells}
    assert {line[5] for line in cells} == {"01", "02", "03"}
    assert not any(one.id_number in page.content() for one in journey.candidates), "numbers stay masked"
    desk.check()


def print_the_tickets(journey: Journey, desk: Desk) -> None:
    """Print the admission tickets; every candidate finds name and number on theirs."""
    page = desk.open(f"{journey.paths['session']}/documents")
    wait_for_job(page, lambda: press(page, "准考证"))
    text = text_of(download(page, lambda: press(page, "下载")))
    for name, number in journey.admission_numbers.items():
        assert name in text
        assert number in text
    desk.check()


def prepare(journey: Journey, desk: Desk) -> None:
    """Prepare everybody's form; the session then opens by the clock, since its time has come."""
    page = desk.open(journey.paths["session"])
    wait_for_job(page, lambda: press(page, "备考：生成考生试卷"))
    assert tile(page, "已备卷") == "3"
    until(page, lambda: page.locator(".page-lead .state", has_text=re.compile("候考|考试中")).count() == 1)
    desk.check()


def sit_the_examination(journey: Journey) -> None:
    """Two of three candidates sit: one by mouse, reloading midway and given five minutes, one by keyboard and in haste."""
    steady, hasty, _absent = journey.candidates
    first = journey.desks["first candidate"] = journey.empty_desk()
    second = journey.desks["second candidate"] = journey.empty_desk()
    enter(first, journey.admission_numbers[steady.name], steady.id_number)
    for _one in range(N_BEFORE_RELOAD):
        answer_by_mouse(first.page)
        next_item(first.page)
    wait_until_saved(first.page, N_BEFORE_RELOAD)
    first.page.reload()
    sitting.item(first.page).wait_for()
    expect(progress(first.page)).to_have_text(f"已答 {N_BEFORE_RELOAD} / {N_SLOTS}")
    first.check()
    enter(second, journey.admission_numbers[hasty.name], hasty.id_number)
    for _one in range(N_HASTY):
        answer_by_keyboard(second.page)
    watch_the_room(journey, first, steady.name)
    hand_in(second, n_open=N_SLOTS - N_HASTY)
    finish_by_mouse(first)
    hand_in(first, n_open=0)


def finish_by_mouse(desk: Desk) -> None:
    """Go on from the last answered item, to which the page came back, and answer what is still open."""
    next_item(desk.page)
    for place in range(N_BEFORE_RELOAD, N_SLOTS):
        answer_by_mouse(desk.page)
        if place + 1 < N_SLOTS:
            next_item(desk.page)
    expect(progress(desk.page)).to_have_text(f"已答 {N_SLOTS} / {N_SLOTS}")
    desk.check()


def watch_the_room(journey: Journey, candidate: Desk, name: str) -> None:
    """The invigilator sees who writes and who never came, and gives one candidate five minutes, which their page tells."""
    desk = journey.desk("invigilator")
    page = desk.open("/console/")
    go(page, lambda: press(page, "进入控制台"))
    expect(page.locator("tr[data-state]", has_text="作答中")).to_have_count(2)
    desk.check()
    deadline = page.locator("tr[data-seat]", has_text=name).locator("[data-field=deadline]")
    before = deadline.inner_text()
    page.locator("tr[data-seat]", has_text=name).get_by_role("link", name="处置").click()
    drawer = page.locator("#drawer")
    drawer.get_by_role("heading", name="延时").wait_for()
    desk.check()
    drawer.get_by_label("延长（分钟）").fill("5")
    act = drawer.locator("form.candidate-act")
    act.get_by_label("原因").select_option(index=1)
    act.get_by_role("button", name="延时").click()
    told(page, "已延时")
    expect(deadline).not_to_have_text(before)
    candidate.page.locator(".banner", has_text="考试时间延长了 5 分钟").wait_for()
    candidate.check()


def score_and_release(journey: Journey) -> None:
    """The officer closes the session, the marker marks what needs a person, the officer releases after a last look."""
    desk = journey.desk("officer")
    page = desk.open(journey.paths["session"])
    assert tile(page, "已交卷") == "2"
    confirm(page, "结束考试")
    until(page, lambda: page.get_by_text("评分尚未完成").count() == 1 and "待评分 0 份" in page.content())
    desk.check()
    mark(journey)
    page = desk.open(journey.paths["session"])
    until(page, lambda: page.get_by_text("评分尚未完成").count() == 0)
    assert tile(page, "缺考") == "1"
    press(page, "查看成绩")
    line = page.locator("tr", has_text=journey.candidates[0].name)
    assert "100" in line.inner_text(), "everything was answered rightly"
    desk.check()
    press(page, "发布成绩")
    assert [tile(page, label) for label in ("报名", "有成绩", "缺考")] == ["3", "2", "1"]
    desk.check()
    confirm(page, "发布成绩")
    told(page, "已发布")
    desk.check()


def mark(journey: Journey) -> None:
    """The marker sees no name, reads the rubric, and gives full marks to the whole answer and none to the empty one."""
    desk = journey.desk("marker")
    page = desk.open("/marking/")
    go(page, lambda: press(page, "开始阅卷"))
    while page.get_by_role("heading", name="阅卷：").count():
        assert not any(one.name in page.content() for one in journey.candidates)
        desk.check()
        page.get_by_label("得分").fill("0" if page.get_by_text("没有作答").count() else "5")
        go(page, lambda: press(page, "保存，看下一份"))
    told(page, "没有待阅的答案了")
    desk.check()
