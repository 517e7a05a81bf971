"""The report of a panel: a page that prints, and files whose taking away is recorded."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints.documents import panel_report
from blueprints.pages import panel_words as words
from blueprints.pages.panel_feedback import Feedback, feedback_of
from blueprints.pages.panels import LEADERS
from blueprints.rules.packages import score_text
from blueprints.services import panels
from blueprints.services.panel_reports import FORMATS, PanelView, load_report, record_export
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, render_page, requires
from kernel.i18n import N_
from kernel.uow import unit_of_work

bp = Blueprint("panel_reports", __name__, url_prefix="/panels")
MIMES = {
    "pdf": "application/pdf", "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The report of a panel."""

    view: PanelView
    last: Feedback
    method: str
    badge: dict[str, str]
    experts: str
    fixed: str
    rounding: str
    is_thin: bool
    formats: Sequence[str] = FORMATS
    percent: Callable[[Any], str] = words.percent
    figure: Callable[..., str] = words.figure
    signed: Callable[[Any], str] = words.signed


@bp.get("/<uuid:panel_id>/report")
@requires(*LEADERS)
def report(panel_id: uuid.UUID) -> tuple[str, int]:
    """Show the report."""
    session, actor = db.session(), current_actor()
    view = load_report(session, actor, panel_id)
    last = view.last
    percent = panels.fixed_percent(session, view.panel) if view.panel.fixed_mark is None else view.panel.fixed_mark
    page = ReportPage(
        view=view, last=_without_names(feedback_of(session, view, last.round.number if last else 0, actor)),
        method=words.method_label(view.panel.method), badge=words.status_badge(view.panel.status),
        experts="、".join(sorted(one.name for one in view.members if one.left_at is None)),
        fixed="" if percent is None else score_text(percent), is_thin=panels.is_thin(session, view.panel, view.result),
        rounding=words.rounding(view.panel.rounding),
    )  # fmt: skip
    return render_page("blueprints/panels/report.html", page)


def _without_names(found: Feedback) -> Feedback:
    """Return the feedback as it leaves the house: raters by number."""
    return replace(found, raters=[replace(line, name="", is_mine=False) for line in found.raters])


@bp.post("/<uuid:panel_id>/report")
@requires(*LEADERS)
def download(panel_id: uuid.UUID) -> Response:
    """Answer the report as PDF, Excel or CSV."""
    file_format = request.form.get("format", "")
    if file_format not in FORMATS:
        raise InvalidInputError(N_("请选择要打印的文件和格式"))
    actor = current_actor()
    with unit_of_work(actor) as uow:
        record_export(uow, panel_id, file_format)
    session = db.session()
    view = load_report(session, actor, panel_id)
    percent = panels.fixed_percent(session, view.panel) if view.panel.fixed_mark is None else view.panel.fixed_mark
    data = panel_report.MAKERS[file_format](view, "" if percent is None else score_text(percent))
    name = str(_("%(name)s-合格线设定报告.%(ending)s", name=view.panel.name, ending=file_format))
    return send_file(io.BytesIO(data), MIMES[file_format], as_attachment=True, download_name=name)
