"""States as badges: text and kind."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _

from exam_delivery.models import SessionStatus
from exam_delivery.rules.states import SESSION_LABELS
from exam_delivery.services.results import STATE_LABELS

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


def session_badge(status: SessionStatus, cancelled_at: datetime | None = None) -> tuple[str, str]:
    """Return text and kind of a session's state; a cancelled one says so."""
    if cancelled_at:
        return _("已取消"), "danger"
    return _(SESSION_LABELS[status]), SESSION_KINDS[status]


def score_badge(state: str) -> tuple[str, str]:
    """Return text and kind of a score line's state."""
    return _(STATE_LABELS[state]), SCORE_KINDS[state]
