"""At the door and between seats: who is let in, who is turned away, who sits elsewhere."""

from __future__ import annotations

import uuid
from datetime import datetime

from exam_delivery.models import Attempt, AttemptStatus, Registration, RegistrationStatus
from exam_delivery.repository import attempts as repository
from exam_delivery.repository import planning, seating
from exam_delivery.services import devices, door_photos
from exam_delivery.services.devices import Place
from exam_delivery.services.door_photos import NoPhoto
from exam_delivery.services.reach import check_room_open, check_seat_in_reach, rooms_in_reach
from exam_delivery.services.room_acts import Why, note_act, running_session
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def check_in(
    uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, without: NoPhoto | None = None
) -> Registration:
    """Record that a candidate's identity was checked; who was turned away before may sign in again.

    Where a photo is required and there is none, `without` says why.
    """
    registration, attempt = _at_the_door(uow, exam_session_id, registration_id)
    if registration.checked_in_at and not registration.refused_at:
        raise ConflictError(N_("考生已经核验入场"))
    _check_photo(uow, exam_session_id, registration_id, attempt, without)
    at = now()
    registration.checked_in_at, registration.refused_at = at, None
    _note(uow, attempt, "check_in", "", at)
    audit.record(uow, "registration.check_in", "registration", registration_id)
    return registration


def _check_photo(
    uow: UnitOfWork,
    exam_session_id: uuid.UUID,
    registration_id: uuid.UUID,
    attempt: Attempt | None,
    without: NoPhoto | None,
) -> None:
    """Hold on where a photo is required, or keep why there is none."""
    sitting = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    if not door_photos.lacks_photo(uow.session, sitting, registration_id):
        return
    if without is None:
        raise ConflictError(N_("还没有拍入场照片：请先拍照；拍不了的，选择未拍照的原因后准许入场"))
    _note(uow, attempt, "no_door_photo", without.text, now())
    audit.record(uow, "registration.no_door_photo", "registration", registration_id, reason=without.reason.value)


def undo_check_in(uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, why: Why) -> Registration:
    """Take a check of identity back that was noted for the wrong candidate, as long as nobody has signed in on it."""
    registration, attempt = _at_the_door(uow, exam_session_id, registration_id)
    if registration.checked_in_at is None or registration.refused_at:
        raise ConflictError(N_("考生还没有核验入场"))
    if attempt and attempt.signed_in_at:
        raise ConflictError(N_("考生已经登录；核验有误请用“不准入场”"))
    registration.checked_in_at = None
    _note(uow, attempt, "undo_check_in", why.text, now())
    audit.record(uow, "registration.undo_check_in", "registration", registration_id, reason=why.code.value)
    return registration


def refuse(uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, why: Why) -> Registration:
    """Turn a candidate away at the door: signing in and starting are refused until somebody lets them in."""
    registration, attempt = _at_the_door(uow, exam_session_id, registration_id)
    if registration.refused_at:
        raise ConflictError(N_("考生已经记为不准入场"))
    at = now()
    registration.refused_at = at
    if attempt:
        attempt.holder_generation += 1  # a page that waits must not start any more
    _note(uow, attempt, "refuse", why.text, at)
    audit.record(uow, "registration.refuse", "registration", registration_id, reason=why.code.value)
    return registration


def _at_the_door(
    uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID
) -> tuple[Registration, Attempt | None]:
    require(uow.actor, Permission.SESSION_INVIGILATE)
    running_session(uow, exam_session_id)
    check_seat_in_reach(uow.session, exam_session_id, registration_id, actor=uow.actor)
    check_room_open(uow.session, exam_session_id, registration_id, actor=uow.actor)
    registration = repository.lock_registration(uow.session, registration_id, actor=uow.actor)
    if registration.status is not RegistrationStatus.ADMITTED:
        raise ConflictError(N_("考生已记缺考或取消资格，请先撤销"))
    attempt = repository.find_attempt(uow.session, registration_id)
    if attempt and attempt.status is not AttemptStatus.WAITING:
        raise ConflictError(N_("考生已开始作答，不能再改入场核验"))
    return registration, attempt


def move(
    uow: UnitOfWork,
    exam_session_id: uuid.UUID,
    registration_id: uuid.UUID,
    *,
    exam_room_id: uuid.UUID | None,
    seat_number: int | None,
    why: Why,
) -> Registration:
    """Seat a candidate elsewhere; whoever is signed in signs in anew there, saved answers come along."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    running_session(uow, exam_session_id)
    check_seat_in_reach(uow.session, exam_session_id, registration_id, actor=uow.actor)
    check_room_open(uow.session, exam_session_id, registration_id, actor=uow.actor)
    registration = repository.lock_registration(uow.session, registration_id, actor=uow.actor)
    before = _place(uow, registration)
    _check_free(uow, exam_session_id, registration, exam_room_id, seat_number)
    registration.exam_room_id, registration.seat_number = exam_room_id, seat_number
    attempt = repository.find_attempt(uow.session, registration_id)
    if attempt and attempt.status is not AttemptStatus.SUBMITTED:
        attempt.holder_generation += 1
        attempt.device = ""
    uow.flush()  # the seat is unique: a second candidate for it is refused here
    after = _place(uow, registration)
    _note(uow, attempt, "move", f"{before} → {after} {why.text}", now())
    places = {"before": {"seat": before}, "after": {"seat": after}}
    audit.record(uow, "registration.move", "registration", registration_id, reason=why.code.value, **places)
    return registration


def swap_device(
    uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, code: str, why: Why
) -> tuple[str, str]:
    """Put a spare machine at a candidate's seat; who is signed in signs in anew there. Return the numbers of both."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    row = running_session(uow, exam_session_id)
    check_seat_in_reach(uow.session, exam_session_id, registration_id, actor=uow.actor)
    check_room_open(uow.session, exam_session_id, registration_id, actor=uow.actor)
    registration = repository.lock_registration(uow.session, registration_id, actor=uow.actor)
    if registration.exam_room_id is None or registration.seat_number is None:
        raise ConflictError(N_("考生还没有座位"))
    attempt = repository.find_attempt(uow.session, registration_id)
    if attempt and attempt.status is AttemptStatus.SUBMITTED:
        raise ConflictError(N_("考生已交卷，不用换机器"))
    before, after = devices.swap(uow, row, Place(registration.exam_room_id, registration.seat_number), code)
    if attempt:
        attempt.holder_generation += 1
        attempt.device = ""
    _note(uow, attempt, "swap_device", f"{before or '—'} → {after} {why.text}", now())
    machines = {"before": {"device": before}, "after": {"device": after}}
    audit.record(uow, "registration.swap_device", "registration", registration_id, reason=why.code.value, **machines)
    return before, after


def _check_free(
    uow: UnitOfWork,
    exam_session_id: uuid.UUID,
    registration: Registration,
    exam_room_id: uuid.UUID | None,
    seat_number: int | None,
) -> None:
    reach = {room.exam_room_id for room in rooms_in_reach(uow.session, exam_session_id, actor=uow.actor)}
    if exam_room_id is None or exam_room_id not in reach:
        raise NotFoundError(N_("考场不在您负责的范围内，请刷新控制台"))
    capacity = seating.capacity_of(uow.session, exam_room_id)
    if seat_number is None or not 1 <= seat_number <= capacity:
        raise InvalidInputError(N_("座位号应在 1–%(n)s 之间"), n=capacity, fields={"seat_number": [N_("请填写座位号")]})
    holder = seating.holder_of(uow.session, exam_session_id, exam_room_id, seat_number)
    if holder is not None:
        is_own = holder == registration.registration_id
        raise ConflictError(N_("考生已在这个座位") if is_own else N_("这个座位已有考生，请选择空座位"))


def _place(uow: UnitOfWork, registration: Registration) -> str:
    seat = f"{registration.seat_number:02}" if registration.seat_number else "—"
    return f"{seating.name_of(uow.session, registration.exam_room_id)} {seat}".strip()


def _note(uow: UnitOfWork, attempt: Attempt | None, kind: str, text: str, at: datetime) -> None:
    if attempt:
        note_act(uow, attempt, kind, text, at)
