"""The surroundings of a session: Safe Exam Browser, kiosk profiles, exemptions."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, abort, current_app, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, LockdownExemption
from exam_delivery.pages import reading
from exam_delivery.repository import planning
from exam_delivery.rules import kiosk, seb
from exam_delivery.rules.lockdown import (
    EXEMPTION_REASON_LABELS,
    EXEMPTION_STATE_KINDS,
    EXEMPTION_STATE_LABELS,
    MODE_LABELS,
    ExemptionState,
)
from exam_delivery.rules.seb import SebOptions
from exam_delivery.rules.states import FINISHED
from exam_delivery.services import exemptions, lockdown
from exam_delivery.services.exemptions import ExemptionView
from exam_delivery.services.lockdown import LockdownView
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("lockdown", __name__)
Page = tuple[str, int]
PLACES = (Permission.SESSION_INVIGILATE, Permission.SESSION_WRITE)
KIOSK_FILES = {
    "chromium-policy.json": "application/json",
    "kaoku-exam.desktop": "application/octet-stream",
    "assigned-access.xml": "application/xml",
}


@dataclass(frozen=True, slots=True)
class LockdownPage:
    """The surroundings of one session."""

    batch: ExamBatch
    view: LockdownView
    modes: Sequence[tuple[str, str]]
    mode: str
    exam_keys: str
    values: SebOptions
    errors: Mapping[str, list[str]]
    kiosk_files: Sequence[str]
    is_over: bool
    may_write: bool = True


@dataclass(frozen=True, slots=True)
class ExemptionLine:
    """An exemption as its page writes it."""

    row: LockdownExemption
    who: str
    reason: str
    state: tuple[str, str]
    may_decide: bool
    may_withdraw: bool


@dataclass(frozen=True, slots=True)
class ExemptionsPage:
    """The exemptions of a session, and a form for another."""

    view: ExemptionView
    lines: Sequence[ExemptionLine]
    reasons: Sequence[tuple[str, str]]
    values: Mapping[str, str]
    errors: Mapping[str, list[str]]
    back: tuple[str, str]


def site_address() -> str:
    """Return the address by which people reach the site: the configured one, else that of this request."""
    configured: str = current_app.config["KAOKU"].public_url
    return seb.check_base_url(configured) or request.url_root.rstrip("/")


def _page(view: LockdownView, values: SebOptions, mode: str, keys: str, errors: Mapping[str, list[str]]) -> Page:
    batch = planning.get_batch(db.session(), view.session.exam_batch_id, actor=current_actor())
    labels = [(one.value, _(label)) for one, label in MODE_LABELS.items()]
    is_over = view.session.status in FINISHED
    page = LockdownPage(batch, view, labels, mode, keys, values, errors, tuple(KIOSK_FILES), is_over)
    return render_page("exam_delivery/lockdown/session.html", page, status=422 if errors else 200)


def _stored(view: LockdownView) -> SebOptions:
    kept = view.options
    if not kept:
        return SebOptions(site_address())
    return SebOptions(**(kept | {"quit_password": ""}))


@bp.get("/exam-sessions/<uuid:exam_session_id>/lockdown")
@requires(Permission.SESSION_WRITE)
def detail(exam_session_id: uuid.UUID) -> Page:
    """Show which browser a session needs, and what its computers are set up with."""
    view = lockdown.view_lockdown(db.session(), current_actor(), exam_session_id)
    keys = "\n".join(view.row.exam_keys) if view.row else ""
    return _page(view, _stored(view), view.mode.value, keys, {})


def _typed_options() -> SebOptions:
    return SebOptions(
        base_url=reading.text("base_url"), quit_password=reading.text("quit_password"),
        allow_reload=reading.ticked("allow_reload"), allow_virtual_machine=reading.ticked("allow_virtual_machine"),
        is_touch=reading.ticked("is_touch"), is_quit_allowed=reading.ticked("is_quit_allowed"),
        allow_rescue_files=reading.ticked("allow_rescue_files"),
    )  # fmt: skip


@bp.post("/exam-sessions/<uuid:exam_session_id>/lockdown/settings")
@requires(Permission.SESSION_WRITE)
def write_settings(exam_session_id: uuid.UUID) -> Page | Response:
    """Write a new settings file."""
    options = _typed_options()
    password = reading.text("settings_password")
    try:
        with unit_of_work(current_actor()) as uow:
            lockdown.write_settings(uow, exam_session_id, options, settings_password=password)
    except (ConflictError, InvalidInputError) as exc:
        view = lockdown.view_lockdown(db.session(), current_actor(), exam_session_id)
        keys = "\n".join(view.row.exam_keys) if view.row else ""
        return _page(view, options, view.mode.value, keys, reading.field_errors(exc))
    return redirect_with_message(_address(exam_session_id), _("配置文件已生成，请下载后分发到每台考试机"))


@bp.post("/exam-sessions/<uuid:exam_session_id>/lockdown/mode")
@requires(Permission.SESSION_WRITE)
def set_mode(exam_session_id: uuid.UUID) -> Page | Response:
    """Ask for the browser, or no longer."""
    mode, keys = reading.text("mode"), reading.text("exam_keys")
    try:
        with unit_of_work(current_actor()) as uow:
            lockdown.set_mode(uow, exam_session_id, mode, keys)
    except (ConflictError, InvalidInputError) as exc:
        view = lockdown.view_lockdown(db.session(), current_actor(), exam_session_id)
        return _page(view, _stored(view), mode, keys, reading.field_errors(exc))
    return redirect_with_message(_address(exam_session_id), _("考场环境已保存，几秒内对所有考生生效"))


def _address(exam_session_id: uuid.UUID) -> str:
    return url_for("lockdown.detail", exam_session_id=exam_session_id)


@bp.get("/exam-sessions/<uuid:exam_session_id>/lockdown/exam.seb")
@requires(Permission.SESSION_WRITE)
def download(exam_session_id: uuid.UUID) -> Response:
    """Download the settings file."""
    body = lockdown.read_settings(db.session(), current_actor(), exam_session_id)
    name = f"exam-{str(exam_session_id)[-12:]}.seb"
    return send_file(io.BytesIO(body), mimetype="application/seb", as_attachment=True, download_name=name)


@bp.get("/exam-sessions/<uuid:exam_session_id>/lockdown/kiosk/<name>")
@requires(Permission.SESSION_WRITE)
def kiosk_file(exam_session_id: uuid.UUID, name: str) -> Response:
    """Download one file of a kiosk profile."""
    view = lockdown.view_lockdown(db.session(), current_actor(), exam_session_id)
    if name not in KIOSK_FILES:
        abort(404)
    base_url = view.row.base_url if view.row else site_address()
    made = {
        "chromium-policy.json": lambda: kiosk.chromium_policy(base_url),
        "kaoku-exam.desktop": lambda: kiosk.linux_start_entry(base_url, view.session.name),
        "assigned-access.xml": lambda: kiosk.windows_assigned_access(base_url, exam_session_id),
    }[name]()
    return send_file(io.BytesIO(made.encode()), mimetype=KIOSK_FILES[name], as_attachment=True, download_name=name)


@bp.get("/console/<uuid:exam_session_id>/exemptions")
@requires(*PLACES)
def exemption_list(exam_session_id: uuid.UUID) -> Page:
    """Show who may sit without the lockdown, and who asked for it."""
    return _exemptions(exam_session_id, {"admission_number": request.args.get("number", "")}, {})


def _exemptions(exam_session_id: uuid.UUID, values: Mapping[str, str], errors: Mapping[str, list[str]]) -> Page:
    actor = current_actor()
    view = exemptions.view_exemptions(db.session(), actor, exam_session_id)
    reasons = [(one.value, _(label)) for one, label in EXEMPTION_REASON_LABELS.items()]
    lines = [_line(row, name, f"{room.site} {room.name}" if room else "", actor) for row, name, room in view.rows]
    if actor.may(Permission.SESSION_INVIGILATE):
        back = (_("考场控制台"), url_for("console.room", exam_session_id=exam_session_id))
    else:
        back = (view.session.name, url_for("exam_sessions.detail", exam_session_id=exam_session_id))
    page = ExemptionsPage(view, lines, reasons, values, errors, back)
    return render_page("exam_delivery/lockdown/exemptions.html", page, status=422 if errors else 200)


def _line(row: LockdownExemption, name: str, room: str, actor: Actor) -> ExemptionLine:
    is_own = row.proposed_by == actor.user_id
    may_control = actor.may(Permission.SESSION_CONTROL)
    is_waiting = row.state is ExemptionState.PROPOSED
    return ExemptionLine(
        row=row, who=name or _("整个考场：%(room)s", room=room),
        reason="：".join(filter(None, (_(EXEMPTION_REASON_LABELS[row.reason]), row.note))),
        state=(_(EXEMPTION_STATE_LABELS[row.state]), EXEMPTION_STATE_KINDS[row.state]),
        may_decide=is_waiting and may_control and not is_own,
        may_withdraw=(is_waiting or row.state is ExemptionState.APPROVED) and (may_control or is_own),
    )  # fmt: skip


@bp.post("/console/<uuid:exam_session_id>/exemptions")
@requires(*PLACES)
def propose(exam_session_id: uuid.UUID) -> Page | Response:
    """Propose an exemption."""
    names = ("admission_number", "room", "reason", "note")
    typed = {name: reading.text(name) for name in names}
    try:
        with unit_of_work(current_actor()) as uow:
            exemptions.propose(
                uow, exam_session_id, reason=typed["reason"], note=typed["note"],
                admission_number=typed["admission_number"], exam_room_id=reading.key(typed["room"]),
            )  # fmt: skip
    except (ConflictError, InvalidInputError) as exc:
        return _exemptions(exam_session_id, typed, reading.field_errors(exc))
    return redirect_with_message(_list(exam_session_id), _("豁免已提出，请另一位有总控权限的人批准"))


def _list(exam_session_id: uuid.UUID) -> str:
    return url_for("lockdown.exemption_list", exam_session_id=exam_session_id)


@bp.post("/console/<uuid:exam_session_id>/exemptions/<uuid:exemption_id>/<any(approved,refused,withdrawn):state>")
@requires(*PLACES)
def decide(exam_session_id: uuid.UUID, exemption_id: uuid.UUID, state: str) -> Response:
    """Approve, refuse or take back an exemption."""
    wanted = ExemptionState(state)
    done = {
        ExemptionState.APPROVED: _("已批准豁免，几秒后考生可以用普通浏览器登录"),
        ExemptionState.REFUSED: _("已拒绝豁免"),
        ExemptionState.WITHDRAWN: _("豁免已收回"),
    }[wanted]
    return reading.carry_out(_list(exam_session_id), done, partial(_decide, exemption_id, wanted))


def _decide(exemption_id: uuid.UUID, wanted: ExemptionState, uow: UnitOfWork) -> LockdownExemption:
    return exemptions.decide(uow, exemption_id, wanted)
