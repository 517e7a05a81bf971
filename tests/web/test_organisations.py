from __future__ import annotations

import re

import pytest

from kernel.identity.permissions import Role
from kernel.identity.repository import find_organisation_by_code, granted_organisation_ids

GOOD = {"code": "ORG-1", "name": "演示机构一", "kind": "social", "certificate_prefix": "S000035001051"}


def test_an_organisation_is_created_changed_and_shown(sign_in, session):
    admin = sign_in(Role.PLATFORM_ADMIN)
    address = admin.post("/organisations/", data=GOOD).headers["Location"]
    assert "S000035001051" in admin.get(address).text
    changed = GOOD | {"name": "演示机构一（改名）", "version": "1", "is_active": "1", "code": "OTHER-CODE"}
    assert admin.post(address, data=changed).status_code == 303
    assert "演示机构一（改名）" in admin.get("/organisations/").text
    assert find_organisation_by_code(session, "OTHER-CODE") is None, "the code stays"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"certificate_prefix": "S00003500105"}, "应为 13 位"),
        ({"certificate_prefix": "X000035001051"}, "应为 13 位"),
        ({"certificate_prefix": "S000099001051"}, "省级行政区划代码"),
        ({"code": "with space"}, "机构代码须为"),
        ({"name": "短"}, "机构名称须为"),
        ({"kind": "club"}, "请选择机构类别"),
    ],
)
def test_what_is_malformed_is_named_beside_its_field(sign_in, session, changes, message):
    page = sign_in(Role.PLATFORM_ADMIN).post("/organisations/", data=GOOD | changes)
    assert page.status_code == 422
    assert message in page.text
    assert find_organisation_by_code(session, "ORG-1") is None


def test_a_code_is_given_once(sign_in, organisation):
    page = sign_in(Role.PLATFORM_ADMIN).post("/organisations/", data=GOOD | {"code": organisation.code})
    assert page.status_code == 409
    assert "已存在" in page.text


def test_a_change_made_on_an_old_version_is_refused_and_shown_again(sign_in, organisation):
    admin = sign_in(Role.PLATFORM_ADMIN)
    address = f"/organisations/{organisation.organisation_id}"
    admin.post(address, data=GOOD | {"version": "1", "is_active": "1"})
    page = admin.post(address, data=GOOD | {"version": "1", "is_active": "1", "name": "演示另一个名字"})
    assert page.status_code == 409
    assert "已被他人修改" in page.text
    assert "演示另一个名字" in page.text


def test_the_people_of_a_disabled_organisation_lose_access_at_once(sign_in, organisation):
    editor = sign_in(Role.EDITOR)
    admin = sign_in(Role.PLATFORM_ADMIN)
    admin.post(f"/organisations/{organisation.organisation_id}", data=GOOD | {"version": "1"})
    assert editor.get("/").headers["Location"].startswith("/sign-in")


def test_a_centre_is_granted_a_view_and_loses_it(sign_in, session, organisation, other_organisation):
    admin = sign_in(Role.PLATFORM_ADMIN)
    address = f"/organisations/{organisation.organisation_id}"
    centre = other_organisation.organisation_id
    admin.post(f"{address}/grants", data={"grantee": str(centre)})
    assert granted_organisation_ids(session, centre) == [organisation.organisation_id]
    assert admin.post(f"{address}/grants", data={"grantee": str(centre)}).status_code == 409
    assert admin.post(f"{address}/grants", data={"grantee": str(organisation.organisation_id)}).status_code == 422
    withdraw = re.search(r'action="([^"]+/withdraw)"', admin.get(address).text)[1]
    admin.post(withdraw)
    assert granted_organisation_ids(session, centre) == []


def test_an_organisations_own_administrator_manages_no_organisations(sign_in, organisation):
    admin = sign_in(Role.ORGANISATION_ADMIN)
    assert admin.get("/organisations/").status_code == 403
    assert admin.post(f"/organisations/{organisation.organisation_id}", data=GOOD).status_code == 403
