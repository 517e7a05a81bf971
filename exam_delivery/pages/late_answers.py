"""迟到的答案: who has answers that arrived after the end, what they are about, and what two people decide."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession, LateDecision, SessionStatus
from exam_delivery.pages import console_lines, reading
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository.attempts import SeatRow
from exam_delivery.rules.late_answers import STANDING_LABELS, STATE_LABELS, LateState, Standing
from exam_delivery.rules.merging import Number
from exam_delivery.services import late_answers as service
from exam_delivery.services.late_answers import LateLine, LateSeat
from exam_delivery.services.room_acts import read_reason
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("late_answers", __name__, url_prefix="/console")
Page = tuple[str, int]
Badge = tuple[str, str]
SECONDS = "%Y-%m-%d %H:%M:%S"
STANDING_KINDS = {
    Standing.OPEN: "warning", Standing.PROPOSED: "info", Standing.COUNTED: "success", Standing.LEFT_OUT: "neutral",
    Standing.BY_RULE: "neutral", Standing.SETTLED: "neutral",
}  # fmt: skip
STATE_KINDS = {
    LateState.PROPOSED: "info", LateState.COUNTED: "success", LateState.LEFT_OUT: "neutral", LateState.DECLINED: "danger",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeatEntry:
    """One candidate of the list."""

    seat: SeatRow
    href: str
    badge: Badge
    n_answers: int
    longest: str


@dataclass(frozen=True, slots=True)
class LateListPage:
    """Everybody of a session who has late answers, those that wait first."""

    sitting: ExamSession
    entries: Sequence[SeatEntry]
    n_undecided: int


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One late answer as the page shows it."""

    value: str
    place: int
    given: str
    received: str
    after: str
    before: str
    badge: Badge
    may_choose: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One proposal and what became of it."""

    row: LateDecision
    badge: Badge
    wanted: str
    places: str
    proposer: str
    decider: str


@dataclass(frozen=True, slots=True)
class LateSeatPage:
    """The late answers of one candidate, the form of a proposal and the proposal that waits."""

    found: LateSeat
    seat: SeatRow
    lines: Sequence[AnswerLine]
    decisions: Sequence[DecisionLine]
    waiting: DecisionLine | None
    reasons: Sequence[tuple[str, str]]
    is_released: bool
    may_propose: bool
    may_decide: bool
    is_own: bool
    values: Mapping[str, str]
    errors: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Typed:
    """What stood in a form that was refused."""

    values: Mapping[str, str] = field(default_factory=dict)
    chosen: frozenset[str] | None = None
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    status: int = 200


UNTOUCHED = Typed()


@bp.get("/<uuid:exam_session_id>/late-answers")
@requires(Permission.SESSION_INVIGILATE)
def index(exam_session_id: uuid.UUID) -> Page:
    """List who has late answers: in an invigilator's rooms, or all for the chief."""
    sitting, seats = service.list_seats(db.session(), exam_session_id, actor=current_actor())
    entries = [_entry(exam_session_id, row, found) for row, found in seats]
    n_undecided = sum(found.is_undecided for _row, found in seats)
    return render_page("exam_delivery/late_answers/list.html", LateListPage(sitting, entries, n_undecided))


def _entry(exam_session_id: uuid.UUID, row: SeatRow, found: LateSeat) -> SeatEntry:
    here = url_for("late_answers.seat", exam_session_id=exam_session_id, registration_id=row.registration_id)
    first = next(one for one in Standing if found.counts[one])
    longest = console_lines.length(max(line.seconds for line in found.lines))
    return SeatEntry(row, here, _standing(first), len(found.lines), longest)


def _standing(standing: Standing) -> Badge:
    return _(STANDING_LABELS[standing]), STANDING_KINDS[standing]


@bp.get("/<uuid:exam_session_id>/candidates/<uuid:registration_id>/late-answers")
@requires(Permission.SESSION_INVIGILATE)
def seat(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page:
    """Show the late answers of one candidate: places and times, never what they say."""
    return _seat_page(exam_session_id, registration_id)


def _seat_page(exam_session_id: uuid.UUID, registration_id: uuid.UUID, typed: Typed = UNTOUCHED) -> Page:
    actor, session = current_actor(), db.session()
    found = service.view_seat(session, exam_session_id, registration_id, actor=actor)
    is_released = found.sitting.status is SessionStatus.RELEASED
    people = {key for one in found.decisions for key in (one.proposed_by, one.decided_by) if key}
    names = attempts_repository.names_of(session, people)
    decisions = [_decision(one, found.lines, names) for one in found.decisions]
    waiting = next((one for one in decisions if one.row.state is LateState.PROPOSED), None)
    may_propose = found.has_ended and not is_released and waiting is None and found.counts[Standing.OPEN] > 0
    page = LateSeatPage(
        found=found,
        seat=attempts_repository.get_seat(session, registration_id, actor=actor),
        lines=[_line(line, typed, may_propose=may_propose) for line in found.lines],
        decisions=decisions,
        waiting=waiting,
        reasons=console_lines.reasons(),
        is_released=is_released,
        may_propose=may_propose,
        may_decide=waiting is not None and not is_released and actor.may(Permission.SESSION_CONTROL),
        is_own=waiting is not None and waiting.row.proposed_by == actor.user_id,
        values=typed.values,
        errors=typed.errors,
    )
    return render_page("exam_delivery/late_answers/seat.html", page, status=typed.status)


def _line(line: LateLine, typed: Typed, *, may_propose: bool) -> AnswerLine:
    value = "-".join(map(str, line.late.answer.number))
    return AnswerLine(
        value=value,
        place=line.place,
        given=_client_clock(line.late.answer.client_time),
        received=_clock(line.late.received_at),
        after=console_lines.length(line.seconds),
        before=_("已作答") if line.had_answer else _("未作答"),
        badge=_standing(line.standing),
        may_choose=may_propose and line.standing is Standing.OPEN,
        is_chosen=typed.chosen is None or value in typed.chosen,
    )


def _clock(moment: datetime) -> str:
    return moment.astimezone(reading.zone()).strftime(SECONDS)


def _client_clock(told: str) -> str:
    """Return the time that the candidate's computer told; it is whatever a page sends."""
    try:
        moment = datetime.fromisoformat(told)
        return _clock(moment) if moment.tzinfo else "—"
    except (ValueError, OverflowError):
        return "—"


def _decision(row: LateDecision, lines: Sequence[LateLine], names: Mapping[uuid.UUID, str]) -> DecisionLine:
    numbers = {tuple(one) for one in row.answers}
    places = sorted({line.place for line in lines if line.late.answer.number in numbers})
    return DecisionLine(
        row=row,
        badge=(_(STATE_LABELS[row.state]), STATE_KINDS[row.state]),
        wanted=_("计入") if row.does_count else _("不计入"),
        places="、".join(map(str, places)),
        proposer=names.get(row.proposed_by, ""),
        decider=names.get(row.decided_by, "") if row.decided_by else "",
    )


@bp.post("/<uuid:exam_session_id>/candidates/<uuid:registration_id>/late-answers")
@requires(Permission.SESSION_INVIGILATE)
def propose(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page | Response:
    """Propose to let the chosen answers count, or not."""
    try:
        wanted = _wanted(reading.text("decision"))
        why = read_reason(reading.text("reason"), reading.text("note"))
        with unit_of_work(current_actor()) as uow:
            service.propose(uow, exam_session_id, registration_id, numbers=_numbers(), does_count=wanted, why=why)
    except (ConflictError, InvalidInputError) as exc:
        status = 422 if isinstance(exc, InvalidInputError) else 409
        chosen = frozenset(request.form.getlist("answer"))
        typed = Typed(request.form.to_dict(), chosen, reading.field_errors(exc), status)
        return _seat_page(exam_session_id, registration_id, typed)
    here = url_for("late_answers.seat", exam_session_id=exam_session_id, registration_id=registration_id)
    return redirect_with_message(here, _("已提出，须由另一名总控人员确认后生效"))


def _wanted(decision: str) -> bool:
    if decision not in {"count", "leave"}:
        message = N_("请选择计入或不计入")
        raise InvalidInputError(message, fields={"decision": [message]})
    return decision == "count"


def _numbers() -> list[Number]:
    """Return the chosen answers; nonsense becomes an answer that nobody gave."""
    found = []
    for value in request.form.getlist("answer"):
        slot, _dash, seq = value.partition("-")
        is_number = slot.isascii() and slot.isdigit() and seq.isascii() and seq.isdigit() and len(value) < 30
        found.append((int(slot), int(seq)) if is_number else (0, 0))
    return found


@bp.post("/<uuid:exam_session_id>/candidates/<uuid:registration_id>/late-answers/<uuid:late_decision_id>/decision")
@requires(Permission.SESSION_CONTROL)
def decide(exam_session_id: uuid.UUID, registration_id: uuid.UUID, late_decision_id: uuid.UUID) -> Response:
    """Confirm or decline a proposal."""
    confirms = reading.text("decision") == "confirm"
    reason = reading.text("reason" if confirms else "reason_declined")
    here = url_for("late_answers.seat", exam_session_id=exam_session_id, registration_id=registration_id)

    def verb(uow: UnitOfWork) -> LateDecision:
        return service.decide(uow, late_decision_id, confirms=confirms, reason=reason)

    return reading.carry_out(here, _("已确认") if confirms else _("已驳回，可以另行提出"), verb)
