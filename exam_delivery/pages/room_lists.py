"""Making many rooms in the browser: a run of names or a table, looked at before anything is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.pages import reading
from exam_delivery.rules import keys
from exam_delivery.rules.room_lists import RoomLine, RoomRun, lines_of_run, read_rows, rows_of_text
from exam_delivery.services import room_lists
from exam_delivery.services.room_lists import JudgedRoom
from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.spreadsheets import TableLimits, read_table
from kernel.uow import unit_of_work

bp = Blueprint("room_lists", __name__, url_prefix="/exam-rooms/many")
Page = tuple[str, int]
LIMITS = TableLimits(n_bytes=2_000_000)


@dataclass(frozen=True, slots=True)
class ManyRoomsPage:
    """The two ways to name many rooms."""

    run: RoomRun
    typed: str
    limit: int
    errors: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class RoomsPreviewPage:
    """Rooms before they are made."""

    rows: Sequence[JudgedRoom]
    n_bad: int
    n_seats: int
    lines: str
    error: str
    translated: Callable[[str, Mapping[str, object]], str]


@bp.get("/")
@requires(Permission.SESSION_WRITE)
def form() -> Page:
    """Show the form; ``?like=`` begins with a copy of a room."""
    actor, session = current_actor(), db.session()
    like = reading.key(request.args.get("like"))
    run = room_lists.run_after(session, actor, like) if like else room_lists.first_run(session, actor)
    return _form(run, "", {})


def _form(run: RoomRun, typed: str, errors: Mapping[str, Sequence[str]]) -> Page:
    limit = int(profiles.value(db.session(), current_actor().organisation, keys.ROOM_SIZE))
    page = ManyRoomsPage(run, typed, limit, errors)
    return render_page("exam_delivery/rooms/many.html", page, status=422 if errors else 200)


@bp.post("/run")
@requires(Permission.SESSION_WRITE)
def preview_run() -> Page:
    """Show the rooms of a run before they are made."""
    run = RoomRun(
        reading.text("site"), reading.text("first"), reading.number("count"), reading.number("capacity"),
        reading.ticked("is_separate"),
    )  # fmt: skip
    try:
        return _preview(lines_of_run(run))
    except InvalidInputError as exc:
        return _form(run, "", reading.field_errors(exc))


@bp.post("/table")
@requires(Permission.SESSION_WRITE)
def preview_table() -> Page:
    """Show the rooms of a table, pasted or in a file, before they are made."""
    typed = request.form.get("lines", "")
    try:
        return _preview(_table(typed))
    except InvalidInputError as exc:
        run = room_lists.first_run(db.session(), current_actor())
        return _form(run, typed, {"lines": [reading.message_of(exc)]})


def _table(typed: str) -> list[RoomLine]:
    file = request.files.get("file")
    if file is None or not file.filename:
        return read_rows(rows_of_text(typed))
    sheets = read_table(file.stream.read(LIMITS.n_bytes + 1), limits=LIMITS)
    shown = next((sheet for sheet in sheets if not sheet.is_hidden and sheet.rows), None)
    return read_rows(shown.rows if shown else ())


def _preview(lines: Sequence[RoomLine], error: str = "") -> Page:
    rows = room_lists.judge_lines(db.session(), current_actor(), lines)
    page = RoomsPreviewPage(
        rows, sum(bool(one.problems) for one in rows), sum(line.capacity or 0 for line in lines),
        "\n".join(map(_as_text, lines)), error, reading.translated,
    )  # fmt: skip
    return render_page("exam_delivery/rooms/preview.html", page, status=422 if error else 200)


def _as_text(line: RoomLine) -> str:
    return "\t".join((line.site, line.name, str(line.capacity or ""), "是" if line.is_separate else ""))


@bp.post("/")
@requires(Permission.SESSION_WRITE)
def make() -> Page | Response:
    """Make all rooms that were looked at."""
    lines: list[RoomLine] = []
    try:
        lines = read_rows(rows_of_text(request.form.get("lines", "")))
        with unit_of_work(current_actor()) as uow:
            n = room_lists.make_rooms(uow, lines)
    except InvalidInputError as exc:
        if not lines:
            return _form(room_lists.first_run(db.session(), current_actor()), "", {"lines": [reading.message_of(exc)]})
        return _preview(lines, reading.message_of(exc))
    return redirect_with_message(url_for("exam_rooms.rooms"), _("已建立 %(n)s 个考场", n=n))
