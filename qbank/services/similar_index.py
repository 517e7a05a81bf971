"""The texts of an organisation's items in memory, ready to be asked which of them a text is like while somebody types."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from kernel.clock import monotonic
from qbank.repository import pairs
from qbank.rules.similarity import LEAST_SIMILARITY, NearIndex, comparable, ratio

MOST_ORGANISATIONS = 4
MOST_FRESH = 2_000
"""Items changed since the index was made are compared one by one; of more, it is made anew."""
MOST_SECONDS = 1_800.0


@dataclass(frozen=True, slots=True)
class _Known:
    """The items of an organisation up to a moment of change."""

    item_ids: tuple[uuid.UUID, ...]
    index: NearIndex
    until: datetime | None
    made_at: float


_lock = threading.Lock()
_known: OrderedDict[uuid.UUID, _Known] = OrderedDict()


def find_candidates(session: Session, organisation_id: uuid.UUID, text: str) -> list[uuid.UUID]:
    """Return the items of an organisation that are like a comparable text, the most alike first; some may be gone by now."""
    with _lock:
        known = _known.get(organisation_id)
    if known is None or monotonic() - known.made_at > MOST_SECONDS:
        known = _make(session, organisation_id)
    fresh = pairs.texts_changed_after(session, organisation_id, known.until, limit=MOST_FRESH + 1)
    if len(fresh) > MOST_FRESH:
        known, fresh = _make(session, organisation_id), []
    rated = {known.item_ids[place]: similarity for place, similarity in known.index.like(text)}
    for row in fresh:
        rated[row.item_id] = ratio(text, comparable(row.search_text))
    return sorted((key for key in rated if rated[key] >= LEAST_SIMILARITY), key=lambda key: -rated[key])


def _make(session: Session, organisation_id: uuid.UUID) -> _Known:
    rows = pairs.texts_changed_after(session, organisation_id, None)
    known = _Known(
        item_ids=tuple(row.item_id for row in rows),
        index=NearIndex([comparable(row.search_text) for row in rows]),
        until=max((row.updated_at for row in rows), default=None),
        made_at=monotonic(),
    )
    with _lock:
        _known[organisation_id] = known
        _known.move_to_end(organisation_id)
        while len(_known) > MOST_ORGANISATIONS:
            _known.popitem(last=False)
    return known
