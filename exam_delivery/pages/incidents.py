"""Incidents of a session: writing one down with candidates and photos, and what happened so far."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession, Incident, IncidentEvidence
from exam_delivery.pages import reading
from exam_delivery.pages.console import view_of
from exam_delivery.pages.console_lines import clock_text
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import incidents as repository
from exam_delivery.repository.incidents import Concerned
from exam_delivery.rules.room import INCIDENT_KINDS, INCIDENT_LABELS
from exam_delivery.services import incidents
from exam_delivery.services.console import RoomView
from exam_delivery.services.incidents import IncidentDraft
from kernel.db import db
from kernel.disk import require_room
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("incidents", __name__, url_prefix="/console")
Page = tuple[str, int]
FIELDS = ("kind", "text", "happened_at", "people", "photos")


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """Something that happened, with whom it concerns and what proves it."""

    incident_id: uuid.UUID
    at: str
    label: str
    text: str
    people: Sequence[Concerned]
    photos: Sequence[IncidentEvidence]
    who: str


@dataclass(frozen=True, slots=True)
class IncidentListPage:
    """What happened in a session, as far as this person may see."""

    sitting: ExamSession
    rows: Sequence[IncidentRow]
    kinds: Sequence[tuple[str, str]]
    kind: str
    back: str


@dataclass(frozen=True, slots=True)
class IncidentFormPage:
    """An incident to be written down."""

    sitting: ExamSession
    people: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    back: str
    filled: Mapping[str, object] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _kinds() -> list[tuple[str, str]]:
    return [(kind, _(INCIDENT_LABELS[kind])) for kind in INCIDENT_KINDS]


@bp.get("/<uuid:exam_session_id>/incidents")
@requires(Permission.SESSION_INVIGILATE)
def index(exam_session_id: uuid.UUID) -> Page:
    """List what happened, newest first."""
    view = view_of(exam_session_id)
    kind = request.args.get("kind", "")
    found = repository.list_of_session(
        db.session(), exam_session_id, kinds=[kind] if kind else INCIDENT_KINDS, actor=current_actor()
    )
    back = url_for("console.room", exam_session_id=exam_session_id)
    page = IncidentListPage(view.sitting, _rows(view, found), _kinds(), kind, back)
    return render_page("exam_delivery/incidents/list.html", page)


def _rows(view: RoomView, found: Sequence[Incident]) -> list[IncidentRow]:
    rooms = {room.exam_room_id for room in view.rooms}
    people = repository.concerned(db.session(), found)
    photos = repository.evidence_of(db.session(), [one.incident_id for one in found])
    names = attempts_repository.names_of(db.session(), {one.noted_by for one in found if one.noted_by})
    return [
        IncidentRow(
            one.incident_id, clock_text(one.happened_at or one.noted_at),
            _(INCIDENT_LABELS.get(one.kind, one.kind)), one.text, here, photos.get(one.incident_id, ()),
            names.get(one.noted_by, "") if one.noted_by else _("系统"),
        )
        for one in reversed(found)
        if (here := people.get(one.incident_id, [])) is not None
        and (not here or any(person.exam_room_id in rooms for person in here))
    ]  # fmt: skip


def _form(exam_session_id: uuid.UUID, filled: Mapping[str, object], errors: Mapping[str, Sequence[str]]) -> Page:
    view = view_of(exam_session_id)
    ordered = sorted(view.seats, key=lambda seat: (seat.row.room_name or "", seat.row.seat_number or 0))
    people = [
        (str(seat.row.registration_id), f"{seat.row.room_name or ''} {seat.row.seat_number or '—'} {seat.row.name}")
        for seat in ordered
    ]
    back = url_for("incidents.index", exam_session_id=exam_session_id)
    page = IncidentFormPage(view.sitting, people, _kinds(), back, filled, errors)
    return render_page("exam_delivery/incidents/new.html", page, **({"status": 422} if errors else {}))


@bp.get("/<uuid:exam_session_id>/incidents/new")
@requires(Permission.SESSION_INVIGILATE)
def new(exam_session_id: uuid.UUID) -> Page:
    """Show the form of an incident."""
    return _form(exam_session_id, {"people": [request.args.get("person", "")]}, {})


@bp.post("/<uuid:exam_session_id>/incidents")
@requires(Permission.SESSION_INVIGILATE)
def create(exam_session_id: uuid.UUID) -> Page | Response:
    """Keep an incident."""
    require_room()
    draft = IncidentDraft(
        kind=reading.text("kind"), text=reading.text("text"), happened_at=reading.moment("happened_at"),
        people=reading.keys("people"), photos=[one.read() for one in request.files.getlist("photos") if one.filename],
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            incidents.record(uow, exam_session_id, draft)
    except (ConflictError, InvalidInputError) as exc:
        filled = {name: request.form.get(name, "") for name in FIELDS} | {"people": request.form.getlist("people")}
        return _form(exam_session_id, filled, reading.field_errors(exc))
    return redirect_with_message(url_for("incidents.index", exam_session_id=exam_session_id), _("情况已记录"))


@bp.get("/<uuid:exam_session_id>/incidents/photos/<uuid:incident_evidence_id>")
@requires(Permission.SESSION_READ)
def photo(exam_session_id: uuid.UUID, incident_evidence_id: uuid.UUID) -> Response:
    """Give one photo."""
    body = incidents.read_photo(db.session(), current_actor(), exam_session_id, incident_evidence_id)
    return send_file(io.BytesIO(body), mimetype="image/jpeg", download_name=f"{incident_evidence_id}.jpg", max_age=0)
