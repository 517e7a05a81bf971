"""Reading many sealed forms at once: their packages, and the sets that they belong to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints.models import ExamForm, FormPackage, FormSet
from kernel.identity.actor import Actor

CHUNK = 400


def _chunks(keys: Sequence[uuid.UUID]) -> Iterator[Sequence[uuid.UUID]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


def packages(session: Session, form_ids: Sequence[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, FormPackage]:
    """Return the packages of those forms of the actor's organisation that are sealed, by form."""
    found: dict[uuid.UUID, FormPackage] = {}
    for some in _chunks(form_ids):
        query = select(FormPackage).where(
            FormPackage.exam_form_id.in_(some), FormPackage.organisation_id == actor.organisation
        )
        found.update((row.exam_form_id, row) for row in session.scalars(query))
    return found


def sets_of(session: Session, form_ids: Sequence[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """Return key and name of the set that forms belong to, by form; forms of no set are left out."""
    found: dict[uuid.UUID, tuple[uuid.UUID, str]] = {}
    for some in _chunks(form_ids):
        query = (
            select(ExamForm.exam_form_id, FormSet.form_set_id, FormSet.name)
            .join(FormSet, FormSet.form_set_id == ExamForm.form_set_id)
            .where(ExamForm.exam_form_id.in_(some), ExamForm.organisation_id == actor.organisation)
        )
        found.update((row[0], (row[1], row[2])) for row in session.execute(query))
    return found
