"""Incidents with evidence: what happened, when, whom it concerns, and photos that prove it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from exam_delivery.models import Incident, IncidentEvidence, IncidentPerson
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import incidents as repository
from exam_delivery.repository import planning
from exam_delivery.repository.incidents import Concerned
from exam_delivery.rules.room import INCIDENT_KINDS
from exam_delivery.services import personal
from exam_delivery.services.reach import check_seat_in_reach, rooms_in_reach
from exam_delivery.services.room_acts import make_incident, name_rooms, rooms_of_note
from kernel import audit
from kernel.canonical import digest_bytes
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.typesetting import printable_photo
from kernel.uow import UnitOfWork

MAX_PHOTOS = 10
PHOTO_SIDE = 1600
"""Pixels of the longer side that are kept: enough to read a note in somebody's hand."""


@dataclass(frozen=True, slots=True)
class IncidentDraft:
    """What somebody writes down."""

    kind: str
    text: str
    happened_at: datetime | None = None
    people: Sequence[uuid.UUID] = ()
    photos: Sequence[bytes] = field(default=(), repr=False)
    room_id: uuid.UUID | None = None


def record(uow: UnitOfWork, exam_session_id: uuid.UUID, draft: IncidentDraft) -> Incident:
    """Keep an incident with its candidates and photos; nothing of it can be changed afterwards.

    Raises
    ------
    InvalidInputError
        With what to mend, by field.
    """
    require(uow.actor, Permission.SESSION_INVIGILATE)
    planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    rooms = rooms_of_note(uow, exam_session_id, draft.room_id)
    pictures = _check(draft)
    for person in draft.people:
        check_seat_in_reach(uow.session, exam_session_id, person, actor=uow.actor)
    at = now()
    incident = make_incident(
        uow, exam_session_id, _only_attempt(uow, draft.people), kind=draft.kind, text=draft.text.strip(), at=at
    )
    incident.incident_id, incident.happened_at = new_id(), draft.happened_at
    name_rooms(uow, incident, () if draft.people else rooms)
    uow.session.add_all(IncidentPerson(incident_id=incident.incident_id, registration_id=one) for one in draft.people)
    uow.session.add_all(_evidence(uow, incident, picture, at) for picture in pictures)
    facts = {"kind": draft.kind, "people": len(draft.people), "photos": [digest_bytes(one) for one in pictures]}
    audit.record(uow, "incident.record", "exam_session", exam_session_id, after=facts)
    return incident


def _check(draft: IncidentDraft) -> list[bytes]:
    """Return the photos re-encoded; raises InvalidInputError."""
    problems: dict[str, list[str]] = {}
    if draft.kind not in INCIDENT_KINDS:
        problems["kind"] = [N_("请选择情况类别")]
    if not draft.text.strip():
        problems["text"] = [N_("请写明情况")]
    if draft.happened_at and draft.happened_at > now():
        problems["happened_at"] = [N_("发生时间不能晚于现在")]
    if len(draft.photos) > MAX_PHOTOS:
        problems["photos"] = [N_("一次最多附 10 张照片")]
    pictures = [printable_photo(one, max_width=PHOTO_SIDE, max_height=PHOTO_SIDE) for one in draft.photos[:MAX_PHOTOS]]
    if None in pictures:
        problems["photos"] = [N_("有的文件不是可用的照片，请上传 JPEG 或 PNG")]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)
    return [picture for picture in pictures if picture]


def _only_attempt(uow: UnitOfWork, people: Sequence[uuid.UUID]) -> uuid.UUID | None:
    if len(people) != 1:
        return None
    return attempts_repository.get_seat(uow.session, people[0], actor=uow.actor).attempt_id


def _evidence(uow: UnitOfWork, incident: Incident, picture: bytes, at: datetime) -> IncidentEvidence:
    key = new_id()
    return IncidentEvidence(
        incident_evidence_id=key, organisation_id=incident.organisation_id, incident_id=incident.incident_id,
        digest=digest_bytes(picture), ciphertext=personal.seal_bytes(picture, place=_place(key)),
        added_by=uow.actor.user_id, added_at=at,
    )  # fmt: skip


def _place(incident_evidence_id: uuid.UUID) -> str:
    return f"incident_evidence|ciphertext|{incident_evidence_id}"


def read_photo(session: Session, actor: Actor, exam_session_id: uuid.UUID, incident_evidence_id: uuid.UUID) -> bytes:
    """Return a photo to somebody who looks after a room of the session, or plans it."""
    check_may_read(session, exam_session_id, actor=actor)
    found = repository.get_evidence(session, incident_evidence_id, exam_session_id=exam_session_id, actor=actor)
    return personal.open_bytes(found.ciphertext, place=_place(incident_evidence_id))


def check_may_read(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> None:
    """Refuse who neither looks after a room of the session nor plans sessions; it looks as if there was none."""
    planning.get_session(session, exam_session_id, actor=actor)
    if not actor.may(Permission.SESSION_WRITE) and not rooms_in_reach(session, exam_session_id, actor=actor):
        raise NotFoundError(N_("场次不存在，可能已被删除"))


def is_here(people: Sequence[Concerned], room_ids: Collection[uuid.UUID], exam_room_id: uuid.UUID) -> bool:
    """Say whether an incident belongs to a room: by its candidates, else by its rooms; what names neither is the session's."""
    if people:
        return any(person.exam_room_id == exam_room_id for person in people)
    return not room_ids or exam_room_id in room_ids
