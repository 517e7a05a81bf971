"""Holding a whole form made elsewhere (套题) against a blueprint, and taking it in as a form."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.models import ExamBlueprint
from blueprints.pages import wording
from blueprints.pages.outcome import CheckLine, OutcomeView, check_line, outcome_view
from blueprints.rules.states import BlueprintStatus
from blueprints.services import whole_forms as services
from blueprints.services.bank import scope_lines, slot_contents
from blueprints.services.form_report import Earlier, earlier_forms, form_seconds, key_spread
from blueprints.services.quality import FormQuality, form_quality
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.public_imports import codes_of_import, list_imported_files

bp = Blueprint("whole_forms", __name__, url_prefix="/blueprints")
MINUTE = 60


@dataclass(frozen=True)
class CheckedView:
    """What was found of a form: rules broken and kept, its parts as a drawn form shows them, and what stands against it."""

    found: services.WholeForm
    outcome: OutcomeView
    broken: list[CheckLine]
    n_kept: int
    unusable: list[tuple[str, str]]
    keys: list[tuple[str, list[dict[str, Any]], int]]
    quality: FormQuality
    earlier: Sequence[Earlier]
    minutes: int


@dataclass(frozen=True)
class WholeFormPage:
    """Choosing a form made elsewhere, and after checking what was found."""

    row: ExamBlueprint
    imports: list[tuple[str, str]]
    values: Mapping[str, str]
    may_waive: bool
    is_published: bool
    checked: CheckedView | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)


@bp.get("/<uuid:blueprint_id>/whole-form")
@requires(Permission.FORM_ASSEMBLE)
def choose(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Show the form that names a whole form."""
    return _page(blueprint_id, {"import": request.args.get("import", "")})


@bp.post("/<uuid:blueprint_id>/whole-form")
@requires(Permission.FORM_ASSEMBLE)
def check(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Hold a whole form against the blueprint and show what was found."""
    values = wording.form_text(request.form)
    try:
        source, codes = _given(values)
        values = {**values, "codes": "\n".join(codes), "source": source}
        found = services.check_form_by_codes(db.session(), current_actor(), blueprint_id, codes)
    except InvalidInputError as exc:
        named = {name or "codes": texts for name, texts in wording.refusal_fields(exc).items()}
        return _page(blueprint_id, values, errors=named)
    return _page(blueprint_id, values, found)


@bp.post("/<uuid:blueprint_id>/whole-form/take-in")
@requires(Permission.FORM_ASSEMBLE)
def take_in(blueprint_id: uuid.UUID) -> tuple[str, int] | Response:
    """Turn a checked form into a draft."""
    values = wording.form_text(request.form)
    codes = services.read_codes(values.get("codes", ""))
    try:
        with unit_of_work(current_actor()) as uow:
            form = services.take_in(
                uow, blueprint_id, codes, source=values.get("source", ""), name=values.get("name", ""),
                reason=values.get("reason", ""),
            )  # fmt: skip
    except (ConflictError, InvalidInputError) as exc:
        found = services.check_form_by_codes(db.session(), current_actor(), blueprint_id, codes) if codes else None
        named = wording.refusal_fields(exc) if isinstance(exc, InvalidInputError) else {"": [wording.refusal_text(exc)]}
        return _page(blueprint_id, values, found, errors=named)
    address = url_for("forms.detail", form_id=form.exam_form_id)
    return redirect_with_message(address, _("已收为试卷草稿，请核对后提交审核"))


def _given(values: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return where the form comes from and the codes of its items: a file before a text before an import."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return file.filename, services.read_code_file(file.stream.read(services.LARGEST_FILE + 1))
    if codes := services.read_codes(values.get("codes", "")):
        return values.get("source", ""), codes
    if not values.get("import"):
        return "", []
    try:
        chosen = uuid.UUID(values["import"])
    except ValueError as exc:
        raise InvalidInputError(services.NO_CODES) from exc
    name, codes = codes_of_import(db.session(), current_actor(), chosen)
    if not codes:
        message = N_("这次导入的试题已不在题库中，请选择另一次导入或填写编号")
        raise InvalidInputError(message, fields={"import": [message]})
    return name, codes


def _page(
    blueprint_id: uuid.UUID,
    values: Mapping[str, str],
    found: services.WholeForm | None = None,
    *,
    errors: Mapping[str, list[str]] | None = None,
) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    row = repository.get_blueprint(session, blueprint_id, actor=actor)
    imports = [
        (str(one.import_run_id), _("%(file)s（%(n)s 题）", file=one.file_name, n=one.n_items))
        for one in list_imported_files(session, actor, row.standard_level_id)
    ]
    page = WholeFormPage(
        row, imports, values, actor.may(Permission.BLUEPRINT_WRITE), row.status is BlueprintStatus.PUBLISHED,
        _view(found) if found else None, errors or {},
    )  # fmt: skip
    return render_page("blueprints/whole_form.html", page, status=422 if errors else 200)


def _view(found: services.WholeForm) -> CheckedView:
    session, actor, form = db.session(), current_actor(), found.form
    scopes = {line.code: line for line in scope_lines(session, actor, found.run.standard_level_id)}
    seconds = form_seconds(session, actor, [form])[form.exam_form_id]
    return CheckedView(
        found=found, outcome=outcome_view(session, actor, found.run, [""]),
        broken=[check_line(one, scopes) for one in found.broken], n_kept=len(found.checks) - len(found.broken),
        unusable=[(code, _why(state)) for code, state in found.unusable.items()],
        keys=[
            (wording.type_label(use.type), [{"label": key, "value": n, "wanted": None} for key, n in use.counts], use.longest_run)
            for use in key_spread(slot_contents(session, actor, form))
        ],
        quality=form_quality(session, actor, form), earlier=earlier_forms(session, actor, form, [form]),
        minutes=-(-seconds // MINUTE),
    )  # fmt: skip


def _why(state: str) -> str:
    """Return why no form may take an item, and what to do."""
    if not state:
        return str(_("题库中没有这个编号，请核对，或先导入这道题"))
    return str(_("现在是“%(state)s”，或不属于这个等级；审核通过并启用后再核对", state=_(state)))
