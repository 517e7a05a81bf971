"""Who knows the marks of candidates who sat a form: sittings lie above blueprints and announce themselves."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy.orm import Session

ScoreSource = Callable[[Session, uuid.UUID, uuid.UUID], list[float]]
_SOURCES: dict[str, ScoreSource] = {}


def register_form_scores(name: str, source: ScoreSource) -> None:
    """Announce who knows the marks of a form: `source(session, organisation_id, form_id)`."""
    _SOURCES[name] = source


def scores_of_form(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> list[float]:
    """Return the marks of all candidates whose sitting of a form is scored, without names."""
    return [score for source in _SOURCES.values() for score in source(session, organisation_id, form_id)]
