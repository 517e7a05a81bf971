"""The report of a room: what happened in figures, two signatures, PDF."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.pages import reading
from exam_delivery.pages.console_lines import clock_text
from exam_delivery.rules.browsers import readable
from exam_delivery.rules.room import INCIDENT_LABELS
from exam_delivery.services import room_reports, signing
from exam_delivery.services.reach import N_SIGNATURES
from exam_delivery.services.room_reports import ROUTINE, RoomFacts
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("room_reports", __name__, url_prefix="/console")
Page = tuple[str, int]
FIGURES = (
    ("expected", N_("应到"), ""), ("present", N_("实到"), ""), ("not_begun", N_("未开始"), "info"),
    ("absent", N_("缺考"), "warning"),
    ("submitted", N_("自行交卷"), ""), ("forced", N_("强制收卷"), ""), ("timeout", N_("到时收卷"), ""),
    ("extended", N_("延时人数"), ""), ("takeovers", N_("换设备登录"), ""), ("moves", N_("换座位"), ""),
    ("restarts", N_("换卷重考"), "warning"),
    ("misconduct", N_("违纪案"), "danger"),
    ("door_photos", N_("入场照片"), ""), ("no_door_photo", N_("未拍入场照片"), "warning"),
)  # fmt: skip
ONLY_WHERE_SOME = frozenset({"not_begun", "door_photos", "no_door_photo"})


@dataclass(frozen=True, slots=True)
class RoomReportPage:
    """A room's report with its signatures."""

    facts: RoomFacts
    figures: Sequence[tuple[str, int, str]]
    acts: Sequence[tuple[str, str, str, str, str]]
    is_signed: bool
    back: str
    filled: Mapping[str, str]
    error: str


@bp.get("/<uuid:exam_session_id>/rooms/<uuid:exam_room_id>/report")
@requires(Permission.SESSION_INVIGILATE)
def detail(exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> Page:
    """Show the report as it stands now."""
    return _page(exam_session_id, exam_room_id)


def _page(exam_session_id: uuid.UUID, exam_room_id: uuid.UUID, error: str = "") -> Page:
    """Show it, after a refused signature with what was typed."""
    facts = room_reports.room_facts(db.session(), exam_session_id, exam_room_id, actor=current_actor(), at=now())
    acts = [
        (
            clock_text(one.incident.happened_at or one.incident.noted_at),
            _(INCIDENT_LABELS.get(one.incident.kind, one.incident.kind)),
            "、".join(person.name for person in one.people),
            readable(one.incident.text),
            one.who,
        )
        for one in facts.happenings
        if one.incident.kind not in ROUTINE
    ]
    page = RoomReportPage(
        facts=facts,
        figures=[
            (_(label), facts.figures[name], kind if facts.figures[name] else "")
            for name, label, kind in FIGURES
            if facts.figures[name] or name not in ONLY_WHERE_SOME
        ],
        acts=acts,
        is_signed=len(facts.signed) >= N_SIGNATURES,
        back=url_for("console.room", exam_session_id=exam_session_id, room=exam_room_id),
        filled={name: reading.text(name) for name in ("remarks", "username")},
        error=error,
    )
    return render_page("exam_delivery/room_reports/detail.html", page, status=422 if error else 200)


@bp.post("/<uuid:exam_session_id>/rooms/<uuid:exam_room_id>/report/sign")
@requires(Permission.SESSION_INVIGILATE)
def sign(exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> Page | Response:
    """Sign with a name and the password that belongs to it; two people may do so at one desk."""
    try:
        signer = signing.find_signer(
            current_actor(), reading.text("username"), request.form.get("password", ""), request.remote_addr or ""
        )
        with unit_of_work(current_actor()) as uow:
            remarks = reading.text("remarks")
            room_reports.sign_off(uow, exam_session_id, exam_room_id, signer=signer, remarks=remarks)
    except (ConflictError, ForbiddenError, InvalidInputError) as exc:
        return _page(exam_session_id, exam_room_id, reading.message_of(exc))
    back = url_for("room_reports.detail", exam_session_id=exam_session_id, exam_room_id=exam_room_id)
    return redirect_with_message(back, _("%(name)s 已签字", name=signer.name))


@bp.get("/<uuid:exam_session_id>/rooms/<uuid:exam_room_id>/report/pdf")
@requires(Permission.SESSION_INVIGILATE)
def pdf(exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> Response:
    """Give the report as PDF, with the audit checkpoint."""
    name, body = room_reports.print_report(db.session(), exam_session_id, exam_room_id, actor=current_actor())
    return send_file(io.BytesIO(body), mimetype="application/pdf", as_attachment=True, download_name=name)
