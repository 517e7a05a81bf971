"""How a candidate gets through the player: in by the ticket, through the items by mouse or keyboard, out with a receipt."""

from __future__ import annotations

import re
from functools import cache

from playwright.sync_api import Locator, Page, expect

from item_templates.contract import ItemContent
from tests.journeys.conftest import Desk
from web.demo.files import source_items

READ = """node => {
  const copy = node.cloneNode(true);
  copy.querySelectorAll(".katex").forEach((one) => one.replaceWith(one.querySelector("annotation").textContent));
  copy.querySelectorAll(".blank-number").forEach((one) => one.remove());
  return copy.textContent;
}"""
"""What a text on the screen says, a formula as it was written."""


def plain(text: str) -> str:
    """Return a text without white space, marks of formulas and names of blanks."""
    return re.sub(r"\\\(|\\\)|\{\{\d+\}\}|\s", "", text)


@cache
def learned() -> dict[str, ItemContent]:
    """Return what a candidate learned who read the demonstration's items: the content by its stem."""
    return {plain(one.content.stem): one.content for one in source_items()}


def enter(desk: Desk, admission_number: str, id_number: str) -> None:
    """Sign in, check one's own data, read rules and guide, pledge, and start."""
    page = desk.open("/exam/")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_label("准考证号").fill(admission_number)
    page.get_by_label("证件号码").fill(id_number)
    page.get_by_role("button", name="登录").click()
    for answer in ("信息正确，继续", "我已阅读，继续", "我会操作了，继续"):
        page.get_by_role("button", name=answer).wait_for()
        desk.check()
        page.get_by_role("button", name=answer).click()
    expect(page.get_by_role("button", name="进入等候")).to_be_disabled()  # the pledge comes first
    page.get_by_label("我已阅读并承诺遵守").check()
    desk.check()
    page.get_by_role("button", name="进入等候").click()
    item(page).wait_for()
    desk.check()


def item(page: Page) -> Locator:
    """Return the item on the screen."""
    return page.locator("article.item")


def content_of(page: Page) -> ItemContent:
    """Return what the candidate knows of the item on the screen."""
    stem = plain(item(page).locator(".stem").evaluate(READ))
    return learned()[stem]


def right_choices(page: Page, content: ItemContent) -> list[int]:
    """Return the places of the right choices on the screen, which shows them in an order of its own."""
    if content.type == "true_false":
        return [0 if content.key else 1]
    keys = [content.key] if isinstance(content.key, str) else content.key
    right = {plain(choice.content) for choice in content.choices if choice.id in keys}
    shown = item(page).locator(".card-text").evaluate_all(f"cards => cards.map({READ})")
    return [place for place, text in enumerate(shown) if plain(text) in right]


def answer_by_mouse(page: Page) -> None:
    """Answer the item on the screen rightly, with the mouse and, where words are wanted, with words."""
    content = content_of(page)
    if content.type == "fill_in":
        for blank, accepted in zip(item(page).locator("input.blank").all(), content.key, strict=True):
            blank.fill(accepted[0])
    elif content.type == "short_answer":
        page.get_by_label("在这里作答").fill("；".join(str(point["text"]) for point in content.rubric))
    else:
        for place in right_choices(page, content):
            item(page).locator("label.card").nth(place).click()


def answer_by_keyboard(page: Page) -> None:
    """Answer an item with choices by their letters and go on with N."""
    for place in right_choices(page, content_of(page)):
        page.keyboard.press("ABCDEFGH"[place])
    number = item(page).get_attribute("data-slot")
    page.keyboard.press("n")
    page.locator(f'article.item:not([data-slot="{number}"])').wait_for()


def next_item(page: Page) -> None:
    """Go on to the next item."""
    number = item(page).get_attribute("data-slot")
    page.get_by_role("button", name="下一题").click()
    page.locator(f'article.item:not([data-slot="{number}"])').wait_for()


def wait_until_saved(page: Page, n: int) -> None:
    """Go back to the last answered item and wait until the state beside it says that the server has the answer."""
    page.get_by_role("button", name="上一题").click()
    page.locator(".safety-saved").wait_for()
    expect(progress(page)).to_have_text(re.compile(f"^已答 {n} "))


def progress(page: Page) -> Locator:
    """Return the bottom line, which says how many items are answered."""
    return page.locator(".bottom-progress")


def hand_in(desk: Desk, n_open: int) -> None:
    """Hand in: look at what is open, say so twice, and get the receipt."""
    page = desk.page
    page.locator(".topbar").get_by_role("button", name="交卷").click()
    dialog = page.get_by_role("dialog")
    if n_open:
        dialog.get_by_text(f"还有 {n_open} 题没有作答").wait_for()
        expect(dialog.locator(".slot-link")).to_have_count(n_open)
    else:
        dialog.get_by_text("全部题目已作答").wait_for()
    desk.check()
    dialog.get_by_role("button", name="交卷", exact=True).click()
    dialog.get_by_role("heading", name="再次确认").wait_for()
    dialog.get_by_role("button", name="确定交卷").click()
    page.get_by_role("heading", name="已交卷").wait_for()
    expect(page.locator("code.digest")).to_have_text(re.compile(r"^[0-9a-f ]{60,}$"))
    desk.check()
