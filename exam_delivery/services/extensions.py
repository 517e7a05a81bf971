"""What an addition of time would make of each candidate's clock, shown before a large one is given: minutes are never taken back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from exam_delivery.models import DeadlineChange
from exam_delivery.repository import lost_time as repository
from exam_delivery.rules.lost_time import LostTime, is_large
from exam_delivery.rules.room import extended
from exam_delivery.rules.room_acts import Act
from exam_delivery.services.console import RoomView, Seat, acts_of
from exam_delivery.services.lost_time import lost_times
from exam_delivery.services.reach import closed_rooms
from kernel.identity.actor import Actor
from kernel.identity.repository import user_names

NOTHING_LOST = LostTime((), 0)
JUST_NOW = timedelta(minutes=5)
"""Within it, two people who give time to the same candidates may mean the same happening."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One candidate's time before and after an addition; `after` is None for who has not begun and so has no deadline yet."""

    seat: Seat
    minutes: int
    lost: LostTime
    after: datetime | None
    whole_minutes: int


@dataclass(frozen=True, slots=True)
class JustGiven:
    """Minutes that somebody else gave a moment ago to some of the same candidates."""

    name: str
    minutes: int
    n_candidates: int
    at: datetime


def extensions(session: Session, view: RoomView, wanted: Mapping[uuid.UUID, int], *, actor: Actor) -> list[Extension]:
    """Return what the wanted minutes, by attempt, would do to those in view who can be given time."""
    closed = closed_rooms(session, view.sitting.exam_session_id, actor=actor)
    seats = [seat for seat in view.seats if _may_get_time(seat, wanted) and seat.row.exam_room_id not in closed]
    keys = [seat.row.attempt_id for seat in seats if seat.row.attempt_id]
    lost = lost_times(session, [seat.row for seat in seats], view.at)
    durations = repository.durations_of(session, keys)
    return [
        _extension(seat, wanted[key], lost.get(key, NOTHING_LOST), durations[key], view.at)
        for seat, key in zip(seats, keys, strict=True)
    ]


def _may_get_time(seat: Seat, wanted: Mapping[uuid.UUID, int]) -> bool:
    return seat.row.attempt_id in wanted and Act.ADD_TIME in acts_of(seat)


def _extension(seat: Seat, minutes: int, lost: LostTime, seconds: int, at: datetime) -> Extension:
    before = seat.row.deadline_at
    after = extended(before, minutes, at) if before else None
    return Extension(seat, minutes, lost, after, seconds // 60 + minutes)


def needs_a_second_look(found: Sequence[Extension]) -> bool:
    """Say whether an addition is large for anybody; minutes given to a whole room are held against the greatest loss in it."""
    amounts = {one.minutes for one in found}
    if len(amounts) == 1:
        return is_large(amounts.pop(), max(one.lost.minutes for one in found))
    return any(is_large(one.minutes, one.lost.minutes) for one in found)


def just_given(session: Session, found: Sequence[Extension], at: datetime, *, actor: Actor) -> list[JustGiven]:
    """Return what others gave a moment ago to those who are to be given time, by person and minutes, newest first."""
    keys = [one.seat.row.attempt_id for one in found if one.seat.row.attempt_id]
    changes = repository.given_since(session, keys, at - JUST_NOW, not_by=actor.user_id)
    names = user_names(session, [row.changed_by for row in changes if row.changed_by])
    groups: dict[tuple[uuid.UUID | None, int], list[DeadlineChange]] = {}
    for row in changes:
        groups.setdefault((row.changed_by, int(row.minutes)), []).append(row)
    return [
        JustGiven(names.get(key, "") if key else "", minutes, len({row.attempt_id for row in rows}), rows[0].changed_at)
        for (key, minutes), rows in groups.items()
    ]
