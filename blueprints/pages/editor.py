"""Editing a blueprint, with its table against the pool beside it while one types."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.assembly.text import Text
from blueprints.models import ExamBlueprint
from blueprints.pages import wording
from blueprints.pages.tables import SupplyView, supply_view
from blueprints.rules.specs import SpecForm, form_values, read_form
from blueprints.rules.states import BlueprintStatus
from blueprints.services import blueprints as services
from blueprints.services.bank import Pool, ScopeLine, item_codes, item_ids, load_pool, scope_lines
from item_templates import registry
from kernel.db import db
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("blueprint_editor", __name__, url_prefix="/blueprints")
SEPARATORS = re.compile(r"[\s,，、;；]+")
LONGEST_MINUTES = 600


@dataclass(frozen=True, slots=True)
class EditorPage:
    """The form with what was typed, what is wrong with it, and the table."""

    row: ExamBlueprint
    version: str
    values: dict[str, str]
    types: list[tuple[str, str]]
    scopes: list[ScopeLine]
    importance: list[tuple[str, str]]
    labels: dict[str, str]
    errors: dict[str, list[str]]
    supply: SupplyView | None

    def value(self, name: str) -> str:
        """Return the text of a field."""
        return self.values.get(name, "")


def _editable(blueprint_id: uuid.UUID) -> ExamBlueprint:
    row = repository.get_blueprint(db.session(), blueprint_id, actor=current_actor())
    if row.status is not BlueprintStatus.DRAFT:
        raise IllegalTransitionError(N_("已发布的蓝图不能修改，请复制一份再改"))
    return row


def _render(
    row: ExamBlueprint, values: Mapping[str, str], spec: Mapping[str, Any], errors: dict[str, list[str]],
    *, status: int = 200,
) -> tuple[str, int]:  # fmt: skip
    session, actor = db.session(), current_actor()
    types = [(one.name, _(one.label)) for one in registry.all_types()]
    scopes = scope_lines(session, actor, row.standard_level_id)
    page = EditorPage(
        row=row, version=values.get("version", str(row.version)), values=dict(values), types=types, scopes=scopes,
        importance=[(letter, _(label)) for letter, label in wording.IMPORTANCE_LABELS.items()],
        labels=_labels(types, scopes), errors=errors,
        supply=supply_view(session, actor, row.standard_level_id, spec),
    )  # fmt: skip
    return render_page("blueprints/edit.html", page, status=status)


def _labels(types: list[tuple[str, str]], scopes: list[ScopeLine]) -> dict[str, str]:
    labels = {"name": _("名称"), "duration_minutes": _("考试时间"), "exclude": _("排除的试题")}
    labels |= {f"weight-{line.code}": line.title for line in scopes}
    for name, label in types:
        labels |= {
            f"type-{name}-count": _("%(type)s题数", type=label),
            f"type-{name}-score": _("%(type)s分值", type=label),
        }
    return labels


@bp.get("/<uuid:blueprint_id>/edit")
@requires(Permission.BLUEPRINT_WRITE)
def edit(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Show the form."""
    row = _editable(blueprint_id)
    codes = item_codes(_pool(row), row.spec["exclude"]) if row.spec.get("exclude") else []
    values = form_values(row.spec) | {
        "name": row.name, "duration_minutes": str(row.duration_minutes), "exclude": "\n".join(codes)
    }  # fmt: skip
    return _render(row, values, row.spec, {})


def _pool(row: ExamBlueprint) -> Pool:
    return load_pool(db.session(), current_actor(), row.standard_level_id)


def _read(row: ExamBlueprint, values: dict[str, str]) -> SpecForm:
    codes = [code for code in SEPARATORS.split(values.get("exclude", "")) if code]
    excluded, unknown = item_ids(_pool(row), codes) if codes else ([], [])
    scopes = [line.code for line in scope_lines(db.session(), current_actor(), row.standard_level_id)]
    form = read_form(values, scopes, row.spec, excluded)
    if unknown:
        form.errors["exclude"] = [Text(N_("可用题库中没有：%(codes)s"), {"codes": "、".join(unknown[:10])})]
    minutes = form.count("duration_minutes", most=LONGEST_MINUTES)
    if not minutes and "duration_minutes" not in form.errors:
        form.complain("duration_minutes", N_("请填写考试时间"))
    return form


@bp.post("/<uuid:blueprint_id>/edit")
@requires(Permission.BLUEPRINT_WRITE)
def save(blueprint_id: uuid.UUID) -> tuple[str, int] | Response:
    """Save the form; what was typed stays when something is wrong."""
    row, values = _editable(blueprint_id), wording.form_text(request.form)
    form = _read(row, values)
    if form.errors:
        return _render(row, values, form.spec, wording.error_fields(form.errors), status=422)
    version = values.get("version", "")
    try:
        with unit_of_work(current_actor()) as uow:
            services.update_blueprint(
                uow, blueprint_id, version=int(version) if version.isdigit() else 0, name=values.get("name", ""),
                duration_minutes=form.count("duration_minutes") or 0, spec=form.spec,
            )  # fmt: skip
    except InvalidInputError as exc:
        return _render(row, values, form.spec, wording.refusal_fields(exc), status=422)
    except ConflictError as exc:
        return _render(row, values, form.spec, {"": [wording.refusal_text(exc)]}, status=409)
    return redirect_with_message(url_for("blueprints.detail", blueprint_id=blueprint_id), _("蓝图已保存"))


@bp.post("/<uuid:blueprint_id>/preview")
@requires(Permission.BLUEPRINT_WRITE)
def preview(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Answer the table for what stands in the form now; saves nothing."""
    row = _editable(blueprint_id)
    form = _read(row, wording.form_text(request.form))
    view = supply_view(db.session(), current_actor(), row.standard_level_id, form.spec)
    return render_page("blueprints/supply.html", view)
