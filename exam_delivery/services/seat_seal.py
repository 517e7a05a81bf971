"""The seal on a session's seats: put on with the draw, kept in step with the times, opened by the clock or with a reason."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, SessionChange
from exam_delivery.repository import planning
from exam_delivery.repository import seat_seal as repository
from exam_delivery.rules import seat_seal as rules
from kernel import audit, profiles
from kernel.clock import iso, now
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SHORTEST_REASON = 5
UNCHANGED, CHANGED, SEALED, NOT_DRAWN = "unchanged", "changed", "sealed", ""


def is_sealed(row: ExamSession, at: datetime | None = None) -> bool:
    """Say whether nobody may be told who sits where in a session."""
    return rules.is_sealed(row.seats_sealed_until, row.status, at or now())


def seal_draw(uow: UnitOfWork, row: ExamSession, seed: int) -> None:
    """Seal the seats that were just drawn from a seed, as the rule profile says, and keep what proves the draw."""
    row.seat_seed, row.seat_salt = seed, secrets.token_hex(16)
    row.seat_digest = rules.draw_digest(seed, row.seat_salt, repository.seats_of(uow.session, row.exam_session_id))
    row.seats_sealed_until = _until(uow, row)


def follow_times(uow: UnitOfWork, row: ExamSession, *, was_sealed: bool) -> None:
    """Move the seal with the times of a session; seats that could be seen already stay open."""
    row.seats_sealed_until = _until(uow, row) if was_sealed else None


def _until(uow: UnitOfWork, row: ExamSession) -> datetime | None:
    hours = int(profiles.value(uow.session, row.organisation_id, rules.SEATS_SEALED_HOURS))
    return rules.sealed_until(row.starts_at, row.opens_at, hours)


def break_seal(uow: UnitOfWork, exam_session_id: uuid.UUID, *, reason: str) -> ExamSession:
    """Open sealed seats before their time; only the chief, with a reason that is kept and audited."""
    require(uow.actor, Permission.SESSION_CONTROL)
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明理由，至少 5 个字")
        raise InvalidInputError(message, fields={"reason": [message]})
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if not is_sealed(row):
        raise ConflictError(N_("座位没有密封，或已经启封"))
    before = {"sealed_until": iso(row.seats_sealed_until) if row.seats_sealed_until else None}
    row.seats_sealed_until = None
    uow.add(
        SessionChange(
            organisation_id=row.organisation_id, exam_session_id=exam_session_id, kind="seats_unsealed",
            reason=reason.strip()[:300], before=before, after={"digest": row.seat_digest},
            changed_by=uow.actor.user_id, changed_by_name=uow.actor.name[:100], changed_at=now(),
        )
    )  # fmt: skip
    audit.record(
        uow, "exam_session.break_seat_seal", "exam_session", exam_session_id, before=before,
        after={"digest": row.seat_digest}, reason=reason.strip()[:300],
    )  # fmt: skip
    return row


def draw_state(session: Session, row: ExamSession) -> str:
    """Return how the seats stand to the draw: sealed, as drawn, changed since, or never drawn with a proof."""
    if is_sealed(row):
        return SEALED
    if not row.seat_digest or row.seat_seed is None:
        return NOT_DRAWN
    drawn = rules.draw_digest(row.seat_seed, row.seat_salt, repository.seats_of(session, row.exam_session_id))
    return UNCHANGED if drawn == row.seat_digest else CHANGED
