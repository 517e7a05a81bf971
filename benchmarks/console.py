"""Time the invigilator's console for 500 candidates who all write: the three-second poll, the whole page, the chief's overview.

    .venv/bin/python -m benchmarks.console [--candidates 500] [--rooms 17] [--postgresql] [--runs 30]

Every candidate makes contact every eight seconds, as working pages do: before each poll those did whose turn came in three seconds.
Requests go through the test client, so templates, JSON, permissions and recusal are in the time and the network is not. `queries`
counts the statements of one request, `rows` the candidates that one poll tells, `bytes` the body before compression. Beside it, in the
same run: a poll when nothing has changed, one that tells everybody, and the list of sessions of the same kind of user (the login
session alone). With `--postgresql` a private cluster is started and stopped.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update

from exam_delivery.models import Attempt, AttemptStatus, SessionRoom
from exam_delivery.pages.console_news import HEADER
from kernel.clock import now
from kernel.db import db, new_id
from kernel.identity.actor import system_actor
from kernel.identity.models import OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.identity.services import create_organisation, open_session
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tools.check import private_postgresql
from web import database
from web.app import create_app

HEARTBEAT, POLL = 8, 3
"""Seconds between two contacts of a page, and between two polls of a console."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One kind of request: median milliseconds, statements, bytes, and what it told."""

    name: str
    wall: float
    processor: float
    queries: int
    n_bytes: int
    n_rows: int | None


def build(n_candidates: int, n_rooms: int) -> Sitting:
    """Fill a fresh database with a sitting in which everybody writes."""
    database.upgrade()
    with unit_of_work(system_actor()) as uow:
        organisation = create_organisation(uow, code="BENCH", name="测量机构", kind=OrganisationKind.SOCIAL)
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        start = now() - timedelta(minutes=20)
        sitting = prepare(
            uow.session, organisation.organisation_id, n=n_candidates, n_rooms=n_rooms, starts_at=start, n_slots=80
        )
        uow.session.execute(
            update(Attempt).values(
                status=AttemptStatus.IN_PROGRESS, started_at=start, deadline_at=start + timedelta(minutes=60),
                signed_in_at=start, device="10.0.0.7 Chromium", n_answered=30,
            )
        )  # fmt: skip
    return sitting


def keep_contact(sitting: Sitting, second: int) -> None:
    """Let the pages whose turn it was in the seconds up to this one make contact, one in ten with one more answer."""
    turns = {k % HEARTBEAT for k in range(second - POLL, second)}
    at = now() + timedelta(seconds=second)
    rows = [
        {"attempt_id": person.attempt_id, "last_contact_at": at, "n_answered": 30 + second % 10 if not k % 10 else 30}
        for k, person in enumerate(sitting.people)
        if k % HEARTBEAT in turns
    ]
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.execute(update(Attempt), rows)


def client_of(app: Flask, sitting: Sitting, role: Role) -> FlaskClient:
    """Return a client of a new user; an invigilator looks after every room."""
    with unit_of_work(system_actor()) as uow:
        user = User(
            user_id=new_id(), username=f"bench-{role.value}", name=f"bench-{role.value}", password_hash="-",  # noqa: S106 - no password
            must_change_password=False, is_active=True, organisation_id=sitting.organisation_id, locale="zh_Hans_CN",
            created_at=now(), roles=[UserRole(role=role)],
        )  # fmt: skip
        uow.add(user)
        uow.flush()
        signed_in = open_session(uow, user.user_id, hours=9, address="127.0.0.1", user_agent="benchmark")
        uow.session.execute(update(SessionRoom).values(invigilator_ids=[str(user.user_id)]))
    client = app.test_client()
    client.set_cookie("kaoku_staff", signed_in.token)
    return client


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that are sent meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def measure(
    name: str,
    client: FlaskClient,
    path: str,
    runs: int,
    *,
    remembers: bool = False,
    before: Callable[[int], None] | None = None,
) -> Figure:
    """Ask for a page several times; return its medians. A page that remembers says what it was told last."""
    walls, processors, queries, shown = [], [], [], ""
    if remembers:
        shown = client.get(path).get_json()["shown"]
    for run in range(runs):
        if before:
            before(run * POLL)
        with counted() as seen:
            wall, processor = time.perf_counter(), time.process_time()
            reply = client.get(path, headers={HEADER: shown} if remembers else {})
            walls.append((time.perf_counter() - wall) * 1000)
            processors.append((time.process_time() - processor) * 1000)
        queries.append(len(seen))
        shown = reply.get_json()["shown"] if remembers else ""
        if reply.status_code != 200:
            raise SystemExit(f"{path}: {reply.status}")
    n_rows = len(reply.get_json()["seats"]) if reply.is_json else None
    n_bytes = len(reply.get_data())
    return Figure(name, statistics.median(walls), statistics.median(processors), max(queries), n_bytes, n_rows)


def figures(app: Flask, sitting: Sitting, runs: int) -> Iterator[Figure]:
    """Yield what is measured, for the invigilator of all rooms and for the chief."""
    base = f"/console/{sitting.exam_session_id}"
    for role in (Role.INVIGILATOR, Role.CHIEF_INVIGILATOR):
        client = client_of(app, sitting, role)
        for second in range(0, HEARTBEAT + POLL, POLL):
            keep_contact(sitting, second)
        who, contacts = role.value, partial(keep_contact, sitting)
        yield measure(f"{who}: list of sessions", client, "/console/", runs)
        yield measure(f"{who}: poll, news of {POLL} s", client, f"{base}/state", runs, remembers=True, before=contacts)
        yield measure(f"{who}: poll, nothing new", client, f"{base}/state", runs, remembers=True)
        yield measure(f"{who}: poll, everybody", client, f"{base}/state", runs)
        yield measure(f"{who}: whole page", client, base, max(3, runs // 5))
    yield measure("chief: overview", client, "/console/overview", runs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--rooms", type=int, default=17)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--postgresql", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, private_postgresql() if wanted.postgresql else nullcontext("") as url:
        address = url or f"sqlite:///{folder}/bench.sqlite3"
        settings = Settings(instance_dir=Path(folder), database_url=address, secret_key="a secret of the benchmark" * 2)
        app = create_app(settings)
        with app.app_context():
            sitting = build(wanted.candidates, wanted.rooms)
            print(f"{'request':<38}{'ms':>8}{'cpu ms':>8}{'queries':>8}{'rows':>6}{'bytes':>9}")
            for one in figures(app, sitting, wanted.runs):
                rows = "—" if one.n_rows is None else one.n_rows
                print(f"{one.name:<38}{one.wall:>8.1f}{one.processor:>8.1f}{one.queries:>8}{rows:>6}{one.n_bytes:>9,}")
            db.session.remove()
            db.engine.dispose()


if __name__ == "__main__":
    main()
