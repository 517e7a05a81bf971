"""Turn the documents' data into what the templates read, with pictures as assets."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from exam_delivery.documents.model import AdmissionTicket, RoomEntry, RoomReport, RoomSheet, SeatPlan
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.qr import qr_svg
from kernel.typesetting import printable_photo, render_pdf

_TEMPLATES = Path(__file__).parent
MAX_TICKETS = 2_000
MAX_ROOMS = 200
DEFAULT_TICKET_NOTES = (
    "请核对本证信息，如有错误，请在考试前联系报名机构更正。",
    "凭本准考证和有效身份证件原件入场，开考前 30 分钟可进入考场，对号入座。",
    "开考 30 分钟后不得入场，按缺考处理；开考 30 分钟后方可交卷离场。",
    "不得携带手机、智能手表等通讯和存储设备进入考场，违者按违纪处理。",
    "机考答案随答随存；设备或网络故障时请举手示意，由监考员处理，不要自行关机。",
)


def admission_tickets_pdf(
    tickets: Sequence[AdmissionTicket],
    *,
    notes: Sequence[str] = DEFAULT_TICKET_NOTES,
    created_at: dt.datetime | None = None,
) -> bytes:
    """Return admission tickets, two to the page, in the order given; an unusable photo leaves an empty box."""
    _refuse_many(len(tickets), MAX_TICKETS)
    assets: dict[str, bytes] = {}
    rows = []
    for index, ticket in enumerate(tickets):
        assets[f"qr-{index}.svg"] = qr_svg(ticket.admission_number).encode()
        rows.append({**_fields(ticket), "qr": f"qr-{index}.svg", "photo": _add_photo(assets, f"photo-{index}", ticket)})
    return _render("admission_tickets.typ", {"tickets": rows, "notes": list(notes)}, assets, created_at)


def door_lists_pdf(rooms: Sequence[RoomSheet], *, created_at: dt.datetime | None = None) -> bytes:
    """Return the sheets for the doors (考场座次表), a page or more to the room."""
    return _render_rooms("door_list.typ", rooms, created_at)


def sign_in_sheets_pdf(rooms: Sequence[RoomSheet], *, created_at: dt.datetime | None = None) -> bytes:
    """Return the sign-in sheets (签到表), a page or more to the room, with room for signatures."""
    return _render_rooms("sign_in_sheet.typ", rooms, created_at)


def seat_maps_pdf(rooms: Sequence[RoomSheet], plan: SeatPlan, *, created_at: dt.datetime | None = None) -> bytes:
    """Return the seat maps (考场座位图), seen from the front, free seats empty."""
    _refuse_many(len(rooms), MAX_ROOMS)
    sheets = [
        {**_fields(room), "entries": [_fields(entry) for entry in room.entries], "rows": seat_rows(room, plan)}
        for room in rooms
    ]
    return _render("seat_map.typ", {"rooms": sheets, "columns": plan.in_a_row}, {}, created_at)


def seat_rows(room: RoomSheet, plan: SeatPlan) -> list[list[dict[str, str] | None]]:
    """Return the rows of a room from the front, each seat with who sits there; None where there is no seat.

    Examples
    --------
    >>> room = RoomSheet("", "", "", "", "", "", "", (RoomEntry("02", "2611220002", "甲"),), capacity=5)
    >>> [[seat and seat["seat"] for seat in row] for row in seat_rows(room, SeatPlan(3, is_snake=True))]
    [['01', '02', '03'], [None, '05', '04']]
    """
    people = {entry.seat: entry for entry in room.entries}
    n_seats = max([room.capacity, *(int(seat) for seat in people)])
    seats: list[dict[str, str] | None] = [_seat(f"{n:02d}", people.get(f"{n:02d}")) for n in range(1, n_seats + 1)]
    rows = [seats[first : first + plan.in_a_row] for first in range(0, n_seats, plan.in_a_row)]
    rows[-1] += [None] * (plan.in_a_row - len(rows[-1]))
    return [row[::-1] if plan.is_snake and index % 2 else row for index, row in enumerate(rows)]


def _seat(number: str, entry: RoomEntry | None) -> dict[str, str]:
    name, admission_number = (entry.name, entry.admission_number) if entry else ("", "")
    return {"seat": number, "name": name, "admission_number": admission_number}


def incident_sheets_pdf(rooms: Sequence[RoomSheet], *, created_at: dt.datetime | None = None) -> bytes:
    """Return empty incident sheets (考场异常情况登记表) for what is noted by hand, one to the room."""
    return _render_rooms("incident_sheet.typ", rooms, created_at)


def room_reports_pdf(reports: Sequence[RoomReport], *, created_at: dt.datetime | None = None) -> bytes:
    """Return the room reports (考场情况记录单), each on its own page or pages."""
    _refuse_many(len(reports), MAX_ROOMS)
    assets: dict[str, bytes] = {}
    rows = []
    for index, report in enumerate(reports):
        if report.checkpoint:
            assets[f"qr-{index}.svg"] = qr_svg(report.checkpoint).encode()
        rows.append({**_report_fields(report), "qr": f"qr-{index}.svg"})
    return _render("room_report.typ", {"reports": rows}, assets, created_at)


def _report_fields(report: RoomReport) -> dict[str, Any]:
    absent = [_fields(entry) for entry in report.absent]
    return {**_fields(report), "n_expected": report.n_expected, "room": _fields(report.room), "absent": absent}


def _render_rooms(template: str, rooms: Sequence[RoomSheet], created_at: dt.datetime | None) -> bytes:
    _refuse_many(len(rooms), MAX_ROOMS)
    assets: dict[str, bytes] = {}
    sheets = []
    for number, room in enumerate(rooms):
        entries = [
            {**_fields(entry), "photo": _add_photo(assets, f"photo-{number}-{index}", entry)}
            for index, entry in enumerate(room.entries)
        ]
        sheets.append({**_fields(room), "entries": entries})
    return _render(template, {"rooms": sheets}, assets, created_at)


def _render(
    template: str, data: Mapping[str, Any], assets: Mapping[str, bytes], created_at: dt.datetime | None
) -> bytes:
    return render_pdf(_TEMPLATES / template, data, assets=assets, created_at=created_at)


def _fields(value: AdmissionTicket | RoomEntry | RoomSheet | RoomReport) -> dict[str, Any]:
    """Return the fields of a dataclass; a photo is left out, because pictures travel as assets."""
    names = (field.name for field in dataclasses.fields(value) if field.name != "photo")
    return {name: getattr(value, name) for name in names}


def _add_photo(assets: dict[str, bytes], name: str, person: AdmissionTicket | RoomEntry) -> str | None:
    photo = printable_photo(person.photo) if person.photo else None
    if photo is None:
        return None
    assets[f"{name}.jpg"] = photo
    return f"{name}.jpg"


def _refuse_many(n: int, limit: int) -> None:
    if not 1 <= n <= limit:
        raise InvalidInputError(N_("一次可生成 1 至 %(limit)s 份，现在是 %(n)s 份，请分批生成"), limit=limit, n=n)
