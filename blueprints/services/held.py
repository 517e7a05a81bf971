"""Items out of use as forms meet them: the organisation's own, and those of others that stand in its forms."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy.orm import Session

from blueprints import repository_uses as uses
from kernel.identity.actor import Actor
from qbank.public_changes import QuarantineInfo, find_quarantined
from qbank.public_sharing import find_shared_quarantined


def find_held(
    session: Session, actor: Actor, item_ids: Collection[uuid.UUID] | None = None
) -> dict[uuid.UUID, QuarantineInfo]:
    """Return the items in quarantine: all of one's own and the shared ones in forms, or those among some items.

    Of a shared bank nothing is told that does not stand in a form of the organisation.
    """
    own = find_quarantined(session, actor, None if item_ids is None else list(item_ids))
    shared = find_shared_quarantined(session, actor, item_ids)
    known = uses.count_forms_holding(session, list(shared), actor=actor) if shared else {}
    return own | {item_id: held for item_id, held in shared.items() if item_id in known}
