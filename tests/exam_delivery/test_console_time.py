"""Large additions of time are asked about once more, and what was typed survives a refusal."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from exam_delivery.models import ContactGap, DeadlineChange
from exam_delivery.pages.console_lines import clock_text
from exam_delivery.rules.room import Reason
from exam_delivery.services import holds
from exam_delivery.services.room_acts import Why
from kernel.clock import now
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeActor, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import attempt_of, begin
from tests.pages import words

WHY = {"reason": "power", "note": "二楼跳闸"}


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


@pytest.fixture
def desk(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


def address(sitting: Sitting, tail: str) -> str:
    return f"/console/{sitting.exam_session_id}{tail}"


def one(sitting: Sitting) -> str:
    return address(sitting, f"/candidates/{sitting.people[0].registration_id}/add-time")


def given(session: Session) -> list[int]:
    return sorted(int(row.minutes) for row in session.scalars(select(DeadlineChange)))


def hidden(reply: TestResponse) -> dict[str, list[str]]:
    """Return the hidden fields of the question, and its button, as the browser would send them."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', reply.text):
        if name != "csrf_token":
            found.setdefault(name, []).append(value)
    [mark] = re.findall(r'name="confirmed" value="([^"]+)"', reply.text)
    return found | {"confirmed": [mark]}


def lose(sitting: Sitting, k: int, minutes: int) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        start = now() - timedelta(minutes=minutes + 1)
        end = start + timedelta(minutes=minutes)
        uow.add(ContactGap(attempt_id=sitting.people[k].attempt_id, started_at=start, ended_at=end))


def test_a_hundred_minutes_typed_for_ten_are_shown_with_the_new_end_before_they_are_given(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0)
    deadline = attempt_of(session, sitting, 0).deadline_at
    assert deadline is not None
    asked = desk.post(one(sitting), data=WHY | {"minutes": "100"})
    assert given(session) == []
    assert "还没有延时" in words(asked.text)
    assert clock_text(deadline + timedelta(minutes=100)) in asked.text
    assert hidden(asked)["note"] == ["二楼跳闸"]
    assert "已延时" in desk.post(one(sitting), data=hidden(asked) | {"minutes": "10"}, follow_redirects=True).text
    assert given(session) == [10]


def test_who_confirms_the_minutes_that_were_shown_gives_them_and_other_ones_are_asked_about_again(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0)
    asked = desk.post(one(sitting), data=WHY | {"minutes": "40"})
    assert "还没有延时" in desk.post(one(sitting), data=hidden(asked) | {"minutes": "140"}).text
    assert given(session) == []
    assert "已延时" in desk.post(one(sitting), data=hidden(asked) | {"minutes": "40"}, follow_redirects=True).text
    assert given(session) == [40]


@pytest.mark.parametrize(
    ("lost", "minutes", "is_asked"), [(0, 30, False), (0, 31, True), (4, 5, True), (35, 35, False)]
)
def test_what_was_measured_as_lost_is_given_without_asking(
    session: Session, sitting: Sitting, desk: FlaskClient, *, lost: int, minutes: int, is_asked: bool
) -> None:
    begin(sitting, 0)
    if lost:
        lose(sitting, 0, lost)
    reply = desk.post(one(sitting), data=WHY | {"minutes": str(minutes)})
    assert (reply.status_code, given(session)) == ((200, []) if is_asked else (303, [minutes]))


def test_the_room_is_shown_with_the_new_end_of_each_who_has_begun_or_waits(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0)
    data = WHY | {"minutes": "60", "room": str(sitting.room_ids[0])}
    asked = desk.post(address(sitting, "/add-time"), data=data)
    shown = words(asked.text)
    assert "考生1" in shown
    assert "考生3" in shown
    assert "考生2" not in shown  # who sits in the other room
    assert "开始作答后最多 120 分钟" in shown
    reply = desk.post(address(sitting, "/add-time"), data=hidden(asked) | {"minutes": "60"}, follow_redirects=True)
    assert "已为 2 名考生延时" in reply.text
    assert given(session) == [60, 60]


def test_the_chosen_and_those_of_the_proposal_are_asked_about_too(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0, 1)
    lose(sitting, 0, 4)
    lose(sitting, 1, 2)
    people = {"act": "add-time", "selected": [str(person.registration_id) for person in sitting.people[:2]]}
    asked = desk.post(address(sitting, "/selected"), data=WHY | people | {"minutes": "45"})
    assert hidden(asked)["selected"] == people["selected"]
    keys = [str(sitting.people[k].attempt_id) for k in (0, 1)]
    own = {f"minutes-{keys[0]}": "4", f"minutes-{keys[1]}": "20"}
    asked = desk.post(address(sitting, "/lost-time"), data=WHY | own | {"selected": keys})
    assert given(session) == []
    desk.post(address(sitting, "/lost-time"), data=hidden(asked) | own | {f"minutes-{keys[1]}": "2"})
    assert given(session) == [2, 4]


def test_a_large_addition_without_a_reason_is_refused_before_it_is_asked_about(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0)
    reply = desk.post(one(sitting), data={"minutes": "100", "note": "二楼跳闸"})
    assert (reply.status_code, given(session)) == (422, [])
    assert "“延时”没有执行" in words(reply.text)


def field(text: str, name: str) -> str:
    """Return the tag of the field with this identity."""
    [tag] = re.findall(rf'<(?:input|select)[^>]* id="{name}"[^>]*>', text)
    return tag


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_refused_act_keeps_what_was_typed_with_the_message_beside_the_field(
    sitting: Sitting, desk: FlaskClient, headers: dict[str, str]
) -> None:
    begin(sitting, 0)
    base = address(sitting, f"/candidates/{sitting.people[0].registration_id}")
    reply = desk.post(f"{base}/lock", data={"reason": "other", "note": " "}, headers=headers)
    assert reply.status_code == 422
    assert ("<html" in reply.text) is not bool(headers)
    assert 'aria-invalid="true"' in field(reply.text, "lock-note")
    assert '<option value="other" selected>' in reply.text
    assert "请写明原因" in words(reply.text)
    reply = desk.post(f"{base}/lock", data={"reason": "", "note": "第三次离开页面"}, headers=headers)
    assert 'value="第三次离开页面"' in field(reply.text, "lock-note")
    assert 'aria-invalid="true"' in field(reply.text, "lock-reason")
    assert "aria-invalid" not in field(reply.text, "pause-reason")


def test_what_no_longer_fits_says_why_and_gives_the_typed_words_back(
    session: Session, sitting: Sitting, desk: FlaskClient, make_actor: Callable[..., Actor] | MakeActor
) -> None:
    begin(sitting, 0)
    with unit_of_work(make_actor(Role.CHIEF_INVIGILATOR)) as uow:
        holds.pause(uow, sitting.exam_session_id, sitting.people[0].attempt_id, why=Why(Reason.POWER))
    base = address(sitting, f"/candidates/{sitting.people[0].registration_id}")
    reply = desk.post(f"{base}/pause", data=WHY)
    assert reply.status_code == 409
    assert "您填写的说明：二楼跳闸" in words(reply.text)


def test_an_act_done_in_the_drawer_tells_it_where_to_go(session: Session, sitting: Sitting, desk: FlaskClient) -> None:
    begin(sitting, 0)
    base = address(sitting, f"/candidates/{sitting.people[0].registration_id}")
    reply = desk.post(f"{base}/lock?view=seats", data=WHY, headers={"HX-Request": "true"})
    assert (reply.status_code, reply.text) == (204, "")
    assert reply.headers["HX-Redirect"] == address(sitting, "?view=seats")
    assert "已锁定，考生页面几秒内变为只读" in desk.get(reply.headers["HX-Redirect"]).text
