"""Recusal around a session: who invigilates, marks or made the form, against who sits it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints import public as blueprints
from exam_delivery.models import Candidate, ExamRoom, ExamSession
from exam_delivery.repository import candidates as people
from exam_delivery.repository import planning
from exam_delivery.repository import recusal as repository
from exam_delivery.services import forms
from kernel import conflicts
from kernel.clock import day_of
from kernel.conflicts import Conflict, CycleRole, Party, Severity
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import user_names


def candidate_party(candidate: Candidate) -> Party:
    """Return a candidate as the rules of recusal read one."""
    return Party(
        CycleRole.CANDIDATE, name=candidate.name, number_index=candidate.id_number_index, employer=candidate.employer,
        reference=str(candidate.candidate_id),
    )  # fmt: skip


def _of_form(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> list[Party]:
    found = repository.candidates_of_form(session, organisation_id, form_id)
    return [candidate_party(candidate) for candidate in found]


conflicts.register_candidates("exam_delivery", _of_form)


@dataclass(frozen=True, slots=True)
class RoomConflict:
    """A conflict, and where it is: a room, or the whole session (None)."""

    room: ExamRoom | None
    conflict: Conflict


def _invigilators(session: Session, ids: Sequence[str]) -> list[Party]:
    names = user_names(session, [uuid.UUID(one) for one in ids])
    return [Party(CycleRole.INVIGILATOR, key, names.get(key, "")) for key in map(uuid.UUID, ids)]


def room_conflicts(session: Session, actor: Actor, row: ExamSession) -> list[RoomConflict]:
    """Return what speaks against the invigilators of a session's rooms, as seats and rooms are now."""
    found = []
    entries = people.registrations_of_session(session, row.exam_session_id, actor=actor)
    for used, room in planning.rooms_of_session(session, row.exam_session_id, actor=actor):
        inside = [
            candidate_party(one) for _reg, one, seat in entries if seat and seat.exam_room_id == room.exam_room_id
        ]
        staff = _invigilators(session, used.invigilator_ids)
        here = conflicts.find(session, actor.organisation, staff, inside, on=day_of(row.starts_at))
        found += [RoomConflict(room, one) for one in here]
    return found


def session_conflicts(session: Session, actor: Actor, row: ExamSession) -> list[RoomConflict]:
    """Return every conflict around a session: its rooms, its markers, and who made its forms."""
    entries = people.registrations_of_session(session, row.exam_session_id, actor=actor)
    everybody = [candidate_party(candidate) for _registration, candidate, _room in entries]
    markers = [Party(CycleRole.MARKER, key, name) for key, name in repository.list_markers(session, actor=actor)]
    makers = blueprints.form_people(session, actor, [uuid.UUID(one) for one in forms.used_forms(row)])
    day = day_of(row.starts_at)
    found = conflicts.find(session, actor.organisation, [*markers, *makers], everybody, on=day)
    return [*room_conflicts(session, actor, row), *(RoomConflict(None, one) for one in found)]


def check_rooms(
    session: Session, actor: Actor, row: ExamSession, rooms: Mapping[uuid.UUID, Sequence[uuid.UUID]]
) -> None:
    """Refuse to let somebody invigilate a room in which a person related to them sits."""
    for room_id, chosen in rooms.items():
        seated = people.registrations_of_session(session, row.exam_session_id, actor=actor, exam_room_id=room_id)
        inside = [candidate_party(one) for _registration, one, _room in seated]
        staff = _invigilators(session, [str(person) for person in chosen])
        conflicts.require_none(session, actor.organisation, staff, inside, on=day_of(row.starts_at))


def check_console(session: Session, actor: Actor, row: ExamSession, room_ids: set[uuid.UUID]) -> None:
    """Refuse an invigilator to look at or act in a room in which a person related to them sits; the chief may in all rooms.

    Every act asks: of who declared nothing, and is named by nobody, no candidate is looked at.
    """
    if actor.may(Permission.SESSION_CONTROL) or actor.user_id is None:
        return
    if conflicts.is_related(session, actor.organisation, actor.user_id):
        check_rooms(session, actor, row, {room_id: [actor.user_id] for room_id in room_ids})


def barred_attempts(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the attempts that a marker must not mark, for they know who wrote them."""
    marker = Party(CycleRole.MARKER, actor.user_id, actor.name)
    owners = repository.attempts_with_candidates(session, exam_session_id, actor=actor)
    parties = {str(candidate.candidate_id): attempt_id for attempt_id, candidate in owners}
    found = conflicts.find(
        session, actor.organisation, [marker], [candidate_party(candidate) for _attempt, candidate in owners]
    )
    return {parties[one.second.reference] for one in found if one.severity is Severity.REFUSE}


def check_marker(session: Session, actor: Actor, attempt_id: uuid.UUID) -> None:
    """Refuse a marker who is related to the person whose answer it is; the refusal does not name that person."""
    candidate = repository.candidate_of_attempt(session, attempt_id, actor=actor)
    marker = Party(CycleRole.MARKER, actor.user_id, actor.name)
    if candidate is not None:
        conflicts.require_none(session, actor.organisation, [marker], [candidate_party(candidate)])


def blockers(session: Session, actor: Actor, row: ExamSession) -> Iterator[Conflict]:
    """Yield what must be settled before a session can be prepared: refusals, each rule and person of staff once."""
    seen: set[tuple[str, uuid.UUID | None, str]] = set()
    for one in session_conflicts(session, actor, row):
        found = one.conflict
        if found.first.role is CycleRole.MARKER or found.severity is not Severity.REFUSE:
            continue
        place = (found.rule.rule_id, found.first.user_id, found.context["person"])
        if place not in seen:
            seen.add(place)
            yield found
