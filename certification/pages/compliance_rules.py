"""合规规则: every check of data compliance and every early warning, with its severity here and an example."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint
from flask_babel import gettext as _

from certification.rules import keys
from certification.rules.compliance import ComplianceCheck, ComplianceSeverity, catalogue
from certification.rules.early_warning import EARLY_CHECKS
from kernel import profiles
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission

bp = Blueprint("cert_compliance_rules", __name__, url_prefix="/certification/compliance-rules")


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule in words; `is_softened` says that the rule profile makes an error a warning."""

    check: ComplianceCheck
    title: str
    example: str
    is_error: bool
    is_softened: bool


@dataclass(frozen=True, slots=True)
class ComplianceRulesPage:
    """The catalogue."""

    checks: list[RuleLine]
    warnings: list[RuleLine]


@bp.get("/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int]:
    """Show the catalogue with the severities that hold in this house."""
    softened = set(keys.items_of(str(profiles.value(db.session(), current_actor().organisation, keys.WARNING_CHECKS))))
    page = ComplianceRulesPage(
        [_line(check, softened) for check in catalogue()], [_line(check, softened) for check in EARLY_CHECKS]
    )
    return render_page("certification/compliance_rules.html", page)


def _line(check: ComplianceCheck, softened: set[str]) -> RuleLine:
    is_error = check.severity is ComplianceSeverity.ERROR
    is_softened = is_error and check.check_id in softened
    return RuleLine(check, _(check.title), _(check.example), is_error and not is_softened, is_softened)
