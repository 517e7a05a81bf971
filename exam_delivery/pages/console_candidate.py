"""One candidate in the console: what is known, what can be done, and what was typed when an act was refused."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession
from exam_delivery.pages import console_lines, reading
from exam_delivery.pages.console import bp, place, room_address, view_of
from exam_delivery.pages.console_lines import IncidentLine, LostLine, SeatLine, line_of
from exam_delivery.repository import candidates, devices, door_photos, seating
from exam_delivery.repository.attempts import AssignedRoom
from exam_delivery.rules.door_photos import NO_PHOTO_LABELS, DoorPhotoRule
from exam_delivery.rules.room_acts import ACT_LABELS, Act, Arranged, arranged
from exam_delivery.services import console, lost_time, photos
from exam_delivery.services.console import Seat
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission

Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the form of an act that was refused, and what is wrong with it; empty for every other form."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def value(self, name: str, default: str = "") -> str:
        """Return what a field shows: what was typed, else what the page proposes."""
        return self.values.get(name, default)

    def wrong(self, name: str) -> Sequence[str]:
        """Return what stands beside a field."""
        return self.errors.get(name, ())

    @property
    def is_refused(self) -> bool:
        """Whether this form was sent and refused."""
        return bool(self.errors)


UNTOUCHED = Typed()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An act that was not carried out."""

    act: Act
    label: str
    message: str
    typed: Typed
    status: int


def refusal(act: Act, exc: ConflictError | InvalidInputError) -> Refusal:
    """Return why an act was refused, with what the person had typed."""
    values = {name: value for name, value in request.form.items() if name != "csrf_token"}
    typed = Typed(values, reading.field_errors(exc))
    status = 422 if isinstance(exc, InvalidInputError) else 409
    return Refusal(act, _(ACT_LABELS[act]), reading.message_of(exc), typed, status)


def is_drawer() -> bool:
    """Say whether the drawer asks, which wants a fragment."""
    return request.headers.get("HX-Request") == "true"


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
    ordered: Arranged
    user_agent: str
    lost: LostLine | None
    rooms: Sequence[AssignedRoom]
    free_seat: int | None
    machine: str | None
    photo: str
    door: DoorPhotoLine | None
    place: Mapping[str, str]
    back: str
    is_fragment: bool
    refused: Refusal | None

    def typed(self, act: str) -> Typed:
        """Return what stood in the form of an act."""
        return self.refused.typed if self.refused and self.refused.act == act else UNTOUCHED


@dataclass(frozen=True, slots=True)
class DoorPhotoLine:
    """The photo taken at the door: where it is shown and taken; `reasons` where one is required and there is none."""

    href: str
    picture: str
    taken: str
    reasons: Sequence[tuple[str, str]]


def door_line(sitting: ExamSession, registration_id: uuid.UUID, at: Mapping[str, str]) -> DoorPhotoLine | None:
    """Return what is known of the photo at the door, None where the session takes none."""
    if sitting.door_photo == DoorPhotoRule.OFF:
        return None
    keys: dict[str, Any] = {"exam_session_id": sitting.exam_session_id, "registration_id": registration_id}
    row = door_photos.find(db.session(), sitting.exam_session_id, registration_id)
    is_wanting = row is None and sitting.door_photo == DoorPhotoRule.REQUIRED
    return DoorPhotoLine(
        href=url_for("door_photos.show", **(keys | dict(at))),
        picture=url_for("door_photos.picture", **keys, of=row.digest[:8]) if row else "",
        taken=_("%(time)s，%(who)s", time=console_lines.clock_text(row.taken_at), who=row.taken_by_name) if row else "",
        reasons=[(one.value, _(label)) for one, label in NO_PHOTO_LABELS.items()] if is_wanting else (),
    )


@bp.get("/<uuid:exam_session_id>/candidates/<uuid:registration_id>")
@requires(Permission.SESSION_INVIGILATE)
def candidate(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page:
    """Show one candidate: in the drawer, or as a page."""
    return show_candidate(exam_session_id, registration_id)


def show_candidate(exam_session_id: uuid.UUID, registration_id: uuid.UUID, refused: Refusal | None = None) -> Page:
    """Show a candidate, after a refused act with what was typed."""
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
        ordered=arranged(seat.state, acts),
        user_agent=(seat.row.device or "").partition(" ")[2],
        lost=_lost(seat, view.at) if Act.ADD_TIME in acts else None,
        rooms=view.rooms,
        free_seat=_free_seat(exam_session_id, seat) if Act.MOVE in acts else None,
        machine=_machine(seat) if Act.SWAP_DEVICE in acts else None,
        photo=photo_address(exam_session_id, registration_id),
        door=door_line(view.sitting, registration_id, place()),
        place=place(),
        back=room_address(exam_session_id),
        is_fragment=is_drawer(),
        refused=refused,
    )
    return render_page("exam_delivery/console/candidate.html", page, status=refused.status if refused else 200)


def photo_address(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> str:
    """Return where the photo that the roster brought is, if there is one."""
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
