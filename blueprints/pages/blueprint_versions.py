"""Versions of a blueprint: submitting, approving, returning, revising, and what one version changed against another."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository, repository_versions
from blueprints.models import BlueprintVersion, ExamBlueprint
from blueprints.pages.rules_text import Difference, differences, rule_lines, words_of
from blueprints.pages.wording import form_text, refusal_text
from blueprints.services import versions as services
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("blueprint_versions", __name__, url_prefix="/blueprints")


@dataclass(frozen=True, slots=True)
class VersionPage:
    """One version with its rules, beside the one before it or the one that was chosen."""

    row: ExamBlueprint
    shown: BlueprintVersion
    is_approved: bool
    rules: list[tuple[str, str]]
    other: int
    numbers: list[int]
    differences: Sequence[Difference]


def _back(blueprint_id: uuid.UUID, message: str, kind: str = "success") -> Response:
    return redirect_with_message(url_for("blueprints.detail", blueprint_id=blueprint_id), message, kind)


@bp.get("/<uuid:blueprint_id>/versions/<int:number>")
@requires(Permission.BLUEPRINT_READ)
def detail(blueprint_id: uuid.UUID, number: int) -> tuple[str, int]:
    """Show a version and what it changed."""
    session, actor = db.session(), current_actor()
    row = repository.get_blueprint(session, blueprint_id, actor=actor)
    shown = repository_versions.get_version(session, blueprint_id, number)
    numbers = [one.number for one in repository_versions.list_versions(session, blueprint_id)]
    asked = request.args.get("against", "")
    other = int(asked) if asked.isdigit() and int(asked) in numbers else number - 1
    found: list[Difference] = []
    if other and other != number:
        before = repository_versions.get_version(session, blueprint_id, other)
        found = differences(before, shown, words_of(session, actor, row, [before.spec, shown.spec]))
    is_approved = services.is_approved(session, blueprint_id, number)
    page = VersionPage(row, shown, is_approved, rule_lines(session, actor, shown, row), other, numbers, found)
    return render_page("blueprints/version.html", page)


@bp.post("/<uuid:blueprint_id>/publish")
@requires(Permission.BLUEPRINT_WRITE)
def publish(blueprint_id: uuid.UUID) -> Response:
    """Fix a draft as a numbered version."""
    with unit_of_work(current_actor()) as uow:
        row = services.publish_blueprint(uow, blueprint_id, comment=form_text(request.form).get("comment", ""))
    if row.approved_at is None:
        return _back(blueprint_id, _("蓝图已发布为第 %(n)s 版，等待第二人批准", n=row.version_number))
    return _back(blueprint_id, _("蓝图已发布为第 %(n)s 版", n=row.version_number))


@bp.post("/<uuid:blueprint_id>/approve")
@requires(Permission.FORM_APPROVE)
def approve(blueprint_id: uuid.UUID) -> Response:
    """Approve the newest version."""
    with unit_of_work(current_actor()) as uow:
        services.approve_blueprint(uow, blueprint_id, comment=form_text(request.form).get("comment", ""))
    return _back(blueprint_id, _("蓝图已批准"))


@bp.post("/<uuid:blueprint_id>/return")
@requires(Permission.FORM_APPROVE)
def send_back(blueprint_id: uuid.UUID) -> Response:
    """Send the newest version back to be changed."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.return_blueprint(uow, blueprint_id, comment=form_text(request.form).get("comment", ""))
    except InvalidInputError as exc:
        return _back(blueprint_id, refusal_text(exc), "danger")
    return _back(blueprint_id, _("蓝图已退回修改"))


@bp.post("/<uuid:blueprint_id>/revise")
@requires(Permission.BLUEPRINT_WRITE)
def revise(blueprint_id: uuid.UUID) -> Response:
    """Open a published blueprint for changes."""
    with unit_of_work(current_actor()) as uow:
        services.revise_blueprint(uow, blueprint_id)
    address = url_for("blueprint_editor.edit", blueprint_id=blueprint_id)
    return redirect_with_message(address, _("已开始修订，已发布的版本和试卷不受影响"))


@bp.post("/<uuid:blueprint_id>/discard")
@requires(Permission.BLUEPRINT_WRITE)
def discard(blueprint_id: uuid.UUID) -> Response:
    """Give up the changes of a draft."""
    with unit_of_work(current_actor()) as uow:
        row = services.discard_revision(uow, blueprint_id)
    return _back(blueprint_id, _("已放弃修订，恢复第 %(n)s 版", n=row.version_number))


@bp.post("/<uuid:blueprint_id>/archive")
@requires(Permission.BLUEPRINT_WRITE)
def archive(blueprint_id: uuid.UUID) -> Response:
    """Take a blueprint out of use."""
    with unit_of_work(current_actor()) as uow:
        services.archive_blueprint(uow, blueprint_id)
    return redirect_with_message(url_for("blueprints.index"), _("蓝图已归档"))
