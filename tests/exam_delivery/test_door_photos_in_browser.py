"""The photo at the door in a real browser with a camera that is none: taken, taken again, kept, and what is said without a camera."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from exam_delivery.rules.room import SeatState
from kernel.identity.permissions import Role
from tests.accessibility import NARROW, TAGS, ZOOMED, sticking_out_at, violations
from tests.conftest import CHROMIUM_ARGUMENTS
from tests.exam_delivery.served_room import ServedRoom, put_into_every_state, served_room
from tests.exam_delivery.sitting_cases import Person
from tests.pages import comes_true

pytestmark = pytest.mark.journey
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
ELSEWHERE = "--host-resolver-rules=MAP room.example 127.0.0.1"
"""A name that no browser takes for its own machine: a page of it by plain http is not secure."""


@pytest.fixture(scope="module")
def with_camera(chromium: Browser) -> Iterator[Browser]:
    """A browser whose camera shows a moving dial and is always allowed."""
    path = shutil.which("chromium")
    browser = chromium.browser_type.launch(executable_path=path, args=[*CHROMIUM_ARGUMENTS, *CAMERA, ELSEWHERE])
    yield browser
    browser.close()


@pytest.fixture
def room(embedded_database_url: str, tmp_path: Path) -> Iterator[ServedRoom]:
    with served_room(embedded_database_url, tmp_path, n=len(SeatState)) as served:
        served.write_session(door_photo="required")
        yield served


@pytest.fixture
def waiting(room: ServedRoom) -> Person:
    """Somebody who stands at the door."""
    return put_into_every_state(room)[SeatState.NOT_ARRIVED]


def look(page: Page, state: str) -> None:
    found = [(one["id"], one["nodes"][0]["html"]) for one in violations(page, TAGS)]
    assert found == [], state
    assert sticking_out_at(page, ZOOMED, NARROW) == [], state


def door_of(room: ServedRoom, person: Person) -> str:
    return f"{room.path}/candidates/{person.registration_id}/door-photo"


def taken(page: Page) -> str:
    """Return the picture that is about to be kept, when it is there."""
    picture = page.locator("[data-camera-taken]")
    expect(picture).to_be_visible()
    comes_true(page, "document.querySelector('[data-camera-taken]').naturalWidth > 0")
    return picture.get_attribute("src") or ""


def test_a_photo_is_taken_twice_kept_compared_and_the_candidate_let_in(
    room: ServedRoom, waiting: Person, with_camera: Browser
) -> None:
    page = room.desk(with_camera, Role.CHIEF_INVIGILATOR)
    page.locator(f'[data-seat="{waiting.registration_id}"]').get_by_role("link", name="处置").click()
    drawer = page.get_by_role("dialog", name="详情")
    expect(drawer.locator("#check-in-no_photo")).to_be_visible()
    look(page, "drawer without a photo")
    drawer.get_by_role("link", name="拍入场照片").click()
    look(page, "before the camera")
    page.get_by_role("button", name="打开摄像头").press("Enter")
    shoot = page.get_by_role("button", name="拍照", exact=True)
    expect(shoot).to_be_focused()
    look(page, "the camera shows")
    shoot.press("Enter")
    first = taken(page)
    expect(page.get_by_role("status").filter(has_text="已拍好")).to_be_visible()
    again = page.get_by_role("button", name="重拍")
    expect(again).to_be_focused()
    look(page, "a picture is taken")
    again.press("Enter")
    shoot.press("Enter")
    assert taken(page) != first
    page.get_by_role("button", name="保存入场照片").press("Enter")
    kept = page.get_by_role("img", name="的入场照片")
    expect(page.get_by_text("入场照片已保存")).to_be_visible()
    page.reload()
    expect(kept).to_be_visible()
    comes_true(page, "document.querySelector('img[alt$=入场照片]').naturalWidth >= 300")
    look(page, "kept")
    page.get_by_role("button", name="准许入场").press("Enter")
    row = page.locator(f'[data-seat="{waiting.registration_id}"]')
    expect(row).to_have_attribute("data-state", "checked_in")
    row.get_by_role("link", name="处置").click()
    expect(drawer.get_by_role("img", name="的入场照片")).to_be_visible()
    look(page, "drawer with a photo")
    page.context.close()


def test_without_a_secure_page_or_a_camera_it_is_said_and_a_file_does(
    room: ServedRoom, waiting: Person, with_camera: Browser, chromium: Browser, tmp_path: Path
) -> None:
    address, room.address = room.address, room.address.replace("127.0.0.1", "room.example")
    page = room.desk(with_camera, Role.CHIEF_INVIGILATOR, door_of(room, waiting))
    page.get_by_role("button", name="打开摄像头").click()
    expect(page.get_by_text("只在 https 地址的页面上允许使用摄像头")).to_be_visible()
    look(page, "not secure")
    page.context.close()
    room.address = address
    page = room.desk(chromium, Role.INVIGILATOR, door_of(room, waiting))
    page.get_by_role("button", name="打开摄像头").click()
    expect(page.locator("[data-camera-says]")).to_contain_text("摄像头")
    bad = tmp_path / "not.jpg"
    bad.write_bytes(b"no picture")
    page.get_by_label("照片文件").set_input_files(bad)
    expect(page.get_by_text("浏览器显示不了这个文件")).to_be_visible()
    page.get_by_role("button", name="保存入场照片").click()
    expect(page.locator("#error-photo")).to_contain_text("不是可用的照片")
    look(page, "refused")
    page.get_by_label("未拍照的原因").select_option("camera")
    page.get_by_role("button", name="不拍照，准许入场").click()
    expect(page.locator(f'[data-seat="{waiting.registration_id}"]')).to_have_attribute("data-state", "checked_in")
    page.context.close()
