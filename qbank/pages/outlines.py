"""The content outline of a level: tree editor, check, publish, export."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.standards import AssessmentPoint, AssessmentScope, StandardLevel
from qbank.pages.standards import outline_label
from qbank.pages.wording import (
    Errors,
    Remark,
    act_and_return,
    field_errors,
    form_decimal,
    form_text,
    form_version,
    remarks,
)
from qbank.repository import standards as repository
from qbank.rules.figures import show_number
from qbank.rules.outline import (
    FULL_WEIGHT,
    IMPORTANCE_LABELS,
    MAX_DEPTH,
    Importance,
    OutlineTree,
    ScopeNode,
    next_code,
)
from qbank.rules.standards import OutlineLayout
from qbank.services import outline_moves
from qbank.services import outlines as services
from qbank.services.outline_export import OutlineHead, template_tree, write_outline

bp = Blueprint("outlines", __name__, url_prefix="/standards")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class LevelHead:
    """What every page of a level shows: its names, its state, its tabs."""

    level: StandardLevel
    title: str
    status_label: str
    tabs: list[dict[str, Any]]
    crumbs: list[dict[str, Any]]
    may_write: bool

    @property
    def may_edit(self) -> bool:
        """Say whether this reader may change the outline now."""
        return self.may_write and not self.level.is_published


@dataclass(frozen=True, slots=True)
class OutlinePage:
    """The tree, and the chosen scope beside it."""

    head: LevelHead
    tree: OutlineTree
    nodes: list[dict[str, Any]]
    chosen: ScopeNode | None
    chosen_version: int
    findings: list[Remark]
    n_errors: int
    importance_options: list[tuple[str, str]]
    next_scope_code: str
    next_point_code: str
    has_scores: bool
    places: list[tuple[str, str]]
    focus: str = ""
    form: str = ""
    errors: Errors = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def is_total_right(self) -> bool:
        """Say whether the weights come to 100."""
        return self.tree.weight_percent == FULL_WEIGHT

    @property
    def may_add_scope(self) -> bool:
        """Say whether a scope may hang below the chosen one (or at the top)."""
        return self.chosen is None or (self.chosen.row.depth < MAX_DEPTH and not self.chosen.points)

    @property
    def may_add_point(self) -> bool:
        """Say whether points may be added to the chosen scope."""
        return self.chosen is not None and not self.chosen.scopes


@dataclass(frozen=True, slots=True)
class CheckPage:
    """Everything that stands against publishing."""

    head: LevelHead
    findings: list[Remark]
    n_errors: int
    tree: OutlineTree


@dataclass(frozen=True, slots=True)
class PointFormPage:
    """Changing one point."""

    head: LevelHead
    point: AssessmentPoint
    scope_options: list[tuple[str, str]]
    importance_options: list[tuple[str, str]]
    values: dict[str, str]
    back_href: str
    errors: Errors = field(default_factory=dict)


def level_head(level: StandardLevel, active: str) -> LevelHead:
    """Return what every page of a level shows."""
    standard = level.edition.standard
    title = f"{standard.occupation_name} {level.name}"
    key = level.standard_level_id
    tabs = [
        {"label": _("细目表"), "href": url_for("outlines.show", level_id=key), "active": active == "outline"},
        {"label": _("权重表"), "href": url_for("weights.edit", level_id=key), "active": active == "weights"},
        {"label": _("检查与发布"), "href": url_for("outlines.check", level_id=key), "active": active == "check"},
        {"label": _("题库评估"), "href": url_for("bank_reports.show", level_id=key), "active": active == "bank"},
    ]
    crumbs = [
        {"label": _("标准与细目表"), "href": url_for("standards.index")},
        {
            "label": f"{standard.name}（{level.edition.label}）",
            "href": url_for("standards.detail", standard_id=standard.occupational_standard_id),
        },
        {"label": level.name, "href": url_for("outlines.show", level_id=key)},
    ]
    return LevelHead(level, title, outline_label(level), tabs, crumbs, current_actor().may(Permission.STANDARD_WRITE))


def importance_options() -> list[tuple[str, str]]:
    """Return the importances for a choice."""
    return [(value.value, _(label)) for value, label in IMPORTANCE_LABELS.items()]


# --- reading ---------------------------------------------------------------------------------------------------------


@bp.get("/levels/<uuid:level_id>")
@requires(Permission.STANDARD_READ)
def show(level_id: uuid.UUID) -> tuple[str, int]:
    """Show the outline as a tree with the chosen scope beside it."""
    return _outline_page(level_id, request.args.get("scope", type=uuid.UUID))


def _outline_page(
    level_id: uuid.UUID,
    scope_id: uuid.UUID | None,
    *,
    form: str = "",
    errors: Errors | None = None,
) -> tuple[str, int]:
    session = db.session()
    level, tree = services.load_level_tree(session, current_actor(), level_id)
    chosen = services.find_scope_node(tree, scope_id)
    version = repository.get_scope(session, scope_id, actor=current_actor()).version if chosen and scope_id else 0
    found = remarks(services.find_readiness(session, level, tree))
    siblings = chosen.scopes if chosen else tree.scopes
    taken_points = [point.row.code for point in chosen.points] if chosen else []
    page = OutlinePage(
        head=level_head(level, "outline"), tree=tree, nodes=_tree_nodes(level, tree, scope_id), chosen=chosen,
        chosen_version=version, findings=found, n_errors=sum(1 for remark in found if remark.kind == "danger"),
        importance_options=importance_options(),
        next_scope_code=next_code(level.layout, [node.row.code for node in siblings]),
        next_point_code=next_code(level.layout, taken_points, is_point=True),
        has_scores=level.layout is OutlineLayout.CHAPTER, places=_places(tree, chosen), focus=request.args.get("focus", ""), form=form, errors=errors or {},
        values=request.form.to_dict() if errors else {},
    )  # fmt: skip
    return render_page("qbank/standards/outline.html", page, status=422 if errors else 200)


def _places(tree: OutlineTree, chosen: ScopeNode | None) -> list[tuple[str, str]]:
    """Return where the chosen scope may hang: the top, and scopes without points that are not below it."""
    below = set(chosen.walk()) if chosen else set()
    free = [node for node in tree.walk() if node not in below and not node.points and node.row.depth < MAX_DEPTH]
    return [("", _("最上级")), *((str(node.row.key), f"{node.full_code} {node.row.name}") for node in free)]


def _tree_nodes(level: StandardLevel, tree: OutlineTree, chosen: uuid.UUID | None) -> list[dict[str, Any]]:
    return [_tree_node(level, scope, chosen) for scope in tree.scopes]


def _tree_node(level: StandardLevel, node: ScopeNode, chosen: uuid.UUID | None) -> dict[str, Any]:
    weight = show_number(node.weight_percent) or "—"
    return {
        "id": str(node.row.key),
        "label": node.row.name,
        "code": node.full_code,
        "href": url_for("outlines.show", level_id=level.standard_level_id, scope=node.row.key),
        "note": _("比重 %(weight)s · %(ratio)s", weight=weight, ratio=str(node.importance_counts)),
        "current": node.row.key == chosen,
        "open": True,
        "children": [_tree_node(level, child, chosen) for child in node.scopes],
    }


@bp.get("/levels/<uuid:level_id>/check")
@requires(Permission.STANDARD_READ)
def check(level_id: uuid.UUID) -> tuple[str, int]:
    """Show what stands against publishing."""
    level, tree = services.load_level_tree(db.session(), current_actor(), level_id)
    found = remarks(services.find_readiness(db.session(), level, tree))
    n_errors = sum(1 for remark in found if remark.kind == "danger")
    return render_page("qbank/standards/check.html", CheckPage(level_head(level, "check"), found, n_errors, tree))


@bp.get("/levels/<uuid:level_id>/outline.xlsx")
@requires(Permission.STANDARD_READ)
def export(level_id: uuid.UUID) -> Response:
    """Send the outline as an Excel workbook."""
    level, tree = services.load_level_tree(db.session(), current_actor(), level_id)
    standard = level.edition.standard
    data = write_outline(tree, OutlineHead(standard.occupation_name, level.name, level.edition.label))
    name = _("细目表") + f"_{standard.code}_{level.level_code}.xlsx"
    return send_file(io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=name)


@bp.get("/outline-template/<any(classic, chapter):layout>.xlsx")
@requires(Permission.STANDARD_READ)
def template(layout: str) -> Response:
    """Send an example of the file that can be imported."""
    data = write_outline(template_tree(OutlineLayout(layout)), OutlineHead("示例职业", "示例等级", "示例版本"))
    words = _("三级鉴定范围") if layout == OutlineLayout.CLASSIC else _("章、节、单元、点")
    name = _("细目表模板") + f"_{words}.xlsx"
    return send_file(io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=name)


# --- state -----------------------------------------------------------------------------------------------------------


@bp.post("/levels/<uuid:level_id>/publish")
@requires(Permission.STANDARD_WRITE)
def publish(level_id: uuid.UUID) -> Response:
    """Publish the outline."""
    address = url_for("outlines.check", level_id=level_id)
    return act_and_return(address, _("细目表已发布"), lambda uow: services.publish_outline(uow, level_id))


@bp.post("/levels/<uuid:level_id>/withdraw")
@requires(Permission.STANDARD_WRITE)
def withdraw(level_id: uuid.UUID) -> Response:
    """Take the outline back to draft."""
    address, reason = url_for("outlines.show", level_id=level_id), form_text("reason")
    return act_and_return(
        address, _("细目表已退回草稿，可以修改"), lambda uow: services.withdraw_outline(uow, level_id, reason=reason)
    )


# --- scopes ----------------------------------------------------------------------------------------------------------


def _address(level_id: uuid.UUID, scope_id: object = None, focus: str | None = None) -> str:
    return url_for("outlines.show", level_id=level_id, scope=scope_id, focus=focus)


def _scope_data() -> services.ScopeData:
    weight = form_decimal("weight_percent", _("鉴定比重"))
    return services.ScopeData(name=form_text("name"), code=form_text("code"), weight_percent=weight)


@bp.post("/levels/<uuid:level_id>/scopes")
@requires(Permission.STANDARD_WRITE)
def create_scope(level_id: uuid.UUID) -> tuple[str, int] | Response:
    """Add a scope at the top or below the chosen one."""
    parent_id = request.form.get("parent", type=uuid.UUID)
    try:
        with unit_of_work(current_actor()) as uow:
            scope = services.create_scope(uow, level_id, _scope_data(), parent_id=parent_id)
    except InvalidInputError as exc:
        return _outline_page(level_id, parent_id, form="new_scope", errors=field_errors(exc))
    message = _("已添加鉴定范围 %(code)s", code=scope.code)
    return redirect_with_message(_address(level_id, parent_id, "new-scope"), message)


def _scope(scope_id: uuid.UUID) -> AssessmentScope:
    return repository.get_scope(db.session(), scope_id, actor=current_actor())


@bp.post("/scopes/<uuid:scope_id>")
@requires(Permission.STANDARD_WRITE)
def update_scope(scope_id: uuid.UUID) -> tuple[str, int] | Response:
    """Change a scope."""
    level_id = _scope(scope_id).standard_level_id
    try:
        with unit_of_work(current_actor()) as uow:
            services.update_scope(uow, scope_id, _scope_data(), version=form_version())
    except InvalidInputError as exc:
        return _outline_page(level_id, scope_id, form="scope", errors=field_errors(exc))
    return redirect_with_message(_address(level_id, scope_id), _("鉴定范围已保存"))


@bp.post("/scopes/<uuid:scope_id>/move")
@requires(Permission.STANDARD_WRITE)
def move_scope(scope_id: uuid.UUID) -> Response:
    """Move a scope up or down among its siblings."""
    address = _address(_scope(scope_id).standard_level_id, scope_id)
    return act_and_return(address, _("顺序已保存"), lambda uow: services.move_scope(uow, scope_id, step=_step()))


def _step() -> int:
    return -1 if form_text("direction") == "up" else 1


@bp.post("/scopes/<uuid:scope_id>/delete")
@requires(Permission.STANDARD_WRITE)
def delete_scope(scope_id: uuid.UUID) -> Response:
    """Delete a scope with everything below it."""
    scope = _scope(scope_id)
    address = _address(scope.standard_level_id, scope.parent_id)
    return act_and_return(address, _("鉴定范围已删除"), lambda uow: services.delete_scope(uow, scope_id))


@bp.post("/scopes/<uuid:scope_id>/place")
@requires(Permission.STANDARD_WRITE)
def place_scope(scope_id: uuid.UUID) -> Response:
    """Hang a scope under another one, or at the top."""
    address = _address(_scope(scope_id).standard_level_id, scope_id)
    parent_id = request.form.get("parent", type=uuid.UUID)
    return act_and_return(
        address, _("鉴定范围已移动，其中鉴定点的代码随之改变"),
        lambda uow: outline_moves.move_scope_to(uow, scope_id, parent_id),
    )  # fmt: skip


@bp.post("/levels/<uuid:level_id>/renumber")
@requires(Permission.STANDARD_WRITE)
def renumber(level_id: uuid.UUID) -> Response:
    """Number the points of one scope, or of all, without gaps."""
    scope_id = request.form.get("scope", type=uuid.UUID)
    address = _address(level_id, scope_id)
    return act_and_return(
        address, _("鉴定点已重新编号"),
        lambda uow: outline_moves.renumber_points(uow, level_id, scope_id=scope_id),
    )  # fmt: skip


# --- points ----------------------------------------------------------------------------------------------------------


def _point_data() -> services.PointData:
    importance = form_text("importance")
    return services.PointData(
        name=form_text("name"), code=form_text("code"),
        importance=Importance(importance) if importance in set(Importance) else Importance.CORE,
        score=form_decimal("score", _("分值")),
    )  # fmt: skip


@bp.post("/scopes/<uuid:scope_id>/points")
@requires(Permission.STANDARD_WRITE)
def create_point(scope_id: uuid.UUID) -> tuple[str, int] | Response:
    """Add a point to a scope."""
    level_id = _scope(scope_id).standard_level_id
    try:
        with unit_of_work(current_actor()) as uow:
            point = services.create_point(uow, scope_id, _point_data())
    except InvalidInputError as exc:
        return _outline_page(level_id, scope_id, form="new_point", errors=field_errors(exc))
    message = _("已添加鉴定点 %(code)s", code=point.full_code)
    return redirect_with_message(_address(level_id, scope_id, "new-point"), message)


def _point(point_id: uuid.UUID) -> AssessmentPoint:
    return repository.get_point(db.session(), point_id, actor=current_actor())


@bp.get("/points/<uuid:point_id>")
@requires(Permission.STANDARD_WRITE)
def edit_point(point_id: uuid.UUID) -> tuple[str, int]:
    """Show the form of a point."""
    point = _point(point_id)
    values = {
        "code": point.code, "name": point.name, "importance": point.importance.value,
        "score": show_number(point.score), "scope": str(point.assessment_scope_id), "version": str(point.version),
    }  # fmt: skip
    return _point_form(point, values, {})


def _point_form(point: AssessmentPoint, values: dict[str, str], errors: Errors) -> tuple[str, int]:
    level, tree = services.load_level_tree(db.session(), current_actor(), point.standard_level_id)
    leaves = [(str(node.row.key), f"{node.full_code} {node.row.name}") for node in tree.walk() if not node.scopes]
    back = _address(point.standard_level_id, point.assessment_scope_id)
    page = PointFormPage(level_head(level, "outline"), point, leaves, importance_options(), values, back, errors)
    return render_page("qbank/standards/point_form.html", page, status=422 if errors else 200)


@bp.post("/points/<uuid:point_id>")
@requires(Permission.STANDARD_WRITE)
def update_point(point_id: uuid.UUID) -> tuple[str, int] | Response:
    """Change a point, or move it to another scope."""
    try:
        with unit_of_work(current_actor()) as uow:
            scope_id = request.form.get("scope", type=uuid.UUID)
            point = services.update_point(uow, point_id, _point_data(), scope_id=scope_id, version=form_version())
    except InvalidInputError as exc:
        return _point_form(_point(point_id), request.form.to_dict(), field_errors(exc))
    return redirect_with_message(_address(point.standard_level_id, point.assessment_scope_id), _("鉴定点已保存"))


@bp.post("/points/<uuid:point_id>/move")
@requires(Permission.STANDARD_WRITE)
def move_point(point_id: uuid.UUID) -> Response:
    """Move a point up or down."""
    point = _point(point_id)
    address = _address(point.standard_level_id, point.assessment_scope_id)
    return act_and_return(address, _("顺序已保存"), lambda uow: services.move_point(uow, point_id, step=_step()))


@bp.post("/points/<uuid:point_id>/delete")
@requires(Permission.STANDARD_WRITE)
def delete_point(point_id: uuid.UUID) -> Response:
    """Delete a point."""
    point = _point(point_id)
    address = _address(point.standard_level_id, point.assessment_scope_id)
    return act_and_return(address, _("鉴定点已删除"), lambda uow: services.delete_point(uow, point_id))
