from __future__ import annotations

import pytest
from flask import Flask

from kernel import audit
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.identity.services import create_user
from kernel.uow import unit_of_work


@pytest.fixture
def editor(app: Flask, organisation):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        user, password = create_user(
            uow, username="editor", name="演示题库员", roles={Role.EDITOR}, organisation_id=organisation.organisation_id,
            password="a good long password",
        )  # fmt: skip
    return user, password


def test_a_person_signs_in_sees_home_and_signs_out(app, editor):
    client = app.test_client()
    assert client.get("/").headers["Location"].startswith("/sign-in?next=/")
    answer = client.post("/sign-in", data={"username": "editor", "password": editor[1], "next": "/"})
    assert answer.status_code == 303
    page = client.get("/")
    assert "您好，演示题库员" in page.text
    client.post("/sign-out")
    assert client.get("/").status_code == 302


def test_a_wrong_password_and_an_unknown_name_say_the_same(app, editor):
    client = app.test_client()
    wrong = client.post("/sign-in", data={"username": "editor", "password": "not this one"})
    unknown = client.post("/sign-in", data={"username": "editor", "password": "nor this one"})
    assert wrong.status_code == unknown.status_code == 422
    assert "登录名或密码不正确" in wrong.text


def test_the_sixth_failure_is_throttled_even_with_the_right_password(app, editor):
    client = app.test_client()
    for _ in range(5):
        client.post("/sign-in", data={"username": "editor", "password": "not this one"})
    answer = client.post("/sign-in", data={"username": "editor", "password": editor[1]})
    assert answer.status_code == 429
    assert "分钟后再试" in answer.text


def test_next_never_leads_to_another_site(app, editor):
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = app.test_client().post("/sign-in", data={"username": "editor", "password": editor[1], "next": target})
        assert answer.headers["Location"] == "/"


def test_signing_in_writes_a_whole_audit_chain(app, editor):
    app.test_client().post("/sign-in", data={"username": "editor", "password": editor[1]})
    result = audit.verify(db.session())
    assert result.broken is None
    assert result.n_events >= 2


def test_english_is_chosen_by_its_link(app):
    client = app.test_client()
    client.get("/language/en")
    assert '<html lang="en">' in client.get("/sign-in").text


def test_a_page_that_does_not_exist_sends_nobody_to_a_menu_it_does_not_show(app):
    page = app.test_client().get("/no-such-page")
    assert page.status_code == 404
    assert "回首页重新进入" in page.text
    assert "左侧菜单" not in page.text
    assert 'href="/"' in page.text


def test_candidates_and_the_public_find_their_doors_on_the_page_that_everybody_meets_first(app):
    page = app.test_client().get("/sign-in").text
    assert 'href="/exam/"' in page
    for address in ("/my-results", "/certificates"):
        assert f'href="{address}"' in page
        assert app.test_client().get(address).status_code == 200
