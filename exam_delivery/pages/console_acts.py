"""What invigilators do in the room, each act a plain form: with one candidate, with several chosen ones, with a whole room; time for many is `console_time`."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import Incident
from exam_delivery.pages import console_time, reading
from exam_delivery.pages.console import room_address, room_name_of
from exam_delivery.pages.console_candidate import is_drawer, refusal, show_candidate
from exam_delivery.pages.console_room import carry_out_in_room
from exam_delivery.repository import attempts as repository
from exam_delivery.rules.room_acts import FOR_MANY, Act
from exam_delivery.services import admitting, attempts, console, holds, seat_lists
from exam_delivery.services.door_photos import read_no_photo
from exam_delivery.services.room_acts import Why, read_reason
from kernel.clock import now
from kernel.errors import ConflictError, DomainError, InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("console_acts", __name__, url_prefix="/console")
Page = tuple[str, int]
Verb = Callable[[UnitOfWork, uuid.UUID, uuid.UUID], object]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAMED = 8
"""So many people who were left out are named in the message."""


def _why() -> Why:
    return read_reason(reading.text("reason"), reading.text("note"))


def _attempt_of(uow: UnitOfWork, registration_id: uuid.UUID) -> uuid.UUID:
    seat = repository.get_seat(uow.session, registration_id, actor=uow.actor)
    if seat.attempt_id is None:
        raise NotFoundError(N_("考生还没有备卷，请联系考务管理员"))
    return seat.attempt_id


def _add_time(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.add_time(
        uow, sitting, minutes=reading.number("minutes") or 0, why=_why(), attempt_id=_attempt_of(uow, person)
    )


def _with_attempt(verb: Callable[..., object], uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return verb(uow, sitting, _attempt_of(uow, person), why=_why())


def _unlock(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    gives_back = reading.ticked("gives_back")
    return holds.unlock(uow, sitting, _attempt_of(uow, person), why=_why(), gives_back=gives_back)


def _with_person(verb: Callable[..., object], uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return verb(uow, sitting, person, why=_why())


def _move(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return admitting.move(
        uow, sitting, person, exam_room_id=reading.key(reading.text("to_room")),
        seat_number=reading.number("seat_number"), why=_why(),
    )  # fmt: skip


def _check_in(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    without = read_no_photo(reading.text("no_photo"), reading.text("no_photo_note"))
    return admitting.check_in(uow, sitting, person, without=without)


def _swap_device(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return admitting.swap_device(uow, sitting, person, code=reading.text("device"), why=_why())


def _note(uow: UnitOfWork, sitting: uuid.UUID, person: uuid.UUID) -> object:
    return attempts.note_incident(uow, sitting, text=reading.text("text"), attempt_id=_attempt_of(uow, person))


ACTS: Mapping[Act, tuple[Verb, str]] = {
    Act.CHECK_IN: (_check_in, N_("已记录核验入场")),
    Act.UNDO_CHECK_IN: (partial(_with_person, admitting.undo_check_in), N_("已撤销入场核验")),
    Act.REFUSE: (partial(_with_person, admitting.refuse), N_("已记不准入场；核验清楚后可以改为准许入场")),
    Act.ADD_TIME: (_add_time, N_("已延时，考生页面几秒内显示新的截止时间")),
    Act.PAUSE: (partial(_with_attempt, holds.pause), N_("已暂停，考生页面几秒内变为只读，计时停住")),
    Act.RESUME: (partial(_with_attempt, holds.resume), N_("已恢复，暂停的时间已加回截止时间")),
    Act.LOCK: (partial(_with_attempt, holds.lock), N_("已锁定，考生页面几秒内变为只读，计时继续")),
    Act.UNLOCK: (_unlock, N_("已解锁，考生可以继续作答")),
    Act.MOVE: (_move, N_("已换座位；作答中的考生请在新座位重新登录")),
    Act.SWAP_DEVICE: (_swap_device, N_("已换机器；作答中的考生请在新机器上重新登录，答案都在")),
    Act.FORCE_HAND_IN: (partial(_with_attempt, attempts.force_hand_in), N_("已收卷；收错了可以撤销")),
    Act.REOPEN: (partial(_with_attempt, attempts.reopen), N_("已撤销收卷，请考生重新登录继续作答")),
    Act.RESET_SIGN_IN: (
        partial(_with_attempt, attempts.reset_sign_in), N_("已重置登录，考生可在任何一台设备重新登录"),
    ),
    Act.ABSENT: (partial(_with_person, attempts.mark_absent), N_("已记缺考；考生到场可以撤销")),
    Act.PRESENT: (partial(_with_person, attempts.mark_present), N_("已撤销缺考")),
    Act.NOTE: (_note, N_("情况已记录")),
}  # fmt: skip


def _act(name: str) -> Act:
    try:
        return Act(name)
    except ValueError as exc:
        raise NotFoundError(N_("没有这种操作")) from exc


@bp.post("/<uuid:exam_session_id>/candidates/<uuid:registration_id>/<act>")
@requires(Permission.SESSION_INVIGILATE)
def act_on(exam_session_id: uuid.UUID, registration_id: uuid.UUID, act: str) -> Page | Response:
    """Do one act with one candidate; a refusal shows the candidate again with what was typed."""
    chosen = _act(act)
    if chosen is Act.ADD_TIME and (second_look := console_time.second_look_at(exam_session_id, [registration_id])):
        return second_look
    verb, done = ACTS[chosen]
    try:
        with unit_of_work(current_actor()) as uow:
            verb(uow, exam_session_id, registration_id)
    except (ConflictError, InvalidInputError) as exc:
        return show_candidate(exam_session_id, registration_id, refusal(chosen, exc))
    return _leave(_back(exam_session_id), _(done))


def _leave(address: str, message: str) -> Response:
    """Go back to the room with a message; the drawer, which asked by script, is told where to go."""
    response = redirect_with_message(address, message)
    return Response(status=204, headers={"HX-Redirect": response.location or address}) if is_drawer() else response


def _back(exam_session_id: uuid.UUID) -> str:
    """Return the console as it was: the same room, list or seat map."""
    return room_address(exam_session_id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an act with several candidates went."""

    n_done: int
    left_out: Sequence[tuple[str, DomainError]]


@bp.post("/<uuid:exam_session_id>/selected")
@requires(Permission.SESSION_INVIGILATE)
def act_on_many(exam_session_id: uuid.UUID) -> Page | Response:
    """Do one act with the chosen candidates; those for whom it makes no sense are left out and named."""
    act = _act(reading.text("act"))
    people = reading.keys("selected")
    if act is Act.ADD_TIME and (second_look := console_time.second_look_at(exam_session_id, people)):
        return second_look
    return reading.carry_out(_back(exam_session_id), _told, partial(_apply_to_many, act, exam_session_id, people))


@bp.post("/<uuid:exam_session_id>/room-acts/<any('pause','resume'):name>")
@requires(Permission.SESSION_INVIGILATE)
def act_on_room(exam_session_id: uuid.UUID, name: str) -> Page | Response:
    """Pause or resume everybody in the room who can be."""
    act = Act(name)
    return carry_out_in_room(exam_session_id, act, _told, partial(_apply_to_room, act, exam_session_id))


def _apply_to_room(act: Act, exam_session_id: uuid.UUID, uow: UnitOfWork) -> Outcome:
    room_id = reading.key(request.form.get("room"))
    view = console.view_room(uow.session, exam_session_id, room_id=room_id, actor=uow.actor, at=now())
    people = [seat.row.registration_id for seat in view.seats if act in console.acts_of(seat)]
    if not people:
        raise ConflictError(N_("现在没有可以这样处理的考生"))
    return _apply_to_many(act, exam_session_id, people, uow)


def _apply_to_many(act: Act, exam_session_id: uuid.UUID, people: Sequence[uuid.UUID], uow: UnitOfWork) -> Outcome:
    if act not in FOR_MANY or not people:
        raise InvalidInputError(N_("请选择考生和操作"))
    if act is not Act.CHECK_IN:
        _why()  # a missing reason is said once, not for everybody
    n_done, left_out = 0, []
    for person in people:
        try:
            ACTS[act][0](uow, exam_session_id, person)
            n_done += 1
        except ConflictError as exc:
            left_out.append((repository.get_seat(uow.session, person, actor=uow.actor).name, exc))
    if not n_done:  # a refusal: the choice, the reason and the words stay
        raise ConflictError(N_("没有执行，选中的考生都不适用：%(names)s"), names=_named(left_out))
    return Outcome(n_done, left_out)


def _named(left_out: Sequence[tuple[str, DomainError]]) -> str:
    return "、".join(f"{name}（{reading.message_of(exc)}）" for name, exc in left_out[:NAMED])


def _told(outcome: Outcome) -> str:
    done: str = _("已处理 %(n)s 人", n=outcome.n_done)
    if not outcome.left_out:
        return done
    rest: str = _("%(n)s 人未处理：%(names)s", n=len(outcome.left_out), names=_named(outcome.left_out))
    return f"{done}；{rest}"


@bp.post("/<uuid:exam_session_id>/export")
@requires(Permission.SESSION_INVIGILATE)
def export(exam_session_id: uuid.UUID) -> Response:
    """Download the list as it is shown: one room, or all in reach."""
    room_id = reading.key(request.form.get("room"))
    with unit_of_work(current_actor()) as uow:
        view = console.view_room(uow.session, exam_session_id, room_id=room_id, actor=uow.actor, at=now())
        body = seat_lists.export_seats(uow, view)
        name = str(_("%(session)s-%(room)s-考生情况.xlsx", session=view.sitting.name, room=room_name_of(view)))
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=name)


@bp.post("/<uuid:exam_session_id>/notes")
@requires(Permission.SESSION_INVIGILATE)
def note(exam_session_id: uuid.UUID) -> Response:
    """Write down something that concerns the whole room."""

    def verb(uow: UnitOfWork) -> Incident:
        room_id = reading.key(request.form.get("room"))
        return attempts.note_incident(uow, exam_session_id, text=reading.text("text"), room_id=room_id)

    return reading.carry_out(_back(exam_session_id), _("情况已记录"), verb)
