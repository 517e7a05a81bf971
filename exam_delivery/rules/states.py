"""The states of a session and the steps between them."""

from __future__ import annotations

import enum
from datetime import datetime

from kernel.errors import IllegalTransitionError
from kernel.i18n import N_


class SessionStatus(enum.StrEnum):
    """Where a session stands; the order is the only way through."""

    PLANNED = "planned"
    PREPARED = "prepared"
    OPEN = "open"
    CLOSED = "closed"
    SCORED = "scored"
    RELEASED = "released"


SESSION_LABELS: dict[SessionStatus, str] = {
    SessionStatus.PLANNED: N_("编排中"),
    SessionStatus.PREPARED: N_("已备考"),
    SessionStatus.OPEN: N_("考试中"),
    SessionStatus.CLOSED: N_("已结束待评分"),
    SessionStatus.SCORED: N_("已评分"),
    SessionStatus.RELEASED: N_("已发布"),
}
WAITING = N_("候考（登录已开放）")
"""An open session whose start has not come: candidates sign in and wait."""


def label_of(status: SessionStatus, starts_at: datetime, at: datetime) -> str:
    """Return what a session's state is called at a moment.

    >>> start = datetime(2026, 6, 1, 9)
    >>> label_of(SessionStatus.OPEN, start, start.replace(hour=8)), label_of(SessionStatus.OPEN, start, start)
    ('候考（登录已开放）', '考试中')
    """
    return WAITING if status is SessionStatus.OPEN and at < starts_at else SESSION_LABELS[status]


ALLOWED: dict[SessionStatus, frozenset[SessionStatus]] = {
    SessionStatus.PLANNED: frozenset({SessionStatus.PREPARED}),
    SessionStatus.PREPARED: frozenset({SessionStatus.PLANNED, SessionStatus.OPEN}),
    SessionStatus.OPEN: frozenset({SessionStatus.CLOSED}),
    SessionStatus.CLOSED: frozenset({SessionStatus.SCORED}),
    SessionStatus.SCORED: frozenset({SessionStatus.CLOSED, SessionStatus.RELEASED}),
    SessionStatus.RELEASED: frozenset(),
}
"""A scored session goes back to closed when a new scoring needs a person's marks."""

FINISHED = frozenset({SessionStatus.CLOSED, SessionStatus.SCORED, SessionStatus.RELEASED})


def check_step(present: SessionStatus, wanted: SessionStatus) -> None:
    """Refuse a step that the table does not have.

    Raises
    ------
    IllegalTransitionError
        With the names of both states.
    """
    if wanted not in ALLOWED[present]:
        raise IllegalTransitionError(
            N_("场次现在是“%(present)s”，不能改为“%(wanted)s”"),
            present=SESSION_LABELS[present],
            wanted=SESSION_LABELS[wanted],
        )
