"""What the roster of a batch will lack whoever passes, said from the day the batch is received, with where it is mended."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from certification.models import CertificationBatch
from certification.pages.wording import said
from certification.rules.batch_states import BatchState
from certification.rules.compliance import ComplianceFinding, ComplianceSeverity
from certification.services.compliance import standing_findings
from kernel import profiles
from kernel.skill_levels import all_levels

BEFORE_ROSTER = frozenset(
    {BatchState.RECEIVED, BatchState.CHECKED, BatchState.DECIDED, BatchState.PUBLICITY, BatchState.RETURNED}
)


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the roster will lack, with the way to where it is entered."""

    text: str
    label: str
    href: str


def still_missing(session: Session, batch: CertificationBatch) -> list[Missing]:
    """Return what is still to be entered before the roster can be sent; none once it was sent."""
    if batch.state not in BEFORE_ROSTER:
        return []
    names = {key: one.name for key, one in all_levels(profiles.values(session, batch.organisation_id)).items()}
    found = [one for one in standing_findings(session, batch) if one.severity is ComplianceSeverity.ERROR]
    return [_missing(batch, one, names) for one in found]


def _missing(batch: CertificationBatch, found: ComplianceFinding, levels: dict[str, str]) -> Missing:
    values = dict(found.values)
    if name := levels.get(str(values.get("level"))):
        values["level"] = str(_(name))
    text = said(found.message, values)
    if found.check_id == "O03":
        return Missing(text, str(_("去备案范围")), url_for("cert_filing.index"))
    field = "field-plan_filed_on" if found.check_id == "B04" else "field-trade_name"
    address = url_for("cert_batches.detail", batch_id=batch.certification_batch_id, _anchor=field)
    return Missing(text, str(_("填写批次信息")), address)
