"""Setting a session's surroundings, and exemptions from them: two persons, the walls, the audit."""

from __future__ import annotations

import json
import plistlib
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, LockdownExemption, SessionLockdown, SessionRoom, SessionStatus
from exam_delivery.rules import seb, seb_file
from exam_delivery.rules.lockdown import ExemptionState, LockdownMode
from kernel.audit.models import AuditEvent
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeUser, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare

BASE = "https://exam.example.cn"
FORM = {"base_url": f"{BASE}/", "quit_password": "leave", "allow_reload": "1"}


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


@pytest.fixture
def officer(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.EXAM_OFFICER)


@pytest.fixture
def chief(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


@pytest.fixture
def invigilator(sitting: Sitting, sign_in: SignIn, make_user: MakeUser) -> FlaskClient:
    user = make_user(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[0])).invigilator_ids = [
            str(user.user_id)
        ]
    return sign_in(user=user)


@pytest.fixture
def strange_chief(sign_in: SignIn, other_organisation: Organisation) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)


@pytest.fixture
def strange_officer(sign_in: SignIn, other_organisation: Organisation) -> FlaskClient:
    return sign_in(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)


def at(sitting: Sitting, tail: str = "") -> str:
    return f"/exam-sessions/{sitting.exam_session_id}/lockdown{tail}"


def exemptions_at(sitting: Sitting, tail: str = "") -> str:
    return f"/console/{sitting.exam_session_id}/exemptions{tail}"


def lock(officer: FlaskClient, sitting: Sitting, **changes: Any) -> None:
    assert officer.post(at(sitting, "/settings"), data=FORM | changes).status_code == 303
    assert officer.post(at(sitting, "/mode"), data={"mode": "seb", "exam_keys": ""}).status_code == 303


def stored(session: Session, sitting: Sitting) -> SessionLockdown:
    session.expire_all()
    return session.get_one(SessionLockdown, sitting.exam_session_id)


def acts(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEvent.act).where(AuditEvent.act.like("%lockdown%"))))


def test_the_file_that_is_downloaded_has_the_key_that_is_checked(
    session: Session, sitting: Sitting, officer: FlaskClient
) -> None:
    lock(officer, sitting)
    body = officer.get(at(sitting, "/exam.seb"))
    settings = plistlib.loads(body.data)
    row = stored(session, sitting)
    assert body.mimetype == "application/seb"
    assert seb.config_key(settings) == row.config_key
    assert settings["startURL"] == f"{BASE}/exam/"
    assert row.mode is LockdownMode.SEB
    assert "leave" not in json.dumps(row.options)
    assert acts(session) == ["session_lockdown.write_settings", "session_lockdown.set_mode"]
    page = officer.get(at(sitting)).text
    assert f"sebs://exam.example.cn/api/v1/exam/seb/{row.launch_code}" in page


def test_the_officer_lets_rescue_files_be_saved_and_sees_so_afterwards(sitting: Sitting, officer: FlaskClient) -> None:
    lock(officer, sitting, allow_rescue_files="1")
    assert plistlib.loads(officer.get(at(sitting, "/exam.seb")).data)["allowDownloads"] is True
    box = re.search(r'<input[^>]*name="allow_rescue_files"[^>]*>', officer.get(at(sitting)).text)
    assert box is not None
    assert "checked" in box[0]


def test_a_file_that_an_earlier_version_wrote_is_to_be_made_anew(
    session: Session, sitting: Sitting, officer: FlaskClient
) -> None:
    lock(officer, sitting)
    assert "请重新生成，再分发到每台考试机" not in officer.get(at(sitting)).text
    row = stored(session, sitting)
    row.options = {name: value for name, value in row.options.items() if name != "form"}
    session.commit()
    assert "请重新生成，再分发到每台考试机" in officer.get(at(sitting)).text
    officer.post(at(sitting, "/mode"), data={"mode": "none"})
    lock(officer, sitting)
    assert "请重新生成，再分发到每台考试机" not in officer.get(at(sitting)).text


def test_with_a_settings_password_the_file_is_sealed_and_the_password_is_not_kept(
    session: Session, sitting: Sitting, officer: FlaskClient
) -> None:
    lock(officer, sitting, settings_password="Open-1")
    row = stored(session, sitting)
    assert seb.config_key(seb_file.read_file(row.settings_file, "Open-1")) == row.config_key
    assert b"startURL" not in row.settings_file


def test_wrong_entries_are_named_beside_their_fields(sitting: Sitting, officer: FlaskClient) -> None:
    reply = officer.post(at(sitting, "/settings"), data=FORM | {"base_url": "exam.example.cn/x"})
    assert reply.status_code == 422
    assert "不带路径" in reply.text
    reply = officer.post(at(sitting, "/settings"), data=FORM | {"settings_password": "密码"})
    assert (reply.status_code, "英文字母" in reply.text) == (422, True)
    assert officer.post(at(sitting, "/mode"), data={"mode": "seb"}).status_code == 422
    lock(officer, sitting)
    reply = officer.post(at(sitting, "/mode"), data={"mode": "seb", "exam_keys": "no key"})
    assert (reply.status_code, "64 个十六进制字符" in reply.text) == (422, True)


def test_while_candidates_sit_the_file_stays_but_the_demand_may_go(
    session: Session, sitting: Sitting, officer: FlaskClient
) -> None:
    lock(officer, sitting)
    key = stored(session, sitting).config_key
    reply = officer.post(at(sitting, "/settings"), data=FORM)
    assert (reply.status_code, "考试中不能更换配置文件" in reply.text) == (422, True)
    assert stored(session, sitting).config_key == key
    assert officer.post(at(sitting, "/mode"), data={"mode": "none"}).status_code == 303
    assert stored(session, sitting).mode is LockdownMode.NONE


def test_a_session_that_is_over_keeps_its_surroundings(sitting: Sitting, officer: FlaskClient) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(ExamSession, sitting.exam_session_id).status = SessionStatus.CLOSED
    assert officer.post(at(sitting, "/settings"), data=FORM).status_code == 422
    assert "考试已经结束" in officer.get(at(sitting)).text


@pytest.mark.parametrize("tail", ["", "/exam.seb", "/kiosk/chromium-policy.json"])
def test_surroundings_are_for_officers_of_the_house(
    sitting: Sitting, officer: FlaskClient, chief: FlaskClient, strange_officer: FlaskClient, tail: str
) -> None:
    lock(officer, sitting)
    assert chief.get(at(sitting, tail)).status_code == 403
    assert strange_officer.get(at(sitting, tail)).status_code == 404
    assert strange_officer.post(at(sitting, "/settings"), data=FORM).status_code == 404
    assert strange_officer.post(at(sitting, "/mode"), data={"mode": "none"}).status_code == 404
    assert chief.post(at(sitting, "/mode"), data={"mode": "none"}).status_code == 403


def propose(client: FlaskClient, sitting: Sitting, **form: str) -> Any:
    return client.post(exemptions_at(sitting), data={"reason": "device", "note": ""} | form)


def only(session: Session) -> LockdownExemption:
    session.expire_all()
    return session.scalars(select(LockdownExemption)).one()


def test_one_proposes_another_approves_and_both_are_on_record(
    session: Session, sitting: Sitting, officer: FlaskClient, invigilator: FlaskClient, chief: FlaskClient
) -> None:
    lock(officer, sitting)
    number = sitting.people[0].admission_number
    assert propose(invigilator, sitting, admission_number=number).status_code == 303
    row = only(session)
    assert (row.state, row.registration_id) == (ExemptionState.PROPOSED, sitting.people[0].registration_id)
    approve = exemptions_at(sitting, f"/{row.lockdown_exemption_id}/approved")
    assert invigilator.post(approve).status_code == 403
    assert "待批准的考场环境豁免" in chief.get("/").text
    assert "待批准的考场环境豁免" not in invigilator.get("/").text
    assert exemptions_at(sitting) in invigilator.get(f"/console/{sitting.exam_session_id}").text
    assert chief.post(approve).status_code == 303
    assert "待批准的考场环境豁免" not in chief.get("/").text
    assert only(session).state is ExemptionState.APPROVED
    assert "已豁免" in chief.get(exemptions_at(sitting)).text
    assert chief.get(f"/console/{sitting.exam_session_id}").text.count("已豁免 SEB") == 1
    assert "已豁免 SEB" in invigilator.get(f"/console/{sitting.exam_session_id}/candidates/{row.registration_id}").text
    assert acts(session)[-2:] == ["lockdown_exemption.ask", "lockdown_exemption.approved"]


def test_nobody_approves_what_they_proposed_themselves(
    session: Session, sitting: Sitting, officer: FlaskClient, chief: FlaskClient, sign_in: SignIn
) -> None:
    lock(officer, sitting)
    propose(chief, sitting, room=str(sitting.room_ids[0]))
    act = exemptions_at(sitting, f"/{only(session).lockdown_exemption_id}")
    assert chief.post(f"{act}/approved").status_code == 403
    assert "批准" not in [line.strip() for line in chief.get(exemptions_at(sitting)).text.splitlines()]
    assert sign_in(Role.CHIEF_INVIGILATOR).post(f"{act}/approved").status_code == 303
    assert chief.post(f"{act}/withdrawn").status_code == 303
    assert only(session).state is ExemptionState.WITHDRAWN
    assert sign_in(Role.CHIEF_INVIGILATOR).post(f"{act}/approved", follow_redirects=True).text.count("已经处理过") == 1


def test_an_invigilator_proposes_for_the_own_room_alone(
    sitting: Sitting, officer: FlaskClient, invigilator: FlaskClient, sign_in: SignIn, strange_chief: FlaskClient
) -> None:
    lock(officer, sitting)
    elsewhere = sitting.people[1].admission_number
    assert propose(invigilator, sitting, admission_number=elsewhere).status_code == 422
    assert propose(invigilator, sitting, room=str(sitting.room_ids[1])).status_code == 404
    assert propose(sign_in(Role.INVIGILATOR), sitting, room=str(sitting.room_ids[0])).status_code == 404
    assert sign_in(Role.INVIGILATOR).get(exemptions_at(sitting)).status_code == 404
    assert sign_in(Role.AUTHOR).get(exemptions_at(sitting)).status_code == 403
    assert strange_chief.get(exemptions_at(sitting)).status_code == 404
    assert propose(strange_chief, sitting, room=str(sitting.room_ids[0])).status_code == 404
    assert strange_chief.post(exemptions_at(sitting, f"/{uuid.uuid4()}/approved")).status_code == 404


def test_an_exemption_of_another_house_cannot_be_decided(
    session: Session, sitting: Sitting, officer: FlaskClient, chief: FlaskClient, strange_chief: FlaskClient
) -> None:
    lock(officer, sitting)
    propose(chief, sitting, room=str(sitting.room_ids[0]))
    act = exemptions_at(sitting, f"/{only(session).lockdown_exemption_id}/approved")
    assert strange_chief.post(act).status_code == 404
    assert only(session).state is ExemptionState.PROPOSED


def test_what_is_missing_twice_or_needless_is_refused(
    sitting: Sitting, officer: FlaskClient, chief: FlaskClient
) -> None:
    assert "不需要豁免" in propose(chief, sitting, room=str(sitting.room_ids[0])).text
    lock(officer, sitting)
    assert "或选择整个考场" in propose(chief, sitting).text
    assert "请写明原因" in propose(chief, sitting, reason="other", room=str(sitting.room_ids[0])).text
    assert "请选择原因" in propose(chief, sitting, reason="?", room=str(sitting.room_ids[0])).text
    assert propose(chief, sitting, room=str(sitting.room_ids[0])).status_code == 303
    assert "已经提出" in propose(chief, sitting, room=str(sitting.room_ids[0])).text


def test_kiosk_profiles_allow_one_site_and_never_wipe_the_browsers_store(
    sitting: Sitting, officer: FlaskClient
) -> None:
    lock(officer, sitting)
    policy = json.loads(officer.get(at(sitting, "/kiosk/chromium-policy.json")).data)
    assert (policy["URLBlocklist"], policy["URLAllowlist"]) == (["*"], ["exam.example.cn"])
    assert policy["RestoreOnStartupURLs"] == [f"{BASE}/exam/"]
    assert not any("Clear" in name for name in policy)
    document = etree.fromstring(officer.get(at(sitting, "/kiosk/assigned-access.xml")).data)
    assert f"--kiosk {BASE}/exam/" in etree.tostring(document, encoding="unicode")
    assert "Exec=chromium --kiosk" in officer.get(at(sitting, "/kiosk/kaoku-exam.desktop")).text
    assert officer.get(at(sitting, "/kiosk/other")).status_code == 404
