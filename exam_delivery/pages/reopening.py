"""Opening attempts of a closed session again, in the browser: proposing with a reason, carrying out by a second person."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamRoom, SessionReopening
from exam_delivery.pages import console_lines, reading
from exam_delivery.rules.reopening import REOPENABLE, REOPENING_KINDS, REOPENING_LABELS, ReopeningState
from exam_delivery.rules.room import REASON_LABELS, Reason
from exam_delivery.rules.states import SessionStatus
from exam_delivery.services import reopening
from exam_delivery.services.reopening import PROPOSERS, ReopeningPlan, ReopeningView
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("reopening", __name__, url_prefix="/exam-sessions")
Page = tuple[str, int]


def _told(row: SessionReopening) -> str:
    return str(
        _("已为 %(n)s 名考生重新开放，各 %(minutes)s 分钟，现在就开始计时", n=row.n_reopened, minutes=row.minutes)
    )


DONE = {
    ReopeningState.DONE: _told,
    ReopeningState.REFUSED: lambda _row: _("已记为不同意"),
    ReopeningState.WITHDRAWN: lambda _row: _("已收回"),
}


@dataclass(frozen=True, slots=True)
class ReopeningLine:
    """A reopening as the page writes it."""

    row: SessionReopening
    who: str
    reason: str
    state: tuple[str, str]
    effect: str
    may_decide: bool
    may_withdraw: bool


@dataclass(frozen=True, slots=True)
class ReopeningPage:
    """What of a session was opened again, and a form for more."""

    view: ReopeningView
    lines: Sequence[ReopeningLine]
    reasons: Sequence[tuple[str, str]]
    values: ReopeningPlan
    errors: Mapping[str, list[str]]
    is_open: bool
    is_released: bool
    back: tuple[str, str]


@bp.get("/<uuid:exam_session_id>/reopening")
@requires(*PROPOSERS)
def detail(exam_session_id: uuid.UUID) -> Page:
    """Show what was opened again and what waits."""
    return _page(exam_session_id, ReopeningPlan("", ""), {})


def _page(exam_session_id: uuid.UUID, values: ReopeningPlan, errors: Mapping[str, list[str]]) -> Page:
    view = reopening.view_reopenings(db.session(), current_actor(), exam_session_id)
    row = view.session
    page = ReopeningPage(
        view=view, lines=[_line(view, *entry) for entry in view.rows], reasons=console_lines.reasons(), values=values,
        errors=errors, is_open=row.status in REOPENABLE and row.cancelled_at is None,
        is_released=row.status is SessionStatus.RELEASED,
        back=(row.name, url_for("exam_sessions.detail", exam_session_id=exam_session_id)),
    )  # fmt: skip
    return render_page("exam_delivery/reopening/detail.html", page, status=422 if errors else 200)


def _line(view: ReopeningView, row: SessionReopening, name: str, number: str, room: ExamRoom | None) -> ReopeningLine:
    actor, is_open = current_actor(), row.state is ReopeningState.PROPOSED
    is_own = row.proposed_by == actor.user_id
    place = f"{room.site} {room.name}" if room else _("整个场次")
    return ReopeningLine(
        row, f"{name} {number}" if name else str(place),
        "：".join(filter(None, (_(REASON_LABELS[Reason(row.reason)]), row.note))),
        (_(REOPENING_LABELS[row.state]), REOPENING_KINDS[row.state]), _effect(view, row),
        is_open and not is_own and actor.may(Permission.SESSION_CONTROL), is_open and is_own,
    )  # fmt: skip


def _effect(view: ReopeningView, row: SessionReopening) -> str:
    if row.state is not ReopeningState.PROPOSED:
        return str(_("%(n)s 人各 %(minutes)s 分钟", n=row.n_reopened, minutes=row.minutes))
    counts = view.counts[row.session_reopening_id]
    return str(
        _(
            "重新开放 %(n)s 人，各 %(minutes)s 分钟；自己交卷的 %(own)s 人、已有人阅卷的 %(marked)s 人不变",
            n=counts.get("open", 0), minutes=row.minutes, own=counts.get("own", 0), marked=counts.get("marked", 0),
        )
    )  # fmt: skip


@bp.post("/<uuid:exam_session_id>/reopening")
@requires(*PROPOSERS)
def propose(exam_session_id: uuid.UUID) -> Page | Response:
    """Propose to open attempts again."""
    plan = ReopeningPlan(
        reading.text("minutes"), reading.text("reason"), reading.text("note"), reading.text("admission_number"),
        reading.key(reading.text("room")),
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            row = reopening.propose(uow, exam_session_id, plan)
    except InvalidInputError as exc:
        return _page(exam_session_id, plan, reading.field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(_address(exam_session_id), reading.message_of(exc), "danger")
    is_done = row.state is ReopeningState.DONE
    told = _told(row) if is_done else _("已提出重新开放，请另一位总控在本页批准")
    return redirect_with_message(_address(exam_session_id), told)


def _address(exam_session_id: uuid.UUID) -> str:
    return url_for("reopening.detail", exam_session_id=exam_session_id)


@bp.post("/<uuid:exam_session_id>/reopening/<uuid:session_reopening_id>/<state>")
@requires(*PROPOSERS)
def decide(exam_session_id: uuid.UUID, session_reopening_id: uuid.UUID, state: str) -> Response:
    """Carry out or refuse a reopening, or take it back."""
    wanted = ReopeningState(state) if state in {one.value for one in DONE} else ReopeningState.REFUSED
    return reading.carry_out(
        _address(exam_session_id),
        DONE[wanted],
        lambda uow: reopening.decide(uow, exam_session_id, session_reopening_id, wanted),
    )
