"""What certification may know of score checks, appeals and rulings about the results that it received."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.repository import appeals as repository
from exam_delivery.rules.appeals import BLOCKS_ROSTER
from kernel import profiles

__all__ = ["OpenAppeals", "find_open_appeals"]


@dataclass(frozen=True, slots=True)
class OpenAppeals:
    """How many requests about a batch are not closed.

    Attributes
    ----------
    n_open : int
        Requests that nobody has closed, declined or withdrawn.
    blocks_roster : bool
        Whether, by the rule profile, the roster waits for them too; the archive always does.
    """

    n_open: int
    blocks_roster: bool


def find_open_appeals(session: Session, organisation_id: uuid.UUID, exam_batch_id: uuid.UUID) -> OpenAppeals:
    """Return the open requests about an examination batch.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose walls hold.
    exam_batch_id : UUID
        The batch of exam delivery.
    """
    n_open = repository.count_open(session, organisation_id, exam_batch_id)
    return OpenAppeals(n_open, bool(n_open) and bool(profiles.value(session, organisation_id, BLOCKS_ROSTER)))
