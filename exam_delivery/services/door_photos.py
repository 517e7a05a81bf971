"""The photo taken at the door, for the invigilator to compare by eye: no program compares faces.

It is personal data of the sensitive kind: encoded anew without metadata, encrypted, for those alone who look after the room, deleted
with the photos of the roster. A camera that fails never keeps anybody from an exam: a reason is noted instead.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import AttemptStatus, DoorPhoto, ExamSession, Registration, RegistrationStatus, SessionStatus
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import door_photos as repository
from exam_delivery.rules import keys
from exam_delivery.rules.door_photos import NO_PHOTO_LABELS, DoorPhotoRule, NoPhotoReason, rule_of
from exam_delivery.services import personal
from exam_delivery.services.photos import readable_photo
from exam_delivery.services.reach import check_may_look, check_room_open
from exam_delivery.services.room_acts import running_session
from kernel import audit, profiles
from kernel.canonical import digest_bytes
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

MAX_BYTES = 10_000_000
SIDE = 720
"""Pixels of the longer side that are kept: enough to compare a face, and no more."""


@dataclass(frozen=True, slots=True)
class NoPhoto:
    """Why somebody comes in without a photo."""

    reason: NoPhotoReason
    note: str = ""

    @property
    def text(self) -> str:
        """The reason as it is kept."""
        return "：".join(filter(None, (NO_PHOTO_LABELS[self.reason], self.note.strip())))[:300]


def read_no_photo(code: str, note: str) -> NoPhoto | None:
    """Return the reason that a form gives, None where it gives none; raises InvalidInputError."""
    if not code:
        return None
    if code not in set(NoPhotoReason):
        raise InvalidInputError(N_("请选择原因"), fields={"no_photo": [N_("请选择原因")]})
    if code == NoPhotoReason.OTHER and not note.strip():
        raise InvalidInputError(N_("选择“其他”时请写明原因"), fields={"no_photo_note": [N_("请写明原因")]})
    return NoPhoto(NoPhotoReason(code), note)


def rule_for(session: Session, row: ExamSession) -> DoorPhotoRule:
    """Return whether a session wants photos: what stood when it was prepared, before that what stands now."""
    if row.status is SessionStatus.PLANNED:
        return rule_of(str(profiles.value(session, row.organisation_id, keys.DOOR_PHOTO)))
    return DoorPhotoRule(row.door_photo)


def take(uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, data: bytes) -> DoorPhoto:
    """Keep the photo of a candidate at the door; taking it again replaces it.

    Raises
    ------
    ConflictError
        If the session wants none, or the candidate is not about to sit.
    InvalidInputError
        If the file is no photo that can be used.
    """
    require(uow.actor, Permission.SESSION_INVIGILATE)
    if running_session(uow, exam_session_id).door_photo == DoorPhotoRule.OFF:
        raise ConflictError(N_("本场考试不拍入场照片"))
    check_may_look(uow.session, exam_session_id, registration_id, actor=uow.actor)
    check_room_open(uow.session, exam_session_id, registration_id, actor=uow.actor)
    _check_sits(uow, attempts_repository.lock_registration(uow.session, registration_id, actor=uow.actor))
    picture = readable_photo(data, most=MAX_BYTES, side=SIDE)
    row, before = _row(uow, exam_session_id, registration_id)
    row.digest, row.ciphertext = digest_bytes(picture), personal.seal_bytes(picture, place=_place(row))
    row.taken_by, row.taken_by_name, row.taken_at = uow.actor.user_id, uow.actor.name[:100], now()
    audit.record(
        uow, "registration.door_photo", "registration", registration_id, before=before,
        after={"session": str(exam_session_id), "digest": row.digest},
    )  # fmt: skip
    return row


def _row(
    uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID
) -> tuple[DoorPhoto, dict[str, object] | None]:
    """Return the photo's row, and what it said of the photo that is replaced."""
    row = repository.find(uow.session, exam_session_id, registration_id)
    if row is not None:
        taken = {"digest": row.digest, "taken_by": str(row.taken_by), "taken_at": row.taken_at.isoformat()}
        return row, dict(taken)
    row = DoorPhoto(
        registration_id=registration_id, exam_session_id=exam_session_id, organisation_id=uow.actor.organisation
    )
    uow.add(row)
    return row, None


def _check_sits(uow: UnitOfWork, registration: Registration) -> None:
    if registration.status is not RegistrationStatus.ADMITTED:
        raise ConflictError(N_("考生已记缺考或取消资格，请先撤销"))
    attempt = attempts_repository.find_attempt(uow.session, registration.registration_id)
    if attempt and attempt.status is AttemptStatus.SUBMITTED:
        raise ConflictError(N_("考生已交卷，不用再拍照"))


def read(session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, actor: Actor) -> bytes:
    """Return the photo of a candidate in one's own room."""
    check_may_look(session, exam_session_id, registration_id, actor=actor)
    row = repository.find(session, exam_session_id, registration_id)
    if row is None:
        raise NotFoundError(N_("还没有拍这名考生的入场照片"))
    sealed = repository.read_picture(session, row)
    return personal.open_bytes(sealed, place=_place(row))


def _place(row: DoorPhoto) -> str:
    """Return what a photo's ciphertext is bound to."""
    return f"door_photos|ciphertext|{row.exam_session_id}|{row.registration_id}"


def lacks_photo(session: Session, sitting: ExamSession, registration_id: uuid.UUID) -> bool:
    """Say whether a candidate has no photo though the session requires one."""
    is_required = sitting.door_photo == DoorPhotoRule.REQUIRED
    return is_required and repository.find(session, sitting.exam_session_id, registration_id) is None
