"""The chief's overview: every session around now with its rooms, problems first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exam_delivery.models import ExamBatch, ExamSession, SessionStatus
from exam_delivery.repository import attempts, overview, sign_offs
from exam_delivery.repository.overview import RoomCounts
from exam_delivery.rules.outages import OUTAGE_PERCENT, is_outage
from exam_delivery.rules.room import natural
from exam_delivery.services.console import AFTER, BEFORE
from exam_delivery.services.reach import N_SIGNATURES
from kernel import profiles
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission


@dataclass(frozen=True, slots=True)
class RoomLine:
    """A room of a session with what is wrong in it; problems are (message, numbers), worst first."""

    counts: RoomCounts
    problems: tuple[tuple[str, dict[str, int]], ...]
    is_outage: bool
    is_signed: bool


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session with its rooms and its sums."""

    sitting: ExamSession
    batch: ExamBatch
    rooms: Sequence[RoomLine]

    @property
    def n_problems(self) -> int:
        """How many rooms need a look."""
        return sum(bool(room.problems) for room in self.rooms)

    def total(self, name: str) -> int:
        """Return the sum of a count over the rooms."""
        return sum(int(getattr(room.counts, name)) for room in self.rooms)


def session_lines(session: Session, *, actor: Actor, at: datetime) -> list[SessionLine]:
    """Return the sessions around now; those with problems first, then those that run, then by start."""
    require(actor, Permission.SESSION_CONTROL)
    found = attempts.list_current_sessions(session, since=at - BEFORE, until=at + AFTER, actor=actor)
    percent = int(profiles.value(session, actor.organisation, OUTAGE_PERCENT))
    keys = [sitting.exam_session_id for sitting, _batch in found]
    rooms = defaultdict(list)
    for counts in overview.count_rooms(session, keys, at=at, actor=actor) if keys else ():
        rooms[counts.exam_session_id].append(counts)
    lines = [
        SessionLine(sitting, batch, _rooms(session, sitting, rooms[sitting.exam_session_id], percent, at))
        for sitting, batch in found
    ]
    return sorted(lines, key=lambda line: (-line.n_problems, line.sitting.status is not SessionStatus.OPEN))


def _rooms(
    session: Session, sitting: ExamSession, counted: Sequence[RoomCounts], percent: int, at: datetime
) -> list[RoomLine]:
    signed = sign_offs.count_by_room(session, sitting.exam_session_id)
    lines = []
    for counts in counted:
        is_cut = is_outage(counts.n_offline, counts.n_working, percent)
        is_signed = signed.get(counts.exam_room_id, 0) >= N_SIGNATURES if counts.exam_room_id else False
        problems = _problems(sitting, counts, is_cut=is_cut, is_signed=is_signed, at=at)
        lines.append(RoomLine(counts, tuple(problems), is_cut, is_signed))
    return sorted(lines, key=lambda line: (not line.is_outage, not line.problems, natural(line.counts.name)))


def _problems(
    sitting: ExamSession, counts: RoomCounts, *, is_cut: bool, is_signed: bool, at: datetime
) -> list[tuple[str, dict[str, int]]]:
    if sitting.cancelled_at:
        return []
    is_over = at > sitting.ends_at and counts.n_working == 0 and counts.n_submitted > 0
    wanted = (
        (is_cut, N_("疑似断网：%(n)s 人离线"), counts.n_offline),
        (counts.n_offline > 0 and not is_cut, N_("%(n)s 人离线"), counts.n_offline),
        (counts.n_locked > 0, N_("%(n)s 人锁定待处理"), counts.n_locked),
        (counts.n_paused > 0, N_("%(n)s 人暂停中"), counts.n_paused),
        (counts.n_at_door > 0, N_("%(n)s 人等核验入场"), counts.n_at_door),
        (counts.n_unprepared > 0, N_("%(n)s 人未备卷"), counts.n_unprepared),
        (is_over and not is_signed, N_("考场未签字"), 0),
    )
    return [(message, {"n": n}) for holds, message, n in wanted if holds]
