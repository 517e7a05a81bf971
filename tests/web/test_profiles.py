from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from kernel import profiles
from kernel.identity.permissions import Role
from web.pages.profiles import local_today

ROOM_SIZE = "exam.room_size"


def filled(page: str) -> dict[str, str]:
    """Return what the form would send when nothing is changed."""
    form = page[page.index('action="/profiles/"') :]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]+)"', tag)
        is_off = 'type="checkbox"' in tag and " checked" not in tag
        if name and not is_off:
            fields[name[1]] = unescape(re.search(r'value="([^"]*)"', tag)[1])
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        fields[name] = unescape(text)
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        fields[name] = re.search(r'value="([^"]*)" selected', options)[1]
    return fields


@pytest.fixture
def admin(sign_in):
    return sign_in(Role.ORGANISATION_ADMIN)


def test_publishing_the_form_unchanged_keeps_every_default(admin, session, organisation):
    data = filled(admin.get("/profiles/new").text)
    assert set(profiles.all_keys()) - set(data) <= {n for n, k in profiles.all_keys().items() if k.default is False}
    address = admin.post("/profiles/", data=data).headers["Location"]
    assert "各项数值与上一版相同" in admin.get(address).text
    assert profiles.values(session, organisation.organisation_id) == {
        name: key.default for name, key in profiles.all_keys().items()
    }


def test_a_change_holds_from_its_date_on_and_stands_in_the_history(admin, session, organisation):
    tomorrow = local_today() + timedelta(days=1)
    data = filled(admin.get("/profiles/new").text) | {ROOM_SIZE: "24", "effective_on": tomorrow.isoformat()}
    page = admin.get(admin.post("/profiles/", data=data | {"note": "演示文件"}).headers["Location"])
    assert "<del>30</del>" in page.text
    assert "<ins>24</ins>" in page.text
    identifier = organisation.organisation_id
    assert profiles.value(session, identifier, ROOM_SIZE, on=local_today()) == 30
    assert profiles.value(session, identifier, ROOM_SIZE, on=tomorrow) == 24
    assert "演示文件" in admin.get("/profiles/").text


def test_values_out_of_bounds_stand_beside_their_fields_and_nothing_is_published(admin):
    data = filled(admin.get("/profiles/new").text) | {ROOM_SIZE: "0", "exam.duration_minutes": "viel"}
    page = admin.post("/profiles/", data=data)
    assert page.status_code == 422
    assert "应在" in page.text
    assert "请填写数字" in page.text
    assert "还没有发布过版本" in admin.get("/profiles/").text


def test_rules_cannot_be_changed_for_the_past(admin):
    yesterday = (local_today() - timedelta(days=1)).isoformat()
    data = filled(admin.get("/profiles/new").text) | {"effective_on": yesterday}
    page = admin.post("/profiles/", data=data)
    assert page.status_code == 422
    assert "不能追溯" in page.text


def test_two_people_who_open_the_form_together_cannot_overwrite_each_other(admin):
    one, other = (filled(admin.get("/profiles/new").text) for _ in range(2))
    assert admin.post("/profiles/", data=one | {ROOM_SIZE: "20"}).status_code == 303
    page = admin.post("/profiles/", data=other | {ROOM_SIZE: "40"})
    assert page.status_code == 409
    assert "刚刚被他人更新" in page.text


def test_the_platform_reads_an_organisations_rules_but_does_not_publish(sign_in, organisation):
    platform = sign_in(Role.PLATFORM_ADMIN)
    page = platform.get(f"/profiles/?organisation={organisation.organisation_id}")
    assert page.status_code == 200
    assert "发布新版" not in page.text
    assert platform.get("/profiles/new").status_code == 403


def test_versions_of_another_organisation_are_not_shown(admin, sign_in, make_user, other_organisation):
    admin.post("/profiles/", data=filled(admin.get("/profiles/new").text))
    stranger = sign_in(Role.ORGANISATION_ADMIN, organisation_id=other_organisation.organisation_id)
    assert stranger.get("/profiles/1").status_code == 404


def test_a_choice_is_read_in_words_and_kept_as_its_code(admin):
    form = admin.get("/profiles/new").text
    assert '<option value="refuse"' in form
    assert ">refuse<" not in form
    assert ">warn<" not in admin.get("/profiles/").text
