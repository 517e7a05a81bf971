"""Candidates, their registrations and their photos."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Candidate,
    CandidatePhoto,
    ExamBatch,
    ExamDocument,
    ExamRoom,
    Registration,
    RegistrationStatus,
    RosterUpload,
)
from exam_delivery.repository.planning import escape_like
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.lists import UNORDERED, Order, ordered_by

CHUNK = 500
Entry = tuple[Registration, Candidate, ExamRoom | None]
PERSON_ORDERS: dict[str, Any] = {
    "name": Candidate.name, "employer": Candidate.employer, "admission": Registration.admission_number,
}  # fmt: skip
"""Never by seat or room: the order would tell what is sealed."""


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What a list of registrations is narrowed to; `text` is looked for in names, employers and admission numbers."""

    exam_batch_id: uuid.UUID | None = None
    exam_session_id: uuid.UUID | None = None
    text: str = ""
    without_session: bool = False
    without_photo: bool = False


def get_candidate(session: Session, candidate_id: uuid.UUID, *, actor: Actor) -> Candidate:
    """Return a candidate of the actor's organisation."""
    candidate = session.get(Candidate, candidate_id)
    if candidate is None or candidate.organisation_id != actor.organisation:
        raise NotFoundError(N_("考生不存在"))
    return candidate


def get_registration(session: Session, registration_id: uuid.UUID, *, actor: Actor) -> Registration:
    """Return a registration of the actor's organisation."""
    registration = session.get(Registration, registration_id)
    if registration is None or registration.organisation_id != actor.organisation:
        raise NotFoundError(N_("报名记录不存在"))
    return registration


def find_candidates_by_index(session: Session, indexes: Iterable[str], *, actor: Actor) -> dict[str, Candidate]:
    """Return known candidates by the keyed index of their number."""
    wanted = list(indexes)
    found: dict[str, Candidate] = {}
    for start in range(0, len(wanted), CHUNK):
        query = select(Candidate).where(
            Candidate.organisation_id == actor.organisation,
            Candidate.id_number_index.in_(wanted[start : start + CHUNK]),
        )
        found.update((candidate.id_number_index, candidate) for candidate in session.scalars(query))
    return found


def candidate_ids_of_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> set[uuid.UUID]:
    """Return who is registered in a batch."""
    query = select(Registration.candidate_id).where(
        Registration.exam_batch_id == exam_batch_id, Registration.organisation_id == actor.organisation
    )
    return set(session.scalars(query))


def list_registrations(
    session: Session,
    *,
    actor: Actor,
    wanted: PeopleFilter,
    order: Order = UNORDERED,
    page: int = 1,
    per_page: int = 50,
) -> tuple[Sequence[Entry], int]:
    """Return one page of registrations with person and room, by admission number unless another order is asked for."""
    query = _entries().where(Registration.organisation_id == actor.organisation)
    if wanted.exam_batch_id:
        query = query.where(Registration.exam_batch_id == wanted.exam_batch_id)
    if wanted.exam_session_id:
        query = query.where(Registration.exam_session_id == wanted.exam_session_id)
    if wanted.without_session:
        query = query.where(NEEDS_SESSION)
    if wanted.without_photo:
        query = query.where(LACKS_PHOTO)
    if wanted.text:
        found = f"%{escape_like(wanted.text)}%"
        query = query.where(
            or_(
                Candidate.name.like(found, escape="\\"),
                Candidate.employer.like(found, escape="\\"),
                Registration.admission_number.like(found, escape="\\"),
            )
        )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    usual = [Registration.admission_number.is_(None), Registration.admission_number]
    by = ordered_by(order, PERSON_ORDERS, usual, Registration.registration_id)
    rows = session.execute(query.order_by(*by).limit(per_page).offset((page - 1) * per_page))
    return [(registration, candidate, room) for registration, candidate, room in rows], total


def find_people(
    session: Session, text: str, *, actor: Actor, limit: int = 50
) -> list[tuple[Registration, Candidate, ExamBatch]]:
    """Return registrations by name, employer or admission number with their batches; nothing for an empty text."""
    if not text:
        return []
    entries, _total = list_registrations(session, actor=actor, wanted=PeopleFilter(text=text), per_page=limit)
    wanted = {registration.exam_batch_id for registration, _person, _room in entries}
    batches = session.scalars(select(ExamBatch).where(ExamBatch.exam_batch_id.in_(wanted)))
    by_id = {batch.exam_batch_id: batch for batch in batches}
    return [(registration, person, by_id[registration.exam_batch_id]) for registration, person, _room in entries]


def _entries() -> Select[Registration, Candidate, ExamRoom]:
    return (
        select(Registration, Candidate, ExamRoom)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
    )


def registrations_of_session(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor, exam_room_id: uuid.UUID | None = None
) -> Sequence[Entry]:
    """Return everybody admitted to a session, by room and seat."""
    query = _entries().where(
        Registration.exam_session_id == exam_session_id,
        Registration.organisation_id == actor.organisation,
        Registration.status != RegistrationStatus.VOID,
    )
    if exam_room_id:
        query = query.where(Registration.exam_room_id == exam_room_id)
    rows = session.execute(
        query.order_by(ExamRoom.site, ExamRoom.name, Registration.seat_number, Registration.registration_id)
    )
    return [(registration, candidate, room) for registration, candidate, room in rows]


def registrations_of_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> Sequence[Registration]:
    """Return all registrations of a batch by admission number."""
    query = select(Registration).where(
        Registration.exam_batch_id == exam_batch_id, Registration.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(Registration.admission_number, Registration.registration_id)).all()


NEEDS_SESSION = and_(
    Registration.exam_session_id.is_(None),
    Registration.status == RegistrationStatus.ADMITTED,
    Registration.takes_theory.is_(True),
)
"""Who resits other parts than theory never gets a session, who was voided needs none."""

LACKS_PHOTO = and_(Candidate.photo_digest.is_(None), Registration.status != RegistrationStatus.VOID)
"""Whose result was voided needs no photo any more."""


def count_without_photo(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> int:
    """Return how many people of a session have no registration photo."""
    query = (
        select(func.count())
        .select_from(Registration)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(
            Registration.exam_session_id == exam_session_id,
            Registration.organisation_id == actor.organisation,
            LACKS_PHOTO,
        )
    )
    return session.scalar(query) or 0


def unassigned_registrations(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> Sequence[Registration]:
    """Return the admitted registrations of a batch that have no session yet, oldest first."""
    query = select(Registration).where(
        Registration.exam_batch_id == exam_batch_id, Registration.organisation_id == actor.organisation, NEEDS_SESSION
    )
    return session.scalars(query.order_by(Registration.registration_id)).all()


def count_of_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> tuple[int, int]:
    """Return how many people a batch has, and how many of them still need a session."""
    query = select(func.count(), func.count().filter(NEEDS_SESSION)).where(
        Registration.exam_batch_id == exam_batch_id, Registration.organisation_id == actor.organisation
    )
    n_people, n_unassigned = session.execute(query).one()
    return n_people, n_unassigned


def numbers_with_prefix(session: Session, prefix: str) -> Sequence[tuple[str, uuid.UUID | None]]:
    """Return admission numbers that begin alike, with their session.

    Numbers are unique in the installation, so this looks over the walls; nothing but the numbers leaves.
    """
    query = select(Registration.admission_number, Registration.exam_session_id).where(
        Registration.admission_number.like(f"{escape_like(prefix)}%", escape="\\")
    )
    return [(number or "", owner) for number, owner in session.execute(query)]


def get_roster_upload(session: Session, roster_upload_id: uuid.UUID, *, actor: Actor) -> RosterUpload:
    """Return an uploaded roster of the actor's organisation."""
    upload = session.get(RosterUpload, roster_upload_id)
    if upload is None or upload.organisation_id != actor.organisation:
        raise NotFoundError(N_("上传的名单不存在"))
    return upload


def photo_of(session: Session, registration_id: uuid.UUID, *, actor: Actor) -> CandidatePhoto | None:
    """Return the encrypted photo of whom a registration is about, if there is one."""
    query = (
        select(CandidatePhoto)
        .join(Registration, Registration.candidate_id == CandidatePhoto.candidate_id)
        .where(Registration.registration_id == registration_id, CandidatePhoto.organisation_id == actor.organisation)
    )
    return session.scalar(query)


def load_photos(
    session: Session, candidate_ids: Sequence[uuid.UUID], *, actor: Actor
) -> dict[uuid.UUID, CandidatePhoto]:
    """Return the encrypted photos of some candidates."""
    found: dict[uuid.UUID, CandidatePhoto] = {}
    for start in range(0, len(candidate_ids), CHUNK):
        query = select(CandidatePhoto).where(
            CandidatePhoto.organisation_id == actor.organisation,
            CandidatePhoto.candidate_id.in_(candidate_ids[start : start + CHUNK]),
        )
        found.update((photo.candidate_id, photo) for photo in session.scalars(query))
    return found


def get_document(session: Session, exam_document_id: uuid.UUID, *, actor: Actor) -> ExamDocument:
    """Return a printed document of the actor's organisation."""
    document = session.get(ExamDocument, exam_document_id)
    if document is None or document.organisation_id != actor.organisation:
        raise NotFoundError(N_("文件不存在，请重新生成"))
    return document


def documents_of_session(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamDocument]:
    """Return what was printed for a session, newest first."""
    query = select(ExamDocument).where(
        ExamDocument.exam_session_id == exam_session_id, ExamDocument.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(ExamDocument.created_at.desc()).limit(50)).all()
