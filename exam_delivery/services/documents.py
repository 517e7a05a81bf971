"""Admission tickets and room documents of a session as PDF, kept encrypted for download."""

from __future__ import annotations

import datetime as dt
import enum
import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.documents.model import AdmissionTicket, RoomEntry, RoomSheet, SeatPlan
from exam_delivery.documents.rendering import (
    DEFAULT_TICKET_NOTES,
    MAX_TICKETS,
    admission_tickets_pdf,
    door_lists_pdf,
    incident_sheets_pdf,
    seat_maps_pdf,
    sign_in_sheets_pdf,
)
from exam_delivery.models import Candidate, ExamBatch, ExamDocument, ExamRoom, ExamSession, Registration
from exam_delivery.repository import candidates as repository
from exam_delivery.repository import planning
from exam_delivery.rules import keys
from exam_delivery.rules.door_photos import CANDIDATES_NOTICE, DoorPhotoRule
from exam_delivery.services import door_photos, personal, photos, seat_seal
from exam_delivery.services.reach import check_session_in_reach
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE, now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.jobs.models import Job
from kernel.jobs.services import enqueue
from kernel.national_id import ID_KIND_LABELS, SEX_LABELS, IdKind, Sex
from kernel.uow import UnitOfWork

DOCUMENT_JOB = "exam_delivery.print"
SUBJECT = "理论知识"
SEALED_SEAT = "考前公布"
Entry = tuple[Registration, Candidate, ExamRoom | None]


class DocumentKind(enum.StrEnum):
    """What may be printed for a session."""

    TICKETS = "tickets"
    DOOR_LISTS = "door_lists"
    SIGN_IN_SHEETS = "sign_in_sheets"
    SEAT_MAPS = "seat_maps"
    INCIDENT_SHEETS = "incident_sheets"


WITHOUT_SEATS = frozenset({DocumentKind.TICKETS, DocumentKind.INCIDENT_SHEETS})
"""What can be printed while seats are sealed: tickets leave the seat open, the others name nobody."""
DOCUMENT_LABELS = {
    DocumentKind.TICKETS: N_("准考证"),
    DocumentKind.DOOR_LISTS: N_("考场座次表"),
    DocumentKind.SIGN_IN_SHEETS: N_("签到表"),
    DocumentKind.SEAT_MAPS: N_("座位图"),
    DocumentKind.INCIDENT_SHEETS: N_("异常情况登记表"),
}


def request_document(uow: UnitOfWork, exam_session_id: uuid.UUID, kind: DocumentKind) -> Job:
    """Publish the job that prints a document; everybody must have a number and a seat."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    entries = repository.registrations_of_session(uow.session, exam_session_id, actor=uow.actor)
    if not entries or any(not one.admission_number or one.seat_number is None for one, _person, _room in entries):
        raise ConflictError(N_("还有考生没有准考证号或座位，请先编排"))
    if kind is DocumentKind.TICKETS and len(entries) > MAX_TICKETS:
        raise ConflictError(N_("一个场次最多打印 %(limit)s 张准考证"), limit=MAX_TICKETS)
    _refuse_sealed(row, kind)
    payload = {"exam_session_id": str(exam_session_id), "kind": kind.value}
    return enqueue(uow, DOCUMENT_JOB, payload, title=f"{DOCUMENT_LABELS[kind]}：{row.name}")


def _refuse_sealed(row: ExamSession, kind: DocumentKind) -> None:
    if kind not in WITHOUT_SEATS and seat_seal.is_sealed(row):
        raise ConflictError(N_("座位还在密封期，这种文件要到启封以后才能生成"))


@dataclass(frozen=True, slots=True)
class Printed:
    """A finished document."""

    file_name: str
    body: bytes
    n_people: int


def print_document(session: Session, actor: Actor, exam_session_id: uuid.UUID, kind: DocumentKind) -> Printed:
    """Return the PDF of a document; nothing is written."""
    row = planning.get_session(session, exam_session_id, actor=actor)
    _refuse_sealed(row, kind)
    batch = planning.get_batch(session, row.exam_batch_id, actor=actor)
    entries = repository.registrations_of_session(session, exam_session_id, actor=actor)
    pictures = photos.read_photos(session, actor, [person.candidate_id for _registration, person, _room in entries])
    organisation = get_organisation(session, row.organisation_id).name
    moment = now().replace(microsecond=0)
    if kind is DocumentKind.TICKETS:
        if seat_seal.is_sealed(row):  # the order of the sheets must not tell the seats either
            entries = sorted(entries, key=lambda entry: entry[0].admission_number or "")
        tickets = [_ticket(entry, row, batch, organisation, pictures) for entry in entries]
        body = admission_tickets_pdf(tickets, notes=ticket_notes(session, row), created_at=moment)
    else:
        sheets = tuple(_sheets(entries, row, batch, organisation, pictures))
        body = _room_document(kind, sheets, _seat_plan(session, actor), moment)
    return Printed(f"{DOCUMENT_LABELS[kind]}-{row.name}.pdf", body, len(entries))


def ticket_notes(session: Session, row: ExamSession) -> tuple[str, ...]:
    """Return what candidates are told; where a photo is taken at the door they must know it beforehand."""
    takes_photos = door_photos.rule_for(session, row) is not DoorPhotoRule.OFF
    return (*DEFAULT_TICKET_NOTES, CANDIDATES_NOTICE) if takes_photos else DEFAULT_TICKET_NOTES


def _seat_plan(session: Session, actor: Actor) -> SeatPlan:
    values = profiles.values(session, actor.organisation)
    return SeatPlan(int(values[keys.SEATS_IN_A_ROW]), is_snake=bool(values[keys.SEATS_SNAKE]))


def _room_document(kind: DocumentKind, sheets: Sequence[RoomSheet], plan: SeatPlan, moment: dt.datetime) -> bytes:
    if kind is DocumentKind.SEAT_MAPS:
        return seat_maps_pdf(sheets, plan, created_at=moment)
    render = {
        DocumentKind.DOOR_LISTS: door_lists_pdf,
        DocumentKind.SIGN_IN_SHEETS: sign_in_sheets_pdf,
        DocumentKind.INCIDENT_SHEETS: incident_sheets_pdf,
    }
    return render[kind](sheets, created_at=moment)


def _time_text(row: ExamSession) -> str:
    begin, end = row.starts_at.astimezone(OFFICIAL_ZONE), row.ends_at.astimezone(OFFICIAL_ZONE)
    return f"{begin:%Y年%m月%d日 %H:%M}—{end:%H:%M}"


def _sex_label(sex: str) -> str:
    return SEX_LABELS[Sex(sex)] if sex else ""


def _ticket(
    entry: Entry, row: ExamSession, batch: ExamBatch, organisation: str, pictures: dict[uuid.UUID, bytes]
) -> AdmissionTicket:
    registration, person, room = entry
    return AdmissionTicket(
        organisation=organisation, exam_title=batch.name, admission_number=registration.admission_number or "",
        name=person.name, sex=_sex_label(person.sex), id_kind=ID_KIND_LABELS[IdKind(person.id_kind)],
        id_number=person.id_number_mask, occupation=batch.occupation_name, level=batch.level_name, subject=SUBJECT,
        exam_time=_time_text(row), site=room.site if room else "", address="", room=room.name if room else "",
        seat=SEALED_SEAT if seat_seal.is_sealed(row) else f"{registration.seat_number:02d}",
        photo=pictures.get(person.candidate_id),
    )  # fmt: skip


def _sheets(
    entries: Sequence[Entry],
    row: ExamSession,
    batch: ExamBatch,
    organisation: str,
    pictures: dict[uuid.UUID, bytes],
) -> Iterator[RoomSheet]:
    for _key, group in itertools.groupby(entries, key=lambda entry: entry[0].exam_room_id):
        people = list(group)
        room = people[0][2]
        yield RoomSheet(
            organisation=organisation, exam_title=batch.name,
            occupation_level=f"{batch.occupation_name} {batch.level_name}", subject=SUBJECT,
            exam_time=_time_text(row), site=room.site if room else "", room=room.name if room else "",
            entries=tuple(_room_entry(registration, person, pictures) for registration, person, _room in people),
            capacity=room.capacity if room else 0,
        )  # fmt: skip


def _room_entry(registration: Registration, person: Candidate, pictures: dict[uuid.UUID, bytes]) -> RoomEntry:
    return RoomEntry(
        seat=f"{registration.seat_number:02d}", admission_number=registration.admission_number or "",
        name=person.name, sex=_sex_label(person.sex), masked_id_number=person.id_number_mask,
        photo=pictures.get(person.candidate_id),
    )  # fmt: skip


def store_document(uow: UnitOfWork, exam_session_id: uuid.UUID, kind: DocumentKind, printed: Printed) -> ExamDocument:
    """Keep a printed document, encrypted, for download."""
    planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    key = new_id()
    document = ExamDocument(
        exam_document_id=key, organisation_id=uow.actor.organisation, exam_session_id=exam_session_id,
        kind=kind.value, file_name=printed.file_name, ciphertext=personal.seal_bytes(printed.body, place=_place(key)),
        n_people=printed.n_people, created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    uow.add(document)
    after = {"kind": kind.value, "people": printed.n_people}
    audit.record(uow, "exam_document.print", "exam_session", exam_session_id, after=after)
    return document


def read_document(session: Session, actor: Actor, exam_document_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and bytes of a printed document."""
    require(actor, Permission.SESSION_READ)
    document = repository.get_document(session, exam_document_id, actor=actor)
    check_session_in_reach(session, document.exam_session_id, actor=actor)
    return document.file_name, personal.open_bytes(document.ciphertext, place=_place(exam_document_id))


def _place(exam_document_id: uuid.UUID) -> str:
    return f"exam_documents|ciphertext|{exam_document_id}"


def parse_kind(text: str) -> DocumentKind:
    """Return a kind of document by its name."""
    try:
        return DocumentKind(text)
    except ValueError as exc:
        raise InvalidInputError(N_("没有这种文件")) from exc
