"""An enterprise's own levels: entered with the filed document, ended, and applied to what is on its way to certificates."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, EnterpriseLevel
from certification.repository import enterprise_levels as repository
from certification.repository import rosters as roster_repository
from certification.rules.enterprise_levels import FiledLevel, LevelMapping, find_mapping, mapping_problems
from certification.services.materials import UploadedMaterial, material_fields, read_material
from kernel import audit, profiles
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.models import OrganisationKind
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.skill_levels import all_levels
from kernel.uow import UnitOfWork

TABLE = "enterprise_levels"
NOT_AN_ENTERPRISE = N_("只有用人单位可以自设等级；社会培训评价组织和院校按国家等级认定")
MEND = N_("企业等级填写有误，请按提示修改")


@dataclass(frozen=True, slots=True)
class LevelEntry:
    """What a person states about an own level."""

    code: str
    name: str
    maps_to: str
    occupation_code: str
    valid_from: dt.date | None
    valid_until: dt.date | None
    filed_on: dt.date | None
    filing_number: str


def may_define(session: Session, organisation_id: uuid.UUID) -> bool:
    """Say whether an organisation is one that may set levels of its own."""
    return get_organisation(session, organisation_id).kind is OrganisationKind.EMPLOYER


def mapping_of(row: EnterpriseLevel) -> LevelMapping:
    """Return a row in the rules' shape."""
    return LevelMapping(row.code, row.name, row.maps_to, row.occupation_code, row.valid_from, row.valid_until)


def add_level(uow: UnitOfWork, entry: LevelEntry, file: UploadedMaterial | None) -> EnterpriseLevel:
    """Enter an own level with its mapping and the filed document; batches that wait for it are given the national level.

    Raises
    ------
    ConflictError
        If the organisation is no enterprise.
    InvalidInputError
        With what to mend, by field.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    organisation_id = uow.actor.organisation
    if not may_define(uow.session, organisation_id):
        raise ConflictError(NOT_AN_ENTERPRISE)
    mapping, filed_on, kept = _checked(uow, entry, file)
    key = new_id()
    row = EnterpriseLevel(
        enterprise_level_id=key, organisation_id=organisation_id, code=mapping.code, name=mapping.name,
        maps_to=mapping.maps_to, occupation_code=mapping.occupation_code, valid_from=mapping.valid_from,
        valid_until=mapping.valid_until, filed_on=filed_on, filing_number=entry.filing_number.strip()[:80],
        made_by=uow.actor.name[:100], made_at=now(), **material_fields(kept, table=TABLE, row_id=key),
    )  # fmt: skip
    uow.add(row)
    uow.flush()  # the audit names it, and waiting batches find it
    waiting = [b for b in repository.open_batches_at(uow.session, organisation_id, row.code) if apply(uow.session, b)]
    after = {
        "code": row.code,
        "maps_to": row.maps_to,
        "valid_from": row.valid_from.isoformat(),
        "n_batches": len(waiting),
    }
    audit.record(uow, "enterprise_level.add", "enterprise_level", key, after=after)
    return row


def _checked(
    uow: UnitOfWork, entry: LevelEntry, file: UploadedMaterial | None
) -> tuple[LevelMapping, dt.date, UploadedMaterial]:
    organisation_id = uow.actor.organisation
    mapping = LevelMapping(
        entry.code.strip(), entry.name.strip()[:60], entry.maps_to, entry.occupation_code.strip()[:32],
        entry.valid_from or today(), entry.valid_until,
    )  # fmt: skip
    existing = [mapping_of(row) for row in repository.list_levels(uow.session, organisation_id)]
    rows = roster_repository.list_filed_scopes(uow.session, organisation_id)
    filed = [FiledLevel(row.occupation_code, row.level_code) for row in rows]
    fields = mapping_problems(mapping, existing, filed, all_levels(profiles.values(uow.session, organisation_id)))
    if entry.valid_from is None:
        fields["valid_from"] = [N_("请填写开始日期")]
    if entry.filed_on is None:
        fields["filed_on"] = [N_("请填写备案日期")]
    if not entry.filing_number.strip():
        fields["filing_number"] = [N_("请填写备案文号")]
    if file is None:
        fields["file"] = [N_("请上传备案文件")]
    if fields or entry.filed_on is None or file is None:
        raise InvalidInputError(MEND, fields=fields)
    return mapping, entry.filed_on, file


def end_level(uow: UnitOfWork, level_id: uuid.UUID, *, until: dt.date | None) -> EnterpriseLevel:
    """Let an own level end with a day; what was certified under it stays as it is."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_level(uow.session, level_id, actor=uow.actor)
    message = ""
    if until is None:
        message = N_("请填写结束日期")
    elif until < row.valid_from:
        message = N_("结束日期不能早于开始日期")
    elif row.valid_until is not None and until > row.valid_until:
        message = N_("结束日期只能提前；要延长请另行登记")
    if until is None or message:
        raise InvalidInputError(message, fields={"until": [message]})
    before, row.valid_until = row.valid_until, until
    audit.record(
        uow, "enterprise_level.end", "enterprise_level", level_id,
        before={"valid_until": str(before or "")}, after={"valid_until": until.isoformat()},
    )  # fmt: skip
    return row


def document(session: Session, actor: Actor, level_id: uuid.UUID) -> tuple[str, bytes, str]:
    """Return name, content and media type of the filed document."""
    require(actor, Permission.CERTIFICATION_READ)
    row = repository.get_with_file(session, level_id, actor=actor)
    return read_material(row, table=TABLE, row_id=level_id)


# --- applying --------------------------------------------------------------------------------------------------------


def mapping_on(
    session: Session, organisation_id: uuid.UUID, code: str, occupation_code: str, on: dt.date
) -> LevelMapping | None:
    """Return what an own level of an enterprise maps to on a day."""
    rows: Sequence[EnterpriseLevel] = repository.list_levels(session, organisation_id)
    return find_mapping([mapping_of(row) for row in rows], code, occupation_code, on)


def apply(session: Session, batch: CertificationBatch) -> bool:
    """Give a batch of an own level the national one, keeping the own beside it; say whether there is a mapping."""
    if batch.own_level_code:
        return False
    found = mapping_on(session, batch.organisation_id, batch.level_code, batch.occupation_code, today())
    if found is None:
        return False
    levels = all_levels(profiles.values(session, batch.organisation_id))
    batch.own_level_code, batch.own_level_name = batch.level_code, found.name
    batch.level_code = found.maps_to
    batch.level_name = levels[found.maps_to].name if found.maps_to in levels else found.maps_to
    return True


def certified_level(session: Session, organisation_id: uuid.UUID, code: str) -> str:
    """Return the level that certificates of an own level carry today; a level of the scale stays as it is."""
    found = mapping_on(session, organisation_id, code, "", today())
    return found.maps_to if found else code
