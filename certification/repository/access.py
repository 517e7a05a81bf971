"""Whose rows an actor may see: the own organisation's, and by grant those of supervised ones."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import granted_organisation_ids


def visible_organisations(session: Session, actor: Actor) -> list[uuid.UUID]:
    """Return the organisations whose certification an actor may read."""
    if actor.organisation_id is None:
        return []
    granted = granted_organisation_ids(session, actor.organisation_id) if actor.may(Permission.SUPERVISE) else []
    return [actor.organisation_id, *granted]
