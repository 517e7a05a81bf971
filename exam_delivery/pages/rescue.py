"""应急文件: an invigilator brings in what a computer without network saved; a chief decides what came too late."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import Attempt, Registration, RescueFile
from exam_delivery.pages import reading
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import rescue as repository
from exam_delivery.repository import standby
from exam_delivery.repository.attempts import SeatRow
from exam_delivery.rules.merging import VERDICT_LABELS, Verdict
from exam_delivery.rules.rescue import STATE_LABELS, RescueState
from exam_delivery.services import merging, rescue
from exam_delivery.services.rescue import Preview
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires, uploaded_file
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("rescue", __name__, url_prefix="/console")
Page = tuple[str, int]
STATE_KINDS = {
    RescueState.UPLOADED: "info",
    RescueState.IMPORTED: "success",
    RescueState.HELD: "warning",
    RescueState.COUNTED: "success",
    RescueState.LEFT_OUT: "neutral",
}
VERDICT_KINDS = {Verdict.COUNTS: "success", Verdict.SAME: "neutral", Verdict.OLDER: "neutral", Verdict.LATE: "warning"}


@dataclass(frozen=True, slots=True)
class RescueSeatPage:
    """The rescue files of one candidate, and where a new one is uploaded."""

    exam_session_id: uuid.UUID
    seat: SeatRow
    files: Sequence[tuple[RescueFile, tuple[str, str]]]
    error: str


@dataclass(frozen=True, slots=True)
class RescueFilePage:
    """One file: what would change, what has changed, what waits for a decision."""

    preview: Preview
    seat: SeatRow
    badge: tuple[str, str]
    lines: Sequence[tuple[int, str, tuple[str, str]]]
    counts: Sequence[tuple[str, int]]
    may_decide: bool
    is_own: bool


@dataclass(frozen=True, slots=True)
class RescueListPage:
    """All rescue files of the organisation, those that wait for a decision first."""

    rows: Sequence[tuple[RescueFile, Registration, str, tuple[str, str]]]


def _badge(state: RescueState) -> tuple[str, str]:
    return _(STATE_LABELS[state]), STATE_KINDS[state]


@bp.get("/rescue-files")
@requires(Permission.SESSION_CONTROL)
def index() -> Page:
    """List rescue files: the chief sees what waits for a decision."""
    found = repository.list_files(db.session(), actor=current_actor())
    page = RescueListPage([(file, person, name, _badge(file.state)) for file, person, name in found])
    return render_page("exam_delivery/rescue/list.html", page)


@bp.get("/<uuid:exam_session_id>/candidates/<uuid:registration_id>/rescue")
@requires(Permission.SESSION_INVIGILATE)
def seat(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page:
    """Show where a candidate's rescue file is uploaded, and those that were."""
    return _seat_page(exam_session_id, registration_id)


def _seat_page(exam_session_id: uuid.UUID, registration_id: uuid.UUID, error: str = "") -> Page:
    actor, session = current_actor(), db.session()
    attempt = merging.open_seat(session, exam_session_id, registration_id, actor=actor)
    files = repository.files_of(session, attempt.attempt_id, actor=actor)
    page = RescueSeatPage(
        exam_session_id=exam_session_id,
        seat=attempts_repository.get_seat(session, registration_id, actor=actor),
        files=[(file, _badge(file.state)) for file in files],
        error=error,
    )
    return render_page("exam_delivery/rescue/seat.html", page, **({"status": 422} if error else {}))


@bp.post("/<uuid:exam_session_id>/candidates/<uuid:registration_id>/rescue")
@requires(Permission.SESSION_INVIGILATE)
def upload(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page | Response:
    """Take in a file and show what it would change."""
    try:
        data = uploaded_file(holds_answers=True).data
        with unit_of_work(current_actor()) as uow:
            file = rescue.upload(uow, exam_session_id, registration_id, data)
            address = url_for("rescue.detail", rescue_file_id=file.rescue_file_id)
            is_new = file.state is RescueState.UPLOADED
    except (ConflictError, InvalidInputError) as exc:
        return _seat_page(exam_session_id, registration_id, reading.message_of(exc))
    done = _("文件已读取，还没有改动任何答案，请核对后导入") if is_new else _("这个文件已经导入过，没有任何改动")
    return redirect_with_message(address, done, "info")


@bp.get("/rescue-files/<uuid:rescue_file_id>")
@requires(Permission.SESSION_INVIGILATE)
def detail(rescue_file_id: uuid.UUID) -> Page:
    """Show what a file would change, or what became of it."""
    actor, session = current_actor(), db.session()
    preview = rescue.preview(session, rescue_file_id, actor=actor, at=now())
    attempt = session.get_one(Attempt, preview.file.attempt_id)
    counts = preview.counts if preview.file.state is RescueState.UPLOADED else preview.file.outcome
    page = RescueFilePage(
        preview=preview,
        seat=attempts_repository.get_seat(session, standby.owner_of(session, attempt), actor=actor),
        badge=_badge(preview.file.state),
        lines=[
            (
                place,
                reading.local(event.answered_at).replace("T", " "),
                (_(VERDICT_LABELS[verdict]), VERDICT_KINDS[verdict]),
            )
            for place, event, verdict in preview.lines
        ],
        counts=[(_(VERDICT_LABELS[verdict]), counts.get(verdict.value, 0)) for verdict in Verdict],
        may_decide=preview.file.state is RescueState.HELD and actor.may(Permission.SESSION_CONTROL),
        is_own=preview.file.imported_by == actor.user_id,
    )
    return render_page("exam_delivery/rescue/detail.html", page)


@bp.post("/rescue-files/<uuid:rescue_file_id>/import")
@requires(Permission.SESSION_INVIGILATE)
def import_file(rescue_file_id: uuid.UUID) -> Response:
    """Merge a file."""
    here = url_for("rescue.detail", rescue_file_id=rescue_file_id)
    done = _("应急文件已导入；重复导入不会有任何改变")
    return reading.carry_out(here, done, lambda uow: rescue.import_file(uow, rescue_file_id))


@bp.post("/rescue-files/<uuid:rescue_file_id>/decision")
@requires(Permission.SESSION_CONTROL)
def decide(rescue_file_id: uuid.UUID) -> Response:
    """Let late answers count, or not."""
    does_count = reading.text("decision") == "count"
    reason = reading.text("reason" if does_count else "reason_left_out")
    here = url_for("rescue.detail", rescue_file_id=rescue_file_id)

    def verb(uow: UnitOfWork) -> RescueFile:
        return rescue.decide(uow, rescue_file_id, does_count=does_count, reason=reason)

    return reading.carry_out(here, _("已计入迟到的答案") if does_count else _("迟到的答案不计入，仍然保存"), verb)
