"""The console's list as a workbook: what is shown, numbers masked, recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Candidate, ExamSession, Registration, SessionRoom, SessionStatus
from kernel.audit.models import AuditEvent
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.conftest import MakeUser, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import begin

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


def exported(client: FlaskClient, sitting: Sitting, room: int | None = None) -> list[dict[str, str]]:
    data = {"room": "" if room is None else str(sitting.room_ids[room])}
    reply = client.post(f"/console/{sitting.exam_session_id}/export", data=data)
    assert (reply.status_code, reply.mimetype) == (200, XLSX)
    [sheet] = read_table(reply.data)
    header, *rows = sheet.rows
    return [dict(zip(header, row, strict=False)) for row in rows]


def test_the_workbook_holds_whom_the_console_shows_in_its_order(sitting: Sitting, sign_in: SignIn) -> None:
    begin(sitting, 0)
    chief = sign_in(Role.CHIEF_INVIGILATOR)
    rows = exported(chief, sitting)
    assert [row["姓名"] for row in rows] == ["考生3", "考生2", "考生4", "考生1"]  # who has not come stands first
    assert [row["姓名"] for row in exported(chief, sitting, 0)] == ["考生3", "考生1"]
    assert (rows[3]["状态"], rows[3]["已答"], rows[3]["题数"]) == ("作答中", "0", "5")


def test_identity_numbers_are_masked(session: Session, sitting: Sitting, sign_in: SignIn) -> None:
    row = session.get_one(Registration, sitting.people[0].registration_id)
    mask = session.get_one(Candidate, row.candidate_id).id_number_mask
    shown = {one["姓名"]: one for one in exported(sign_in(Role.CHIEF_INVIGILATOR), sitting)}
    assert shown["考生1"]["证件号码（部分隐藏）"] == mask
    assert all(sitting.people[0].id_number not in cell for cell in shown["考生1"].values())


def test_the_export_is_recorded_with_the_room_and_the_number_of_rows(
    session: Session, sitting: Sitting, sign_in: SignIn
) -> None:
    exported(sign_in(Role.CHIEF_INVIGILATOR), sitting, 1)
    event = session.scalars(select(AuditEvent).where(AuditEvent.act == "exam_session.export")).one()
    assert event.object_id == str(sitting.exam_session_id)
    assert event.details["after"] == {"rows": 2, "room": str(sitting.room_ids[1])}


def test_an_invigilator_exports_the_own_room_alone(sitting: Sitting, sign_in: SignIn, make_user: MakeUser) -> None:
    user = make_user(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        used = uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[0]))
        used.invigilator_ids = [str(user.user_id)]
    client = sign_in(user=user)
    assert {row["姓名"] for row in exported(client, sitting)} == {"考生1", "考生3"}
    other = {"room": str(sitting.room_ids[1])}
    assert client.post(f"/console/{sitting.exam_session_id}/export", data=other).status_code == 404


def test_other_organisations_and_roles_export_nothing(
    sitting: Sitting, sign_in: SignIn, other_organisation: Organisation
) -> None:
    address = f"/console/{sitting.exam_session_id}/export"
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    assert stranger.post(address).status_code == 404
    assert sign_in(Role.MARKER).post(address).status_code == 403


def test_sealed_seats_stay_sealed_in_the_workbook(session: Session, sitting: Sitting, sign_in: SignIn) -> None:
    row = session.get_one(ExamSession, sitting.exam_session_id)
    row.status, row.seats_sealed_until = SessionStatus.PREPARED, now() + timedelta(hours=1)
    session.flush()
    assert {one["座位"] for one in exported(sign_in(Role.CHIEF_INVIGILATOR), sitting)} == {""}
