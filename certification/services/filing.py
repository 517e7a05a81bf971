"""What the organisation has filed with its authority: occupations, trades and levels."""

from __future__ import annotations

import datetime as dt
import uuid

from certification.models import FiledScope
from certification.repository import rosters as repository
from kernel import audit, profiles
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.skill_levels import ABILITY_CODE, all_levels, code_of
from kernel.uow import UnitOfWork
from qbank.public import find_occupation_info


def add_filed_scope(
    uow: UnitOfWork,
    *,
    occupation_code: str,
    trade_name: str,
    level_code: str,
    filed_on: dt.date | None,
    number: str,
    ability_name: str = "",
) -> FiledScope:
    """Add an entry of the filing: an occupation of the dictionary with a level of the scale, or a special ability by name."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    values = profiles.values(uow.session, uow.actor.organisation)
    level = code_of(level_code, values)
    fields: dict[str, list[str]] = {}
    code, name = _subject(uow, level, occupation_code.strip(), ability_name.strip(), fields)
    if not level:
        fields["level_code"] = [N_("请填写等级代码")]
    elif level not in all_levels(values):
        fields["level_code"] = [N_("没有这个等级，请填写等级序列中的代码或名称")]
    if filed_on is None:
        fields["filed_on"] = [N_("请填写备案日期")]
    if filed_on is None or fields:
        raise InvalidInputError(N_("备案信息填写有误，请按提示修改"), fields=fields)
    row = FiledScope(
        organisation_id=uow.actor.organisation, occupation_code=code, occupation_name=name,
        trade_name="" if level == ABILITY_CODE else trade_name.strip()[:100], level_code=level, filed_on=filed_on,
        filing_number=number.strip()[:80],
    )  # fmt: skip
    _refuse_double(uow, row)
    uow.add(row)
    after = {"occupation_code": row.occupation_code, "trade_name": row.trade_name, "level_code": row.level_code}
    audit.record(uow, "filing.add", "filed_scope", f"{row.occupation_code}/{row.level_code}", after=after)
    return row


def _subject(uow: UnitOfWork, level: str, code: str, ability: str, fields: dict[str, list[str]]) -> tuple[str, str]:
    """Return code and name of what is filed; a special ability without a code is filed under its name."""
    if level == ABILITY_CODE:
        if not ability:
            fields["ability_name"] = [N_("请填写专项职业能力名称，与考核规范一致")]
        return (code or ability)[:32], ability[:100]
    occupation = find_occupation_info(uow.session, code)
    if occupation is None:
        fields["occupation_code"] = [N_("职业编码不在职业目录中，请核对")]
        return "", ""
    return occupation.code, occupation.name


def _refuse_double(uow: UnitOfWork, row: FiledScope) -> None:
    wanted = (row.occupation_code, row.trade_name, row.level_code)
    for held in repository.list_filed_scopes(uow.session, row.organisation_id):
        if (held.occupation_code, held.trade_name, held.level_code) == wanted:
            raise ConflictError(N_("该职业（工种）和等级已在备案范围内"))


def remove_filed_scope(uow: UnitOfWork, filed_scope_id: uuid.UUID) -> None:
    """Take an entry out of the filing; certificates issued under it stay."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.get_filed_scope(uow.session, filed_scope_id, actor=uow.actor)
    before = {"occupation_code": row.occupation_code, "trade_name": row.trade_name, "level_code": row.level_code}
    uow.session.delete(row)
    audit.record(uow, "filing.remove", "filed_scope", f"{row.occupation_code}/{row.level_code}", before=before)
