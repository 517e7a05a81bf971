"""The content outline of a level: scopes and points one by one, publishing and withdrawing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import delete
from sqlalchemy.orm import Session

from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.standards import AssessmentPoint, AssessmentScope, StandardLevel
from qbank.repository import standards as repository
from qbank.rules.figures import show_number
from qbank.rules.findings import Finding, Severity
from qbank.rules.outline import MAX_DEPTH, Importance, OutlineTree, ScopeNode, next_code
from qbank.rules.readiness import check_level
from qbank.rules.standards import OutlineStatus
from qbank.services.references import check_level_is_free, check_points_are_free
from qbank.services.standards import check_version, refuse_fields, require_draft
from qbank.services.weights import weight_lines

CODE_PATTERN = re.compile(r"[A-Za-z0-9]{1,12}")
BAD_CODE = N_("代码为 1 至 12 位字母或数字")
TAKEN_CODE = N_("同一范围内已有这个代码，请换一个")
BAD_NAME = N_("请填写名称，不超过 200 字")
BAD_WEIGHT = N_("鉴定比重应为 0 到 100 的数")
BAD_SCORE = N_("分值应为 0 到 1000 的数")


@dataclass(frozen=True, slots=True)
class ScopeData:
    """What a person states about a scope; an empty code is given in sequence."""

    name: str
    code: str = ""
    weight_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PointData:
    """What a person states about a point; an empty code is given in sequence."""

    name: str
    code: str = ""
    importance: Importance = Importance.CORE
    score: Decimal | None = None


def load_level_tree(session: Session, actor: Actor, level_id: uuid.UUID) -> tuple[StandardLevel, OutlineTree]:
    """Return a level and its outline."""
    require(actor, Permission.STANDARD_READ)
    level = repository.get_level(session, level_id, actor=actor)
    return level, repository.load_tree(session, level)


def find_readiness(session: Session, level: StandardLevel, tree: OutlineTree) -> list[Finding]:
    """Return what stands against publishing a level's outline, and what wants to be read before."""
    return check_level(tree, weight_lines(session, level.standard_level_id))


def publish_outline(uow: UnitOfWork, level_id: uuid.UUID) -> StandardLevel:
    """Publish a level's outline; raises ConflictError that counts the reasons against it."""
    level = _lock_draft(uow, level_id)
    tree = repository.load_tree(uow.session, level)
    found = find_readiness(uow.session, level, tree)
    n_errors = sum(1 for finding in found if finding.severity is Severity.ERROR)
    if n_errors:
        raise ConflictError(N_("细目表还有 %(n)s 处问题，不能发布；请按“检查”中的说明逐项改正"), n=n_errors)
    level.status, level.published_at = OutlineStatus.PUBLISHED, now()
    after = {"n_points": tree.n_points, "weight_percent": show_number(tree.weight_percent)}
    audit.record(uow, "outline.publish", "level", level_id, after=after)
    return level


def withdraw_outline(uow: UnitOfWork, level_id: uuid.UUID, *, reason: str = "") -> StandardLevel:
    """Take a published outline back to draft, unless something relies on it."""
    require(uow.actor, Permission.STANDARD_WRITE)
    level = repository.lock_level(uow.session, level_id, actor=uow.actor)
    if not level.is_published:
        raise ConflictError(N_("细目表已经是草稿"))
    check_level_is_free(uow.session, level_id)
    level.status, level.published_at = OutlineStatus.DRAFT, None
    audit.record(uow, "outline.withdraw", "level", level_id, reason=reason[:300] or None)
    return level


def _lock_draft(uow: UnitOfWork, level_id: uuid.UUID) -> StandardLevel:
    require(uow.actor, Permission.STANDARD_WRITE)
    level = repository.lock_level(uow.session, level_id, actor=uow.actor)
    require_draft(level)
    return level


# --- scopes ----------------------------------------------------------------------------------------------------------


def create_scope(
    uow: UnitOfWork, level_id: uuid.UUID, data: ScopeData, *, parent_id: uuid.UUID | None = None
) -> AssessmentScope:
    """Add a scope at the end of its siblings."""
    level = _lock_draft(uow, level_id)
    parent = _checked_parent(uow, level, parent_id)
    siblings = [s for s in repository.list_scopes(uow.session, level) if s.parent_id == parent_id]
    code = data.code.strip().upper() or next_code(level.layout, [s.code for s in siblings])
    _check_scope(data, code, siblings)
    scope = AssessmentScope(
        organisation_id=uow.actor.organisation, standard_level_id=level_id, parent_id=parent_id,
        depth=parent.depth + 1 if parent else 1, code=code, name=data.name.strip(),
        weight_percent=data.weight_percent, position=_last_position(siblings) + 1,
    )  # fmt: skip
    uow.add(scope)
    uow.flush()  # the audit event names the key
    audit.record(uow, "outline.create_scope", "scope", scope.assessment_scope_id, after={"code": code})
    return scope


def _checked_parent(uow: UnitOfWork, level: StandardLevel, parent_id: uuid.UUID | None) -> AssessmentScope | None:
    if parent_id is None:
        return None
    parent = repository.get_scope(uow.session, parent_id, actor=uow.actor)
    if parent.standard_level_id != level.standard_level_id:
        raise ConflictError(N_("上级范围不属于这个等级"))
    if parent.depth >= MAX_DEPTH:
        raise ConflictError(N_("鉴定范围最多三级，请在这里添加鉴定点"))
    if any(p.assessment_scope_id == parent_id for p in repository.list_points(uow.session, level)):
        raise ConflictError(N_("该范围已有鉴定点，不能再分下级；请先把鉴定点移走"))
    return parent


def _check_scope(data: ScopeData, code: str, siblings: Sequence[AssessmentScope]) -> None:
    fields = _code_and_name_errors(code, data.name, {s.code for s in siblings})
    if data.weight_percent is not None and not 0 <= data.weight_percent <= 100:
        fields["weight_percent"] = [BAD_WEIGHT]
    refuse_fields(fields)


def _code_and_name_errors(code: str, name: str, taken: set[str]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    if not CODE_PATTERN.fullmatch(code):
        fields["code"] = [BAD_CODE]
    elif code in taken:
        fields["code"] = [TAKEN_CODE]
    if not 0 < len(name.strip()) <= 200:
        fields["name"] = [BAD_NAME]
    return fields


def _last_position(rows: Sequence[AssessmentScope] | Sequence[AssessmentPoint]) -> int:
    return max((row.position for row in rows), default=0)


def update_scope(
    uow: UnitOfWork, scope_id: uuid.UUID, data: ScopeData, *, version: int | None = None
) -> AssessmentScope:
    """Change a scope's code, name and own weight; full codes of the points below follow."""
    scope = repository.get_scope(uow.session, scope_id, actor=uow.actor)
    level = _lock_draft(uow, scope.standard_level_id)
    check_version(scope.version, version)
    siblings = [s for s in _siblings(uow, level, scope) if s is not scope]
    code = data.code.strip().upper() or scope.code
    _check_scope(data, code, siblings)
    before = {"code": scope.code, "weight_percent": show_number(scope.weight_percent)}
    scope.code, scope.name, scope.weight_percent = code, data.name.strip(), data.weight_percent
    after = {"code": code, "weight_percent": show_number(data.weight_percent)}
    audit.record(uow, "outline.update_scope", "scope", scope_id, before=before, after=after)
    _refresh_codes(uow, level)
    return scope


def _siblings(uow: UnitOfWork, level: StandardLevel, scope: AssessmentScope) -> list[AssessmentScope]:
    return [s for s in repository.list_scopes(uow.session, level) if s.parent_id == scope.parent_id]


def _refresh_codes(uow: UnitOfWork, level: StandardLevel) -> None:
    """Bring the full codes of all points in line with the tree."""
    uow.flush()  # the tree is read by SQL
    wanted = {point.row.key: point.full_code for point in repository.load_tree(uow.session, level).all_points()}
    for point in repository.list_points(uow.session, level):
        if point.full_code != wanted[point.assessment_point_id]:
            point.full_code = wanted[point.assessment_point_id]


def move_scope(uow: UnitOfWork, scope_id: uuid.UUID, *, step: int) -> None:
    """Move a scope among its siblings: step -1 up, 1 down; codes stay."""
    scope = repository.get_scope(uow.session, scope_id, actor=uow.actor)
    level = _lock_draft(uow, scope.standard_level_id)
    _shift(_siblings(uow, level, scope), scope, step)
    audit.record(uow, "outline.move_scope", "scope", scope_id, after={"step": step})


def _shift(
    rows: Sequence[AssessmentScope] | Sequence[AssessmentPoint], row: AssessmentScope | AssessmentPoint, step: int
) -> None:
    ordered: list[AssessmentScope | AssessmentPoint] = sorted(rows, key=lambda r: (r.position, r.code))
    index = ordered.index(row)
    target = min(max(index + step, 0), len(ordered) - 1)
    ordered.insert(target, ordered.pop(index))
    for position, entry in enumerate(ordered, start=1):
        if entry.position != position:
            entry.position = position


def delete_scope(uow: UnitOfWork, scope_id: uuid.UUID) -> int:
    """Delete a scope with everything below it; return the number of points that went."""
    scope = repository.get_scope(uow.session, scope_id, actor=uow.actor)
    level = _lock_draft(uow, scope.standard_level_id)
    node = find_scope_node(repository.load_tree(uow.session, level), scope_id)
    point_ids = [uuid.UUID(str(point.row.key)) for point in node.all_points()] if node else []
    scope_ids = [(n.row.depth, uuid.UUID(str(n.row.key))) for n in node.walk()] if node else []
    delete_rows(uow, point_ids, scope_ids)
    after = {"n_points": len(point_ids), "n_scopes": len(scope_ids)}
    audit.record(uow, "outline.delete_scope", "scope", scope_id, before={"code": scope.code}, after=after)
    return len(point_ids)


def delete_rows(uow: UnitOfWork, point_ids: list[uuid.UUID], scopes: list[tuple[int, uuid.UUID]]) -> None:
    """Delete points and scopes (given with their depth), deepest first; refused when something relies on a point."""
    check_points_are_free(uow.session, point_ids)
    if point_ids:
        uow.session.execute(delete(AssessmentPoint).where(AssessmentPoint.assessment_point_id.in_(point_ids)))
    for depth in sorted({depth for depth, _ in scopes}, reverse=True):
        ids = [scope_id for d, scope_id in scopes if d == depth]
        uow.session.execute(delete(AssessmentScope).where(AssessmentScope.assessment_scope_id.in_(ids)))


def find_scope_node(tree: OutlineTree, scope_id: uuid.UUID | None) -> ScopeNode | None:
    """Return the scope of a tree with this id, if any."""
    return next((node for node in tree.walk() if node.row.key == scope_id), None)


# --- points ----------------------------------------------------------------------------------------------------------


def create_point(uow: UnitOfWork, scope_id: uuid.UUID, data: PointData) -> AssessmentPoint:
    """Add a point at the end of a scope that has no scopes below."""
    scope = repository.get_scope(uow.session, scope_id, actor=uow.actor)
    level = _lock_draft(uow, scope.standard_level_id)
    _require_leaf(uow, level, scope)
    siblings = _points_of(uow, level, scope_id)
    code = data.code.strip().upper() or next_code(level.layout, [p.code for p in siblings], is_point=True)
    _check_point(data, code, siblings)
    point = AssessmentPoint(
        organisation_id=uow.actor.organisation, standard_level_id=level.standard_level_id,
        assessment_scope_id=scope_id, code=code, name=data.name.strip(), importance=data.importance, score=data.score,
        full_code="", position=_last_position(siblings) + 1,
    )  # fmt: skip
    uow.add(point)
    _refresh_codes(uow, level)
    audit.record(uow, "outline.create_point", "point", point.assessment_point_id, after={"code": point.full_code})
    return point


def _require_leaf(uow: UnitOfWork, level: StandardLevel, scope: AssessmentScope) -> None:
    if any(s.parent_id == scope.assessment_scope_id for s in repository.list_scopes(uow.session, level)):
        raise ConflictError(N_("该范围还有下级范围，请把鉴定点加在最末级"))


def _points_of(uow: UnitOfWork, level: StandardLevel, scope_id: uuid.UUID) -> list[AssessmentPoint]:
    return [p for p in repository.list_points(uow.session, level) if p.assessment_scope_id == scope_id]


def _check_point(data: PointData, code: str, siblings: Sequence[AssessmentPoint]) -> None:
    fields = _code_and_name_errors(code, data.name, {p.code for p in siblings})
    if data.score is not None and not 0 <= data.score <= 1000:
        fields["score"] = [BAD_SCORE]
    refuse_fields(fields)


def update_point(
    uow: UnitOfWork,
    point_id: uuid.UUID,
    data: PointData,
    *,
    scope_id: uuid.UUID | None = None,
    version: int | None = None,
) -> AssessmentPoint:
    """Change a point, and move it to another scope when one is given."""
    point = repository.get_point(uow.session, point_id, actor=uow.actor)
    level = _lock_draft(uow, point.standard_level_id)
    check_version(point.version, version)
    target = repository.get_scope(uow.session, scope_id or point.assessment_scope_id, actor=uow.actor)
    if target.standard_level_id != level.standard_level_id:
        raise ConflictError(N_("目标范围不属于这个等级"))
    _require_leaf(uow, level, target)
    siblings = [p for p in _points_of(uow, level, target.assessment_scope_id) if p is not point]
    code = data.code.strip().upper() or point.code
    _check_point(data, code, siblings)
    before = {"code": point.full_code, "importance": point.importance.value}
    if target.assessment_scope_id != point.assessment_scope_id:
        point.assessment_scope_id, point.position = target.assessment_scope_id, _last_position(siblings) + 1
    point.code, point.name, point.importance, point.score = code, data.name.strip(), data.importance, data.score
    _refresh_codes(uow, level)
    after = {"code": point.full_code, "importance": point.importance.value}
    audit.record(uow, "outline.update_point", "point", point_id, before=before, after=after)
    return point


def move_point(uow: UnitOfWork, point_id: uuid.UUID, *, step: int) -> AssessmentPoint:
    """Move a point inside its scope: step -1 up, 1 down; codes stay."""
    point = repository.get_point(uow.session, point_id, actor=uow.actor)
    level = _lock_draft(uow, point.standard_level_id)
    _shift(_points_of(uow, level, point.assessment_scope_id), point, step)
    audit.record(uow, "outline.move_point", "point", point_id, after={"step": step})
    return point


def delete_point(uow: UnitOfWork, point_id: uuid.UUID) -> uuid.UUID:
    """Delete a point that nothing relies on; return its scope."""
    point = repository.get_point(uow.session, point_id, actor=uow.actor)
    _lock_draft(uow, point.standard_level_id)
    scope_id, code = point.assessment_scope_id, point.full_code
    delete_rows(uow, [point_id], [])
    audit.record(uow, "outline.delete_point", "point", point_id, before={"code": code})
    return scope_id
