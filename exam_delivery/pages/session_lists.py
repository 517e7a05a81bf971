"""Lists of sessions and of the people of one session, with their exports."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamSession, SessionStatus
from exam_delivery.pages import reading
from exam_delivery.pages.lists import SESSION_PEOPLE, SESSIONS, PersonLine, SessionLine
from exam_delivery.repository import candidates, planning
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.rules.states import SESSION_LABELS
from exam_delivery.services import list_exports, reach, seat_seal
from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.identity.permissions import Permission

bp = Blueprint("exam_sessions", __name__)
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class SessionListPage:
    """Sessions with their batch."""

    listing: Listing[SessionLine]
    rows: Sequence[SessionLine]
    status: str
    statuses: Sequence[tuple[str, str]]
    paging: Paging
    href: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class SessionPeoplePage:
    """Who sits where."""

    listing: Listing[PersonLine]
    batch: ExamBatch
    session: ExamSession
    lines: Sequence[PersonLine]
    paging: Paging
    q: str
    lacks_photo: bool
    href: Callable[[int], str]
    n_unassigned: int
    may_write: bool
    may_reveal: bool
    is_sealed: bool
    may_unseal: bool


@bp.get("/exam-sessions/")
@requires(Permission.SESSION_READ)
def index() -> Page | Response:
    """List sessions."""
    listing, paging = open_list(SESSIONS), paging_from_request()
    if away := begin_with_view(listing):
        return away
    rows, total = _lines(db.session(), listing, paging)
    labels = [(status.value, _(label)) for status, label in SESSION_LABELS.items()]
    link, wanted = reading.page_link("exam_sessions.index"), request.args.get("status", "")
    page = SessionListPage(listing, rows, wanted, labels, paging.of(total), link)
    return render_page("exam_delivery/sessions/list.html", page)


def _lines(session: Session, listing: Listing[SessionLine], paging: Paging) -> tuple[list[SessionLine], int]:
    wanted = request.args.get("status", "")
    rows, total = planning.list_sessions(
        session, actor=current_actor(), statuses=[SessionStatus(wanted)] if wanted in set(SessionStatus) else [],
        order=listing.order, page=paging.page, per_page=paging.per_page,
    )  # fmt: skip
    counts = planning.count_people(session, [row.exam_session_id for row, _batch in rows])
    return [SessionLine(row, batch, counts.get(row.exam_session_id, SessionCounts())) for row, batch in rows], total


@bp.post("/exam-sessions/shown")
@requires(Permission.SESSION_READ)
def export_shown() -> Response:
    """Download the sessions with the columns, filter and order that are shown."""
    listing = open_list(SESSIONS)
    return send_list(listing, lambda: _lines(db.session(), listing, EVERYTHING), {})


@bp.post("/exam-sessions/export")
@requires(Permission.SESSION_READ)
def export() -> Response:
    """Download the sessions that the filter shows as Excel."""
    wanted = reading.text("status")
    statuses = [SessionStatus(wanted)] if wanted in set(SessionStatus) else []
    return reading.send_workbook(
        url_for("exam_sessions.index", status=wanted), _("考试场次"),
        lambda uow: list_exports.export_sessions(uow, statuses),
    )  # fmt: skip


@bp.get("/exam-sessions/<uuid:exam_session_id>/people")
@requires(Permission.SESSION_READ)
def people(exam_session_id: uuid.UUID) -> Page | Response:
    """List the people of a session with numbers and seats."""
    listing, paging = open_list(SESSION_PEOPLE), paging_from_request()
    if away := begin_with_view(listing):
        return away
    actor, session = current_actor(), db.session()
    row = _session_in_reach(session, exam_session_id)
    lines, total = _people(session, listing, row, paging)
    page = SessionPeoplePage(
        listing=listing, batch=planning.get_batch(session, row.exam_batch_id, actor=actor), session=row, lines=lines,
        paging=paging.of(total), q=request.args.get("q", "").strip(), lacks_photo=request.args.get("photo") == "none",
        href=reading.page_link("exam_sessions.people", exam_session_id=exam_session_id),
        n_unassigned=candidates.count_of_batch(session, row.exam_batch_id, actor=actor)[1],
        may_write=actor.may(Permission.SESSION_WRITE), may_reveal=actor.may(Permission.PERSONAL_DATA_REVEAL),
        is_sealed=seat_seal.is_sealed(row), may_unseal=actor.may(Permission.SESSION_CONTROL),
    )  # fmt: skip
    return render_page("exam_delivery/sessions/people.html", page)


def _session_in_reach(session: Session, exam_session_id: uuid.UUID) -> ExamSession:
    row = planning.get_session(session, exam_session_id, actor=current_actor())
    reach.check_session_in_reach(session, exam_session_id, actor=current_actor())
    return row


def _people(
    session: Session, listing: Listing[PersonLine], row: ExamSession, paging: Paging
) -> tuple[list[PersonLine], int]:
    wanted = candidates.PeopleFilter(
        exam_session_id=row.exam_session_id, text=request.args.get("q", "").strip(),
        without_photo=request.args.get("photo") == "none",
    )  # fmt: skip
    found, total = candidates.list_registrations(
        session, actor=current_actor(), wanted=wanted, order=listing.order, page=paging.page, per_page=paging.per_page
    )
    is_sealed = seat_seal.is_sealed(row)
    return [PersonLine(registration, person, room, row, is_sealed) for registration, person, room in found], total


@bp.post("/exam-sessions/<uuid:exam_session_id>/people/shown")
@requires(Permission.SESSION_READ)
def export_people(exam_session_id: uuid.UUID) -> Response:
    """Download the people of a session with the columns, filter and order that are shown, numbers masked."""
    listing, row = open_list(SESSION_PEOPLE), _session_in_reach(db.session(), exam_session_id)
    told = {"session": str(exam_session_id)}
    return send_list(listing, lambda: _people(db.session(), listing, row, EVERYTHING), told)
