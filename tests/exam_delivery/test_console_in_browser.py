"""The console in a real browser: what is polled is written into the rows, and told once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Response, expect
from sqlalchemy import update
from werkzeug.serving import make_server

from benchmarks.console import client_of
from exam_delivery.models import Attempt, AttemptStatus
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET
from tests.exam_delivery.sitting_cases import Sitting, prepare
from web.app import create_app

pytestmark = pytest.mark.journey


@pytest.fixture
def room(scratch_database_url: str, tmp_path: Path) -> Iterator[tuple[str, str, Sitting]]:
    """A served application with three candidates who write, and a signed-in chief's token."""
    app = create_app(Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        with unit_of_work(system_actor()) as uow:
            body = Organisation(code="C", name="演示", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now())
            uow.add(body)
            uow.flush()
            sitting = prepare(uow.session, body.organisation_id, n=3, starts_at=now() - timedelta(minutes=5))
        write(sitting, status=AttemptStatus.IN_PROGRESS, started_at=now(), last_contact_at=now() + timedelta(minutes=9))
        cookie = client_of(app, sitting, Role.CHIEF_INVIGILATOR).get_cookie("kaoku_staff")
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", cookie.value if cookie else "", sitting
        server.shutdown()
        thread.join()
        db.session.remove()
        db.engine.dispose()


def write(sitting: Sitting, n: int = 3, **values: object) -> None:
    keys = [person.attempt_id for person in sitting.people[:n]]
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.execute(update(Attempt).where(Attempt.attempt_id.in_(keys)).values(**values))


def test_changes_reach_the_rows_of_an_open_console_and_are_told_once(
    room: tuple[str, str, Sitting], chromium: Browser
) -> None:
    address, token, sitting = room
    context = chromium.new_context()
    context.add_cookies([{"name": "kaoku_staff", "value": token, "url": address}])
    page = context.new_page()
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply) if "/state" in reply.url else None)
    page.clock.install()
    page.goto(f"{address}/console/{sitting.exam_session_id}")
    row = page.locator(f'[data-seat="{sitting.people[0].registration_id}"]')
    expect(row).to_have_attribute("data-state", "working")
    write(sitting, 1, n_answered=4, locked_at=now(), hold_reason="换座")
    page.clock.run_for(3500)
    expect(row).to_have_attribute("data-state", "locked", timeout=20_000)
    expect(row.locator('[data-field="answered"]')).to_have_text("4 / 5")
    with page.expect_response(lambda reply: "/state" in reply.url, timeout=20_000):
        page.clock.run_for(3500)
    assert sum(len(reply.json()["seats"]) for reply in replies) == 1
    assert len(replies) > 1
    context.close()
