"""Opening attempts again after their session was closed, as long as no results are out.

The session opens again with the attempts that the clock or an invigilator collected; each gets its minutes from now on by a recorded
change of its deadline. When their time is over the clock closes the session as always and everything is scored anew. What a
candidate handed in, and what a person has marked already, stays closed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import ExamRoom, ExamSession, SessionReopening, SessionStatus
from exam_delivery.repository import planning
from exam_delivery.repository import reopening as repository
from exam_delivery.rules.reopening import REOPEN_NEEDS_TWO, REOPENABLE, ReopeningState
from exam_delivery.rules.room import MAX_EXTRA_MINUTES, Reason
from exam_delivery.services import scopes
from exam_delivery.services.deadlines import extend
from exam_delivery.services.room_acts import Why, read_reason
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

PROPOSERS = (Permission.SESSION_CONTROL, Permission.SESSION_WRITE)


@dataclass(frozen=True, slots=True)
class ReopeningPlan:
    """For how long, why, and for whom: one candidate by number, else one room, else the whole session."""

    minutes: str
    reason: str
    note: str = ""
    admission_number: str = ""
    exam_room_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class ReopeningView:
    """A session with what was opened again, and what a proposal would do."""

    session: ExamSession
    rooms: Sequence[tuple[uuid.UUID, str]]
    rows: Sequence[tuple[SessionReopening, str, str, ExamRoom | None]]
    counts: dict[uuid.UUID, dict[str, int]]
    needs_two: bool


def view_reopenings(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> ReopeningView:
    """Return what of a session was opened again, and what waits for a second person."""
    _require_proposer(actor)
    row = planning.get_session(session, exam_session_id, actor=actor)
    rows = repository.list_reopenings(session, exam_session_id, actor=actor)
    rooms = [
        (room.exam_room_id, f"{room.site} {room.name}")
        for _used, room in planning.rooms_of_session(session, exam_session_id, actor=actor)
    ]
    counts = {
        one[0].session_reopening_id: repository.count_in_scope(session, one[0])
        for one in rows
        if one[0].state is ReopeningState.PROPOSED
    }
    return ReopeningView(row, rooms, rows, dict(counts), _needs_two(session, row))


def _require_proposer(actor: Actor) -> None:
    if not any(actor.may(one) for one in PROPOSERS):
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"))


def _needs_two(session: Session, row: ExamSession) -> bool:
    return bool(profiles.value(session, row.organisation_id, REOPEN_NEEDS_TWO))


def propose(uow: UnitOfWork, exam_session_id: uuid.UUID, plan: ReopeningPlan) -> SessionReopening:
    """Propose to open attempts again; carried out at once where the rule profile lets one person decide.

    Raises
    ------
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If the session is not closed, results are out, or another reopening waits for a decision.
    """
    _require_proposer(uow.actor)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    _check_reopenable(row)
    if repository.has_open(uow.session, exam_session_id):
        raise ConflictError(N_("已有一次重新开放等待批准，请先处理"))
    why = _checked(plan)
    person = scopes.find_person(uow, exam_session_id, plan.admission_number)
    found = SessionReopening(
        session_reopening_id=new_id(), organisation_id=row.organisation_id, exam_session_id=exam_session_id,
        registration_id=person, exam_room_id=None if person else scopes.check_room(uow, row, plan.exam_room_id),
        minutes=int(plan.minutes), reason=why.code.value, note=plan.note.strip()[:200],
        proposed_by=uow.actor.user_id, proposed_by_name=uow.actor.name[:100], proposed_at=now(),
    )  # fmt: skip
    uow.add(found)
    _record(uow, "propose", found)
    if uow.actor.may(Permission.SESSION_CONTROL) and not _needs_two(uow.session, row):
        _settle(uow, row, found, ReopeningState.DONE)
    return found


def _check_reopenable(row: ExamSession) -> None:
    if row.cancelled_at is not None:
        raise ConflictError(N_("场次已取消，不能重新开放；请安排考生到其他场次"))
    if row.status is SessionStatus.RELEASED:
        raise ConflictError(N_("成绩已发布，不能重新开放作答。请通过成绩复核处理，或安排考生补考"))
    if row.status not in REOPENABLE:
        raise ConflictError(N_("场次还没有结束；考试中请在监考控制台用“延时”或“撤销收卷”"))


def _checked(plan: ReopeningPlan) -> Why:
    if not (plan.minutes.isdecimal() and 1 <= int(plan.minutes) <= MAX_EXTRA_MINUTES):
        text = N_("请填写 1–240")
        raise InvalidInputError(text, fields={"minutes": [text]})
    return read_reason(plan.reason, plan.note)


def decide(
    uow: UnitOfWork, exam_session_id: uuid.UUID, session_reopening_id: uuid.UUID, wanted: ReopeningState
) -> SessionReopening:
    """Carry out or refuse what another person proposed, or take back an own proposal.

    Raises
    ------
    ForbiddenError
        If the actor proposed it, or has no command over the session.
    ConflictError
        If it is decided already, results are out, or nobody is left to be opened again.
    """
    _require_proposer(uow.actor)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    found = repository.get_reopening(uow.session, session_reopening_id, actor=uow.actor)
    scopes.require_decider(
        uow.actor, found.proposed_by, withdraws=wanted is ReopeningState.WITHDRAWN,
        refusal=N_("自己提出的重新开放须由另一人批准"),
    )  # fmt: skip
    if found.state is not ReopeningState.PROPOSED or found.exam_session_id != exam_session_id:
        raise ConflictError(N_("这次重新开放已经处理过，请刷新后再看"))
    _settle(uow, row, found, wanted)
    return found


def _settle(uow: UnitOfWork, row: ExamSession, found: SessionReopening, wanted: ReopeningState) -> None:
    if wanted is ReopeningState.DONE:
        _carry_out(uow, row, found)
    found.state, found.decided_at = wanted, now()
    found.decided_by, found.decided_by_name = uow.actor.user_id, uow.actor.name[:100]
    _record(uow, wanted.value, found)


def _carry_out(uow: UnitOfWork, row: ExamSession, found: SessionReopening) -> None:
    _check_reopenable(row)
    uow.flush()
    n_marked = repository.count_in_scope(uow.session, found)["marked"]
    attempts = repository.lock_collected(uow.session, found)
    if not attempts:
        raise ConflictError(
            N_(
                "所选范围内没有可以重新开放的作答：考生自己交的卷不能撤销，已有人阅卷的请先与阅卷组长商量后按成绩复核处理"
            )
        )
    at, why = now(), Why(Reason(found.reason), found.note)
    before, row.status = row.status, SessionStatus.OPEN
    for attempt in attempts:
        extend(uow, attempt, found.minutes, why, at)
    found.n_reopened, found.n_marked = len(attempts), n_marked
    after = {"before": before.value, "attempts": len(attempts), "minutes": found.minutes}
    audit.record(uow, "exam_session.reopen", "exam_session", row.exam_session_id, after=after, reason=found.reason)


def _record(uow: UnitOfWork, act: str, found: SessionReopening) -> None:
    after = {
        "exam_session_id": str(found.exam_session_id), "minutes": found.minutes, "reopened": found.n_reopened,
        "registration_id": str(found.registration_id) if found.registration_id else None,
        "exam_room_id": str(found.exam_room_id) if found.exam_room_id else None, "marked": found.n_marked,
    }  # fmt: skip
    audit.record(
        uow, f"session_reopening.{act}", "session_reopening", found.session_reopening_id, after=after,
        reason=found.reason,
    )  # fmt: skip
