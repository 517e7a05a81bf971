"""Buttons beside a candidate and beside an answer: this item is wrong."""

from __future__ import annotations

import uuid

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.pages import reading
from exam_delivery.services import item_reports
from kernel.http import requires
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

bp = Blueprint("delivery_reports", __name__)


def _done(code: str) -> str:
    return str(_("已报告，更正案 %(code)s", code=code))


@bp.post("/console/<uuid:exam_session_id>/candidates/<uuid:registration_id>/report-item")
@requires(Permission.SESSION_INVIGILATE)
def from_room(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Response:
    """Report the item that a candidate sees."""

    def verb(uow: UnitOfWork) -> str:
        return item_reports.report_from_room(
            uow, exam_session_id, registration_id, number=reading.number("number"), text=reading.text("text")
        )

    return reading.carry_out(url_for("console.room", exam_session_id=exam_session_id), _done, verb)


@bp.post("/marking/answers/<uuid:attempt_id>/<int:slot>/report")
@requires(Permission.RESPONSE_MARK)
def from_marker(attempt_id: uuid.UUID, slot: int) -> Response:
    """Report the item of an answer."""

    def verb(uow: UnitOfWork) -> str:
        return item_reports.report_from_marker(uow, attempt_id, slot, text=reading.text("text"))

    return reading.carry_out(url_for("marking.script", attempt_id=attempt_id, slot=slot), _done, verb)
