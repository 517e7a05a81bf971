"""Checks of the seats of a room, opened by a code instead of an account; nothing about people is told or kept."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import (
    ExamSession,
    RoomCheckCode,
    RoomDevice,
    SeatCheck,
    SessionLockdown,
    SessionStatus,
    SignInTry,
)
from exam_delivery.repository import lockdown, planning
from exam_delivery.repository import readiness as repository
from exam_delivery.repository.devices import count_devices
from exam_delivery.rules.lockdown import LockdownMode
from exam_delivery.rules.readiness import judge, read_figures
from exam_delivery.rules.seb import Proof, Requirement
from exam_delivery.services import devices
from exam_delivery.services.devices import Place
from kernel import audit, crypto, profiles
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError, TooManyAttemptsError
from kernel.i18n import N_
from kernel.identity.actor import require, system_actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No letter or digit that is easily taken for another."""
CODE_LENGTH = 10
TRY_WINDOW, MOST_TRIES = timedelta(minutes=10), 20
PAUSE = timedelta(seconds=3)
MOST_CHECKS = 200
CLOSED = frozenset({SessionStatus.CLOSED, SessionStatus.SCORED, SessionStatus.RELEASED})
ProofsFor = Callable[[str], Sequence[Proof]]
"""What a request proves about its browser, given the address by which candidates reach the site."""
WriteOnce = Callable[[uuid.UUID | None, Callable[[UnitOfWork], Any]], Any]


@dataclass(frozen=True, slots=True)
class CheckedRoom:
    """What a check page may tell: where it is and for which session; no person."""

    code: str
    organisation_id: uuid.UUID
    exam_session_id: uuid.UUID
    exam_room_id: uuid.UUID
    room: str
    session_name: str
    starts_at: datetime
    n_seats: int
    needs_seb: bool
    asks_device: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of a seat came to."""

    seat_number: int
    findings: Sequence[str]
    is_ready: bool


def make_codes(uow: UnitOfWork, exam_session_id: uuid.UUID, *, renew: bool = False) -> int:
    """Give every room of a session a code; with `renew`, new ones, and the old ones open nothing any more."""
    require(uow.actor, Permission.SESSION_WRITE)
    found = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    known = repository.codes_of_session(uow.session, exam_session_id, actor=uow.actor)
    n_made = 0
    for _used, room in planning.rooms_of_session(uow.session, exam_session_id, actor=uow.actor):
        row = known.get(room.exam_room_id)
        if row is not None and not renew:
            continue
        if row is None:
            row = RoomCheckCode(
                exam_session_id=exam_session_id, exam_room_id=room.exam_room_id, organisation_id=found.organisation_id
            )
            uow.add(row)
        row.code, row.created_at = new_code(), now()
        n_made += 1
    audit.record(uow, "room_check.make_codes", "exam_session", exam_session_id, after={"codes": n_made})
    return n_made


def new_code() -> str:
    """Return a random code that is easily typed."""
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))


def typed_code(text: str) -> str:
    """Return a code as it is kept, however it was typed."""
    return "".join(one for one in text.upper() if one in LETTERS)[:CODE_LENGTH]


def open_room(session: Session, code: str, address: str, write: WriteOnce) -> CheckedRoom:
    """Return the room that a code opens; who guesses codes has to wait.

    `write` runs something in a transaction of its own.

    Raises
    ------
    NotFoundError
        If no session that is still to come uses the code.
    TooManyAttemptsError
        After twenty wrong codes from one address within ten minutes.
    """
    subject = "room-check:" + crypto.blind_index(crypto.purpose_key("lookup-throttle"), address)[:40]
    if repository.count_tries(session, subject, now() - TRY_WINDOW) >= MOST_TRIES:
        raise TooManyAttemptsError(N_("代码输错的次数太多，请 10 分钟后再试"))
    found = repository.find_code(session, typed_code(code))
    if found is None or found[1].status in CLOSED:
        write(None, lambda uow: uow.add(SignInTry(subject=subject, tried_at=now())))
        raise NotFoundError(N_("没有这个考场检查代码，请向考务管理员核对"))
    row, sitting, room = found
    locked = session.get(SessionLockdown, sitting.exam_session_id)
    return CheckedRoom(
        code=row.code, organisation_id=row.organisation_id, exam_session_id=sitting.exam_session_id,
        exam_room_id=room.exam_room_id, room=f"{room.site} {room.name}", session_name=sitting.name,
        starts_at=sitting.starts_at, n_seats=room.capacity,
        needs_seb=locked is not None and locked.mode is LockdownMode.SEB,
        asks_device=count_devices(session, room.exam_room_id) > 0,
    )  # fmt: skip


def keep_check(
    uow: UnitOfWork, room: CheckedRoom, seat_number: int, raw: Any, *, user_agent: str, proofs: ProofsFor
) -> Verdict:
    """Judge what a seat measured and keep it in place of an earlier check of the same seat.

    Raises
    ------
    InvalidInputError
        If there is no such seat, the figures are nonsense, or the number of the machine is missing.
    TooManyAttemptsError
        If the same seat was checked a moment ago, or far too often.
    """
    if not 1 <= seat_number <= room.n_seats:
        raise InvalidInputError(N_("本考场没有这个座位号，请填写 1–%(n)s"), n=room.n_seats)
    figures = read_figures(raw)
    limits = profiles.values(uow.session, room.organisation_id)
    lacks_seb = room.needs_seb and not _is_proven(uow, room, proofs)
    findings, is_ready = judge(figures, user_agent, limits, lacks_seb=lacks_seb)
    machine = _machine(uow, room, seat_number, raw)
    row = _seat_row(uow, room, seat_number)
    row.figures, row.findings, row.is_ready = figures.to_json(), findings, is_ready
    row.device = "".join(c for c in user_agent if c.isprintable())[:200]
    row.checked_at = now()
    if machine is not None:
        machine.device, machine.findings = row.device, findings
        machine.is_ready, machine.checked_at = is_ready, row.checked_at
    return Verdict(seat_number, findings, is_ready)


def _machine(uow: UnitOfWork, room: CheckedRoom, seat_number: int, raw: Any) -> RoomDevice | None:
    sitting = devices.sitting_of(uow.session.get_one(ExamSession, room.exam_session_id))
    place = Place(room.exam_room_id, seat_number)
    return devices.check_device(uow, room.organisation_id, place, sitting, str(raw.get("device") or ""))


def _is_proven(uow: UnitOfWork, room: CheckedRoom, proofs: ProofsFor) -> bool:
    row = lockdown.find_lockdown(uow.session, room.exam_session_id, actor=system_actor(room.organisation_id))
    if row is None:
        return False
    needed = Requirement(row.base_url, row.config_key, tuple(row.exam_keys))
    return any(needed.is_met_by(proof) for proof in proofs(row.base_url))


def _seat_row(uow: UnitOfWork, room: CheckedRoom, seat_number: int) -> SeatCheck:
    key = (room.exam_session_id, room.exam_room_id, seat_number)
    row = uow.session.get(SeatCheck, key, with_for_update=True)
    if row is None:
        row = SeatCheck(
            exam_session_id=key[0], exam_room_id=key[1], seat_number=key[2], organisation_id=room.organisation_id,
            n_checks=1,
        )  # fmt: skip
        uow.add(row)
        return row
    if now() - row.checked_at < PAUSE or row.n_checks >= MOST_CHECKS:
        raise TooManyAttemptsError(N_("这个座位刚刚检查过，请稍候再试"))
    row.n_checks += 1
    return row


def forget_checks(uow: UnitOfWork, exam_session_id: uuid.UUID) -> int:
    """Forget all checks of a session, so that every seat is checked again."""
    require(uow.actor, Permission.SESSION_WRITE)
    found = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if found.status in CLOSED:
        raise ConflictError(N_("考试已经结束，检查结果保留备查"))
    rows = repository.checks_of_session(uow.session, exam_session_id, actor=uow.actor)
    for row in rows.values():
        uow.session.delete(row)
    audit.record(uow, "room_check.forget", "exam_session", exam_session_id, before={"checks": len(rows)})
    return len(rows)
