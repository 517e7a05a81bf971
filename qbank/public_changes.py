"""What other components may use of the bank's changes: editions, wrong items, approvals of banks.

Blueprints announce themselves as dependants of outlines and ask here what holds; reports of wrong items come in here from
exam rooms and markers; rescoring reads the corrections.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor
from qbank.repository import editions as edition_repository
from qbank.services.dependants import Affected as Affected
from qbank.services.dependants import Capacity as Capacity
from qbank.services.dependants import Dependant as Dependant
from qbank.services.dependants import Draft as Draft
from qbank.services.dependants import EditionChange as EditionChange
from qbank.services.dependants import register_dependant as register_dependant
from qbank.services.edition_apply import EditionState as EditionState
from qbank.services.edition_apply import edition_state as edition_state
from qbank.services.edition_apply import refuse_old_edition as refuse_old_edition


def find_outside_edition(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, item_version_ids: Sequence[uuid.UUID]
) -> list[str]:
    """Return the codes of items whose version has no point in a level's edition: no form may hold them.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Sees the own organisation only.
    standard_level_id : UUID
        The level of the form.
    item_version_ids : sequence of UUID
        What the form holds.
    """
    return edition_repository.codes_outside(session, standard_level_id, item_version_ids, actor=actor)
