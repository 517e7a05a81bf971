"""Registrations: leaving a session, voiding, and one identity number shown at a time."""

from __future__ import annotations

import uuid

from exam_delivery.models import Registration, RegistrationStatus, SessionStatus
from exam_delivery.repository import attempts_planning, lockdown, planning
from exam_delivery.repository import candidates as repository
from exam_delivery.services import personal
from exam_delivery.services.arranging import lock_planned
from exam_delivery.services.scoring import settle
from kernel import audit
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def leave_session(uow: UnitOfWork, registration_id: uuid.UUID) -> None:
    """Take a person out of a planned session; the number and seat go with it."""
    require(uow.actor, Permission.SESSION_WRITE)
    registration = repository.get_registration(uow.session, registration_id, actor=uow.actor)
    if registration.exam_session_id:
        lock_planned(uow, registration.exam_session_id)
    registration.exam_session_id = registration.exam_room_id = registration.seat_number = None
    registration.admission_number = registration.sign_in_index = None
    audit.record(uow, "registration.leave_session", "registration", registration_id)


def delete_registration(uow: UnitOfWork, registration_id: uuid.UUID) -> None:
    """Delete a registration that nothing hangs on yet."""
    require(uow.actor, Permission.SESSION_WRITE)
    registration = repository.get_registration(uow.session, registration_id, actor=uow.actor)
    if attempts_planning.find_attempt_of(uow.session, registration_id):
        raise ConflictError(N_("已为此人生成试卷，不能删除报名；请“撤销备考”后再删，或按规定取消其成绩"))
    lockdown.forget_registration(uow.session, registration.registration_id)
    uow.session.delete(registration)
    audit.record(uow, "registration.delete", "registration", registration_id)


def void_registration(uow: UnitOfWork, registration_id: uuid.UUID, *, reason: str) -> None:
    """Void a person's examination with a reason, before the scores are released."""
    registration = _registration_with_reason(uow, registration_id, reason)
    registration.status, registration.void_reason = RegistrationStatus.VOID, reason.strip()[:300]
    audit.record(uow, "registration.void", "registration", registration_id, reason=reason.strip()[:300])
    _settle(uow, registration)


def restore_registration(uow: UnitOfWork, registration_id: uuid.UUID, *, reason: str) -> None:
    """Take back a void with a reason, before the scores are released."""
    registration = _registration_with_reason(uow, registration_id, reason)
    if registration.status is not RegistrationStatus.VOID:
        raise ConflictError(N_("此人没有被取消成绩"))
    registration.status, registration.void_reason = _status_of(uow, registration), ""
    audit.record(uow, "registration.restore", "registration", registration_id, reason=reason.strip()[:300])
    _settle(uow, registration)


def _settle(uow: UnitOfWork, registration: Registration) -> None:
    """Let the session's scoring state follow: a void answer waits for nobody."""
    uow.flush()  # the state is counted by SQL
    if registration.exam_session_id:
        settle(uow, registration.exam_session_id)


def _status_of(uow: UnitOfWork, registration: Registration) -> RegistrationStatus:
    """Return absent when the session is over and the person never began."""
    attempt = attempts_planning.find_attempt_of(uow.session, registration.registration_id)
    if registration.exam_session_id is None or (attempt and attempt.started_at):
        return RegistrationStatus.ADMITTED
    row = planning.get_session(uow.session, registration.exam_session_id, actor=uow.actor)
    is_over = row.status in {SessionStatus.CLOSED, SessionStatus.SCORED}
    return RegistrationStatus.ABSENT if is_over else RegistrationStatus.ADMITTED


def _registration_with_reason(uow: UnitOfWork, registration_id: uuid.UUID, reason: str) -> Registration:
    require(uow.actor, Permission.SESSION_WRITE)
    if not reason.strip():
        raise InvalidInputError(N_("请写明原因"), fields={"reason": [N_("请写明原因")]})
    registration = repository.get_registration(uow.session, registration_id, actor=uow.actor)
    if registration.exam_session_id:
        row = planning.lock_session(uow.session, registration.exam_session_id, actor=uow.actor)
        if row.status is SessionStatus.RELEASED:
            raise ConflictError(N_("成绩已经发布，不能在这里更改；请按更正程序办理"))
    return registration


def reveal_number(uow: UnitOfWork, candidate_id: uuid.UUID) -> str:
    """Return one person's plain identity number; the look is written to the audit chain."""
    require(uow.actor, Permission.PERSONAL_DATA_REVEAL)
    candidate = repository.get_candidate(uow.session, candidate_id, actor=uow.actor)
    audit.record(uow, "candidate.reveal_number", "candidate", candidate_id)
    return personal.read_number(candidate)
