"""How the pictures of forms are reached: draws, the cut score, printing, one for each candidate, and a whole form made elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from picture_seat import JOB_MS, Seat, first_page, here

CODE = re.compile(r"(?![A-Z]-[A-Z]-[A-Z]-\d{3})[A-Z0-9]+(?:-[A-Z0-9]+)*-\d+")
"""The code of an item, not that of a point."""


def read_draws(seat: Seat) -> None:
    """The assembler reads a draw that went well and one that was refused."""
    seat.sign_in("assembler").open("/assembly-runs/")
    runs = seat.page.locator("main a[href*='/assembly-runs/']").evaluate_all(
        "all => [...new Set(all.map(one => one.getAttribute('href')))]"
    )
    refused, good = runs[0], runs[-1]
    seat.open(good)
    seat.shoot("assembly-result")
    seat.open(refused)
    seat.shoot("assembly-refused")
    seat.open("/blueprints/")
    seat.follow(r"/blueprints/ID$", last=True)
    seat.shoot("blueprint")
    page = seat.open("/blueprints/new")
    page.get_by_label("职业等级").select_option(seat.facts["level_id"])
    page.get_by_label("名称").fill("下半年理论知识")
    page.get_by_role("button", name="建立").click()
    page.get_by_text("双向细目表").first.wait_for()
    seat.shoot("blueprint-editor", top=".panel:has(h2:text('比重'))")


def set_a_standard(seat: Seat) -> None:
    """The leader reads what the first round gave; an expert is at the second."""
    seat.sign_in("assembler").open("/panels/")
    seat.follow(r"/panels/ID$")
    panel = here(seat.page)
    seat.shoot("panel")
    seat.follow(r"/rounds/1$")
    seat.shoot("panel-feedback")
    seat.open("/account")
    seat.page.context.clear_cookies()
    seat.sign_in("assessor").open(panel)
    seat.page.get_by_role("button", name="开始评定").click()
    seat.page.locator("#rating").wait_for()
    seat.shoot("panel-rating")


def work_on_a_form(seat: Seat) -> None:
    """The assembler reads the report of a form; a custodian prints it and looks at how it is opened."""
    seat.sign_in("assembler").open("/forms/")
    seat.follow(r"/forms/ID$")
    form = here(seat.page)
    seat.open(f"{form}/report")
    seat.shoot("form-report")
    seat.page.context.clear_cookies()
    seat.sign_in("form-approver1")
    printed(seat, form, "form.pdf", "试卷 · pdf", "form-b4")
    printed(seat, form, "scan_sheet.pdf", "答题卡", "scan-sheet")
    seat.open(f"{form}/prints")
    seat.shoot("form-prints")
    seat.open(f"{form}/release")
    seat.shoot("form-release")


def printed(seat: Seat, form: str, file: str, words: str, name: str) -> None:
    """Have a file of a form made in the browser and keep a picture of its first page."""
    page = seat.open(f"{form}/prints")
    page.locator("[name=file]").select_option(file)
    page.locator("[name=page_size]").select_option("b4")
    page.get_by_role("button", name="生成", exact=True).click()
    made = page.locator("tbody tr", has_text=words).get_by_role("button", name="下载")
    for _second in range(JOB_MS // 1000):
        page.wait_for_timeout(1000)
        seat.open(f"{form}/prints")
        if made.count():
            break
    with page.expect_download() as waiting:
        made.first.click()
    seat.save(name, first_page(Path(waiting.value.path())))


def look_at_own_forms(seat: Seat) -> None:
    """The assembler looks at a set of forms, one for each candidate, and at the draw that it came from."""
    seat.sign_in("assembler").open("/form-sets/")
    page = seat.follow(r"/form-sets/ID$")
    page.get_by_role("heading", name="各份试卷").wait_for()
    seat.shoot("form-set")
    seat.follow(r"/assembly-runs/ID$")
    seat.shoot("form-set-draw", top=".tiles")


def check_a_whole_form(seat: Seat) -> None:
    """The assembler holds a form made elsewhere against a blueprint; it lacks an item."""
    page = seat.sign_in("assembler").open("/assembly-runs/")
    runs = page.locator("main a[href*='/assembly-runs/']").evaluate_all(
        "all => all.map(one => one.getAttribute('href'))"
    )
    seat.open(runs[-1])
    cells = page.locator("main td.cell-nowrap").all_inner_texts()
    codes = list(dict.fromkeys(found.group() for text in cells if (found := CODE.fullmatch(text.strip()))))
    seat.follow(r"/blueprints/ID$")
    page.get_by_role("link", name="检查整套试卷").click()
    page.get_by_label("试题编号").fill("\n".join(codes[1:]))
    page.get_by_role("button", name="核对").click()
    page.get_by_role("heading", name="不符合的要求").wait_for()
    seat.shoot("whole-form")
