"""Finding pictures inside an organisation's walls."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from qbank.models.items import Media
from qbank.repository.items import chunks


def find_media(session: Session, digests: Sequence[str], *, organisation_id: uuid.UUID) -> dict[str, Media]:
    """Return an organisation's pictures by digest."""
    found: dict[str, Media] = {}
    for chunk in chunks(list(dict.fromkeys(digests))):
        query = select(Media).where(Media.organisation_id == organisation_id, Media.digest.in_(chunk))
        found.update((row.digest, row) for row in session.scalars(query))
    return found
