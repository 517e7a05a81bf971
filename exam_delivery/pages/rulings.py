"""Rulings about results in the browser: misconduct, voids, illness and other excused absences."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import Candidate, ExamBatch, Registration, ResultRuling
from exam_delivery.pages import reading
from exam_delivery.pages.appeals import LETTER_ENDINGS, MIMES
from exam_delivery.repository import candidates, planning
from exam_delivery.repository import rulings as repository
from exam_delivery.repository.rulings import Entry, RulingFilter
from exam_delivery.rules.rulings import (
    KIND_LABELS,
    SCOPE_LABELS,
    STATE_LABELS,
    TIER_LABELS,
    RulingKind,
    RulingState,
)
from exam_delivery.services import appeal_letters
from exam_delivery.services import rulings as services
from exam_delivery.services.misconduct import DecidedCase
from exam_delivery.services.rulings import RulingProposal
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.http import (
    Paging,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
    uploaded_file,
)
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("rulings", __name__, url_prefix="/rulings")
Page = tuple[str, int]
KINDS = {
    RulingState.PROPOSED: "warning", RulingState.IN_FORCE: "danger", RulingState.REJECTED: "neutral",
    RulingState.WITHDRAWN: "neutral", RulingState.REVERSED: "success",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """The words of states, kinds, tiers and scopes."""

    badges: Mapping[RulingState, tuple[str, str]]
    kinds: Mapping[RulingKind, str]
    tiers: Mapping[int, str]
    scopes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListPage:
    """Rulings, the newest first, and cases of exam rooms that wait for one."""

    rows: Sequence[Entry]
    waiting: Sequence[tuple[DecidedCase, Candidate]]
    wanted: RulingFilter
    states: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    words: Words
    paging: Paging
    href: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Whom a ruling is about."""

    text: str
    rows: Sequence[tuple[Registration, Candidate, ExamBatch]]


@dataclass(frozen=True, slots=True)
class ProposalPage:
    """What is to be filled in about one person."""

    registration: Registration
    candidate: Candidate
    batch: ExamBatch
    kinds: Sequence[tuple[str, str]]
    tiers: Sequence[tuple[str, str]]
    filled: Mapping[str, str]
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DetailPage:
    """One ruling with what its reader may do now."""

    ruling: ResultRuling
    registration: Registration
    candidate: Candidate
    batch: ExamBatch
    words: Words
    may_decide: bool
    may_withdraw: bool
    may_appeal: bool
    has_letter: bool


def _words() -> Words:
    return Words(
        {state: (_(label), KINDS[state]) for state, label in STATE_LABELS.items()},
        {kind: _(label) for kind, label in KIND_LABELS.items()},
        {tier: _(label) for tier, label in TIER_LABELS.items()},
        {scope.value: _(label) for scope, label in SCOPE_LABELS.items()},
    )


@bp.get("/")
@requires(Permission.SCORE_RELEASE)
def index() -> Page:
    """List the rulings of the organisation."""
    actor, session, paging = current_actor(), db.session(), paging_from_request()
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    wanted = RulingFilter(
        state=RulingState(state) if state in set(RulingState) else None,
        kind=RulingKind(kind) if kind in set(RulingKind) else None, text=request.args.get("q", "").strip(),
    )  # fmt: skip
    rows, total = repository.list_rulings(session, wanted, actor=actor, page=paging.page, per_page=paging.per_page)
    page = ListPage(
        rows, services.cases_without_ruling(session, actor), wanted,
        [(one.value, _(label)) for one, label in STATE_LABELS.items()],
        [(one.value, _(label)) for one, label in KIND_LABELS.items()], _words(), paging.of(total),
        reading.page_link("rulings.index"),
    )  # fmt: skip
    return render_page("exam_delivery/rulings/list.html", page)


@bp.get("/new")
@requires(Permission.SCORE_RELEASE)
def search() -> Page:
    """Look for the person, by admission number or name."""
    text = request.args.get("q", "").strip()
    rows = candidates.find_people(db.session(), text, actor=current_actor())
    return render_page("exam_delivery/rulings/search.html", SearchPage(text, rows))


@bp.get("/new/<uuid:registration_id>")
@requires(Permission.SCORE_RELEASE)
def fill_in(registration_id: uuid.UUID) -> Page:
    """Fill in what is proposed about somebody."""
    return _proposal_page(registration_id, {}, {})


@bp.post("/new/<uuid:registration_id>")
@requires(Permission.SCORE_RELEASE)
def propose(registration_id: uuid.UUID) -> Page | Response:
    """Propose a ruling."""
    try:
        proposal = RulingProposal(
            reading.text("kind"), reading.text("facts"), reading.number("tier"), evidence=_evidence()
        )
        with unit_of_work(current_actor()) as uow:
            key = services.propose(uow, registration_id, proposal).result_ruling_id
    except (InvalidInputError, ConflictError) as exc:
        body, _status = _proposal_page(registration_id, request.form, reading.field_errors(exc))
        return body, exc.http_status
    return redirect_with_message(url_for("rulings.detail", ruling_id=key), _("已提出，请另一人核对后决定"))


def _evidence() -> tuple[str, bytes] | None:
    if not (request.files.get("evidence") and request.files["evidence"].filename):
        return None
    upload = uploaded_file("evidence")
    if not upload.name.lower().endswith(LETTER_ENDINGS):
        message = _("请上传 PDF 或图片（jpg、png）")
        raise InvalidInputError(message, fields={"evidence": [message]})
    return upload.name, upload.data


def _proposal_page(registration_id: uuid.UUID, filled: Mapping[str, str], errors: Mapping[str, Sequence[str]]) -> Page:
    actor, session = current_actor(), db.session()
    registration = candidates.get_registration(session, registration_id, actor=actor)
    page = ProposalPage(
        registration, candidates.get_candidate(session, registration.candidate_id, actor=actor),
        planning.get_batch(session, registration.exam_batch_id, actor=actor),
        [(one.value, _(label)) for one, label in KIND_LABELS.items()],
        [(str(tier), _(label)) for tier, label in TIER_LABELS.items()], filled, errors,
    )  # fmt: skip
    return render_page("exam_delivery/rulings/new.html", page)


@bp.post("/cases/<uuid:registration_id>")
@requires(Permission.SCORE_RELEASE)
def take_over(registration_id: uuid.UUID) -> Response:
    """Propose the ruling that follows from a decided case of an exam room."""
    try:
        with unit_of_work(current_actor()) as uow:
            key = services.take_over(uow, registration_id).result_ruling_id
    except (InvalidInputError, ConflictError) as exc:
        return redirect_with_message(url_for("rulings.index"), reading.message_of(exc), "danger")
    return redirect_with_message(url_for("rulings.detail", ruling_id=key), _("已按违纪案提出，请核对后决定"))


# --- one ruling ------------------------------------------------------------------------------------------------------


@bp.get("/<uuid:ruling_id>")
@requires(Permission.SCORE_RELEASE)
def detail(ruling_id: uuid.UUID) -> Page:
    """Show a ruling."""
    actor, session = current_actor(), db.session()
    ruling, registration, candidate, batch = repository.get_entry(session, ruling_id, actor=actor)
    is_open, is_own = ruling.state is RulingState.PROPOSED, ruling.proposed_by == actor.user_id
    page = DetailPage(
        ruling, registration, candidate, batch, _words(), may_decide=is_open and not is_own,
        may_withdraw=is_open and is_own, may_appeal=ruling.state is RulingState.IN_FORCE,
        has_letter=ruling.state in {RulingState.IN_FORCE, RulingState.REVERSED},
    )  # fmt: skip
    return render_page("exam_delivery/rulings/detail.html", page)


@bp.get("/<uuid:ruling_id>/evidence")
@requires(Permission.SCORE_RELEASE)
def evidence(ruling_id: uuid.UUID) -> Response:
    """Download the evidence of a ruling."""
    found = services.read_evidence(db.session(), current_actor(), ruling_id)
    if found is None:
        raise NotFoundError(_("这个处理决定没有附件"))
    return send_file(io.BytesIO(found[1]), as_attachment=True, download_name=found[0])


@bp.post("/<uuid:ruling_id>/approve")
@requires(Permission.SCORE_RELEASE)
def approve(ruling_id: uuid.UUID) -> Response:
    """Put a ruling into force."""
    reason = reading.text("approval")
    return _step(
        ruling_id, _("处理决定已生效"), lambda uow: services.decide(uow, ruling_id, is_approved=True, reason=reason)
    )


@bp.post("/<uuid:ruling_id>/reject")
@requires(Permission.SCORE_RELEASE)
def reject(ruling_id: uuid.UUID) -> Response:
    """Reject a proposed ruling."""
    reason = reading.text("reason")
    return _step(
        ruling_id,
        _("没有批准，成绩不变"),
        lambda uow: services.decide(uow, ruling_id, is_approved=False, reason=reason),
    )


@bp.post("/<uuid:ruling_id>/withdraw")
@requires(Permission.SCORE_RELEASE)
def withdraw(ruling_id: uuid.UUID) -> Response:
    """Take back a proposal of one's own."""
    return _step(ruling_id, _("已撤回"), lambda uow: services.withdraw(uow, ruling_id))


def _step(ruling_id: uuid.UUID, done: str, verb: Callable[[UnitOfWork], object]) -> Response:
    back = url_for("rulings.detail", ruling_id=ruling_id)
    try:
        with unit_of_work(current_actor()) as uow:
            verb(uow)
    except (ConflictError, InvalidInputError, ForbiddenError) as exc:
        return redirect_with_message(back, reading.message_of(exc), "danger")
    return redirect_with_message(back, done)


@bp.post("/<uuid:ruling_id>/letter")
@requires(Permission.SCORE_RELEASE)
def letter(ruling_id: uuid.UUID) -> Response:
    """Download the letter about a ruling."""
    try:
        with unit_of_work(current_actor()) as uow:
            name, body = appeal_letters.take_ruling_letter(uow, ruling_id, reading.text("format"))
    except ConflictError as exc:
        return redirect_with_message(url_for("rulings.detail", ruling_id=ruling_id), reading.message_of(exc), "danger")
    return send_file(io.BytesIO(body), mimetype=MIMES[name.rsplit(".", 1)[1]], as_attachment=True, download_name=name)
