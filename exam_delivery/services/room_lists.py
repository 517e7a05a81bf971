"""Making many rooms in one act: each row is judged before anything is stored, and all are made or none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from exam_delivery.repository import planning
from exam_delivery.rules import keys
from exam_delivery.rules.room_lists import RoomLine, RoomRun, count_up, repeated
from exam_delivery.services import batches
from exam_delivery.services.batches import RoomPlan
from kernel import profiles
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class RoomProblem:
    """Why a row cannot become a room."""

    message: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JudgedRoom:
    """A row with what is wrong with it."""

    line: RoomLine
    problems: Sequence[RoomProblem]


def judge_lines(session: Session, actor: Actor, lines: Sequence[RoomLine]) -> list[JudgedRoom]:
    """Return each row with what keeps it from becoming a room, as things stand now."""
    require(actor, Permission.SESSION_WRITE)
    limit = int(profiles.value(session, actor.organisation, keys.ROOM_SIZE))
    known = {(room.site, room.name) for room in planning.list_rooms(session, actor=actor)}
    twice = {line.number: earlier.number for line, earlier in repeated(lines)}
    return [JudgedRoom(line, _problems(line, limit, known, twice)) for line in lines]


def _problems(line: RoomLine, limit: int, known: set[tuple[str, str]], twice: Mapping[int, int]) -> list[RoomProblem]:
    found = []
    if not 1 <= len(line.site) <= 100:
        found.append(RoomProblem(N_("请填写考点名称，不超过 100 字")))
    if not 1 <= len(line.name) <= 60:
        found.append(RoomProblem(N_("请填写考场名称，不超过 60 字")))
    if line.capacity is None or line.capacity < 1:
        found.append(RoomProblem(N_("座位数应为正整数")))
    elif line.capacity > limit:
        found.append(RoomProblem(N_("座位数 %(n)s 超过规则方案的上限 %(limit)s"), {"n": line.capacity, "limit": limit}))
    if (line.site, line.name) in known:
        found.append(RoomProblem(N_("这个考点已有同名考场")))
    if line.number in twice:
        found.append(RoomProblem(N_("与第 %(n)s 行重复"), {"n": twice[line.number]}))
    return found


def make_rooms(uow: UnitOfWork, lines: Sequence[RoomLine]) -> int:
    """Make all rooms of a list and return how many.

    Raises
    ------
    InvalidInputError
        If a row is wrong; then none is made.
    """
    n_bad = sum(bool(one.problems) for one in judge_lines(uow.session, uow.actor, lines))
    if n_bad:
        raise InvalidInputError(N_("有 %(n)s 行需要改正，没有建立任何考场"), n=n_bad)
    for line in lines:
        batches.save_room(uow, None, RoomPlan(line.site, line.name, line.capacity, is_separate=line.is_separate))
    return len(lines)


def run_after(session: Session, actor: Actor, exam_room_id: uuid.UUID) -> RoomRun:
    """Return a run of one room like a known one, under the next number that is free at its site."""
    room = planning.get_room(session, exam_room_id, actor=actor)
    taken = {one.name for one in planning.list_rooms(session, actor=actor) if one.site == room.site}
    name = room.name
    while name in taken:
        name = count_up(name)
    return RoomRun(room.site, name, 1, room.capacity, room.is_separate)


def first_run(session: Session, actor: Actor) -> RoomRun:
    """Return an empty run with the largest room that the rules allow."""
    return RoomRun("", "", None, int(profiles.value(session, actor.organisation, keys.ROOM_SIZE)))
