"""Keeping organisations and what they may see of each other."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel import audit
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity import repository
from kernel.identity.actor import require
from kernel.identity.models import Organisation, OrganisationGrant, OrganisationKind
from kernel.identity.permissions import Permission
from kernel.national_id import PROVINCES
from kernel.uow import UnitOfWork

KIND_LABELS: dict[OrganisationKind, str] = {
    OrganisationKind.SOCIAL: N_("社会培训评价组织"),
    OrganisationKind.EMPLOYER: N_("用人单位"),
    OrganisationKind.SCHOOL: N_("技工院校"),
    OrganisationKind.CENTRE: N_("鉴定指导中心"),
}
CODE_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
PREFIX_FORM = re.compile(r"[YS][0-9]{4}([0-9]{2})[0-9]{6}")
PROVINCE_CODES = {code for code in PROVINCES if code < "70"} | {"66"}


def check_organisation(code: str, name: str, certificate_prefix: str) -> None:
    """Refuse malformed data of an organisation, with one message beside each field.

    Raises
    ------
    InvalidInputError
        If code, name or the 13 positions of certificate numbers are malformed.
    """
    fields: dict[str, list[str]] = {}
    if not CODE_FORM.fullmatch(code):
        fields["code"] = [N_("机构代码须为 1–32 个字母、数字、点、横线或下划线")]
    if not 2 <= len(name) <= 200:
        fields["name"] = [N_("机构名称须为 2–200 个字")]
    if certificate_prefix and (problem := _prefix_problem(certificate_prefix)):
        fields["certificate_prefix"] = [problem]
    if fields:
        raise InvalidInputError(N_("请改正标出的内容"), fields=fields)


def _prefix_problem(prefix: str) -> str:
    match = PREFIX_FORM.fullmatch(prefix)
    if match is None:
        return N_("应为 13 位：Y 或 S 加 12 位数字（类别、部级代码、省级代码、站点序列码）")
    return "" if match[1] in PROVINCE_CODES else N_("第 6 至 7 位不是省级行政区划代码")


def update_organisation(
    uow: UnitOfWork,
    organisation_id: uuid.UUID,
    *,
    name: str,
    kind: OrganisationKind,
    certificate_prefix: str | None,
    is_active: bool,
    version: int,
) -> Organisation:
    """Change an organisation; the code stays, because files and commands name it.

    Raises
    ------
    ConflictError
        If somebody else changed it since `version` was read.
    """
    require(uow.actor, Permission.ORGANISATION_MANAGE)
    row = repository.get_organisation(uow.session, organisation_id)
    if row.version != version:
        raise ConflictError(N_("机构资料已被他人修改，请刷新后重试"))
    before = _state(row)
    row.name, row.kind, row.certificate_prefix, row.is_active = name, kind, certificate_prefix, is_active
    audit.record(uow, "organisation.update", "organisation", organisation_id, before=before, after=_state(row))
    return row


def _state(row: Organisation) -> dict[str, object]:
    return {
        "name": row.name, "kind": row.kind.value, "certificate_prefix": row.certificate_prefix,
        "is_active": row.is_active,
    }  # fmt: skip


def list_grants(session: Session, organisation_id: uuid.UUID) -> Sequence[tuple[OrganisationGrant, Organisation]]:
    """Return who may look into an organisation: the grants with the organisations that hold them."""
    query = (
        select(OrganisationGrant, Organisation)
        .join(Organisation, Organisation.organisation_id == OrganisationGrant.grantee_id)
        .where(OrganisationGrant.organisation_id == organisation_id)
        .order_by(Organisation.code)
        .limit(500)
    )
    return [(grant, grantee) for grant, grantee in session.execute(query)]


def withdraw_grant(uow: UnitOfWork, organisation_id: uuid.UUID, grant_id: uuid.UUID) -> None:
    """Take back what lets a supervising centre look into an organisation."""
    require(uow.actor, Permission.ORGANISATION_MANAGE)
    grant = uow.session.get(OrganisationGrant, grant_id)
    if grant is None or grant.organisation_id != organisation_id:
        raise NotFoundError(N_("授权不存在"))
    uow.session.delete(grant)
    before = {"grantee": str(grant.grantee_id)}
    audit.record(uow, "organisation.withdraw_grant", "organisation", organisation_id, before=before)
