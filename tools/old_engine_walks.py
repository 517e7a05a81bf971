"""How the player and what stands beside it in an exam room are walked in an old browser; each step is one that a person takes."""

from __future__ import annotations

import re
from collections.abc import Callable

from exam_walks import enter, get_ready
from picture_seat import Seat
from playwright.sync_api import Locator, Page
from room_walks import prepare_rooms

MARKED, TOOLS_AT = 2, 1
"""The item that is marked, and the one beside which calculator and scratch pad are opened."""
COLLECTED = 60_000
ROLES = (
    "platform-admin", "organisation-admin", "editor", "author", "reviewer1", "assembler", "form-approver1", "exam-officer",
    "invigilator1", "chief-invigilator", "marker", "assessor", "certification-officer", "supervisor",
)  # fmt: skip
NOT_KIND = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|(?<=/)\d+(?=/|$)")
LEFT_ALONE = ("/static", "/language", "/api/", "/exam/")


def answer(item: Locator) -> str:
    """Answer an item by whichever control it has, as a hand would; return which one it was."""
    found = next(name for name in CONTROLS if item.locator(name).count())
    CONTROLS[found](item)
    return found


def point(item: Locator) -> None:
    """Click on the picture, then go on with the keys."""
    board = item.locator("[role=application]")
    board.click(position={"x": 60, "y": 40})
    for key in ("ArrowRight", "Shift+ArrowDown", "ArrowRight", "Enter"):
        board.press(key)


def match(item: Locator) -> None:
    """Choose another target for every row."""
    for row, box in enumerate(item.locator("select").all()):
        box.select_option(index=row + 1)


def fill_blanks(item: Locator) -> None:
    """Write into every blank."""
    for blank in item.locator("input.blank").all():
        blank.fill("熔断器")


def choose_two(item: Locator) -> None:
    """Choose the first two options."""
    for card in item.locator(".card").all()[:2]:
        card.click()


CONTROLS: dict[str, Callable[[Locator], None]] = {
    "[role=application]": point,
    "svg .region": lambda item: item.locator("svg .region").first.click(),
    "input[type=checkbox]": choose_two,
    "input[type=radio]": lambda item: item.locator(".card").first.click(),
    "select": match,
    "ol.order": lambda item: item.locator(".move-down").first.click(),
    "input.number": lambda item: item.locator("input.number").fill("3.5"),
    "input.blank": fill_blanks,
    "textarea.long-text": lambda item: item.locator("textarea").fill("先断开电源，再验电。"),
}


def answer_everything(seat: Seat, prefix: str) -> set[str]:
    """Go through the numbers of the panel and answer each item; take a picture of the first of each kind."""
    seen: set[str] = set()
    numbers = seat.page.locator("button.number-button")
    numbers.first.wait_for()
    for index in range(numbers.count()):
        numbers.nth(index).click()
        item = seat.page.locator("article.item:visible").first
        kind = answer(item)
        item.locator(".safety-saved").wait_for()
        if kind not in seen:
            seat.shoot(f"{prefix}-{len(seen) + 1:02d}-{re.sub(r'[^a-z]+', '-', kind).strip('-')}")
        seen.add(kind)
    return seen


def practise(seat: Seat) -> None:
    """Practise: every kind of item, and the page at the end."""
    page = seat.open("/exam/practice/")
    page.get_by_role("button", name="开始练习").click()
    get_ready(page)
    seen = answer_everything(seat, "practice")
    if missing := set(CONTROLS) - seen - {"[role=application]", "svg .region"}:
        raise LookupError(f"the practice has no {', '.join(missing)}")
    hand_in(page)
    page.get_by_role("heading", name="练习完成").wait_for()
    seat.shoot("practice-done")


def sit(seat: Seat) -> None:
    """Sit the examination: every item, the tools, a reload, the network gone and back, the hand-in, the receipt."""
    who = seat.facts["candidates"][-1]
    seat.open("/exam/").get_by_label("准考证号").wait_for()
    seat.shoot("sign-in")
    enter(seat, who)
    answer_everything(seat, "exam")
    use_what_is_around(seat)
    change_the_display(seat)
    reload(seat)
    lose_the_network(seat)
    hand_in(seat.page)
    seat.page.get_by_role("img", name="回执二维码").wait_for()
    seat.shoot("receipt")
    total = seat.page.locator("dl.receipt").inner_text()
    found = re.search(r"(\d+) 题（共 (\d+) 题）", total)
    if not found or found[1] != found[2]:
        raise LookupError(f"the receipt counts other answers than were given: {total}")


def use_what_is_around(seat: Seat) -> None:
    """Mark an item, compute something, write on the scratch pad, look at the help and the time."""
    page = seat.page
    page.locator("button.number-button").nth(MARKED).click()
    page.get_by_role("button", name="标记", exact=True).click()
    page.locator(".number-button.is-marked").wait_for()
    page.locator("button.number-button").nth(TOOLS_AT).click()
    page.get_by_role("button", name="计算器").click()
    page.get_by_label("算式", exact=True).fill("3.14×40×500÷1000")
    page.keyboard.press("Enter")
    page.get_by_text("= 62.8").wait_for()
    seat.shoot("calculator")
    page.get_by_role("button", name="草稿纸").click()
    page.locator("#scratch-text").fill("I = P ÷ U")
    seat.shoot("scratch")
    page.get_by_role("button", name="收起").click()
    page.get_by_role("button", name="帮助").click()
    page.get_by_role("dialog", name="帮助").wait_for()
    seat.shoot("help")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.locator(".time-note").wait_for()


def change_the_display(seat: Seat) -> None:
    """Look at every size, at high contrast, the whole form, English, and without the panel; end as it began."""
    page = seat.page
    for size in ("小", "大", "中"):
        page.get_by_role("button", name=size, exact=True).click()
        seat.shoot(f"size-{ {'小': 'small', '大': 'large', '中': 'medium'}[size] }")
    for name, picture in (("高对比度", "contrast"), ("题号栏", "no-panel")):
        page.get_by_role("button", name=name).click()
        seat.shoot(picture)
        page.get_by_role("button", name=name).click()
    page.get_by_role("button", name="整卷").click()
    seat.shoot("whole-form")
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Hand in", exact=True).wait_for()
    seat.shoot("english")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="逐题").click()


def reload(seat: Seat) -> None:
    """Load the page anew: the answers, the mark and the scratch pad are there."""
    page = seat.page
    done = page.locator(".number-button.is-answered").count()
    page.reload()
    page.locator("article.item").first.wait_for()
    page.locator(".number-button.is-marked").wait_for()
    if page.locator(".number-button.is-answered").count() != done:
        raise LookupError("a reload lost answers")


def lose_the_network(seat: Seat) -> None:
    """Answer without the network, load the page without it where TLS lets it come back, and get everything saved afterwards."""
    page = seat.page
    page.locator("button.number-button").first.click()
    page.context.set_offline(True)
    page.locator("article.item .card").nth(1).click()
    page.locator(".link-offline").wait_for(timeout=COLLECTED)
    page.locator("article.item .safety-local").wait_for()
    seat.shoot("offline")
    if page.evaluate("() => isSecureContext"):
        page.reload()
        page.locator("article.item .card").nth(1).locator("input:checked").wait_for(state="attached")
        page.locator(".link-offline").wait_for(timeout=COLLECTED)
        seat.shoot("offline-reloaded")
    save_a_rescue_file(seat)
    page.context.set_offline(False)
    page.locator(".link-online").wait_for(timeout=COLLECTED)
    page.locator("article.item .safety-saved").wait_for()


def save_a_rescue_file(seat: Seat) -> None:
    """Try to hand in, and save what the server does not have as a file."""
    page = seat.page
    hand_in(page)
    page.get_by_role("button", name="保存应急文件").click()
    button = page.get_by_role("button", name="保存文件", exact=True)
    if hears_of_downloads(page):
        with page.expect_download() as saved:
            button.click()
        if not saved.value.path().stat().st_size:
            raise LookupError("the rescue file is empty")
    else:
        button.click()
    page.get_by_text("已保存 1 条答案").wait_for()
    seat.shoot("rescue")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")


def hears_of_downloads(page: Page) -> bool:
    """Say whether the driver tells of saved files; of Firefox's Playwright does not hear."""
    browser = page.context.browser
    return browser is None or browser.browser_type.name != "firefox"


def hand_in(page: Page) -> None:
    """Hand in, with both questions before it."""
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()


def open_twice(seat: Seat) -> None:
    """Open the examination in a second window: the first one shows that it can only be read, the second one saves."""
    who = seat.facts["candidates"][-2]
    enter(seat, who)
    second = Seat(seat.page.context.new_page(), seat.url, seat.facts, seat.save)
    page = second.open("/exam/")
    page.get_by_label("准考证号").fill(who["admission_number"])
    page.get_by_label("证件号码").fill(who["id_number"])
    page.get_by_role("button", name="登录", exact=True).click()
    page.locator("article.item .card").first.click()
    page.locator("article.item .safety-saved").wait_for()
    second.shoot("second-window")
    seat.page.get_by_text("本页只能查看，不能作答").wait_for()
    seat.shoot("first-window")
    page.close()


def watch(seat: Seat) -> None:
    """Watch the room as its invigilator: the list, the plan of the seats, one candidate's drawer."""
    page = seat.sign_in("invigilator1").open("/console/")
    page.locator("tr", has_text="正在进行").get_by_role("link", name="进入控制台").click()
    page.locator("tr[data-seat]").first.wait_for()
    seat.shoot("console")
    page.get_by_text("座位图", exact=True).click()
    seat.shoot("console-plan")
    page.get_by_text("名单", exact=True).click()
    page.locator("tr[data-seat]").first.get_by_role("link", name="处置").click()
    page.locator("#drawer [data-drawer-close]").wait_for()
    seat.shoot("console-candidate")


def open_every_page(seat: Seat) -> None:
    """Open one page of every kind that a link leads to, as each role from its home page on; none scrolls sideways."""
    seen: set[str] = set()
    for role in ROLES:
        seat.page.context.clear_cookies()
        seat.sign_in(role)
        waiting, asked = ["/"], set[str]()
        while waiting:
            address = waiting.pop(0)
            kind = NOT_KIND.sub("ID", re.split("[?#]", address, maxsplit=1)[0])
            if kind in asked or kind.startswith(LEFT_ALONE):
                continue
            asked.add(kind)
            waiting += look_at(seat, address, "" if kind in seen else kind)
            seen.add(kind)


def look_at(seat: Seat, address: str, kind: str) -> list[str]:
    """Open an address unless its kind was seen; return the links behind it."""
    answer = seat.page.request.get(seat.url + address)
    if "text/html" not in answer.headers["content-type"]:
        return []
    if kind:
        page = seat.open(address)
        seat.shoot("staff" + re.sub(r"[^A-Za-z0-9]+", "-", kind).rstrip("-"))
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth + 1"):
            page.evaluate("(address) => console.error(`${address} is wider than the window`)", address)
    return re.findall(r'href="(/[^"#]*)"', answer.text().replace("&amp;", "&"))


WALKS: dict[str, Callable[[Seat], None]] = {
    "practice": practise,
    "exam": sit,
    "two-windows": open_twice,
    "console": watch,
    "seat-check": prepare_rooms,
    "staff": open_every_page,
}
