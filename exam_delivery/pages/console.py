"""考场控制台: the invigilator's room, kept fresh every three seconds; one candidate is `console_candidate`, acts are `console_acts`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamSession
from exam_delivery.pages import console_lines, console_news, reading
from exam_delivery.pages.console_lines import Changing, IncidentLine, SeatLine, clock_text, line_of
from exam_delivery.pages.labels import session_badge
from exam_delivery.repository import attempts as repository
from exam_delivery.rules.room import LAST_ISSUE
from exam_delivery.rules.room_acts import ACT_LABELS, FOR_MANY
from exam_delivery.rules.states import FINISHED
from exam_delivery.services import console
from exam_delivery.services.console import Counters, RoomView
from kernel.clock import iso, now
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission

if TYPE_CHECKING:
    from exam_delivery.pages.console_candidate import Refusal, Typed

bp = Blueprint("console", __name__, url_prefix="/console")
Page = tuple[str, int]
COUNTERS = (
    ("n_issues", N_("需要处理"), "danger"),
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
    last_issue: int
    address: str
    state_url: str
    shown: str
    now: str
    clock: str
    refused: Refusal | None

    def typed(self, act: str) -> Typed | None:
        """Return what stood in the form of an act with the whole room when it was refused; None for every other form."""
        return self.refused.typed if self.refused and self.refused.act == act else None


@bp.get("/")
@requires(Permission.SESSION_INVIGILATE)
def index() -> Page:
    """List the sessions in which this person looks after a room."""
    rows = console.list_sessions(db.session(), actor=current_actor(), at=now())
    return render_page("exam_delivery/console/list.html", ConsoleListPage(rows, session_badge))


def view_of(exam_session_id: uuid.UUID, *, is_poll: bool = False) -> RoomView:
    """Return the room that the address names, or the form that was sent, as it stands now."""
    room_id = reading.key(request.values.get("room"))
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
    return show_room(exam_session_id)


def show_room(exam_session_id: uuid.UUID, refused: Refusal | None = None) -> Page:
    """Show the room, after a refused act with what was typed."""
    view, zone = view_of(exam_session_id), reading.zone()
    names = {seat.row.attempt_id: seat.row.name for seat in view.seats if seat.row.attempt_id}
    incidents = repository.list_incidents(
        db.session(), exam_session_id, actor=current_actor(), attempt_ids=view.attempt_ids,
        room_ids=[view.room_id] if view.room_id else [one.exam_room_id for one in view.rooms], limit=30,
    )  # fmt: skip
    page = ConsolePage(
        view=view,
        lines=[line_of(exam_session_id, seat, zone, place()) for seat in view.seats],
        badges=console_lines.badges(),
        counters=_counters(view.counters),
        reasons=console_lines.reasons(),
        acts=[(act.value, _(ACT_LABELS[act])) for act in FOR_MANY],
        incidents=console_lines.incident_lines(incidents, names),
        room_name=room_name_of(view),
        session_badge=session_badge(view.sitting),
        shows_seats=request.values.get("view") == "seats",
        is_over=view.sitting.status in FINISHED,
        last_issue=LAST_ISSUE,
        address=room_address(exam_session_id),
        state_url=url_for("console.state", exam_session_id=exam_session_id, room=view.room_id),
        shown=console_news.marks_of(_changing(view)),
        now=iso(view.at),
        clock=clock_text(view.at),
        refused=refused,
    )
    return render_page("exam_delivery/console/room.html", page, status=refused.status if refused else 200)


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


def place() -> dict[str, str]:
    """Return what of the address says which room is shown and how, for links that lead back to it."""
    return {name: value for name in ("room", "view") if (value := request.values.get(name))}
