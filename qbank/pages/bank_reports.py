"""The report on a bank (题库评估), putting it into use, and the list of banks for filing (题库目录清单)."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.canonical import digest
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.http import MenuEntry, Todo, current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import ROLE_LABELS, ROLE_PERMISSIONS, Permission
from kernel.identity.repository import get_organisation, user_names
from kernel.uow import UnitOfWork, unit_of_work
from qbank.documents.bank_list import BankLine, list_pdf, list_xlsx
from qbank.documents.bank_report import DIFFICULTY_NAMES, ReportHead, report_pdf, report_xlsx
from qbank.models.approvals import BankApproval
from qbank.models.standards import StandardLevel
from qbank.pages.item_wording import Options, type_label, type_options, uuid_or_none
from qbank.pages.outlines import XLSX, LevelHead, level_head
from qbank.pages.wording import form_text, form_version, refusal, said
from qbank.repository import bank as repository
from qbank.repository import standards
from qbank.rules.bank_approval import APPROVAL_KINDS, APPROVAL_LABELS
from qbank.rules.bank_report import AGE_BOUNDS, BankReport, PointLine
from qbank.services import bank_report as services
from qbank.services.bank_report import APPROVE, LevelReport
from qbank.services.dependants import Capacity, list_blueprints

bp = Blueprint("bank_reports", __name__, url_prefix="/bank-reports")
MENU = (
    MenuEntry(N_("标准与题库"), N_("题库评估"), "bank_reports.index", (Permission.STANDARD_READ,), icon="chart", order=50),
)  # fmt: skip
PDF = "application/pdf"
SHOWN_POINTS = 100


@dataclass(frozen=True, slots=True)
class BankRow:
    """The bank of one level as a row of the list."""

    level: StandardLevel
    n_points: int
    n_items: int
    n_in_use: int
    state: tuple[str, str]


@dataclass(frozen=True, slots=True)
class BankListPage:
    """All levels of the organisation with their banks."""

    rows: list[BankRow]


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    """A proposal as the page shows it."""

    approval: BankApproval
    state: tuple[str, str]
    proposer: str
    decider: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class BankReportPage:
    """One report with its charts, the approvals, and what can be done."""

    head: LevelHead
    found: LevelReport
    report: BankReport
    digest: str
    state: tuple[str, str]
    types: list[dict[str, Any]]
    difficulties: list[dict[str, Any]]
    ages: list[dict[str, Any]]
    coverage: list[dict[str, Any]]
    type_names: dict[str, str]
    thin: Sequence[PointLine]
    n_thin: int
    blueprints: Options
    blueprint: str
    capacity: Capacity | None
    limits: list[str]
    approvals: list[ApprovalLine]
    may_propose: bool
    may_approve: bool
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def proposers(self) -> str:
        """The roles that may ask to put a bank into use."""
        return _roles(services.PROPOSE)

    @property
    def approvers(self) -> str:
        """The roles that may approve it as the second person."""
        return _roles(*APPROVE)


def _roles(*permissions: Permission) -> str:
    """Return in words the roles that hold one of some permissions."""
    return "、".join(str(_(ROLE_LABELS[role])) for role, held in ROLE_PERMISSIONS.items() if held & set(permissions))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return what waits for those who approve banks."""
    if actor.organisation_id is None or not any(actor.may(permission) for permission in APPROVE):
        return []
    n = repository.count_proposed(session, actor=actor)
    return [Todo(_("题库启用申请"), n, url_for("bank_reports.index"), _("请核对评估报告后批准或退回"))]


def _state(approval: BankApproval | None) -> tuple[str, str]:
    if approval is None:
        return _("未批准启用"), "neutral"
    return _(APPROVAL_LABELS[approval.state]), APPROVAL_KINDS[approval.state]


def _download(data: bytes, name: str, mime: str) -> Response:
    return send_file(io.BytesIO(data), mimetype=mime, as_attachment=True, download_name=name)


# --- the list --------------------------------------------------------------------------------------------------------


@bp.get("/")
@requires(Permission.STANDARD_READ)
def index() -> tuple[str, int]:
    """List the banks of all levels."""
    session, actor = db.session(), current_actor()
    levels = standards.list_levels(session, actor=actor, include_drafts=True)
    counts = repository.level_counts(session, actor=actor)
    approvals = repository.standing_approvals(session, actor=actor)
    n_points = standards.count_points(session, [level.standard_level_id for level in levels])
    empty = repository.LevelCount(0, 0, None)
    rows = []
    for level in levels:
        count = counts.get(level.standard_level_id, empty)
        state = _state(approvals.get(level.standard_level_id))
        rows.append(BankRow(level, n_points.get(level.standard_level_id, 0), count.n_items, count.n_in_use, state))
    return render_page("qbank/bank/list.html", BankListPage(rows))


def _bank_lines() -> list[BankLine]:
    session, actor = db.session(), current_actor()
    levels = standards.list_levels(session, actor=actor)
    types, approvals = repository.type_counts(session, actor=actor), repository.standing_approvals(session, actor=actor)
    n_points = standards.count_points(session, [level.standard_level_id for level in levels])
    lines: list[BankLine] = []
    for level in levels:
        counts = types.get(level.standard_level_id, {})
        if counts:
            lines.append(_bank_line(len(lines) + 1, level, counts, n_points, approvals))
    return lines


def _bank_line(
    number: int,
    level: StandardLevel,
    counts: dict[str, int],
    n_points: dict[uuid.UUID, int],
    approvals: dict[uuid.UUID, BankApproval],
) -> BankLine:
    standard = level.edition.standard
    words = "，".join(f"{type_label(name)} {n}" for name, n in sorted(counts.items()))
    return BankLine(
        number, standard.occupation_code or "—", standard.occupation_name, level.name, standard.name,
        level.edition.label, n_points.get(level.standard_level_id, 0), sum(counts.values()), words,
        _state(approvals.get(level.standard_level_id))[0],
    )  # fmt: skip


@bp.get("/list.<any(pdf, xlsx):form>")
@requires(Permission.STANDARD_READ)
def bank_list(form: str) -> Response:
    """Send the list of banks for filing."""
    organisation = get_organisation(db.session(), current_actor().organisation).name
    if form == "pdf":
        data = list_pdf(_bank_lines(), organisation=organisation, day=today())
        return _download(data, _("题库目录清单") + ".pdf", PDF)
    return _download(list_xlsx(_bank_lines(), organisation=organisation), _("题库目录清单") + ".xlsx", XLSX)


# --- one report ------------------------------------------------------------------------------------------------------


@bp.get("/<uuid:level_id>")
@requires(Permission.STANDARD_READ)
def show(level_id: uuid.UUID) -> tuple[str, int]:
    """Show the report of a level."""
    return _show(level_id, {})


def _show(level_id: uuid.UUID, errors: dict[str, list[str]]) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    blueprint = request.args.get("blueprint", "")
    found = services.load_report(session, actor, level_id, blueprint_id=uuid_or_none(blueprint))
    report, thin = found.report, [point for point in found.report.points if point.n_missing]
    approvals = repository.list_approvals(session, level_id, actor=actor)
    standing = repository.standing_approval(session, level_id, organisation_id=actor.organisation)
    page = BankReportPage(
        head=level_head(found.level, "bank"), found=found, report=report, digest=digest(found.to_json()),
        state=_state(standing), types=_bars(report.by_type, dict(type_options())),
        difficulties=_bars(report.by_difficulty, _difficulty_names()), ages=_ages(report),
        coverage=_coverage(report), type_names=dict(type_options()), thin=thin[:SHOWN_POINTS], n_thin=len(thin),
        blueprints=[(str(key), name) for key, name in list_blueprints(session, actor, level_id)], blueprint=blueprint,
        capacity=found.capacity, limits=_limits(found.capacity), approvals=_approval_lines(session, actor, approvals),
        may_propose=actor.may(services.PROPOSE), may_approve=any(actor.may(p) for p in APPROVE), errors=errors,
    )  # fmt: skip
    return render_page("qbank/bank/report.html", page, status=422 if errors else 200)


def _difficulty_names() -> dict[str, str]:
    return {key: _(label) for key, label in DIFFICULTY_NAMES.items()}


def _bars(counts: Any, names: dict[str, str]) -> list[dict[str, Any]]:
    return [{"label": names.get(key, key), "value": n} for key, n in counts.items()]


def _ages(report: BankReport) -> list[dict[str, Any]]:
    labels = [*(_("%(n)s 年内", n=bound) for bound in AGE_BOUNDS), _("更早")]
    return [{"label": label, "count": n} for label, n in zip(labels, report.by_age, strict=True)]


def _coverage(report: BankReport) -> list[dict[str, Any]]:
    """Return bars of items against items wanted, for the ranges at the second depth or, without one, at the first."""
    depth = 2 if any(scope.depth == 2 for scope in report.scopes) else 1
    return [
        {"label": f"{s.code} {s.name}", "value": s.n_items, "wanted": s.n_points * report.wanted_per_point}
        for s in report.scopes
        if s.depth == depth
    ]


def _limits(capacity: Capacity | None) -> list[str]:
    names = dict(type_options())
    lines = []
    for template, values in capacity.limits if capacity else ():
        shown = dict(values) | ({"type": names.get(values["type"], values["type"])} if "type" in values else {})
        lines.append(said(template, shown))
    return lines


def _approval_lines(session: Session, actor: Actor, approvals: Sequence[BankApproval]) -> list[ApprovalLine]:
    people = [key for one in approvals for key in (one.proposed_by, one.decided_by) if key]
    names = user_names(session, people)
    return [
        ApprovalLine(
            one, _state(one), names.get(one.proposed_by, "") if one.proposed_by else "",
            names.get(one.decided_by, "") if one.decided_by else "", one.proposed_by == actor.user_id,
        )
        for one in approvals
    ]  # fmt: skip


@bp.get("/<uuid:level_id>/report.<any(pdf, xlsx):form>")
@requires(Permission.STANDARD_READ)
def download(level_id: uuid.UUID, form: str) -> Response:
    """Send the report as PDF or Excel."""
    session, actor = db.session(), current_actor()
    found = services.load_report(session, actor, level_id, blueprint_id=uuid_or_none(request.args.get("blueprint", "")))
    standing = repository.standing_approval(session, level_id, organisation_id=actor.organisation)
    level, standard = found.level, found.level.edition.standard
    capacity = found.capacity
    words = _("约可组成 %(n)s 份互不重题的试卷", n=capacity.n_forms) if capacity else ""
    head = ReportHead(
        get_organisation(session, actor.organisation).name, standard.occupation_name, level.name, level.edition.label,
        today(), _state(standing)[0], digest(found.to_json()), dict(type_options()), words, _limits(capacity),
    )  # fmt: skip
    name = _("题库评估") + f"_{standard.code}_{level.level_code}.{form}"
    if form == "pdf":
        return _download(report_pdf(found.report, head), name, PDF)
    return _download(report_xlsx(found.report, head), name, XLSX)


# --- putting into use ------------------------------------------------------------------------------------------------


@bp.post("/<uuid:level_id>/propose")
@requires(Permission.ITEM_RETIRE)
def propose(level_id: uuid.UUID) -> Response:
    """Propose to put the bank into use."""
    return _act(
        level_id, _("已申请启用，请由第二人批准"), lambda uow: services.propose(uow, level_id, note=form_text("note"))
    )


def _act(level_id: uuid.UUID, message: str, verb: Any) -> Response:
    address = url_for("bank_reports.show", level_id=level_id)
    try:
        with unit_of_work(current_actor()) as uow:
            verb(uow)
    except (ConflictError, ForbiddenError, InvalidInputError) as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, message)


@bp.post("/<uuid:level_id>/approvals/<uuid:approval_id>/<any(approve, return):act>")
@requires(*APPROVE)
def decide(level_id: uuid.UUID, approval_id: uuid.UUID, act: str) -> Response:
    """Approve or return a proposal as the second person."""

    def verb(uow: UnitOfWork) -> object:
        return services.decide(
            uow, approval_id, is_approved=act == "approve", comment=form_text("comment"), version=form_version()
        )

    return _act(level_id, _("题库已批准启用") if act == "approve" else _("申请已退回"), verb)


@bp.post("/<uuid:level_id>/approvals/<uuid:approval_id>/withdraw")
@requires(Permission.ITEM_RETIRE)
def withdraw(level_id: uuid.UUID, approval_id: uuid.UUID) -> Response:
    """Take the bank out of use, or the proposal back."""
    return _act(level_id, _("已撤销"), lambda uow: services.withdraw(uow, approval_id, version=form_version()))
