"""Who sits where stays sealed until shortly before a session: from when on it may be told, and what proves the draw."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from exam_delivery.rules.states import SessionStatus
from kernel.canonical import digest
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

SEATS_SEALED_HOURS = "exam.seats_sealed_hours"
SEALABLE = frozenset({SessionStatus.PLANNED, SessionStatus.PREPARED})

declare(
    RuleKey(
        SEATS_SEALED_HOURS, 24, N_("座位号密封到开考前多少小时（0 为不密封）"), "开考前一天或当天公布", minimum=0, maximum=336
    )
)  # fmt: skip


def sealed_until(starts_at: datetime, opens_at: datetime, hours: int) -> datetime | None:
    """Return until when the seats of a session stay sealed: sign-in opens them at the latest; None without a seal.

    Examples
    --------
    >>> start = datetime(2026, 11, 28, 9)
    >>> sealed_until(start, start - timedelta(minutes=30), 24)
    datetime.datetime(2026, 11, 27, 9, 0)
    >>> sealed_until(start, start - timedelta(hours=3), 1)
    datetime.datetime(2026, 11, 28, 6, 0)
    """
    return min(opens_at, starts_at - timedelta(hours=hours)) if hours else None


def is_sealed(until: datetime | None, status: SessionStatus, at: datetime) -> bool:
    """Say whether nobody may be told who sits where: only before a session opens, and only up to the moment."""
    return until is not None and at < until and status in SEALABLE


def draw_digest(seed: int, salt: str, seats: Iterable[tuple[uuid.UUID, uuid.UUID, int]]) -> str:
    """Return what proves a draw later without telling it now: the salt keeps anybody from trying all seeds."""
    drawn = sorted([str(person), str(room), number] for person, room, number in seats)
    return digest({"seed": seed, "salt": salt, "seats": drawn})
