"""Moving the people of a cancelled session to another session of the batch, many at once, and back.

They get new numbers and seats when the other session is arranged. Whoever had an attempt that was never begun keeps it, because what
happened at the door hangs on it, but its form goes: preparation of the other session renders a new one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    Candidate,
    ExamSession,
    Registration,
    SessionChange,
    SessionStatus,
)
from exam_delivery.repository import attempts_planning, planning
from exam_delivery.repository import moving as repository
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.services import personal
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

WAITS = "本场考试正在准备，请等候考务通知"
"""What a page would show that signs in before the other session is prepared; it stands beside the candidate's own language."""
Entry = tuple[Registration, Candidate, Attempt | None]


@dataclass(frozen=True, slots=True)
class Target:
    """A planned session of the batch with its free seats; None where no rooms are chosen yet."""

    session: ExamSession
    n_free: int | None


@dataclass(frozen=True, slots=True)
class MoveView:
    """Who of a cancelled session may be moved and where to, and what was moved."""

    session: ExamSession
    n_movable: int
    n_begun: int
    targets: Sequence[Target]
    moves: Sequence[SessionChange]


@dataclass(frozen=True, slots=True)
class Moved:
    """How many were moved, and who was left out because they sit elsewhere then."""

    n: int
    left_out: Sequence[tuple[str, str]]


def view_move(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> MoveView:
    """Return who may be moved out of a session, and the sessions that can take them."""
    require(actor, Permission.SESSION_WRITE)
    row = planning.get_session(session, exam_session_id, actor=actor)
    people = repository.people_of(session, exam_session_id, actor=actor)
    n_movable = sum(_is_movable(entry) for entry in people)
    known = planning.sessions_of_batch(session, row.exam_batch_id, actor=actor)
    targets = [Target(one, _free_seats(session, one)) for one in known if _can_take(one)]
    moves = repository.moves_from(session, exam_session_id, actor=actor)
    return MoveView(row, n_movable, len(people) - n_movable, targets, moves)


def _is_movable(entry: Entry) -> bool:
    attempt = entry[2]
    return attempt is None or attempt.status is AttemptStatus.WAITING


def _can_take(row: ExamSession) -> bool:
    return row.status is SessionStatus.PLANNED and row.cancelled_at is None and row.starts_at > now()


def _free_seats(session: Session, row: ExamSession) -> int | None:
    n_seats = repository.count_seats(session, row.exam_session_id)
    counts = planning.count_people(session, [row.exam_session_id]).get(row.exam_session_id, SessionCounts())
    return max(0, n_seats - counts.n_admitted) if n_seats else None


def move_people(uow: UnitOfWork, source_id: uuid.UUID, target_id: uuid.UUID) -> Moved:
    """Move everybody of a cancelled session who had not begun to a planned session of the same batch.

    Raises
    ------
    ConflictError
        If the session is not cancelled, the other cannot take people, has too few seats, or nobody is left to move.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    source, target = _lock_both(uow, source_id, target_id)
    if source.cancelled_at is None:
        raise ConflictError(N_("场次没有取消；只有取消的场次可以整场转移考生"))
    if target.exam_batch_id != source.exam_batch_id or not _can_take(target):
        raise ConflictError(N_("只能转到同一批次、还在编排、没有开考的场次"))
    people = [entry for entry in repository.people_of(uow.session, source_id, actor=uow.actor) if _is_movable(entry)]
    busy = repository.busy_then(uow.session, [person.candidate_id for _r, person, _a in people], target)
    movable = [entry for entry in people if entry[1].candidate_id not in busy]
    if not movable:
        raise ConflictError(N_("没有可以转移的考生"))
    free = _free_seats(uow.session, target)
    if free is not None and free < len(movable):
        raise ConflictError(
            N_("“%(name)s”只剩 %(free)s 个座位，要转 %(n)s 人；请先给它增加考场"), name=target.name, free=free,
            n=len(movable),
        )  # fmt: skip
    places = [_place(registration) for registration, _person, _attempt in movable]
    for registration, _person, attempt in movable:
        _put(registration, target.exam_session_id)
        await_form(attempt, target, registration)
    repository.forget_forms(uow.session, [attempt.attempt_id for _r, _p, attempt in movable if attempt])
    _record(uow, source, repository.MOVED, {"to": str(target_id), "name": target.name, "people": places})
    return Moved(
        len(movable),
        [(person.name, busy[person.candidate_id]) for _r, person, _a in people if person.candidate_id in busy],
    )


def _lock_both(uow: UnitOfWork, first: uuid.UUID, second: uuid.UUID) -> tuple[ExamSession, ExamSession]:
    if first == second:
        raise ConflictError(N_("只能转到同一批次、还在编排、没有开考的场次"))
    found = {key: planning.lock_session(uow.session, key, actor=uow.actor) for key in sorted((first, second))}
    return found[first], found[second]


def _place(registration: Registration) -> dict[str, Any]:
    room = registration.exam_room_id
    return {
        "registration": str(registration.registration_id), "number": registration.admission_number,
        "room": str(room) if room else None, "seat": registration.seat_number,
    }  # fmt: skip


def _put(registration: Registration, exam_session_id: uuid.UUID) -> None:
    """Put somebody into a session without number and seat: both come when it is arranged."""
    registration.exam_session_id = exam_session_id
    registration.exam_room_id = registration.seat_number = None
    registration.admission_number = registration.sign_in_index = None
    registration.checked_in_at = registration.refused_at = None


def await_form(attempt: Attempt | None, row: ExamSession, registration: Registration) -> None:
    """Let an attempt that was never begun wait for the form of another session."""
    if attempt is None:
        return
    attempt.exam_session_id = row.exam_session_id
    attempt.signed_in_at = attempt.last_contact_at = attempt.paused_at = None
    attempt.holder_generation, attempt.device = attempt.holder_generation + 1, ""
    attempt.locked_at, attempt.hold_reason = now(), WAITS
    for name, value in attempts_planning.timing(row, registration.time_factor).items():
        setattr(attempt, name, value)


def _record(uow: UnitOfWork, row: ExamSession, kind: str, after: dict[str, Any]) -> None:
    uow.add(
        SessionChange(
            session_change_id=new_id(), organisation_id=row.organisation_id, exam_session_id=row.exam_session_id,
            kind=kind, reason="", before={}, after=after, changed_by=uow.actor.user_id,
            changed_by_name=uow.actor.name[:100], changed_at=now(),
        )
    )  # fmt: skip
    told = {"to": after["to"], "people": len(after["people"])}
    audit.record(uow, f"exam_session.{kind}", "exam_session", row.exam_session_id, after=told)


def move_back(uow: UnitOfWork, source_id: uuid.UUID, session_change_id: uuid.UUID) -> int:
    """Take a move back for those who are still in the other session, while it is planned; return how many.

    Raises
    ------
    ConflictError
        If the other session is prepared or further, or nobody of the move is there any more.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    change = uow.session.get(SessionChange, session_change_id)
    if change is None or change.exam_session_id != source_id or change.kind != repository.MOVED:
        raise NotFoundError(N_("没有这次转移，请刷新后再看"))
    source, target = _lock_both(uow, source_id, uuid.UUID(change.after["to"]))
    if target.status is not SessionStatus.PLANNED:
        raise ConflictError(N_("“%(name)s”已备考或已开放，不能撤销转移；请先“撤销备考”"), name=target.name)
    there = {
        str(entry[0].registration_id): entry
        for entry in repository.people_of(uow.session, target.exam_session_id, actor=uow.actor)
    }
    back = [(place, there[place["registration"]]) for place in change.after["people"] if place["registration"] in there]
    if not back:
        raise ConflictError(N_("这次转移的考生已不在那个场次"))
    for _place_before, (registration, _person, _attempt) in back:
        _put(registration, source_id)
    uow.flush()  # numbers and seats are unique: they are free before they are given again
    for place, (registration, person, attempt) in back:
        _restore(registration, person, place)
        await_form(attempt, source, registration)
    if source.status is SessionStatus.PREPARED:  # whoever comes back has no form
        source.status = SessionStatus.PLANNED
    after = {"to": str(source_id), "name": source.name, "people": [place["registration"] for place, _entry in back]}
    _record(uow, source, repository.MOVED_BACK, after | {"change": str(session_change_id)})
    return len(back)


def _restore(registration: Registration, person: Candidate, place: dict[str, Any]) -> None:
    registration.admission_number, registration.seat_number = place["number"], place["seat"]
    registration.exam_room_id = uuid.UUID(place["room"]) if place["room"] else None
    if place["number"]:
        registration.sign_in_index = personal.sign_in_index(place["number"], personal.read_number(person))
