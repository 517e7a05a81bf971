"""Drawing up blueprints: create from the level's defaults, change, copy; their way from there stands in `versions`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import ExamBlueprint
from blueprints.rules import profile
from blueprints.rules.specs import blueprint_of
from blueprints.rules.states import BlueprintStatus
from blueprints.services.bank import ScopeLine, scope_lines
from blueprints.services.versions import archive_blueprint as archive_blueprint
from blueprints.services.versions import note_editor
from blueprints.services.versions import publish_blueprint as publish_blueprint
from blueprints.services.versions import spec_digest as spec_digest
from kernel import audit, profiles
from kernel.clock import now, today
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank import public as qbank
from qbank.public_changes import refuse_old_edition

SCOPE_DEPTH = 2
LONGEST_NAME = 120


def default_spec(session: Session, actor: Actor, standard_level_id: uuid.UUID, *, mix: str = "") -> dict[str, Any]:
    """Return what a new blueprint of a level starts with: the profile's mix or a known one, the outline's weights."""
    level = qbank.get_level(session, actor, standard_level_id)
    values = profiles.values(session, actor.organisation)
    code = level.national_level_code or profile.FALLBACK_LEVEL
    key = profile.MIX_KEYS.get(code, profile.MIX_KEYS[profile.FALLBACK_LEVEL])
    lines = scope_lines(session, actor, standard_level_id)
    text = profile.KNOWN_MIXES[mix][1] if mix in profile.KNOWN_MIXES else str(values[key.name])
    spec = profile.default_spec(profile.parse_mix(text), outline_weights(lines), values)
    points = {line.code: line.n_points for line in lines}
    spec["max_per_point"] = max(spec["max_per_point"], profile.needed_per_point(spec, points))
    return spec


def outline_weights(scopes: Sequence[ScopeLine]) -> dict[str, Decimal]:
    """Return percent by scope at the second depth, or at the first where the second carries none."""
    for depth in (SCOPE_DEPTH, 1):
        found = [scope for scope in scopes if scope.depth == depth]
        weights = {scope.code: scope.weight_percent for scope in found if scope.weight_percent}
        if weights:
            return weights
    return {}


def create_blueprint(
    uow: UnitOfWork,
    *,
    standard_level_id: uuid.UUID,
    name: str = "",
    spec: Mapping[str, Any] | None = None,
    mix: str = "",
) -> ExamBlueprint:
    """Create a draft for a level; without `spec` it starts with the level's defaults, or with a known mix of types."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    refuse_old_edition(uow.session, uow.actor, standard_level_id, on=today())
    level = qbank.get_level(uow.session, uow.actor, standard_level_id)
    body = dict(spec) if spec is not None else default_spec(uow.session, uow.actor, standard_level_id, mix=mix)
    minutes = int(profiles.value(uow.session, uow.actor.organisation, profile.THEORY_MINUTES.name))
    row = ExamBlueprint(
        organisation_id=uow.actor.organisation, standard_level_id=standard_level_id,
        occupation_code=level.occupation_code, occupation_name=level.occupation_name, level_code=level.level_code,
        level_name=level.level_name, name=checked_name(name or f"{level.occupation_name}{level.level_name}理论知识"),
        duration_minutes=minutes, created_by=uow.actor.user_id, created_at=now(), updated_at=now(),
    )  # fmt: skip
    _put_spec(row, body)
    return _added(uow, row)


def update_blueprint(
    uow: UnitOfWork,
    blueprint_id: uuid.UUID,
    *,
    version: int,
    name: str,
    duration_minutes: int,
    spec: Mapping[str, Any],
) -> ExamBlueprint:
    """Change a draft; raises ConflictError when somebody changed it since it was opened."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    row = repository.get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    if row.version != version:
        raise ConflictError(N_("蓝图已被他人修改，请核对最新内容后再保存"))
    if row.status is not BlueprintStatus.DRAFT:
        raise IllegalTransitionError(N_("已发布的蓝图不能修改，请复制一份再改"))
    before = spec_digest(row.spec)
    row.name, row.duration_minutes, row.updated_at = checked_name(name), duration_minutes, now()
    _put_spec(row, spec)
    note_editor(uow, row)
    audit.record(
        uow, "blueprint.update", "exam_blueprint", blueprint_id,
        before={"digest": before}, after={"digest": spec_digest(row.spec)},
    )  # fmt: skip
    return row


def copy_blueprint(
    uow: UnitOfWork, blueprint_id: uuid.UUID, *, name: str = "", spec: Mapping[str, Any] | None = None
) -> ExamBlueprint:
    """Copy a blueprint into a draft of its own, with another body where `spec` is given."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    source = repository.get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    fallback = f"{source.name}（副本）"
    row = ExamBlueprint(
        organisation_id=source.organisation_id, standard_level_id=source.standard_level_id,
        occupation_code=source.occupation_code, occupation_name=source.occupation_name,
        level_code=source.level_code, level_name=source.level_name,
        name=checked_name(name or (fallback if len(fallback) <= LONGEST_NAME else source.name)),
        duration_minutes=source.duration_minutes, copied_from_id=source.exam_blueprint_id,
        created_by=uow.actor.user_id, created_at=now(), updated_at=now(),
    )  # fmt: skip
    _put_spec(row, source.spec if spec is None else spec)
    return _added(uow, row)


def add_draft(uow: UnitOfWork, row: ExamBlueprint, spec: Mapping[str, Any]) -> ExamBlueprint:
    """Add a draft that another act made, such as one for the next edition; the caller has checked the permission."""
    _put_spec(row, spec)
    return _added(uow, row)


def _put_spec(row: ExamBlueprint, spec: Mapping[str, Any]) -> None:
    blueprint = blueprint_of(spec)
    row.spec = deepcopy(dict(spec))
    row.n_items, row.total_score = blueprint.n_items, blueprint.full_score


def _added(uow: UnitOfWork, row: ExamBlueprint) -> ExamBlueprint:
    uow.add(row)
    uow.flush()  # the page that follows is addressed by the key
    audit.record(
        uow, "blueprint.create", "exam_blueprint", row.exam_blueprint_id, after={"digest": spec_digest(row.spec)}
    )  # fmt: skip
    return row


def checked_name(name: str) -> str:
    """Return a name without needless blanks; raises InvalidInputError for an empty or too long one."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        message = N_("请填写名称，最多 120 字")
        raise InvalidInputError(message, fields={"name": [message]})
    return name
