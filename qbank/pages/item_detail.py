"""One item with its tabs, the difference of two versions, and the acts on one item."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from item_templates import registry
from item_templates.contract import ItemContent
from item_templates.versions import compare
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.identity.repository import user_names
from kernel.uow import unit_of_work
from qbank.models.items import Item, ItemVersion
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.pages.differences import DiffRow, difference
from qbank.pages.item_wording import FindingView, Options, difficulty_label, finding_views, status_view, type_label
from qbank.pages.items import READ, bp, retire_selected
from qbank.pages.wording import act_and_return, form_date, refusal
from qbank.repository import items as repository
from qbank.repository import reviews as review_repository
from qbank.repository import standards
from qbank.repository.reviews import DecisionRow
from qbank.rules.items import CHANGE_LABELS, ChangeKind, ItemStatus, findings_of
from qbank.rules.review import DECISION_KINDS, DECISION_LABELS
from qbank.services import disclosures, review_desk, reviews
from qbank.services import items as services


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version as a row of its tab."""

    version: ItemVersion
    change_label: str
    author_name: str
    is_current: bool
    is_approved: bool


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One decision as a row of the history."""

    row: DecisionRow
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One item: what it is, and the tab that is open."""

    item: Item
    version: ItemVersion
    content: ItemContent
    type_label: str
    level: StandardLevel
    points: Sequence[AssessmentPoint]
    difficulty: str
    status: tuple[str, str]
    author_name: str
    tab: str
    tabs: list[dict[str, object]]
    findings: list[FindingView]
    versions: list[VersionLine]
    decisions: list[DecisionLine]
    stage_name: str
    may_edit: bool
    may_submit: bool
    may_withdraw: bool
    may_retire: bool
    may_restore: bool
    may_remove: bool
    may_copy: bool

    @property
    def item_template(self) -> str:
        """The template of the candidate's view."""
        return registry.template_name(registry.get(self.content.type), "item")

    @property
    def review_template(self) -> str:
        """The template of the view with the key."""
        return registry.template_name(registry.get(self.content.type), "review")


@dataclass(frozen=True, slots=True)
class VersionSide:
    """One of two versions as it is set, formulas and pictures shown."""

    label: str
    content: ItemContent

    @property
    def review_template(self) -> str:
        """The template of the view with the key."""
        return registry.template_name(registry.get(self.content.type), "review")


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """Two versions of an item side by side."""

    item: Item
    old: ItemVersion
    new: ItemVersion
    rows: list[DiffRow]
    numbers: Options
    sides: list[VersionSide]
    change_label: str


@bp.get("/<uuid:item_id>")
@requires(*READ)
def detail(item_id: uuid.UUID) -> tuple[str, int] | str:
    """Show an item; in the drawer, a quick look."""
    item = repository.get_item(db.session(), item_id, actor=current_actor())
    if request.headers.get("HX-Target") == "drawer":
        _disclose(item, "drawer")
        return render_template("qbank/items/drawer.html", page=item_page(item, "content"))
    tab = request.args.get("tab", "content")
    if tab == "key":
        _disclose(item, "page")
    page = item_page(item, tab if tab in {"content", "key", "versions", "reviews"} else "content")
    return render_page("qbank/items/detail.html", page)


def _disclose(item: Item, way: str) -> None:
    disclosures.disclose(db.session(), current_actor(), item, item.current_version_id, way=way)


def item_page(item: Item, tab: str) -> ItemPage:
    """Return everything the page of an item shows."""
    session, actor = db.session(), current_actor()
    version = repository.get_versions(session, [item.current_version_id])[item.current_version_id]
    points = repository.points_of_versions(session, [version.item_version_id])[version.item_version_id]
    content = services.content_of(version)
    is_draft = item.status is ItemStatus.DRAFT
    may_write = actor.may(Permission.ITEM_WRITE)
    return ItemPage(
        item=item, version=version, content=content, type_label=type_label(item.type),
        level=standards.get_level(session, item.standard_level_id, actor=actor), points=points,
        difficulty=difficulty_label(item.difficulty), status=status_view(item),
        author_name=_author_name(item),
        tab=tab, tabs=_tabs(item, tab),
        findings=finding_views(findings_of(content, n_points=len(points), difficulty=version.difficulty)),
        versions=_version_lines(item) if tab == "versions" else [],
        decisions=decision_lines(item), stage_name=_stage_name(item),
        may_edit=services.may_edit(actor, item), may_submit=may_write and is_draft,
        may_withdraw=may_write and item.status is ItemStatus.IN_REVIEW,
        may_retire=actor.may(Permission.ITEM_RETIRE) and item.status is not ItemStatus.RETIRED,
        may_restore=actor.may(Permission.ITEM_RETIRE) and item.status is ItemStatus.RETIRED,
        may_remove=may_write and services.is_removable(item), may_copy=may_write,
    )  # fmt: skip


def _author_name(item: Item) -> str:
    """Return the author's name unless blind review hides it from this person."""
    session = db.session()
    if item.author_id is None or review_desk.hides_author(session, current_actor(), item):
        return ""
    return user_names(session, [item.author_id]).get(item.author_id, "")


def _tabs(item: Item, tab: str) -> list[dict[str, object]]:
    labels = {"content": _("考生所见"), "key": _("含答案"), "versions": _("版本"), "reviews": _("审核记录")}
    counts = {"versions": item.n_versions}
    return [
        {
            "label": label,
            "href": url_for("items.detail", item_id=item.item_id, tab=name),
            "active": name == tab,
            "count": counts.get(name),
        }
        for name, label in labels.items()
    ]


def _stage_name(item: Item) -> str:
    if item.workflow_stage_id is None:
        return ""
    return review_repository.get_stage(db.session(), item.workflow_stage_id, actor=current_actor()).name


def _version_lines(item: Item) -> list[VersionLine]:
    versions = repository.list_versions(db.session(), item)
    names = user_names(db.session(), [one.created_by for one in versions if one.created_by])
    is_blind = review_desk.hides_author(db.session(), current_actor(), item)
    return [
        VersionLine(
            version=one,
            change_label=_(CHANGE_LABELS[one.change_kind]),
            author_name=names.get(one.created_by, "") if one.created_by and not is_blind else "",
            is_current=one.item_version_id == item.current_version_id,
            is_approved=one.item_version_id == item.approved_version_id,
        )
        for one in versions
    ]


def decision_lines(item: Item) -> list[DecisionLine]:
    """Return the history of decisions on an item, newest first."""
    rows = review_desk.visible_decisions(db.session(), current_actor(), item)
    return [
        DecisionLine(row, _(DECISION_LABELS[row.decision.decision]), DECISION_KINDS[row.decision.decision])
        for row in rows
    ]


@bp.get("/<uuid:item_id>/difference")
@requires(*READ)
def show_difference(item_id: uuid.UUID) -> tuple[str, int]:
    """Show what changed between two versions (``?old=&new=``; by default the last two)."""
    session = db.session()
    item = repository.get_item(session, item_id, actor=current_actor())
    new = repository.get_version(session, item, request.args.get("new", item.n_versions, type=int))
    old = repository.get_version(session, item, request.args.get("old", max(1, new.number - 1), type=int))
    disclosures.disclose(session, current_actor(), item, new.item_version_id, way="difference")
    points = repository.points_of_versions(session, [old.item_version_id, new.item_version_id])
    rows = difference(old, new, points[old.item_version_id], points[new.item_version_id])
    numbers = [(str(n), _("第 %(n)s 版", n=n)) for n in range(item.n_versions, 0, -1)]
    return render_page("qbank/items/difference.html", DifferencePage(item, old, new, rows, numbers, *_sides(old, new)))


def _sides(old: ItemVersion, new: ItemVersion) -> tuple[list[VersionSide], str]:
    before, after = services.content_of(old), services.content_of(new)
    change = compare(before, after)
    label = _("内容没有变化") if change == "same" else _(CHANGE_LABELS[ChangeKind(change)])
    sides = [(_("第 %(n)s 版", n=one.number), content) for one, content in ((old, before), (new, after))]
    return [VersionSide(*side) for side in sides], label


def _address(item_id: uuid.UUID) -> str:
    return url_for("items.detail", item_id=item_id)


@bp.post("/<uuid:item_id>/submit")
@requires(Permission.ITEM_WRITE)
def submit(item_id: uuid.UUID) -> Response:
    """Send a draft into review."""
    with unit_of_work(current_actor()) as uow:
        result = reviews.submit_items(uow, [item_id])
    if result.refused:
        message = _("还不能提交审核：%(reason)s", reason=result.refused[0].message)
        return redirect_with_message(_address(item_id), message, "danger")
    return redirect_with_message(_address(item_id), _("已提交审核"))


@bp.post("/<uuid:item_id>/withdraw")
@requires(Permission.ITEM_WRITE)
def withdraw(item_id: uuid.UUID) -> Response:
    """Take an item back from review."""
    return act_and_return(_address(item_id), _("已撤回为草稿"), lambda uow: reviews.withdraw_item(uow, item_id))


@bp.post("/<uuid:item_id>/retire")
@requires(Permission.ITEM_RETIRE)
def retire(item_id: uuid.UUID) -> Response:
    """Take an item out of use."""
    return retire_selected([item_id], _address(item_id))


@bp.post("/<uuid:item_id>/effective")
@requires(Permission.ITEM_RETIRE)
def set_effective(item_id: uuid.UUID) -> Response:
    """Say from which day the approved version is in use."""
    try:
        day = form_date("effective_on")
        with unit_of_work(current_actor()) as uow:
            reviews.set_effective_on(uow, item_id, day)
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(_address(item_id), refusal(exc), "danger")
    message = _("自 %(day)s 起启用", day=day.isoformat()) if day else _("已改为立即启用")
    return redirect_with_message(_address(item_id), message)


@bp.post("/<uuid:item_id>/restore")
@requires(Permission.ITEM_RETIRE)
def restore(item_id: uuid.UUID) -> Response:
    """Bring a retired item back as a draft."""
    act = lambda uow: services.restore_item(uow, item_id)  # noqa: E731 - one line says it
    return act_and_return(_address(item_id), _("已恢复为草稿，需要重新审核"), act)


@bp.post("/<uuid:item_id>/remove")
@requires(Permission.ITEM_WRITE)
def remove(item_id: uuid.UUID) -> Response:
    """Throw away a draft."""
    return act_and_return(url_for("items.index"), _("草稿已删除"), lambda uow: services.remove_draft(uow, item_id))


@bp.post("/<uuid:item_id>/copy")
@requires(Permission.ITEM_WRITE)
def copy(item_id: uuid.UUID) -> Response:
    """Create a draft with the same content."""
    with unit_of_work(current_actor()) as uow:
        fresh = services.copy_item(uow, item_id)
    return redirect_with_message(url_for("item_editor.edit", item_id=fresh.item_id), _("已复制为新草稿"))
