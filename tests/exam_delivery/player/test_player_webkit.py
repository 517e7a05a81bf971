"""An exam in WebKit, the engine of Safe Exam Browser on macOS and iPad; `docs/exam-room.md` tells of the walks through the whole product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.exam_delivery.player.player_fake_api import ADMISSION_NUMBER, ID_NUMBER, FakeExam, serve
from tests.exam_delivery.player.player_walk import whole_form
from tools.cable import Cable
from tools.webkit_page import Found, WebKitPage, opened

pytestmark = pytest.mark.journey


@dataclass
class Place:
    """One exam, its server behind a cable, and the window in which it is sat."""

    exam: FakeExam
    page: WebKitPage
    cable: Cable

    def button(self, name: str) -> Found:
        return self.page.get_by_role("button", name=name, exact=True)

    def item(self, number: int) -> Found:
        self.page.locator("button.number-button").nth(number - 1).click()
        self.page.locator(f"#item-{number}:visible").wait_for()
        return self.page.locator(f"#item-{number}")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    exam = FakeExam(form=whole_form())
    exam.form["conduct"] = {"rescue_after_seconds": 1}
    server, _address = serve(exam)
    cable = Cable(("127.0.0.1", server.server_port))
    with opened(tmp_path) as wire:
        page = WebKitPage(wire, tmp_path, cable.plug)
        yield Place(exam, page, cable)
        page.watch()
    cable.close()
    server.shutdown()
    server.server_close()
    assert page.faults == []


def test_an_exam_is_sat_with_every_interaction_a_reload_and_no_network_for_a_while(place: Place) -> None:
    enter(place)
    answer_everything(place)
    place.page.reload()
    place.page.locator("article.item").wait_for()
    assert place.page.locator(".number-button.is-answered").count() == len(place.exam.form["slots"])
    lose_the_network(place)
    place.button("交卷").click()
    place.page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    place.button("确定交卷").click()
    place.page.get_by_role("img", name="回执二维码").wait_for()
    given = {number: kept["response"] for number, kept in place.exam.responses.items()}
    assert given | {12: []} == {
        1: ["c2"], 2: ["c1"], 3: ["c1", "c2"], 4: ["true"], 5: ["false"], 6: ["俯视图", "左视图"], 7: ["62.8"],
        8: ["c2", "c1", "c3", "c4"], 9: [["c1", "t2"], ["c2", "t1"]], 10: ["先断开电源。"], 11: ["c1"], 12: [],
    }  # fmt: skip
    assert len(given[12]) == 2, "a place by the mouse and one by the keys"


def enter(place: Place) -> None:
    page = place.page
    page.goto(f"{place.cable.url}/exam/")
    page.get_by_label("准考证号").fill(ADMISSION_NUMBER)
    page.get_by_label("证件号码").fill(ID_NUMBER)
    place.button("登录").click()
    for name in ("信息正确，继续", "我已阅读，继续", "我会操作了，继续"):
        place.button(name).click()
    page.get_by_label("我已阅读并承诺遵守").check()
    place.button("进入等候").click()
    page.locator("article.item").wait_for()


def answer_everything(place: Place) -> None:
    """Answer each item in its own way, and look at a picture and a formula on the way."""
    page, item = place.page, place.item
    item(1).locator(".card").first.click()
    item(2).get_by_role("button", name="放大图片：蓝色标志").click()
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    for card in item(3).locator(".card").all()[:2]:
        card.click()
    item(4).locator(".card").first.click()
    item(5).locator(".card").nth(1).click()
    for blank, word in zip(item(6).locator("input.blank").all(), ("俯视图", "左视图"), strict=True):
        blank.fill(word)
    item(7).locator(".katex").first.wait_for()
    page.locator("#item-7 input.number").fill("62.8")
    item(8).locator(".move-down").first.click()
    for row, target in zip(item(9).locator("select").all(), (2, 1), strict=True):
        row.select_option(index=target)
    item(10).locator("textarea").fill("先断开电源。")
    item(11).locator("svg .region").first.click()
    board = item(12).locator("[role=application]")
    board.click(position={"x": 60, "y": 40})
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        board.press(key)
    page.locator("#item-12 .safety-saved").wait_for()


def lose_the_network(place: Place) -> None:
    """Answer without the network, load the page without it, save a rescue file; everything arrives when it is back."""
    page = place.page
    place.item(1)
    place.cable.plug(unplugged=True)
    page.locator("#item-1 .card").nth(1).click()
    page.locator("#item-1 .safety-local").wait_for()
    page.reload()
    page.locator("#item-1 .card").nth(1).locator("input:checked").wait_for(state="attached")
    place.button("保存应急文件").click()
    with page.expect_download() as saved:
        place.button("保存文件").click()
    assert saved.value.path().stat().st_size
    place.button("关闭").click()
    place.cable.plug(unplugged=False)
    page.locator("#item-1 .safety-saved").wait_for()
