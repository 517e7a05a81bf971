"""Larger changes to a draft outline: a range under another parent, points numbered anew."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kernel import audit
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.standards import AssessmentPoint, AssessmentScope, StandardLevel
from qbank.repository import standards as repository
from qbank.rules.outline import MAX_DEPTH, next_code
from qbank.services.standards import require_draft


def move_scope_to(uow: UnitOfWork, scope_id: uuid.UUID, parent_id: uuid.UUID | None) -> AssessmentScope:
    """Hang a range with everything below it under another range, or at the top; it takes a free code there."""
    scope = repository.get_scope(uow.session, scope_id, actor=uow.actor)
    level = _lock_draft(uow, scope.standard_level_id)
    scopes = repository.list_scopes(uow.session, level)
    below = _subtree(scopes, scope)
    parent = next((one for one in scopes if one.assessment_scope_id == parent_id), None)
    _check_place(uow, level, below, parent, parent_id)
    siblings = [one for one in scopes if one.parent_id == parent_id and one is not scope]
    before = {"code": scope.code, "depth": scope.depth}
    step = (parent.depth + 1 if parent else 1) - scope.depth
    if any(one.code == scope.code for one in siblings):
        scope.code = next_code(level.layout, [one.code for one in siblings])
    scope.parent_id, scope.position = parent_id, max((one.position for one in siblings), default=0) + 1
    for one in below:
        one.depth += step
    _refresh_codes(uow, level)
    after = {"code": scope.code, "depth": scope.depth}
    audit.record(uow, "outline.move_scope_to", "scope", scope_id, before=before, after=after)
    return scope


def _lock_draft(uow: UnitOfWork, level_id: uuid.UUID) -> StandardLevel:
    require(uow.actor, Permission.STANDARD_WRITE)
    level = repository.lock_level(uow.session, level_id, actor=uow.actor)
    require_draft(level)
    return level


def _subtree(scopes: Sequence[AssessmentScope], scope: AssessmentScope) -> list[AssessmentScope]:
    found = [scope]
    for one in scopes:  # parents come before their children
        if one.parent_id in {known.assessment_scope_id for known in found}:
            found.append(one)
    return found


def _check_place(
    uow: UnitOfWork,
    level: StandardLevel,
    below: Sequence[AssessmentScope],
    parent: AssessmentScope | None,
    parent_id: uuid.UUID | None,
) -> None:
    if parent_id is not None and parent is None:
        raise ConflictError(N_("上级范围不属于这个等级"))
    if parent is not None and parent in below:
        raise ConflictError(N_("不能把范围移到它自己或它的下级里"))
    height = max(one.depth for one in below) - below[0].depth
    if (parent.depth if parent else 0) + 1 + height > MAX_DEPTH:
        raise ConflictError(N_("移过去之后会超过三级范围"))
    points = repository.list_points(uow.session, level)
    if parent is not None and any(p.assessment_scope_id == parent.assessment_scope_id for p in points):
        raise ConflictError(N_("该范围已有鉴定点，不能再分下级；请先把鉴定点移走"))


def renumber_points(uow: UnitOfWork, level_id: uuid.UUID, *, scope_id: uuid.UUID | None = None) -> int:
    """Number the points of a range, or of all ranges, in their order without gaps; return how many codes changed."""
    level = _lock_draft(uow, level_id)
    held: dict[uuid.UUID, list[AssessmentPoint]] = {}
    for point in repository.list_points(uow.session, level):
        if scope_id in (None, point.assessment_scope_id):
            held.setdefault(point.assessment_scope_id, []).append(point)
    n_changed = 0
    for points in held.values():
        given: list[str] = []
        for point in sorted(points, key=lambda one: (one.position, one.code)):
            given.append(next_code(level.layout, given, is_point=True))
            n_changed += point.code != given[-1]
            point.code = given[-1]
    _refresh_codes(uow, level)
    audit.record(uow, "outline.renumber", "level", level_id, after={"n_changed": n_changed})
    return n_changed


def _refresh_codes(uow: UnitOfWork, level: StandardLevel) -> None:
    """Bring full codes in line with the tree; they pass through free ones, for two points may exchange theirs."""
    uow.flush()  # the tree is read by SQL
    wanted = {point.row.key: point.full_code for point in repository.load_tree(uow.session, level).all_points()}
    points = repository.list_points(uow.session, level)
    changed = [point for point in points if point.full_code != wanted[point.assessment_point_id]]
    for point in changed:
        point.full_code = f"~{point.assessment_point_id.hex}"
    uow.flush()  # the free codes must stand before the final ones
    for point in changed:
        point.full_code = wanted[point.assessment_point_id]
