"""Bring a content outline in from a file: read and compare first, save after a person has seen the findings."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from kernel import audit
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import read_table
from kernel.uow import UnitOfWork
from qbank.models.standards import AssessmentPoint, AssessmentScope, StandardLevel
from qbank.repository import standards as repository
from qbank.rules.outline import Importance, OutlineTree, PointNode, ScopeNode
from qbank.rules.outline_layouts import ParsedOutline, parse_outline
from qbank.services.outlines import delete_rows
from qbank.services.standards import require_draft

NO_OUTLINE = N_(
    "没有找到细目表：表头应有“一级、二级、三级”鉴定范围的名称和代码，以及鉴定点的代码、名称、重要程度；"
    "或“章、节、单元”与鉴定点的代码和名称。可以先下载模板对照"
)


@dataclass(frozen=True, slots=True)
class OutlineChanges:
    """What saving a file would do to the outline that is there; points are matched by their full code."""

    n_same: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(slots=True)
class _Known:
    """Rows of the level by full code."""

    scopes: dict[str, AssessmentScope] = field(default_factory=dict)
    points: dict[str, AssessmentPoint] = field(default_factory=dict)


def read_outline_file(data: bytes, *, default_importance: Importance = Importance.CORE) -> ParsedOutline:
    """Return the outline in an Excel or CSV file with everything noteworthy; nothing is saved.

    Raises
    ------
    InvalidInputError
        If no sheet has the header of an outline, or the file cannot be read.
    """
    for sheet in read_table(data):
        if parsed := parse_outline(sheet.rows, default_importance=default_importance):
            return parsed
    raise InvalidInputError(NO_OUTLINE)


def compare_outlines(old: OutlineTree, new: OutlineTree) -> OutlineChanges:
    """Return what would be added, changed and removed."""
    before = {point.full_code: point for point in old.all_points()}
    after = {point.full_code: point for point in new.all_points()}
    shared = [code for code in after if code in before]
    changed = tuple(code for code in shared if _facts(before[code]) != _facts(after[code]))
    return OutlineChanges(
        n_same=len(shared) - len(changed),
        added=tuple(code for code in after if code not in before),
        changed=changed,
        removed=tuple(code for code in before if code not in after),
    )


def _facts(point: PointNode) -> tuple[object, ...]:
    return point.row.name, point.row.importance, point.row.score


def import_outline(uow: UnitOfWork, level_id: uuid.UUID, parsed: ParsedOutline) -> OutlineChanges:
    """Make a level's draft outline what the file says; points with the same full code keep their identity."""
    require(uow.actor, Permission.STANDARD_WRITE)
    level = repository.lock_level(uow.session, level_id, actor=uow.actor)
    require_draft(level)
    if not parsed.is_usable:
        raise ConflictError(N_("细目表文件中还有错误，请改正后重新上传"))
    old = repository.load_tree(uow.session, level)
    known = _known_rows(uow, level, old)
    changes = compare_outlines(old, parsed.tree)
    _remove_missing(uow, old, parsed.tree)
    level.layout = parsed.layout
    _save_scopes(uow, level, parsed.tree, known)
    _save_points(uow, level, parsed.tree, known)
    after = {"n_points": parsed.tree.n_points, "added": len(changes.added), "changed": len(changes.changed),
             "removed": len(changes.removed)}  # fmt: skip
    audit.record(uow, "outline.import", "level", level_id, after=after)
    return changes


def _known_rows(uow: UnitOfWork, level: StandardLevel, old: OutlineTree) -> _Known:
    scopes = {scope.assessment_scope_id: scope for scope in repository.list_scopes(uow.session, level)}
    points = {point.full_code: point for point in repository.list_points(uow.session, level)}
    return _Known({node.full_code: scopes[uuid.UUID(str(node.row.key))] for node in old.walk()}, points)


def _remove_missing(uow: UnitOfWork, old: OutlineTree, new: OutlineTree) -> None:
    """Delete what the file no longer has; a point in use stops the whole import."""
    kept_points = {point.full_code for point in new.all_points()}
    kept_scopes = {node.full_code for node in new.walk()}
    points = [uuid.UUID(str(p.row.key)) for p in old.all_points() if p.full_code not in kept_points]
    scopes = [(n.row.depth, uuid.UUID(str(n.row.key))) for n in old.walk() if n.full_code not in kept_scopes]
    delete_rows(uow, points, scopes)


def _save_scopes(uow: UnitOfWork, level: StandardLevel, tree: OutlineTree, known: _Known) -> None:
    parents: dict[str, uuid.UUID] = {}
    for position, node in enumerate(tree.walk(), start=1):
        scope = known.scopes.get(node.full_code)
        if scope is None:
            scope = known.scopes[node.full_code] = _new_scope(level, node, parents)
            uow.add(scope)
            uow.flush()  # parents must stand before their children, and points after both
        parents[str(node.row.key)] = scope.assessment_scope_id
        scope.name, scope.weight_percent, scope.position = node.row.name, node.row.weight_percent, position


def _new_scope(level: StandardLevel, node: ScopeNode, parents: dict[str, uuid.UUID]) -> AssessmentScope:
    return AssessmentScope(
        organisation_id=level.organisation_id, standard_level_id=level.standard_level_id,
        parent_id=parents[str(node.row.parent)] if node.row.parent else None, depth=node.row.depth, code=node.row.code,
        name=node.row.name, weight_percent=node.row.weight_percent, position=0,
    )  # fmt: skip


def _save_points(uow: UnitOfWork, level: StandardLevel, tree: OutlineTree, known: _Known) -> None:
    for node in tree.walk():
        for position, entry in enumerate(node.points, start=1):
            point = known.points.get(entry.full_code)
            if point is None:
                point = _new_point(level, node, entry, known)
                uow.add(point)
            row = entry.row
            point.name, point.importance, point.score, point.position = row.name, row.importance, row.score, position


def _new_point(level: StandardLevel, node: ScopeNode, entry: PointNode, known: _Known) -> AssessmentPoint:
    return AssessmentPoint(
        organisation_id=level.organisation_id, standard_level_id=level.standard_level_id,
        assessment_scope_id=known.scopes[node.full_code].assessment_scope_id, code=entry.row.code,
        full_code=entry.full_code,
    )  # fmt: skip
