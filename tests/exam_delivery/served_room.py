"""A room served for a real browser: people who write, or one in every state that the console knows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import delete, update
from werkzeug.serving import make_server

from benchmarks.console import client_of
from exam_delivery.models import Attempt, AttemptStatus, ContactGap, ExamSession, LeaveEvent, Registration, RenderedForm
from exam_delivery.rules.room import SeatState
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET
from tests.exam_delivery.sitting_cases import Person, Sitting, prepare
from web.app import create_app

SILENT = timedelta(minutes=5)


@dataclass
class ServedRoom:
    """A served application with a sitting; whoever sits down at it is a new member of its staff."""

    app: Flask
    address: str
    sitting: Sitting

    @property
    def path(self) -> str:
        """The console of the sitting."""
        return f"/console/{self.sitting.exam_session_id}"

    def desk(self, browser: Browser, role: Role, path: str = "") -> Page:
        """Sign somebody of a role in and open a page; one of each role."""
        cookie = client_of(self.app, self.sitting, role).get_cookie("kaoku_staff")
        context = browser.new_context(viewport={"width": 1024, "height": 768}, locale="zh-CN")
        value = cookie.value if cookie else ""
        context.add_cookies([{"name": "kaoku_staff", "value": value, "url": self.address}])
        page = context.new_page()
        page.goto(self.address + (path or self.path))
        return page

    def write(self, person: Person, **values: object) -> None:
        """Write something of a candidate's attempt."""
        with unit_of_work(system_actor(self.sitting.organisation_id)) as uow:
            uow.session.execute(update(Attempt).where(Attempt.attempt_id == person.attempt_id).values(**values))

    def write_session(self, **values: object) -> None:
        """Write something of the session."""
        mine = ExamSession.exam_session_id == self.sitting.exam_session_id
        with unit_of_work(system_actor(self.sitting.organisation_id)) as uow:
            uow.session.execute(update(ExamSession).where(mine).values(**values))


@contextmanager
def served_room(database_url: str, folder: Path, *, n: int) -> Iterator[ServedRoom]:
    """Serve a room of `n` who write, started five minutes ago."""
    app = create_app(Settings(instance_dir=folder, database_url=database_url, secret_key=SECRET))
    with app.app_context():
        with unit_of_work(system_actor()) as uow:
            body = Organisation(code="C", name="演示", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now())
            uow.add(body)
            uow.flush()
            sitting = prepare(uow.session, body.organisation_id, n=n, starts_at=now() - SILENT)
            uow.session.execute(update(Attempt).values(**working(now())))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield ServedRoom(app, f"http://127.0.0.1:{server.server_port}", sitting)
        finally:
            server.shutdown()
            thread.join()
            db.session.remove()
            db.engine.dispose()


def working(at: datetime) -> dict[str, Any]:
    """Return what stands in the row of somebody who writes, and whose page still calls in nine minutes."""
    return {
        "status": AttemptStatus.IN_PROGRESS, "started_at": at, "deadline_at": at + timedelta(hours=1), "signed_in_at": at,
        "last_contact_at": at + timedelta(minutes=9), "device": "10.0.0.7 Chromium", "n_answered": 2,
    }  # fmt: skip


def put_into_every_state(room: ServedRoom) -> dict[SeatState, Person]:
    """Put one candidate into each state, and let those who were silent have lost time; return who is in which."""
    people = dict(zip(SeatState, room.sitting.people, strict=True))
    at = now()
    waiting = dict.fromkeys(working(at)) | {"status": AttemptStatus.WAITING, "device": "", "n_answered": 0}
    attempts: dict[SeatState, dict[str, Any]] = {
        SeatState.LOCKED: {"locked_at": at, "hold_reason": "离开考试页面超过规定次数"},
        SeatState.OFFLINE: {"last_contact_at": at - SILENT},
        SeatState.PAUSED: {"paused_at": at, "hold_reason": "停电"},
        SeatState.REFUSED: waiting, SeatState.NOT_ARRIVED: waiting, SeatState.CHECKED_IN: waiting,
        SeatState.ABSENT: waiting, SeatState.VOID: waiting,
        SeatState.AT_DOOR: waiting | {"last_contact_at": at},
        SeatState.SIGNED_IN: waiting | {"signed_in_at": at},
        SeatState.WAITING: waiting | {"signed_in_at": at, "last_contact_at": at + timedelta(seconds=9)},
        SeatState.SUBMITTED: {"status": AttemptStatus.SUBMITTED, "submitted_at": at, "submit_kind": "timeout"},
    }  # fmt: skip
    registrations: dict[SeatState, dict[str, Any]] = {
        SeatState.REFUSED: {"refused_at": at}, SeatState.CHECKED_IN: {"checked_in_at": at},
        SeatState.ABSENT: {"status": "absent"}, SeatState.VOID: {"status": "void"},
    }  # fmt: skip
    for state, values in attempts.items():
        room.write(people[state], **values)
    with unit_of_work(system_actor(room.sitting.organisation_id)) as uow:
        for state, values in registrations.items():
            mine = Registration.registration_id == people[state].registration_id
            uow.session.execute(update(Registration).where(mine).values(**values))
        unprepared = people[SeatState.UNPREPARED].attempt_id
        for model in (RenderedForm, Attempt):
            uow.session.execute(delete(model).where(model.attempt_id == unprepared))
        away = people[SeatState.LEFT_PAGE].attempt_id
        uow.add(LeaveEvent(attempt_id=away, seq=1, kind="hidden", seconds=0, client_time="t", received_at=at))
        for state in (SeatState.WORKING, SeatState.SUBMITTED):
            uow.add(ContactGap(attempt_id=people[state].attempt_id, started_at=at - SILENT, ended_at=at))
    return people
