"""What stands against the items of a form: items out of use, near-copies and items that give each other away."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints.models import ExamForm
from blueprints.services.held import find_held
from kernel.identity.actor import Actor
from qbank import public as qbank
from qbank.public_changes import QuarantineInfo

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two places of a form whose items are alike or give each other away; `similarity` is 0 for a give-away."""

    slots: Pair
    codes: tuple[str, str]
    similarity: int
    clue: str


@dataclass(frozen=True, slots=True)
class FormQuality:
    """What to mend before a form goes out."""

    held: dict[uuid.UUID, QuarantineInfo]
    alike: Sequence[AlikePair]

    @property
    def held_codes(self) -> list[str]:
        """Codes of the items in quarantine."""
        return sorted(one.code for one in self.held.values())

    @property
    def slots(self) -> set[int]:
        """The places that belong to an alike pair."""
        return {slot for pair in self.alike for slot in pair.slots}


def form_quality(session: Session, actor: Actor, form: ExamForm) -> FormQuality:
    """Return what stands against a form whose slots are loaded."""
    places = {slot.item_version_id: slot for slot in form.slots}
    found = []
    for pair in qbank.similar_among(session, actor, list(places)):
        first, second = sorted((places[pair.first_version_id], places[pair.second_version_id]), key=lambda s: s.slot)
        codes = (first.item_code, second.item_code)
        found.append(AlikePair((first.slot, second.slot), codes, pair.similarity, pair.clue))
    found.sort(key=lambda pair: (-pair.similarity, pair.slots))
    return FormQuality(find_held(session, actor, [slot.item_id for slot in form.slots]), found)
