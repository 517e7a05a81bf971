"""Hotspot items in a real browser: regions by mouse, keyboard and touch; places by pointer and by arrow keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.exam_delivery.player.conftest import Room
from tests.exam_delivery.player.player_fake_api import FakeExam
from tests.exam_delivery.player.player_form import PICTURE, choices, sample_form, slot
from tests.exam_delivery.player.test_player_accessibility import check, fits

pytestmark = pytest.mark.journey

REGIONS = {
    "c1": {"shape": "rect", "coords": [0, 0, 400, 400]},
    "c2": {"shape": "ellipse", "coords": [700, 200, 150, 150]},
    "c3": {"shape": "polygon", "coords": [600, 600, 1000, 600, 1000, 1000]},
}
STEM = f'<p>请找出急停按钮。</p><p><img src="{PICTURE}" alt="控制面板" width="400" height="300"></p>'


def hotspot_form() -> dict[str, Any]:
    form = sample_form()
    names = choices("左上的按钮", "右上的按钮", "右下的按钮")
    form["slots"] = [
        slot(
            1, 0, "hotspot", STEM, multiple=False, choices=names,
            hotspot={"mode": "regions", "picks": 1, "regions": REGIONS},
        ),
        slot(
            2, 0, "hotspot", STEM, multiple=True, choices=names,
            hotspot={"mode": "regions", "picks": 2, "regions": REGIONS},
        ),
        slot(3, 0, "hotspot", STEM, multiple=True, hotspot={"mode": "point", "picks": 2}),
    ]  # fmt: skip
    form["sections"] = [{"title": "一、图片热区题", "instructions": "", "slots": [1, 2, 3]}]
    return form


@pytest.fixture
def panel(chromium: Browser) -> Iterator[Room]:
    room = Room(chromium, FakeExam(form=hotspot_form()))
    yield room
    room.close()
    assert room.errors == []


def open_item(page: Page, number: int) -> None:
    page.get_by_role("button", name="下一题").click()
    expect(page.get_by_role("heading", name=f"第 {number} 题")).to_be_visible()


def answers(room: Room) -> dict[int, Any]:
    return {number: kept["response"] for number, kept in room.exam.responses.items()}


def is_near(points: Any, *wanted: tuple[int, int]) -> bool:
    """Say whether points are the wanted ones, to a pixel or two."""
    pairs = [(int(x), int(y)) for x, y in points or ()]
    return len(pairs) == len(wanted) and all(
        abs(x - x2) <= 5 and abs(y - y2) <= 5 for (x, y), (x2, y2) in zip(pairs, wanted, strict=True)
    )


def click_at(page: Page, x: float, y: float) -> None:
    board = page.locator(".hotspot")
    box = board.bounding_box()
    assert box
    board.click(position={"x": box["width"] * x, "y": box["height"] * y})


def test_regions_and_places_are_answered_by_mouse(panel) -> None:
    page = panel.seated()
    click_at(page, 0.7, 0.2)
    expect(page.get_by_role("radio", name="右上的按钮")).to_be_checked()
    click_at(page, 0.2, 0.2)
    expect(page.get_by_role("radio", name="左上的按钮")).to_be_checked()
    assert page.locator(".region.is-on").count() == 1
    open_item(page, 2)
    click_at(page, 0.2, 0.2)
    click_at(page, 0.95, 0.7)
    page.get_by_text("右上的按钮").click()  # a third one is refused
    expect(page.get_by_role("checkbox", name="右上的按钮")).not_to_be_checked()
    open_item(page, 3)
    for x, y in ((0.25, 0.5), (0.75, 0.5), (0.25, 0.5), (0.1, 0.1)):
        click_at(page, x, y)
    panel.until(lambda: is_near(answers(panel).get(3), (750, 500), (100, 100)), page)
    assert answers(panel)[1] == ["c1"]
    assert answers(panel)[2] == ["c1", "c3"]
    page.get_by_role("button", name="清除本题答案").click()
    expect(page.get_by_text("已点 0 处，共要点 2 处")).to_be_visible()


def test_regions_and_places_are_answered_by_keyboard_alone(panel) -> None:
    page = panel.seated()
    page.keyboard.press("b")
    expect(page.get_by_role("radio", name="右上的按钮")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="右下的按钮")).to_be_checked()
    for key in ("n", "1", "3", "n"):
        page.keyboard.press(key)
    board = page.get_by_role("application", name="答题图")
    board.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator("#live")).to_have_text("横 51.9%，纵 49%")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("已点 1 处，共要点 2 处")
    for _ in range(60):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    panel.until(lambda: len(answers(panel).get(3, [])) == 2, page)
    assert answers(panel) == {1: ["c3"], 2: ["c1", "c3"], 3: [["519", "490"], ["0", "490"]]}


def test_a_place_is_pointed_at_by_touch_and_comes_back_after_a_reload(panel) -> None:
    page = panel.seated(has_touch=True, viewport={"width": 400, "height": 800})
    page.keyboard.press("n")
    page.keyboard.press("n")
    board = page.get_by_role("application", name="答题图")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    panel.until(lambda: is_near(answers(panel).get(3), (500, 500)), page)
    page.reload()
    expect(page.get_by_role("heading", name="第 3 题")).to_be_visible()
    expect(page.get_by_text("已点 1 处，共要点 2 处")).to_be_visible()


def test_both_ways_of_answering_are_accessible_and_fit_a_narrow_window(panel) -> None:
    page = panel.seated()
    for number in (1, 2, 3):
        expect(page.get_by_role("heading", name=f"第 {number} 题")).to_be_visible()
        check(page, f"hotspot {number}")
        page.set_viewport_size({"width": 320, "height": 640})
        fits(page, f"hotspot {number}")
        page.set_viewport_size({"width": 1024, "height": 768})
        page.keyboard.press("n")
