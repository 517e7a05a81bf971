"""What certification may use: the results that were released."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from exam_delivery.services import packages
from exam_delivery.services.packages import BatchInfo, CandidateResult, ResultOutcome, ResultPackage

__all__ = ["BatchInfo", "CandidateResult", "ResultOutcome", "ResultPackage", "get_result_package"]


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
