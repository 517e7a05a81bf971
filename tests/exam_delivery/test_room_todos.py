"""The home page of people in the rooms: what is theirs today, how long until it begins, what is not in order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, SessionRoom, SessionStatus
from exam_delivery.services import misconduct
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, User
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeActor, MakeUser, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import begin
from tests.exam_delivery.test_chief import silent
from tests.exam_delivery.test_misconduct import DRAFT


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=6, n_rooms=2, starts_at=now() + timedelta(minutes=90.5)
        )


@pytest.fixture
def invigilator(sitting: Sitting, make_user: MakeUser) -> User:
    """Somebody who looks after the first room."""
    user = make_user(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        row = uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[0]))
        row.invigilator_ids = [str(user.user_id)]
    return user


def change(sitting: Sitting, **values: object) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        row = uow.session.get_one(ExamSession, sitting.exam_session_id)
        for name, value in values.items():
            setattr(row, name, value)


def test_an_invigilator_finds_the_own_room_with_countdown_and_readiness(
    sitting: Sitting, invigilator: User, sign_in: SignIn
) -> None:
    change(sitting, status=SessionStatus.PREPARED)
    home = sign_in(user=invigilator).get("/").text
    assert "监考：演示考点 第 1 考场" in home
    assert "第 2 考场" not in home
    assert "1 小时 30 分后开考" in home
    assert "座位检查通过 0 / 3" in home
    assert f'href="/console/{sitting.exam_session_id}"' in home
    assert "监考：" not in sign_in(Role.INVIGILATOR).get("/").text


def test_after_the_end_the_report_waits_until_two_have_signed(
    sitting: Sitting, invigilator: User, sign_in: SignIn
) -> None:
    begun = now() - timedelta(hours=3)
    change(sitting, status=SessionStatus.CLOSED, opens_at=begun, starts_at=begun, ends_at=now() - timedelta(hours=1))
    home = sign_in(user=invigilator).get("/").text
    assert "考场报告待签字：演示考点 第 1 考场" in home
    assert f"/console/{sitting.exam_session_id}/rooms/{sitting.room_ids[0]}/report" in home
    assert "第 2 考场" not in home


def test_a_cancelled_session_waits_for_nobody(sitting: Sitting, invigilator: User, sign_in: SignIn) -> None:
    change(sitting, cancelled_at=now())
    assert "第 1 考场" not in sign_in(user=invigilator).get("/").text


@pytest.fixture
def chief(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


def test_a_chief_finds_the_rooms_with_problems_the_worst_first(sitting: Sitting, chief: FlaskClient) -> None:
    assert "需要处理的考场" not in chief.get("/").text
    begin(sitting, 0, 1, 3, 5)
    silent(sitting, 0, 1, 3)
    home = chief.get("/").text
    assert "需要处理的考场" in home
    assert "演示考点 第 2 考场 261121：疑似断网：2 人离线；演示考点 第 1 考场 261121：" in home
    assert 'href="/console/overview"' in home


def test_a_chief_reaches_postponing_from_the_page_of_a_session_however_far_away_it_is(
    sitting: Sitting, chief: FlaskClient, sign_in: SignIn
) -> None:
    far = now() + timedelta(days=20)
    change(sitting, status=SessionStatus.PREPARED, opens_at=far, starts_at=far, ends_at=far + timedelta(hours=2))
    address, wanted = f"/exam-sessions/{sitting.exam_session_id}", f'href="/console/{sitting.exam_session_id}/change"'
    assert wanted in chief.get(address).text
    assert wanted not in sign_in(Role.INVIGILATOR).get(address).text


def test_a_case_without_its_signatures_waits_for_the_people_of_its_room(
    sitting: Sitting, invigilator: User, sign_in: SignIn, make_actor: MakeActor
) -> None:
    change(sitting, starts_at=now() - timedelta(minutes=10))
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    for k in (0, 1):
        with unit_of_work(chief) as uow:
            misconduct.propose(uow, sitting.exam_session_id, sitting.people[k].registration_id, DRAFT)
    for client, n in ((sign_in(user=invigilator), 1), (sign_in(Role.CHIEF_INVIGILATOR), 2)):
        todos = html.document_fromstring(client.get("/").text).xpath("//li[contains(@class, 'todo')]")
        counts = {
            one.xpath(".//strong")[0].text_content(): one.xpath(".//*[@class='todo-count']")[0].text_content()
            for one in todos
        }
        assert counts["待签字的违纪案"] == str(n)
    assert "待签字的违纪案" not in sign_in(Role.INVIGILATOR).get("/").text
