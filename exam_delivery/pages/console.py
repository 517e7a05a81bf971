"""考场控制台: the invigilator's room, kept fresh every three seconds; what is done there stands in `console_acts`."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, jsonify, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamSession
from exam_delivery.pages import console_lines, console_news, reading
from exam_delivery.pages.console_lines import Changing, IncidentLine, LostLine, SeatLine, clock_text, line_of
from exam_delivery.pages.labels import session_badge
from exam_delivery.repository import attempts as repository
from exam_delivery.repository import candidates, devices, seating
from exam_delivery.repository.attempts import AssignedRoom
from exam_delivery.rules.room_acts import ACT_LABELS, FOR_MANY, Act
from exam_delivery.rules.states import FINISHED
from exam_delivery.services import console, lost_time, photos
from exam_delivery.services.console import Counters, RoomView, Seat
from kernel.clock import iso, now
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission

bp = Blueprint("console", __name__, url_prefix="/console")
Page = tuple[str, int]
COUNTERS = (
    ("n_expected", N_("应到"), ""),
    ("n_present", N_("实到"), ""),
    ("n_working", N_("在考"), "success"),
    ("n_offline", N_("离线"), "danger"),
    ("n_submitted", N_("已交"), ""),
    ("n_absent", N_("缺考"), "warning"),
)


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
    acts: Sequence[tuple[str, str]]
    incidents: Sequence[IncidentLine]
    room_name: str
    session_badge: tuple[str, str]
    shows_seats: bool
    is_over: bool
    state_url: str
    shown: str
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
    acts: frozenset[Act]
    lost: LostLine | None
    rooms: Sequence[AssignedRoom]
    free_seat: int | None
    machine: str | None
    photo: str
    place: Mapping[str, str]
    back: str
    is_fragment: bool


@bp.get("/")
@requires(Permission.SESSION_INVIGILATE)
def index() -> Page:
    """List the sessions in which this person looks after a room."""
    rows = console.list_sessions(db.session(), actor=current_actor(), at=now())
    return render_page("exam_delivery/console/list.html", ConsoleListPage(rows, session_badge))


def view_of(exam_session_id: uuid.UUID, *, is_poll: bool = False) -> RoomView:
    """Return the room that the address names, as it stands now."""
    room_id = reading.key(request.args.get("room"))
    return console.view_room(
        db.session(), exam_session_id, room_id=room_id, actor=current_actor(), at=now(), is_poll=is_poll
    )


def room_name_of(view: RoomView) -> str:
    """Return the name of the room in view; where there is one alone it need not be chosen."""
    shown = [room for room in view.rooms if view.room_id in (None, room.exam_room_id)]
    return f"{shown[0].site} {shown[0].name}" if len(shown) == 1 else str(_("全部考场"))


def room_address(exam_session_id: uuid.UUID) -> str:
    """Return the console as the person has it open: the same room, list or seat map."""
    room, shows_seats = reading.key(request.values.get("room")), request.values.get("view") == "seats"
    return url_for("console.room", exam_session_id=exam_session_id, room=room, view="seats" if shows_seats else None)


def _counters(counters: Counters) -> list[tuple[str, str, int, str]]:
    return [(name, _(label), getattr(counters, name), kind) for name, label, kind in COUNTERS]


@bp.get("/<uuid:exam_session_id>")
@requires(Permission.SESSION_INVIGILATE)
def room(exam_session_id: uuid.UUID) -> Page:
    """Show the room."""
    view, zone = view_of(exam_session_id), reading.zone()
    names = {seat.row.attempt_id: seat.row.name for seat in view.seats if seat.row.attempt_id}
    incidents = repository.list_incidents(
        db.session(), exam_session_id, actor=current_actor(), attempt_ids=view.attempt_ids,
        room_ids=[view.room_id] if view.room_id else [one.exam_room_id for one in view.rooms], limit=30,
    )  # fmt: skip
    page = ConsolePage(
        view=view,
        lines=[line_of(exam_session_id, seat, zone, _place()) for seat in view.seats],
        badges=console_lines.badges(),
        counters=_counters(view.counters),
        reasons=console_lines.reasons(),
        acts=[(act.value, _(ACT_LABELS[act])) for act in FOR_MANY],
        incidents=console_lines.incident_lines(incidents, names),
        room_name=room_name_of(view),
        session_badge=session_badge(view.sitting.status, view.sitting.cancelled_at),
        shows_seats=request.args.get("view") == "seats",
        is_over=view.sitting.status in FINISHED,
        state_url=url_for("console.state", exam_session_id=exam_session_id, room=view.room_id),
        shown=console_news.marks_of(_changing(view)),
        now=iso(view.at),
        clock=clock_text(view.at),
    )
    return render_page("exam_delivery/console/room.html", page)


@bp.get("/<uuid:exam_session_id>/state")
@requires(Permission.SESSION_INVIGILATE)
def state(exam_session_id: uuid.UUID) -> Response:
    """Answer what the page does not show yet; everything to a page that does not say what it shows."""
    view = view_of(exam_session_id, is_poll=True)
    lines = _changing(view)
    return jsonify(
        {
            "now": iso(view.at),
            "shown": console_news.marks_of(lines),
            "counters": {name: n for name, _label, n, _kind in _counters(view.counters)},
            "seats": console_news.news(lines, request.headers.get(console_news.HEADER, "")),
        }
    )


def _changing(view: RoomView) -> list[Changing]:
    zone = reading.zone()
    return [console_lines.changing(seat, zone) for seat in view.seats]


@bp.get("/<uuid:exam_session_id>/candidates/<uuid:registration_id>")
@requires(Permission.SESSION_INVIGILATE)
def candidate(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page:
    """Show one candidate: in the drawer, or as a page."""
    view = view_of(exam_session_id)
    seat, incidents, minutes = console.view_seat(
        db.session(), exam_session_id, registration_id, actor=current_actor(), at=view.at
    )
    line = line_of(exam_session_id, seat)
    acts = console.acts_of(seat)
    page = CandidatePage(
        sitting=view.sitting,
        seat=seat,
        line=line,
        badge=console_lines.badges()[seat.state.value],
        facts=console_lines.facts(seat, line, minutes),
        incidents=console_lines.incident_lines(incidents, {}),
        reasons=console_lines.reasons(),
        acts=acts,
        lost=_lost(seat, view.at) if Act.ADD_TIME in acts else None,
        rooms=view.rooms,
        free_seat=_free_seat(exam_session_id, seat) if Act.MOVE in acts else None,
        machine=_machine(seat) if Act.SWAP_DEVICE in acts else None,
        photo=_photo_address(exam_session_id, registration_id),
        place=_place(),
        back=room_address(exam_session_id),
        is_fragment=request.headers.get("HX-Request") == "true",
    )
    return render_page("exam_delivery/console/candidate.html", page)


def _place() -> dict[str, str]:
    """Return what of the address says which room is shown and how, for links that lead back to it."""
    return {name: value for name in ("room", "view") if (value := request.args.get(name))}


def _photo_address(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> str:
    if candidates.photo_of(db.session(), registration_id, actor=current_actor()) is None:
        return ""
    return url_for("console.photo", exam_session_id=exam_session_id, registration_id=registration_id)


@bp.get("/<uuid:exam_session_id>/candidates/<uuid:registration_id>/photo")
@requires(Permission.SESSION_INVIGILATE)
def photo(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Response:
    """Give the photo that the roster brought, to compare it with the person."""
    body = photos.read_for_check_in(db.session(), exam_session_id, registration_id, current_actor())
    return send_file(io.BytesIO(body), mimetype="image/jpeg", max_age=0)


def _lost(seat: Seat, at: datetime) -> LostLine | None:
    found = lost_time.lost_times(db.session(), [seat.row], at)
    lost = found.get(seat.row.attempt_id) if seat.row.attempt_id else None
    return console_lines.lost_line(lost) if lost and lost.seconds else None


def _machine(seat: Seat) -> str | None:
    """Return the number of the machine at a candidate's seat; None where the room's machines are not listed."""
    room, number = seat.row.exam_room_id, seat.row.seat_number
    if room is None or number is None or not devices.count_devices(db.session(), room):
        return None
    return devices.code_at(db.session(), room, number)


def _free_seat(exam_session_id: uuid.UUID, seat: Seat) -> int | None:
    if seat.row.exam_room_id is None:
        return None
    free = seating.free_seats(db.session(), exam_session_id, seat.row.exam_room_id)
    return free[0] if free else None
