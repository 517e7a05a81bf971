"""What the rules of retention may use of exam delivery: what is due, and erasing it in the transaction of an order.

The caller has checked who may do this, and keeps the order; nothing here decides by itself.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from exam_delivery.repository import retention as repository
from exam_delivery.services import retention as services
from kernel.clock import today
from kernel.uow import UnitOfWork

__all__ = ["due_candidates", "due_documents", "due_photos", "erase_candidates", "erase_documents", "erase_photos"]


def due_candidates(
    session: Session, organisation_id: uuid.UUID, before: dt.datetime, *, kept: Select[Any], limit: int
) -> list[uuid.UUID]:
    """Return the keys of people to be forgotten, the oldest first.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose people.
    before : datetime
        People are due whose exams were all over before this moment.
    kept : Select
        Query of the keys of people who stay whatever their age.
    limit : int
        How many at most.

    Returns
    -------
    list of UUID
        Without people who are still barred, or who wait for an answer.
    """
    return repository.due_candidates(session, organisation_id, before, today(), kept=kept, limit=limit)


def due_photos(session: Session, organisation_id: uuid.UUID, before: dt.datetime, *, limit: int) -> list[uuid.UUID]:
    """Return the keys of people whose photos are due, the oldest first.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose people.
    before : datetime
        Photos are due of people whose exams were all over before this moment.
    limit : int
        How many at most.

    Returns
    -------
    list of UUID
    """
    return repository.due_photos(session, organisation_id, before, limit=limit)


def due_documents(session: Session, organisation_id: uuid.UUID, before: dt.datetime, *, limit: int) -> list[uuid.UUID]:
    """Return the keys of printed documents of sessions that are due, the oldest first.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose documents.
    before : datetime
        Documents are due that were made before this moment.
    limit : int
        How many at most.

    Returns
    -------
    list of UUID
    """
    return repository.due_documents(session, organisation_id, before, limit=limit)


def erase_candidates(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    """Take what names some people; their rows, answers and scores stay.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of the order.
    keys : sequence of UUID
        From `due_candidates`.
    """
    services.erase_candidates(uow, keys)


def erase_photos(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    """Delete the photos of some people.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of the order.
    keys : sequence of UUID
        From `due_photos`.
    """
    services.erase_photos(uow, keys)


def erase_documents(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    """Delete printed documents.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of the order.
    keys : sequence of UUID
        From `due_documents`.
    """
    services.erase_documents(uow, keys)
