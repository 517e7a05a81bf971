"""What is printed for a session: choosing, printing in a job, downloading."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamDocument, ExamSession
from exam_delivery.pages import reading
from exam_delivery.repository import candidates, document_changes, planning
from exam_delivery.services import documents, reach, seat_seal
from exam_delivery.services.documents import DOCUMENT_LABELS, WITHOUT_SEATS
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("session_documents", __name__)
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class SessionDocumentsPage:
    """What may be printed and what was."""

    batch: ExamBatch
    session: ExamSession
    kinds: Sequence[tuple[str, str]]
    documents: Sequence[ExamDocument]
    changed_at: datetime | None
    may_write: bool
    printable: frozenset[str]
    is_sealed: bool


@bp.get("/exam-sessions/<uuid:exam_session_id>/documents")
@requires(Permission.SESSION_READ)
def index(exam_session_id: uuid.UUID) -> Page:
    """List documents."""
    actor, session = current_actor(), db.session()
    row = planning.get_session(session, exam_session_id, actor=actor)
    reach.check_session_in_reach(session, exam_session_id, actor=actor)
    kinds, is_sealed = [(kind.value, _(label)) for kind, label in DOCUMENT_LABELS.items()], seat_seal.is_sealed(row)
    page = SessionDocumentsPage(
        planning.get_batch(session, row.exam_batch_id, actor=actor), row, kinds,
        candidates.documents_of_session(session, exam_session_id, actor=actor),
        document_changes.last_change(session, exam_session_id), actor.may(Permission.SESSION_WRITE),
        frozenset(WITHOUT_SEATS if is_sealed else DOCUMENT_LABELS), is_sealed,
    )  # fmt: skip
    return render_page("exam_delivery/sessions/documents.html", page)


@bp.post("/exam-sessions/<uuid:exam_session_id>/documents")
@requires(Permission.SESSION_WRITE)
def print_document(exam_session_id: uuid.UUID) -> Response:
    """Print a document in a job."""
    try:
        with unit_of_work(current_actor()) as uow:
            kind = documents.parse_kind(reading.text("kind"))
            job = documents.request_document(uow, exam_session_id, kind)
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(
            url_for("session_documents.index", exam_session_id=exam_session_id), reading.message_of(exc), "danger"
        )
    return redirect_with_message(reading.job_page(job), _("正在生成文件"), "info")


@bp.get("/exam-documents/<uuid:exam_document_id>")
@requires(Permission.SESSION_READ)
def download(exam_document_id: uuid.UUID) -> Response:
    """Download a printed document."""
    name, body = documents.read_document(db.session(), current_actor(), exam_document_id)
    return send_file(io.BytesIO(body), mimetype="application/pdf", as_attachment=True, download_name=name)
