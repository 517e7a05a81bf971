"""The report of a room: what happened in figures, two signatures, PDF."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import RoomSignOff
from exam_delivery.pages import reading
from exam_delivery.pages.console_lines import clock_text
from exam_delivery.rules.room import INCIDENT_LABELS
from exam_delivery.services import room_reports, signing
from exam_delivery.services.reach import N_SIGNATURES
from exam_delivery.services.room_reports import ROUTINE, RoomFacts
from kernel.clock import now
from kernel.db import db
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

bp = Blueprint("room_reports", __name__, url_prefix="/console")
Page = tuple[str, int]
FIGURES = (
    ("expected", N_("应到"), ""), ("present", N_("实到"), ""), ("absent", N_("缺考"), "warning"),
    ("submitted", N_("自行交卷"), ""), ("forced", N_("强制收卷"), ""), ("timeout", N_("到时收卷"), ""),
    ("extended", N_("延时人数"), ""), ("takeovers", N_("换设备登录"), ""), ("moves", N_("换座位"), ""),
    ("restarts", N_("换卷重考"), "warning"),
    ("misconduct", N_("违纪案"), "danger"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoomReportPage:
    """A room's report with its signatures."""

    facts: RoomFacts
    figures: Sequence[tuple[str, int, str]]
    acts: Sequence[tuple[str, str, str, str, str]]
    is_signed: bool
    back: str


@bp.get("/<uuid:exam_session_id>/rooms/<uuid:exam_room_id>/report")
@requires(Permission.SESSION_INVIGILATE)
def detail(exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> Page:
    """Show the report as it stands now."""
    facts = room_reports.room_facts(db.session(), exam_session_id, exam_room_id, actor=current_actor(), at=now())
    acts = [
        (
            clock_text(one.incident.happened_at or one.incident.noted_at),
            _(INCIDENT_LABELS.get(one.incident.kind, one.incident.kind)),
            "、".join(person.name for person in one.people),
            one.incident.text,
            one.who,
        )
        for one in facts.happenings
        if one.incident.kind not in ROUTINE
    ]
    page = RoomReportPage(
        facts=facts,
        figures=[(_(label), facts.figures[name], kind if facts.figures[name] else "") for name, label, kind in FIGURES],
        acts=acts,
        is_signed=len(facts.signed) >= N_SIGNATURES,
        back=url_for("console.room", exam_session_id=exam_session_id, room=exam_room_id),
    )
    return render_page("exam_delivery/room_reports/detail.html", page)


@bp.post("/<uuid:exam_session_id>/rooms/<uuid:exam_room_id>/report/sign")
@requires(Permission.SESSION_INVIGILATE)
def sign(exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> Response:
    """Sign with a name and the password that belongs to it; two people may do so at one desk."""
    back = url_for("room_reports.detail", exam_session_id=exam_session_id, exam_room_id=exam_room_id)
    try:
        signer = signing.find_signer(
            current_actor(), reading.text("username"), request.form.get("password", ""), request.remote_addr or ""
        )

        def verb(uow: UnitOfWork) -> RoomSignOff:
            remarks = reading.text("remarks")
            return room_reports.sign_off(uow, exam_session_id, exam_room_id, signer=signer, remarks=remarks)

        return reading.carry_out(back, _("%(name)s 已签字", name=signer.name), verb)
    except (ForbiddenError, InvalidInputError) as exc:
        return redirect_with_message(back, reading.message_of(exc), "danger")


@bp.get("/<uuid:exam_session_id>/rooms/<uuid:exam_room_id>/report/pdf")
@requires(Permission.SESSION_INVIGILATE)
def pdf(exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> Response:
    """Give the report as PDF, with the audit checkpoint."""
    name, body = room_reports.print_report(db.session(), exam_session_id, exam_room_id, actor=current_actor())
    return send_file(io.BytesIO(body), mimetype="application/pdf", as_attachment=True, download_name=name)
