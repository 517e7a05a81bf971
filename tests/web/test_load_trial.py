"""The simulated run before a session: through the candidate API, on a practice session of its own."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exam_delivery.answering.app import create_answering_app
from exam_delivery.models import Attempt, ExamSession, SessionStatus
from exam_delivery.rules.readiness import judge_trial
from kernel.db import db
from kernel.identity.repository import find_organisation_by_code
from kernel.profiles.registry import all_keys
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET
from web.app import create_app
from web.load_trial import Sitter, Trial, run_trial
from web.simulation import ORGANISATION_CODE

LIMITS = {name: key.default for name, key in all_keys().items()}


class Program:
    """The answering program without a network."""

    def __init__(self, settings: Settings) -> None:
        self.program = create_answering_app(settings)

    def send(self, method: str, path: str, body: bytes, token: str) -> tuple[int, bytes]:
        got: list[Any] = []
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body), "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        if token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        content = b"".join(self.program(environ, lambda status, _headers: got.append(status)))
        return int(got[0][:3]), content


@pytest.fixture
def program(scratch_database_url: str, tmp_path: Path) -> Iterator[Program]:
    """An installation of its own: what the run commits is what the answering program sees."""
    settings = Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET)
    app = create_app(settings)
    with app.app_context():
        made = Program(settings)
        yield made
        made.program.close()
        db.session.remove()
        db.engine.dispose()


def test_everybody_sits_a_session_of_its_own_and_nothing_is_lost(program: Program) -> None:
    told: list[int] = []
    figures = run_trial(6, program.send, lambda percent, _text: told.append(percent))
    assert (figures["n_errors"], figures["n_lost"], figures["n_calls"]) == (0, 0, 6 * 8)
    assert figures["save_p99_ms"] > 0
    assert told == sorted(told)
    session = db.session()
    own = find_organisation_by_code(session, ORGANISATION_CODE)
    rows = session.scalars(select(ExamSession)).all()
    assert [(row.organisation_id, row.status) for row in rows] == [(own.organisation_id, SessionStatus.CLOSED)]
    assert {row.status for row in session.scalars(select(Attempt))} == {"submitted"}


def broken_send(method: str, path: str, body: bytes, token: str) -> tuple[int, bytes]:
    raise ConnectionRefusedError


def test_a_server_that_does_not_answer_fails_the_run() -> None:
    figures = Trial(broken_send, [Sitter("1", "2")]).run(lambda _percent, _text: None)
    assert figures["n_errors"] == figures["n_calls"] > 0
    assert not judge_trial(figures, LIMITS)


def test_an_answer_that_was_acknowledged_and_is_gone_counts_as_lost() -> None:
    attempt = str(uuid.uuid4())

    def forgetful(method: str, path: str, _body: bytes, _token: str) -> tuple[int, bytes]:
        if path.endswith("sign-in"):
            return 200, f'{{"token": "t", "attempt_id": "{attempt}"}}'.encode()
        if path.endswith("form"):
            return 200, b'{"slots": [{"slot": 1}, {"slot": 2}]}'
        if method == "PUT":
            return 200, b'{"acknowledged": {"1": 3, "2": 3}}'
        if path.endswith("responses"):
            return 200, b'{"responses": {"1": {"seq": 3}, "2": {"seq": 2}}}'
        return 200, b"{}"

    assert Trial(forgetful, [Sitter("1", "2")]).run(lambda _percent, _text: None)["n_lost"] == 1
