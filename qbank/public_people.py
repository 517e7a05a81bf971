"""Who took part in making items, for rules of recusal in other components; no content leaves by this way."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from qbank.repository import reviews as repository


def people_of_versions(
    session: Session, organisation_id: uuid.UUID, item_version_ids: Sequence[uuid.UUID]
) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    """Return who wrote some versions of items or their items, and who reviewed them.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Versions of other organisations are left out.
    item_version_ids : sequence of UUID
        Versions that a form holds.
    """
    return repository.people_of_versions(session, organisation_id, item_version_ids)
