"""Editing a blueprint, with its table against the pool beside it while one types."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.assembly.text import Text
from blueprints.models import ExamBlueprint
from blueprints.pages import wording
from blueprints.pages.editor_words import field_labels, rounding_lines
from blueprints.pages.tables import SupplyView, supply_view
from blueprints.rules.refining import ScopeShare, mark_step, refine_weights
from blueprints.rules.spec_form import SpecForm
from blueprints.rules.spec_limits import ITEM_FIELDS, item_ids_of
from blueprints.rules.spec_rows import KEYED_TYPES, SPARE_ROWS, row_count
from blueprints.rules.specs import cognitive_names, form_values, read_form
from blueprints.rules.states import BlueprintStatus
from blueprints.services import blueprints as services
from blueprints.services.bank import ScopeLine, scope_lines
from blueprints.services.stock import FoundRow, codes_of_items, items_of_codes, search_items
from item_templates import registry
from kernel.db import db
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.public_supply import cognitive_levels

bp = Blueprint("blueprint_editor", __name__, url_prefix="/blueprints")
SEPARATORS = re.compile(r"[\s,，、;；]+")
LONGEST_MINUTES = 600
DEPTHS = (1, 2, 3)
ROW_KINDS = {"cell": SPARE_ROWS, "section": 1, "information": 1}
"""Kinds of rows, and how many there are at least."""


@dataclass(frozen=True, slots=True)
class EditorPage:
    """The form with what was typed, what is wrong with it, and the table."""

    row: ExamBlueprint
    version: str
    values: dict[str, str]
    types: list[tuple[str, str]]
    scopes: list[ScopeLine]
    importance: list[tuple[str, str]]
    cognitive: list[str]
    labels: dict[str, str]
    errors: dict[str, list[str]]
    supply: SupplyView | None
    n_rows: dict[str, int]
    deepest: int
    remarks: list[str] = field(default_factory=list)
    differences: list[tuple[str, str, str]] = field(default_factory=list)

    def value(self, name: str) -> str:
        """Return the text of a field."""
        return self.values.get(name, "")

    @property
    def keyed_types(self) -> list[tuple[str, str]]:
        """The types whose keys can be balanced."""
        return [(name, label) for name, label in self.types if name in KEYED_TYPES]

    def options(self, kind: str, chosen: str) -> list[tuple[str, str]]:
        """Return the choices of a field in a row; what a file brought in stays to be chosen."""
        known = {
            "scope": [(line.code, line.title) for line in self.scopes], "type": self.types,
            "importance": self.importance, "difficulty": [(str(level), str(level)) for level in range(1, 6)],
        }[kind]  # fmt: skip
        return known if not chosen or chosen in dict(known) else [*known, (chosen, chosen)]


@dataclass(frozen=True, slots=True)
class PickerPage:
    """Items to be picked for a field."""

    rows: Sequence[FoundRow]
    text: str
    labels: dict[str, str]


def _editable(blueprint_id: uuid.UUID) -> ExamBlueprint:
    row = repository.get_blueprint(db.session(), blueprint_id, actor=current_actor())
    if row.status is not BlueprintStatus.DRAFT:
        raise IllegalTransitionError(N_("已发布的蓝图不能修改，请复制一份再改"))
    return row


def _render(
    row: ExamBlueprint, values: Mapping[str, str], spec: Mapping[str, Any], errors: dict[str, list[str]],
    *, status: int = 200, **more: Any,
) -> tuple[str, int]:  # fmt: skip
    session, actor = db.session(), current_actor()
    types = [(one.name, _(one.label)) for one in registry.all_types()]
    scopes = scope_lines(session, actor, row.standard_level_id)
    levels = list(dict.fromkeys([*cognitive_levels(session, actor), *cognitive_names(values, spec)]))
    n_rows = {kind: max(row_count(values, kind), least) for kind, least in ROW_KINDS.items()}
    page = EditorPage(
        row=row, version=values.get("version", str(row.version)), values=dict(values), types=types, scopes=scopes,
        importance=[(letter, f"{letter} {_(label)}") for letter, label in wording.IMPORTANCE_LABELS.items()],
        cognitive=levels, labels=field_labels(types, scopes, n_rows, levels), errors=errors, n_rows=n_rows,
        supply=supply_view(session, actor, row.standard_level_id, spec),
        deepest=max((line.depth for line in scopes), default=1), **more,
    )  # fmt: skip
    return render_page("blueprints/edit.html", page, status=status)


@bp.get("/<uuid:blueprint_id>/edit")
@requires(Permission.BLUEPRINT_WRITE)
def edit(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Show the form."""
    row = _editable(blueprint_id)
    return _render(row, _stored_values(row), row.spec, {})


def _stored_values(row: ExamBlueprint) -> dict[str, str]:
    session, actor = db.session(), current_actor()
    named = {name: codes_of_items(session, actor, item_ids_of(row.spec, name)) for name in ITEM_FIELDS}
    return (
        form_values(row.spec)
        | {"name": row.name, "duration_minutes": str(row.duration_minutes)}
        | {name: "\n".join(codes) for name, codes in named.items()}
    )


def _read(row: ExamBlueprint, values: dict[str, str]) -> SpecForm:
    named = {name: _items(row, values.get(name, "")) for name in ITEM_FIELDS}
    scopes = [line.code for line in scope_lines(db.session(), current_actor(), row.standard_level_id)]
    form = read_form(values, scopes, row.spec, {name: ids for name, (ids, _unknown) in named.items()})
    for name, (_ids, unknown) in named.items():
        if unknown:
            form.errors[name] = [Text(N_("可用题库中没有：%(codes)s"), {"codes": "、".join(unknown[:10])})]
    minutes = form.count("duration_minutes", most=LONGEST_MINUTES)
    if not minutes and "duration_minutes" not in form.errors:
        form.complain("duration_minutes", N_("请填写考试时间"))
    return form


def _items(row: ExamBlueprint, text: str) -> tuple[list[str], list[str]]:
    codes = [code for code in SEPARATORS.split(text) if code]
    return items_of_codes(db.session(), current_actor(), row.standard_level_id, codes)


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
        return _conflict(row, values, form, wording.refusal_text(exc))
    return redirect_with_message(url_for("blueprints.detail", blueprint_id=blueprint_id), _("蓝图已保存"))


def _conflict(row: ExamBlueprint, values: dict[str, str], form: SpecForm, message: str) -> tuple[str, int]:
    """Show what somebody else has saved beside what was typed; saving once more then is a decision."""
    db.session().refresh(row)
    stored = _stored_values(row)
    labels = field_labels([(one.name, _(one.label)) for one in registry.all_types()], [], dict.fromkeys(ROW_KINDS, 0))
    names = [name for name in {**stored, **values} if name != "version" and not name.startswith("anchor-")]
    different = [
        (labels.get(name, name), stored.get(name, ""), values.get(name, ""))
        for name in names
        if " ".join(stored.get(name, "").split()) != " ".join(values.get(name, "").split())
    ]
    shown = values | {"version": str(row.version)}
    return _render(row, shown, form.spec, {"": [message]}, status=409, differences=different)


@bp.post("/<uuid:blueprint_id>/preview")
@requires(Permission.BLUEPRINT_WRITE)
def preview(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Answer the table for what stands in the form now; saves nothing."""
    row = _editable(blueprint_id)
    form = _read(row, wording.form_text(request.form))
    view = supply_view(db.session(), current_actor(), row.standard_level_id, form.spec)
    return render_page("blueprints/supply.html", view)


@bp.post("/<uuid:blueprint_id>/reshape")
@requires(Permission.BLUEPRINT_WRITE)
def reshape(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Show the form again with weights refined or rows added; saves nothing and keeps what was typed."""
    row, values = _editable(blueprint_id), wording.form_text(request.form)
    act, remarks = values.pop("act", ""), list[str]()
    if act.startswith("weights-"):
        remarks = _refine(row, values, act.removeprefix("weights-"))
    elif act in ROW_KINDS:
        values[f"{act}-{row_count(values, act)}-low"] = ""
    form = _read(row, values)
    return _render(row, values, form.spec, wording.error_fields(form.errors), remarks=remarks)


def _refine(row: ExamBlueprint, values: dict[str, str], word: str) -> list[str]:
    """Put refined weights into the fields, in place; `word` is a depth, or `outline` for the outline's own weights."""
    lines = scope_lines(db.session(), current_actor(), row.standard_level_id)
    form = SpecForm(dict(values))
    typed = {line.code: form.number(f"weight-{line.code}", most=Decimal(100)) for line in lines}
    given = {code: percent for code, percent in typed.items() if percent is not None}
    if word == "outline":
        given = dict(services.outline_weights(lines))
    depth = (
        int(word) if word.isdigit() and int(word) in DEPTHS else max((_depth(code, lines) for code in given), default=1)
    )
    types = [form.number(f"type-{one.name}-score") for one in registry.all_types()]
    total = _read(row, values).spec.get("total_score") or 0
    step = mark_step(Decimal(str(total)), [score for score in types if score])
    refined = refine_weights(given, _shares(lines), depth, step)
    for line in lines:
        percent = refined.percents.get(line.code)
        if percent is not None:
            values[f"weight-{line.code}"] = f"{percent.normalize():f}"
        elif word == "outline":
            values[f"weight-{line.code}"] = ""
    return rounding_lines(refined, {line.code: line for line in lines})


def _depth(code: str, lines: Sequence[ScopeLine]) -> int:
    return next((line.depth for line in lines if line.code == code), 1)


def _shares(lines: Sequence[ScopeLine]) -> list[ScopeShare]:
    """Return the scopes with their parents; an outline's lines stand parents first."""
    path: list[str] = []
    shares = []
    for line in lines:
        del path[line.depth - 1 :]
        parent = path[-1] if path else None
        shares.append(ScopeShare(line.code, line.depth, parent, line.weight_percent, line.n_points))
        path.append(line.code)
    return shares


@bp.get("/<uuid:blueprint_id>/items")
@requires(Permission.BLUEPRINT_WRITE)
def find_items(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Answer items of the pool to be picked, by code, point or wording."""
    row = _editable(blueprint_id)
    text = request.args.get("item_search", "").strip()[:60]
    rows = search_items(db.session(), current_actor(), row.standard_level_id, text)
    labels = {one.name: _(one.label) for one in registry.all_types()}
    return render_page("blueprints/picker.html", PickerPage(rows, text, labels))
