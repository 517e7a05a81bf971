"""How each picture of the documentation is reached: by whom, over which pages, and what is done on them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from form_walks import check_a_whole_form, look_at_own_forms
from ledger_walks import take_results_in, watch_the_bodies
from playwright.sync_api import FilePayload, Page
from room_walks import run_the_room

Save = Callable[[str, bytes], None]
ID = r"[0-9a-f]{8}-[0-9a-f-]{27}"
JOB_MS = 120_000
PRINT_DPI = 96
N_CANDIDATES = 6
"""Candidates who sign in, so that the invigilator's console shows people at work."""
MESSY_LIST = Path(__file__).with_name("picture_list.txt").read_text(encoding="utf-8")
"""A list as people send it: an item that the bank has, an unmarked negative, a key that stands out, one without a key."""


@dataclass
class Seat:
    """One person at a browser, with the demonstration's sign-ins."""

    page: Page
    url: str
    facts: dict[str, Any]
    save: Save

    def sign_in(self, username: str) -> Seat:
        """Sign in as one of the demonstration's staff."""
        self.page.goto(f"{self.url}/sign-in")
        self.page.get_by_label("登录名").fill(f"demo-{username}")
        self.page.get_by_label("密码").fill(self.facts["password"])
        self.page.get_by_role("button", name="登录").click()
        self.page.wait_for_url(f"{self.url}/")
        return self

    def open(self, path: str) -> Page:
        """Open an address of the installation."""
        self.page.goto(self.url + path)
        return self.page

    def follow(self, pattern: str, *, last: bool = False) -> Page:
        """Open the first (or last) address on the page that has this shape; ``ID`` stands for any key."""
        wanted = re.compile(pattern.replace("ID", ID))
        addresses = self.page.locator("main a[href]").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        found = next((one for one in (reversed(addresses) if last else addresses) if wanted.search(one)), None)
        if found is None:
            raise LookupError(f"{self.page.url} has no link {pattern}")
        return self.open(found)

    def shoot(self, name: str, *, top: str = "") -> None:
        """Write what the window shows; `top` is the element that is brought to its upper edge first."""
        self.page.evaluate("() => document.fonts.ready")
        if top:
            self.page.locator(top).first.evaluate(
                "one => window.scrollTo(0, one.getBoundingClientRect().top + scrollY - 72)"
            )
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(400)
        self.save(name, self.page.screenshot())


def here(page: Page) -> str:
    """Return the path of a page."""
    return re.sub(r"^https?://[^/]+|[?#].*$", "", page.url)


@dataclass(frozen=True)
class Walk:
    """One way through the product and the pictures taken on it."""

    take: Callable[[Seat], None]
    pictures: tuple[str, ...] = field(default=())


# --- the bank --------------------------------------------------------------------------------------------------------


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


# --- forms -----------------------------------------------------------------------------------------------------------


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


def first_page(pdf: Path) -> bytes:
    """Return a picture of the first page of a PDF."""
    program = shutil.which("pdftoppm")
    if program is None:
        raise FileNotFoundError("pdftoppm is not installed: apt-get install poppler-utils")
    command = [program, "-png", "-singlefile", "-r", str(PRINT_DPI), str(pdf)]
    return subprocess.run(command, check=True, capture_output=True).stdout


# --- the examination -------------------------------------------------------------------------------------------------


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
    page.get_by_role("link", name="进入控制台").first.click()
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
    page.context.set_offline(False)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator(".link-online").wait_for()
    page.get_by_role("button", name="交卷", exact=True).click()
    seat.shoot("exam-hand-in")
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    page.get_by_role("img", name="回执二维码").wait_for()
    seat.shoot("exam-receipt")


def hand_in(page: Page) -> None:
    """Try to hand in while the server cannot be reached."""
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    page.get_by_role("button", name="保存应急文件").wait_for()


# --- figures ---------------------------------------------------------------------------------------------------------


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


# --- certificates ----------------------------------------------------------------------------------------------------


def prove_a_certificate(seat: Seat) -> None:
    """The administrator's key, the officer's e-certificate and packs, and what the public sees of the signature."""
    page = seat.sign_in("organisation-admin").open("/certification/signing-keys/")
    seat.shoot("signing-keys")
    page.goto(f"{seat.url}/certification/webhooks/")
    page.get_by_label("名称").fill("省证书查询平台")
    page.get_by_label("推送地址").fill("https://partner.invalid/webhooks/kaoku")
    page.get_by_label("证书签发").check()
    page.get_by_label("证书暂停、恢复、换发、撤销").check()
    page.get_by_role("button", name="添加", exact=True).click()
    page.get_by_text("签名密钥只显示这一次").wait_for()
    page.goto(f"{seat.url}/certification/webhooks/")
    page.get_by_role("button", name="测试").first.click()
    page.get_by_text("已排队").wait_for()
    seat.shoot("webhooks")
    page.context.clear_cookies()
    page = seat.sign_in("certification-officer").open("/certification/certificates/")
    seat.follow(r"/certification/certificates/ID$")
    with page.expect_download() as taken:
        page.get_by_role("button", name="下载电子证书").click()
    certificate = here(page)
    packs = here(seat.follow(r"/evidence\?record=ID$"))
    page.get_by_role("button", name="制作证据包").click()
    for _second in range(JOB_MS // 1000):
        page.wait_for_timeout(1000)
        seat.open(packs)
        if page.get_by_role("button", name="下载").count():
            break
    seat.shoot("evidence-packs")
    page.goto(f"{seat.url}{certificate}")
    page.context.clear_cookies()
    page.goto(f"{seat.url}/certificates/statement")
    page.get_by_label("或上传电子证书 PDF").set_input_files(taken.value.path())
    page.get_by_role("button", name="验证").click()
    page.get_by_text("签名有效").wait_for()
    seat.shoot("e-certificate-check")


WALKS = (
    Walk(write_an_item, ("writing-task", "item-editor")),
    Walk(import_a_list, ("import-detect", "import-check", "import-quality")),
    Walk(look_at_a_revision, ("review-list", "review-desk")),
    Walk(
        keep_the_bank,
        (
            "item-list", "item-testlet", "item-difference", "duplicates", "lint", "correction-case", "migration-board",
            "bank-report", "coverage",
        ),
    ),
    Walk(read_draws, ("assembly-result", "assembly-refused", "blueprint", "blueprint-editor")),
    Walk(look_at_own_forms, ("form-set", "form-set-draw")),
    Walk(check_a_whole_form, ("whole-form",)),
    Walk(set_a_standard, ("panel", "panel-feedback", "panel-rating")),
    Walk(work_on_a_form, ("form-report", "form-b4", "scan-sheet", "form-prints", "form-release")),
    Walk(sit_and_watch, ("exam", "exam-hotspot", "exam-testlet", "console")),
    Walk(
        run_the_room,
        ("room-console", "room-candidate", "room-misconduct", "room-report", "room-overview", "room-change"),
    ),
    Walk(sit_alone, ("exam-sign-in", "exam-calculator", "exam-rescue", "exam-hand-in", "exam-receipt")),
    Walk(prepare_rooms, ("lockdown", "room-check", "readiness-gate")),
    Walk(doubt_a_result, ("appeals", "appeal-letter", "appeal-review")),
    Walk(mark_answers, ("marking-plan", "marking-statistics", "marking-standards", "marking-desk")),
    Walk(prove_a_certificate, ("signing-keys", "webhooks", "evidence-packs", "e-certificate-check")),
    Walk(take_results_in, ("early-batches", "inbound-problems", "inbound-preview")),
    Walk(watch_the_bodies, ("centre-batches", "return-rates", "compliance-rules")),
    Walk(read_figures, ("form-analysis", "item-analysis", "form-comparison", "device-comparison", "bank-statistics", "lead")),
)  # fmt: skip
"""All pictures, by the walk that takes them."""
