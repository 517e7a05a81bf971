"""The gate of a session in the browser: rooms, seats, server, simulated load."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, current_app, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch
from exam_delivery.pages import reading
from exam_delivery.pages.lockdown import site_address
from exam_delivery.repository import lockdown, planning
from exam_delivery.rules.readiness import FINDINGS
from exam_delivery.services import load_trials, readiness_gate, room_checks
from exam_delivery.services.readiness_gate import BLOCKED, HINT, OK, Gate
from kernel.db import db
from kernel.errors import ConflictError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("readiness", __name__)
BADGES = {OK: "success", HINT: "warning", BLOCKED: "danger"}


@dataclass(frozen=True, slots=True)
class GatePage:
    """What was looked at before a session."""

    batch: ExamBatch
    gate: Gate
    translated: Callable[[str, Mapping[str, object]], str]
    labels: Mapping[str, tuple[str, str]]
    seat_labels: Mapping[str, tuple[str, str]]
    findings: Mapping[str, str]
    check_address: str
    steps: Mapping[str, tuple[str, str]]
    figures: Sequence[tuple[str, str]]
    may_write: bool


@bp.get("/exam-sessions/<uuid:exam_session_id>/readiness")
@requires(Permission.SESSION_WRITE, Permission.SESSION_CONTROL)
def gate(exam_session_id: uuid.UUID) -> tuple[str, int]:
    """Show what a session still lacks, room by room and seat by seat."""
    actor, session = current_actor(), db.session()
    found = readiness_gate.view_gate(session, actor, exam_session_id, folder=current_app.config["KAOKU"].instance_dir)
    row = lockdown.find_lockdown(session, exam_session_id, actor=actor)
    page = GatePage(
        batch=planning.get_batch(session, found.session.exam_batch_id, actor=actor), gate=found,
        translated=reading.translated,
        labels={OK: (_("通过"), "success"), HINT: (_("提醒"), "warning"), BLOCKED: (_("未通过"), "danger")},
        seat_labels={OK: (_("通过"), "success"), HINT: (_("未检查"), "warning"), BLOCKED: (_("有问题"), "danger")},
        findings={code: _(text) for code, (text, _todo) in FINDINGS.items()},
        check_address=(row.base_url if row else site_address()) + url_for("room_checks.index"),
        steps=_steps(exam_session_id, found.session.exam_batch_id),
        figures=_figures(found), may_write=actor.may(Permission.SESSION_WRITE),
    )  # fmt: skip
    return render_page("exam_delivery/readiness/gate.html", page)


def _steps(key: uuid.UUID, batch: uuid.UUID) -> dict[str, tuple[str, str]]:
    return {
        "plan": (_("场次"), url_for("exam_sessions.detail", exam_session_id=key)),
        "forms": (_("选择试卷"), url_for("session_forms.detail", exam_session_id=key)),
        "people": (_("导入考生"), url_for("registrations.roster", exam_batch_id=batch, session=key)),
        "seats": (_("考生与座位"), url_for("exam_sessions.people", exam_session_id=key)),
        "rooms": (_("考场与监考"), url_for("exam_sessions.rooms", exam_session_id=key)),
        "conflicts": (_("回避检查"), url_for("recusal.report", exam_session_id=key)),
        "photos": (_("缺照片的考生"), url_for("exam_sessions.people", exam_session_id=key, photo="none")),
        "codes": (_("生成考场代码"), "#room-codes"),
        "checks": (_("座位检查"), "#seat-checks"),
        "draw": (_("抽题承诺"), url_for("draw_commitments.detail", exam_session_id=key)),
    }


def _figures(found: Gate) -> list[tuple[str, str]]:
    """Return the figures of the newest simulated run in words."""
    if found.trial is None or found.trial.finished_at is None:
        return []
    kept = found.trial.figures
    milliseconds = _("毫秒")
    return [
        (_("人数"), str(found.trial.n_candidates)),
        (_("请求"), str(kept["n_calls"])),
        (_("失败"), str(kept["n_errors"])),
        (_("丢失的答案"), str(kept["n_lost"])),
        (_("登录，中位"), f"{kept['sign_in_p50_ms']} {milliseconds}"),
        (_("取卷，中位"), f"{kept['form_p50_ms']} {milliseconds}"),
        (_("保存，中位"), f"{kept['save_p50_ms']} {milliseconds}"),
        (_("保存，最慢的百分之一除外"), f"{kept['save_p99_ms']} {milliseconds}"),
        (_("每秒保存"), str(kept["saves_per_second"])),
    ]


def _address(exam_session_id: uuid.UUID) -> str:
    return url_for("readiness.gate", exam_session_id=exam_session_id)


@bp.post("/exam-sessions/<uuid:exam_session_id>/readiness/codes")
@requires(Permission.SESSION_WRITE)
def make_codes(exam_session_id: uuid.UUID) -> Response:
    """Give every room a code, or new ones."""
    renew = reading.ticked("renew")
    return reading.carry_out(
        _address(exam_session_id), lambda n: _("已生成 %(n)s 个考场代码", n=n),
        lambda uow: room_checks.make_codes(uow, exam_session_id, renew=renew),
    )  # fmt: skip


@bp.post("/exam-sessions/<uuid:exam_session_id>/readiness/forget")
@requires(Permission.SESSION_WRITE)
def forget(exam_session_id: uuid.UUID) -> Response:
    """Forget all checks of seats."""
    return reading.carry_out(
        _address(exam_session_id), lambda n: _("已清除 %(n)s 个座位的检查结果", n=n),
        lambda uow: room_checks.forget_checks(uow, exam_session_id),
    )  # fmt: skip


@bp.post("/exam-sessions/<uuid:exam_session_id>/readiness/load-trial")
@requires(Permission.SESSION_WRITE)
def try_load(exam_session_id: uuid.UUID) -> Response:
    """Start a simulated run for the expected number of candidates."""
    try:
        with unit_of_work(current_actor()) as uow:
            job = load_trials.request_trial(uow, exam_session_id)
    except ConflictError as exc:
        return redirect_with_message(_address(exam_session_id), reading.message_of(exc), "danger")
    return redirect_with_message(reading.job_page(job), _("正在用练习数据做模拟负载"), "info")
