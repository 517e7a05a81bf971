"""What the composition root may use of certification: taking up results, and what a score means here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from certification.services import reception, standing
from certification.services.reception import Reception
from exam_delivery.public import ResultPackage
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

__all__ = ["Reception", "find_certificates", "receive_results", "theory_passes", "try_scores"]


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


def theory_passes(session: Session, organisation_id: uuid.UUID, level_code: str) -> Callable[[Decimal], bool]:
    """Return what says whether a theory score of a level reaches the pass mark.

    Parameters
    ----------
    session : Session
        For reading the rule profile.
    organisation_id : UUID
        Whose profile holds.
    level_code : str
        Such as ``3``.

    Returns
    -------
    callable
        Score to whether it passes, rounded as decisions are; always true for a level without theory.
    """
    return standing.theory_passes(session, organisation_id, level_code)


def try_scores(session: Session, actor: Actor, scores: Mapping[uuid.UUID, Decimal]) -> dict[uuid.UUID, tuple[str, str]]:
    """Return the whole decision about candidates as it is and with other theory scores, in words to translate.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Only candidates of the own organisation are found.
    scores : mapping of UUID to Decimal
        The theory score that each attempt would have.

    Returns
    -------
    dict
        By attempt; attempts that certification has never received are left out. Nothing is kept.
    """
    return standing.try_scores(session, actor, scores)


def find_certificates(
    session: Session, actor: Actor, attempt_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[str, str]]:
    """Return number and state, in words to translate, of the newest certificate that rests on each of some attempts.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    attempt_ids : sequence of UUID

    Returns
    -------
    dict of UUID to (str, str)
        Attempts without a certificate are left out.
    """
    found = standing.certificates_of_attempts(session, actor, attempt_ids)
    return {key: (row.number, standing.state_words(row)) for key, row in found.items()}
