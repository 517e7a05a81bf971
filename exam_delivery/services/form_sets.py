"""Sets that give every candidate a form of their own, as scoring and statistics see them: many forms with few queries."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from blueprints import public_sets as sets
from exam_delivery.services import forms
from kernel.identity.actor import system_actor


def open_scorings(
    session: Session, organisation_id: uuid.UUID, form_ids: Sequence[uuid.UUID]
) -> Iterator[tuple[uuid.UUID, dict[str, Any]]]:
    """Yield the scoring documents of many forms, for programs; those of sets are opened together."""
    together = sets_of_forms(session, organisation_id, form_ids)
    yield from sets.open_scorings(session, system_actor(organisation_id, name="scoring"), list(together))
    for form_id in form_ids:
        if form_id not in together:
            yield form_id, forms.open_scoring(session, organisation_id, form_id)


def sets_of_forms(
    session: Session, organisation_id: uuid.UUID, form_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """Return key and name of the set that forms belong to, by form; ordinary forms are left out."""
    return sets.sets_of_forms(session, system_actor(organisation_id, name="scores"), form_ids)
