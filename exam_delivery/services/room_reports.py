"""The report of a room at its end: counts, times, acts with reasons, incidents; signed by two, printed as PDF.

A signature keeps the counts and where the audit chain stood. After two, acts on the room need a chief.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exam_delivery.documents.model import IncidentLine, RoomEntry, RoomReport, RoomSheet
from exam_delivery.documents.rendering import room_reports_pdf
from exam_delivery.models import ExamBatch, ExamSession, Incident, RoomSignOff, SessionStatus
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import door_photos, lost_time, misconduct
from exam_delivery.repository import incidents as incidents_repository
from exam_delivery.repository import sign_offs as repository
from exam_delivery.repository.attempts import AssignedRoom
from exam_delivery.repository.incidents import Concerned
from exam_delivery.rules.browsers import readable
from exam_delivery.rules.door_photos import DoorPhotoRule
from exam_delivery.rules.misconduct import CaseState
from exam_delivery.rules.room import INCIDENT_LABELS, SeatState
from exam_delivery.rules.states import FINISHED
from exam_delivery.services import console
from exam_delivery.services.console import Seat
from exam_delivery.services.incidents import is_here
from exam_delivery.services.reach import N_SIGNATURES
from exam_delivery.services.room_acts import make_incident, name_rooms
from exam_delivery.services.signing import check_may_sign
from kernel import audit
from kernel.clock import OFFICIAL_ZONE, now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.uow import UnitOfWork

ROUTINE = frozenset({"check_in"})
"""What happens to everybody is counted, not listed."""
SUBJECT = "理论知识"
REQUIRED = DoorPhotoRule.REQUIRED
NO_PHOTO = "no_door_photo"


@dataclass(frozen=True, slots=True)
class Happening:
    """One act or incident with whom it concerns and who noted it."""

    incident: Incident
    people: Sequence[Concerned]
    who: str


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """How many photos were taken at the door, how many who came in lack one that is required, and at which seats nobody said why."""

    rule: DoorPhotoRule
    n_taken: int
    n_lacking: int
    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """All that is known of a room at its end."""

    sitting: ExamSession
    batch: ExamBatch
    room: AssignedRoom
    seats: Sequence[Seat]
    awaited: frozenset[uuid.UUID]
    figures: dict[str, int]
    happenings: Sequence[Happening]
    signed: Sequence[RoomSignOff]
    at: datetime
    photos: PhotoFacts

    @property
    def n_open(self) -> int:
        """How many still write."""
        return self.figures["working"]

    @property
    def n_awaited(self) -> int:
        """How many have not begun and still may: they are not absent yet."""
        return self.figures["not_begun"]


def room_facts(
    session: Session, exam_session_id: uuid.UUID, exam_room_id: uuid.UUID, *, actor: Actor, at: datetime
) -> RoomFacts:
    """Return what a room's report is made of; a room out of reach does not exist."""
    view = console.view_room(session, exam_session_id, room_id=exam_room_id, actor=actor, at=at)
    room = next(one for one in view.rooms if one.exam_room_id == exam_room_id)
    happenings = _happenings(session, exam_session_id, exam_room_id, actor=actor)
    awaited = _awaited(session, view.sitting, view.seats, at)
    figures = _figures(session, exam_session_id, view.seats, happenings, actor=actor)
    figures |= {"not_begun": len(awaited), "absent": figures["absent"] - len(awaited)}
    photos = _photo_facts(session, view.sitting, view.seats, happenings)
    figures |= {"door_photos": photos.n_taken, "no_door_photo": photos.n_lacking}
    signed = repository.sign_offs_of(session, exam_session_id, exam_room_id)
    return RoomFacts(view.sitting, view.batch, room, view.seats, awaited, figures, happenings, signed, at, photos)


def _photo_facts(
    session: Session, sitting: ExamSession, seats: Sequence[Seat], happenings: Sequence[Happening]
) -> PhotoFacts:
    rule = DoorPhotoRule(sitting.door_photo)
    taken = door_photos.photographed(session, sitting.exam_session_id) if rule is not DoorPhotoRule.OFF else set()
    came = [seat for seat in seats if seat.row.checked_in_at or seat.row.started_at]
    lacking = [seat for seat in came if seat.row.registration_id not in taken] if rule is REQUIRED else []
    explained = {who.registration_id for one in happenings if one.incident.kind == NO_PHOTO for who in one.people}
    silent = tuple(_entry(seat).seat for seat in lacking if seat.row.registration_id not in explained)
    n_taken = sum(seat.row.registration_id in taken for seat in seats)
    return PhotoFacts(rule, n_taken, len(lacking), silent)


def _awaited(session: Session, sitting: ExamSession, seats: Sequence[Seat], at: datetime) -> frozenset[uuid.UUID]:
    """Return who has not begun and still may, until late entry is closed or the session ended."""
    if sitting.status in FINISHED or sitting.cancelled_at:
        return frozenset()
    may_begin = attempts_repository.who_may_still_begin(session, sitting.exam_session_id, at)
    gone = {SeatState.VOID, SeatState.ABSENT}
    return frozenset(seat.row.registration_id for seat in seats if seat.state not in gone) & may_begin


def _happenings(
    session: Session, exam_session_id: uuid.UUID, exam_room_id: uuid.UUID, *, actor: Actor
) -> list[Happening]:
    found = incidents_repository.list_of_session(session, exam_session_id, actor=actor)
    people = incidents_repository.concerned(session, found)
    rooms = incidents_repository.rooms_named(session, [one.incident_id for one in found])
    names = attempts_repository.names_of(session, {one.noted_by for one in found if one.noted_by})
    return [
        Happening(one, here, names.get(one.noted_by, "") if one.noted_by else "系统")
        for one in found
        if is_here(here := people.get(one.incident_id, []), rooms.get(one.incident_id, set()), exam_room_id)
    ]


def _figures(
    session: Session,
    exam_session_id: uuid.UUID,
    seats: Sequence[Seat],
    happenings: Sequence[Happening],
    *,
    actor: Actor,
) -> dict[str, int]:
    sitters = [seat for seat in seats if seat.state is not SeatState.VOID]
    begun = [seat for seat in sitters if seat.row.started_at]
    kinds = Counter(str(seat.row.submit_kind) for seat in begun if seat.row.submitted_at)
    acts = Counter(one.incident.kind for one in happenings)
    changes = lost_time.changes_of(session, [seat.row.attempt_id for seat in begun if seat.row.attempt_id])
    given = [change for some in changes.values() for change in some if not change.is_pause]
    people = {seat.row.registration_id for seat in seats}
    cases = [row for row in misconduct.list_cases(session, actor=actor, session_ids=[exam_session_id])
             if row[1].registration_id in people and row[0].state is not CaseState.WITHDRAWN]  # fmt: skip
    return {
        "expected": len(sitters), "present": len(begun), "absent": len(sitters) - len(begun),
        "working": sum(seat.row.submitted_at is None for seat in begun), "submitted": kinds["candidate"],
        "forced": kinds["forced"], "timeout": kinds["timeout"],
        "extended": len({change.attempt_id for change in given}),
        "minutes": int(sum(change.minutes for change in given)), "pauses": acts["pause"], "moves": acts["move"],
        "restarts": acts["restart"],
        "takeovers": acts["takeover"], "locks": acts["lock"], "misconduct": len(cases),
        "incidents": sum(n for kind, n in acts.items() if kind not in ROUTINE),
    }  # fmt: skip


def sign_off(
    uow: UnitOfWork, exam_session_id: uuid.UUID, exam_room_id: uuid.UUID, *, signer: Actor, remarks: str = ""
) -> RoomSignOff:
    """Sign a room's report once nobody writes any more; two people must.

    Raises
    ------
    ConflictError
        If somebody still writes, the session has not begun, or the person has signed.
    """
    require(uow.actor, Permission.SESSION_INVIGILATE)
    facts = room_facts(uow.session, exam_session_id, exam_room_id, actor=uow.actor, at=now())
    _check_finished(facts)
    check_may_sign(uow.session, exam_session_id, [exam_room_id], signer=signer)
    if signer.user_id is None or signer.user_id in {one.user_id for one in facts.signed}:
        raise ConflictError(N_("这个人已经签过字，须由另一名监考员签字"))
    seq, chain_hash = repository.chain_head(uow.session)
    row = RoomSignOff(
        exam_session_id=exam_session_id, exam_room_id=exam_room_id, user_id=signer.user_id,
        organisation_id=uow.actor.organisation, user_name=signer.name[:100], remarks=remarks.strip()[:500],
        figures=facts.figures, checkpoint_seq=seq, checkpoint_hash=chain_hash, signed_at=facts.at,
    )  # fmt: skip
    uow.add(row)
    text = f"{facts.room.name} {signer.name}"
    incident = make_incident(uow, exam_session_id, None, kind="sign_off", text=text, at=facts.at)
    name_rooms(uow, incident, [exam_room_id])
    after = {"room": str(exam_room_id), "signer": str(signer.user_id), "figures": facts.figures, "checkpoint": seq}
    audit.record(uow, "exam_room.sign_off", "exam_session", exam_session_id, after=after)
    return row


def _check_finished(facts: RoomFacts) -> None:
    if len(facts.signed) >= N_SIGNATURES:
        raise ConflictError(N_("考场已由两人签字"))
    if facts.sitting.status in {SessionStatus.PLANNED, SessionStatus.PREPARED} or facts.at < facts.sitting.starts_at:
        raise ConflictError(N_("考试还没有开始，不能签字"))
    if facts.n_open:
        raise ConflictError(N_("还有 %(n)s 名考生没有交卷，不能签字"), n=facts.n_open)


def print_report(
    session: Session, exam_session_id: uuid.UUID, exam_room_id: uuid.UUID, *, actor: Actor
) -> tuple[str, bytes]:
    """Return name and PDF of a room's report, as it stands now."""
    at = now()
    facts = room_facts(session, exam_session_id, exam_room_id, actor=actor, at=at)
    organisation = get_organisation(session, facts.sitting.organisation_id).name
    seq, chain_hash = repository.chain_head(session)
    report = RoomReport(
        room=_sheet(facts, organisation), started_at=_span_text(facts, first=True),
        ended_at=_span_text(facts, first=False), n_present=facts.figures["present"],
        n_submitted=facts.figures["submitted"], n_forced=facts.figures["forced"] + facts.figures["timeout"],
        absent=tuple(_entry(seat) for seat in facts.seats if _is_absent(seat, facts)),
        incidents=tuple(_line(one) for one in facts.happenings if one.incident.kind not in ROUTINE),
        facts=_more(facts), checkpoint=f"KAOKU-AUDIT {seq} {chain_hash}",
        signatures=tuple((one.user_name, _clock(one.signed_at), one.remarks) for one in facts.signed),
    )  # fmt: skip
    name = f"考场情况记录单-{facts.sitting.name}-{facts.room.name}.pdf"
    return name, room_reports_pdf([report], created_at=at.replace(microsecond=0))


def _sheet(facts: RoomFacts, organisation: str) -> RoomSheet:
    begin, end = facts.sitting.starts_at.astimezone(OFFICIAL_ZONE), facts.sitting.ends_at.astimezone(OFFICIAL_ZONE)
    return RoomSheet(
        organisation=organisation, exam_title=facts.batch.name,
        occupation_level=f"{facts.batch.occupation_name} {facts.batch.level_name}", subject=SUBJECT,
        exam_time=f"{begin:%Y年%m月%d日 %H:%M}—{end:%H:%M}", site=facts.room.site, room=facts.room.name,
        entries=tuple(_entry(seat) for seat in facts.seats if seat.state is not SeatState.VOID),
    )  # fmt: skip


def _is_absent(seat: Seat, facts: RoomFacts) -> bool:
    has_begun = seat.row.started_at is not None or seat.state is SeatState.VOID
    return not has_begun and seat.row.registration_id not in facts.awaited


def _entry(seat: Seat) -> RoomEntry:
    number = f"{seat.row.seat_number:02}" if seat.row.seat_number else ""
    return RoomEntry(seat=number, admission_number=seat.row.admission_number or "", name=seat.row.name)


def _line(one: Happening) -> IncidentLine:
    people = one.people
    return IncidentLine(
        time=f"{(one.incident.happened_at or one.incident.noted_at).astimezone(OFFICIAL_ZONE):%H:%M}",
        seat="、".join(f"{person.seat_number:02}" for person in people if person.seat_number),
        admission_number="、".join(person.admission_number or "" for person in people),
        name="、".join(person.name for person in people) or "全考场",
        kind=INCIDENT_LABELS.get(one.incident.kind, one.incident.kind), description=readable(one.incident.text),
        noted_by=one.who,
    )  # fmt: skip


def _more(facts: RoomFacts) -> tuple[tuple[str, str], ...]:
    figures, awaited = facts.figures, facts.n_awaited
    return (
        *((("未开始，还可以入场", f"{awaited} 人"),) if awaited else ()),
        ("强制收卷", f"{figures['forced']} 人"),
        ("到时收卷", f"{figures['timeout']} 人"),
        ("延时", f"{figures['extended']} 人，共 {figures['minutes']} 分钟"),
        ("暂停", f"{figures['pauses']} 次"),
        ("换设备登录", f"{figures['takeovers']} 次"),
        ("换座位", f"{figures['moves']} 次"),
        ("换卷重考", f"{figures['restarts']} 人"),
        ("锁定", f"{figures['locks']} 次"),
        ("违纪案", f"{figures['misconduct']} 件"),
        *_photo_lines(facts.photos),
    )


def _photo_lines(photos: PhotoFacts) -> tuple[tuple[str, str], ...]:
    """Return what the sheet says of photos at the door; reasons stand among the incidents."""
    if photos.rule is DoorPhotoRule.OFF:
        return ()
    silent = f"（未写原因：座位 {'、'.join(photos.silent)}）" if photos.silent else ""
    lacking = f"，入场未拍 {photos.n_lacking} 人{silent}" if photos.rule is REQUIRED else ""
    return (("入场照片", f"已拍 {photos.n_taken} 人{lacking}"),)


def _span_text(facts: RoomFacts, *, first: bool) -> str:
    moments = [seat.row.started_at if first else seat.row.submitted_at for seat in facts.seats]
    known = [moment for moment in moments if moment]
    if not known:
        return "—"
    return _clock(min(known) if first else max(known))


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(OFFICIAL_ZONE):%Y-%m-%d %H:%M:%S}"
