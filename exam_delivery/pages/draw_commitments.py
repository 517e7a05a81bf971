"""The commitment to the draw of a session, for staff: publishing, what it says, telling the seed afterwards."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamSession
from exam_delivery.pages import reading
from exam_delivery.pages.draw_words import EntryView, entry_view, promise_text
from exam_delivery.repository import planning
from exam_delivery.rules.draw_commitments import is_late
from exam_delivery.services import draw_commitments, draw_documents, draw_reveals
from exam_delivery.services.draw_commitments import Published
from exam_delivery.services.draw_reveals import Wait
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.uow import unit_of_work

bp = Blueprint("draw_commitments", __name__, url_prefix="/exam-sessions")
Page = tuple[str, int]
PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class DrawPage:
    """What stands published of a session, what is missing, and why seeds wait."""

    batch: ExamBatch
    session: ExamSession
    published: Published
    state: str
    policy: str
    entries: Sequence[EntryView]
    waits: Sequence[str]
    hints: Sequence[str]
    spares: Sequence[str]
    public_address: str
    needs_reason: bool
    may_publish: bool
    may_reveal: bool
    values: Mapping[str, str]
    errors: Mapping[str, list[str]]


@bp.get("/<uuid:exam_session_id>/draw")
@requires(Permission.SESSION_READ)
def detail(exam_session_id: uuid.UUID) -> Page:
    """Show what stands published of a session."""
    return _page(exam_session_id, {})


def _page(exam_session_id: uuid.UUID, errors: Mapping[str, list[str]]) -> Page:
    actor, session = current_actor(), db.session()
    row, published = draw_commitments.get_published(session, actor, exam_session_id)
    open_ones = [one for one, told in published.entries if one.assembly_run_id and told is None]
    seen = [draw_reveals.outlook(session, actor, row, one) for one in open_ones]
    page = DrawPage(
        batch=planning.get_batch(session, row.exam_batch_id, actor=actor), session=row, published=published,
        state=promise_text(published), policy=_(draw_commitments.policy_of(session, row)),
        entries=[entry_view(*one) for one in published.entries],
        waits=_words([one for found in seen for one in found.waits]),
        hints=_words([one for found in seen for one in found.hints]),
        spares=list(dict.fromkeys(title for found in seen for title in found.spares)),
        public_address=public_address(row), needs_reason=bool(published.entries) or is_late(row.starts_at, now()),
        may_publish=actor.may(Permission.SESSION_WRITE) and bool(published.n_missing) and not row.cancelled_at,
        may_reveal=actor.may(Permission.SCORE_RELEASE) and any(not found.waits for found in seen),
        values=request.form.to_dict() if errors else {}, errors=errors,
    )  # fmt: skip
    return render_page("exam_delivery/draws/detail.html", page, status=422 if errors else 200)


def _words(waits: Sequence[Wait]) -> list[str]:
    return list(dict.fromkeys(reading.translated(one.message, one.params) for one in waits))


def public_address(row: ExamSession) -> str:
    """Return where everybody reads what was published of a session."""
    code = get_organisation(db.session(), row.organisation_id).code
    return url_for("draw_promises.session", code=code, exam_session_id=row.exam_session_id, _external=True)


@bp.post("/<uuid:exam_session_id>/draw/publish")
@requires(Permission.SESSION_WRITE)
def publish(exam_session_id: uuid.UUID) -> Page | Response:
    """Publish what is not published yet."""
    try:
        with unit_of_work(current_actor()) as uow:
            made = draw_commitments.publish(uow, exam_session_id, reason=reading.text("reason"))
    except InvalidInputError as exc:
        return _page(exam_session_id, reading.field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(_address(exam_session_id), reading.message_of(exc), "danger")
    return redirect_with_message(_address(exam_session_id), _("已公布 %(n)s 条抽题承诺，不能再改", n=len(made)))


@bp.post("/<uuid:exam_session_id>/draw/reveal")
@requires(Permission.SCORE_RELEASE)
def reveal(exam_session_id: uuid.UUID) -> Page | Response:
    """Tell the seeds that may be told."""
    try:
        with unit_of_work(current_actor()) as uow:
            told = draw_reveals.reveal(
                uow, exam_session_id, reason=reading.text("reveal_reason"), gives_up_spares=reading.ticked("spares")
            )
    except InvalidInputError as exc:
        return _page(exam_session_id, {"reveal_reason": reading.field_errors(exc).get("reason", [])})
    except ConflictError as exc:
        return redirect_with_message(_address(exam_session_id), reading.message_of(exc), "danger")
    return redirect_with_message(_address(exam_session_id), _("已公开 %(n)s 条承诺的种子和随机数", n=len(told)))


@bp.get("/<uuid:exam_session_id>/draw.pdf")
@requires(Permission.SESSION_READ)
def document(exam_session_id: uuid.UUID) -> Response:
    """Download the sheet that names the commitments, to hang out and for witnesses."""
    row, published = draw_commitments.get_published(db.session(), current_actor(), exam_session_id)
    try:
        body = draw_documents.commitment_pdf(db.session(), row, published, public_address(row))
    except ConflictError as exc:
        return redirect_with_message(_address(exam_session_id), reading.message_of(exc), "danger")
    name = _("抽题承诺") + f"-{row.name}.pdf"
    return send_file(io.BytesIO(body), mimetype=PDF, as_attachment=True, download_name=name)


def _address(exam_session_id: uuid.UUID) -> str:
    return url_for("draw_commitments.detail", exam_session_id=exam_session_id)
