"""Who answers a roster: the body notes what its centre told it, or the supervising centre reviews in the system."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from certification.models import CertificationBatch
from certification.repository import batches as repository
from certification.repository.access import visible_organisations
from certification.rules.batch_states import BatchState
from certification.rules.roster_returns import CENTRE_REVIEWS
from kernel import audit, profiles
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation, is_granted
from kernel.uow import UnitOfWork

UNDER_REVIEW = frozenset({BatchState.ROSTER_SUBMITTED, BatchState.RESUBMITTED})


def is_by_centre(session: Session, organisation_id: uuid.UUID) -> bool:
    """Say whether a centre answers a body's rosters here: by the body's rule, and only while one may look into it."""
    return bool(profiles.value(session, organisation_id, CENTRE_REVIEWS)) and is_granted(session, organisation_id)


def may_answer(session: Session, actor: Actor, batch: CertificationBatch) -> bool:
    """Say whether somebody answers the roster of a batch: an officer of the body, or of a centre that supervises it."""
    if not actor.may(Permission.CERTIFICATION_WRITE):
        return False
    if batch.organisation_id == actor.organisation_id:
        return not is_by_centre(session, batch.organisation_id)
    is_supervised = batch.organisation_id in visible_organisations(session, actor)
    return is_supervised and is_by_centre(session, batch.organisation_id)


def lock_for_review(uow: UnitOfWork, batch_id: uuid.UUID) -> CertificationBatch:
    """Return a batch whose roster the actor answers, locked; a centre's officer goes on inside the body's walls.

    Raises
    ------
    NotFoundError
        If the actor may not look into the body.
    ConflictError
        If it is the other side that answers.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = repository.get_batch(uow.session, batch_id, actor=uow.actor)
    by_centre = is_by_centre(uow.session, batch.organisation_id)
    if batch.organisation_id == uow.actor.organisation:
        if by_centre:
            raise ConflictError(N_("名册由监管中心在系统内审核，本机构不能登记审核结果"), error_code="centre_reviews")
    else:
        if not by_centre:
            raise ConflictError(N_("这个机构的名册由机构登记审核结果，没有交监管中心在系统内审核"))
        uow.actor = _inside(uow, batch)
    return repository.lock_batch(uow.session, batch_id, actor=uow.actor)


def _inside(uow: UnitOfWork, batch: CertificationBatch) -> Actor:
    """Return the centre's officer inside the body's walls, named with the centre; both journals know of the review."""
    centre = get_organisation(uow.session, uow.actor.organisation)
    audit.record(uow, "certification.review", "certification_batch", batch.certification_batch_id)
    name = f"{centre.name} {uow.actor.name}"
    return replace(uow.actor, organisation_id=batch.organisation_id, name=name[:100])


def waiting_for(session: Session, actor: Actor) -> Sequence[CertificationBatch]:
    """Return the batches of other bodies whose rosters wait for the actor's review, those waiting longest first."""
    if not actor.may(Permission.CERTIFICATION_WRITE):
        return []
    bodies = [one for one in visible_organisations(session, actor) if one != actor.organisation_id]
    reviewed = [one for one in bodies if is_by_centre(session, one)]
    return repository.list_in_states(session, reviewed, UNDER_REVIEW)
