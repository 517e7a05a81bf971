"""Standby forms of a session in the browser: what lies in reserve, proposing a switch, carrying it out by a second person."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamRoom, FormSwitch
from exam_delivery.pages import reading
from exam_delivery.rules.standby import (
    SWITCH_REASON_LABELS,
    SWITCH_STATE_KINDS,
    SWITCH_STATE_LABELS,
    SWITCHABLE,
    SwitchState,
)
from exam_delivery.services import standby
from exam_delivery.services.restarting import Begun
from exam_delivery.services.standby import PROPOSERS, StandbyView, SwitchPlan
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("standby", __name__, url_prefix="/exam-sessions")
Page = tuple[str, int]
SHOWN = 300
"""So many people are listed; the sums are of all."""


def _done(row: FormSwitch) -> str:
    n, kept = row.n_switched, row.n_kept
    if row.n_restarted:
        text = _("已为 %(n)s 名考生换用备用卷，%(r)s 名重新开考，%(m)s 名不变", n=n, r=row.n_restarted, m=kept)
    else:
        text = _("已为 %(n)s 名考生换用备用卷，%(m)s 名已开始作答的不变", n=n, m=kept)
    return str(text)


DONE = {
    SwitchState.DONE: _done,
    SwitchState.REFUSED: lambda _row: _("已记为不同意"),
    SwitchState.WITHDRAWN: lambda _row: _("已收回"),
}


@dataclass(frozen=True, slots=True)
class Restart:
    """What a proposed switch takes from those who have begun."""

    who: str
    reason: str
    people: Sequence[Begun]
    n_more: int
    n_people: int
    n_answers: int
    minutes: str


@dataclass(frozen=True, slots=True)
class SwitchLine:
    """A switch as the page writes it."""

    row: FormSwitch
    who: str
    form: str
    reason: str
    state: tuple[str, str]
    effect: str
    may_decide: bool
    may_withdraw: bool


@dataclass(frozen=True, slots=True)
class StandbyPage:
    """The standby forms of a session, the switches to them, and a form for another."""

    view: StandbyView
    lines: Sequence[SwitchLine]
    restarts: Sequence[Restart]
    reasons: Sequence[tuple[str, str]]
    values: SwitchPlan
    errors: Mapping[str, list[str]]
    is_open: bool
    back: tuple[str, str]


@bp.get("/<uuid:exam_session_id>/standby")
@requires(*PROPOSERS)
def detail(exam_session_id: uuid.UUID) -> Page:
    """Show what lies in reserve and what was switched."""
    return _page(exam_session_id, SwitchPlan("", ""), {})


def _page(exam_session_id: uuid.UUID, values: SwitchPlan, errors: Mapping[str, list[str]]) -> Page:
    view = standby.view_standby(db.session(), current_actor(), exam_session_id)
    row = view.session
    page = StandbyPage(
        view=view, lines=[_line(view, *entry) for entry in view.rows],
        restarts=[_restart(view, *entry) for entry in view.rows if entry[0].form_switch_id in view.begun],
        reasons=[(one.value, _(label)) for one, label in SWITCH_REASON_LABELS.items()], values=values, errors=errors,
        is_open=row.status in SWITCHABLE and row.cancelled_at is None,
        back=(row.name, url_for("exam_sessions.detail", exam_session_id=exam_session_id)),
    )  # fmt: skip
    return render_page("exam_delivery/standby/detail.html", page, status=422 if errors else 200)


def _line(view: StandbyView, row: FormSwitch, name: str, number: str, room: ExamRoom | None) -> SwitchLine:
    actor, is_open = current_actor(), row.state is SwitchState.PROPOSED
    is_own = row.proposed_by == actor.user_id
    titles = dict(view.forms)
    return SwitchLine(
        row, _scope(name, number, room), titles.get(str(row.form_id), str(row.form_id)[:8]),
        "：".join(filter(None, (_(SWITCH_REASON_LABELS[row.reason]), row.note))),
        (_(SWITCH_STATE_LABELS[row.state]), SWITCH_STATE_KINDS[row.state]), _effect(view, row),
        is_open and not is_own and actor.may(Permission.SESSION_CONTROL), is_open and is_own,
    )  # fmt: skip


def _scope(name: str, number: str, room: ExamRoom | None) -> str:
    place = f"{room.site} {room.name}" if room else _("整个场次")
    return f"{name} {number}" if name else str(place)


def _restart(view: StandbyView, row: FormSwitch, name: str, number: str, room: ExamRoom | None) -> Restart:
    people = view.begun[row.form_switch_id]
    concerned = [one for one in people if one.is_concerned]
    minutes = _("%(n)s 分钟", n=row.minutes or view.session.duration_seconds // 60)
    return Restart(
        _scope(name, number, room), _(SWITCH_REASON_LABELS[row.reason]), people[:SHOWN], len(people[SHOWN:]),
        len(concerned), sum(one.n_answered for one in concerned), minutes,
    )  # fmt: skip


def _effect(view: StandbyView, row: FormSwitch) -> str:
    n, kept, restarted = row.n_switched, row.n_kept, row.n_restarted
    if row.state is SwitchState.PROPOSED:
        counts = view.counts[row.form_switch_id]
        restarted = sum(one.is_concerned for one in view.begun.get(row.form_switch_id, ()))
        n = counts.get("waiting", 0)
        kept = sum(counts.values()) - n - restarted
    if row.restarts:
        return str(_("换 %(n)s 人，%(r)s 人作废重考，%(m)s 人不变", n=n, r=restarted, m=kept))
    return str(_("换 %(n)s 人，%(m)s 人已开始作答不变", n=n, m=kept))


@bp.post("/<uuid:exam_session_id>/standby")
@requires(*PROPOSERS)
def propose(exam_session_id: uuid.UUID) -> Page | Response:
    """Propose a switch."""
    plan = SwitchPlan(
        reading.text("form_id"), reading.text("reason"), reading.text("note"), reading.text("admission_number"),
        reading.key(reading.text("room")), reading.ticked("restarts"), reading.ticked("includes_submitted"),
        reading.text("minutes"),
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            standby.propose(uow, exam_session_id, plan)
    except InvalidInputError as exc:
        return _page(exam_session_id, plan, reading.field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(_address(exam_session_id), reading.message_of(exc), "danger")
    return redirect_with_message(_address(exam_session_id), _("已提出换卷，请另一位总控在本页批准"))


def _address(exam_session_id: uuid.UUID) -> str:
    return url_for("standby.detail", exam_session_id=exam_session_id)


@bp.post("/<uuid:exam_session_id>/standby/<uuid:form_switch_id>/<state>")
@requires(*PROPOSERS)
def decide(exam_session_id: uuid.UUID, form_switch_id: uuid.UUID, state: str) -> Response:
    """Carry out or refuse a switch, or take it back."""
    wanted = SwitchState(state) if state in {one.value for one in DONE} else SwitchState.REFUSED
    return reading.carry_out(
        _address(exam_session_id),
        DONE[wanted],
        lambda uow: standby.decide(uow, exam_session_id, form_switch_id, wanted),
    )
