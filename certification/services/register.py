"""The certificate register as a workbook: plain numbers for those who may see them, else masked."""

from __future__ import annotations

import datetime as dt

from certification.models import Certificate, CertificateState
from certification.repository import certificates as repository
from certification.repository.blanks import good_blanks
from certification.repository.certificates import CertificateFilter
from certification.services.lookup import EXPIRED, state_on
from certification.services.personal import read_number
from kernel import audit
from kernel.clock import today
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.national_id import ID_KIND_LABELS, IdKind
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import UnitOfWork

STATE_LABELS = {
    CertificateState.VALID: N_("有效"),
    CertificateState.HELD: N_("暂停使用"),
    CertificateState.SUPERSEDED: N_("已换发"),
    CertificateState.REVOKED: N_("已撤销"),
}
EXPIRED_LABEL = N_("已过有效期")
HEADER = (
    "证书编号", "姓名", "证件类型", "证件号码", "职业编码", "职业名称", "工种名称", "职业技能等级", "发证日期", "状态", "发证机构", "印制流水号", "企业等级",
)  # fmt: skip


def state_label(row: Certificate, day: dt.date) -> str:
    """Return what a certificate is worth on a day, in words to translate."""
    return EXPIRED_LABEL if state_on(row, day) == EXPIRED else STATE_LABELS[row.state]


def export_register(uow: UnitOfWork, wanted: CertificateFilter) -> bytes:
    """Return what the list shows as Excel; audited, and plain numbers only by permission."""
    require(uow.actor, Permission.CERTIFICATION_READ)
    rows, total = repository.list_certificates(uow.session, actor=uow.actor, wanted=wanted, limit=repository.MAX_EXPORT)
    if total > repository.MAX_EXPORT:
        raise InvalidInputError(N_("一次最多导出 %(limit)s 条，请缩小筛选范围"), limit=repository.MAX_EXPORT)
    is_plain = uow.actor.may(Permission.PERSONAL_DATA_REVEAL)
    good = good_blanks(uow.session, [row.certificate_id for row in rows])
    cells = [
        _cells(
            row, good[row.certificate_id].serial if row.certificate_id in good else "",
            is_plain=is_plain and row.organisation_id == uow.actor.organisation_id,
        )
        for row in rows
    ]  # fmt: skip
    audit.record(
        uow, "certificate.export", "certificate_register", str(uow.actor.organisation_id),
        after={"n_rows": len(rows), "is_plain": is_plain},
    )  # fmt: skip
    return write_table([TableSheet("证书台账", HEADER, cells)])


def _cells(row: Certificate, serial: str, *, is_plain: bool) -> list[str]:
    number = read_number(row, table="certificates", row_id=row.certificate_id) if is_plain else row.id_number_mask
    return [
        row.number, row.name, ID_KIND_LABELS[IdKind(row.id_kind)], number, row.occupation_code, row.occupation_name,
        row.trade_name, row.level_name, row.issued_on.isoformat(), state_label(row, today()), row.body_name, serial,
        row.own_level_name,
    ]  # fmt: skip
