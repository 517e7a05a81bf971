"""What every act in a room shares: a reason, a session that runs, the attempt locked, an incident and an audit event."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from exam_delivery.models import Attempt, ExamSession, Incident, IncidentRoom, SessionStatus
from exam_delivery.repository import attempts as repository
from exam_delivery.repository import planning
from exam_delivery.rules.reopening import REOPENABLE
from exam_delivery.rules.room import REASON_LABELS, Reason
from exam_delivery.rules.states import FINISHED
from exam_delivery.services.reach import check_attempt_in_reach, check_room_open, rooms_in_reach
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of an act: a code, and words where the code does not say it."""

    code: Reason
    note: str = ""

    @property
    def text(self) -> str:
        """The reason as it is kept."""
        return "：".join(filter(None, (REASON_LABELS[self.code], self.note.strip())))[:300]


def read_reason(code: str, note: str) -> Why:
    """Return the reason that a form gives; raises InvalidInputError."""
    if code not in set(Reason):
        raise InvalidInputError(N_("请选择原因"), fields={"reason": [N_("请选择原因")]})
    if code == Reason.OTHER and not note.strip():
        raise InvalidInputError(N_("选择“其他”时请写明原因"), fields={"note": [N_("请写明原因")]})
    return Why(Reason(code), note)


def running_session(uow: UnitOfWork, exam_session_id: uuid.UUID) -> ExamSession:
    """Return a session in which acts on attempts are still possible; raises ConflictError."""
    sitting = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    if sitting.cancelled_at:
        raise ConflictError(N_("场次已取消"))
    if sitting.status in REOPENABLE:
        raise ConflictError(N_("场次已结束。还要给时间，请总控或考务在场次页面点“重新开放作答”"))
    if sitting.status in FINISHED or sitting.status is SessionStatus.PLANNED:
        raise ConflictError(N_("场次不在进行中，不能再改变考生的作答"))
    if sitting.status is SessionStatus.PREPARED and sitting.opens_at > now():
        raise ConflictError(N_("场次还没有开放登录；开放前要改时间，请在场次页面修改"))
    return sitting


def locked_attempt(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID) -> Attempt:
    """Return an attempt in the actor's reach, locked."""
    check_attempt_in_reach(uow.session, exam_session_id, attempt_id, actor=uow.actor)
    attempt = repository.lock_attempt(uow.session, attempt_id, actor=uow.actor)
    if attempt.registration_id is None:
        raise ConflictError(N_("这份作答已因换卷作废，考生已有新的试卷；请刷新控制台，对新的作答操作"))
    check_room_open(uow.session, exam_session_id, attempt.registration_id, actor=uow.actor)
    return attempt


def note_act(uow: UnitOfWork, attempt: Attempt, kind: str, text: str, at: datetime) -> None:
    """Leave an incident about an attempt."""
    uow.add(make_incident(uow, attempt.exam_session_id, attempt.attempt_id, kind=kind, text=text, at=at))


def make_incident(
    uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID | None, *, kind: str, text: str, at: datetime
) -> Incident:
    """Return an incident of the actor's organisation."""
    return Incident(
        organisation_id=uow.actor.organisation, exam_session_id=exam_session_id, attempt_id=attempt_id, kind=kind,
        text=text[:500], noted_by=uow.actor.user_id, noted_at=at,
    )  # fmt: skip


def name_rooms(uow: UnitOfWork, incident: Incident, room_ids: Iterable[uuid.UUID]) -> None:
    """Keep an incident that concerns no candidate, with the rooms it belongs to."""
    incident.incident_id = incident.incident_id or new_id()
    uow.add(incident)
    uow.flush()  # rooms point to it
    uow.session.add_all(
        IncidentRoom(incident_id=incident.incident_id, exam_room_id=room_id) for room_id in sorted(room_ids)
    )


def rooms_of_note(uow: UnitOfWork, exam_session_id: uuid.UUID, room_id: uuid.UUID | None) -> Collection[uuid.UUID]:
    """Return the rooms that a note of the actor belongs to: the one in view, else an invigilator's own; a chief's is the session's.

    Raises
    ------
    ConflictError
        If the actor looks after no such room.
    """
    reach = {room.exam_room_id for room in rooms_in_reach(uow.session, exam_session_id, actor=uow.actor)}
    if not reach or (room_id is not None and room_id not in reach):
        raise ConflictError(N_("您没有被安排在这场考试监考"))
    if room_id is not None:
        return {room_id}
    return set() if uow.actor.may(Permission.SESSION_CONTROL) else reach


def record_act(uow: UnitOfWork, act: str, attempt: Attempt, why: Why, after: dict[str, object]) -> None:
    """Note an act on an attempt for the audit, with its reason code."""
    audit.record(uow, act, "attempt", attempt.attempt_id, after=after, reason=why.code.value)
