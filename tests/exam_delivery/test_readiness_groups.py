"""What many rooms lack is one line with their names; missing registration photos are said where sessions are prepared."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy.orm import Session

from exam_delivery.models import Candidate, ExamSession, SessionStatus
from exam_delivery.rules import keys, readiness_keys
from exam_delivery.rules.door_photos import RULE_LABELS, DoorPhotoRule
from exam_delivery.rules.room_groups import spans
from exam_delivery.services import readiness_gate
from exam_delivery.services.readiness import find_blockers
from kernel import profiles
from kernel.clock import now, today
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.pages import words


@pytest.fixture
def sitting(organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() + timedelta(hours=1))


@pytest.fixture
def officer(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.EXAM_OFFICER)


def make(sitting: Sitting, status: SessionStatus) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        row = uow.session.get_one(ExamSession, sitting.exam_session_id)
        row.status, row.door_photo = status, "off"


def set_rule(sitting: Sitting, key: str, value: str) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        profiles.publish(uow, {key: value}, effective_on=today(), note="测试")


def find(session: Session, sitting: Sitting, word: str) -> list[readiness_gate.GateLine]:
    session.expire_all()
    actor = system_actor(sitting.organisation_id)
    gate = readiness_gate.view_gate(session, actor, sitting.exam_session_id)
    return [line for line in gate.lines if word in line.text]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["甲 第01考场", "甲 第02考场"], ["甲 第01–02考场"]),
        (["2号楼 第 9 考场", "2号楼 第 10 考场", "3号楼 第 11 考场"], ["2号楼 第 9–10 考场", "3号楼 第 11 考场"]),
        (["第1考场", "第3考场"], ["第1考场", "第3考场"]),
        ([], []),
    ],
)
def test_rooms_that_count_up_are_drawn_together(names: list[str], found: list[str]) -> None:
    assert list(spans(names)) == found


def test_rooms_without_invigilators_are_one_line_that_unfolds(
    session: Session, sitting: Sitting, officer: FlaskClient
) -> None:
    make(sitting, SessionStatus.PREPARED)
    [line] = find(session, sitting, "监考员不足")
    assert (line.params["n"], len(line.parts), line.step) == (2, 2, "rooms")
    tree = html.document_fromstring(officer.get(f"/exam-sessions/{sitting.exam_session_id}/readiness").text)
    assert len(tree.xpath("//td[contains(., '2 个考场监考员不足')]/details//li")) == 2


def test_planning_says_once_what_all_rooms_lack(session: Session, sitting: Sitting, officer: FlaskClient) -> None:
    make(sitting, SessionStatus.PLANNED)
    tree = html.document_fromstring(officer.get(f"/exam-sessions/{sitting.exam_session_id}").text)
    [line] = tree.xpath("//li[contains(., '2 个考场监考员不足')]")
    assert len(line.xpath(".//li")) == 2
    assert line.xpath(".//a[contains(@href, '/rooms')]")


def test_seats_without_a_check_lead_to_the_codes_below(sitting: Sitting, officer: FlaskClient) -> None:
    make(sitting, SessionStatus.PREPARED)
    tree = html.document_fromstring(officer.get(f"/exam-sessions/{sitting.exam_session_id}/readiness").text)
    assert tree.xpath("//tr[contains(., '还有座位没有检查')]//a[@href='#room-codes']")
    assert tree.xpath("//*[@id='room-codes']//button")


def test_missing_photos_are_a_hint_with_the_people_behind_it(
    session: Session, sitting: Sitting, officer: FlaskClient
) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        first, *others = uow.session.query(Candidate).order_by(Candidate.name).all()
        first.photo_digest, left = "d" * 64, [one.name for one in others]
    make(sitting, SessionStatus.PREPARED)
    [line] = find(session, sitting, "缺报名照片 3 人")
    assert line.state == readiness_gate.HINT
    address = f"/exam-sessions/{sitting.exam_session_id}"
    for page in (address, f"{address}/readiness"):
        assert f"{address}/people?photo=none" in officer.get(page).text
    shown = words(officer.get(f"{address}/people?photo=none").text)
    assert first.name not in shown
    assert all(name in shown for name in left)


def test_the_rule_profile_says_whether_missing_photos_keep_the_gate_shut(session: Session, sitting: Sitting) -> None:
    make(sitting, SessionStatus.PREPARED)
    set_rule(sitting, readiness_keys.REGISTRATION_PHOTOS, readiness_keys.PHOTOS_REQUIRED)
    assert find(session, sitting, "缺报名照片")[0].state == readiness_gate.BLOCKED
    set_rule(sitting, readiness_keys.REGISTRATION_PHOTOS, readiness_keys.GATE_OFF)
    assert find(session, sitting, "缺报名照片") == []


def test_where_photos_are_taken_at_the_door_the_comparison_is_named(session: Session, sitting: Sitting) -> None:
    make(sitting, SessionStatus.PLANNED)
    set_rule(sitting, keys.DOOR_PHOTO, RULE_LABELS[DoorPhotoRule.REQUIRED])
    row = session.get_one(ExamSession, sitting.exam_session_id)
    [gap] = [one for one in find_blockers(session, system_actor(sitting.organisation_id), row) if one.step == "photos"]
    assert gap.is_hint
    assert "入场时拍照" in gap.text
