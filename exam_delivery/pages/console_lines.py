"""Candidates and incidents as the pages of the console write them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import gettext as _

from exam_delivery.models import Incident
from exam_delivery.pages import reading
from exam_delivery.repository import attempts as repository
from exam_delivery.rules.browsers import readable
from exam_delivery.rules.lost_time import LostTime
from exam_delivery.rules.room import INCIDENT_LABELS, REASON_LABELS, SEAT_KINDS, SEAT_LABELS, SeatState
from exam_delivery.services.console import Seat
from kernel.db import db


@dataclass(frozen=True, slots=True)
class SeatLine:
    """A candidate as the page writes it."""

    key: str
    href: str
    room: str
    seat: str
    name: str
    admission_number: str
    state: str
    rank: int
    answered: str
    contact: str
    deadline: str
    device: str
    flag: str


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """Something that happened, as the page writes it."""

    at: str
    label: str
    text: str
    who: str


def clock_text(moment: datetime | None, zone: ZoneInfo | None = None) -> str:
    """Return the time of day that people in the room read; who writes many gives the zone."""
    if moment is None:
        return "—"
    local = moment.astimezone(zone or reading.zone())
    return f"{local.hour:02}:{local.minute:02}:{local.second:02}"  # a tenth of strftime's time, a thousand times a poll


def seat_text(number: int | None) -> str:
    """Return a seat's number as the door list writes it."""
    return f"{number:02}" if number else "—"


def line_of(
    exam_session_id: uuid.UUID, seat: Seat, zone: ZoneInfo | None = None, place: Mapping[str, str] | None = None
) -> SeatLine:
    """Return a candidate as the page writes it; `place` says to which room and view the way leads back."""
    row = seat.row
    href = url_for("console.candidate", exam_session_id=exam_session_id, registration_id=row.registration_id)
    if place:
        href += f"?{urlencode(place)}"
    return SeatLine(
        href=href,
        room=row.room_name or "",
        seat=seat_text(row.seat_number),
        name=row.name,
        admission_number=row.admission_number or "—",
        **changing(seat, zone),
    )


class Changing(TypedDict):
    """What of a candidate changes while the room works: all that a poll tells."""

    key: str
    state: str
    rank: int
    answered: str
    contact: str
    deadline: str
    device: str
    flag: str


def _flag(seat: Seat) -> str:
    """Return what is odd about a candidate: another device, the exam page left, no lockdown."""
    device = _("换过设备") if seat.n_takeovers else ""
    away = seat.leaves
    left = _("离开页面 %(n)s 次，共 %(s)s 秒", n=away.n, s=away.seconds) if away.n else ""
    exempt = _("已豁免 SEB") if seat.is_exempt else ""
    restarted = _("换卷重考") if seat.is_restarted else ""
    return "；".join(filter(None, (restarted, device, left, exempt)))


def changing(seat: Seat, zone: ZoneInfo | None = None) -> Changing:
    """Return what of a candidate changes while the room works; no address is built, for a poll asks for hundreds."""
    row = seat.row
    return {
        "key": str(row.registration_id),
        "state": seat.state.value,
        "rank": seat.rank,
        "answered": f"{row.n_answered} / {row.n_slots}" if row.attempt_id else "—",
        "contact": clock_text(row.last_contact_at, zone),
        "deadline": _("暂停中") if row.paused_at else clock_text(row.deadline_at, zone),
        "device": (row.device or "").split(" ")[0],
        "flag": _flag(seat),
    }


def reasons() -> list[tuple[str, str]]:
    """Return the reasons to choose from."""
    return [(reason.value, _(label)) for reason, label in REASON_LABELS.items()]


def badges() -> dict[str, tuple[str, str]]:
    """Return label and kind of each state."""
    return {state.value: (_(SEAT_LABELS[state]), SEAT_KINDS[state]) for state in SeatState}


def incident_lines(incidents: Sequence[Incident], names: Mapping[uuid.UUID, str]) -> list[IncidentLine]:
    """Return what happened, with names."""
    people = repository.names_of(db.session(), {i.noted_by for i in incidents if i.noted_by})
    return [
        IncidentLine(
            at=clock_text(one.noted_at),
            label=_(INCIDENT_LABELS.get(one.kind, one.kind)),
            text="：".join(filter(None, (names.get(one.attempt_id, "") if one.attempt_id else "", readable(one.text)))),
            who=people.get(one.noted_by, "") if one.noted_by else _("系统"),
        )
        for one in incidents
    ]


def facts(seat: Seat, line: SeatLine, minutes: int) -> list[tuple[str, str]]:
    """Return what is known of a candidate."""
    return [
        (_("准考证号"), line.admission_number),
        (_("考场座位"), f"{line.room} {line.seat}"),
        (_("已答"), line.answered),
        (_("最后联系"), line.contact),
        (_("登录时间"), clock_text(seat.row.signed_in_at)),
        (_("开始时间"), clock_text(seat.row.started_at)),
        (_("截止时间"), line.deadline + (" " + _("（已延时 %(n)s 分钟）", n=minutes) if minutes else "")),
        (_("交卷时间"), clock_text(seat.row.submitted_at)),
        (_("设备"), readable(seat.row.device or "—")),
    ]


@dataclass(frozen=True, slots=True)
class LostLine:
    """What a candidate lost, with its derivation in words."""

    silences: Sequence[str]
    total: str
    given: int
    minutes: int


def lost_line(lost: LostTime) -> LostLine:
    """Return how a proposal came about."""
    spans = [f"{clock_text(span.start)}–{clock_text(span.end)}（{length(span.seconds)}）" for span in lost.silences]
    return LostLine(spans, length(lost.seconds), lost.given_minutes, lost.minutes)


def length(seconds: int) -> str:
    """Return a span as people say it."""
    text: str = _("%(minutes)s 分 %(seconds)s 秒", minutes=seconds // 60, seconds=seconds % 60)
    return text
