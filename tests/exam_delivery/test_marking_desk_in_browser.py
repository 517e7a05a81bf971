"""The marking desk in a real browser: by keyboard alone, nothing inaccessible, on a narrow screen, with drafts kept."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from exam_delivery.models import Mark, MarkingDesk
from exam_delivery.services import forms as forms_service
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.identity.services import open_session
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.accessibility import violations
from tests.conftest import SECRET
from tests.exam_delivery.world import SealedForms, World, fake_blueprints
from tests.pages import script_runs
from web.app import create_app

pytestmark = pytest.mark.journey
TEXT = 11


@pytest.fixture
def desk(scratch_database_url, tmp_path, monkeypatch):
    """A served application with one written answer, and the marker's signed-in token."""
    app = create_app(Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        marker = _marker()
        sealed = SealedForms(marker.organisation_id)
        monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(sealed))
        world = World(system_actor(marker.organisation_id, name="officer"), sealed)
        world.register(2)
        world.arrange()
        world.prepare()
        world.open()
        db.session.expire_all()
        for attempt in world.attempts():
            world.sit({TEXT: '["先采集，再标注。"]'}, attempt)
        world.close_and_score()
        with unit_of_work(system_actor(marker.organisation_id)) as uow:
            token = open_session(uow, marker.user_id, hours=1, address="127.0.0.1", user_agent="test").token
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", token
        server.shutdown()
        thread.join()
        db.session.remove()
        db.engine.dispose()


def _marker():
    with unit_of_work(system_actor()) as uow:
        body = Organisation(code="M", name="演示", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now())
        uow.add(body)
        uow.flush()  # the person names it
        person = User(
            username="m", name="阅卷甲", password_hash="-", must_change_password=False, is_active=True,
            organisation_id=body.organisation_id, locale="zh_Hans_CN", created_at=now(),
            roles=[UserRole(role=Role.MARKER)],
        )  # fmt: skip
        uow.add(person)
    return person


def test_a_marker_works_by_keyboard_alone_and_loses_nothing(desk, chromium):
    address, token = desk
    context = chromium.new_context(viewport={"width": 320, "height": 700})
    context.add_cookies([{"name": "kaoku_staff", "value": token, "url": address}])
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/marking/")
    page.get_by_role("link", name="开始阅卷").press("Enter")
    points = page.locator("[data-criterion]")
    expect(points.first).to_be_focused()
    script_runs(page, "marking-desk.js")
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations(page)] == []
    assert page.evaluate("document.documentElement.scrollWidth <= 320")
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    expect(points.first).to_be_focused()
    points.first.fill("3")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(points.nth(1)).to_be_focused()
    with page.expect_response(lambda reply: "7.5" in (reply.request.post_data or "")):
        page.keyboard.type("4")
        expect(page.get_by_label("得分")).to_have_value("7.5")
    expect(page.locator("[data-draft-state]")).to_contain_text("草稿已保存")
    page.reload()
    expect(page.get_by_label("得分")).to_have_value("7.5")
    script_runs(page, "marking-desk.js")
    points.nth(1).press("Enter")
    expect(page.locator(".toast, [role=status]").filter(has_text="已评 7.5 分").first).to_be_visible()
    score = page.get_by_label("得分")
    score.fill("2")
    score.press("Enter")
    expect(page.get_by_text("没有待阅的答案了").first).to_be_visible()
    context.close()
    assert faults == []
    db.session.expire_all()
    assert sorted((mark.score, tuple(mark.criteria)) for mark in db.session.query(Mark)) == [
        (2, ()),
        (7.5, ("3.5", "4")),
    ]
    assert db.session.query(MarkingDesk).count() == 0
