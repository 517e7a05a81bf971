"""What waits in the rooms: an invigilator's own rooms with the time to the start and their readiness, a chief's rooms with problems."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.pages.console_lines import clock_text
from exam_delivery.pages.reading import translated
from exam_delivery.repository import sign_offs
from exam_delivery.repository.attempts import AssignedRoom
from exam_delivery.services import console, overview, reach, readiness_gate
from exam_delivery.services.overview import RoomLine
from exam_delivery.services.readiness_gate import OK
from kernel.clock import now
from kernel.http import Todo
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission

SOON_MINUTES = 120
NAMED = 3
"""So many rooms are named in one line."""


def for_invigilators(session: Session, actor: Actor) -> list[Todo]:
    """Return the rooms in which somebody invigilates now or soon, and those whose report waits for signatures."""
    if not actor.may(Permission.SESSION_INVIGILATE) or actor.may(Permission.SESSION_CONTROL):
        return []
    at = now()
    found = console.list_sessions(session, actor=actor, at=at)
    sittings = [sitting for sitting, _batch, _n_rooms in found if sitting.cancelled_at is None]
    return [todo for sitting in sittings for todo in _of_session(session, actor, sitting, at)]


def _of_session(session: Session, actor: Actor, sitting: ExamSession, at: datetime) -> list[Todo]:
    rooms = reach.rooms_in_reach(session, sitting.exam_session_id, actor=actor)
    if sitting.ends_at > at and sitting.status in {SessionStatus.PREPARED, SessionStatus.OPEN}:
        return [_room_todo(session, actor, sitting, rooms, at)]
    return _unsigned(session, sitting, rooms)


def _room_todo(session: Session, actor: Actor, sitting: ExamSession, rooms: list[AssignedRoom], at: datetime) -> Todo:
    minutes = int((sitting.starts_at - at).total_seconds() // 60)
    label = _("监考：%(rooms)s", rooms="、".join(f"{room.site} {room.name}" for room in rooms[:NAMED]))
    detail = [f"{sitting.name} {clock_text(sitting.starts_at)[:5]}", _countdown(minutes)]
    if sitting.status is SessionStatus.PREPARED:
        detail.append(_readiness(session, actor, sitting, rooms))
    href = url_for("console.room", exam_session_id=sitting.exam_session_id)
    severity = "warning" if minutes <= SOON_MINUTES else "info"
    return Todo(label, len(rooms), href, " · ".join(filter(None, detail)), severity)


def _countdown(minutes: int) -> str:
    if minutes < 0:
        return str(_("正在考试"))
    hours, rest = divmod(minutes, 60)
    return str(_("%(h)s 小时 %(m)s 分后开考", h=hours, m=rest) if hours else _("%(m)s 分钟后开考", m=rest))


def _readiness(session: Session, actor: Actor, sitting: ExamSession, rooms: list[AssignedRoom]) -> str:
    keys = {room.exam_room_id for room in rooms}
    lines = [line for line in readiness_gate.find_gate(session, actor, sitting).rooms if line.room.exam_room_id in keys]
    ready, n = sum(line.count(OK) for line in lines), sum(len(line.seats) for line in lines)
    return str(_("座位检查通过 %(ok)s / %(n)s", ok=ready, n=n))


def _unsigned(session: Session, sitting: ExamSession, rooms: list[AssignedRoom]) -> list[Todo]:
    signed = sign_offs.count_by_room(session, sitting.exam_session_id)
    return [
        Todo(
            _("考场报告待签字：%(room)s", room=f"{room.site} {room.name}"), 1,
            url_for("room_reports.detail", exam_session_id=sitting.exam_session_id, exam_room_id=room.exam_room_id),
            sitting.name, "warning",
        )
        for room in rooms
        if signed.get(room.exam_room_id, 0) < reach.N_SIGNATURES
    ]  # fmt: skip


def for_chiefs(session: Session, actor: Actor) -> list[Todo]:
    """Return the rooms around now that need a look, the worst named first."""
    if not actor.may(Permission.SESSION_CONTROL):
        return []
    lines = overview.session_lines(session, actor=actor, at=now())
    rooms = [room for line in lines for room in line.rooms if room.problems]
    ordered = sorted(rooms, key=lambda room: not room.is_outage)
    detail = "；".join(map(_told, ordered[:NAMED]))
    severity = "danger" if any(room.is_outage for room in rooms) else "warning"
    return [Todo(_("需要处理的考场"), len(rooms), url_for("chief.index"), detail, severity)]


def _told(room: RoomLine) -> str:
    message, numbers = room.problems[0]
    place = f"{room.counts.site} {room.counts.name}".strip() or _("未编排")
    return f"{place}：{translated(message, numbers)}"
