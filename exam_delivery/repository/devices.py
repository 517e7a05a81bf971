"""Machines of rooms, where they stood before, and who is planned to sit at them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from exam_delivery.models import (
    DeviceMove,
    ExamRoom,
    ExamSession,
    Registration,
    RegistrationStatus,
    RoomDevice,
    SessionStatus,
)
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

TO_COME = (SessionStatus.PLANNED, SessionStatus.PREPARED, SessionStatus.OPEN)


def devices_of_rooms(
    session: Session, room_ids: Sequence[uuid.UUID], *, actor: Actor
) -> dict[uuid.UUID, list[RoomDevice]]:
    """Return the machines in use of some rooms, by room and seat."""
    query = select(RoomDevice).where(
        RoomDevice.exam_room_id.in_(room_ids),
        RoomDevice.organisation_id == actor.organisation,
        RoomDevice.is_active.is_(True),
    )
    found: dict[uuid.UUID, list[RoomDevice]] = {key: [] for key in room_ids}
    for row in session.scalars(
        query.order_by(RoomDevice.seat_number.is_(None), RoomDevice.seat_number, RoomDevice.code)
    ):
        found[row.exam_room_id].append(row)
    return found


def count_devices(session: Session, exam_room_id: uuid.UUID) -> int:
    """Return how many machines of a room are in use."""
    query = select(func.count()).select_from(RoomDevice)
    return session.scalar(query.where(RoomDevice.exam_room_id == exam_room_id, RoomDevice.is_active.is_(True))) or 0


def find_device(session: Session, organisation_id: uuid.UUID, code: str) -> RoomDevice | None:
    """Return the machine of a number, locked."""
    query = select(RoomDevice).where(RoomDevice.organisation_id == organisation_id, RoomDevice.code == code)
    return session.scalar(query.with_for_update())


def get_device(session: Session, room_device_id: uuid.UUID, *, actor: Actor) -> RoomDevice:
    """Return a machine of the actor's organisation, locked."""
    row = session.get(RoomDevice, room_device_id, with_for_update=True)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("没有这台考试机，请刷新后再看"))
    return row


def device_at(session: Session, exam_room_id: uuid.UUID, seat_number: int) -> RoomDevice | None:
    """Return the machine that stands at a seat, locked."""
    query = select(RoomDevice).where(RoomDevice.exam_room_id == exam_room_id, RoomDevice.seat_number == seat_number)
    return session.scalar(query.with_for_update())


def code_at(session: Session, exam_room_id: uuid.UUID, seat_number: int) -> str:
    """Return the number of the machine that stands at a seat; nothing for none."""
    query = select(RoomDevice.code).where(
        RoomDevice.exam_room_id == exam_room_id, RoomDevice.seat_number == seat_number
    )
    return session.scalar(query) or ""


def moves_of_room(session: Session, exam_room_id: uuid.UUID, *, actor: Actor) -> list[tuple[DeviceMove, str, str, str]]:
    """Return the last moves into or out of a room with number of the machine and names of the rooms."""
    before, after = aliased(ExamRoom), aliased(ExamRoom)
    query = (
        select(DeviceMove, RoomDevice.code, before.name, after.name)
        .join(RoomDevice, RoomDevice.room_device_id == DeviceMove.room_device_id)
        .join(before, before.exam_room_id == DeviceMove.from_room_id)
        .join(after, after.exam_room_id == DeviceMove.to_room_id)
        .where(
            DeviceMove.organisation_id == actor.organisation,
            (DeviceMove.from_room_id == exam_room_id) | (DeviceMove.to_room_id == exam_room_id),
        )
        .order_by(DeviceMove.moved_at.desc(), DeviceMove.device_move_id.desc())
        .limit(20)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]


def session_at(
    session: Session, exam_room_id: uuid.UUID, seat_number: int, start: datetime, end: datetime, *, but: uuid.UUID
) -> ExamSession | None:
    """Return another session within a span in which somebody is planned to sit at a seat."""
    query = (
        select(ExamSession)
        .join(Registration, Registration.exam_session_id == ExamSession.exam_session_id)
        .where(
            Registration.exam_room_id == exam_room_id,
            Registration.seat_number == seat_number,
            Registration.status == RegistrationStatus.ADMITTED,
            ExamSession.exam_session_id != but,
            ExamSession.cancelled_at.is_(None),
            ExamSession.status.in_(TO_COME),
            ExamSession.opens_at < end,
            ExamSession.ends_at > start,
        )
    )
    return session.scalars(query.order_by(ExamSession.starts_at).limit(1)).first()
