"""Between the opening of sign-in and the start, no screen says that an examination is under way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exam_delivery.models import SessionRoom
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeUser, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.pages import words

WAITING, UNDER_WAY = "候考（登录已开放）", "考试中"


def sitting_at(organisation: Organisation, starts_in: timedelta) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(uow.session, organisation.organisation_id, n=2, starts_at=now() + starts_in)


def states(page: str) -> tuple[bool, bool]:
    """Say whether a page calls a session waiting, and under way (the filter of the list names the latter once)."""
    text = words(page)
    return WAITING in text, text.count(UNDER_WAY) > text.count("已备考")


@pytest.mark.parametrize(("minutes", "found"), [(5, (True, False)), (-5, (False, True))])
def test_a_session_waits_until_its_start(
    organisation: Organisation, sign_in: SignIn, make_user: MakeUser, minutes: int,
    found: tuple[bool, bool],
) -> None:  # fmt: skip
    sitting = sitting_at(organisation, timedelta(minutes=minutes))
    user = make_user(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[0])).invigilator_ids = [
            str(user.user_id)
        ]
    officer, invigilator = sign_in(Role.EXAM_OFFICER), sign_in(user=user)
    assert states(officer.get("/exam-sessions/").text) == found
    assert states(officer.get(f"/exam-sessions/{sitting.exam_session_id}").text) == found
    assert states(invigilator.get("/console/").text) == found
    assert states(invigilator.get(f"/console/{sitting.exam_session_id}").text) == found
