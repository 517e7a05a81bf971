"""The room as the console shows it: every candidate with a state, and counters."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from exam_delivery.models import ExamBatch, ExamSession, Incident
from exam_delivery.repository import attempts as repository
from exam_delivery.repository import leaving, lockdown, planning
from exam_delivery.repository.attempts import AssignedRoom, SeatRow
from exam_delivery.repository.leaving import Leaves
from exam_delivery.rules.room import LAST_ISSUE, RANKS, SeatFacts, SeatState, natural, seat_state
from exam_delivery.rules.room_acts import Act, acts_for
from exam_delivery.services import recusal
from exam_delivery.services.reach import check_seat_in_reach, rooms_in_reach
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission

BEFORE, AFTER = timedelta(hours=36), timedelta(hours=36)
AT_WORK = frozenset({SeatState.WORKING, SeatState.OFFLINE, SeatState.LEFT_PAGE, SeatState.PAUSED, SeatState.LOCKED})
NO_LEAVES = Leaves()
PRESENT = AT_WORK | {SeatState.CHECKED_IN, SeatState.SIGNED_IN, SeatState.WAITING, SeatState.SUBMITTED}


@dataclass(frozen=True, slots=True)
class Seat:
    """One candidate with the state at a moment."""

    row: SeatRow
    state: SeatState
    n_takeovers: int
    leaves: Leaves = NO_LEAVES
    is_exempt: bool = False
    is_restarted: bool = False

    @property
    def rank(self) -> int:
        """Place in the list: problems first; somebody who moved to another device comes right after them."""
        is_odd = self.n_takeovers and self.state is SeatState.WORKING
        return RANKS[SeatState.UNPREPARED] if is_odd else RANKS[self.state]

    @property
    def is_issue(self) -> bool:
        """Whether this candidate waits for an invigilator."""
        return self.rank <= LAST_ISSUE


@dataclass(frozen=True, slots=True)
class Counters:
    """The big numbers: expected, present, writing, offline, handed in, absent, and who waits for an invigilator."""

    n_expected: int
    n_present: int
    n_working: int
    n_offline: int
    n_submitted: int
    n_absent: int
    n_issues: int = 0


@dataclass(frozen=True, slots=True)
class RoomView:
    """What one person sees of a session at a moment."""

    sitting: ExamSession
    batch: ExamBatch
    rooms: Sequence[AssignedRoom]
    room_id: uuid.UUID | None
    seats: Sequence[Seat]
    counters: Counters
    at: datetime
    is_locked_down: bool = False

    @property
    def attempt_ids(self) -> list[uuid.UUID]:
        """The attempts in view."""
        return [seat.row.attempt_id for seat in self.seats if seat.row.attempt_id]


def list_sessions(session: Session, *, actor: Actor, at: datetime) -> list[tuple[ExamSession, ExamBatch, int]]:
    """Return the sessions around now in which the actor looks after a room, with the number of these rooms."""
    require(actor, Permission.SESSION_INVIGILATE)
    found = repository.list_current_sessions(session, since=at - BEFORE, until=at + AFTER, actor=actor)
    counted = [(one, batch, len(rooms_in_reach(session, one.exam_session_id, actor=actor))) for one, batch in found]
    return [entry for entry in counted if entry[2]]


def view_room(
    session: Session,
    exam_session_id: uuid.UUID,
    *,
    room_id: uuid.UUID | None,
    actor: Actor,
    at: datetime,
    is_poll: bool = False,
) -> RoomView:
    """Return a session's rooms in the actor's reach, or one of them; a room out of reach does not exist.

    A poll names nobody, so it does not look for relations between staff and candidates again: the page it refreshes did.
    """
    require(actor, Permission.SESSION_INVIGILATE)
    sitting = planning.get_session(session, exam_session_id, actor=actor)
    rooms = sorted(rooms_in_reach(session, exam_session_id, actor=actor), key=lambda room: natural(room.name))
    keys = {room.exam_room_id for room in rooms} & ({room_id} if room_id else {r.exam_room_id for r in rooms})
    if not keys:
        raise NotFoundError(N_("您没有被安排在这场考试监考，请联系考务管理员"))
    if not is_poll:
        recusal.check_console(session, actor, sitting, keys)
    seats = _seats(session, exam_session_id, keys, actor=actor, at=at)
    batch = planning.get_batch(session, sitting.exam_batch_id, actor=actor)
    is_locked = lockdown.is_locked_down(session, exam_session_id, actor=actor)
    return RoomView(sitting, batch, rooms, room_id, seats, count_seats(seats), at, is_locked)


def _seats(
    session: Session, exam_session_id: uuid.UUID, room_ids: Collection[uuid.UUID], *, actor: Actor, at: datetime
) -> list[Seat]:
    takeovers = repository.count_incidents(session, exam_session_id, "takeover")
    rows = repository.list_seats(session, exam_session_id, room_ids=room_ids, actor=actor)
    leaves = leaving.leaves_of_session(session, exam_session_id)
    exempt = lockdown.exempt_seats(session, exam_session_id, actor=actor)
    restarted = repository.count_incidents(session, exam_session_id, "restart")
    seats = [
        _seat(row, at, takeovers, leaves, is_exempt=_is_exempt(row, exempt), is_restarted=row.attempt_id in restarted)
        for row in rows
    ]
    order = {name: natural(name) for name in {seat.row.room_name or "" for seat in seats}}
    return sorted(seats, key=lambda seat: (seat.rank, order[seat.row.room_name or ""], seat.row.seat_number or 0))


def _seat(
    row: SeatRow,
    at: datetime,
    takeovers: Mapping[uuid.UUID, int],
    leaves: Mapping[uuid.UUID, Leaves],
    *,
    is_exempt: bool,
    is_restarted: bool,
) -> Seat:
    if row.attempt_id is None:
        return Seat(row, state_of(row, at), 0, is_exempt=is_exempt)
    away = leaves.get(row.attempt_id, NO_LEAVES)
    state = state_of(row, at, is_away=away.is_away)
    return Seat(row, state, takeovers.get(row.attempt_id, 0), away, is_exempt, is_restarted)


def _is_exempt(row: SeatRow, exempt: tuple[frozenset[uuid.UUID], frozenset[uuid.UUID]]) -> bool:
    people, rooms = exempt
    return row.registration_id in people or row.exam_room_id in rooms


def state_of(row: SeatRow, at: datetime, *, is_away: bool = False) -> SeatState:
    """Return how a candidate stands at a moment."""
    facts = SeatFacts(
        row.registration_status, row.attempt_status, row.signed_in_at, row.last_contact_at, row.checked_in_at,
        row.refused_at, row.paused_at, row.locked_at, is_away,
    )  # fmt: skip
    return seat_state(facts, at)


def acts_of(seat: Seat) -> frozenset[Act]:
    """Return what can be done with a candidate now."""
    return acts_for(seat.state, submit_kind=seat.row.submit_kind, is_checked_in=seat.row.checked_in_at is not None)


def count_seats(seats: Sequence[Seat]) -> Counters:
    """Return the counters of some seats."""
    n = Counter(seat.state for seat in seats)
    return Counters(
        n_expected=len(seats) - n[SeatState.VOID],
        n_present=sum(n[state] for state in PRESENT),
        n_working=sum(n[state] for state in AT_WORK),
        n_offline=n[SeatState.OFFLINE],
        n_submitted=n[SeatState.SUBMITTED],
        n_absent=n[SeatState.ABSENT],
        n_issues=sum(seat.is_issue for seat in seats),
    )


def view_seat(
    session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, actor: Actor, at: datetime
) -> tuple[Seat, Sequence[Incident], int]:
    """Return one candidate with what happened and how many minutes were added."""
    require(actor, Permission.SESSION_INVIGILATE)
    check_seat_in_reach(session, exam_session_id, registration_id, actor=actor)
    row = repository.get_seat(session, registration_id, actor=actor)
    if row.attempt_id is None:
        return Seat(row, state_of(row, at), 0), [], 0
    incidents = repository.incidents_of(session, row.attempt_id, actor=actor)
    n_takeovers = sum(one.kind == "takeover" and one.attempt_id == row.attempt_id for one in incidents)
    minutes = repository.extra_minutes(session, [row.attempt_id]).get(row.attempt_id, 0)
    away = leaving.leaves_of_attempt(session, row.attempt_id)
    is_exempt = _is_exempt(row, lockdown.exempt_seats(session, exam_session_id, actor=actor))
    is_restarted = any(incident.kind == "restart" and incident.attempt_id == row.attempt_id for incident in incidents)
    seat = Seat(row, state_of(row, at, is_away=away.is_away), n_takeovers, away, is_exempt, is_restarted)
    return seat, incidents, minutes
