"""A rater's booklet in a real browser: the keyboard steps and goes on, everything is kept by itself, axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select

from blueprints.models_panels import PanelJudgement
from blueprints.rules.panels import COMPROMISE, PanelMethod
from kernel.identity.actor import Actor, permissions_of
from kernel.identity.permissions import Role
from tests.accessibility import violations
from tests.blueprints.panel_cases import N_ITEMS, close, judge, make_panel
from tests.pages import script_runs

pytestmark = pytest.mark.journey
HOST = "http://kaoku.test"
STATIC = Path(__file__).resolve().parents[2] / "web" / "static"


def through(client: FlaskClient) -> Callable[[Route], None]:
    """Answer what the browser asks with the application under test, without a network."""

    def answer(route: Route) -> None:
        asked = route.request
        if asked.url.startswith(f"{HOST}/static/"):
            route.fulfill(path=STATIC / asked.url.removeprefix(f"{HOST}/static/").partition("/")[2].partition("?")[0])
            return
        found = client.open(
            asked.url.removeprefix(HOST), method=asked.method, data=asked.post_data_buffer,
            headers={"Content-Type": asked.headers.get("content-type", ""), "Accept": asked.headers.get("accept", "")},
        )  # fmt: skip
        body = found.get_data()
        found.close()
        route.fulfill(status=found.status_code, headers=dict(found.headers), body=body)

    return answer


@pytest.fixture
def booklet(chromium: Browser, sealed_form, make_actor, make_user, sign_in) -> Iterator[tuple[Page, str]]:
    expert = make_user(Role.AUTHOR)
    rater = Actor(expert.user_id, expert.organisation_id, expert.name, permissions_of([Role.AUTHOR]))
    panel = make_panel(make_actor(Role.EDITOR), sealed_form, [rater])
    client = sign_in(user=expert)
    address = client.post(f"/panels/{panel.standard_panel_id}/enter").headers["Location"]
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.route("**/*", through(client))
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(HOST + address)
    script_runs(page, "panel-rating.js")
    yield page, address
    context.close()
    assert problems == []


def test_keys_step_and_go_on_and_everything_is_kept(booklet, session) -> None:
    page, address = booklet
    first, second = page.locator("#item-1"), page.locator("#item-2")
    first.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(first).to_have_value("59")
    expect(second).to_be_focused()
    page.keyboard.type("70")
    page.keyboard.press("Enter")
    expect(page.locator('[data-state="item-2"]')).to_have_text("已保存")
    expect(page.locator("[data-done]")).to_have_text("2")
    expect(page.locator("[data-missing] a").first).to_have_text("第 3 题")
    kept = {
        row.subject: row.judgement for row in session.scalars(select(PanelJudgement).order_by(PanelJudgement.revision))
    }
    assert kept == {"item-1": {"percent": 59}, "item-2": {"percent": 70}}
    page.locator("#item-3").fill("700")
    page.keyboard.press("Enter")
    expect(page.locator('[data-state="item-3"]')).to_contain_text("0 到 100")
    page.goto(HOST + address)
    expect(first).to_have_value("59")
    expect(page.locator("[data-subject]")).to_have_count(N_ITEMS)
    assert faults_of(page) == []


def faults_of(page: Page) -> list[tuple[str, str]]:
    found = violations(page, ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"])
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in found]


def test_what_a_leader_sees_is_accessible(chromium, sealed_form, make_actor, make_user, sign_in) -> None:
    editor, rater = make_user(Role.EDITOR), make_actor(Role.AUTHOR)
    leader = Actor(editor.user_id, editor.organisation_id, editor.name, permissions_of([Role.EDITOR]))
    panel = make_panel(leader, sealed_form, [rater], PanelMethod.EBEL, asks_compromise=True)
    address = f"/panels/{panel.standard_panel_id}"
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.route("**/*", through(sign_in(user=editor)))
    page = context.new_page()
    for path in ("/panels/new", address):
        page.goto(HOST + path)
        assert faults_of(page) == [], path
    shares = dict.fromkeys(COMPROMISE, 60) | {"cut_low": 40, "fail_low": 5, "cell-22": 55}
    judge(rater, panel.standard_panel_id, {f"item-{n}": "22" for n in range(1, N_ITEMS + 1)} | shares)
    close(leader, panel.standard_panel_id)
    for path in (f"{address}/rounds/1", f"{address}/report"):
        page.goto(HOST + path)
        assert faults_of(page) == [], path
    context.close()
