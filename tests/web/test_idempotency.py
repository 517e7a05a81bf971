"""A call that names a key is carried out once, however often it is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from kernel.clock import now, shifted
from kernel.conflicts.models import ConflictRelation
from kernel.db import db
from kernel.http import idempotency
from kernel.idempotency import ask_of, take_key
from kernel.idempotency.models import KeptAnswer
from kernel.identity.actor import Actor, permissions_of, system_actor
from kernel.identity.models import Organisation, OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.identity.services import open_session
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET, SignIn
from web.app import create_app
from web.jobs import forget_answers

ADDRESS = "/api/v1/declarations"
BODY = {"kind": "kin", "other_name": "演示亲属", "other_employer": "演示单位"}


def send(client: FlaskClient, key: str | None = "key-1", **changes: Any) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(ADDRESS, json=BODY | changes, headers=headers)


def declared(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ConflictRelation)) or 0


@pytest.fixture
def client(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.EDITOR)


def test_the_same_call_again_is_answered_alike_and_does_nothing(session: Session, client: FlaskClient) -> None:
    first, second = send(client), send(client)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json == first.json
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert declared(session) == 1


def test_without_a_key_every_call_counts(session: Session, client: FlaskClient) -> None:
    assert [send(client, None).status_code for _ in range(2)] == [201, 201]
    assert declared(session) == 2
    assert session.scalar(select(func.count()).select_from(KeptAnswer)) == 0


def test_a_key_with_another_body_is_refused_with_words(session: Session, client: FlaskClient) -> None:
    send(client)
    refused = send(client, other_name="另一位亲属")
    assert refused.status_code == 422
    assert refused.json["error"] == "invalid_input"
    assert "Idempotency-Key" in refused.json["message"]
    assert declared(session) == 1


def test_a_key_counts_for_one_endpoint(session: Session, client: FlaskClient) -> None:
    made = send(client).json["conflict_relation_id"]
    act = {"act": "withdraw", "reason": "填错了"}
    headers = {"Idempotency-Key": "key-1"}
    for _ in range(2):
        done = client.post(f"{ADDRESS}/{made}/acts", json=act, headers=headers)
        assert (done.status_code, done.json["status"]) == (200, "withdrawn")
    assert done.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "k" * 201, "two words", "中文".encode().decode("latin-1")])
def test_a_malformed_key_is_refused_before_anything_is_done(session: Session, client: FlaskClient, key: str) -> None:
    refused = send(client, key)
    assert refused.status_code == 422
    assert list(refused.json["details"]["fields"]) == ["Idempotency-Key"]
    assert declared(session) == 0


def test_a_refusal_uses_up_no_key(session: Session, client: FlaskClient) -> None:
    assert send(client, other_employer="").status_code == 422
    assert send(client, kind="nonsense").status_code == 422
    assert send(client).status_code == 201
    assert declared(session) == 1


def test_keys_of_other_people_and_organisations_are_independent(
    session: Session, client: FlaskClient, sign_in: SignIn, other_organisation: Organisation
) -> None:
    colleague, stranger = sign_in(Role.EDITOR), sign_in(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    for who in (client, colleague, stranger):
        answer = send(who)
        assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (201, False)
    assert declared(session) == 3


def test_who_lost_the_permission_is_shown_nothing_that_was_kept(
    session: Session, sign_in: SignIn, make_user: Any
) -> None:
    user = make_user(Role.EDITOR)
    client = sign_in(user=user)
    send(client)
    with unit_of_work(system_actor(user.organisation_id)) as uow:
        uow.session.get_one(User, user.user_id).is_active = False
    assert send(client).status_code in {401, 403}


def test_an_act_whose_answer_cannot_be_kept_was_not_done_and_is_done_when_sent_again(
    app: Flask, session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise OSError("the disk is gone")

    app.config["TESTING"] = False
    try:
        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "keep_answer", broken)
            assert send(client).status_code == 500
        assert declared(session) == 0
        assert send(client).status_code == 201
    finally:
        app.config["TESTING"] = True
    assert declared(session) == 1


def test_nothing_of_an_answer_lies_in_the_clear(session: Session, client: FlaskClient) -> None:
    send(client, "secret-key-of-mine")
    [row] = session.scalars(select(KeptAnswer))
    told = row.key_digest + row.request_digest + row.endpoint
    for secret in ("secret-key-of-mine", "演示亲属", "演示单位"):
        assert secret not in told
        assert secret.encode() not in row.envelope


def test_after_a_day_a_key_is_forgotten_and_counts_as_new(session: Session, client: FlaskClient) -> None:
    send(client)
    with shifted(timedelta(hours=23)):
        forget_answers()
        assert session.scalar(select(func.count()).select_from(KeptAnswer)) == 1
    with shifted(timedelta(hours=25)):
        forget_answers()
    assert session.scalar(select(func.count()).select_from(KeptAnswer)) == 0
    assert "Idempotency-Replayed" not in send(client).headers
    assert declared(session) == 2


def test_a_day_old_key_counts_as_new_before_it_is_cleared_away(session: Session, client: FlaskClient) -> None:
    send(client)
    session.execute(KeptAnswer.__table__.update().values(created_at=now() - timedelta(hours=24)))
    assert "Idempotency-Replayed" not in send(client).headers
    assert send(client).headers["Idempotency-Replayed"] == "true"
    assert declared(session) == 2


def test_the_document_names_the_header_at_every_writing_call_of_a_person(client: FlaskClient, app: Flask) -> None:
    document = client.get("/api/v1/openapi.json").json
    writing = {
        (path, method): [one["name"] for one in operation.get("parameters", []) if "name" in one]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in {"post", "put", "patch", "delete"}
    }
    without = {path for (path, _method), names in writing.items() if "Idempotency-Key" not in names}
    own_ways = {"/api/v1/auth/sign-in", "/api/v1/auth/session", "/api/v1/certification/inbound/{system_id}/results"}
    assert {path for path in without if not path.startswith("/api/v1/exam/")} == own_ways
    assert {names.count("Idempotency-Key") for names in writing.values()} == {0, 1}
    assert "Idempotency-Key" in client.get("/api/v1/docs").text
    assert client.get("/api/v1/openapi.json").json == document


# --- with real commits, from several threads ---------------------------------------------------------------------------


@pytest.fixture
def real_app(scratch_database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET))
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def person(real_app: Flask) -> tuple[Actor, str]:
    """A person of a real database, and the token of a session."""
    with real_app.app_context(), unit_of_work(system_actor()) as uow:
        organisation = Organisation(
            code="DEMO", name="演示评价机构", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now()
        )
        uow.add(organisation)
        uow.flush()
        user = User(
            username="twice", name="演示编辑", password_hash="-", must_change_password=False, is_active=True,
            organisation_id=organisation.organisation_id, locale="zh_Hans_CN", created_at=now(),
            roles=[UserRole(role=Role.EDITOR)],
        )  # fmt: skip
        uow.add(user)
        uow.flush()
        signed = open_session(uow, user.user_id, hours=1, address="127.0.0.1", user_agent="test")
    actor = Actor(user.user_id, user.organisation_id, user.name, permissions_of([Role.EDITOR]))
    return actor, signed.token


def test_of_calls_at_the_same_moment_one_is_carried_out(real_app: Flask, person: tuple[Actor, str]) -> None:
    n_calls = 6
    start = threading.Barrier(n_calls)
    headers = {"Authorization": f"Bearer {person[1]}", "Idempotency-Key": "key-1"}

    def call(_n: int) -> TestResponse:
        start.wait()
        return real_app.test_client().post(ADDRESS, json=BODY, headers=headers)

    with ThreadPoolExecutor(n_calls) as pool:
        answers = list(pool.map(call, range(n_calls)))
    done = [one for one in answers if one.status_code == 201]
    refused = [one for one in answers if one.status_code == 409]
    assert len(done) + len(refused) == n_calls
    assert len([one for one in done if "Idempotency-Replayed" not in one.headers]) == 1
    assert len({one.json["conflict_relation_id"] for one in done}) == 1
    assert all((one.json["error"], one.headers["Retry-After"]) == ("still_running", "1") for one in refused)
    with real_app.app_context():
        assert declared(db.session()) == 1


@pytest.mark.postgresql
def test_a_call_that_still_runs_is_named_at_once_and_answered_when_it_is_over(
    real_app: Flask, person: tuple[Actor, str]
) -> None:
    actor, token = person
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "key-1"}
    ask = ask_of(actor, endpoint="POST api_declarations.declare", key="key-1", content="")
    with real_app.app_context(), Session(db.engine) as other:
        take_key(other, ask, waits=False)
        busy = real_app.test_client().post(ADDRESS, json=BODY, headers=headers)
        assert (busy.status_code, busy.json["error"], busy.headers["Retry-After"]) == (409, "still_running", "1")
    again = real_app.test_client().post(ADDRESS, json=BODY, headers=headers)
    assert (again.status_code, "Idempotency-Replayed" in again.headers) == (201, False)
