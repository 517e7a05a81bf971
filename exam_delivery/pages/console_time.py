"""More time for a room, the proposal of lost time, and the question before a large addition, which cannot be taken back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from flask import request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession
from exam_delivery.pages import console_lines, reading
from exam_delivery.pages.console import bp, room_address, room_name_of, view_of
from exam_delivery.pages.console_candidate import is_drawer
from exam_delivery.pages.console_lines import LostLine, SeatLine
from exam_delivery.pages.console_room import carry_out_in_room
from exam_delivery.rules.room import MAX_EXTRA_MINUTES
from exam_delivery.rules.room_acts import Act
from exam_delivery.services import attempts, console, extensions, lost_time
from exam_delivery.services.console import RoomView
from exam_delivery.services.extensions import Extension, JustGiven
from exam_delivery.services.room_acts import Why, read_reason
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

Page = tuple[str, int]
MINUTES = "minutes"


def _why() -> Why:
    return read_reason(reading.text("reason"), reading.text("note"))


@dataclass(frozen=True, slots=True)
class ExtensionLine:
    """One candidate's time before and after, as the page writes it; `minutes_field` where each has minutes of their own."""

    seat: str
    name: str
    admission_number: str
    given: int
    proposed: int
    before: str
    after: str
    minutes: int
    minutes_field: str


@dataclass(frozen=True, slots=True)
class SecondLookPage:
    """A large addition, or one that somebody else has just made, waits for a second look; all that was typed goes with it."""

    is_large: bool
    just_given: Sequence[str]
    lines: Sequence[ExtensionLine]
    most: int
    minutes: int | None
    fields: Sequence[tuple[str, str]]
    mark: str
    action: str
    back: str
    is_fragment: bool


def second_look_at(exam_session_id: uuid.UUID, people: Collection[uuid.UUID]) -> Page | None:
    """Ask once more before some candidates are given many minutes, or the same twice by two people; None where there is nothing to ask."""

    def chosen(view: RoomView) -> Mapping[uuid.UUID, int]:
        return {
            seat.row.attempt_id: reading.number(MINUTES) or 0
            for seat in view.seats
            if seat.row.attempt_id and seat.row.registration_id in people
        }

    return _second_look(exam_session_id, chosen)


def _second_look(exam_session_id: uuid.UUID, chosen: Callable[[RoomView], Mapping[uuid.UUID, int]]) -> Page | None:
    if request.form.get("confirmed") == _mark() or not _is_complete():
        return None
    room_id = reading.key(request.values.get("room"))
    view = console.view_room(db.session(), exam_session_id, room_id=room_id, actor=current_actor(), at=now())
    wanted = {key: minutes for key, minutes in chosen(view).items() if 1 <= minutes <= MAX_EXTRA_MINUTES}
    found = extensions.extensions(db.session(), view, wanted, actor=current_actor())
    is_large = bool(found) and extensions.needs_a_second_look(found)
    just = extensions.just_given(db.session(), found, view.at, actor=current_actor())
    if not is_large and not just:
        return None
    page = SecondLookPage(
        is_large=is_large, just_given=[_just_given_text(one) for one in just],
        lines=[_line(one, view.at) for one in found], most=max(one.minutes for one in found),
        minutes=reading.number(MINUTES), fields=_kept_fields(), mark=_mark(), action=request.full_path,
        back=room_address(exam_session_id), is_fragment=is_drawer(),
    )  # fmt: skip
    return render_page("exam_delivery/console/second_look.html", page)


def _just_given_text(one: JustGiven) -> str:
    clock = console_lines.clock_text(one.at)
    return str(
        _("%(name)s 在 %(clock)s 刚给其中 %(n)s 人延时 %(minutes)s 分钟", name=one.name, clock=clock, n=one.n_candidates, minutes=one.minutes)
    )  # fmt: skip


def _is_complete() -> bool:
    """Say whether the reason is there; where it is not, the act refuses by itself."""
    try:
        return bool(_why())
    except InvalidInputError:
        return False


def _mark() -> str:
    """Return what stands for the minutes asked for: who changes them is asked again."""
    typed = sorted(f"{name}={value}" for name, value in request.form.items() if name.startswith(MINUTES))
    return sha256("\n".join(typed).encode()).hexdigest()[:16]


def _kept_fields() -> list[tuple[str, str]]:
    """Return the fields that the question hands on unseen."""
    dropped = {"csrf_token", "confirmed"}
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in dropped and not name.startswith(MINUTES)
    ]


def _line(one: Extension, at: datetime) -> ExtensionLine:
    row = one.seat.row
    name = f"{MINUTES}-{row.attempt_id}"
    return ExtensionLine(
        seat=console_lines.seat_text(row.seat_number), name=row.name, admission_number=row.admission_number or "—",
        given=one.lost.given_minutes, proposed=one.lost.minutes, before=console_lines.clock_text(row.deadline_at),
        after=_end_text(one, at), minutes=one.minutes, minutes_field=name if name in request.form else "",
    )  # fmt: skip


def _end_text(one: Extension, at: datetime) -> str:
    if one.after is None:
        return str(_("开始作答后最多 %(n)s 分钟", n=one.whole_minutes))
    zone = reading.zone()
    is_today = one.after.astimezone(zone).date() == at.astimezone(zone).date()
    clock = console_lines.clock_text(one.after)
    return clock if is_today else f"{one.after.astimezone(zone):%m-%d} {clock}"


@bp.post("/<uuid:exam_session_id>/add-time")
@requires(Permission.SESSION_INVIGILATE)
def add_time(exam_session_id: uuid.UUID) -> Page | Response:
    """Give more time to a room, or to all rooms in reach."""
    room_id = reading.key(request.form.get("room"))
    minutes = reading.number(MINUTES) or 0
    if second_look := _second_look(exam_session_id, lambda view: dict.fromkeys(view.attempt_ids, minutes)):
        return second_look

    def verb(uow: UnitOfWork) -> int:
        n = attempts.add_time(uow, exam_session_id, minutes=minutes, why=_why(), room_id=room_id)
        if not n:
            raise ConflictError(N_("没有可以延时的考生：都已交卷或缺考，或考场已签字"))
        return n

    return carry_out_in_room(exam_session_id, Act.ADD_TIME, lambda n: str(_("已为 %(n)s 名考生延时", n=n)), verb)


@dataclass(frozen=True, slots=True)
class LostTimePage:
    """Who lost how much time, and what is proposed."""

    sitting: ExamSession
    room_id: uuid.UUID | None
    room_name: str
    rows: Sequence[tuple[SeatLine, uuid.UUID, LostLine]]
    reasons: Sequence[tuple[str, str]]
    back: str


@bp.get("/<uuid:exam_session_id>/lost-time")
@requires(Permission.SESSION_INVIGILATE)
def lost_time_page(exam_session_id: uuid.UUID) -> Page:
    """Show what each candidate lost while the page made no contact, and propose minutes."""
    view = view_of(exam_session_id)
    rows = [
        (console_lines.line_of(exam_session_id, seat), seat.row.attempt_id, console_lines.lost_line(lost))
        for seat, lost in lost_time.proposals(db.session(), view)
        if seat.row.attempt_id
    ]
    back = url_for("console.room", exam_session_id=exam_session_id, room=view.room_id)
    page = LostTimePage(view.sitting, view.room_id, room_name_of(view), rows, console_lines.reasons(), back)
    return render_page("exam_delivery/console/lost_time.html", page)


@bp.post("/<uuid:exam_session_id>/lost-time")
@requires(Permission.SESSION_INVIGILATE)
def give_back(exam_session_id: uuid.UUID) -> Page | Response:
    """Give the chosen candidates the minutes that stand beside them."""
    chosen = {key: reading.number(f"{MINUTES}-{key}") or 0 for key in reading.keys("selected")}
    if second_look := _second_look(exam_session_id, lambda _view: chosen):
        return second_look

    def verb(uow: UnitOfWork) -> int:
        if not chosen:
            raise InvalidInputError(N_("请选择要补时的考生"))
        return lost_time.give_back(uow, exam_session_id, chosen, why=_why())

    return reading.carry_out(room_address(exam_session_id), lambda n: _("已为 %(n)s 名考生延时", n=n), verb)
