"""Where and when forms are sat, as the component that delivers them says; nothing is known while none has announced itself."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class FormSitting:
    """One form in one session at one site.

    `n_candidates` are those for whom the form is prepared, `n_started` those who began; `has_begun` says whether the
    doors of the session have opened. `endpoint` and `arguments` name the session's page.
    """

    form_id: uuid.UUID
    session_id: uuid.UUID
    session_name: str
    site: str
    starts_at: datetime
    n_candidates: int
    n_started: int
    has_begun: bool
    endpoint: str = ""
    arguments: Mapping[str, uuid.UUID] = field(default_factory=dict)


Source = Callable[[Session, uuid.UUID, Collection[uuid.UUID]], Sequence[FormSitting]]
_SOURCES: dict[str, Source] = {}


def register_uses(name: str, source: Source) -> None:
    """Announce who knows where forms are sat: `source(session, organisation_id, form_ids)`.

    Parameters
    ----------
    name : str
        The component; the same name again takes the place of the first.
    source : callable
        Answers for forms of one organisation only.
    """
    _SOURCES[name] = source


def sittings_of(
    session: Session, organisation_id: uuid.UUID, form_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[FormSitting]]:
    """Return the sittings of some forms by form, the latest first; forms nobody sits are left out."""
    found: dict[uuid.UUID, list[FormSitting]] = {}
    if form_ids:
        for source in _SOURCES.values():
            for sitting in source(session, organisation_id, form_ids):
                found.setdefault(sitting.form_id, []).append(sitting)
    for rows in found.values():
        rows.sort(key=lambda one: (one.starts_at, one.site), reverse=True)
    return found
