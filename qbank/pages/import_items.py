"""One item of a file before it is imported: changing it, leaving it out, putting it back to what the file says."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from item_templates import registry
from item_templates.contract import Finding, ItemContent
from kernel.db import db
from kernel.errors import NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.items import ImportRun
from qbank.models.standards import AssessmentPoint
from qbank.pages.imports import steps
from qbank.pages.item_wording import (
    FindingView,
    Options,
    difficulty_options,
    finding_text,
    finding_views,
    int_or_none,
    place,
    point_options,
    type_label,
    type_options,
)
from qbank.pages.wording import Errors, form_text, form_version
from qbank.repository import imports as repository
from qbank.repository import items as items_repository
from qbank.rules.items import MAX_POINTS_PER_ITEM, ImportDecision
from qbank.services import import_edits as edits
from qbank.services import import_runs as services

bp = Blueprint("import_items", __name__, url_prefix="/imports")

KEEPS_OUT = frozenset({"empty_stem", "score_not_positive", "score_too_high", "score_too_fine"})
"""Findings with which an edit is not kept."""


@dataclass(frozen=True, slots=True)
class ImportItemPage:
    """The form of one item of a file."""

    steps: list[str]
    run: ImportRun
    number: int
    place: str
    type: str
    type_label: str
    types: Options
    content: ItemContent
    shown: ItemContent
    points: str
    point_options: list[str]
    difficulty: int | None
    difficulties: Options
    findings: list[FindingView]
    is_edited: bool
    back_href: str
    version: int
    errors: Errors = field(default_factory=dict)

    @property
    def edit_template(self) -> str:
        """The template of the type's own fields."""
        return registry.template_name(registry.get(self.type), "edit")

    @property
    def review_template(self) -> str:
        """The template of the view with the key."""
        return registry.template_name(registry.get(self.type), "review")


@dataclass(frozen=True, slots=True)
class _Draft:
    content: ItemContent
    points: tuple[str, ...]
    difficulty: int | None


def _find(run_id: uuid.UUID, number: int) -> tuple[ImportRun, services.PreviewItem]:
    run = repository.get_run(db.session(), run_id, actor=current_actor())
    if run.state not in repository.WAITING:
        raise NotFoundError(N_("这次导入已经开始或结束，不能再改"))
    items = services.load_preview(run).items
    if number >= len(items):
        raise NotFoundError(N_("文件中没有这道题"))
    return run, items[number]


def _back(run_id: uuid.UUID, number: int) -> str:
    """Return the address of the card from which the form was opened."""
    wanted: dict[str, Any] = {name: request.args[name] for name in ("kind", "page") if request.args.get(name)}
    return url_for("imports.check", run_id=run_id, **wanted) + f"#item-{number}"


@bp.get("/<uuid:run_id>/items/<int:number>")
@requires(Permission.ITEM_IMPORT)
def edit(run_id: uuid.UUID, number: int) -> tuple[str, int]:
    """Show the form of one item of a file."""
    run, one = _find(run_id, number)
    return _render(run, one, _Draft(one.own_content, one.points, one.difficulty))


@bp.post("/<uuid:run_id>/items/<int:number>")
@requires(Permission.ITEM_IMPORT)
def save(run_id: uuid.UUID, number: int) -> tuple[str, int] | Response:
    """Keep what the form says; a change of type shows the form of that type first."""
    run, one = _find(run_id, number)
    draft = _read(one.own_content)
    if form_text("act") == "type":
        wanted = form_text("new_type")
        known = wanted in dict(type_options())
        return _render(run, one, replace(draft, content=retyped(draft.content, wanted)) if known else draft)
    if errors := _errors(draft.content):
        return _render(run, one, draft, errors)
    fresh = edits.Edit(one.read_digest, draft.content, draft.points, draft.difficulty)
    with unit_of_work(current_actor()) as uow:
        edits.save_edit(uow, run_id, version=form_version() or 0, number=number, edit=fresh)
    left = len(registry.get(draft.content.type).validate(draft.content))
    message = _("已修改，还有 %(n)s 条提醒", n=left) if left else _("已修改")
    return redirect_with_message(_back(run_id, number), message)


@bp.post("/<uuid:run_id>/items/<int:number>/decision")
@requires(Permission.ITEM_IMPORT)
def decide(run_id: uuid.UUID, number: int) -> Response:
    """Note whether an item is brought in."""
    _run, one = _find(run_id, number)
    wanted = ImportDecision.SKIP if form_text("decision") == ImportDecision.SKIP else ImportDecision.UPDATE
    with unit_of_work(current_actor()) as uow:
        fresh = edits.Edit(one.read_digest, decision=wanted)
        edits.save_edit(uow, run_id, version=form_version() or 0, number=number, edit=fresh)
    message = _("这道题不导入") if wanted is ImportDecision.SKIP else _("这道题将导入")
    return redirect_with_message(_back(run_id, number), message)


@bp.post("/<uuid:run_id>/items/<int:number>/reset")
@requires(Permission.ITEM_IMPORT)
def reset(run_id: uuid.UUID, number: int) -> Response:
    """Put an item back to what the file says."""
    with unit_of_work(current_actor()) as uow:
        edits.forget_edit(uow, run_id, version=form_version() or 0, number=number)
    return redirect_with_message(_back(run_id, number), _("已恢复为文件中的内容"))


def retyped(content: ItemContent, name: str) -> ItemContent:
    """Return the content as another type, its key taken along where it means something there."""
    target = registry.get(name)
    fresh = ItemContent(
        type=name, stem=content.stem, choices=content.choices if target.has_choices else (),
        explanation=content.explanation, rubric=content.rubric, score=content.score, media=content.media,
    )  # fmt: skip
    try:
        return target.with_answer(fresh, registry.get(content.type).key_text(content))
    except (ValueError, TypeError, LookupError, AttributeError):
        return fresh


def _read(base: ItemContent) -> _Draft:
    name = form_text("type")
    if name not in dict(type_options()):
        name = base.type
    known = base if base.type == name else retyped(base, name)
    content = registry.get(name).from_form(request.form.to_dict(flat=False), known)
    if not content.media and known.media:
        content = replace(content, media=known.media)
    codes = [text.split()[0] for text in form_text("points").replace("；", ";").split(";") if text.strip()]
    return _Draft(
        edits.with_own_media(content), tuple(codes[:MAX_POINTS_PER_ITEM]), int_or_none(form_text("difficulty"), 1, 5)
    )


def _errors(content: ItemContent) -> Errors:
    errors: Errors = {}
    for one in registry.get(content.type).validate(content):
        if one.code in KEEPS_OUT:
            errors.setdefault(one.field, []).append(finding_text(one))
    return errors


def _findings(draft: _Draft, points: Sequence[AssessmentPoint]) -> list[Finding]:
    found = list(registry.get(draft.content.type).validate(draft.content))
    known = {point.full_code for point in points}
    unknown = [code for code in draft.points if code not in known]
    if unknown:
        template = N_("细目表没有鉴定点 %(codes)s")
        words = {"codes": "、".join(unknown)}
        found.append(Finding("unknown_point", template % words, "points", template=template, params=words))
    return found


def _render(run: ImportRun, one: services.PreviewItem, draft: _Draft, errors: Errors | None = None) -> tuple[str, int]:
    level_id = run.standard_level_id
    points = items_repository.points_of_level(db.session(), level_id) if level_id else []
    page = ImportItemPage(
        steps=steps(), run=run, number=one.number, place=place(one.locator), type=draft.content.type,
        type_label=type_label(draft.content.type), types=type_options(), content=draft.content,
        shown=services.shown_content(run.import_run_id, draft.content), points="；".join(draft.points),
        point_options=point_options(points), difficulty=draft.difficulty, difficulties=difficulty_options(),
        findings=finding_views(_findings(draft, points)), is_edited=one.is_edited,
        back_href=_back(run.import_run_id, one.number), version=run.version, errors=errors or {},
    )  # fmt: skip
    return render_page("qbank/imports/item.html", page, status=422 if errors else 200)
