"""What the composition root may use of certification."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from certification.services import reception
from certification.services.reception import Reception
from exam_delivery.public import ResultPackage
from kernel.uow import UnitOfWork

__all__ = ["Reception", "receive_results"]


def receive_results(
    uow: UnitOfWork, package: ResultPackage, *, photos: Mapping[uuid.UUID, bytes] | None = None
) -> Reception:
    """Take up released results, exactly once per release.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction that also marks the release's message as done; its actor needs CERTIFICATION_WRITE.
    package : ResultPackage
        From `exam_delivery.public.get_result_package`.
    photos : mapping of UUID to bytes, optional
        Photos of candidates by candidate id; certificates print them.

    Returns
    -------
    Reception
        The batch, whether anything was new, and whether the package is a correction of an earlier one.

    Notes
    -----
    The same release again is acknowledged and changes nothing. Another release of the same examination batch becomes a
    correction that an officer applies or dismisses.
    """
    return reception.receive_results(uow, package, photos)
