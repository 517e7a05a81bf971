"""Bringing blueprints in from files and taking them out: template, import with a report of every row, Excel."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass, field

from flask import Blueprint, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.models import ExamBlueprint
from blueprints.pages.rules_text import rule_lines
from blueprints.pages.wording import form_text, refusal_fields, say
from blueprints.rules.two_way_import import RowReport
from blueprints.services import exchange as services
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank import public as qbank

bp = Blueprint("blueprint_exchange", __name__, url_prefix="/blueprints")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = {"used": (N_("已读入"), "success"), "skipped": (N_("略过"), "neutral"), "error": (N_("须改正"), "danger")}


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One row of the file and what became of it."""

    report: RowReport
    label: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportPage:
    """The level, the file, and after an import what became of every row."""

    levels: list[tuple[str, str]]
    values: dict[str, str]
    errors: dict[str, list[str]] = field(default_factory=dict)
    made: ExamBlueprint | None = None
    lines: list[ReportLine] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def _levels() -> list[tuple[str, str]]:
    return [(str(one.standard_level_id), one.title) for one in qbank.list_levels(db.session(), current_actor())]


@bp.get("/import")
@requires(Permission.BLUEPRINT_WRITE)
def import_file() -> tuple[str, int]:
    """Show the form for a file."""
    return render_page("blueprints/import.html", ImportPage(_levels(), {"level": request.args.get("level", "")}))


@bp.post("/import")
@requires(Permission.BLUEPRINT_WRITE)
def upload() -> tuple[str, int]:
    """Make a draft of a file and show what became of every row."""
    values, file = form_text(request.form), request.files.get("file")
    try:
        level_id = uuid.UUID(values.get("level", ""))
    except ValueError:
        return _refused(values, {"level": [_("请选择职业等级")]})
    if file is None or not file.filename:
        return _refused(values, {"file": [_("请选择文件")]})
    try:
        content = services.read_file(file.stream.read(services.LARGEST_FILE + 1))  # before the transaction
        with unit_of_work(current_actor()) as uow:
            outcome = services.import_blueprint(
                uow, level_id, content, file=file.filename, name=values.get("name", "")
            )  # fmt: skip
    except InvalidInputError as exc:
        found = refusal_fields(exc)
        return _refused(values, {name or "file": texts for name, texts in found.items()})
    page = ImportPage(
        _levels(), values, made=outcome.row, lines=[_line(report) for report in outcome.reports],
        problems=[say({"template": template, "values": given}) for template, given in outcome.problems],
        counts={kind: outcome.count(kind) for kind in KINDS},
    )  # fmt: skip
    return render_page("blueprints/import.html", page, status=200 if outcome.row else 422)


def _line(report: RowReport) -> ReportLine:
    label, kind = KINDS[report.kind]
    template, values = report.message
    return ReportLine(report, _(label), kind, say({"template": template, "values": values}))


def _refused(values: dict[str, str], errors: dict[str, list[str]]) -> tuple[str, int]:
    return render_page("blueprints/import.html", ImportPage(_levels(), values, errors), status=422)


@bp.get("/template.xlsx")
@requires(Permission.BLUEPRINT_WRITE)
def template() -> Response:
    """Answer the template of a level."""
    try:
        level_id = uuid.UUID(request.args.get("level", ""))
    except ValueError as exc:
        raise InvalidInputError(N_("请选择职业等级")) from exc
    return _file(services.template_file(db.session(), current_actor(), level_id), "blueprint-template.xlsx")


@bp.get("/<uuid:blueprint_id>/blueprint.xlsx")
@requires(Permission.BLUEPRINT_READ)
def export(blueprint_id: uuid.UUID) -> Response:
    """Answer a blueprint as Excel."""
    session, actor = db.session(), current_actor()
    row = repository.get_blueprint(session, blueprint_id, actor=actor)
    lines = rule_lines(session, actor, row, row)
    body = services.blueprint_file(session, actor, row, lines, (_("要求"), _("内容")))
    return _file(body, f"blueprint-{blueprint_id}.xlsx")


def _file(body: bytes, name: str) -> Response:
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=name)
