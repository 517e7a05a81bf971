from __future__ import annotations

import pytest

from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.identity.services import create_user
from kernel.uow import unit_of_work

PASSWORD = "a good long password"


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def token(client, organisation) -> str:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        create_user(
            uow, username="scripter", name="演示程序", roles={Role.EDITOR}, password=PASSWORD,
            organisation_id=organisation.organisation_id,
        )  # fmt: skip
    answer = client.post("/api/v1/auth/sign-in", json={"username": "scripter", "password": PASSWORD})
    assert answer.status_code == 200
    return answer.json["token"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_tells_who_one_is_until_its_session_ends(client, token, organisation):
    me = client.get("/api/v1/me", headers=bearer(token)).json
    assert me["username"] == "scripter"
    assert me["organisation"] == organisation.name
    assert "item.write" in me["permissions"]
    assert client.delete("/api/v1/auth/session", headers=bearer(token)).status_code == 204
    assert client.get("/api/v1/me", headers=bearer(token)).status_code == 401


def test_signing_in_sets_no_cookie_and_needs_no_form_token(app, client, token):
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = client.post("/api/v1/auth/sign-in", json={"username": "scripter", "password": PASSWORD})
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert answer.status_code == 200
    assert not any(value.startswith("kaoku_staff") for value in answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize(
    ("send", "status", "code"),
    [
        (lambda c: c.get("/api/v1/me"), 401, "unauthenticated"),
        (lambda c: c.get("/api/v1/me", headers=bearer("wrong")), 401, "unauthenticated"),
        (lambda c: c.get("/api/v1/nothing-here"), 404, "not_found"),
        (lambda c: c.put("/api/v1/me"), 405, "method_not_allowed"),
        (lambda c: c.post("/api/v1/auth/sign-in", json={"username": "x", "password": "y"}), 422, "invalid_input"),
        (lambda c: c.post("/api/v1/auth/sign-in", json={"username": "x"}), 422, "invalid_input"),
        (
            lambda c: c.post("/api/v1/auth/sign-in", json={"username": "x", "password": "y", "z": 1}),
            422,
            "invalid_input",
        ),
        (lambda c: c.post("/api/v1/auth/sign-in", data="{", content_type="application/json"), 400, "bad_request"),
    ],
)
def test_every_error_has_the_one_shape(client, send, status, code):
    answer = send(client)
    assert answer.status_code == status
    assert set(answer.json) == {"error", "message", "details"}
    assert answer.json["error"] == code
    assert isinstance(answer.json["message"], str)
    assert answer.json["message"]
    assert isinstance(answer.json["details"], dict)


def test_a_fault_of_ours_tells_nothing_of_itself(app, client, token, monkeypatch):
    def broken(*_args):
        raise RuntimeError("secret detail of the fault")

    monkeypatch.setattr("web.api.describe", broken)
    app.config["TESTING"] = False
    try:
        answer = client.get("/api/v1/me", headers=bearer(token))
    finally:
        app.config["TESTING"] = True
    assert answer.status_code == 500
    assert answer.json["error"] == "internal"
    assert answer.json["details"] == {"request_id": answer.headers["X-Request-ID"]}
    assert "secret detail" not in answer.text


def test_the_document_names_every_call_and_the_page_shows_them(client, app):
    document = client.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/auth/sign-in", "/api/v1/auth/session", "/api/v1/me"} <= set(document["paths"])
    page = client.get("/api/v1/docs").text
    for path in document["paths"]:
        assert path in page
