"""States as badges: text and kind."""

from __future__ import annotations

from flask_babel import gettext as _

from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.rules.states import WAITING, label_of
from exam_delivery.services.results import STATE_LABELS
from kernel.clock import now

SESSION_KINDS = {
    SessionStatus.PLANNED: "neutral",
    SessionStatus.PREPARED: "info",
    SessionStatus.OPEN: "success",
    SessionStatus.CLOSED: "warning",
    SessionStatus.SCORED: "info",
    SessionStatus.RELEASED: "success",
}
SCORE_KINDS = {
    "complete": "success",
    "needs_marking": "warning",
    "blocked": "danger",
    "unscored": "neutral",
    "not_started": "neutral",
    "absent": "neutral",
    "void": "danger",
    "not_taken": "neutral",
}


def session_badge(row: ExamSession) -> tuple[str, str]:
    """Return text and kind of a session's state now; a cancelled one says so, and one whose start is awaited."""
    if row.cancelled_at:
        return _("已取消"), "danger"
    label = label_of(row.status, row.starts_at, now())
    return _(label), "info" if label == WAITING else SESSION_KINDS[row.status]


def score_badge(state: str) -> tuple[str, str]:
    """Return text and kind of a score line's state."""
    return _(STATE_LABELS[state]), SCORE_KINDS[state]
