from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from kernel.clock import now
from kernel.db import db
from kernel.errors import ForbiddenError, InvalidInputError, UnauthenticatedError
from kernel.identity.actor import ANONYMOUS, require
from kernel.identity.models import AuthSession
from kernel.identity.passwords import hash_password, one_time_password, verify_password
from kernel.identity.permissions import ROLE_LABELS, ROLE_PERMISSIONS, Permission, Role
from kernel.identity.services import actor_of_token, change_own_password, create_user, end_session, open_session
from kernel.uow import unit_of_work

IDLE = timedelta(minutes=30)


@pytest.fixture
def signed(make_actor):
    with unit_of_work(make_actor(Role.EDITOR)) as uow:
        return open_session(uow, uow.actor.user_id, hours=8, address="127.0.0.1", user_agent="test")


def whose(token: str):
    db.session.expire_all()
    return actor_of_token(db.session(), token, idle=IDLE)


def test_a_token_belongs_to_its_person_and_to_nobody_when_changed(signed):
    assert whose(signed.token).user_id == signed.user_id
    for wrong in ("", signed.token[:-1], signed.token.swapcase()):
        with pytest.raises(UnauthenticatedError):
            whose(wrong)


def test_only_the_hash_of_a_token_is_stored(signed, session):
    row = session.get(AuthSession, signed.session_id)
    assert signed.token not in {str(getattr(row, column.key)) for column in AuthSession.__table__.columns}


def test_an_idle_session_ends(signed):
    with time_machine.travel(now() + IDLE - timedelta(minutes=1), tick=False):
        whose(signed.token)
    with time_machine.travel(now() + IDLE + timedelta(minutes=1), tick=False), pytest.raises(UnauthenticatedError):
        whose(signed.token)


def test_a_busy_session_ends_too_when_its_time_is_over(app, sign_in, make_user, session):
    client = sign_in(user=make_user(Role.AUTHOR))  # one hour
    start = now()
    for minutes in (20, 40, 59):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            assert client.get("/").status_code == 200
    with time_machine.travel(start + timedelta(minutes=61), tick=False):
        assert client.get("/").status_code == 302


def test_using_a_session_keeps_it_from_falling_idle(app, sign_in, make_user):
    client = sign_in(user=make_user(Role.AUTHOR))
    start, idle = now(), app.config["KAOKU"].session_idle_minutes
    assert idle > 60
    with time_machine.travel(start + timedelta(minutes=50), tick=False):
        client.get("/")
    row = db.session.query(AuthSession).order_by(AuthSession.created_at.desc()).first()
    assert row.last_seen_at >= start + timedelta(minutes=50)


def test_an_ended_session_opens_nothing(signed, make_actor):
    with unit_of_work(make_actor(Role.EDITOR)) as uow:
        end_session(uow, signed.session_id)
    with pytest.raises(UnauthenticatedError):
        whose(signed.token)


def test_signing_in_never_keeps_a_token_that_the_visitor_brought(app, organisation, make_actor):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        create_user(
            uow, username="fixated", name="演示", roles={Role.AUTHOR}, organisation_id=organisation.organisation_id,
            password="a good long password",
        )  # fmt: skip
    client = app.test_client()
    client.set_cookie("kaoku_staff", "a-token-that-the-attacker-knows")
    first = client.post("/sign-in", data={"username": "fixated", "password": "a good long password"})
    token = client.get_cookie("kaoku_staff").value
    assert token != "a-token-that-the-attacker-knows"
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert "SameSite=Lax" in first.headers["Set-Cookie"]
    client.post("/sign-out")
    client.post("/sign-in", data={"username": "fixated", "password": "a good long password"})
    assert client.get_cookie("kaoku_staff").value != token


def test_changing_ones_password_needs_the_old_one_and_ends_the_other_sessions(make_actor, make_user, organisation):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        user, old = create_user(
            uow, username="changer", name="演示", roles={Role.AUTHOR}, organisation_id=organisation.organisation_id
        )
        here = open_session(uow, user.user_id, hours=1, address="", user_agent="")
        there = open_session(uow, user.user_id, hours=1, address="", user_agent="")
    me = whose(here.token)
    with pytest.raises(InvalidInputError), unit_of_work(me) as uow:
        change_own_password(uow, old="wrong", new="a good new password")
    with unit_of_work(me) as uow:
        change_own_password(uow, old=old, new="a good new password")
    assert whose(here.token).user_id == user.user_id
    with pytest.raises(UnauthenticatedError):
        whose(there.token)


def test_passwords_are_argon2id_and_never_match_nobody():
    stored = hash_password("a good long password")
    assert stored.startswith("$argon2id$")
    assert verify_password("a good long password", stored)
    assert not verify_password("a good long passwore", stored)
    assert not verify_password("a name nobody has", None)
    assert not verify_password("anything", "-")


@pytest.mark.parametrize("weak", ["short", "aaaaaaaaaaaaaaa", "ababababababab"])
def test_weak_passwords_are_refused(weak):
    with pytest.raises(InvalidInputError):
        hash_password(weak)


def test_one_time_passwords_differ_and_are_easy_to_read_out():
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert not set("".join(made)) & set("ilo01")


def test_every_role_has_a_name_and_permissions_and_every_permission_a_role():
    assert set(ROLE_LABELS) == set(ROLE_PERMISSIONS) == set(Role)
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == frozenset(Permission)


def test_the_platform_holds_no_permission_over_items_forms_and_candidates():
    held = {permission.value.partition(".")[0] for permission in ROLE_PERMISSIONS[Role.PLATFORM_ADMIN]}
    assert not held & {"item", "form", "session", "response", "score", "certificate", "personal_data"}


def test_nobody_anonymous_may_do_anything():
    for permission in Permission:
        with pytest.raises(ForbiddenError):
            require(ANONYMOUS, permission)
