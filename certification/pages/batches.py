"""Batches: the list, the overview with its next step, the candidates, one candidate, corrections."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import (
    BatchStep,
    CertificationBatch,
    DeliveryStatus,
    ResultDelivery,
    ResultRecord,
    ScoreDelivery,
    SendingSystem,
)
from certification.pages.heads import (
    STATE_KINDS,
    BatchHead,
    batch_head,
    deadline_text,
    state_label,
)
from certification.pages.wording import Errors, act_and_return, form_date, form_text, page_address
from certification.repository import batches as repository
from certification.repository import inbound as inbound_repository
from certification.repository import scores as score_repository
from certification.repository.surveys import find_survey
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, PassOutcome, total_text
from certification.rules.surveys import SURVEY_STATE_LABELS, SURVEY_STATES, SurveyState
from certification.services import batches as services
from certification.services import corrections, decisions
from certification.services.records import LOCKED
from certification.services.scores import OPEN_STATES, count_missing, entered_text
from certification.services.surveys import state_of
from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation

bp = Blueprint("cert_batches", __name__, url_prefix="/certification/batches")

DELIVERY_LABELS = {
    DeliveryStatus.ACCEPTED: N_("已接收"),
    DeliveryStatus.OPEN: N_("待处理"),
    DeliveryStatus.APPLIED: N_("已采用"),
    DeliveryStatus.DISMISSED: N_("未采用"),
}


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch as the list shows it."""

    batch: CertificationBatch
    issuer: str
    state_label: str
    state_kind: str
    deadline: str
    counts: dict[PassOutcome, int]


@dataclass(frozen=True, slots=True)
class BatchListPage:
    """One page of batches, narrowed by state."""

    rows: list[BatchRow]
    state_tabs: list[dict[str, object]]
    wanted: repository.BatchFilter
    paging: Paging
    is_supervising: bool
    may_open: bool = False

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


@dataclass(frozen=True, slots=True)
class BatchPage:
    """The overview of a batch."""

    head: BatchHead
    rules: list[tuple[str, str]]
    steps: Sequence[BatchStep]
    labels: dict[BatchState, str]
    deliveries: Sequence[ResultDelivery]
    delivery_labels: dict[DeliveryStatus, str]
    n_missing: int
    outside: Sequence[tuple[ScoreDelivery, SendingSystem, CertificationBatch]] = ()
    takes_outside: bool = False
    survey_state: SurveyState | None = None
    survey_label: str = ""
    may_survey: bool = False
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate with the score of each component as a text."""

    record: ResultRecord
    scores: dict[AssessmentMode, str]
    total: str = ""


@dataclass(frozen=True, slots=True)
class CandidatesPage:
    """The people of a batch."""

    head: BatchHead
    may_edit: bool
    rows: list[CandidateRow]
    modes: list[tuple[AssessmentMode, str]]
    wanted: repository.RecordFilter
    paging: Paging
    has_totals: bool = False

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


@bp.get("/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int]:
    """List batches by state."""
    actor, session, paging = current_actor(), db.session(), paging_from_request()
    state = request.args.get("state", "")
    wanted = repository.BatchFilter(
        request.args.get("q", "").strip()[:60], BatchState(state) if state in set(BatchState) else None
    )
    batches, total = repository.list_batches(
        session, actor=actor, wanted=wanted, offset=paging.offset, limit=paging.per_page
    )
    page = BatchListPage(
        _rows(batches), _state_tabs(wanted), wanted, paging.of(total), actor.may(Permission.SUPERVISE),
        actor.may(Permission.CERTIFICATION_WRITE),
    )  # fmt: skip
    return render_page("certification/batches.html", page)


def _rows(batches: Sequence[CertificationBatch]) -> list[BatchRow]:
    session = db.session()
    counts = repository.count_outcomes(session, [batch.certification_batch_id for batch in batches])
    return [
        BatchRow(
            batch, get_organisation(session, batch.organisation_id).name, state_label(batch.state),
            STATE_KINDS.get(batch.state, "info"), deadline_text(session, batch),
            counts[batch.certification_batch_id],
        )
        for batch in batches
    ]  # fmt: skip


def _state_tabs(wanted: repository.BatchFilter) -> list[dict[str, object]]:
    counts = repository.count_by_state(db.session(), actor=current_actor())
    everything = {
        "label": _("全部"), "href": url_for("cert_batches.index", q=wanted.search or None),
        "active": wanted.state is None, "count": sum(counts.values()),
    }  # fmt: skip
    return [
        everything,
        *(
            {
                "label": state_label(state), "count": counts[state], "active": wanted.state is state,
                "href": url_for("cert_batches.index", state=state.value, q=wanted.search or None),
            }
            for state in BatchState
            if state in counts
        ),
    ]  # fmt: skip


@bp.get("/<uuid:batch_id>")
@requires(Permission.CERTIFICATION_READ)
def detail(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show where a batch stands and what comes next."""
    session = db.session()
    head = batch_head(session, current_actor(), batch_id, "overview")
    survey = find_survey(session, batch_id)
    asked = state_of(survey) if survey else None
    page = BatchPage(
        head=head, rules=_rules(head.batch), steps=repository.list_steps(session, batch_id),
        labels={state: state_label(state) for state in BatchState},
        deliveries=repository.list_deliveries(session, batch_id),
        delivery_labels={status: _(label) for status, label in DELIVERY_LABELS.items()},
        n_missing=count_missing(session, head.batch) if head.batch.state in OPEN_STATES else 0,
        outside=inbound_repository.list_deliveries(session, head.batch.organisation_id, batch_id),
        takes_outside=head.may_write and head.batch.state in OPEN_STATES,
        survey_state=asked, survey_label=_(SURVEY_STATE_LABELS[asked]) if asked else "",
        may_survey=head.batch.state in SURVEY_STATES,
    )  # fmt: skip
    return render_page("certification/batch.html", page)


def _rules(batch: CertificationBatch) -> list[tuple[str, str]]:
    rule = decisions.rule_of(db.session(), batch)
    return [
        (_(MODE_LABELS[part.mode]), _("合格分 %(mark)s，满分 %(max)s", mark=part.pass_mark, max=part.max_score))
        for part in rule.components
    ]


@bp.get("/<uuid:batch_id>/candidates")
@requires(Permission.CERTIFICATION_READ)
def candidates(batch_id: uuid.UUID) -> tuple[str, int]:
    """List the people of a batch with scores and outcome."""
    session, paging = db.session(), paging_from_request()
    head = batch_head(session, current_actor(), batch_id, "candidates")
    outcome = request.args.get("outcome", "")
    wanted = repository.RecordFilter(
        request.args.get("q", "").strip()[:60], PassOutcome(outcome) if outcome in set(PassOutcome) else None
    )
    records, total = repository.page_records(session, batch_id, wanted, offset=paging.offset, limit=paging.per_page)
    scores = score_repository.counting_scores(session, batch_id)
    modes = [part.mode for part in decisions.rule_of(session, head.batch).components]
    decided = score_repository.current_decisions(session, batch_id)
    totals = {key: text for key, one in decided.items() if (text := total_text(one.reasons))}
    rows = [
        CandidateRow(
            r,
            {m: entered_text(scores.get(r.result_record_id, {}).get(m)) for m in modes},
            totals.get(r.result_record_id, ""),
        )
        for r in records
    ]
    may_edit = head.may_write and head.batch.state not in LOCKED
    page = CandidatesPage(
        head, may_edit, rows, [(m, _(MODE_LABELS[m])) for m in modes], wanted, paging.of(total), bool(totals)
    )
    return render_page("certification/candidates.html", page)


# --- steps -----------------------------------------------------------------------------------------------------------


def _overview(batch_id: uuid.UUID) -> str:
    return url_for("cert_batches.detail", batch_id=batch_id)


@bp.post("/<uuid:batch_id>/check")
@requires(Permission.CERTIFICATION_WRITE)
def check(batch_id: uuid.UUID) -> Response:
    """Confirm the received results."""
    return act_and_return(
        _overview(batch_id), _("已核对，请补齐技能成绩后判定"), lambda uow: services.check_batch(uow, batch_id)
    )


@bp.post("/<uuid:batch_id>/decide")
@requires(Permission.CERTIFICATION_WRITE)
def decide(batch_id: uuid.UUID) -> Response:
    """Decide who has passed."""
    return act_and_return(
        _overview(batch_id), _("已按规则判定，成绩已锁定"), lambda uow: decisions.decide_batch(uow, batch_id)
    )


@bp.post("/<uuid:batch_id>/reopen")
@requires(Permission.CERTIFICATION_WRITE)
def reopen(batch_id: uuid.UUID) -> Response:
    """Go back to scores."""
    reason = form_text("reopen_reason")
    return act_and_return(
        _overview(batch_id), _("已退回修改，请改正成绩后重新判定"),
        lambda uow: services.reopen_batch(uow, batch_id, reason=reason),
    )  # fmt: skip


@bp.post("/<uuid:batch_id>/archive")
@requires(Permission.CERTIFICATION_WRITE)
def archive(batch_id: uuid.UUID) -> Response:
    """Close an issued batch."""
    return act_and_return(_overview(batch_id), _("批次已归档"), lambda uow: services.archive_batch(uow, batch_id))


@bp.post("/<uuid:batch_id>/details")
@requires(Permission.CERTIFICATION_WRITE)
def update(batch_id: uuid.UUID) -> Response:
    """Enter trade and dates of a batch."""
    return act_and_return(
        _overview(batch_id), _("批次信息已保存"),
        lambda uow: services.update_batch(
            uow, batch_id, trade_name=form_text("trade_name"), plan_filed_on=form_date("plan_filed_on"),
            evaluation_starts_on=form_date("evaluation_starts_on"),
        ),
    )  # fmt: skip


@bp.post("/<uuid:batch_id>/corrections/<uuid:delivery_id>")
@requires(Permission.CERTIFICATION_WRITE)
def settle_correction(batch_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
    """Apply or dismiss a correction."""
    act = corrections.apply_correction if form_text("act") == "apply" else corrections.dismiss_correction
    reason = form_text(f"reason-{delivery_id}")
    return act_and_return(_overview(batch_id), _("成绩更正已处理"), lambda uow: act(uow, delivery_id, reason=reason))
