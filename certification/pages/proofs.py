"""Documents behind components: enter one, check what others entered, read the file."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import CertificationBatch, ComponentProof, ProofStatus, ResultRecord
from certification.pages.wording import Errors, act_and_return, download, field_errors, form_text, refusal
from certification.repository import batches as repository
from certification.repository import proofs as proof_repository
from certification.rules.competition import RankRule, rank_rules
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, ResultState
from certification.services import proofs as services
from certification.services.panel_groups import OPEN_STATES
from certification.services.proofs import ProofForm
from certification.services.scores import text_of
from kernel import profiles
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.http.uploads import uploaded_file
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_proofs", __name__, url_prefix="/skill-scores")
STATUS_LABELS = {
    ProofStatus.SUBMITTED: N_("待他人核对"),
    ProofStatus.CONFIRMED: N_("已核对采用"),
    ProofStatus.REJECTED: N_("已退回"),
}
STATUS_KINDS = {ProofStatus.SUBMITTED: "warning", ProofStatus.CONFIRMED: "success", ProofStatus.REJECTED: "neutral"}
FACTS = ("contest", "rank", "certificate", "issuer")


@dataclass(frozen=True, slots=True)
class ProofLine:
    """A document as the list shows it."""

    proof: ComponentProof
    record: ResultRecord
    claim: str


@dataclass(frozen=True, slots=True)
class ProofsPage:
    """The documents of a batch."""

    batch: CertificationBatch
    lines: Sequence[ProofLine]
    modes: Mapping[AssessmentMode, str]
    rules: Sequence[RankRule]
    is_open: bool
    status_labels: Mapping[ProofStatus, str]
    status_kinds: Mapping[ProofStatus, str]
    values: Mapping[str, str]
    errors: Errors
    may_read: bool


@bp.get("/<uuid:batch_id>/documents")
@requires(Permission.SKILL_SCORE_WRITE)
def index(batch_id: uuid.UUID) -> tuple[str, int]:
    """List the documents of a batch, with a form for another."""
    return _documents(batch_id, {}, {})


def _documents(batch_id: uuid.UUID, values: Mapping[str, str], errors: Errors) -> tuple[str, int]:
    session = db.session()
    batch = repository.get_batch(session, batch_id, actor=current_actor())
    modes = services.proof_modes(session, batch)
    lines = [ProofLine(one, record, _claim(one)) for one, record in proof_repository.of_batch(session, batch_id)]
    rules = rank_rules(profiles.values(session, batch.organisation_id)) if AssessmentMode.COMPETITION in modes else ()
    page = ProofsPage(
        batch, lines, {mode: _(MODE_LABELS[mode]) for mode in AssessmentMode if mode in modes or lines}, rules,
        bool(modes) and batch.state in OPEN_STATES, {status: _(label) for status, label in STATUS_LABELS.items()},
        STATUS_KINDS, values, errors, current_actor().may(Permission.CERTIFICATION_READ),
    )  # fmt: skip
    return render_page("certification/panels/documents.html", page, status=422 if errors else 200)


def _claim(one: ComponentProof) -> str:
    text: str = _("只作材料") if one.claim is ResultState.PENDING else text_of(one.claim, one.score)
    return text


@bp.post("/<uuid:batch_id>/documents")
@requires(Permission.SKILL_SCORE_WRITE)
def submit(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Enter a document."""
    values = request.form.to_dict()
    mode = form_text("mode")
    form = ProofForm(
        form_text("admission_number"), AssessmentMode(mode) if mode in set(AssessmentMode) else AssessmentMode.THEORY,
        form_text("title"), form_text("score"), {name: form_text(name) for name in FACTS},
    )  # fmt: skip
    address = url_for("cert_proofs.index", batch_id=batch_id)
    try:
        upload = uploaded_file()
        with unit_of_work(current_actor()) as uow:
            services.submit_proof(uow, batch_id, form, name=upload.name, data=upload.data)
    except InvalidInputError as exc:
        return _documents(batch_id, values, field_errors(exc))
    except (ConflictError, ForbiddenError) as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, _("材料已登记，等另一人核对"))


@bp.post("/documents/<uuid:proof_id>/decide")
@requires(Permission.SKILL_SCORE_WRITE)
def decide(proof_id: uuid.UUID) -> Response:
    """Confirm or reject what somebody else entered."""
    row = proof_repository.get_proof(db.session(), proof_id, actor=current_actor())
    address = url_for("cert_proofs.index", batch_id=row.certification_batch_id)
    is_true, version = form_text("verdict") == "confirm", request.form.get("version", 0, type=int)
    reason = form_text("reason")
    try:
        return act_and_return(
            address, _("已核对采用") if is_true else _("已退回"),
            lambda uow: services.decide_proof(uow, proof_id, version=version, is_true=is_true, reason=reason),
        )  # fmt: skip
    except ForbiddenError as exc:
        return redirect_with_message(address, refusal(exc), "danger")


@bp.get("/documents/<uuid:proof_id>/file")
@requires(Permission.SKILL_SCORE_WRITE)
def file(proof_id: uuid.UUID) -> Response:
    """Download a document."""
    name, content = services.read_file(db.session(), proof_id, actor=current_actor())
    return download(name, content, "application/octet-stream")
