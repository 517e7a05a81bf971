"""What certification may know of rulings about results: who was ruled about and how, and who may not register."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.repository import rulings as repository
from exam_delivery.rules.rulings import KIND_LABELS, SCOPE_LABELS, WITHOUT_LOSS, RulingScope

__all__ = ["RulingInfo", "find_barred", "find_rulings"]


@dataclass(frozen=True, slots=True)
class RulingInfo:
    """A ruling that is in force.

    Attributes
    ----------
    code : str
        Its number, as letters give it.
    kind_label, scope_label : str
        Words to translate.
    cancels_all_parts : bool
        Whether results of other parts of the same batch are cancelled too.
    is_without_loss : bool
        Whether the candidate sits again without a retake being counted.
    barred_until : date or None
        The last day on which registration is refused.
    """

    code: str
    kind_label: str
    scope_label: str
    cancels_all_parts: bool
    is_without_loss: bool
    barred_until: dt.date | None


def find_rulings(session: Session, organisation_id: uuid.UUID, exam_batch_id: uuid.UUID) -> dict[uuid.UUID, RulingInfo]:
    """Return the rulings in force of an examination batch by candidate.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose walls hold.
    exam_batch_id : UUID
        The batch of exam delivery.
    """
    return {
        one.candidate_id: RulingInfo(
            one.code, KIND_LABELS[one.kind], SCOPE_LABELS[one.scope], one.scope is RulingScope.ALL_PARTS,
            one.kind in WITHOUT_LOSS, one.barred_until,
        )
        for one in repository.in_force(session, organisation_id, exam_batch_id)
    }  # fmt: skip


def find_barred(
    session: Session, organisation_id: uuid.UUID, id_number_indexes: Sequence[str], on: dt.date
) -> dict[str, dt.date]:
    """Return until when people may not register, by the keyed index of their number; others are left out.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose walls hold.
    id_number_indexes : sequence of str
        Keyed indexes, as both components make them.
    on : date
        The day in question.
    """
    found = repository.bars(session, organisation_id, id_number_indexes, on)
    return {index: one.barred_until for index, one in found.items() if one.barred_until is not None}
