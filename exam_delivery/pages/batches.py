"""Batches and rooms in the browser."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamPlan, ExamRoom, ExamSession
from exam_delivery.pages import reading
from exam_delivery.pages.labels import session_badge
from exam_delivery.pages.lists import BATCHES
from exam_delivery.repository import candidates, planning, plans, releases
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.rules import keys
from exam_delivery.services import batch_forms, batches, forms, list_exports
from exam_delivery.services.batch_forms import FormLine
from exam_delivery.services.batches import BatchPlan, RoomPlan
from exam_delivery.services.forms import LevelChoice
from exam_delivery.services.plan_progress import is_outside
from exam_delivery.services.plans import READERS
from exam_delivery.services.reach import SEE_ALL
from kernel import profiles
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("exam_batches", __name__, url_prefix="/exam-batches")
rooms_bp = Blueprint("exam_rooms", __name__, url_prefix="/exam-rooms")
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class BatchListPage:
    """Batches, newest first."""

    listing: Listing[ExamBatch]
    batches: Sequence[ExamBatch]
    q: str
    paging: Paging
    href: Callable[[int], str]
    may_write: bool


@dataclass(frozen=True, slots=True)
class BatchFormPage:
    """The form of a batch."""

    batch: ExamBatch | None
    values: BatchPlan
    levels: Sequence[LevelChoice]
    plans: Sequence[tuple[str, str]]
    errors: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class BatchPage:
    """One batch with its sessions and people."""

    batch: ExamBatch
    plan: ExamPlan | None
    is_outside_plan: bool
    may_read_plan: bool
    sessions: Sequence[ExamSession]
    counts: Mapping[uuid.UUID, SessionCounts]
    badge: Callable[[Any], tuple[str, str]]
    n_people: int
    n_without_session: int
    is_released: bool
    may_write: bool
    forms: Sequence[FormLine]
    may_read_people: bool
    may_read_forms: bool
    may_see_figures: bool


@bp.get("/")
@requires(Permission.SESSION_READ)
def index() -> Page | Response:
    """List batches."""
    listing, paging = open_list(BATCHES), paging_from_request()
    if away := begin_with_view(listing):
        return away
    rows, total = _list(db.session(), listing, paging)
    page = BatchListPage(
        listing, rows, request.args.get("q", "").strip(), paging.of(total), reading.page_link("exam_batches.index"),
        current_actor().may(Permission.SESSION_WRITE),
    )  # fmt: skip
    return render_page("exam_delivery/batches/list.html", page)


def _list(session: Session, listing: Listing[ExamBatch], paging: Paging) -> tuple[Sequence[ExamBatch], int]:
    return planning.list_batches(
        session, actor=current_actor(), text=request.args.get("q", "").strip(), order=listing.order, page=paging.page,
        per_page=paging.per_page,
    )  # fmt: skip


@bp.post("/shown")
@requires(Permission.SESSION_READ)
def export_shown() -> Response:
    """Download the batches with the columns, filter and order that are shown."""
    listing = open_list(BATCHES)
    return send_list(listing, lambda: _list(db.session(), listing, EVERYTHING), {})


@bp.post("/export")
@requires(Permission.SESSION_READ)
def export() -> Response:
    """Download the batches that the search shows as Excel."""
    q = reading.text("q")
    return reading.send_workbook(
        url_for("exam_batches.index", q=q), _("考试批次"), lambda uow: list_exports.export_batches(uow, q)
    )


def _form(batch: ExamBatch | None, values: BatchPlan, errors: Mapping[str, list[str]], status: int = 200) -> Page:
    levels = [] if batch else forms.levels_of_batches(db.session(), current_actor())
    page = BatchFormPage(batch, values, levels, _plans_for(batch), errors)
    return render_page("exam_delivery/batches/form.html", page, status=status)


def _plans_for(batch: ExamBatch | None) -> list[tuple[str, str]]:
    """Return the plans that may be chosen, with the one that a batch has already."""
    actor, session = current_actor(), db.session()
    found = list(plans.choosable_plans(session, actor=actor))
    present = batch.exam_plan_id if batch else None
    if present and present not in {one.exam_plan_id for one in found}:
        found.append(plans.get_plan(session, present, actor=actor))
    return [(str(one.exam_plan_id), one.title) for one in found]


def _plan() -> BatchPlan:
    return BatchPlan(
        reading.text("code"), reading.text("name"), reading.text("standard_level_id"), reading.text("exam_plan_id"),
        reading.ticked("accepts_outside"),
    )  # fmt: skip


@bp.get("/new")
@requires(Permission.SESSION_WRITE)
def new() -> Page:
    """Show the form of a new batch."""
    return _form(None, BatchPlan(today().strftime("%Y%m") + "-01", ""), {})


@bp.post("/new")
@requires(Permission.SESSION_WRITE)
def create() -> Page | Response:
    """Create a batch."""
    plan = _plan()
    try:
        with unit_of_work(current_actor()) as uow:
            batch = batches.create_batch(uow, plan)
    except InvalidInputError as exc:
        return _form(None, plan, reading.field_errors(exc), 422)
    return redirect_with_message(_address(batch.exam_batch_id), _("批次已建立，下一步：新建场次"))


def _address(exam_batch_id: uuid.UUID) -> str:
    return url_for("exam_batches.detail", exam_batch_id=exam_batch_id)


@bp.get("/<uuid:exam_batch_id>")
@requires(Permission.SESSION_READ)
def detail(exam_batch_id: uuid.UUID) -> Page:
    """Show a batch."""
    actor, session = current_actor(), db.session()
    batch = planning.get_batch(session, exam_batch_id, actor=actor)
    sessions = planning.sessions_of_batch(session, exam_batch_id, actor=actor)
    counts = planning.count_people(session, [row.exam_session_id for row in sessions])
    n_people, n_unassigned = candidates.count_of_batch(session, exam_batch_id, actor=actor)
    plan = plans.get_plan(session, batch.exam_plan_id, actor=actor) if batch.exam_plan_id else None
    page = BatchPage(
        batch=batch, plan=plan, is_outside_plan=is_outside(session, batch, actor=actor),
        may_read_plan=any(actor.may(one) for one in READERS), sessions=sessions, counts=counts, badge=session_badge, n_people=n_people,
        n_without_session=n_unassigned,
        is_released=releases.find_release_of_batch(session, exam_batch_id, actor=actor) is not None,
        may_write=actor.may(Permission.SESSION_WRITE), forms=batch_forms.list_forms(session, sessions),
        may_read_people=any(actor.may(one) for one in SEE_ALL),
        may_read_forms=actor.may(Permission.FORM_READ), may_see_figures=actor.may(Permission.STATISTICS_READ),
    )  # fmt: skip
    return render_page("exam_delivery/batches/detail.html", page)


@bp.get("/<uuid:exam_batch_id>/edit")
@requires(Permission.SESSION_WRITE)
def edit(exam_batch_id: uuid.UUID) -> Page:
    """Show the form of a batch."""
    batch = planning.get_batch(db.session(), exam_batch_id, actor=current_actor())
    return _form(batch, BatchPlan(batch.code, batch.name, exam_plan_id=str(batch.exam_plan_id or "")), {})


@bp.post("/<uuid:exam_batch_id>/edit")
@requires(Permission.SESSION_WRITE)
def save(exam_batch_id: uuid.UUID) -> Page | Response:
    """Change a batch."""
    plan = _plan()
    try:
        with unit_of_work(current_actor()) as uow:
            batches.edit_batch(uow, exam_batch_id, plan, version=reading.number("version") or 0)
    except (ConflictError, InvalidInputError) as exc:
        batch = planning.get_batch(db.session(), exam_batch_id, actor=current_actor())
        return _form(batch, plan, reading.field_errors(exc), 422)
    return redirect_with_message(_address(exam_batch_id), _("批次已保存"))


@bp.post("/<uuid:exam_batch_id>/delete")
@requires(Permission.SESSION_WRITE)
def delete(exam_batch_id: uuid.UUID) -> Response:
    """Delete an empty batch."""
    with unit_of_work(current_actor()) as uow:
        batches.delete_batch(uow, exam_batch_id)
    return redirect_with_message(url_for("exam_batches.index"), _("批次已删除"))


@dataclass(frozen=True, slots=True)
class RoomListPage:
    """The organisation's rooms and the form of one of them."""

    rooms: Sequence[ExamRoom]
    room: ExamRoom | None
    values: RoomPlan
    limit: int
    may_write: bool
    errors: Mapping[str, list[str]] = field(default_factory=dict)


def _rooms(room: ExamRoom | None, values: RoomPlan, errors: Mapping[str, list[str]], status: int = 200) -> Page:
    actor, session = current_actor(), db.session()
    limit = profiles.value(session, actor.organisation, keys.ROOM_SIZE)
    rooms = planning.list_rooms(session, actor=actor)
    page = RoomListPage(rooms, room, values, limit, actor.may(Permission.SESSION_WRITE), errors)
    return render_page("exam_delivery/rooms/list.html", page, status=status)


@rooms_bp.get("/")
@requires(Permission.SESSION_READ)
def rooms() -> Page:
    """List rooms; ``?room=`` opens one in the form."""
    actor, session = current_actor(), db.session()
    wanted = reading.key(request.args.get("room"))
    room = planning.get_room(session, wanted, actor=actor) if wanted else None
    limit = profiles.value(session, actor.organisation, keys.ROOM_SIZE)
    values = (
        RoomPlan(room.site, room.name, room.capacity, room.is_active, room.is_separate)
        if room
        else RoomPlan("", "", limit)
    )
    return _rooms(room, values, {})


@rooms_bp.post("/")
@requires(Permission.SESSION_WRITE)
def save_room() -> Page | Response:
    """Create or change a room."""
    actor, wanted = current_actor(), reading.key(request.form.get("exam_room_id"))
    is_active = wanted is None or reading.ticked("is_active")
    plan = RoomPlan(
        reading.text("site"), reading.text("name"), reading.number("capacity"), is_active, reading.ticked("is_separate")
    )
    try:
        with unit_of_work(actor) as uow:
            batches.save_room(uow, wanted, plan)
    except InvalidInputError as exc:
        room = planning.get_room(db.session(), wanted, actor=actor) if wanted else None
        return _rooms(room, plan, reading.field_errors(exc), 422)
    return redirect_with_message(url_for("exam_rooms.rooms"), _("考场已保存"))
