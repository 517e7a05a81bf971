from __future__ import annotations

import re

import pytest

from kernel.identity.models import AuthSession, User
from kernel.identity.permissions import Role
from kernel.identity.repository import find_user_by_name

PASSWORD = re.compile(r"<code>([a-z2-9]{4}(?:-[a-z2-9]{4}){3})</code>")


def create(client, **changes):
    data = {"name": "演示新人", "username": "newcomer", "roles": ["author"]} | changes
    return client.post("/people/", data=data)


def test_a_new_person_gets_a_password_once_and_must_change_it(app, sign_in):
    admin = sign_in(Role.ORGANISATION_ADMIN)
    page = create(admin)
    password = PASSWORD.search(page.text)[1]
    assert page.headers["Cache-Control"] == "no-store"

    own = app.test_client()
    own.post("/sign-in", data={"username": "newcomer", "password": password})
    assert own.get("/").headers["Location"] == "/account/password"
    refused = own.get("/items/")
    assert refused.status_code == 403
    assert "请先设置自己的密码" in refused.text
    own.post("/account/password", data={"old": password, "new": "my own long words", "again": "my own long words"})
    assert "您好，演示新人" in own.get("/").text
    assert own.get("/items/").status_code == 200
    assert password not in admin.get("/people/?q=newcomer").text


def test_what_is_wrong_with_a_new_person_stands_on_the_form_and_nothing_is_lost(sign_in):
    page = create(sign_in(Role.ORGANISATION_ADMIN), username="x y", roles=[])
    assert page.status_code == 422
    assert 'id="error-username"' in page.text
    assert 'href="#field-username"' in page.text
    assert "登录名须为" in page.text
    assert 'value="演示新人"' in page.text
    assert 'id="error-roles"' in create(sign_in(Role.ORGANISATION_ADMIN), roles=[]).text


def test_a_taken_sign_in_name_is_refused(sign_in):
    admin = sign_in(Role.ORGANISATION_ADMIN)
    create(admin)
    page = create(admin)
    assert page.status_code == 409
    assert "已被使用" in page.text
    assert 'id="error-username"' in page.text


def test_people_of_another_organisation_look_as_if_they_did_not_exist(sign_in, make_user, other_organisation):
    stranger = make_user(Role.EDITOR, organisation_id=other_organisation.organisation_id, name="stranger-1")
    admin = sign_in(Role.ORGANISATION_ADMIN)
    assert "stranger-1" not in admin.get("/people/").text
    address = f"/people/{stranger.user_id}"
    assert admin.get(address).status_code == 404
    for act in ("", "/disable", "/enable", "/password", "/sessions/end"):
        assert admin.post(address + act, data={"name": "x", "roles": ["author"]}).status_code == 404


def test_an_organisation_cannot_make_a_platform_administrator_or_place_people_elsewhere(
    sign_in, session, organisation, other_organisation
):
    admin = sign_in(Role.ORGANISATION_ADMIN)
    page = create(admin, roles=["platform_admin"])
    assert page.status_code == 422
    create(admin, organisation=str(other_organisation.organisation_id))
    assert find_user_by_name(session, "newcomer").organisation_id == organisation.organisation_id


def test_the_platform_finds_people_everywhere_and_by_role_state_and_organisation(
    sign_in, make_user, other_organisation
):
    make_user(Role.EDITOR, name="editor-here")
    make_user(Role.AUTHOR, name="author-there", organisation_id=other_organisation.organisation_id)
    admin = sign_in(Role.PLATFORM_ADMIN)
    everybody = admin.get("/people/").text
    assert "editor-here" in everybody
    assert "author-there" in everybody
    assert "author-there" not in admin.get("/people/?role=editor").text
    assert "editor-here" not in admin.get(f"/people/?organisation={other_organisation.organisation_id}").text
    assert "editor-here" not in admin.get("/people/?state=disabled").text


def test_a_disabled_person_loses_access_at_once(sign_in, make_user):
    editor = make_user(Role.EDITOR)
    client = sign_in(user=editor)
    assert client.get("/").status_code == 200
    admin = sign_in(Role.ORGANISATION_ADMIN)
    admin.post(f"/people/{editor.user_id}/disable")
    assert client.get("/").headers["Location"].startswith("/sign-in")
    admin.post(f"/people/{editor.user_id}/enable")
    assert client.get("/").status_code == 302, "the old session stays ended"


def test_new_roles_act_at_the_next_request(sign_in, make_user):
    person = make_user(Role.AUTHOR)
    client = sign_in(user=person)
    assert client.get("/people/").status_code == 403
    admin = sign_in(Role.PLATFORM_ADMIN)
    admin.post(f"/people/{person.user_id}", data={"name": "改过的名字", "roles": ["author", "organisation_admin"]})
    assert client.get("/people/").status_code == 200
    assert "改过的名字" in admin.get(f"/people/{person.user_id}").text


def test_nobody_locks_themselves_out(sign_in, make_user, session):
    admin = make_user(Role.ORGANISATION_ADMIN)
    client = sign_in(user=admin)
    page = client.post(f"/people/{admin.user_id}", data={"name": admin.name, "roles": ["author"]})
    assert page.status_code == 409
    assert client.post(f"/people/{admin.user_id}/disable").status_code == 409
    assert client.get("/people/").status_code == 200


def test_a_reset_password_ends_all_sessions_and_replaces_the_old_one(app, sign_in, make_user, session):
    person = make_user(Role.AUTHOR)
    client = sign_in(user=person)
    page = sign_in(Role.ORGANISATION_ADMIN).post(f"/people/{person.user_id}/password")
    password = PASSWORD.search(page.text)[1]
    assert client.get("/").status_code == 302
    fresh = app.test_client()
    assert fresh.post("/sign-in", data={"username": person.username, "password": password}).status_code == 303


def test_sessions_of_a_person_are_shown_and_ended(sign_in, make_user, session):
    person = make_user(Role.AUTHOR)
    client = sign_in(user=person)
    admin = sign_in(Role.ORGANISATION_ADMIN)
    assert "127.0.0.1" in admin.get(f"/people/{person.user_id}").text
    admin.post(f"/people/{person.user_id}/sessions/end")
    assert client.get("/").status_code == 302


def test_one_ends_ones_own_other_session_but_nobody_elses(sign_in, make_user, session):
    person = make_user(Role.AUTHOR)
    here, there = sign_in(user=person), sign_in(user=person)
    stranger = sign_in(Role.AUTHOR)
    page = here.get("/account/sessions")
    assert "当前登录" in page.text
    address = re.search(r'action="(/account/sessions/[0-9a-f-]+/end)"', page.text)[1]
    assert stranger.post(address).status_code == 404
    assert here.post(address).status_code == 303
    assert there.get("/").status_code == 302
    assert here.get("/").status_code == 200


@pytest.mark.parametrize("role", [r for r in Role if r not in {Role.PLATFORM_ADMIN, Role.ORGANISATION_ADMIN}])
def test_other_roles_do_not_manage_people(sign_in, role):
    assert sign_in(role).get("/people/").status_code == 403


def test_a_list_of_people_costs_the_same_number_of_queries_however_long_it_is(sign_in, make_user, count_queries):
    admin = sign_in(Role.ORGANISATION_ADMIN)
    admin.get("/people/")
    with count_queries() as few:
        admin.get("/people/")
    for _ in range(20):
        make_user(Role.AUTHOR)
    with count_queries() as many:
        admin.get("/people/")
    assert len(many) == len(few)


def test_tokens_are_never_stored_as_they_are(sign_in, session):
    client = sign_in(Role.AUTHOR)
    token = client.get_cookie("kaoku_staff").value
    assert session.query(AuthSession).filter_by(token_hash=token).count() == 0
    assert session.query(User).count() >= 1
