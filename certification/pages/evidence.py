"""Packs of evidence of a batch or of one candidate: asked for, listed, downloaded."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import EvidencePack, PackKind, ResultRecord
from certification.pages.heads import BatchHead, batch_head
from certification.pages.wording import download, refusal
from certification.repository import batches as batch_repository
from certification.repository import evidence as repository
from certification.repository import signing as key_repository
from certification.services import archive
from certification.services import evidence as services
from certification.services.evidence_entries import PackScope
from kernel.db import db
from kernel.errors import ConflictError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_evidence", __name__, url_prefix="/certification")
KIND_LABELS = {PackKind.CANDIDATE: N_("考生证据包"), PackKind.BATCH: N_("批次证据包"), PackKind.ARCHIVE: N_("归档卷")}
BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class EvidencePage:
    """The packs of a batch, or of one candidate of it."""

    head: BatchHead
    record: ResultRecord | None
    packs: Sequence[tuple[str, EvidencePack]]
    can_sign: bool
    may_personal: bool
    may_content: bool


def _record_id() -> uuid.UUID | None:
    return request.values.get("record", type=uuid.UUID)


@bp.get("/batches/<uuid:batch_id>/evidence")
@requires(Permission.EVIDENCE_MAKE)
def batch(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show the packs."""
    session, actor, key = db.session(), current_actor(), _record_id()
    head = batch_head(session, actor, batch_id, "evidence")
    record = batch_repository.get_record(session, key, actor=actor) if key else None
    page = EvidencePage(
        head=head, record=record,
        packs=[(_(KIND_LABELS[row.kind]), row) for row in repository.list_packs(session, batch_id, actor=actor, record_id=key)],
        can_sign=head.is_own and key_repository.find_signing_key(session, actor.organisation) is not None,
        may_personal=actor.may(Permission.PERSONAL_DATA_REVEAL), may_content=actor.may(Permission.FORM_READ),
    )  # fmt: skip
    return render_page("certification/evidence.html", page)


@bp.post("/batches/<uuid:batch_id>/evidence")
@requires(Permission.EVIDENCE_MAKE)
def make(batch_id: uuid.UUID) -> Response:
    """Make a pack in a job."""
    key = _record_id()
    scope = PackScope(is_personal="is_personal" in request.form, has_content="has_content" in request.form)
    try:
        with unit_of_work(current_actor()) as uow:
            job = services.request_pack(uow, batch_id, key, scope)
    except ConflictError as exc:
        return redirect_with_message(
            url_for("cert_evidence.batch", batch_id=batch_id, record=key), refusal(exc), "danger"
        )
    return redirect(url_for("jobs.detail", job_id=job.job_id), code=303)


@bp.post("/batches/<uuid:batch_id>/archive-volumes")
@requires(Permission.EVIDENCE_MAKE)
def make_archive(batch_id: uuid.UUID) -> Response:
    """Put the archive volumes together in a job."""
    with unit_of_work(current_actor()) as uow:
        job = archive.request_archive(uow, batch_id)
    return redirect(url_for("jobs.detail", job_id=job.job_id), code=303)


@bp.post("/evidence/<uuid:pack_id>")
@requires(Permission.EVIDENCE_MAKE)
def take(pack_id: uuid.UUID) -> Response:
    """Download a pack; the reading is in the journal, hence a post."""
    with unit_of_work(current_actor()) as uow:
        name, content = services.read_pack(uow, pack_id)
    return download(name, content, BINARY)
