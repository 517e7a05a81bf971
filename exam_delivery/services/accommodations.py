"""Granting more time, larger letters or a room apart: to the person, so that the next examination knows it too."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from exam_delivery.models import Accommodation, ExamSession, Registration, SessionStatus
from exam_delivery.repository import accommodations as repository
from exam_delivery.repository import candidates
from exam_delivery.rules import accommodations as rules
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Grant:
    """What an officer typed."""

    time_factor: str
    font_size: str
    separate_room: bool
    reason: str


def grant(uow: UnitOfWork, candidate_id: uuid.UUID, wanted: Grant) -> Accommodation:
    """Grant something in place of what held; registrations that nobody has prepared yet follow at once.

    Raises
    ------
    InvalidInputError
        If the factor is out of range, nothing is granted at all, or no ground is given.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    candidate = candidates.get_candidate(uow.session, candidate_id, actor=uow.actor)
    most = float(profiles.value(uow.session, uow.actor.organisation, rules.MAX_FACTOR.name))
    factor = rules.read_factor(wanted.time_factor, most)
    if problems := _problems(wanted, factor):
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)
    before = _end_current(uow, candidate_id)
    row = Accommodation(
        accommodation_id=new_id(), organisation_id=uow.actor.organisation, candidate_id=candidate.candidate_id,
        time_factor=factor or Decimal(1), font_size=wanted.font_size, separate_room=wanted.separate_room,
        reason=wanted.reason.strip(), granted_by=uow.actor.user_id, granted_at=now(),
    )  # fmt: skip
    uow.add(row)
    _follow(uow, candidate_id, before.time_factor if before else None, row.time_factor)
    audit.record(
        uow, "accommodation.grant", "candidate", candidate_id,
        after={"time_factor": str(row.time_factor), "font_size": row.font_size, "separate_room": row.separate_room},
    )  # fmt: skip
    return row


def end(uow: UnitOfWork, candidate_id: uuid.UUID) -> None:
    """Let nothing hold any more; registrations that nobody has prepared yet go back to the usual time."""
    require(uow.actor, Permission.SESSION_WRITE)
    candidates.get_candidate(uow.session, candidate_id, actor=uow.actor)
    before = _end_current(uow, candidate_id)
    if before is None:
        raise ConflictError(N_("这名考生没有便利措施，或已被他人终止"))
    _follow(uow, candidate_id, before.time_factor, Decimal(1))
    audit.record(uow, "accommodation.end", "candidate", candidate_id)


def _problems(wanted: Grant, factor: Decimal | None) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if factor is None:
        problems["time_factor"] = [N_("请填写 1 到规则方案上限之间的数，最多两位小数；不延长填 1")]
    if wanted.font_size not in rules.FONT_SIZES:
        problems["font_size"] = [N_("请选择字号")]
    if factor == 1 and wanted.font_size == rules.USUAL_FONT and not wanted.separate_room:
        problems["time_factor"] = [N_("请至少选择一项便利措施；不再需要时点“终止”")]
    if not 1 <= len(wanted.reason.strip()) <= MAX_REASON:
        problems["reason"] = [N_("请写明依据（如证明材料的名称和编号），不超过 300 字")]
    return problems


def _end_current(uow: UnitOfWork, candidate_id: uuid.UUID) -> Accommodation | None:
    row = repository.find_current(uow.session, candidate_id, actor=uow.actor)
    if row is not None:
        row.ended_at, row.ended_by = now(), uow.actor.user_id
    return row


def _follow(uow: UnitOfWork, candidate_id: uuid.UUID, before: Decimal | None, factor: Decimal) -> None:
    """Set the time of registrations whose session is still planned: what is prepared has its attempts already.

    A longer time that a roster gave for one examination stays.
    """
    query = (
        select(Registration)
        .outerjoin(ExamSession, ExamSession.exam_session_id == Registration.exam_session_id)
        .where(
            Registration.candidate_id == candidate_id,
            Registration.organisation_id == uow.actor.organisation,
            (ExamSession.exam_session_id.is_(None)) | (ExamSession.status == SessionStatus.PLANNED),
        )
    )
    for registration in uow.session.scalars(query):
        own = Decimal(1) if registration.time_factor == before else registration.time_factor
        registration.time_factor = max(own, factor)
