from __future__ import annotations

from kernel.identity.permissions import Role


def test_an_administrator_finds_people_inside_the_walls(sign_in, make_user, other_organisation):
    make_user(Role.AUTHOR, name="sought-here")
    make_user(Role.AUTHOR, name="sought-there", organisation_id=other_organisation.organisation_id)
    page = sign_in(Role.ORGANISATION_ADMIN).get("/search/?q=sought").text
    assert "sought-here" in page
    assert "sought-there" not in page


def test_who_may_not_manage_people_does_not_find_them(sign_in, make_user):
    make_user(Role.AUTHOR, name="sought-here")
    assert "sought-here" not in sign_in(Role.AUTHOR).get("/search/?q=sought").text


def test_signs_of_patterns_are_taken_as_they_are(sign_in, make_user):
    make_user(Role.AUTHOR, name="plain-name")
    assert "plain-name" not in sign_in(Role.ORGANISATION_ADMIN).get("/search/?q=%25%25").text


def test_one_letter_is_too_little_and_says_so(sign_in):
    assert "至少两个字" in sign_in(Role.AUTHOR).get("/search/?q=a").text
