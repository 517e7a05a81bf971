"""考场控制台: the invigilator's room, kept fresh every three seconds; every act works as a plain form."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, jsonify, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamSession, Incident
from exam_delivery.pages import reading
from exam_delivery.pages.labels import session_badge
from exam_delivery.repository import attempts as repository
from exam_delivery.rules.room import INCIDENT_LABELS, REASON_LABELS, SEAT_KINDS, SEAT_LABELS, SeatState
from exam_delivery.services import attempts, console
from exam_delivery.services.console import Counters, RoomView, Seat
from kernel.clock import iso, now
from kernel.db import db
from kernel.errors import NotFoundError
from kernel.http import current_actor, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

bp = Blueprint("console", __name__, url_prefix="/console")
Page = tuple[str, int]
OVERLAP = timedelta(seconds=6)
"""A transaction that began before the last answer may have ended after it: news are told a little twice."""
COUNTERS = (
    ("n_expected", N_("应到"), ""),
    ("n_present", N_("实到"), ""),
    ("n_working", N_("在考"), "success"),
    ("n_offline", N_("离线"), "danger"),
    ("n_submitted", N_("已交"), ""),
    ("n_absent", N_("缺考"), "warning"),
)


@dataclass(frozen=True, slots=True)
class SeatLine:
    """A candidate as the page writes it."""

    key: str
    href: str
    room: str
    seat: str
    name: str
    admission_number: str
    state: str
    rank: int
    answered: str
    contact: str
    deadline: str
    device: str
    flag: str


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """Something that happened, as the page writes it."""

    at: str
    label: str
    text: str
    who: str


@dataclass(frozen=True, slots=True)
class ConsoleListPage:
    """The sessions that wait for this person."""

    rows: Sequence[tuple[ExamSession, ExamBatch, int]]
    badge: Callable[[Any], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A room, or all rooms in reach."""

    view: RoomView
    lines: Sequence[SeatLine]
    badges: Mapping[str, tuple[str, str]]
    counters: Sequence[tuple[str, str, int, str]]
    reasons: Sequence[tuple[str, str]]
    incidents: Sequence[IncidentLine]
    room_name: str
    session_badge: tuple[str, str]
    shows_seats: bool
    state_url: str
    since: str
    now: str
    clock: str


@dataclass(frozen=True, slots=True)
class CandidatePage:
    """One candidate and what can be done."""

    sitting: ExamSession
    seat: Seat
    line: SeatLine
    badge: tuple[str, str]
    facts: Sequence[tuple[str, str]]
    incidents: Sequence[IncidentLine]
    reasons: Sequence[tuple[str, str]]
    acts: frozenset[str]
    back: str
    is_fragment: bool


def clock_text(moment: datetime | None) -> str:
    """Return the time of day that people in the room read."""
    return moment.astimezone(reading.zone()).strftime("%H:%M:%S") if moment else "—"


def line_of(exam_session_id: uuid.UUID, seat: Seat) -> SeatLine:
    """Return a candidate as the page writes it."""
    row = seat.row
    href = url_for("console.candidate", exam_session_id=exam_session_id, registration_id=row.registration_id)
    return SeatLine(
        key=str(row.registration_id),
        href=href,
        room=row.room_name or "",
        seat=f"{row.seat_number:02}" if row.seat_number else "—",
        name=row.name,
        admission_number=row.admission_number or "—",
        state=seat.state.value,
        rank=seat.rank,
        answered=f"{row.n_answered} / {row.n_slots}" if row.attempt_id else "—",
        contact=clock_text(row.last_contact_at),
        deadline=clock_text(row.deadline_at),
        device=(row.device or "").split(" ")[0],
        flag=_("换过设备") if seat.n_takeovers else "",
    )


def _reasons() -> list[tuple[str, str]]:
    return [(reason.value, _(label)) for reason, label in REASON_LABELS.items()]


def _badges() -> dict[str, tuple[str, str]]:
    return {state.value: (_(SEAT_LABELS[state]), SEAT_KINDS[state]) for state in SeatState}


def _incident_lines(incidents: Sequence[Incident], names: Mapping[uuid.UUID, str]) -> list[IncidentLine]:
    people = repository.names_of(db.session(), {i.noted_by for i in incidents if i.noted_by})
    return [
        IncidentLine(
            at=clock_text(one.noted_at),
            label=_(INCIDENT_LABELS.get(one.kind, one.kind)),
            text="：".join(filter(None, (names.get(one.attempt_id, "") if one.attempt_id else "", one.text))),
            who=people.get(one.noted_by, "") if one.noted_by else _("系统"),
        )
        for one in incidents
    ]


@bp.get("/")
@requires(Permission.SESSION_INVIGILATE)
def index() -> Page:
    """List the sessions in which this person looks after a room."""
    rows = console.list_sessions(db.session(), actor=current_actor(), at=now())
    return render_page("exam_delivery/console/list.html", ConsoleListPage(rows, session_badge))


def _view(exam_session_id: uuid.UUID) -> RoomView:
    room_id = reading.key(request.args.get("room"))
    return console.view_room(db.session(), exam_session_id, room_id=room_id, actor=current_actor(), at=now())


def _counters(counters: Counters) -> list[tuple[str, str, int, str]]:
    return [(name, _(label), getattr(counters, name), kind) for name, label, kind in COUNTERS]


@bp.get("/<uuid:exam_session_id>")
@requires(Permission.SESSION_INVIGILATE)
def room(exam_session_id: uuid.UUID) -> Page:
    """Show the room."""
    view = _view(exam_session_id)
    names = {seat.row.attempt_id: seat.row.name for seat in view.seats if seat.row.attempt_id}
    incidents = repository.list_incidents(
        db.session(), exam_session_id, actor=current_actor(), attempt_ids=view.attempt_ids, limit=30
    )
    page = ConsolePage(
        view=view,
        lines=[line_of(exam_session_id, seat) for seat in view.seats],
        badges=_badges(),
        counters=_counters(view.counters),
        reasons=_reasons(),
        incidents=_incident_lines(incidents, names),
        room_name=next((f"{r.site} {r.name}" for r in view.rooms if r.exam_room_id == view.room_id), _("全部考场")),
        session_badge=session_badge(view.sitting.status),
        shows_seats=request.args.get("view") == "seats",
        state_url=url_for("console.state", exam_session_id=exam_session_id, room=view.room_id),
        since=iso(view.at - OVERLAP),
        now=iso(view.at),
        clock=clock_text(view.at),
    )
    return render_page("exam_delivery/console/room.html", page)


@bp.get("/<uuid:exam_session_id>/state")
@requires(Permission.SESSION_INVIGILATE)
def state(exam_session_id: uuid.UUID) -> Response:
    """Answer what changed since the last answer."""
    view = _view(exam_session_id)
    since = _moment(request.args.get("since", ""))
    seats = console.changed_since(db.session(), view, since) if since else view.seats
    fields = ("key", "state", "rank", "answered", "contact", "deadline", "device", "flag")
    lines = [line_of(exam_session_id, seat) for seat in seats]
    return jsonify(
        {
            "now": iso(view.at),
            "since": iso(view.at - OVERLAP),
            "counters": {name: n for name, _label, n, _kind in _counters(view.counters)},
            "seats": [{field: getattr(line, field) for field in fields} for line in lines],
        }
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


@bp.get("/<uuid:exam_session_id>/candidates/<uuid:registration_id>")
@requires(Permission.SESSION_INVIGILATE)
def candidate(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page:
    """Show one candidate: in the drawer, or as a page."""
    view = _view(exam_session_id)
    seat, incidents, minutes = console.view_seat(
        db.session(), exam_session_id, registration_id, actor=current_actor(), at=view.at
    )
    line = line_of(exam_session_id, seat)
    page = CandidatePage(
        sitting=view.sitting,
        seat=seat,
        line=line,
        badge=_badges()[seat.state.value],
        facts=_facts(seat, line, minutes),
        incidents=_incident_lines(incidents, {}),
        reasons=_reasons(),
        acts=acts_for(seat),
        back=url_for("console.room", exam_session_id=exam_session_id),
        is_fragment=request.headers.get("HX-Request") == "true",
    )
    return render_page("exam_delivery/console/candidate.html", page)


def _facts(seat: Seat, line: SeatLine, minutes: int) -> list[tuple[str, str]]:
    return [
        (_("准考证号"), line.admission_number),
        (_("考场座位"), f"{line.room} {line.seat}"),
        (_("已答"), line.answered),
        (_("最后联系"), line.contact),
        (_("登录时间"), clock_text(seat.row.signed_in_at)),
        (_("开始时间"), clock_text(seat.row.started_at)),
        (_("截止时间"), line.deadline + (" " + _("（已延时 %(n)s 分钟）", n=minutes) if minutes else "")),
        (_("交卷时间"), clock_text(seat.row.submitted_at)),
        (_("设备"), seat.row.device or "—"),
    ]


def acts_for(seat: Seat) -> frozenset[str]:
    """Return what can be done with a candidate now."""
    state = seat.state
    if state is SeatState.ABSENT:
        return frozenset({"present", "note"})
    if state in {SeatState.VOID, SeatState.UNPREPARED}:
        return frozenset()
    if state is SeatState.SUBMITTED:
        kind = seat.row.submit_kind
        return frozenset(
            {"note"}
            | ({"reopen"} if kind in {"forced", "timeout"} else set())
            | ({"add-time"} if kind == "timeout" else set())
        )
    if state in {SeatState.WORKING, SeatState.OFFLINE}:
        return frozenset({"add-time", "force-hand-in", "reset-sign-in", "note"})
    return frozenset({"add-time", "reset-sign-in", "absent", "note"})


def _why() -> attempts.Why:
    return attempts.read_reason(reading.text("reason"), reading.text("note"))


def _attempt_of(uow: UnitOfWork, registration_id: uuid.UUID) -> uuid.UUID:
    seat = repository.get_seat(uow.session, registration_id, actor=uow.actor)
    if seat.attempt_id is None:
        raise NotFoundError(N_("考生还没有备卷，请联系考务管理员"))
    return seat.attempt_id


def _add_time(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.add_time(
        uow, sitting, minutes=reading.number("minutes") or 0, why=_why(), attempt_id=_attempt_of(uow, person)
    )


def _force_hand_in(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.force_hand_in(uow, sitting, _attempt_of(uow, person), why=_why())


def _reopen(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.reopen(uow, sitting, _attempt_of(uow, person), why=_why())


def _reset_sign_in(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.reset_sign_in(uow, sitting, _attempt_of(uow, person), why=_why())


def _absent(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.mark_absent(uow, sitting, person, why=_why())


def _present(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.mark_present(uow, sitting, person, why=_why())


def _note(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.note_incident(uow, sitting, text=reading.text("text"), attempt_id=_attempt_of(uow, person))


ACTS: Mapping[str, tuple[Callable[[UnitOfWork, uuid.UUID, uuid.UUID], object], str]] = {
    "add-time": (_add_time, N_("已延时，考生页面几秒内显示新的截止时间")),
    "force-hand-in": (_force_hand_in, N_("已收卷；收错了可以撤销")),
    "reopen": (_reopen, N_("已撤销收卷，请考生重新登录继续作答")),
    "reset-sign-in": (_reset_sign_in, N_("已重置登录，考生可在任何一台设备重新登录")),
    "absent": (_absent, N_("已记缺考；考生到场可以撤销")),
    "present": (_present, N_("已撤销缺考")),
    "note": (_note, N_("情况已记录")),
}


@bp.post(
    "/<uuid:exam_session_id>/candidates/<uuid:registration_id>/<any('add-time','force-hand-in','reopen','reset-sign-in','absent','present','note'):act>"
)
@requires(Permission.SESSION_INVIGILATE)
def act_on(exam_session_id: uuid.UUID, registration_id: uuid.UUID, act: str) -> Response:
    """Do one act with one candidate."""
    verb, done = ACTS[act]
    return reading.carry_out(_back(exam_session_id), _(done), partial(_apply, verb, exam_session_id, registration_id))


def _apply(
    verb: Callable[[UnitOfWork, uuid.UUID, uuid.UUID], object], sitting: uuid.UUID, person: uuid.UUID, uow: UnitOfWork
) -> object:
    return verb(uow, sitting, person)


def _back(exam_session_id: uuid.UUID) -> str:
    return url_for("console.room", exam_session_id=exam_session_id, room=reading.key(request.form.get("room")))


@bp.post("/<uuid:exam_session_id>/add-time")
@requires(Permission.SESSION_INVIGILATE)
def add_time(exam_session_id: uuid.UUID) -> Response:
    """Give more time to a room, or to all rooms in reach."""
    room_id = reading.key(request.form.get("room"))

    def verb(uow: UnitOfWork) -> int:
        return attempts.add_time(
            uow, exam_session_id, minutes=reading.number("minutes") or 0, why=_why(), room_id=room_id
        )

    return reading.carry_out(_back(exam_session_id), lambda n: _("已为 %(n)s 名考生延时", n=n), verb)


@bp.post("/<uuid:exam_session_id>/notes")
@requires(Permission.SESSION_INVIGILATE)
def note(exam_session_id: uuid.UUID) -> Response:
    """Write down something that concerns the whole room."""

    def verb(uow: UnitOfWork) -> Incident:
        return attempts.note_incident(uow, exam_session_id, text=reading.text("text"))

    return reading.carry_out(_back(exam_session_id), _("情况已记录"), verb)
