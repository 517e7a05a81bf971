"""Machines of a room: one place each, found by checks of seats, never planned for two candidates at one time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import DeviceMove, ExamSession, RoomDevice, SessionStatus
from exam_delivery.repository import readiness
from exam_delivery.rules.devices import read_lines
from exam_delivery.services import devices, readiness_gate, room_checks
from kernel.clock import now
from kernel.errors import InvalidInputError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_readiness import CHROME, GOOD


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    return planned(organisation, prefix="261121")


def planned(organisation: Organisation, *, prefix: str, hours: float = 1) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        start = now() + dt.timedelta(hours=hours)
        found = prepare(uow.session, organisation.organisation_id, n=2, starts_at=start, prefix=prefix)
        uow.session.get_one(ExamSession, found.exam_session_id).status = SessionStatus.PREPARED
    return found


def code_of(sitting: Sitting) -> str:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        room_checks.make_codes(uow, sitting.exam_session_id)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        codes = readiness.codes_of_session(uow.session, sitting.exam_session_id, actor=uow.actor)
        return codes[sitting.room_ids[0]].code


def listed(sitting: Sitting, text: str) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        devices.save_list(uow, sitting.room_ids[0], text)


def check(client: FlaskClient, code: str, seat: int, device: str, **changes: Any) -> Any:
    body = GOOD | {"device": device} | changes
    return client.post(
        f"/room-check/{code}/seats/{seat}", json=body, headers={"User-Agent": CHROME, "Accept": "application/json"}
    )


def places(session: Session) -> dict[str, int | None]:
    session.expire_all()
    return {row.code: row.seat_number for row in session.scalars(select(RoomDevice).where(RoomDevice.is_active))}


def told(session: Session, sitting: Sitting) -> list[str]:
    session.expire_all()
    actor = system_actor(sitting.organisation_id)
    gate = readiness_gate.view_gate(session, actor, sitting.exam_session_id)
    return [line.message % line.params for line in gate.lines if "考试机" in line.message]


@pytest.mark.parametrize("text", ["", "1", "x PC-01", "3 PC-01", "1 PC-01\n1 PC-02", "1 PC-01\n2 PC-01", "1 <b>"])
def test_a_list_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        read_lines(text, capacity=2)


def test_the_gate_names_machines_that_are_missing_unchecked_or_failing(
    session: Session, sitting: Sitting, app: Any
) -> None:
    assert told(session, sitting) == [], "rooms without a list are left alone"
    listed(sitting, "1 PC-01\n9 PC-09")
    assert [one.partition("：")[2] for one in told(session, sitting)] == [
        "1 个座位没有考试机（02）",
        "考试机还没有检查：PC-01",
    ]
    technician, code = app.test_client(), code_of(sitting)
    assert check(technician, code, 1, "").status_code == 422, "where machines are listed, the number is needed"
    assert check(technician, code, 1, "PC-01", can_store=False).status_code == 200
    assert check(technician, code, 2, "PC-02").status_code == 200
    assert [one.partition("：")[2] for one in told(session, sitting)] == ["考试机没有通过检查：PC-01"]


def test_a_machine_has_one_place_and_its_moves_stay(session: Session, sitting: Sitting, app: Any) -> None:
    listed(sitting, "1 PC-01\n2 PC-02")
    assert check(app.test_client(), code_of(sitting), 2, "PC-01").status_code == 200
    assert places(session) == {"PC-01": 2, "PC-02": None}
    moves = session.scalars(select(DeviceMove).order_by(DeviceMove.moved_at, DeviceMove.device_move_id)).all()
    assert [(one.from_seat, one.to_seat) for one in moves if one.moved_by is None][-2:] == [(2, None), (1, 2)]
    assert [one.partition("：")[2] for one in told(session, sitting)] == ["1 个座位没有考试机（01）"]


def test_a_machine_planned_for_another_session_at_the_same_time_is_refused(
    session: Session, sitting: Sitting, organisation: Organisation, app: Any
) -> None:
    listed(sitting, "1 PC-01\n5 PC-05")
    at_once, later = planned(organisation, prefix="261122"), planned(organisation, prefix="261123", hours=30)
    technician = app.test_client()
    answer = check(technician, code_of(at_once), 1, "PC-01")
    assert answer.status_code == 409
    assert "同一时间已排给" in answer.get_json()["message"]
    assert check(technician, code_of(at_once), 1, "PC-05").status_code == 200, "nobody sits at its seat"
    assert check(technician, code_of(later), 1, "PC-01").status_code == 200, "that is another day"
    assert places(session) == {"PC-01": 1, "PC-05": 1}


def test_the_officer_lists_and_retires_machines_and_strangers_see_none(
    session: Session, sitting: Sitting, sign_in: SignIn, other_organisation: Organisation
) -> None:
    desk, path = sign_in(Role.EXAM_OFFICER), f"/exam-rooms/{sitting.room_ids[0]}/devices"
    assert path in desk.get("/exam-rooms/").text
    assert desk.post(path, data={"devices": "999 PC-01"}).status_code == 422
    assert desk.post(path, data={"devices": "01 PC-01\r\n02 PC-02"}).status_code == 303
    assert "PC-02" in desk.get(path).text
    device = session.scalars(select(RoomDevice).where(RoomDevice.code == "PC-02")).one()
    stranger = sign_in(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}/{device.room_device_id}/retire").status_code == 404
    assert sign_in(Role.INVIGILATOR).get(path).status_code == 403
    assert desk.post(f"{path}/{device.room_device_id}/retire").status_code == 303
    assert places(session) == {"PC-01": 1}
