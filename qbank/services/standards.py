"""Standards, editions and levels."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete

from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.skill_levels import ABILITY_CODE, SkillLevel, all_levels
from kernel.uow import UnitOfWork
from qbank.models.standards import OccupationalStandard, StandardEdition, StandardLevel, WeightRow
from qbank.repository import occupations as dictionary
from qbank.repository import standards as repository
from qbank.rules.standards import (
    NATIONAL_BY_CODE,
    EditionStatus,
    OutlineLayout,
    OutlineStatus,
    StandardKind,
    level_rank,
)
from qbank.services.references import check_level_is_unused

CODE_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,39}")
LEVEL_CODE_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,11}")
STALE = N_("内容已被他人修改，请刷新页面后再改")
BAD_INPUT = N_("输入有误，请按提示修改")


@dataclass(frozen=True, slots=True)
class StandardData:
    """What a person states about a standard; `occupation_code` is empty for a post outside the dictionary."""

    code: str
    name: str
    kind: StandardKind
    occupation_code: str = ""
    occupation_name: str = ""


@dataclass(frozen=True, slots=True)
class LevelData:
    """What a person states about a level; a custom level names the national one it maps to, or none."""

    level_code: str
    name: str = ""
    maps_to: str | None = None
    layout: OutlineLayout = OutlineLayout.CLASSIC


def check_version(entity_version: int, form_version: int | None) -> None:
    """Refuse a form that was opened before somebody else's change; raises ConflictError."""
    if form_version is not None and form_version != entity_version:
        raise ConflictError(STALE)


def refuse_fields(fields: dict[str, list[str]]) -> None:
    """Raise InvalidInputError when any field has a message."""
    if fields:
        raise InvalidInputError(BAD_INPUT, fields=fields)


def create_standard(uow: UnitOfWork, data: StandardData) -> OccupationalStandard:
    """Create a standard for an occupation of the dictionary or a post of the enterprise."""
    require(uow.actor, Permission.STANDARD_WRITE)
    data = _completed(uow, data)
    _check_standard(uow, data, known=None)
    standard = OccupationalStandard(
        organisation_id=uow.actor.organisation, code=data.code, name=data.name, kind=data.kind,
        occupation_code=data.occupation_code, occupation_name=data.occupation_name, created_at=now(), editions=[],
    )  # fmt: skip
    uow.add(standard)
    uow.flush()  # the audit event names the key
    audit.record(uow, "standard.create", "standard", standard.occupational_standard_id, after={"code": data.code})
    return standard


def _completed(uow: UnitOfWork, data: StandardData) -> StandardData:
    """Take the occupation's name from the dictionary when only its code is given."""
    found = dictionary.find_occupation(uow.session, data.occupation_code) if data.occupation_code else None
    name = data.occupation_name or (found.name if found else "")
    return StandardData(data.code.strip(), data.name.strip(), data.kind, data.occupation_code.strip(), name.strip())


def _check_standard(uow: UnitOfWork, data: StandardData, *, known: OccupationalStandard | None) -> None:
    fields: dict[str, list[str]] = {}
    if not CODE_PATTERN.fullmatch(data.code):
        fields["code"] = [N_("请填写代码：字母、数字、点或横线，不超过 40 位")]
    if not 0 < len(data.name) <= 120:
        fields["name"] = [N_("请填写标准名称，不超过 120 字")]
    if not 0 < len(data.occupation_name) <= 60:
        fields["occupation_name"] = [N_("请选择职业，或填写岗位名称（不超过 60 字）")]
    if len(data.occupation_code) > 16:
        fields["occupation_code"] = [N_("职业编码不超过 16 位，例如 6-31-01-03")]
    same = repository.find_standard_by_code(uow.session, data.code, actor=uow.actor)
    if same is not None and same is not known:
        fields["code"] = [N_("代码已被另一个标准使用，请换一个")]
    refuse_fields(fields)


def update_standard(
    uow: UnitOfWork, standard_id: uuid.UUID, data: StandardData, *, version: int | None = None
) -> OccupationalStandard:
    """Change what is stated about a standard."""
    require(uow.actor, Permission.STANDARD_WRITE)
    standard = repository.get_standard(uow.session, standard_id, actor=uow.actor)
    check_version(standard.version, version)
    data = _completed(uow, data)
    _check_standard(uow, data, known=standard)
    before = {"code": standard.code, "kind": standard.kind.value, "occupation_code": standard.occupation_code}
    standard.code, standard.name, standard.kind = data.code, data.name, data.kind
    standard.occupation_code, standard.occupation_name = data.occupation_code, data.occupation_name
    after = {"code": data.code, "kind": data.kind.value, "occupation_code": data.occupation_code}
    audit.record(uow, "standard.update", "standard", standard_id, before=before, after=after)
    return standard


def delete_standard(uow: UnitOfWork, standard_id: uuid.UUID) -> None:
    """Delete a standard that has no edition."""
    require(uow.actor, Permission.STANDARD_WRITE)
    standard = repository.get_standard(uow.session, standard_id, actor=uow.actor)
    if standard.editions:
        raise ConflictError(N_("标准下还有版本，请先删除各版本"))
    uow.session.delete(standard)
    audit.record(uow, "standard.delete", "standard", standard_id, before={"code": standard.code})


def create_edition(
    uow: UnitOfWork, standard_id: uuid.UUID, *, label: str, effective_on: date | None = None
) -> StandardEdition:
    """Add an edition to a standard."""
    require(uow.actor, Permission.STANDARD_WRITE)
    standard = repository.get_standard(uow.session, standard_id, actor=uow.actor)
    label = _checked_label(standard, label, known=None)
    edition = StandardEdition(
        organisation_id=uow.actor.organisation, occupational_standard_id=standard_id, label=label,
        effective_on=effective_on, status=EditionStatus.CURRENT, created_at=now(), levels=[],
    )  # fmt: skip
    uow.add(edition)
    uow.flush()  # the audit event names the key
    audit.record(uow, "edition.create", "edition", edition.standard_edition_id, after={"label": label})
    return edition


def _checked_label(standard: OccupationalStandard, label: str, *, known: StandardEdition | None) -> str:
    label = label.strip()
    if not 0 < len(label) <= 40:
        refuse_fields({"label": [N_("请填写版本名称，例如 2025 年版，不超过 40 字")]})
    if any(edition.label == label and edition is not known for edition in standard.editions):
        refuse_fields({"label": [N_("已有同名的版本，请换一个名称")]})
    return label


def update_edition(
    uow: UnitOfWork,
    edition_id: uuid.UUID,
    *,
    label: str,
    effective_on: date | None,
    status: EditionStatus,
    version: int | None = None,
) -> StandardEdition:
    """Change an edition; a retired one is no longer offered for new work."""
    require(uow.actor, Permission.STANDARD_WRITE)
    edition = repository.get_edition(uow.session, edition_id, actor=uow.actor)
    check_version(edition.version, version)
    standard = repository.get_standard(uow.session, edition.occupational_standard_id, actor=uow.actor)
    before = {"label": edition.label, "status": edition.status.value}
    edition.label = _checked_label(standard, label, known=edition)
    edition.effective_on, edition.status = effective_on, status
    after = {"label": edition.label, "status": status.value}
    audit.record(uow, "edition.update", "edition", edition_id, before=before, after=after)
    return edition


def delete_edition(uow: UnitOfWork, edition_id: uuid.UUID) -> None:
    """Delete an edition that has no level."""
    require(uow.actor, Permission.STANDARD_WRITE)
    edition = repository.get_edition(uow.session, edition_id, actor=uow.actor)
    if edition.levels:
        raise ConflictError(N_("版本下还有等级，请先删除各等级"))
    uow.session.delete(edition)
    audit.record(uow, "edition.delete", "edition", edition_id, before={"label": edition.label})


def create_level(uow: UnitOfWork, edition_id: uuid.UUID, data: LevelData) -> StandardLevel:
    """Add a level, national or custom, with an empty outline."""
    require(uow.actor, Permission.STANDARD_WRITE)
    edition = repository.get_edition(uow.session, edition_id, actor=uow.actor)
    levels = all_levels(profiles.values(uow.session, uow.actor.organisation))
    data = _checked_level(edition, data, levels, known=None)
    level = StandardLevel(
        organisation_id=uow.actor.organisation, standard_edition_id=edition_id, level_code=data.level_code,
        name=data.name, maps_to=data.maps_to, rank=level_rank(data.level_code, data.maps_to, levels), layout=data.layout,
        status=OutlineStatus.DRAFT, created_at=now(),
    )  # fmt: skip
    level.edition = edition
    uow.add(level)
    uow.flush()  # the audit event names the key
    audit.record(uow, "level.create", "level", level.standard_level_id, after={"level_code": data.level_code})
    return level


def _checked_level(
    edition: StandardEdition, data: LevelData, levels: Mapping[str, SkillLevel], *, known: StandardLevel | None
) -> LevelData:
    code, name, maps_to = data.level_code.strip(), data.name.strip(), (data.maps_to or "").strip() or None
    name = name or (levels[code].name if code in levels else "")
    fields = _kind_problems(edition, code)
    if not LEVEL_CODE_PATTERN.fullmatch(code):
        fields["level_code"] = [N_("请填写等级代码：字母或数字，不超过 12 位")]
    if any(level.level_code == code and level is not known for level in edition.levels):
        fields["level_code"] = [N_("这个版本已有该等级")]
    if not 0 < len(name) <= 40:
        fields["name"] = [N_("请填写等级名称，不超过 40 字")]
    if maps_to is not None and maps_to not in NATIONAL_BY_CODE:
        fields["maps_to"] = [N_("请选择对应的国家等级")]
    refuse_fields(fields)
    return LevelData(code, name, None if code in {*NATIONAL_BY_CODE, ABILITY_CODE} else maps_to, data.layout)


def _kind_problems(edition: StandardEdition, code: str) -> dict[str, list[str]]:
    """Refuse levels beside the one of a special ability, and that one in a standard of an occupation."""
    is_ability = edition.standard.kind is StandardKind.SPECIAL_ABILITY
    if is_ability and code != ABILITY_CODE:
        return {"level_code": [N_("专项职业能力考核规范只有一个等级，请选择“专项职业能力”")]}
    if code == ABILITY_CODE and not is_ability:
        return {"level_code": [N_("“专项职业能力”只用于专项职业能力考核规范")]}
    return {}


def update_level(uow: UnitOfWork, level_id: uuid.UUID, data: LevelData, *, version: int | None = None) -> StandardLevel:
    """Change a level's code, name and mapping while its outline is a draft."""
    require(uow.actor, Permission.STANDARD_WRITE)
    level = repository.lock_level(uow.session, level_id, actor=uow.actor)
    check_version(level.version, version)
    require_draft(level)
    edition = repository.get_edition(uow.session, level.standard_edition_id, actor=uow.actor)
    levels = all_levels(profiles.values(uow.session, uow.actor.organisation))
    data = _checked_level(edition, data, levels, known=level)
    before = {"level_code": level.level_code, "maps_to": level.maps_to}
    level.level_code, level.name, level.maps_to = data.level_code, data.name, data.maps_to
    level.rank = level_rank(data.level_code, data.maps_to, levels)
    after = {"level_code": data.level_code, "maps_to": data.maps_to}
    audit.record(uow, "level.update", "level", level_id, before=before, after=after)
    return level


def delete_level(uow: UnitOfWork, level_id: uuid.UUID) -> None:
    """Delete a level whose outline is an empty draft."""
    require(uow.actor, Permission.STANDARD_WRITE)
    level = repository.lock_level(uow.session, level_id, actor=uow.actor)
    require_draft(level)
    check_level_is_unused(uow.session, level_id)
    if repository.list_scopes(uow.session, level):
        raise ConflictError(N_("该等级的细目表不是空的，请先删除其中的鉴定范围"))
    uow.session.execute(delete(WeightRow).where(WeightRow.standard_level_id == level_id))
    uow.session.delete(level)
    audit.record(uow, "level.delete", "level", level_id, before={"level_code": level.level_code})


def require_draft(level: StandardLevel) -> None:
    """Refuse to change a level whose outline is published; raises ConflictError."""
    if level.is_published:
        raise ConflictError(N_("细目表已发布，不能直接修改；请先退回草稿"))
