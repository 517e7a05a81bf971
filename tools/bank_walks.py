"""How the pictures of the bank are reached: writing, import, review, and what keeps it in order."""

from __future__ import annotations

from pathlib import Path

from picture_seat import Seat, here
from playwright.sync_api import FilePayload

MESSY_LIST = Path(__file__).with_name("picture_list.txt").read_text(encoding="utf-8")
"""A list as people send it: an item that the bank has, an unmarked negative, a key that stands out, one without a key."""


def write_an_item(seat: Seat) -> None:
    """The author writes an item of the task; the preview and the reminders stand beside it."""
    page = seat.sign_in("author").open("/writing/mine")
    seat.follow(r"/writing/tasks/ID$")
    seat.shoot("writing-task")
    seat.follow(r"/(next|write)$")
    page.get_by_label("题干").fill("下列关于数字逻辑门的说法，不正确的是（　）。")
    texts = (
        "或门有一个输入为 1 时，输出为 0",
        "与门的输入全为 1 时，输出为 1",
        "非门的输入为 0 时，输出为 1",
        "与非门的输入全为 1 时，输出为 0",
    )
    for place, text in enumerate(texts):
        page.locator("textarea[id^=field-choice]").nth(place).fill(text)
    page.locator("[name=key][value=A]").check()
    page.get_by_text("否定").first.wait_for()
    seat.shoot("item-editor")


def import_a_list(seat: Seat) -> None:
    """The editor brings in a list of items and looks at what was understood."""
    page = seat.sign_in("editor").open("/imports/new")
    file: FilePayload = {"name": "厂里发来的题.txt", "mimeType": "text/plain", "buffer": MESSY_LIST.encode()}
    page.get_by_label("题目文件").set_input_files(file)
    page.get_by_role("button", name="上传并识别").click()
    page.get_by_role("button", name="下一步：核对").wait_for()
    seat.shoot("import-detect")
    page.get_by_label("标准等级").select_option(seat.facts["level_id"])
    page.get_by_role("button", name="下一步：核对").click()
    page.locator(".balance").wait_for()
    seat.shoot("import-check", top=".panel:has(h2:text('看不懂的题'))")
    seat.follow(r"/quality$")
    seat.shoot("import-quality")


def look_at_a_revision(seat: Seat) -> None:
    """The reviewer sees what a revision changes, and decides at the desk."""
    page = seat.sign_in("reviewer1").open("/reviews/")
    seat.shoot("review-list")
    seat.follow(r"/reviews/ID$")
    page.get_by_text("显示答案与解析").click()
    seat.shoot("review-desk")


def keep_the_bank(seat: Seat) -> None:
    """The editor's list, one item with its versions, duplicates, lint, cases, board and report."""
    seat.sign_in("editor").open("/items/?type=testlet")
    seat.shoot("item-list")
    seat.follow(r"/items/ID$")
    seat.shoot("item-testlet")
    seat.open("/items/?status=in_review&q=职业道德是从事本职业的人员")
    seat.follow(r"/items/ID$")
    seat.open(here(seat.page) + "/difference")
    seat.shoot("item-difference")
    level = seat.facts["level_id"]
    seat.open(f"/duplicates/{level}")
    seat.shoot("duplicates")
    seat.open(f"/lint/levels/{level}")
    seat.shoot("lint")
    seat.open("/corrections/?state=decided")
    seat.follow(r"/corrections/ID$")
    seat.shoot("correction-case")
    seat.open("/editions/")
    seat.follow(r"/editions/ID$")
    seat.shoot("migration-board")
    seat.open(f"/bank-reports/{level}")
    seat.shoot("bank-report")
    seat.open(f"/writing/coverage?level={level}")
    seat.shoot("coverage")
