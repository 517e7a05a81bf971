"""The style guide in a real browser under the strict policy: nothing blocked, nothing inaccessible, keys work."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.accessibility import violations
from tests.pages import comes_true
from tests.web.style_guide import STATIC, WEB, render_pages
from web.security import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.journey
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JOB = {"percent": 100, "text": "完成", "is_open": False, "result_url": "/result", "error": ""}


class Handler(BaseHTTPRequestHandler):
    """Serve the rendered pages and our static files with the policy of the product."""

    pages = render_pages()

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith(STATIC):
            file = WEB / "static" / path.removeprefix(STATIC)
            self.answer(file.read_bytes(), TYPES[file.suffix])
        elif path == "/job.json":
            self.answer(json.dumps(JOB).encode(), "application/json")
        else:
            self.answer(self.pages[path].encode(), "text/html; charset=utf-8")

    def answer(self, body, content_type):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Stay silent."""


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browser(chromium):
    return chromium


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    problems = []
    opened.on(
        "console", lambda message: problems.append(message.text) if message.type in {"error", "warning"} else None
    )
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    context.close()
    assert problems == []


@pytest.mark.parametrize(("path", "width"), [("/", 1440), ("/", 320), ("/sign-in", 320), ("/error", 1440)])
def test_every_page_is_accessible(page, address, path, width):
    page.set_viewport_size({"width": width, "height": 768})
    page.goto(address + path)
    comes_true(page, "document.documentElement.classList.contains('js')")
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in violations(page, RULES)] == []


@pytest.mark.parametrize("rules", [(), RULES])
def test_whatever_is_inaccessible_is_named_as_axe_itself_names_it(page, rules):
    page.set_content("<html><body><img src='data:,'><a href='#'></a><h1>甲</h1><h3>乙</h3></body></html>")
    found = violations(page, rules)
    whole = page.evaluate("(rules) => axe.run(document, rules.length ? {runOnly: rules} : {})", list(rules))
    assert found == whole["violations"]
    assert {"image-alt", "link-name", "html-has-lang", "heading-order"} <= {rule["id"] for rule in found}


@pytest.mark.parametrize("path", ["/", "/sign-in", "/error"])
def test_no_page_is_wider_than_the_window_down_to_320_pixels(page, address, path):
    page.goto(address + path)
    for width in (1440, 1024, 720, 320):
        page.set_viewport_size({"width": width, "height": 768})
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, width


def test_formulas_are_set_under_the_strict_policy(page, address):
    page.goto(address)
    expect(page.locator("td .katex").first).to_be_visible()
    assert page.locator("td .tex").evaluate_all("all => all.map(e => e.dataset.tex)") == [
        r"U=220\,\mathrm{V}",
        r"R=\frac{U^2}{P}",
    ]


def test_the_bulk_bar_comes_with_the_selection_and_counts_it(page, address):
    page.goto(address)
    expect(page.locator(".bulk-bar")).to_be_hidden()
    boxes = page.locator('input[name="selected"]')
    boxes.nth(1).check()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.locator("[data-bulk-count]")).to_have_text("3")
    assert page.locator("[data-select-all]").evaluate("box => box.indeterminate")
    page.get_by_role("button", name="取消选择").click()
    expect(page.locator(".bulk-bar")).to_be_hidden()


def test_a_row_is_reached_by_arrow_and_opens_the_drawer_by_enter(page, address):
    page.goto(address)
    page.locator(".table-scroll").first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    drawer = page.get_by_role("dialog", name="详情")
    expect(drawer).to_be_focused()
    expect(drawer.locator(".katex")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("link", name="A-0003")).to_be_focused()


def test_a_dangerous_act_asks_keeps_the_focus_and_can_be_left(page, address):
    page.goto(address)
    page.locator("summary", has_text="撤销证书").click()
    panel = page.get_by_role("alertdialog", name="撤销这张证书？")
    expect(panel).to_be_focused()
    for name in ("确认撤销", "取消", "确认撤销"):
        page.keyboard.press("Tab")
        expect(panel.get_by_role("button", name=name)).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("summary", has_text="撤销证书")).to_be_focused()


def test_what_a_row_asks_lies_above_the_rows_after_it(page, address):
    page.goto(address)
    question = page.locator("details.confirm", has_text="撤销证书")
    question.evaluate("question => document.querySelector('td.cell-actions').append(question)")
    other = page.locator("td.cell-actions").nth(1)
    other.scroll_into_view_if_needed()
    is_on_top = """cell => {
      const { x, y, width, height } = cell.getBoundingClientRect();
      return cell.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    }"""
    assert other.evaluate(is_on_top)
    question.locator("summary").click()
    expect(page.get_by_role("alertdialog", name="撤销这张证书？")).to_be_focused()
    assert not other.evaluate(is_on_top)


def test_the_tree_opens_and_moves_by_arrow_keys(page, address):
    page.goto(address)
    page.get_by_role("treeitem").first.focus()
    page.keyboard.press("ArrowRight")
    folded = page.locator('[data-id="A-A"]')
    expect(folded).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(folded).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[data-id="A"]')).to_be_focused()


def test_an_error_link_takes_the_focus_to_its_field(page, address):
    page.goto(address)
    expect(page.locator(".error-summary")).to_be_focused()
    page.locator('.error-summary a[href="#field-mode"]').click()
    expect(page.get_by_label("逐题显示")).to_be_focused()


def test_a_filter_sends_itself_and_keeps_empty_fields_out_of_the_address(page, address):
    page.goto(address)
    page.get_by_label("等级").first.select_option("3")
    page.wait_for_url("**/?*")
    assert page.url.split("?")[1] == "type=single_choice&level=3"


def test_a_finished_job_shows_its_result(page, address):
    page.goto(address)
    expect(page.get_by_role("link", name="查看结果")).to_have_attribute("href", "/result")
    expect(page.locator("[data-job-message]")).to_have_text("完成")
    expect(page.get_by_role("button", name="取消任务")).to_be_hidden()


def test_the_countdown_runs_from_the_servers_time_whatever_the_local_clock_says(page, address):
    page.add_init_script("Date.now = () => 0")
    page.goto(address)
    expect(page.locator(".countdown")).to_have_text(re.compile("^01:24:4"), timeout=4000)


def test_changed_fields_are_not_left_without_a_warning(page, address):
    page.goto(address)
    page.get_by_label("考试名称").fill("改过的名称")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(address + "/error")
    assert asked == ["beforeunload"]


def test_on_a_narrow_window_the_menu_opens_by_its_button(page, address):
    page.set_viewport_size({"width": 720, "height": 800})
    page.goto(address)
    menu = page.get_by_role("navigation", name="主菜单")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="菜单").click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
