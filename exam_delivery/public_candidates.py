"""What the candidates' own page may use: who somebody is, their released results, their requests and letters.

Every function takes the person beside the key of a row; a row of somebody else does not exist for them. The actor of these
acts has an organisation and no permission at all.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from exam_delivery.rules.appeals import KIND_LABELS as REQUEST_KIND_LABELS
from exam_delivery.rules.appeals import OUTCOME_LABELS as REQUEST_OUTCOME_LABELS
from exam_delivery.rules.appeals import STATE_LABELS as REQUEST_STATE_LABELS
from exam_delivery.rules.appeals import SUBJECT_LABELS, RequestKind, RequestState, RequestSubject
from exam_delivery.rules.rulings import KIND_LABELS as RULING_KIND_LABELS
from exam_delivery.rules.rulings import STATE_LABELS as RULING_STATE_LABELS
from exam_delivery.services import own_results, request_files
from exam_delivery.services.own_results import WITHDRAWABLE, Proof, Sitting, plain_name
from exam_delivery.services.request_files import OPEN_FOR_FILES
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

__all__ = [
    "OPEN_FOR_FILES",
    "REQUEST_KIND_LABELS",
    "REQUEST_OUTCOME_LABELS",
    "REQUEST_STATE_LABELS",
    "RULING_KIND_LABELS",
    "RULING_STATE_LABELS",
    "SUBJECT_LABELS",
    "WITHDRAWABLE",
    "Proof",
    "RequestKind",
    "RequestState",
    "RequestSubject",
    "Sitting",
    "attach_files",
    "file_names",
    "file_request",
    "list_sittings",
    "plain_name",
    "prove",
    "take_request_letter",
    "take_ruling_letter",
    "withdraw_request",
]


def prove(session: Session, *, admission_number: str, id_number: str, name: str) -> Proof | None:
    """Return who somebody is when the three belong together, None otherwise; both take the same work.

    Parameters
    ----------
    session : Session
        For reading.
    admission_number, id_number, name : str
        As typed.
    """
    return own_results.prove(session, admission_number=admission_number, id_number=id_number, name=name)


def list_sittings(session: Session, actor: Actor, candidate_id: uuid.UUID) -> list[Sitting]:
    """Return a person's registrations with what may be told of each: nothing of a score before it is released.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    candidate_id : UUID
        The person who proved who they are.
    """
    return own_results.list_sittings(session, actor, candidate_id)


def file_request(
    uow: UnitOfWork,
    candidate_id: uuid.UUID,
    registration_id: uuid.UUID,
    *,
    kind: str,
    subject: str,
    statement: str,
    slots: tuple[int, ...] = (),
    result_ruling_id: uuid.UUID | None = None,
) -> str:
    """Enter a candidate's own request for a score check or an appeal and return its number.

    Raises
    ------
    NotFoundError
        If the registration is somebody else's.
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If the days are over, another request is open, or no round is left.
    """
    return own_results.file_own_request(
        uow, candidate_id, registration_id, kind=kind, subject=subject, statement=statement, slots=slots,
        result_ruling_id=result_ruling_id,
    ).code  # fmt: skip


def attach_files(
    uow: UnitOfWork, candidate_id: uuid.UUID, registration_id: uuid.UUID, files: Sequence[tuple[str, bytes]]
) -> int:
    """Add pictures and PDF files to the candidate's open request about a registration and return how many.

    Raises
    ------
    NotFoundError
        If the registration is somebody else's.
    InvalidInputError
        If there are too many, or one of them cannot be taken.
    ConflictError
        If no request is open, or somebody looks into it already.
    """
    return own_results.attach_own_files(uow, candidate_id, registration_id, files)


def file_names(session: Session, actor: Actor, request_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """Return the names of the files of a candidate's own requests.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    request_ids : Sequence[UUID]
        Requests of the person who proved who they are.
    """
    found = request_files.files_of(session, actor, request_ids)
    return {key: [one.file_name for one in rows] for key, rows in found.items()}


def withdraw_request(uow: UnitOfWork, candidate_id: uuid.UUID, request_id: uuid.UUID) -> None:
    """Take back a candidate's own request that nobody looks into yet.

    Raises
    ------
    NotFoundError
        If the request is somebody else's.
    ConflictError
        If somebody looks into it already.
    """
    own_results.withdraw_own_request(uow, candidate_id, request_id)


def take_request_letter(uow: UnitOfWork, candidate_id: uuid.UUID, request_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and PDF of the letter about a candidate's own request; audited.

    Raises
    ------
    NotFoundError
        If the request is somebody else's.
    ConflictError
        If there is no letter yet.
    """
    return own_results.take_own_letter(uow, candidate_id, request_id)


def take_ruling_letter(uow: UnitOfWork, candidate_id: uuid.UUID, ruling_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and PDF of the letter about a ruling that concerns the candidate; audited.

    Raises
    ------
    NotFoundError
        If the ruling is about somebody else.
    """
    return own_results.take_own_ruling_letter(uow, candidate_id, ruling_id)
