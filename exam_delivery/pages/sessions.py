"""Sessions in the browser: plan, rooms, seats, preparation, opening and closing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import current_app, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints.public import SealedForm
from blueprints.public_sets import SealedSet
from exam_delivery.models import ExamBatch, ExamRoom, ExamSession, SessionRoom, SessionStatus
from exam_delivery.pages import reading
from exam_delivery.pages.draw_words import promise_text
from exam_delivery.pages.labels import session_badge
from exam_delivery.pages.session_lists import bp as bp  # the lists are in a file of their own
from exam_delivery.repository import attempts_planning, planning, seating
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.rules import keys
from exam_delivery.rules.leaving import TOOLS
from exam_delivery.rules.planning import SessionPlan
from exam_delivery.rules.states import FINISHED
from exam_delivery.services import (
    arranging,
    draw_commitments,
    forms,
    photo_gaps,
    preparation,
    running,
    scoring,
    seat_seal,
    sessions,
)
from exam_delivery.services.readiness import Blocker, find_blockers
from exam_delivery.services.readiness_gate import Gate, find_gate
from exam_delivery.services.rescheduling import CHANGEABLE
from exam_delivery.services.scoring import ScoringState
from kernel import profiles
from kernel.conflicts import ConflictOfInterestError
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.models import User
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

Page = tuple[str, int]
STEPS = (SessionStatus.PLANNED, SessionStatus.PREPARED, SessionStatus.OPEN, SessionStatus.CLOSED, SessionStatus.SCORED)


@dataclass(frozen=True, slots=True)
class SessionFormPage:
    """The form of a session."""

    batch: ExamBatch
    session: ExamSession | None
    values: SessionPlan
    starts_at: str
    ends_at: str
    forms: Sequence[SealedForm]
    sets: Sequence[SealedSet]
    errors: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A session as a whole: where it stands, what it lacks, what to do next."""

    batch: ExamBatch
    session: ExamSession
    counts: SessionCounts
    badge: tuple[str, str]
    step: int
    blockers: Sequence[Blocker]
    translated: Callable[[str, Mapping[str, object]], str]
    forms: Sequence[str]
    standby: Sequence[str]
    replaced: Sequence[tuple[str, str]]
    rooms: Sequence[tuple[SessionRoom, ExamRoom]]
    people: Mapping[str, str]
    scoring: ScoringState | None
    gate: Gate | None
    photo_gap: int
    draw: str
    promise: str
    is_partly_made: bool
    may_write: bool
    may_change: bool


def _form(batch: ExamBatch, row: ExamSession | None, values: SessionPlan, errors: Mapping[str, list[str]]) -> Page:
    available = forms.sealed_forms(db.session(), current_actor(), batch.standard_level_id)
    sets = forms.sealed_sets(db.session(), current_actor(), batch.standard_level_id)
    page = SessionFormPage(
        batch, row, values, reading.local(values.starts_at), reading.local(values.ends_at), available, sets, errors
    )
    return render_page("exam_delivery/sessions/form.html", page, status=422 if errors else 200)


def _default_plan(batch: ExamBatch) -> SessionPlan:
    actor = current_actor()
    values = profiles.values(db.session(), actor.organisation)
    available = forms.sealed_forms(db.session(), actor, batch.standard_level_id)
    n = len(planning.sessions_of_batch(db.session(), batch.exam_batch_id, actor=actor))
    return SessionPlan(
        name=_("第 %(n)s 场", n=n + 1), form_ids=tuple(str(one.form_id) for one in available[:1]), starts_at=None,
        duration_minutes=available[0].duration_minutes if available else values[keys.DURATION_MINUTES],
        open_entry_minutes=values[keys.OPEN_ENTRY_MINUTES], late_cutoff_minutes=values[keys.LATE_CUTOFF_MINUTES],
        earliest_submit_minutes=values[keys.EARLIEST_SUBMIT_MINUTES], leave_limit=values[keys.LEAVE_LIMIT],
    )  # fmt: skip


def _typed_plan() -> SessionPlan:
    return SessionPlan(
        name=reading.text("name"), form_ids=tuple(str(one) for one in reading.keys("form_ids")),
        starts_at=reading.moment("starts_at"), ends_at=reading.moment("ends_at"),
        duration_minutes=reading.number("duration_minutes"),
        open_entry_minutes=reading.number("open_entry_minutes"),
        late_cutoff_minutes=reading.number("late_cutoff_minutes"),
        earliest_submit_minutes=reading.number("earliest_submit_minutes"),
        leave_limit=reading.number("leave_limit"), per_page=reading.text("per_page") or "one",
        shuffle_items=reading.ticked("shuffle_items"), shuffle_choices=reading.ticked("shuffle_choices"),
        tools=tuple(name for name in TOOLS if reading.ticked(f"tool_{name}")), form_set_id=reading.text("form_set_id"),
        standby_form_ids=tuple(str(one) for one in reading.keys("standby_form_ids")),
    )  # fmt: skip


@bp.get("/exam-batches/<uuid:exam_batch_id>/sessions/new")
@requires(Permission.SESSION_WRITE)
def new(exam_batch_id: uuid.UUID) -> Page:
    """Show the form of a new session."""
    batch = planning.get_batch(db.session(), exam_batch_id, actor=current_actor())
    return _form(batch, None, _default_plan(batch), {})


@bp.post("/exam-batches/<uuid:exam_batch_id>/sessions/new")
@requires(Permission.SESSION_WRITE)
def create(exam_batch_id: uuid.UUID) -> Page | Response:
    """Create a session."""
    plan = _typed_plan()
    try:
        with unit_of_work(current_actor()) as uow:
            row = sessions.create_session(uow, exam_batch_id, plan)
    except InvalidInputError as exc:
        batch = planning.get_batch(db.session(), exam_batch_id, actor=current_actor())
        return _form(batch, None, plan, reading.field_errors(exc))
    return redirect_with_message(_address(row.exam_session_id), _("场次已建立，下一步：选择考场，导入考生"))


def _address(exam_session_id: uuid.UUID, view: str = "detail") -> str:
    return url_for(f"exam_sessions.{view}", exam_session_id=exam_session_id)


@bp.get("/exam-sessions/<uuid:exam_session_id>/edit")
@requires(Permission.SESSION_WRITE)
def edit(exam_session_id: uuid.UUID) -> Page:
    """Show the form of a session."""
    row = planning.get_session(db.session(), exam_session_id, actor=current_actor())
    batch = planning.get_batch(db.session(), row.exam_batch_id, actor=current_actor())
    return _form(batch, row, sessions.stored_plan(row), {})


@bp.post("/exam-sessions/<uuid:exam_session_id>/edit")
@requires(Permission.SESSION_WRITE)
def save(exam_session_id: uuid.UUID) -> Page | Response:
    """Change a session."""
    plan = _typed_plan()
    try:
        with unit_of_work(current_actor()) as uow:
            sessions.edit_session(uow, exam_session_id, plan, version=reading.number("version") or 0)
    except (InvalidInputError, ConflictError) as exc:
        row = planning.get_session(db.session(), exam_session_id, actor=current_actor())
        batch = planning.get_batch(db.session(), row.exam_batch_id, actor=current_actor())
        return _form(batch, row, plan, reading.field_errors(exc))
    return redirect_with_message(_address(exam_session_id), _("场次已保存"))


@bp.get("/exam-sessions/<uuid:exam_session_id>")
@requires(Permission.SESSION_READ)
def detail(exam_session_id: uuid.UUID) -> Page:
    """Show where a session stands and what to do next."""
    actor, session = current_actor(), db.session()
    row = planning.get_session(session, exam_session_id, actor=actor)
    titles = forms.titles(session, actor.organisation)
    is_planned = row.status is SessionStatus.PLANNED
    has_answers = row.status in {SessionStatus.CLOSED, SessionStatus.SCORED, SessionStatus.RELEASED}
    page = SessionPage(
        batch=planning.get_batch(session, row.exam_batch_id, actor=actor), session=row,
        counts=planning.count_people(session, [exam_session_id]).get(exam_session_id, SessionCounts()),
        badge=session_badge(row), step=_step(row), translated=reading.translated,
        blockers=find_blockers(session, actor, row) if is_planned else [],
        forms=_form_titles(row, titles), standby=[title_of(titles, one) for one in row.standby_form_ids], replaced=_replaced(row),
        rooms=planning.rooms_of_session(session, exam_session_id, actor=actor),
        people={str(user.user_id): user.name for user in planning.list_invigilators(session, actor=actor)},
        scoring=scoring.scoring_state(session, exam_session_id) if has_answers else None,
        gate=find_gate(session, actor, row) if row.status is SessionStatus.PREPARED else None,
        photo_gap=_photo_gap(row), draw=seat_seal.draw_state(session, row), promise=promise_text(draw_commitments.published_of(session, row)),
        is_partly_made=is_planned and bool(attempts_planning.registration_ids_with_attempt(session, exam_session_id)),
        may_write=actor.may(Permission.SESSION_WRITE),
        may_change=actor.may(Permission.SESSION_CONTROL) and row.status in CHANGEABLE,
    )  # fmt: skip
    return render_page("exam_delivery/sessions/detail.html", page)


def _photo_gap(row: ExamSession) -> int:
    """Return how many have no photo, as long as one can still be brought."""
    gap = None if row.status in FINISHED else photo_gaps.find_gap(db.session(), current_actor(), row)
    return gap.n if gap else 0


def _form_titles(row: ExamSession, titles: Mapping[uuid.UUID, SealedForm]) -> list[str]:
    """Return what a session's forms are called; those of a set have one name."""
    if row.form_set_id is None:
        return [title_of(titles, one) for one in row.form_ids]
    first = next((titles[uuid.UUID(one)] for one in row.form_ids if uuid.UUID(one) in titles), None)
    name = first.title.removesuffix(f"（{first.label}卷）") if first else ""
    return [_("%(name)s（一人一卷，%(n)s 份）", name=name, n=len(row.form_ids))]


def _replaced(row: ExamSession) -> list[tuple[str, str]]:
    """Return the session's forms that others have replaced, with these, as long as it has not begun."""
    if row.status not in {SessionStatus.PLANNED, SessionStatus.PREPARED}:
        return []
    session, actor = db.session(), current_actor()
    used = sorted(seating.forms_of_session(session, row.exam_session_id)) if row.form_set_id else row.form_ids
    return list(forms.replaced_titles(session, actor, used).values())


def title_of(titles: Mapping[uuid.UUID, SealedForm], form_id: str) -> str:
    """Return the title of a form, also of one that is gone."""
    form = titles.get(uuid.UUID(form_id))
    return form.title if form else _("试卷 %(code)s（已不可用）", code=form_id[:8])


def _step(row: ExamSession) -> int:
    if row.status is SessionStatus.RELEASED:
        return len(STEPS) + 1
    return STEPS.index(row.status) + 1


@dataclass(frozen=True, slots=True)
class SessionRoomsPage:
    """Which rooms a session uses and who invigilates."""

    batch: ExamBatch
    session: ExamSession
    rooms: Sequence[ExamRoom]
    used: Mapping[uuid.UUID, Sequence[str]]
    invigilators: Sequence[User]
    error: str
    n_people: int
    is_fixed: bool


@bp.get("/exam-sessions/<uuid:exam_session_id>/rooms")
@requires(Permission.SESSION_WRITE)
def rooms(exam_session_id: uuid.UUID) -> Page:
    """Show the choice of rooms and invigilators."""
    used = planning.rooms_of_session(db.session(), exam_session_id, actor=current_actor())
    return _rooms(exam_session_id, {room.exam_room_id: taken.invigilator_ids for taken, room in used}, "")


def _rooms(exam_session_id: uuid.UUID, used: Mapping[uuid.UUID, Sequence[str]], error: str) -> Page:
    actor, session = current_actor(), db.session()
    row = planning.get_session(session, exam_session_id, actor=actor)
    counts = planning.count_people(session, [exam_session_id]).get(exam_session_id, SessionCounts())
    known = planning.list_rooms(session, actor=actor)
    page = SessionRoomsPage(
        batch=planning.get_batch(session, row.exam_batch_id, actor=actor), session=row,
        rooms=[room for room in known if room.is_active or room.exam_room_id in used], used=used,
        invigilators=planning.list_invigilators(session, actor=actor), error=error, n_people=counts.n_admitted,
        is_fixed=row.status is not SessionStatus.PLANNED,
    )  # fmt: skip
    return render_page("exam_delivery/sessions/rooms.html", page, status=422 if error else 200)


@bp.post("/exam-sessions/<uuid:exam_session_id>/rooms")
@requires(Permission.SESSION_WRITE)
def save_rooms(exam_session_id: uuid.UUID) -> Page | Response:
    """Set rooms and invigilators."""
    chosen = {room: reading.keys(f"invigilators-{room}") for room in reading.keys("rooms")}
    try:
        with unit_of_work(current_actor()) as uow:
            sessions.set_rooms(uow, exam_session_id, chosen)
    except (ConflictError, ConflictOfInterestError, InvalidInputError) as exc:
        shown = {room: [str(person) for person in people] for room, people in chosen.items()}
        return _rooms(exam_session_id, shown, reading.message_of(exc))
    return redirect_with_message(_address(exam_session_id), _("考场与监考员已保存"))


@bp.post("/exam-sessions/<uuid:exam_session_id>/assign")
@requires(Permission.SESSION_WRITE)
def assign(exam_session_id: uuid.UUID) -> Response:
    """Put people without a session into this one."""
    limit = reading.number("limit")
    return reading.carry_out(
        _address(exam_session_id, "people"), lambda n: _("已安排 %(n)s 名考生到本场次", n=n),
        lambda uow: arranging.assign_to_session(uow, exam_session_id, limit=limit),
    )  # fmt: skip


@bp.post("/exam-sessions/<uuid:exam_session_id>/arrange")
@requires(Permission.SESSION_WRITE)
def arrange(exam_session_id: uuid.UUID) -> Response:
    """Number and seat everybody."""
    return reading.carry_out(
        _address(exam_session_id, "people"),
        lambda seed: _arranged(exam_session_id, seed), lambda uow: arranging.arrange(uow, exam_session_id),
    )  # fmt: skip


def _until(row: ExamSession) -> str:
    return reading.local(row.seats_sealed_until).replace("T", " ")


def _arranged(exam_session_id: uuid.UUID, seed: int) -> str:
    row = planning.get_session(db.session(), exam_session_id, actor=current_actor())
    if seat_seal.is_sealed(row):
        return str(_("准考证号和座位已编排；座位已密封，到 %(time)s 公布", time=_until(row)))
    return str(_("准考证号和座位已编排，随机种子 %(seed)s 已记录", seed=seed))


@bp.post("/exam-sessions/<uuid:exam_session_id>/prepare")
@requires(Permission.SESSION_WRITE)
def prepare(exam_session_id: uuid.UUID) -> Response:
    """Make attempts and forms in a job."""
    try:
        with unit_of_work(current_actor()) as uow:
            job = preparation.request_preparation(uow, exam_session_id)
    except InvalidInputError as exc:
        return redirect_with_message(_address(exam_session_id), reading.message_of(exc), "danger")
    return redirect_with_message(reading.job_page(job), _("正在为每名考生生成试卷"), "info")


@bp.post("/exam-sessions/<uuid:exam_session_id>/undo-preparation")
@requires(Permission.SESSION_WRITE)
def undo_preparation(exam_session_id: uuid.UUID) -> Response:
    """Take the prepared attempts away."""
    return reading.carry_out(
        _address(exam_session_id), lambda n: _("已撤销备考，删除 %(n)s 份考生试卷", n=n),
        lambda uow: preparation.undo_preparation(uow, exam_session_id),
    )  # fmt: skip


@bp.post("/exam-sessions/<uuid:exam_session_id>/open")
@requires(Permission.SESSION_WRITE)
def open_now(exam_session_id: uuid.UUID) -> Response:
    """Open sign-in."""
    reason, folder = reading.text("reason"), current_app.config["KAOKU"].instance_dir
    return reading.carry_out(
        _address(exam_session_id),
        _("场次已开放，考生可以登录"),
        lambda uow: running.open_session(uow, exam_session_id, reason=reason, folder=folder),
    )


@bp.post("/exam-sessions/<uuid:exam_session_id>/close")
@requires(Permission.SESSION_WRITE)
def close(exam_session_id: uuid.UUID) -> Response:
    """Close a session."""
    return reading.carry_out(
        _address(exam_session_id),
        _("场次已结束，正在自动评分"),
        lambda uow: running.close_session(uow, exam_session_id),
    )


@bp.post("/exam-sessions/<uuid:exam_session_id>/score")
@requires(Permission.SESSION_WRITE)
def score(exam_session_id: uuid.UUID) -> Response:
    """Score again."""
    with unit_of_work(current_actor()) as uow:
        job = scoring.request_scoring(uow, exam_session_id)
    return redirect_with_message(reading.job_page(job), _("正在重新评分，将产生新的评分版本"), "info")


@bp.post("/exam-sessions/<uuid:exam_session_id>/delete")
@requires(Permission.SESSION_WRITE)
def delete(exam_session_id: uuid.UUID) -> Response:
    """Delete an empty session."""
    with unit_of_work(current_actor()) as uow:
        row = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
        batch_id = row.exam_batch_id
        sessions.delete_session(uow, exam_session_id)
    return redirect_with_message(url_for("exam_batches.detail", exam_batch_id=batch_id), _("场次已删除"))
