"""What certification may use: the results that were released."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from exam_delivery.services import packages, photos
from exam_delivery.services.packages import BatchInfo, CandidateResult, ResultOutcome, ResultPackage
from kernel.identity.actor import Actor

__all__ = ["BatchInfo", "CandidateResult", "ResultOutcome", "ResultPackage", "get_result_package", "read_photos"]


def get_result_package(session: Session, release_id: uuid.UUID) -> ResultPackage:
    """Return the results of a release as they were when it was made.

    Parameters
    ----------
    session : Session
        For reading; the caller is the handler of the release's message, not a person.
    release_id : UUID
        Key of the release.

    Returns
    -------
    ResultPackage

    Raises
    ------
    NotFoundError
        If there is no such release.
    SealBrokenError
        If the stored results do not match the digest that was released.
    """
    return packages.build_package(session, release_id)


def read_photos(session: Session, actor: Actor, candidate_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """Return the photos of some candidates of the actor's organisation, for their certificates.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    candidate_ids : sequence of UUID
        Keys of candidates.

    Returns
    -------
    dict of UUID to bytes
        JPEG or PNG by candidate; those without a photo are left out.
    """
    return photos.read_photos(session, actor, candidate_ids)
