"""Finding waivers of lint rules."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from qbank.models.curation import LintWaiver
from qbank.repository.items import chunks


def waivers_of(session: Session, item_ids: Sequence[uuid.UUID]) -> defaultdict[uuid.UUID, list[LintWaiver]]:
    """Return the waivers in force of some items; the caller has checked the items' walls."""
    found: defaultdict[uuid.UUID, list[LintWaiver]] = defaultdict(list)
    for chunk in chunks(item_ids):
        query = select(LintWaiver).where(LintWaiver.item_id.in_(chunk), LintWaiver.withdrawn_at.is_(None))
        for row in session.scalars(query.order_by(LintWaiver.created_at)):
            found[row.item_id].append(row)
    return found
