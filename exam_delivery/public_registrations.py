"""What certification may use of registrations before scores are released."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from exam_delivery.services import early_registrations
from exam_delivery.services.early_registrations import UnreleasedBatch
from exam_delivery.services.packages import ResultPackage
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

__all__ = ["UnreleasedBatch", "list_unreleased", "open_registrations"]


def list_unreleased(session: Session, actor: Actor) -> list[UnreleasedBatch]:
    """Return the batches with registered people and without released scores.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.

    Returns
    -------
    list of UnreleasedBatch
        The newest first.
    """
    return early_registrations.list_unreleased(session, actor)


def open_registrations(uow: UnitOfWork, exam_batch_id: uuid.UUID) -> ResultPackage:
    """Return the people of a batch whose scores are not released, each with nothing known of theory.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction; whoever has no admission number gets one in it. The caller has checked the permission.
    exam_batch_id : UUID
        A batch of the actor's organisation.

    Returns
    -------
    ResultPackage
        Outcomes are all `NOT_TAKEN`; `release_id` is the key of the batch, for there is no release.

    Raises
    ------
    NotFoundError
        If the organisation has no such batch.
    ConflictError
        If its scores are released, or nobody is registered.
    """
    return early_registrations.open_registrations(uow, exam_batch_id)
