"""The gate before a session opens: every seat, the staff, the forms, the server; each thing that is missing by name."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import ExamRoom, ExamSession, LoadTrial, ReadinessOverride, SeatCheck, SessionStatus
from exam_delivery.repository import devices as device_repository
from exam_delivery.repository import lockdown, planning
from exam_delivery.repository import readiness as repository
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.rules import draw_commitments as draw_rules
from exam_delivery.rules import readiness_keys as keys
from exam_delivery.rules.keys import INVIGILATORS_PER_ROOM
from exam_delivery.rules.room_groups import (
    DEVICES_PASSED,
    FEW_FOR_PEOPLE,
    SEATS_FAILED,
    SEATS_OPEN,
    SEATS_PASSED,
    gather,
)
from exam_delivery.rules.standby import STANDBY_FORMS
from exam_delivery.services import devices, draw_commitments, photo_gaps
from exam_delivery.services.readiness import Blocker, find_blockers, find_collisions
from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

GIGABYTE = 1024**3
DATABASE_SKEW = timedelta(seconds=5)
OK, HINT, BLOCKED = "ok", "hint", "blocked"
SHOWN_STATES = (BLOCKED, HINT, OK)
SHORTEST_REASON = 5
MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class GateLine:
    """One thing that was looked at: what was found, what to do, and which page mends it."""

    state: str
    message: str
    todo: str = ""
    step: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    parts: tuple[GateLine, ...] = ()

    @property
    def text(self) -> str:
        """The Chinese message with its placeholders filled."""
        return self.message % self.params if self.params else self.message


@dataclass(frozen=True, slots=True)
class SeatLine:
    """One seat of a room: checked and ready, checked and not, or not checked (lately)."""

    number: int
    state: str
    check: SeatCheck | None


@dataclass(frozen=True, slots=True)
class RoomLine:
    """A room with its seats and its code."""

    room: ExamRoom
    code: str
    seats: Sequence[SeatLine]

    def count(self, state: str) -> int:
        """Return how many seats are in a state."""
        return sum(seat.state == state for seat in self.seats)


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything that was looked at."""

    session: ExamSession
    lines: Sequence[GateLine]
    rooms: Sequence[RoomLine]
    trial: LoadTrial | None
    overrides: Sequence[ReadinessOverride]
    policy: str

    @property
    def blocked(self) -> list[GateLine]:
        """What keeps the gate from being green."""
        return [line for line in self.lines if line.state == BLOCKED]

    @property
    def blocked_one_by_one(self) -> list[GateLine]:
        """The same room by room, as it is recorded."""
        return [one for line in self.blocked for one in line.parts or (line,)]

    @property
    def is_green(self) -> bool:
        """Whether nothing blocks."""
        return not self.blocked


def view_gate(session: Session, actor: Actor, exam_session_id: uuid.UUID, *, folder: Path | None = None) -> Gate:
    """Return the gate of a session; the free disk is looked at where a folder is given."""
    row = planning.get_session(session, exam_session_id, actor=actor)
    return find_gate(session, actor, row, folder=folder)


def find_gate(session: Session, actor: Actor, row: ExamSession, *, folder: Path | None = None) -> Gate:
    """Return the gate of a session as things are now."""
    values = profiles.values(session, actor.organisation)
    rooms = _rooms(session, actor, row, values)
    trial = repository.newest_trial(session, row.exam_session_id, actor=actor)
    counts = planning.count_people(session, [row.exam_session_id]).get(row.exam_session_id, SessionCounts())
    lines = [
        *_planning_lines(session, actor, row),
        *_attempt_lines(row, counts),
        *_standby_lines(row, values),
        *_draw_lines(session, row),
        *_photo_lines(session, actor, row),
        *map(_seat_line, rooms),
        *_device_lines(session, actor, row, rooms, values),
        *_staff_lines(session, actor, row, rooms, values),
        *_server_lines(session, values, folder),
        _trial_line(trial, counts, values),
        *_lockdown_lines(session, actor, row),
    ]
    ordered = sorted(gather(lines), key=lambda line: SHOWN_STATES.index(line.state))
    overrides = repository.overrides_of(session, row.exam_session_id, actor=actor)
    return Gate(row, ordered, rooms, trial, overrides, str(values[keys.GATE]))


def _rooms(session: Session, actor: Actor, row: ExamSession, values: Mapping[str, Any]) -> list[RoomLine]:
    codes = repository.codes_of_session(session, row.exam_session_id, actor=actor)
    checks = repository.checks_of_session(session, row.exam_session_id, actor=actor)
    seats = repository.seats_in_use(session, row.exam_session_id, actor=actor)
    oldest = min(now(), row.starts_at) - timedelta(days=int(values[keys.CHECK_DAYS]))
    found = []
    for _used, room in planning.rooms_of_session(session, row.exam_session_id, actor=actor):
        numbers = seats.get(room.exam_room_id, [])
        known = {seat: check for (room_id, seat), check in checks.items() if room_id == room.exam_room_id}
        lines = [_seat(number, known.get(number), oldest) for number in sorted({*numbers, *known})]
        code = codes[room.exam_room_id].code if room.exam_room_id in codes else ""
        found.append(RoomLine(room, code, lines))
    return found


def _seat(number: int, check: SeatCheck | None, oldest: Any) -> SeatLine:
    if check is None or check.checked_at < oldest:
        return SeatLine(number, HINT, check)
    return SeatLine(number, OK if check.is_ready else BLOCKED, check)


def _planning_lines(session: Session, actor: Actor, row: ExamSession) -> Iterator[GateLine]:
    """Yield what planning lacks: it matters until every candidate's form is made."""
    is_planned = row.status is SessionStatus.PLANNED
    if not is_planned:
        yield GateLine(OK, N_("试卷、考生、座位和考场都已编排"))
    for one in find_blockers(session, actor, row) if is_planned else find_collisions(session, actor, row):
        if one.is_hint and one.step == "rooms":  # the staff lines say it against the number of candidates
            continue
        state = HINT if one.is_hint else BLOCKED
        todo = N_("按提示补齐后再备考") if is_planned else ""
        yield GateLine(state, one.message, todo, one.step, one.params, _parts(one, state))


def _parts(one: Blocker, state: str) -> tuple[GateLine, ...]:
    return tuple(GateLine(state, part.message, params=part.params) for part in one.parts)


def _attempt_lines(row: ExamSession, counts: SessionCounts) -> Iterator[GateLine]:
    missing = max(0, counts.n_admitted - counts.n_absent - counts.n_prepared)
    if row.status is SessionStatus.PLANNED or missing:
        params = {"n": missing or counts.n_admitted}
        yield GateLine(BLOCKED, N_("%(n)s 名考生的试卷还没有生成"), N_("在场次页面点“备考”"), "plan", params)
    else:
        yield GateLine(OK, N_("%(n)s 名考生的试卷都已生成并存好"), params={"n": counts.n_prepared})


def _standby_lines(row: ExamSession, values: Mapping[str, Any]) -> Iterator[GateLine]:
    """Yield whether enough forms lie in reserve; while a session is planned this stands among what planning lacks."""
    wanted, n = int(values[STANDBY_FORMS]), len(row.standby_form_ids)
    if not wanted or row.form_set_id is not None or row.status is SessionStatus.PLANNED:
        return
    params = {"wanted": wanted, "n": n}
    if n < wanted:
        text = N_("规则要求 %(wanted)s 份备用卷，现在只有 %(n)s 份")
        yield GateLine(BLOCKED, text, N_("在场次页面点“编辑”，补选备用卷"), "plan", params)
    else:
        yield GateLine(OK, N_("有 %(n)s 份备用卷，须两人同意才能启用"), params=params)


def _draw_lines(session: Session, row: ExamSession) -> Iterator[GateLine]:
    """Yield whether the draw of the forms is published; said where the rule asks for it or somebody published."""
    published, policy = draw_commitments.published_of(session, row), draw_commitments.policy_of(session, row)
    if policy == draw_rules.PUBLISH_OFF and not published.entries:
        return
    if published.is_whole:
        yield GateLine(OK, N_("抽题承诺已公布（%(n)s 条）"), params={"n": len(published.entries)})
        return
    if not row.form_ids:  # the missing form stands among what planning lacks
        return
    state = HINT if policy == draw_rules.PUBLISH_OFF else BLOCKED
    text = N_("%(n)s 份试卷的抽题承诺还没有公布")
    yield GateLine(state, text, N_("在“抽题承诺”页面公布"), "draw", {"n": published.n_missing})


def _photo_lines(session: Session, actor: Actor, row: ExamSession) -> Iterator[GateLine]:
    """Yield who has no registration photo; while a session is planned this stands among what planning lacks."""
    gap = None if row.status is SessionStatus.PLANNED else photo_gaps.find_gap(session, actor, row)
    if gap:
        todo = N_("在批次的考生名单页面导入照片")
        yield GateLine(BLOCKED if gap.blocks else HINT, gap.message, todo, "photos", {"n": gap.n})


def _seat_line(line: RoomLine) -> GateLine:
    name = f"{line.room.site} {line.room.name}"
    params = {"room": name, "ok": line.count(OK), "n": len(line.seats)}
    bad, open_ones = line.count(BLOCKED), line.count(HINT)
    if bad:
        todo = N_("按座位上的提示处理后再检查一次")
        return GateLine(BLOCKED, SEATS_FAILED, todo, "checks", params | {"bad": bad})
    if open_ones or not line.seats:
        todo = N_("让技术人员在每个座位打开检查页面，输入考场代码")
        step = "checks" if line.code else "codes"
        return GateLine(BLOCKED, SEATS_OPEN, todo, step, params | {"open": open_ones})
    return GateLine(OK, SEATS_PASSED, params=params)


def _device_lines(
    session: Session, actor: Actor, row: ExamSession, rooms: Sequence[RoomLine], values: Mapping[str, Any]
) -> Iterator[GateLine]:
    """Yield what the machines lack in the rooms where machines are listed, each by its number."""
    known = device_repository.devices_of_rooms(session, [line.room.exam_room_id for line in rooms], actor=actor)
    seats = repository.seats_in_use(session, row.exam_session_id, actor=actor)
    oldest = min(now(), row.starts_at) - timedelta(days=int(values[keys.CHECK_DAYS]))
    for line in rooms:
        machines, used = known[line.room.exam_room_id], seats.get(line.room.exam_room_id, [])
        if not machines:
            continue
        name, gaps = f"{line.room.site} {line.room.name}", list(devices.find_gaps(machines, used, oldest))
        for gap in gaps:
            params = {"room": name, "n": len(gap.names), "names": "、".join(gap.names[:MOST_NAMED])}
            yield GateLine(BLOCKED, gap.message, gap.todo, params=params)
        if not gaps:
            yield GateLine(OK, DEVICES_PASSED, params={"room": name})


def _staff_lines(
    session: Session, actor: Actor, row: ExamSession, rooms: Sequence[RoomLine], values: Mapping[str, Any]
) -> Iterator[GateLine]:
    """Yield the rooms with too few invigilators: for the number of candidates, or for any room at all."""
    ratio, least = int(values[keys.PEOPLE_PER_INVIGILATOR]), int(values[INVIGILATORS_PER_ROOM])
    seats = repository.seats_in_use(session, row.exam_session_id, actor=actor)
    names = {line.room.exam_room_id: f"{line.room.site} {line.room.name}" for line in rooms}
    short = 0
    for used, room in planning.rooms_of_session(session, row.exam_session_id, actor=actor):
        n_people, n_staff = len(seats.get(room.exam_room_id, [])), len(used.invigilator_ids)
        wanted = max(least, -(-n_people // ratio)) if n_people else 0
        if n_staff >= wanted:
            continue
        short += 1
        params = {
            "room": names[room.exam_room_id],
            "people": n_people,
            "staff": n_staff,
            "wanted": wanted,
        }
        yield GateLine(BLOCKED, FEW_FOR_PEOPLE, N_("在“考场与监考”中增加监考员"), "rooms", params)
    if rooms and not short:
        yield GateLine(
            OK,
            N_("监考员人数足够（每个考场至少 %(least)s 名，每人最多看 %(n)s 名考生）"),
            params={"n": ratio, "least": least},
        )


def _server_lines(session: Session, values: Mapping[str, Any], folder: Path | None) -> Iterator[GateLine]:
    if folder is not None:
        free, wanted = shutil.disk_usage(folder).free / GIGABYTE, int(values[keys.DISK_GB])
        params = {"free": f"{free:.1f}", "wanted": wanted}
        if free < wanted:
            text = N_("服务器磁盘只剩 %(free)s GB，应有 %(wanted)s GB")
            yield GateLine(BLOCKED, text, N_("清理或扩大服务器磁盘，再刷新本页"), params=params)
        else:
            yield GateLine(OK, N_("服务器磁盘空闲 %(free)s GB"), params=params)
    there = repository.database_time(session)
    if there is None:
        yield GateLine(OK, N_("程序与数据库用同一时钟"))
    elif abs(there - now()) > DATABASE_SKEW:
        params = {"n": round((there - now()).total_seconds())}
        text = N_("数据库服务器的时钟与程序服务器相差 %(n)s 秒")
        yield GateLine(BLOCKED, text, N_("两台服务器都用同一个时间源校准"), params=params)
    else:
        yield GateLine(OK, N_("程序与数据库的时钟一致"))


def _trial_line(trial: LoadTrial | None, counts: SessionCounts, values: Mapping[str, Any]) -> GateLine:
    lacking = BLOCKED if values[keys.LOAD_TRIAL] else HINT
    todo = N_("在本页做一次模拟负载，用练习数据，不影响真实考生")
    if trial is None or trial.finished_at is None:
        return GateLine(lacking, N_("还没有做过模拟负载"), todo)
    if not trial.is_ready:
        text = N_("模拟负载没有通过：失败 %(errors)s 次，丢失 %(lost)s 条，保存最慢 %(slow)s 毫秒")
        figures = trial.figures
        params = {"errors": figures["n_errors"], "lost": figures["n_lost"], "slow": figures["save_p99_ms"]}
        return GateLine(BLOCKED, text, N_("请系统管理员看服务器的负载，处理后再做一次"), params=params)
    if trial.n_candidates < counts.n_admitted:
        params = {"n": trial.n_candidates, "wanted": counts.n_admitted}
        return GateLine(lacking, N_("模拟负载只做到 %(n)s 人，本场次有 %(wanted)s 人"), todo, params=params)
    return GateLine(OK, N_("模拟负载通过：%(n)s 人"), params={"n": trial.n_candidates})


def _lockdown_lines(session: Session, actor: Actor, row: ExamSession) -> Iterator[GateLine]:
    if not lockdown.is_locked_down(session, row.exam_session_id, actor=actor):
        return
    people, rooms = lockdown.exempt_seats(session, row.exam_session_id, actor=actor)
    if people or rooms:
        text = N_("要求安全考试浏览器，另有 %(people)s 名考生、%(rooms)s 个考场豁免")
        yield GateLine(HINT, text, N_("开考前再核对一次豁免名单"), params={"people": len(people), "rooms": len(rooms)})
    else:
        yield GateLine(OK, N_("要求安全考试浏览器，配置文件已生成"))


def pass_gate(uow: UnitOfWork, row: ExamSession, *, reason: str = "", folder: Path | None = None) -> None:
    """Let a session open, or refuse it where the profile says so and the gate is not green; a reason lets it pass all the same.

    Raises
    ------
    ConflictError
        If something blocks, the profile refuses, and no reason was given.
    """
    gate = find_gate(uow.session, uow.actor, row, folder=folder)
    if gate.policy == keys.GATE_OFF or gate.is_green:
        return
    given = reason.strip()
    if gate.policy == keys.GATE_REFUSE and len(given) < SHORTEST_REASON:
        raise ConflictError(
            N_("考场检查还有 %(n)s 项没有通过，不能开放；确需开放请写明理由（至少 5 个字）"), n=len(gate.blocked)
        )
    blockers = [line.text for line in gate.blocked_one_by_one]
    if uow.actor.user_id is None or not given:  # the clock and mere warnings leave their mark in the audit alone
        audit.record(
            uow, "exam_session.open_not_ready", "exam_session", row.exam_session_id, after={"blockers": len(blockers)}
        )
        return
    uow.add(
        ReadinessOverride(
            organisation_id=row.organisation_id, exam_session_id=row.exam_session_id, blockers=blockers,
            reason=given[:300], made_by=uow.actor.user_id, made_by_name=uow.actor.name, made_at=now(),
        )
    )  # fmt: skip
    audit.record(
        uow, "exam_session.override_gate", "exam_session", row.exam_session_id, after={"blockers": len(blockers)},
        reason=given[:300],
    )  # fmt: skip


def is_held_back(session: Session, actor: Actor, row: ExamSession) -> bool:
    """Say whether the clock must leave a session closed until a person decides."""
    if profiles.value(session, actor.organisation, keys.GATE) != keys.GATE_REFUSE:
        return False
    return not find_gate(session, actor, row).is_green
