"""Machines of rooms: listed by the officer or found by checks of seats; one place each, so never two candidates at one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exam_delivery.models import DeviceMove, ExamRoom, ExamSession, RoomDevice
from exam_delivery.repository import devices as repository
from exam_delivery.repository import planning, seating
from exam_delivery.rules.devices import read_code, read_lines
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SPARE = 3
"""A room never has more than so many times its seats in machines: checks without an account make rows."""


@dataclass(frozen=True, slots=True)
class Place:
    """A seat of a room."""

    exam_room_id: uuid.UUID
    seat_number: int | None


@dataclass(frozen=True, slots=True)
class DeviceView:
    """The machines of a room and the last moves."""

    room: ExamRoom
    rows: Sequence[RoomDevice]
    moves: Sequence[tuple[DeviceMove, str, str, str]]


@dataclass(frozen=True, slots=True)
class DeviceGap:
    """What the machines of a room lack for a session: a message with the names in it."""

    message: str
    todo: str
    names: Sequence[str]


def view_devices(session: Session, actor: Actor, exam_room_id: uuid.UUID) -> DeviceView:
    """Return the machines of a room of the actor's organisation."""
    room = planning.get_room(session, exam_room_id, actor=actor)
    rows = repository.devices_of_rooms(session, [exam_room_id], actor=actor)[exam_room_id]
    return DeviceView(room, rows, repository.moves_of_room(session, exam_room_id, actor=actor))


def save_list(uow: UnitOfWork, exam_room_id: uuid.UUID, text: str) -> int:
    """Take machines over from a list of seats and numbers; return how many. What stood at these seats goes into store."""
    require(uow.actor, Permission.SESSION_WRITE)
    room = planning.get_room(uow.session, exam_room_id, actor=uow.actor)
    lines = read_lines(text, capacity=room.capacity)
    for line in lines:
        device = repository.find_device(uow.session, room.organisation_id, line.code)
        if device is None:
            device = _add(uow, room.organisation_id, exam_room_id, line.code)
        _put(uow, device, Place(exam_room_id, line.seat_number), now())
    audit.record(uow, "exam_room.list_devices", "exam_room", exam_room_id, after={"devices": len(lines)})
    return len(lines)


def retire(uow: UnitOfWork, exam_room_id: uuid.UUID, room_device_id: uuid.UUID) -> RoomDevice:
    """Take a machine out of use; a later check of it takes it into use again."""
    require(uow.actor, Permission.SESSION_WRITE)
    device = repository.get_device(uow.session, room_device_id, actor=uow.actor)
    if device.exam_room_id != exam_room_id or not device.is_active:
        raise ConflictError(N_("这台考试机已经停用或换了考场，请刷新后再看"))
    _put(uow, device, Place(exam_room_id, None), now())
    device.is_active = False
    audit.record(uow, "room_device.retire", "room_device", room_device_id, after={"code": device.code})
    return device


def check_device(
    uow: UnitOfWork, organisation_id: uuid.UUID, place: Place, sitting: tuple[uuid.UUID, datetime, datetime], typed: str
) -> RoomDevice | None:
    """Return the machine whose number was typed at a checked seat, put where it stands now.

    Raises
    ------
    InvalidInputError
        If the room's machines are listed and no number was typed.
    ConflictError
        If the machine is planned for somebody of another session at the same time.
    """
    if not typed.strip():
        if repository.count_devices(uow.session, place.exam_room_id):
            message = N_("本考场登记了考试机，请填写这台机器的编号")
            raise InvalidInputError(message, fields={"device": [message]})
        return None
    device = repository.find_device(uow.session, organisation_id, read_code(typed))
    if device is None:
        room = uow.session.get_one(ExamRoom, place.exam_room_id)
        if repository.count_devices(uow.session, place.exam_room_id) >= SPARE * room.capacity:
            raise ConflictError(N_("本考场登记的考试机太多，请考务管理员停用不用的"))
        device = _add(uow, organisation_id, place.exam_room_id, read_code(typed))
    _refuse_collision(uow, device, place, sitting)
    _put(uow, device, place, now())
    return device


def swap(uow: UnitOfWork, row: ExamSession, place: Place, typed: str) -> tuple[str, str]:
    """Put a spare machine in the place of the one at a seat, during a session; return the numbers of both.

    Raises
    ------
    InvalidInputError
        If no machine in use has this number.
    ConflictError
        If it stands at this seat already, or at a seat of somebody of this or of another session at the same time.
    """
    device = repository.find_device(uow.session, row.organisation_id, read_code(typed))
    if device is None or not device.is_active:
        text = N_("没有登记这个编号的考试机，请核对机器上的编号")
        raise InvalidInputError(text, fields={"device": [text]})
    stands = Place(device.exam_room_id, device.seat_number)
    if stands == place:
        raise ConflictError(N_("考试机 %(code)s 已在这个座位"), code=device.code)
    if device.seat_number is not None and seating.holder_of(
        uow.session, row.exam_session_id, device.exam_room_id, device.seat_number
    ):
        raise ConflictError(N_("考试机 %(code)s 是本场另一名考生的，请换一台"), code=device.code)
    _refuse_collision(uow, device, place, sitting_of(row))
    before = repository.device_at(uow.session, place.exam_room_id, place.seat_number or 0)
    _put(uow, device, place, now())
    return before.code if before else "", device.code


def _refuse_collision(
    uow: UnitOfWork, device: RoomDevice, place: Place, sitting: tuple[uuid.UUID, datetime, datetime]
) -> None:
    if device.seat_number is None or Place(device.exam_room_id, device.seat_number) == place:
        return
    key, start, end = sitting
    other = repository.session_at(uow.session, device.exam_room_id, device.seat_number, start, end, but=key)
    if other is not None:
        raise ConflictError(
            N_("考试机 %(code)s 同一时间已排给“%(session)s”的考生，请换一台，或先由考务管理员改登记"),
            code=device.code, session=other.name,
        )  # fmt: skip


def _add(uow: UnitOfWork, organisation_id: uuid.UUID, exam_room_id: uuid.UUID, code: str) -> RoomDevice:
    device = RoomDevice(
        room_device_id=new_id(), organisation_id=organisation_id, exam_room_id=exam_room_id, seat_number=None,
        code=code, is_active=True, device="", findings=[], created_at=now(),
    )  # fmt: skip
    uow.add(device)
    uow.flush()  # moves name the machine
    return device


def _put(uow: UnitOfWork, device: RoomDevice, place: Place, at: datetime) -> None:
    """Put a machine at a seat; what stood there goes into store, and both are recorded."""
    device.is_active = True
    if Place(device.exam_room_id, device.seat_number) == place:
        return
    holder = None
    if place.seat_number is not None:
        holder = repository.device_at(uow.session, place.exam_room_id, place.seat_number)
    if holder is not None:
        _note(uow, holder, Place(place.exam_room_id, None), at)
        uow.flush()  # a seat has one machine at most
    _note(uow, device, place, at)
    uow.flush()


def _note(uow: UnitOfWork, device: RoomDevice, place: Place, at: datetime) -> None:
    if device.seat_number is not None or device.exam_room_id != place.exam_room_id:
        uow.add(
            DeviceMove(
                device_move_id=new_id(), organisation_id=device.organisation_id, room_device_id=device.room_device_id,
                from_room_id=device.exam_room_id, from_seat=device.seat_number, to_room_id=place.exam_room_id,
                to_seat=place.seat_number, moved_by=uow.actor.user_id, moved_at=at,
            )
        )  # fmt: skip
    device.exam_room_id, device.seat_number = place.exam_room_id, place.seat_number
    device.is_ready, device.checked_at, device.findings = None, None, []


def find_gaps(rows: Sequence[RoomDevice], seats: Sequence[int], oldest: datetime) -> Iterator[DeviceGap]:
    """Yield what the machines of a room lack for the seats on which somebody is to sit; nothing where none are listed."""
    standing = {row.seat_number: row for row in rows if row.seat_number is not None}
    if without := [f"{seat:02d}" for seat in seats if seat not in standing]:
        text = N_("%(room)s：%(n)s 个座位没有考试机（%(names)s）")
        yield DeviceGap(text, N_("在考场的“考试机”页面登记，或在座位上做检查时填写机器编号"), without)
    used = [standing[seat] for seat in seats if seat in standing]
    if bad := [row.code for row in used if row.is_ready is False]:
        yield DeviceGap(N_("%(room)s：考试机没有通过检查：%(names)s"), N_("按座位上的提示处理后再检查一次"), bad)
    if late := [row.code for row in used if row.checked_at is None or row.checked_at < oldest]:
        yield DeviceGap(
            N_("%(room)s：考试机还没有检查：%(names)s"), N_("让技术人员在每个座位打开检查页面，输入考场代码"), late
        )


def sitting_of(row: ExamSession) -> tuple[uuid.UUID, datetime, datetime]:
    """Return the key of a session with the span in which its machines are taken."""
    return row.exam_session_id, row.opens_at, row.ends_at
