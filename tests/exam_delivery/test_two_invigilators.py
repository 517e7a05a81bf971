"""Two invigilators do the same at once, or one does it twice: it is done once, and whoever came second is told who was first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, AttemptStatus, Incident, Registration
from kernel.clock import now, shifted
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeUser, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import begin
from tests.exam_delivery.test_console_time import WHY, address, given, hidden, one
from tests.pages import words


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(uow.session, organisation.organisation_id, starts_at=now() - timedelta(minutes=10))


@pytest.fixture
def desks(sign_in: SignIn, make_user: MakeUser) -> tuple[FlaskClient, FlaskClient]:
    """Two people at two machines."""
    first, second = (make_user(Role.CHIEF_INVIGILATOR, name=name) for name in ("张监考", "李监考"))
    return sign_in(user=first), sign_in(user=second)


def act(sitting: Sitting, name: str) -> str:
    return one(sitting).removesuffix("add-time") + name


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("pause", "考生已经暂停"), ("lock", "考生已经锁定"), ("force-hand-in", "考生不在作答中，不能收卷")],
)
def test_the_second_of_two_invigilators_is_told_that_it_was_done_and_keeps_the_words(
    session: Session, sitting: Sitting, desks: tuple[FlaskClient, FlaskClient], name: str, refusal: str
) -> None:
    begin(sitting, 0)
    first, second = (desk.post(act(sitting, name), data=WHY) for desk in desks)
    assert (first.status_code, second.status_code) == (303, 409)
    assert refusal in words(second.text)
    noted = select(func.count()).select_from(Incident).where(Incident.kind == name.replace("-", "_"))
    assert session.scalar(noted) == 1


def test_two_doors_let_a_candidate_in_once(
    session: Session, sitting: Sitting, desks: tuple[FlaskClient, FlaskClient]
) -> None:
    first, second = (desk.post(act(sitting, "check-in")) for desk in desks)
    assert (first.status_code, second.status_code) == (303, 409)
    assert "考生已经核验入场" in words(second.text)
    key = sitting.people[0].registration_id
    assert session.get_one(Registration, key, populate_existing=True).checked_in_at


def test_who_gives_time_that_somebody_else_has_just_given_is_told_and_asked(
    session: Session, sitting: Sitting, desks: tuple[FlaskClient, FlaskClient]
) -> None:
    begin(sitting, 0)
    form = WHY | {"minutes": "10"}
    desks[0].post(one(sitting), data=form)
    asked = desks[1].post(one(sitting), data=form)
    assert asked.status_code == 200
    assert "张监考" in words(asked.text)
    assert "刚给其中 1 人延时 10 分钟" in words(asked.text)
    assert "超过按失去联系算出的分钟数" not in words(asked.text)
    assert given(session) == [10]
    desks[1].post(one(sitting), data=hidden(asked) | {"minutes": "10"})
    assert given(session) == [10, 10]


def test_a_whole_room_is_asked_about_as_well(
    session: Session, sitting: Sitting, desks: tuple[FlaskClient, FlaskClient]
) -> None:
    desks[0].post(address(sitting, "/add-time"), data=WHY | {"minutes": "10"})
    asked = desks[1].post(address(sitting, "/add-time"), data=WHY | {"minutes": "5"})
    assert "刚给其中 3 人延时 10 分钟" in words(asked.text)
    assert given(session) == [10, 10, 10]


def test_who_gave_time_alone_or_a_while_ago_is_asked_nothing(
    session: Session, sitting: Sitting, desks: tuple[FlaskClient, FlaskClient]
) -> None:
    begin(sitting, 0)
    form = WHY | {"minutes": "10"}
    for _ in range(2):
        assert desks[0].post(one(sitting), data=form).status_code == 303
    with shifted(timedelta(minutes=6)):
        assert desks[1].post(one(sitting), data=form).status_code == 303
    assert given(session) == [10, 10, 10]


def test_what_several_chosen_cannot_have_is_a_refusal_that_says_why(
    session: Session, sitting: Sitting, desks: tuple[FlaskClient, FlaskClient]
) -> None:
    begin(sitting, 0)
    everybody = {"act": "pause", "selected": [str(one.registration_id) for one in sitting.people]}
    done = words(desks[0].post(address(sitting, "/selected"), data=WHY | everybody, follow_redirects=True).text)
    assert "已处理 1 人；2 人未处理" in done
    refused = words(desks[1].post(address(sitting, "/selected"), data=WHY | everybody, follow_redirects=True).text)
    assert "没有执行，选中的考生都不适用" in refused
    assert "考生已经暂停" in refused
    attempts = session.scalars(select(Attempt.paused_at).where(Attempt.status == AttemptStatus.IN_PROGRESS)).all()
    assert len(attempts) == 1
