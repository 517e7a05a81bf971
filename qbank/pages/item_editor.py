"""Writing an item: choose type and level, fill in the form with a live preview, insert pictures."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import escape
from werkzeug.wrappers import Response

from item_templates import registry
from item_templates.canonical import content_digest
from item_templates.contract import Finding, ItemContent
from item_templates.findings import finding
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires, uploaded_file
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.items import Item, ItemVersion
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.pages.curation_wording import LintView, SimilarView, checks_of_draft
from qbank.pages.item_editions import EditionNote, edition_changed, edition_mark, edition_note, has_moved
from qbank.pages.item_wording import (
    FindingView,
    Options,
    difficulty_options,
    finding_text,
    finding_views,
    int_or_none,
    level_options,
    level_title,
    point_options,
    type_label,
    type_options,
    uuid_or_none,
)
from qbank.pages.wording import Errors, field_errors, form_text, form_version, refusal
from qbank.repository import items as repository
from qbank.repository import standards
from qbank.rules.items import MAX_POINTS_PER_ITEM, ItemStatus, blocking, findings_of
from qbank.services import disclosures, media, reviews, writing
from qbank.services import items as services
from qbank.services.import_runs import match_point

bp = Blueprint("item_editor", __name__, url_prefix="/items")

KEEPS_OUT = frozenset({"empty_stem", "score_not_positive", "score_too_high", "score_too_fine"})
"""Findings for which not even a draft is saved."""
POINT_ROWS = 3
CHANGES_CHILDREN = "child:"
"""What the buttons say that add, move or remove a child: the form comes back with that done, nothing is saved."""


@dataclass(frozen=True, slots=True)
class ChoosePage:
    """The first step of a new item: which type, for which level."""

    types: Options
    levels: Options
    level: str
    type: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form says."""

    content: ItemContent
    points: list[AssessmentPoint]
    point_texts: list[str]
    difficulty: int | None
    source: str
    note: str = ""
    unknown_points: tuple[str, ...] = ()

    @property
    def point_ids(self) -> list[uuid.UUID]:
        """The ids of the points, each once."""
        return list(dict.fromkeys(point.assessment_point_id for point in self.points))

    def findings(self) -> list[Finding]:
        """Return everything that stands against the item."""
        found = findings_of(self.content, n_points=len(self.points), difficulty=self.difficulty)
        return [*(_unknown_point(text) for text in self.unknown_points), *found]


@dataclass(frozen=True, slots=True)
class EditorPage:
    """The form of an item with its preview and findings."""

    title: str
    action: str
    preview_href: str
    upload_href: str
    back_href: str
    type: str
    type_label: str
    level: StandardLevel
    level_title: str
    draft: Draft
    point_options: list[str]
    difficulties: Options
    findings: list[FindingView]
    item: Item | None = None
    version: int | None = None
    errors: Errors = field(default_factory=dict)
    refusal: str = ""
    refusal_title: str = ""
    edition_mark: str = ""
    edition_note: str = ""
    new_edition_href: str = ""
    same_as: str = ""
    lint: list[LintView] = field(default_factory=list)
    similar: list[SimilarView] = field(default_factory=list)

    @property
    def content(self) -> ItemContent:
        """The content that the form shows."""
        return self.draft.content

    @property
    def edit_template(self) -> str:
        """The template of the type's own fields."""
        return registry.template_name(registry.get(self.type), "edit")

    @property
    def item_template(self) -> str:
        """The template of the candidate's view."""
        return registry.template_name(registry.get(self.type), "item")

    @property
    def review_template(self) -> str:
        """The template of the view with the key."""
        return registry.template_name(registry.get(self.type), "review")


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """The fragment that follows the form while somebody types."""

    content: ItemContent
    item_template: str
    review_template: str
    findings: list[FindingView]
    same_as: str
    lint: list[LintView] = field(default_factory=list)
    similar: list[SimilarView] = field(default_factory=list)


def _unknown_point(text: str) -> Finding:
    return finding("unknown_point", N_("细目表中没有鉴定点“%(text)s”，请从列表中选择"), field="points", text=text)


def _level_or_none(text: str) -> StandardLevel | None:
    level_id = uuid_or_none(text)
    if level_id is None:
        return None
    return standards.get_level(db.session(), level_id, actor=current_actor())


@bp.get("/new")
@requires(Permission.ITEM_WRITE)
def new() -> tuple[str, int]:
    """Show the form of a new item; without type and level, ask for them first."""
    name, level = request.args.get("type", ""), _level_or_none(request.args.get("level", ""))
    if level is None or name not in dict(type_options()):
        levels = level_options(db.session(), current_actor())
        return render_page(
            "qbank/items/choose.html", ChoosePage(type_options(), levels, str(request.args.get("level", "")), name)
        )
    difficulty = int_or_none(request.args.get("difficulty", ""), 1, 5)
    empty = Draft(ItemContent(type=name, stem=""), [], [request.args.get("point", "")], difficulty, "")
    return _render(empty, level, item=None, findings=[])


@bp.post("/new")
@requires(Permission.ITEM_WRITE)
def create() -> tuple[str, int] | Response:
    """Save a new item."""
    level = _level_or_none(request.args.get("level", ""))
    if level is None:
        raise NotFoundError(N_("请先选择标准等级"))
    draft = read_draft(_type_name(request.args.get("type", "")), level, None)
    if form_text("act") == "edition":
        return _render(draft, level, item=None)
    if said := edition_changed(level, form_text("edition")):
        return _render(draft, level, item=None, refused=said, refused_title=_("标准已换版"))
    if form_text("act") == "picture":
        return _with_picture(draft, level, item=None)
    if form_text("act").startswith(CHANGES_CHILDREN):
        return _render(draft, level, item=None)
    if errors := _errors(draft, is_submitting=_is_submitting()):
        return _render(draft, level, item=None, errors=errors)
    with unit_of_work(current_actor()) as uow:
        item = services.create_item(
            uow, standard_level_id=level.standard_level_id, content=draft.content, point_ids=draft.point_ids,
            difficulty=draft.difficulty, source=draft.source,
        )  # fmt: skip
        if line_id := _task_line():
            writing.attach_item(uow, line_id, item)
        _submit_too(uow, item)
    return _after_saving(item, _("试题 %(code)s 已保存", code=item.code))


def _type_name(name: str) -> str:
    if name not in dict(type_options()):
        raise NotFoundError(N_("没有这种题型"))
    return name


def _task_line() -> uuid.UUID | None:
    """Return the line of a writing task for which a new item is written, if any."""
    return uuid_or_none(request.args.get("line", ""))


def _is_submitting() -> bool:
    return form_text("act") == "submit"


def _submit_too(uow: UnitOfWork, item: Item) -> None:
    if _is_submitting():
        uow.flush()  # submitting reads the version by SQL
        reviews.submit_item(uow, item.item_id)


def _after_saving(item: Item, message: str) -> Response:
    if _is_submitting():
        return redirect_with_message(url_for("items.detail", item_id=item.item_id), _("已保存并提交审核"))
    if form_text("act") == "another" and (line_id := _task_line()):
        return redirect_with_message(url_for("writing.write", line_id=line_id), message)
    if form_text("act") == "another":
        address = url_for("item_editor.new", type=item.type, level=item.standard_level_id)
        return redirect_with_message(address, message)
    return redirect_with_message(url_for("item_editor.edit", item_id=item.item_id), message)


@bp.get("/<uuid:item_id>/edit")
@requires(Permission.ITEM_WRITE)
def edit(item_id: uuid.UUID) -> tuple[str, int] | Response:
    """Show the form of an item."""
    item = repository.get_item(db.session(), item_id, actor=current_actor())
    if not services.may_edit(current_actor(), item):
        message = _("试题现在不能修改：审核中的请先撤回，停用的请先恢复")
        return redirect_with_message(url_for("items.detail", item_id=item_id), message, "warning")
    version = _current_version(item)
    disclosures.disclose(db.session(), current_actor(), item, version.item_version_id, way="editor")
    points = repository.points_of_versions(db.session(), [version.item_version_id])[version.item_version_id]
    draft = Draft(services.content_of(version), points, _point_texts(points), version.difficulty, item.source)
    return _render(draft, _level_of(item), item=item)


def _current_version(item: Item) -> ItemVersion:
    return repository.get_versions(db.session(), [item.current_version_id])[item.current_version_id]


def _level_of(item: Item) -> StandardLevel:
    return standards.get_level(db.session(), item.standard_level_id, actor=current_actor())


@bp.post("/<uuid:item_id>/edit")
@requires(Permission.ITEM_WRITE)
def update(item_id: uuid.UUID) -> tuple[str, int] | Response:
    """Save a revision; a stale form comes back with everything that was typed."""
    item = repository.get_item(db.session(), item_id, actor=current_actor())
    level, version = _level_of(item), form_version() or 0
    draft = read_draft(item.type, level, services.content_of(_current_version(item)))
    if said := edition_changed(level, form_text("edition")):
        return _with_new_edition(draft, level, item, version, said)
    if form_text("act") == "picture":
        return _with_picture(draft, level, item=item, version=version)
    if form_text("act").startswith(CHANGES_CHILDREN):
        return _render(draft, level, item=item, version=version)
    if errors := _errors(draft, is_submitting=_is_submitting()):
        return _render(draft, level, item=item, errors=errors, version=version)
    try:
        with unit_of_work(current_actor()) as uow:
            saved = _save(uow, item_id, draft, version)
    except ConflictError as exc:
        return _not_saved(draft, level, item_id, version, exc)
    message = _("已保存为第 %(n)s 版", n=saved.number) if saved else _("内容没有变化")
    return _after_saving(item, message)


def _not_saved(
    draft: Draft, level: StandardLevel, item_id: uuid.UUID, version: int, exc: ConflictError
) -> tuple[str, int]:
    """Show the form again with everything that was typed; after somebody else's save the next one may replace it."""
    fresh = repository.get_item(db.session(), item_id, actor=current_actor())
    if isinstance(exc, services.StaleItemError):
        return _render(draft, level, item=fresh, refused=refusal(exc), version=fresh.version)
    return _render(draft, level, item=fresh, refused=refusal(exc), refused_title=_("现在不能保存"), version=version)


def _with_new_edition(draft: Draft, level: StandardLevel, item: Item, version: int, said: str) -> tuple[str, int]:
    """Show the form again after its edition changed; an item that moved gets the points that it has in the new one."""
    if not has_moved(level, form_text("edition")):
        return _render(draft, level, item=item, refused=said, refused_title=_("标准已换版"), version=version)
    points = repository.points_of_versions(db.session(), [item.current_version_id])[item.current_version_id]
    carried = replace(draft, points=points, point_texts=_point_texts(points), unknown_points=())
    fresh = item.version if item.version == version + 1 else version  # one step is the move itself
    return _render(carried, level, item=item, refused=said, refused_title=_("标准已换版"), version=fresh)


def _point_texts(points: Sequence[AssessmentPoint]) -> list[str]:
    return [f"{point.full_code} {point.name}" for point in points]


def _save(uow: UnitOfWork, item_id: uuid.UUID, draft: Draft, version: int) -> ItemVersion | None:
    saved = services.update_item(
        uow, item_id, version=version, content=draft.content, point_ids=draft.point_ids,
        difficulty=draft.difficulty, source=draft.source, note=draft.note,
    )  # fmt: skip
    item = repository.get_item(uow.session, item_id, actor=uow.actor)
    if item.status is ItemStatus.DRAFT:
        _submit_too(uow, item)
    return saved


def _errors(draft: Draft, *, is_submitting: bool) -> Errors:
    """Return what keeps the form from being saved; for submitting, every fault of the item."""
    findings = draft.findings()
    counted = (
        blocking(findings)
        if is_submitting
        else [one for one in findings if one.code in KEEPS_OUT or one.code == "unknown_point"]
    )
    errors: Errors = {}
    for one in counted:
        errors.setdefault(one.field, []).append(finding_text(one))
    return errors


def read_draft(name: str, level: StandardLevel, base: ItemContent | None) -> Draft:
    """Return what the form says, its pictures as the organisation has them."""
    session, fields = db.session(), request.form.to_dict(flat=False)
    content = registry.get(name).from_form(fields, base)
    content = media.with_known_media(session, content, organisation_id=current_actor().organisation)
    known = repository.points_of_level(session, level.standard_level_id)
    texts = [text.strip() for text in request.form.getlist("points") if text.strip()][:MAX_POINTS_PER_ITEM]
    found = [match_point(known, text) for text in texts]
    return Draft(
        content=content,
        points=[point for point in found if point is not None],
        point_texts=texts,
        difficulty=int_or_none(form_text("difficulty"), 1, 5),
        source=form_text("source")[:300],
        note=form_text("note")[:300],
        unknown_points=tuple(text for text, point in zip(texts, found, strict=True) if point is None),
    )


def _render(
    draft: Draft,
    level: StandardLevel,
    *,
    item: Item | None,
    findings: Sequence[Finding] | None = None,
    errors: Errors | None = None,
    refused: str = "",
    refused_title: str = "",
    version: int | None = None,
) -> tuple[str, int]:
    name, note = draft.content.type, edition_note(level)
    key = item.item_id if item else None
    here: dict[str, Any] = {"type": name, "level": level.standard_level_id, "item": key, "line": _task_line()}
    n_rows = min(MAX_POINTS_PER_ITEM, max(POINT_ROWS, len(draft.point_texts) + 1))
    texts = [*draft.point_texts, *[""] * n_rows][:n_rows]
    page = EditorPage(
        title=_("修改试题 %(code)s", code=item.code) if item else _("写题：%(type)s", type=type_label(name)),
        action=url_for("item_editor.update", item_id=key) if key else url_for("item_editor.create", **here),
        preview_href=url_for("item_editor.preview", **here), upload_href=url_for("item_editor.upload"),
        back_href=url_for("items.detail", item_id=key) if key else url_for("items.index"),
        type=name, type_label=type_label(name), level=level, level_title=level_title(level),
        draft=replace(draft, point_texts=texts), difficulties=difficulty_options(),
        point_options=point_options(repository.points_of_level(db.session(), level.standard_level_id)),
        findings=finding_views(draft.findings() if findings is None else findings), item=item,
        version=version if version is not None else (item.version if item else None),
        errors=errors or {}, refusal=refused, refusal_title=refused_title or _("有人先保存了"),
        edition_mark=edition_mark(level), edition_note=note.text if note and not refused else "",
        new_edition_href=_in_new_edition(here, note) if not key else "",
    )  # fmt: skip
    return render_page("qbank/items/editor.html", page, status=409 if refused else 422 if errors else 200)


def _in_new_edition(here: dict[str, Any], note: EditionNote | None) -> str:
    """Return where a new item goes on in the edition that took the place of its own, if there is one."""
    if note is None or note.new_level_id is None:
        return ""
    return url_for("item_editor.create", **(here | {"level": note.new_level_id}))


def _with_picture(
    draft: Draft, level: StandardLevel, *, item: Item | None, version: int | None = None
) -> tuple[str, int]:
    """Put an uploaded picture at the end of the stem and show the form again; the item itself is not saved."""
    try:
        markup = _store_picture()
    except InvalidInputError as exc:
        return _render(draft, level, item=item, errors=field_errors(exc), version=version)
    content = replace(draft.content, stem=draft.content.stem + markup)
    content = media.with_known_media(db.session(), content, organisation_id=current_actor().organisation)
    return _render(replace(draft, content=content), level, item=item, version=version)


def _store_picture() -> str:
    """Keep the picture of the form and return the text that shows it."""
    picture = media.clean_picture(uploaded_file("image").data)
    with unit_of_work(current_actor()) as uow:
        row = media.store_picture(uow, picture)
    return f'<img src="media:{row.digest}" alt="{escape(form_text("image_alt")[:200])}">'


@bp.post("/preview")
@requires(Permission.ITEM_WRITE)
def preview() -> str:
    """Answer the preview of what the form says; nothing is saved."""
    level = _level_or_none(request.args.get("level", ""))
    if level is None:
        raise NotFoundError(N_("请先选择标准等级"))
    item_id = uuid_or_none(request.args.get("item", ""))
    item = repository.get_item(db.session(), item_id, actor=current_actor()) if item_id else None
    draft = read_draft(_type_name(request.args.get("type", "")), level, None)
    item_type = registry.get(draft.content.type)
    hits, similar = checks_of_draft(draft.content, item_id)
    page = PreviewPage(
        content=draft.content,
        item_template=registry.template_name(item_type, "item"),
        review_template=registry.template_name(item_type, "review"),
        findings=finding_views(draft.findings()),
        same_as=_same_as(draft.content, item),
        lint=hits,
        similar=similar,
    )
    return render_template("qbank/items/preview.html", page=page)


def _same_as(content: ItemContent, item: Item | None) -> str:
    """Return the code of another item with the very same content, if there is one."""
    digest = content_digest(content)
    found = repository.find_known_digests(db.session(), current_actor().organisation, [digest]).get(digest, "")
    return "" if item is not None and found == item.code else found


@bp.post("/pictures")
@requires(Permission.ITEM_WRITE)
def upload() -> Response:
    """Keep a picture and answer the text that shows it, for the editor to insert."""
    return jsonify({"markup": _store_picture()})
