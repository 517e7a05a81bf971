"""An item out of use in the forms of organisations that take it from a shared bank: sized for its owner, swapped out by them.

The owner's act leaves a job in each of those organisations. It does there what the act does at home, within that
organisation's walls: drafts get another item, what was approved is reviewed again, for what was sealed a copy goes to review.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy.orm import Session

from blueprints.services.quarantine import find_extent
from kernel import audit
from kernel.errors import NotFoundError
from kernel.identity.actor import Actor, require, system_actor
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.uow import UnitOfWork
from qbank.public_sharing import list_receivers, organisation_names, owners_of

JOB = "blueprints.sweep_shared"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What an item out of use touches in another organisation: numbers only."""

    organisation_id: uuid.UUID
    name: str
    n_open: int
    n_delivered: int
    n_started: int
    n_candidate_marks: Decimal


def find_elsewhere(session: Session, actor: Actor, item_id: uuid.UUID) -> list[Elsewhere]:
    """Return what an item of the actor's organisation touches in each organisation that takes of its bank."""
    require(actor, Permission.FORM_ASSEMBLE)
    if owners_of(session, [item_id]).get(item_id) != actor.organisation:
        return []
    receivers = list_receivers(session, actor)
    names = organisation_names(session, receivers)
    found = [_extent_at(session, receiver, names[receiver], item_id) for receiver in receivers]
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


def _extent_at(session: Session, organisation_id: uuid.UUID, name: str, item_id: uuid.UUID) -> Elsewhere | None:
    try:
        extent = find_extent(session, system_actor(organisation_id), item_id)
    except NotFoundError:
        return None
    return Elsewhere(
        organisation_id, name, len(extent.open_forms), len(extent.delivered), extent.n_started,
        extent.n_candidate_marks,
    )  # fmt: skip


def sweep_elsewhere(uow: UnitOfWork, item_id: uuid.UUID) -> list[Elsewhere]:
    """Leave a job in every organisation that has forms to mend; return what each of them has."""
    found = [one for one in find_elsewhere(uow.session, uow.actor, item_id) if one.n_open]
    for one in found:
        there = replace(uow, actor=system_actor(one.organisation_id))
        enqueue(there, JOB, {"item_id": str(item_id)}, title="替换停用的共享试题")
    if found:
        after = {str(one.organisation_id): one.n_open for one in found}
        audit.record(uow, "item.sweep_elsewhere", "item", item_id, after=after)
    return found
