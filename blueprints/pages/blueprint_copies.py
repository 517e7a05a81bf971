"""Copying a blueprint, also for another level, occupation or edition: first the mapping of its ranges, then the draft."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.models import ExamBlueprint
from blueprints.pages.wording import form_text, refusal_fields, say
from blueprints.services import copies as services
from blueprints.services.bank import ScopeLine
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank import public as qbank

bp = Blueprint("blueprint_copies", __name__, url_prefix="/blueprints")
PREFIX = "map-"


@dataclass(frozen=True, slots=True)
class CopyPage:
    """The level of the copy; for another level, which range stands for which and what is lost."""

    row: ExamBlueprint
    levels: list[tuple[str, str]]
    level_id: str
    name: str
    old: list[ScopeLine]
    new: list[tuple[str, str]]
    scopes: dict[str, str]
    remarks: list[str]
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_other(self) -> bool:
        """Say whether the copy is for another level."""
        return self.level_id != str(self.row.standard_level_id)


def _level_id(row: ExamBlueprint, text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return row.standard_level_id


def _page(row: ExamBlueprint, values: dict[str, str], errors: dict[str, list[str]] | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    level_id = _level_id(row, values.get("level", ""))
    levels = [(str(one.standard_level_id), one.title) for one in qbank.list_levels(session, actor)]
    qbank.get_level(session, actor, level_id)  # a level of another organisation is none
    plan = None
    if level_id != row.standard_level_id:
        plan = services.plan_copy(session, actor, row, level_id, _chosen(values) or None)
    page = CopyPage(
        row, levels, str(level_id), values.get("name", ""), plan.old if plan else [],
        [(line.code, "　" * (line.depth - 1) + line.title) for line in plan.new] if plan else [],
        plan.scopes if plan else {},
        [say({"template": template, "values": given}) for template, given in plan.mapped.remarks] if plan else [],
        errors or {},
    )  # fmt: skip
    return render_page("blueprints/copy.html", page, status=422 if errors else 200)


def _chosen(values: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix(PREFIX): code for name, code in values.items() if name.startswith(PREFIX)}


@bp.get("/<uuid:blueprint_id>/copy")
@requires(Permission.BLUEPRINT_WRITE)
def choose(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Choose the level of the copy and see what maps."""
    row = repository.get_blueprint(db.session(), blueprint_id, actor=current_actor())
    return _page(row, {name: value.strip() for name, value in request.args.items()})


@bp.post("/<uuid:blueprint_id>/copy")
@requires(Permission.BLUEPRINT_WRITE)
def copy(blueprint_id: uuid.UUID) -> tuple[str, int] | Response:
    """Make the copy and open it for editing."""
    row = repository.get_blueprint(db.session(), blueprint_id, actor=current_actor())
    values = form_text(request.form)
    if values.get("act") == "refresh":
        return _page(row, values)
    level_id = _level_id(row, values.get("level", ""))
    try:
        with unit_of_work(current_actor()) as uow:
            made, mapped = services.copy_for_level(
                uow, blueprint_id, level_id, name=values.get("name", ""), chosen=_chosen(values)
            )
    except InvalidInputError as exc:
        return _page(row, values, refusal_fields(exc))
    message = _("已复制为草稿")
    if mapped is not None and mapped.remarks:
        message = _("已复制为草稿；有 %(n)s 处需要核对，请检查比重和各项要求", n=len(mapped.remarks))
    return redirect_with_message(url_for("blueprint_editor.edit", blueprint_id=made.exam_blueprint_id), message)
