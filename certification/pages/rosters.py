"""The roster of a batch: compliance findings, sending, what came back, approval."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.adapters.channels import channel_named
from certification.models import ResultRecord, RosterAnswerFile, RosterReturn, RosterStatus, RosterSubmission
from certification.pages.heads import BatchHead, batch_head
from certification.pages.wording import XLSX, Errors, act_and_return, download, field_errors, form_text, said
from certification.repository import batches as batch_repository
from certification.repository import roster_answers as answer_repository
from certification.repository import rosters as repository
from certification.rules.batch_states import BatchState
from certification.rules.compliance import ComplianceFinding, ComplianceSeverity
from certification.rules.roster_returns import RETURN_FIELDS, RETURN_REASONS
from certification.services import compliance, early_warning, roster_reviews
from certification.services import rosters as services
from certification.services.roster_reviews import UNDER_REVIEW
from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.skill_levels import all_levels
from kernel.uow import unit_of_work

bp = Blueprint("cert_rosters", __name__, url_prefix="/certification")

STATUS_LABELS = {
    RosterStatus.SUBMITTED: (N_("审核中"), "info"),
    RosterStatus.RETURNED: (N_("已退回"), "danger"),
    RosterStatus.APPROVED: (N_("已核准"), "success"),
}
SEVERITY_LABELS = {
    ComplianceSeverity.ERROR: (N_("错误"), "danger"),
    ComplianceSeverity.WARNING: (N_("提醒"), "warning"),
}
N_RETURN_LINES = 8


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding in words, with the candidate it concerns."""

    check_id: str
    severity: str
    kind: str
    text: str
    record: ResultRecord | None


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The same finding about one or many: one line, and whom it is about."""

    line: FindingLine
    people: list[ResultRecord]


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """A returned field in words."""

    field: str
    reason: str
    note: str
    record: ResultRecord | None


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A round with what came back."""

    row: RosterSubmission
    label: str
    kind: str
    returns: list[ReturnLine]


@dataclass(frozen=True, slots=True)
class RosterPage:
    """Everything about a batch's roster."""

    head: BatchHead
    findings: list[FindingLine]
    groups: list[FindingGroup]
    n_errors: int
    submissions: list[SubmissionView]
    instruction: str
    may_submit: bool
    is_under_review: bool
    waits_for_centre: bool
    may_download: bool
    fields: list[tuple[str, str]]
    reasons: list[tuple[str, str]]
    n_lines: int
    values: dict[str, str]
    answers: Sequence[RosterAnswerFile] = ()
    errors: Errors = field(default_factory=dict)


@bp.get("/batches/<uuid:batch_id>/roster")
@requires(Permission.CERTIFICATION_READ)
def show(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show findings and rounds."""
    return _page(batch_id)


def _page(batch_id: uuid.UUID, errors: Errors | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    head = batch_head(session, actor, batch_id, "roster")
    state, people, channel = head.batch.state, _people(batch_id), channel_named("file")
    may_answer = roster_reviews.may_answer(session, actor, head.batch)
    names = {key: one.name for key, one in all_levels(profiles.values(session, head.batch.organisation_id)).items()}
    findings = [_finding_line(f, people, names) for f in _findings(head)]
    page = RosterPage(
        head=head, findings=findings, groups=_groups(findings), n_errors=sum(f.kind == "danger" for f in findings),
        submissions=_submissions(batch_id, people), instruction=_(channel.instruction),
        may_submit=head.may_write and state in {BatchState.PUBLICITY, BatchState.RETURNED},
        is_under_review=may_answer and state in UNDER_REVIEW,
        waits_for_centre=head.may_write and not may_answer and state in UNDER_REVIEW,
        may_download=(head.is_own or may_answer) and actor.may(Permission.PERSONAL_DATA_REVEAL),
        fields=[(name, _(label)) for name, label in RETURN_FIELDS.items()],
        reasons=[(code, _(label)) for code, label in RETURN_REASONS.items()],
        answers=_answers(batch_id), n_lines=N_RETURN_LINES, values=request.form.to_dict() if errors else {}, errors=errors or {},
    )  # fmt: skip
    return render_page("certification/roster.html", page, status=422 if errors else 200)


def _answers(batch_id: uuid.UUID) -> Sequence[RosterAnswerFile]:
    """Return the files of the newest round that wait for a decision."""
    rounds = repository.list_submissions(db.session(), batch_id)
    return answer_repository.list_waiting(db.session(), rounds[0].roster_submission_id) if rounds else ()


def _people(batch_id: uuid.UUID) -> dict[str, ResultRecord]:
    return {str(r.result_record_id): r for r in batch_repository.list_records(db.session(), batch_id)}


def _findings(head: BatchHead) -> Sequence[ComplianceFinding]:
    if head.batch.state in {BatchState.ISSUED, BatchState.ARCHIVED}:
        return early_warning.survey_warnings(db.session(), head.batch)
    if head.batch.state is BatchState.NUMBERED:
        return compliance.check_certificates(db.session(), head.batch)
    is_early = head.batch.state in {BatchState.RECEIVED, BatchState.CHECKED}
    return [] if is_early else compliance.check_batch_data(db.session(), head.batch)


def _finding_line(
    finding: ComplianceFinding, people: Mapping[str, ResultRecord], levels: Mapping[str, str]
) -> FindingLine:
    label, kind = SEVERITY_LABELS[finding.severity]
    named = {key: levels.get(str(finding.values[key])) for key in ("level", "previous") if key in finding.values}
    text = said(finding.message, {**finding.values, **{key: _(name) for key, name in named.items() if name}})
    return FindingLine(finding.check_id, _(label), kind, text, people.get(finding.record_id))


def _groups(findings: Sequence[FindingLine]) -> list[FindingGroup]:
    """Put equal findings together, errors first: what is wrong with the batch concerns hundreds in the same words."""
    found: dict[tuple[str, str, str], list[FindingLine]] = {}
    for line in findings:
        found.setdefault((line.kind, line.check_id, line.text), []).append(line)
    groups = [FindingGroup(lines[0], [line.record for line in lines if line.record]) for lines in found.values()]
    return sorted(groups, key=lambda group: group.line.kind != "danger")


def _submissions(batch_id: uuid.UUID, people: dict[str, ResultRecord]) -> list[SubmissionView]:
    rows = repository.list_submissions(db.session(), batch_id)
    returns = repository.list_returns(db.session(), [row.roster_submission_id for row in rows])
    views = []
    for row in rows:
        label, kind = STATUS_LABELS[row.status]
        lines = [_return_line(item, people) for item in returns.get(row.roster_submission_id, [])]
        views.append(SubmissionView(row, _(label), kind, lines))
    return views


def _return_line(row: RosterReturn, people: dict[str, ResultRecord]) -> ReturnLine:
    record = people.get(str(row.result_record_id))
    return ReturnLine(_(RETURN_FIELDS[row.field_name]), _(RETURN_REASONS[row.reason_code]), row.note, record)


def _address(batch_id: uuid.UUID) -> str:
    return url_for("cert_rosters.show", batch_id=batch_id)


@bp.post("/batches/<uuid:batch_id>/roster")
@requires(Permission.CERTIFICATION_WRITE)
def submit(batch_id: uuid.UUID) -> Response:
    """Send the roster."""
    return act_and_return(
        _address(batch_id), _("名册已生成并登记上报，请下载后报送"), lambda uow: services.submit_roster(uow, batch_id)
    )


@bp.post("/batches/<uuid:batch_id>/roster/return")
@requires(Permission.CERTIFICATION_WRITE)
def give_back(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Keep what the centre sent back."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.return_roster(uow, batch_id, _returned())
    except InvalidInputError as exc:
        return _page(batch_id, field_errors(exc))
    return redirect_with_message(_address(batch_id), _("退回内容已登记，改正后可重新上报"), "warning")


def _returned() -> list[services.ReturnedField]:
    found = []
    for index in range(N_RETURN_LINES):
        names = ("field", "reason", "number", "note")
        field_name, reason, number, note = (form_text(f"{name}-{index}") for name in names)
        if field_name or reason or number or note:
            found.append(services.ReturnedField(field_name, reason, number, note))
    return found


@bp.post("/batches/<uuid:batch_id>/roster/approve")
@requires(Permission.CERTIFICATION_WRITE)
def approve(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Keep the centre's approval."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.approve_roster(uow, batch_id, reference=form_text("reference"))
    except InvalidInputError as exc:
        return _page(batch_id, field_errors(exc))
    return redirect_with_message(_address(batch_id), _("核准已登记，可以编号"))


@bp.post("/rosters/<uuid:submission_id>/file")
@requires(Permission.PERSONAL_DATA_REVEAL)
def submitted_file(submission_id: uuid.UUID) -> Response:
    """Download a roster as it was sent; audited, hence a post."""
    with unit_of_work(current_actor()) as uow:
        name, content = services.submitted_workbook(uow, submission_id)
    return download(name, content, XLSX)


@bp.post("/batches/<uuid:batch_id>/roster/file")
@requires(Permission.PERSONAL_DATA_REVEAL)
def current_file(batch_id: uuid.UUID) -> Response:
    """Download the roster as it stands; audited, hence a post."""
    with unit_of_work(current_actor()) as uow:
        name, content = services.current_workbook(uow, batch_id)
    return download(name, content, XLSX)
