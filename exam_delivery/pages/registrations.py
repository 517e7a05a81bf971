"""People of a batch: roster upload with preview, photos, one number shown at a time, voiding."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from markupsafe import escape
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamSession, RosterUpload, SessionStatus
from exam_delivery.pages import reading
from exam_delivery.pages.lists import PEOPLE, PersonLine
from exam_delivery.repository import candidates, planning
from exam_delivery.repository.candidates import PeopleFilter
from exam_delivery.services import photos, registrations, rosters, seat_seal
from exam_delivery.services.reach import SEE_ALL
from exam_delivery.services.rosters import RosterPreview
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import (
    Paging,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
    uploaded_file,
)
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.identity.permissions import Permission
from kernel.spreadsheets import TableSheet, read_table, write_table
from kernel.uow import unit_of_work

bp = Blueprint("registrations", __name__)
Page = tuple[str, int]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN_BAD = 200
SHOWN_VALID = 20


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """The people of a batch."""

    listing: Listing[PersonLine]
    batch: ExamBatch
    lines: Sequence[PersonLine]
    q: str
    only_unassigned: bool
    lacks_photo: bool
    paging: Paging
    href: Callable[[int], str]
    may_write: bool
    may_reveal: bool


@dataclass(frozen=True, slots=True)
class RosterFormPage:
    """Where a roster is uploaded."""

    batch: ExamBatch
    sessions: Sequence[ExamSession]
    chosen: str
    error: str


@dataclass(frozen=True, slots=True)
class RosterPreviewPage:
    """A roster before it is imported."""

    batch: ExamBatch
    upload: RosterUpload
    preview: RosterPreview
    session: ExamSession | None
    translated: Callable[..., str]
    n_shown_bad: int
    n_shown_valid: int


@bp.get("/exam-batches/<uuid:exam_batch_id>/people")
@requires(*SEE_ALL)
def people(exam_batch_id: uuid.UUID) -> Page | Response:
    """List the people of a batch."""
    listing, paging = open_list(PEOPLE), paging_from_request()
    if away := begin_with_view(listing):
        return away
    actor, session = current_actor(), db.session()
    batch = planning.get_batch(session, exam_batch_id, actor=actor)
    lines, total = _lines(session, listing, exam_batch_id, paging)
    wanted = _wanted(exam_batch_id)
    page = PeoplePage(
        listing=listing, batch=batch, lines=lines, q=wanted.text, only_unassigned=wanted.without_session,
        lacks_photo=wanted.without_photo,
        paging=paging.of(total),
        href=reading.page_link("registrations.people", exam_batch_id=exam_batch_id),
        may_write=actor.may(Permission.SESSION_WRITE), may_reveal=actor.may(Permission.PERSONAL_DATA_REVEAL),
    )  # fmt: skip
    return render_page("exam_delivery/people/list.html", page)


def _wanted(exam_batch_id: uuid.UUID) -> PeopleFilter:
    args = request.args
    return PeopleFilter(
        exam_batch_id, text=args.get("q", "").strip(), without_session=args.get("session") == "none",
        without_photo=args.get("photo") == "none",
    )  # fmt: skip


def _lines(
    session: Session, listing: Listing[PersonLine], exam_batch_id: uuid.UUID, paging: Paging
) -> tuple[list[PersonLine], int]:
    actor = current_actor()
    entries, total = candidates.list_registrations(
        session, actor=actor, wanted=_wanted(exam_batch_id), order=listing.order, page=paging.page,
        per_page=paging.per_page,
    )  # fmt: skip
    known = {row.exam_session_id: row for row in planning.sessions_of_batch(session, exam_batch_id, actor=actor)}
    sealed = {key for key, row in known.items() if seat_seal.is_sealed(row)}
    lines = [
        PersonLine(
            registration, person, room,
            known.get(registration.exam_session_id) if registration.exam_session_id else None,
            registration.exam_session_id in sealed,
        )
        for registration, person, room in entries
    ]  # fmt: skip
    return lines, total


@bp.post("/exam-batches/<uuid:exam_batch_id>/people/shown")
@requires(*SEE_ALL)
def export_people(exam_batch_id: uuid.UUID) -> Response:
    """Download the people of a batch with the columns, filters and order that are shown, numbers masked."""
    listing = open_list(PEOPLE)
    planning.get_batch(db.session(), exam_batch_id, actor=current_actor())
    return send_list(
        listing, lambda: _lines(db.session(), listing, exam_batch_id, EVERYTHING), {"batch": str(exam_batch_id)}
    )


@bp.get("/exam-batches/<uuid:exam_batch_id>/roster")
@requires(Permission.SESSION_WRITE)
def roster(exam_batch_id: uuid.UUID) -> Page:
    """Show the upload of a roster."""
    return _roster_form(exam_batch_id, request.args.get("session", ""), "")


def _roster_form(exam_batch_id: uuid.UUID, chosen: str, error: str) -> Page:
    actor, session = current_actor(), db.session()
    batch = planning.get_batch(session, exam_batch_id, actor=actor)
    known = planning.sessions_of_batch(session, exam_batch_id, actor=actor)
    planned = [row for row in known if row.status is SessionStatus.PLANNED]
    chosen = chosen or (str(planned[0].exam_session_id) if len(planned) == 1 else "")
    page = RosterFormPage(batch, planned, chosen, error)
    return render_page("exam_delivery/people/roster.html", page, status=422 if error else 200)


@bp.get("/roster-template.xlsx")
@requires(Permission.SESSION_READ)
def template() -> Response:
    """Download the roster template."""
    name = _("考生名单模板") + ".xlsx"
    return send_file(io.BytesIO(rosters.template_file()), mimetype=XLSX, as_attachment=True, download_name=name)


@bp.post("/exam-batches/<uuid:exam_batch_id>/roster")
@requires(Permission.SESSION_WRITE)
def upload_roster(exam_batch_id: uuid.UUID) -> Page | Response:
    """Take a roster and show its preview."""
    chosen = reading.text("exam_session_id")
    try:
        file = uploaded_file()
        sheets = read_table(file.data)  # before the transaction: nobody waits for a slow file
        with unit_of_work(current_actor()) as uow:
            upload = rosters.upload_roster(
                uow, exam_batch_id, file.data, file_name=file.name, exam_session_id=reading.key(chosen), sheets=sheets
            )
    except (ConflictError, InvalidInputError) as exc:
        return _roster_form(exam_batch_id, chosen, reading.message_of(exc))
    return redirect_with_message(
        url_for("registrations.preview", roster_upload_id=upload.roster_upload_id),
        _("名单已读取，请核对后导入"),
        "info",
    )


@bp.get("/roster-uploads/<uuid:roster_upload_id>")
@requires(Permission.SESSION_WRITE)
def preview(roster_upload_id: uuid.UUID) -> Page:
    """Show a roster row by row before anything is stored."""
    actor, session = current_actor(), db.session()
    upload = candidates.get_roster_upload(session, roster_upload_id, actor=actor)
    target = planning.get_session(session, upload.exam_session_id, actor=actor) if upload.exam_session_id else None
    page = RosterPreviewPage(
        batch=planning.get_batch(session, upload.exam_batch_id, actor=actor), upload=upload,
        preview=rosters.preview_upload(session, actor, upload), session=target, translated=reading.translated,
        n_shown_bad=SHOWN_BAD, n_shown_valid=SHOWN_VALID,
    )  # fmt: skip
    return render_page("exam_delivery/people/preview.html", page)


@bp.get("/roster-uploads/<uuid:roster_upload_id>/problems.xlsx")
@requires(Permission.SESSION_WRITE)
def problems(roster_upload_id: uuid.UUID) -> Response:
    """Download every row that must be mended with what is wrong in it, for those who sent the roster."""
    upload = candidates.get_roster_upload(db.session(), roster_upload_id, actor=current_actor())
    preview = rosters.preview_upload(db.session(), current_actor(), upload)
    lines = [
        (str(row.number), row.name, row.masked, problem.column, reading.translated(problem.message, problem.params))
        for row in preview.bad
        for problem in row.problems
    ]
    heads = (_("行"), _("姓名"), _("证件号码"), _("列"), _("问题和改法"))
    body = write_table([TableSheet(_("需要改正的行"), heads, lines, widths=(8, 14, 24, 18, 90))])
    name = _("需要改正的行") + f"-{upload.file_name.rpartition('.')[0][:60]}.xlsx"
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=name)


@bp.post("/roster-uploads/<uuid:roster_upload_id>/import")
@requires(Permission.SESSION_WRITE)
def import_roster(roster_upload_id: uuid.UUID) -> Response:
    """Import a roster: its valid rows, or nobody."""
    only_valid = reading.text("mode") == "valid"
    try:
        with unit_of_work(current_actor()) as uow:
            upload = candidates.get_roster_upload(uow.session, roster_upload_id, actor=uow.actor)
            n = rosters.import_roster(uow, upload, only_valid=only_valid)
            target, batch_id = upload.exam_session_id, upload.exam_batch_id
    except ConflictError as exc:
        here = url_for("registrations.preview", roster_upload_id=roster_upload_id)
        return redirect_with_message(here, reading.message_of(exc), "danger")
    if target:
        address = url_for("exam_sessions.people", exam_session_id=target)
    else:
        address = url_for("registrations.people", exam_batch_id=batch_id)
    return redirect_with_message(address, _("已导入 %(n)s 名考生", n=n))


@bp.post("/roster-uploads/<uuid:roster_upload_id>/discard")
@requires(Permission.SESSION_WRITE)
def discard_roster(roster_upload_id: uuid.UUID) -> Response:
    """Forget an uploaded roster."""
    with unit_of_work(current_actor()) as uow:
        upload = candidates.get_roster_upload(uow.session, roster_upload_id, actor=uow.actor)
        rosters.discard_roster(uow, upload)
        batch_id = upload.exam_batch_id
    return redirect_with_message(
        url_for("registrations.roster", exam_batch_id=batch_id), _("已放弃，没有导入任何人"), "info"
    )


@bp.post("/exam-batches/<uuid:exam_batch_id>/photos")
@requires(Permission.SESSION_WRITE)
def import_photos(exam_batch_id: uuid.UUID) -> Response:
    """Store photos from a zip."""
    back = url_for("registrations.people", exam_batch_id=exam_batch_id)
    try:
        files = photos.unpack(uploaded_file().data)
        with unit_of_work(current_actor()) as uow:
            report = photos.import_photos(uow, exam_batch_id, files)
    except InvalidInputError as exc:
        return redirect_with_message(back, reading.message_of(exc), "danger")
    if report.unknown or report.unusable:
        names = "、".join([*report.unknown, *report.unusable][:20])
        text = _("已保存 %(n)s 张照片；%(bad)s 个文件没有用上：%(names)s", n=report.n_stored,
                 bad=len(report.unknown) + len(report.unusable), names=names)  # fmt: skip
        return redirect_with_message(back, text, "warning")
    return redirect_with_message(back, _("已保存 %(n)s 张照片", n=report.n_stored))


@bp.post("/candidates/<uuid:candidate_id>/reveal")
@requires(Permission.PERSONAL_DATA_REVEAL, repeatable=True)
def reveal(candidate_id: uuid.UUID) -> str:
    """Answer the fragment with one plain number; the look is audited."""
    with unit_of_work(current_actor()) as uow:
        number = registrations.reveal_number(uow, candidate_id)
    return f'<span class="number">{escape(number)}</span>'


@bp.post("/registrations/<uuid:registration_id>/void")
@requires(Permission.SESSION_WRITE)
def void(registration_id: uuid.UUID) -> Response:
    """Void a person's examination."""
    return reading.carry_out(
        _back(), _("已取消此人成绩"),
        lambda uow: registrations.void_registration(uow, registration_id, reason=reading.text("reason")),
    )  # fmt: skip


@bp.post("/registrations/<uuid:registration_id>/restore")
@requires(Permission.SESSION_WRITE)
def restore(registration_id: uuid.UUID) -> Response:
    """Take back a void."""
    return reading.carry_out(
        _back(), _("已恢复此人成绩"),
        lambda uow: registrations.restore_registration(uow, registration_id, reason=reading.text("reason")),
    )  # fmt: skip


@bp.post("/registrations/<uuid:registration_id>/leave")
@requires(Permission.SESSION_WRITE)
def leave(registration_id: uuid.UUID) -> Response:
    """Take a person out of a session."""
    return reading.carry_out(
        _back(), _("已移出场次"), lambda uow: registrations.leave_session(uow, registration_id)
    )  # fmt: skip


@bp.post("/registrations/<uuid:registration_id>/delete")
@requires(Permission.SESSION_WRITE)
def delete(registration_id: uuid.UUID) -> Response:
    """Delete a registration."""
    return reading.carry_out(
        _back(), _("已删除报名"), lambda uow: registrations.delete_registration(uow, registration_id)
    )  # fmt: skip


def _back() -> str:
    """Return the page of ours that the form names, else the batches."""
    target = reading.text("back")
    is_ours = target.startswith(("/exam-", "/scores/")) and "\\" not in target
    return target if is_ours else url_for("exam_batches.index")
