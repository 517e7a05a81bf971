"""Figures of each marker, for the leader and the officer; leads to a conversation, no verdicts."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamSession
from exam_delivery.pages.marking_plans import form_names
from exam_delivery.repository import planning
from exam_delivery.rules import marking_keys as keys
from exam_delivery.services import marking_plans
from exam_delivery.services import marking_statistics as services
from exam_delivery.services.marking_statistics import MarkerFigures
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission
from kernel.profiles import value
from kernel.uow import unit_of_work

bp = Blueprint("marking_statistics", __name__, url_prefix="/marking/statistics")


@dataclass(frozen=True, slots=True)
class MarkerStatisticsPage:
    """The figures of a session's markers."""

    session: ExamSession
    batch: ExamBatch
    lines: Sequence[MarkerFigures]
    form_names: Mapping[uuid.UUID, str]
    least_pairs: int


@bp.get("/<uuid:exam_session_id>")
@requires(Permission.SESSION_WRITE, Permission.RESPONSE_MARK)
def index(exam_session_id: uuid.UUID) -> tuple[str, int]:
    """Show the figures of each marker by item."""
    session, actor = db.session(), current_actor()
    row = marking_plans.check_manager(session, actor, exam_session_id)
    page = MarkerStatisticsPage(
        session=row, batch=planning.get_batch(session, row.exam_batch_id, actor=actor),
        lines=services.collect(session, actor, row), form_names=form_names(),
        least_pairs=value(session, actor.organisation, keys.LEAST_PAIRS.name),
    )  # fmt: skip
    return render_page("exam_delivery/marking/statistics.html", page)


@bp.post("/<uuid:exam_session_id>/csv")
@requires(Permission.SESSION_WRITE, Permission.RESPONSE_MARK)
def export(exam_session_id: uuid.UUID) -> Response:
    """Send the figures as CSV."""
    with unit_of_work(current_actor()) as uow:
        body = services.export(uow, exam_session_id, form_names())
    return send_file(
        io.BytesIO(body), mimetype="text/csv", as_attachment=True, download_name=_("阅卷统计") + ".csv"
    )  # fmt: skip
