"""总控: all sessions of the organisation with their rooms, problems first; postponing and cancelling with consequences shown."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession
from exam_delivery.pages import reading
from exam_delivery.pages.console_lines import clock_text
from exam_delivery.pages.labels import session_badge
from exam_delivery.repository import planning
from exam_delivery.services import overview, rescheduling, seat_seal
from exam_delivery.services.overview import SessionLine
from exam_delivery.services.rescheduling import CHANGEABLE, Consequences
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("chief", __name__, url_prefix="/console")
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """Sessions around now with their rooms."""

    lines: Sequence[SessionLine]
    badge: Callable[..., tuple[str, str]]
    told: Callable[[str, Mapping[str, object]], str]
    clock: str
    n_problems: int
    is_fragment: bool


@dataclass(frozen=True, slots=True)
class ChosenTime:
    """A new start that was looked at: in words and as a form sends it, with all that stands against it."""

    starts_at: dt.datetime
    typed: str
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class ChangePage:
    """What postponing or cancelling a session means, before it is confirmed."""

    sitting: ExamSession
    badge: tuple[str, str]
    found: Consequences
    starts_at: str
    chosen: ChosenTime | None
    may_change: bool
    may_restore: bool
    is_too_late: bool
    reason: str
    error: str


@bp.get("/overview")
@requires(Permission.SESSION_CONTROL)
def index() -> Page:
    """Show every session around now, problems first; as a fragment to the page that refreshes itself."""
    at = now()
    lines = overview.session_lines(db.session(), actor=current_actor(), at=at)
    is_fragment = request.headers.get("HX-Request") == "true"
    n_problems = sum(line.n_problems for line in lines)
    page = OverviewPage(lines, session_badge, reading.translated, clock_text(at), n_problems, is_fragment)
    return render_page("exam_delivery/chief/overview.html", page)


@bp.get("/<uuid:exam_session_id>/change")
@requires(Permission.SESSION_CONTROL)
def change(exam_session_id: uuid.UUID) -> Page:
    """Show what postponing or cancelling would mean; with ``?starts_at=`` also who and what is taken at that time."""
    return _change_page(exam_session_id)


def _chosen_time(exam_session_id: uuid.UUID) -> ChosenTime | None:
    """Return the new start that is asked about, or was just refused."""
    typed = reading.text("starts_at") or request.args.get("starts_at", "")
    starts_at = reading.moment_of(typed)
    if starts_at is None:
        return None
    if starts_at <= now():
        return ChosenTime(starts_at, typed, [_("新的开考时间须晚于现在")])
    found = rescheduling.collisions_at(db.session(), exam_session_id, starts_at, actor=current_actor())
    return ChosenTime(starts_at, typed, [reading.message_of(one) for one in found])


def _change_page(exam_session_id: uuid.UUID, error: str = "") -> Page:
    """Show it, after a refusal with what was typed."""
    actor = current_actor()
    sitting = planning.get_session(db.session(), exam_session_id, actor=actor)
    is_open = sitting.status in CHANGEABLE
    chosen = _chosen_time(exam_session_id) if is_open else None
    page = ChangePage(
        sitting=sitting,
        badge=session_badge(sitting),
        found=rescheduling.consequences(db.session(), exam_session_id, actor=actor),
        starts_at=chosen.typed if chosen else reading.local(sitting.starts_at),
        chosen=chosen,
        may_change=is_open and sitting.cancelled_at is None,
        may_restore=is_open and sitting.cancelled_at is not None,
        is_too_late=rescheduling.is_too_late(sitting),
        reason=reading.text("reason"),
        error=error,
    )
    return render_page("exam_delivery/chief/change.html", page, status=422 if error else 200)


def _carry_out(exam_session_id: uuid.UUID, done: str, verb: Callable[[UnitOfWork], Any]) -> Page | Response:
    try:
        with unit_of_work(current_actor()) as uow:
            verb(uow)
    except (ConflictError, InvalidInputError) as exc:
        return _change_page(exam_session_id, reading.message_of(exc))
    return redirect_with_message(url_for("chief.change", exam_session_id=exam_session_id), done)


@bp.post("/<uuid:exam_session_id>/postpone")
@requires(Permission.SESSION_CONTROL)
def postpone(exam_session_id: uuid.UUID) -> Page | Response:
    """Move a session."""

    def verb(uow: UnitOfWork) -> ExamSession:
        return rescheduling.postpone(
            uow, exam_session_id, starts_at=reading.moment("starts_at"), reason=reading.text("reason"),
            fingerprint=reading.text("fingerprint"),
        )  # fmt: skip

    return _carry_out(exam_session_id, _("已改期，等候的考生页面会显示新的开考时间"), verb)


@bp.post("/<uuid:exam_session_id>/cancel")
@requires(Permission.SESSION_CONTROL)
def cancel(exam_session_id: uuid.UUID) -> Page | Response:
    """Cancel a session."""

    def verb(uow: UnitOfWork) -> ExamSession:
        fingerprint, reason = reading.text("fingerprint"), reading.text("reason")
        return rescheduling.cancel(uow, exam_session_id, reason=reason, fingerprint=fingerprint)

    return _carry_out(exam_session_id, _("场次已取消，考生不能再登录"), verb)


@bp.post("/<uuid:exam_session_id>/restore")
@requires(Permission.SESSION_CONTROL)
def restore(exam_session_id: uuid.UUID) -> Page | Response:
    """Take a cancellation back."""

    def verb(uow: UnitOfWork) -> ExamSession:
        return rescheduling.restore(uow, exam_session_id, reason=reading.text("reason"))

    return _carry_out(exam_session_id, _("已恢复场次"), verb)


@bp.post("/<uuid:exam_session_id>/unseal-seats")
@requires(Permission.SESSION_CONTROL)
def unseal_seats(exam_session_id: uuid.UUID) -> Response:
    """Open sealed seats before their time."""
    return reading.carry_out(
        url_for("exam_sessions.people", exam_session_id=exam_session_id),
        _("座位已启封，理由已记录"),
        lambda uow: seat_seal.break_seal(uow, exam_session_id, reason=reading.text("reason")),
    )
