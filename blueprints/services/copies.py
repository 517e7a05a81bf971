"""Copies of a blueprint for another level, occupation or edition: the mapping of its ranges, and what does not map."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import ExamBlueprint
from blueprints.rules.edition_mapping import MappedSpec, map_spec
from blueprints.rules.scope_matching import NamedScope, match_scopes
from blueprints.services.bank import ScopeLine, scope_lines
from blueprints.services.blueprints import add_draft, checked_name, copy_blueprint, outline_weights
from kernel.clock import now, today
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank import public as qbank
from qbank.public_changes import refuse_old_edition


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What a copy for another level would be: the ranges on both sides, which stands for which, and the outcome."""

    old: list[ScopeLine]
    new: list[ScopeLine]
    scopes: dict[str, str]
    mapped: MappedSpec


def plan_copy(
    session: Session, actor: Actor, row: ExamBlueprint, level_id: uuid.UUID, chosen: Mapping[str, str] | None = None
) -> CopyPlan:
    """Return the copy of a blueprint for another level; `chosen` overrules the mapping, an empty code drops a range."""
    old, new = scope_lines(session, actor, row.standard_level_id), scope_lines(session, actor, level_id)
    used = _used(row, old)
    found = match_scopes(named_scopes(old), named_scopes(new))
    known = {line.code for line in new}
    scopes = {line.code: (chosen or {}).get(line.code, found.get(line.code, "")) for line in old}
    scopes = {code: target for code, target in scopes.items() if target in known}
    mapped = map_spec(row.spec, scopes, outline_weights(new), keep_items=False)
    return CopyPlan([line for line in old if line.code in used], new, scopes, mapped)


def _used(row: ExamBlueprint, lines: Sequence[ScopeLine]) -> set[str]:
    """Return the ranges that a blueprint names."""
    text = {str(rule["scope"]) for rule in row.spec.get("weights", ())}
    for key, name in (("cells", "scope"), ("sections", "scopes"), ("coverage", "scope")):
        for rule in row.spec.get(key) or ():
            codes = rule.get(name)
            text |= {codes} if isinstance(codes, str) else set(codes or ())
    return {line.code for line in lines if line.code in text}


def named_scopes(lines: Sequence[ScopeLine]) -> list[NamedScope]:
    """Return the scopes of an outline with what holds them; its lines stand parents first."""
    path: list[str] = []
    found = []
    for line in lines:
        del path[line.depth - 1 :]
        found.append(NamedScope(line.code, line.name, line.depth, path[-1] if path else None))
        path.append(line.code)
    return found


def copy_for_level(
    uow: UnitOfWork, blueprint_id: uuid.UUID, level_id: uuid.UUID, *, name: str = "", chosen: Mapping[str, str]
) -> tuple[ExamBlueprint, MappedSpec | None]:
    """Copy a blueprint into a draft; for another level its ranges are mapped and named items left out."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    source = repository.get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    if level_id == source.standard_level_id:
        return copy_blueprint(uow, blueprint_id, name=name), None
    refuse_old_edition(uow.session, uow.actor, level_id, on=today())
    level = qbank.get_level(uow.session, uow.actor, level_id)
    mapped = plan_copy(uow.session, uow.actor, source, level_id, chosen).mapped
    title = name or f"{level.occupation_name}{level.level_name}理论知识"
    row = ExamBlueprint(
        organisation_id=source.organisation_id, standard_level_id=level_id,
        occupation_code=level.occupation_code, occupation_name=level.occupation_name, level_code=level.level_code,
        level_name=level.level_name, name=checked_name(title), duration_minutes=source.duration_minutes,
        copied_from_id=source.exam_blueprint_id, created_by=uow.actor.user_id, created_at=now(), updated_at=now(),
    )  # fmt: skip
    return add_draft(uow, row, mapped.spec), mapped
