"""Minutes that were sent twice are given once: double clicks, answers that were lost, two requests at the same moment."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from exam_delivery.models import DeadlineChange, Incident, MisconductCase
from kernel.clock import now
from kernel.db import db
from kernel.http import idempotency
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.identity.services import open_session
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import begin
from tests.exam_delivery.test_console_time import WHY, address, given, hidden, lose, one
from tests.exam_delivery.test_misconduct import DRAFT
from tests.pages import words
from web.app import create_app

TWICE = "同一张表单收到了两次，只执行了一次。"


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(uow.session, organisation.organisation_id, starts_at=now() - timedelta(minutes=10))


@pytest.fixture
def desk(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


def key_in(page: str, action: str) -> str:
    """Return the key of the form with this address, as the page shows it."""
    [form] = [part for part in page.split("<form ")[1:] if f'action="{action}' in part.split(">")[0]]
    [key] = re.findall(r'name="once_key" value="([^"]+)"', form.split("</form>")[0])
    return str(key)


def room_form(desk: FlaskClient, sitting: Sitting) -> dict[str, str]:
    shown = desk.get(address(sitting, "")).text
    return WHY | {"minutes": "10", "once_key": key_in(shown, address(sitting, "/add-time"))}


def test_a_double_click_gives_the_minutes_once_and_the_page_says_so(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    form = room_form(desk, sitting)
    first = desk.post(address(sitting, "/add-time"), data=form)
    second = desk.post(address(sitting, "/add-time"), data=form)
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.location == first.location
    assert given(session) == [10, 10, 10]
    shown = words(desk.get(second.location).text)
    assert shown.count("已为 3 名考生延时") == 1
    assert TWICE in shown


def test_each_page_that_is_shown_gives_minutes_of_its_own(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    for _ in range(2):
        desk.post(address(sitting, "/add-time"), data=room_form(desk, sitting))
    assert given(session) == [10] * 6


def test_other_minutes_under_the_same_form_are_asked_about_and_given_when_they_are_meant(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    form = room_form(desk, sitting)
    desk.post(address(sitting, "/add-time"), data=form)
    asked = desk.post(address(sitting, "/add-time"), data=form | {"minutes": "15", "note": "又停了一次电"})
    assert asked.status_code == 409
    assert "这次的内容与那次不同，还没有执行" in words(asked.text)
    assert "又停了一次电" in words(asked.text)
    assert given(session) == [10, 10, 10]
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
    assert again["once_key"] != form["once_key"]
    desk.post(address(sitting, "/add-time"), data=again)
    assert sorted(given(session)) == [10, 10, 10, 15, 15, 15]


def test_a_refused_form_is_mended_and_sent_again(session: Session, sitting: Sitting, desk: FlaskClient) -> None:
    form = room_form(desk, sitting)
    refused = desk.post(address(sitting, "/add-time"), data=form | {"reason": ""}, follow_redirects=True)
    assert given(session) == []
    assert TWICE not in refused.text
    desk.post(address(sitting, "/add-time"), data=form)
    assert given(session) == [10, 10, 10]


def test_the_question_about_a_large_addition_is_confirmed_once(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    form = room_form(desk, sitting) | {"minutes": "60"}
    asked = hidden(desk.post(address(sitting, "/add-time"), data=form)) | {"minutes": "60"}
    assert asked["once_key"] == [form["once_key"]]
    for _ in range(2):
        desk.post(address(sitting, "/add-time"), data=asked)
    assert given(session) == [60, 60, 60]


def test_the_drawer_whose_answer_was_lost_sends_again_by_script_or_as_a_page(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    shown = desk.get(one(sitting).removesuffix("/add-time")).text
    form = WHY | {"minutes": "10", "once_key": key_in(shown, one(sitting))}
    script = {"HX-Request": "true"}
    first = desk.post(one(sitting), data=form, headers=script)
    second = desk.post(one(sitting), data=form, headers=script)
    assert (first.status_code, second.status_code) == (204, 204)
    assert second.headers["HX-Redirect"] == first.headers["HX-Redirect"]
    third = desk.post(one(sitting), data=form)
    assert (third.status_code, third.location) == (303, first.headers["HX-Redirect"])
    assert given(session) == [10]


def test_lost_time_is_given_back_once(session: Session, sitting: Sitting, desk: FlaskClient) -> None:
    begin(sitting, 0)
    lose(sitting, 0, 5)
    key = str(sitting.people[0].attempt_id)
    place = address(sitting, "/lost-time")
    form = WHY | {"selected": key, f"minutes-{key}": "5", "once_key": key_in(desk.get(place).text, place)}
    for _ in range(2):
        assert desk.post(place, data=form).status_code == 303
    assert given(session) == [5]


def test_time_for_the_chosen_is_given_once(session: Session, sitting: Sitting, desk: FlaskClient) -> None:
    place = address(sitting, "/selected")
    people = [str(person.registration_id) for person in sitting.people[:2]]
    key = key_in(desk.get(address(sitting, "")).text, place)
    form = WHY | {"act": "add-time", "minutes": "10", "selected": people, "once_key": key}
    for _ in range(2):
        assert desk.post(place, data=form).status_code == 303
    assert given(session) == [10, 10]


def test_a_note_is_written_down_once(session: Session, sitting: Sitting, desk: FlaskClient) -> None:
    place = address(sitting, "/notes")
    form = {"text": "空调停了", "once_key": key_in(desk.get(address(sitting, "")).text, place)}
    for _ in range(2):
        desk.post(place, data=form)
    assert session.scalar(select(func.count()).select_from(Incident).where(Incident.text == "空调停了")) == 1


def test_a_case_of_misconduct_is_opened_once(session: Session, sitting: Sitting, desk: FlaskClient) -> None:
    begin(sitting, 0)
    place = address(sitting, f"/candidates/{sitting.people[0].registration_id}/misconduct")
    key = key_in(desk.get(place).text, place)
    form = {"breach": "phone", "facts": DRAFT.facts, "statement": "我只是看时间。", "once_key": key}
    first, second = desk.post(place, data=form), desk.post(place, data=form)
    assert first.status_code == 303
    assert second.location == first.location
    assert session.scalar(select(func.count()).select_from(MisconductCase)) == 1


def test_a_form_that_broke_down_gave_nothing_and_gives_the_minutes_when_sent_again(
    app: Flask, session: Session, sitting: Sitting, desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise OSError("the disk is gone")

    form = room_form(desk, sitting)
    app.config["TESTING"] = False
    try:
        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "keep_answer", broken)
            assert desk.post(address(sitting, "/add-time"), data=form).status_code == 500
        assert given(session) == []
        desk.post(address(sitting, "/add-time"), data=form)
    finally:
        app.config["TESTING"] = True
    assert given(session) == [10, 10, 10]


def test_two_colleagues_with_the_same_key_are_two(
    session: Session, sitting: Sitting, desk: FlaskClient, sign_in: SignIn
) -> None:
    form = {"text": "空调停了", "once_key": "the-same-key"}
    for who in (desk, sign_in(Role.CHIEF_INVIGILATOR)):
        who.post(address(sitting, "/notes"), data=form)
    assert session.scalar(select(func.count()).select_from(Incident).where(Incident.text == "空调停了")) == 2


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
def real_sitting(real_app: Flask) -> tuple[Sitting, str]:
    """A session of a real database, and the token of a chief invigilator."""
    with real_app.app_context(), unit_of_work(system_actor()) as uow:
        organisation = Organisation(
            code="DEMO", name="演示评价机构", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now()
        )
        uow.add(organisation)
        uow.flush()
        owner = organisation.organisation_id
        user = User(
            username="chief", name="演示主监考", password_hash="-", must_change_password=False, is_active=True,
            organisation_id=owner, locale="zh_Hans_CN", created_at=now(), roles=[UserRole(role=Role.CHIEF_INVIGILATOR)],
        )  # fmt: skip
        uow.add(user)
        uow.flush()
        signed = open_session(uow, user.user_id, hours=1, address="127.0.0.1", user_agent="test")
        return prepare(uow.session, owner, starts_at=now() - timedelta(minutes=10)), signed.token


def test_forms_at_the_same_moment_all_lead_on_and_one_is_carried_out(
    real_app: Flask, real_sitting: tuple[Sitting, str]
) -> None:
    sitting, token = real_sitting
    n_calls = 4
    start = threading.Barrier(n_calls)

    def click(_n: int) -> TestResponse:
        client = real_app.test_client()
        client.set_cookie("kaoku_staff", token)
        start.wait()
        return client.post(address(sitting, "/add-time"), data=WHY | {"minutes": "10", "once_key": "one-and-the-same"})

    with ThreadPoolExecutor(n_calls) as pool:
        answers = list(pool.map(click, range(n_calls)))
    assert [one.status_code for one in answers] == [303] * n_calls
    assert len([one for one in answers if "Idempotency-Replayed" not in one.headers]) == 1
    with real_app.app_context():
        assert list(db.session().scalars(select(DeadlineChange.minutes))) == [10, 10, 10]
