"""What the organisation has filed with its authority: occupations, trades and levels."""

from __future__ import annotations

import datetime as dt
import uuid

from certification.models import FiledScope
from certification.repository import rosters as repository
from kernel import audit
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.public import find_occupation_info


def add_filed_scope(
    uow: UnitOfWork, *, occupation_code: str, trade_name: str, level_code: str, filed_on: dt.date | None, number: str
) -> FiledScope:
    """Add an entry of the filing; the occupation must stand in the dictionary."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    occupation = find_occupation_info(uow.session, occupation_code.strip())
    fields: dict[str, list[str]] = {}
    if occupation is None:
        fields["occupation_code"] = [N_("职业编码不在职业目录中，请核对")]
    if not level_code.strip():
        fields["level_code"] = [N_("请填写等级代码")]
    if filed_on is None:
        fields["filed_on"] = [N_("请填写备案日期")]
    if occupation is None or filed_on is None or fields:
        raise InvalidInputError(N_("备案信息填写有误，请按提示修改"), fields=fields)
    row = FiledScope(
        organisation_id=uow.actor.organisation, occupation_code=occupation.code, occupation_name=occupation.name,
        trade_name=trade_name.strip()[:100], level_code=level_code.strip()[:32], filed_on=filed_on,
        filing_number=number.strip()[:80],
    )  # fmt: skip
    _refuse_double(uow, row)
    uow.add(row)
    after = {"occupation_code": row.occupation_code, "trade_name": row.trade_name, "level_code": row.level_code}
    audit.record(uow, "filing.add", "filed_scope", f"{row.occupation_code}/{row.level_code}", after=after)
    return row


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
