"""Incidents of a session: writing one down with candidates and photos, and what happened so far."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession, Incident, IncidentEvidence
from exam_delivery.pages import reading
from exam_delivery.pages.console import room_name_of, view_of
from exam_delivery.pages.console_lines import clock_text
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import incidents as repository
from exam_delivery.repository.incidents import Concerned
from exam_delivery.rules.browsers import readable
from exam_delivery.rules.room import INCIDENT_KINDS, INCIDENT_LABELS
from exam_delivery.services import incidents
from exam_delivery.services.console import RoomView
from exam_delivery.services.incidents import IncidentDraft, is_here
from kernel.db import db
from kernel.disk import require_room
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.lists import Column, ListDescription, Order, declare_list
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
    place: str


def _concerned(row: IncidentRow) -> str:
    named = "、".join(f"{one.name} {one.admission_number or ''}".rstrip() for one in row.people)
    return named or row.place


LIST: ListDescription[IncidentRow] = declare_list(
    ListDescription(
        key="incidents",
        title=N_("情况记录"),
        columns=(
            Column("at", N_("时间"), lambda row: row.at, is_fixed=True, is_sortable=True),
            Column("kind", N_("类别"), lambda row: row.label, is_sortable=True),
            Column("people", N_("考生"), _concerned),
            Column("text", N_("情况经过"), lambda row: row.text),
            Column("photos", N_("照片"), lambda row: len(row.photos)),
            Column("who", N_("记录人"), lambda row: row.who, is_sortable=True),
        ),
        filters=("kind",),
        places=("room",),
        readers=(Permission.SESSION_INVIGILATE,),
        sharers=(Permission.SESSION_CONTROL,),
        order=Order("at", is_descending=True),
    )
)


@dataclass(frozen=True, slots=True)
class IncidentListPage:
    """What happened in a session, as far as this person may see."""

    listing: Listing[IncidentRow]
    sitting: ExamSession
    rows: Sequence[IncidentRow]
    kinds: Sequence[tuple[str, str]]
    kind: str
    room_id: uuid.UUID | None
    room_name: str
    paging: Paging
    href: Callable[[int], str]
    new: str
    back: str


@dataclass(frozen=True, slots=True)
class IncidentFormPage:
    """An incident to be written down."""

    sitting: ExamSession
    people: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    room: str
    back: str
    filled: Mapping[str, object] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _kinds() -> list[tuple[str, str]]:
    return [(kind, _(INCIDENT_LABELS[kind])) for kind in INCIDENT_KINDS]


@bp.get("/<uuid:exam_session_id>/incidents")
@requires(Permission.SESSION_INVIGILATE)
def index(exam_session_id: uuid.UUID) -> Page | Response:
    """List what happened, newest first."""
    listing = open_list(LIST)
    if away := begin_with_view(listing):
        return away
    view, kind = view_of(exam_session_id), request.args.get("kind", "")
    rows, paging = _ordered(view, listing), paging_from_request()
    first = (paging.page - 1) * paging.per_page
    page = IncidentListPage(
        listing, view.sitting, rows[first : first + paging.per_page], _kinds(), kind, view.room_id, room_name_of(view), paging.of(len(rows)),
        reading.page_link("incidents.index", exam_session_id=exam_session_id),
        url_for("incidents.new", exam_session_id=exam_session_id, room=view.room_id),
        url_for("console.room", exam_session_id=exam_session_id, room=view.room_id),
    )  # fmt: skip
    return render_page("exam_delivery/incidents/list.html", page)


def _ordered(view: RoomView, listing: Listing[IncidentRow]) -> list[IncidentRow]:
    kind = request.args.get("kind", "")
    found = repository.list_of_session(
        db.session(), view.sitting.exam_session_id, kinds=[kind] if kind else INCIDENT_KINDS, actor=current_actor()
    )
    rows, order = _rows(view, found), listing.order  # newest first
    if order.key == "at":
        return rows if order.is_descending else rows[::-1]
    named: Callable[[IncidentRow], str] = (lambda row: row.label) if order.key == "kind" else (lambda row: row.who)
    return sorted(rows, key=named, reverse=order.is_descending)


@bp.post("/<uuid:exam_session_id>/incidents/shown")
@requires(Permission.SESSION_INVIGILATE)
def export_shown(exam_session_id: uuid.UUID) -> Response:
    """Download what is listed, as far as this person may see."""
    listing, view = open_list(LIST), view_of(exam_session_id)

    def find() -> tuple[list[IncidentRow], int]:
        rows = _ordered(view, listing)
        return rows, len(rows)

    return send_list(listing, find, {"session": str(exam_session_id)})


def _rows(view: RoomView, found: Sequence[Incident]) -> list[IncidentRow]:
    shown = {room.exam_room_id: room.name for room in view.rooms if view.room_id in (None, room.exam_room_id)}
    people = repository.concerned(db.session(), found)
    named = repository.rooms_named(db.session(), [one.incident_id for one in found])
    photos = repository.evidence_of(db.session(), [one.incident_id for one in found])
    names = attempts_repository.names_of(db.session(), {one.noted_by for one in found if one.noted_by})
    return [
        IncidentRow(
            one.incident_id, clock_text(one.happened_at or one.noted_at),
            _(INCIDENT_LABELS.get(one.kind, one.kind)), readable(one.text), here, photos.get(one.incident_id, ()),
            names.get(one.noted_by, "") if one.noted_by else _("系统"),
            "、".join(name for key, name in shown.items() if key in named.get(one.incident_id, ())) or _("全部考场"),
        )
        for one in reversed(found)
        if any(
            is_here(here := people.get(one.incident_id, []), named.get(one.incident_id, ()), key) for key in shown
        )
    ]  # fmt: skip


def _form(exam_session_id: uuid.UUID, filled: Mapping[str, object], errors: Mapping[str, Sequence[str]]) -> Page:
    view = view_of(exam_session_id)
    ordered = sorted(view.seats, key=lambda seat: (seat.row.room_name or "", seat.row.seat_number or 0))
    people = [
        (str(seat.row.registration_id), f"{seat.row.room_name or ''} {seat.row.seat_number or '—'} {seat.row.name}")
        for seat in ordered
    ]
    room = str(reading.key(request.values.get("room")) or "")
    back = url_for("incidents.index", exam_session_id=exam_session_id, room=room or None)
    page = IncidentFormPage(view.sitting, people, _kinds(), room, back, filled, errors)
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
        room_id=reading.key(reading.text("room")),
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            incidents.record(uow, exam_session_id, draft)
    except (ConflictError, InvalidInputError) as exc:
        filled = {name: request.form.get(name, "") for name in FIELDS} | {"people": request.form.getlist("people")}
        return _form(exam_session_id, filled, reading.field_errors(exc))
    address = url_for("incidents.index", exam_session_id=exam_session_id, room=draft.room_id)
    return redirect_with_message(address, _("情况已记录"))


@bp.get("/<uuid:exam_session_id>/incidents/photos/<uuid:incident_evidence_id>")
@requires(Permission.SESSION_READ)
def photo(exam_session_id: uuid.UUID, incident_evidence_id: uuid.UUID) -> Response:
    """Give one photo."""
    body = incidents.read_photo(db.session(), current_actor(), exam_session_id, incident_evidence_id)
    return send_file(io.BytesIO(body), mimetype="image/jpeg", download_name=f"{incident_evidence_id}.jpg", max_age=0)
