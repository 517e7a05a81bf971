"""Applications for the levels above 高级技师: filled in, with materials, held against the conditions and the quota."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from certification.models import SeniorApplication, SeniorEvent, SeniorMaterial
from certification.repository import seniors as repository
from certification.rules import seniors as rules
from certification.rules.seniors import Applicant, SeniorAct, SeniorState, Shortfall
from certification.services.materials import UploadedMaterial, material_fields, read_material
from certification.services.personal import number_fields
from kernel import audit, profiles
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.national_id import IdKind, check_id_number
from kernel.skill_levels import all_levels, scale
from kernel.uow import UnitOfWork
from qbank.public import find_occupation_info

TABLE, MATERIALS = "senior_applications", "senior_materials"
MAX_MATERIALS = 40
MEND = N_("申报填写有误，请按提示修改")


@dataclass(frozen=True, slots=True)
class SeniorData:
    """What is filled in for an applicant; an empty `id_number` leaves the number as it is."""

    level_code: str
    occupation_code: str
    trade_name: str
    name: str
    id_number: str
    phone: str
    employer: str
    position: str
    current_level: str
    current_since: dt.date | None
    current_certificate: str
    years_in_occupation: str
    joined_on: dt.date | None
    achievements: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What an applicant does not meet, and the places of the quota (no limit: None)."""

    shortfalls: tuple[Shortfall, ...]
    quota: int | None
    n_taken: int

    @property
    def is_full(self) -> bool:
        """Whether the employer has no place left."""
        return self.quota is not None and self.n_taken >= self.quota

    @property
    def is_eligible(self) -> bool:
        """Whether the application may go to the panel."""
        return not self.shortfalls and not self.is_full


def note(
    uow: UnitOfWork, row: SeniorApplication, act: SeniorAct, facts: Mapping[str, Any] | None = None, reason: str = ""
) -> None:
    """Keep an act in the application's history and in the audit."""
    uow.add(
        SeniorEvent(
            organisation_id=row.organisation_id, senior_application_id=row.senior_application_id, act=act,
            facts=dict(facts or {}), reason=reason.strip()[:300], actor_name=uow.actor.name[:100], at=now(),
        )
    )  # fmt: skip
    audit.record(
        uow, f"senior.{act.value}", "senior_application", row.senior_application_id,
        after={"number": row.number, "state": row.state.value}, reason=reason.strip()[:300] or None,
    )  # fmt: skip


def move(row: SeniorApplication, new: SeniorState) -> None:
    """Take a step that the state machine has."""
    if new not in rules.STEPS.get(row.state, frozenset()):
        raise IllegalTransitionError(
            N_("申报现在是“%(current)s”，不能直接变为“%(new)s”"),
            current=rules.STATE_LABELS[row.state], new=rules.STATE_LABELS[new],
        )  # fmt: skip
    row.state = new


# --- filling in ------------------------------------------------------------------------------------------------------


def create(uow: UnitOfWork, data: SeniorData) -> SeniorApplication:
    """Begin an application; raises InvalidInputError with what to mend, by field."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    columns = _checked(uow, data, needs_number=True)
    key, year = new_id(), today().year
    prefix = f"TJ{year}-"
    n_before = repository.count_numbers(uow.session, uow.actor.organisation, prefix)
    row = SeniorApplication(
        senior_application_id=key, organisation_id=uow.actor.organisation, number=f"{prefix}{n_before + 1:04d}",
        state=SeniorState.DRAFT, created_by=uow.actor.name[:100], created_at=now(), publicity_is_certain=True,
        **columns, **_person_fields(data.id_number, key),
    )  # fmt: skip
    _refuse_double(uow, row)
    uow.add(row)
    uow.flush()  # the history names it
    note(uow, row, SeniorAct.CREATED)
    return row


def update(uow: UnitOfWork, key: uuid.UUID, data: SeniorData, *, version: int | None = None) -> SeniorApplication:
    """Mend an application that is still being filled in."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = _draft(uow, key)
    if version is not None and version != row.version:
        raise ConflictError(N_("数据已被他人修改或已存在，请刷新后重试"))
    columns = _checked(uow, data, needs_number=False)
    if data.id_number.strip():
        columns |= _person_fields(data.id_number, key)
    changed = sorted(name for name, value in columns.items() if getattr(row, name) != value)
    for name in changed:
        setattr(row, name, columns[name])
    _refuse_double(uow, row)
    note(uow, row, SeniorAct.CHANGED, {"fields": [name for name in changed if not name.startswith("id_number")]})
    return row


def _draft(uow: UnitOfWork, key: uuid.UUID) -> SeniorApplication:
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    if row.state is not SeniorState.DRAFT:
        raise ConflictError(N_("申报已送评审，内容不能再改"))
    return row


def _refuse_double(uow: UnitOfWork, row: SeniorApplication) -> None:
    other = repository.find_open_of_person(
        uow.session, row.organisation_id, row.id_number_index, row.level_code, other_than=row.senior_application_id
    )
    if other is not None:
        raise ConflictError(N_("此人已有同一等级的申报或聘任：%(number)s"), number=other.number)


def _person_fields(number: str, key: uuid.UUID) -> dict[str, Any]:
    checked = check_id_number(IdKind.RESIDENT_ID, number, today=today())
    fields = number_fields(IdKind.RESIDENT_ID.value, number, table=TABLE, row_id=key)
    return {**fields, "sex": checked.sex.value if checked.sex else "", "birth_date": checked.birth_date}


def _checked(uow: UnitOfWork, data: SeniorData, *, needs_number: bool) -> dict[str, Any]:
    values = profiles.values(uow.session, uow.actor.organisation)
    levels = all_levels(values)
    fields = _missing(data)
    if data.level_code not in rules.senior_codes(values) or data.level_code not in levels:
        fields["level_code"] = [N_("请选择申报的等级")]
    if data.current_level not in {level.code for level in scale(values)}:
        fields["current_level"] = [N_("请选择现有的等级")]
    occupation = find_occupation_info(uow.session, data.occupation_code.strip())
    if occupation is None:
        fields["occupation_code"] = [N_("职业编码不在职业目录中，请核对")]
    if needs_number or data.id_number.strip():
        errors = check_id_number(IdKind.RESIDENT_ID, data.id_number, today=today()).errors
        if errors:
            fields["id_number"] = list(errors)
    if fields or occupation is None:
        raise InvalidInputError(MEND, fields=fields)
    return {
        "level_code": data.level_code, "level_name": levels[data.level_code].name, "occupation_code": occupation.code,
        "occupation_name": occupation.name, "trade_name": data.trade_name.strip()[:100],
        "name": data.name.strip()[:100], "phone": data.phone.strip()[:32], "employer": data.employer.strip()[:200],
        "position": data.position.strip()[:100], "current_level": data.current_level,
        "current_since": data.current_since, "current_certificate": data.current_certificate.strip()[:40],
        "years_in_occupation": int(data.years_in_occupation), "joined_on": data.joined_on,
        "achievements": data.achievements.strip()[:4000],
    }  # fmt: skip


def _missing(data: SeniorData) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, message in (
        ("name", N_("请填写姓名")), ("employer", N_("请填写所在单位")), ("achievements", N_("请填写主要业绩")),
    ):  # fmt: skip
        if not getattr(data, name).strip():
            fields[name] = [message]
    if data.current_since is None:
        fields["current_since"] = [N_("请填写取得现等级的日期")]
    elif data.current_since > today():
        fields["current_since"] = [N_("取得现等级的日期不能晚于今天")]
    text = data.years_in_occupation.strip()
    if not (text.isascii() and text.isdecimal() and int(text) <= 70):
        fields["years_in_occupation"] = [N_("请填写从事本职业的整年数")]
    return fields


# --- materials -------------------------------------------------------------------------------------------------------


def add_material(uow: UnitOfWork, key: uuid.UUID, *, title: str, file: UploadedMaterial | None) -> SeniorMaterial:
    """Add a file to an application that is still being filled in."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = _draft(uow, key)
    fields: dict[str, list[str]] = {}
    if not title.strip():
        fields["title"] = [N_("请填写材料名称")]
    if file is None:
        fields["file"] = [N_("请选择要上传的文件")]
    if len(repository.list_materials(uow.session, key)) >= MAX_MATERIALS:
        fields["file"] = [N_("一份申报最多 40 份材料，请合并后再上传")]
    if fields or file is None:
        raise InvalidInputError(MEND, fields=fields)
    material_id = new_id()
    material = SeniorMaterial(
        senior_material_id=material_id, organisation_id=row.organisation_id, senior_application_id=key,
        title=title.strip()[:200], added_by=uow.actor.name[:100], added_at=now(),
        **material_fields(file, table=MATERIALS, row_id=material_id),
    )  # fmt: skip
    uow.add(material)
    uow.flush()  # the audit names it
    audit.record(uow, "senior.material", "senior_material", material_id, after={"digest": material.file_digest})
    return material


def remove_material(uow: UnitOfWork, material_id: uuid.UUID) -> uuid.UUID:
    """Take a file out of an application that is still being filled in, and return the application's key."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    material = repository.get_material(uow.session, material_id)
    key = material.senior_application_id
    _draft(uow, key)
    uow.session.delete(material)
    audit.record(
        uow, "senior.material_removed", "senior_material", material_id, before={"digest": material.file_digest}
    )
    return key


def read_application_material(uow: UnitOfWork, material_id: uuid.UUID) -> tuple[str, bytes, str]:
    """Return name, content and media type of a material, for officers and for members of the panel; audited."""
    material = repository.get_material(uow.session, material_id)
    readable(uow.session, uow.actor, material.senior_application_id)
    audit.record(uow, "senior.material_read", "senior_material", material_id)
    return read_material(material, table=MATERIALS, row_id=material_id)


def readable(session: Session, actor: Actor, key: uuid.UUID) -> SeniorApplication:
    """Return an application for those who may read the ledger, and for the members of its panel."""
    if actor.may(Permission.CERTIFICATION_READ):
        return repository.get_application(session, key, actor=actor)
    require(actor, Permission.SKILL_SCORE_WRITE)
    member = repository.find_member(session, key, actor=actor)
    row = session.get(SeniorApplication, key)
    if member is None or row is None or row.state is SeniorState.DRAFT:
        raise NotFoundError(repository.MISSING)
    return row


# --- eligibility -----------------------------------------------------------------------------------------------------


def eligibility(session: Session, row: SeniorApplication) -> Eligibility:
    """Return what an applicant does not meet today, line by line, and the places of the quota."""
    values = profiles.values(session, row.organisation_id)
    applicant = Applicant(
        current_level=row.current_level, held_since=row.current_since, years_in_occupation=row.years_in_occupation,
        joined_on=row.joined_on, birth_date=row.birth_date,
        n_materials=len(repository.list_materials(session, row.senior_application_id)), today=today(),
    )  # fmt: skip
    conditions = rules.parse_conditions(str(values[rules.CONDITIONS]), values)
    found = rules.shortfalls(conditions, row.level_code, applicant, values)
    quota = rules.quota_of(values, row.level_code)
    return Eligibility(tuple(found), quota, repository.count_places(session, row))


def submit(uow: UnitOfWork, key: uuid.UUID) -> SeniorApplication:
    """Send an application to the panel.

    Raises
    ------
    InvalidInputError
        If a condition is not met or the employer has no place left; the message names the first, `fields` every line.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    move(row, SeniorState.REVIEW)
    _require_eligible(eligibility(uow.session, row))
    conditions = profiles.value(uow.session, row.organisation_id, rules.CONDITIONS)
    note(uow, row, SeniorAct.SUBMITTED, {"conditions": conditions, "held_since": row.current_since.isoformat()})
    return row


def _require_eligible(found: Eligibility) -> None:
    if found.shortfalls:
        lines = [one.text for one in found.shortfalls]
        raise InvalidInputError(N_("不符合申报条件：%(lines)s"), lines="；".join(lines))
    if found.is_full:
        message = N_("该单位这个等级的名额 %(quota)s 人已满（已占 %(taken)s 人）")
        raise InvalidInputError(message, quota=found.quota, taken=found.n_taken)


def withdraw(uow: UnitOfWork, key: uuid.UUID, *, reason: str) -> SeniorApplication:
    """Take an application back before anybody is appointed."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    require_reason(reason)
    move(row, SeniorState.WITHDRAWN)
    note(uow, row, SeniorAct.WITHDRAWN, reason=reason)
    return row


def require_reason(reason: str) -> None:
    """Refuse an act without a reason."""
    if not reason.strip():
        raise InvalidInputError(N_("请写明原因"), fields={"reason": [N_("请写明原因")]})
