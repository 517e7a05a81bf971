"""How the pictures of the examination are reached: candidates who answer, one who sits alone, and the room that is watched."""

from __future__ import annotations

from picture_seat import Seat
from playwright.sync_api import Download, FilePayload, Page

N_CANDIDATES = 6
"""Candidates who sign in, so that the invigilator's console shows people at work."""


def sit_and_watch(seat: Seat) -> None:
    """Candidates answer; the last of them is looked at closely, and the invigilator watches the room."""
    browser = seat.page.context.browser
    if browser is None:
        raise LookupError("the page has no browser")
    contexts = [
        browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai")
        for _one in range(N_CANDIDATES)
    ]
    for place, (context, who) in enumerate(zip(contexts, seat.facts["candidates"], strict=False)):
        candidate = Seat(context.new_page(), seat.url, seat.facts, seat.save)
        enter(candidate, who)
        answer_choices(candidate, 4 + 4 * place)
    shoot_the_player(candidate)
    page = seat.sign_in("invigilator1").open("/console/")
    page.locator("tr", has_text="正在进行").get_by_role("link", name="进入控制台").click()
    page.locator("tr[data-seat]").first.wait_for()
    page.get_by_text("座位图", exact=True).click()
    seat.shoot("console")
    for context in contexts:
        context.close()


def enter(seat: Seat, who: dict[str, str]) -> None:
    """Sign in as a candidate, read what is to be read, and start."""
    page = seat.open("/exam/")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_label("准考证号").fill(who["admission_number"])
    page.get_by_label("证件号码").fill(who["id_number"])
    page.get_by_role("button", name="登录", exact=True).click()
    get_ready(page)


def get_ready(page: Page) -> None:
    """Read what is to be read, promise, wait, and start."""
    for name in ("信息正确，继续", "我已阅读，继续", "我会操作了，继续"):
        page.get_by_role("button", name=name).click()
    page.get_by_label("我已阅读并承诺遵守").check()
    page.get_by_role("button", name="进入等候").click()
    page.locator("article.item").wait_for()


def answer_choices(seat: Seat, n: int) -> None:
    """Answer the first items by their letters; every fifth is left out."""
    for number in range(n):
        if number % 5 != 4:
            seat.page.keyboard.press("ABCD"[number % 4])
        seat.page.keyboard.press("n")
        seat.page.wait_for_timeout(150)


def shoot_the_player(seat: Seat) -> None:
    """Show an ordinary item, one on a picture and one with a shared text."""
    page = seat.page
    page.locator("button.number-button").nth(2).click()
    page.locator(".safety-saved").first.wait_for()
    seat.shoot("exam")
    wanted = {"article.item .hotspot": "exam-hotspot", ".stimulus": "exam-testlet"}
    for button in reversed(page.locator("button.number-button").all()):
        button.click()
        page.wait_for_timeout(100)
        found = next((one for one in wanted if page.locator(one).count()), None)
        if found:
            seat.shoot(wanted.pop(found))
        if not wanted:
            return
    raise LookupError(f"the form shows no {', '.join(wanted)}")


def sit_alone(seat: Seat) -> None:
    """What the candidates' guide shows: signing in, the calculator, the network gone with a rescue file, handing in, the receipt."""
    seat.page.set_viewport_size({"width": 1024, "height": 768})
    seat.open("/exam/").get_by_label("准考证号").wait_for()
    seat.shoot("exam-sign-in")
    enter(seat, seat.facts["candidates"][N_CANDIDATES])
    page = seat.page
    answer_choices(seat, 6)
    page.locator("button.number-button").nth(4).click()
    page.get_by_role("button", name="标记", exact=True).click()
    page.locator("button.number-button").nth(1).click()
    page.get_by_role("button", name="计算器").click()
    page.get_by_label("算式", exact=True).fill("3.14×40×500÷1000")
    page.keyboard.press("Enter")
    seat.shoot("exam-calculator")
    page.get_by_role("button", name="收起").click()
    page.context.set_offline(True)
    page.locator("article.item .card").nth(2).click()
    hand_in(page)
    page.get_by_role("button", name="保存应急文件").click()
    seat.shoot("exam-rescue")
    with page.expect_download() as saved:
        page.get_by_role("button", name="保存文件", exact=True).click()
    take_a_rescue_file_in(seat, saved.value)
    page.context.set_offline(False)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator(".link-online").wait_for()
    page.get_by_role("button", name="交卷", exact=True).click()
    seat.shoot("exam-hand-in")
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    page.get_by_role("img", name="回执二维码").wait_for()
    page.set_viewport_size({"width": 1024, "height": 1200})
    seat.shoot("exam-receipt")


def take_a_rescue_file_in(seat: Seat, saved: Download) -> None:
    """The invigilator brings in what the candidate saved, and looks at it before anything changes."""
    if seat.page.context.browser is None:
        raise LookupError("the page has no browser")
    context = seat.page.context.browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    staff = Seat(context.new_page(), seat.url, seat.facts, seat.save).sign_in("invigilator1")
    page = staff.open("/console/")
    page.locator("tr", has_text="正在进行").get_by_role("link", name="进入控制台").click()
    number = seat.facts["candidates"][N_CANDIDATES]["admission_number"]
    page.locator("tr[data-seat]", has_text=number).get_by_role("link", name="处置").click()
    page.get_by_role("link", name="导入应急文件").click()
    file: FilePayload = {
        "name": saved.suggested_filename, "mimeType": "application/octet-stream", "buffer": saved.path().read_bytes(),
    }  # fmt: skip
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="上传并核对").click()
    page.get_by_role("button", name="导入到这名考生").wait_for()
    staff.shoot("room-rescue")
    context.close()


def hand_in(page: Page) -> None:
    """Try to hand in while the server cannot be reached."""
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    page.get_by_role("button", name="保存应急文件").wait_for()
