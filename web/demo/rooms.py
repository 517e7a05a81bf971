"""What technicians found in the demonstration's room: most seats checked, two with a problem, some still to do, a spare."""

from __future__ import annotations

import uuid
from typing import Any

from exam_delivery.models import ExamSession
from exam_delivery.repository import readiness
from exam_delivery.services import devices, room_checks
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.people import Staff

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
FIGURES: dict[str, Any] = {
    "clock_skew_ms": 400, "round_trips_ms": [4, 5, 5, 6, 9], "n_lost": 0, "can_store": True, "storage_mb": 52000,
    "width": 1920, "height": 1080, "is_secure": True, "has_crypto": True,
}  # fmt: skip
N_CHECKED, FAILING_SEAT = 24, 7
ODD: dict[int, dict[str, Any]] = {FAILING_SEAT: {"can_store": False}, 15: {"clock_skew_ms": 612_000}}
"""How many seats are checked, and what differs at two of them."""

SPARE = "备用-01"
"""A machine that is listed and makes room for the one that is found at its seat, so that it lies in store."""


def check_seats(staff: Staff, row: ExamSession) -> None:
    """Give the rooms of a session their codes, and the first room most of its checks."""
    officer = staff.actor(Role.EXAM_OFFICER)
    with unit_of_work(officer) as uow:
        room_checks.make_codes(uow, row.exam_session_id)
    first = next(iter(readiness.codes_of_session(db.session(), row.exam_session_id, actor=officer).values()))
    room = room_checks.open_room(db.session(), first.code, "", _never)
    with unit_of_work(officer) as uow:
        devices.save_list(uow, first.exam_room_id, f"1 {SPARE}")
    with unit_of_work(officer) as uow:
        for seat in range(1, N_CHECKED + 1):
            figures = FIGURES | ODD.get(seat, {}) | {"device": f"PC-{seat:02d}"}
            room_checks.keep_check(uow, room, seat, figures, user_agent=BROWSER, proofs=lambda _address: ())


def _never(_organisation_id: uuid.UUID | None, _act: Any) -> None:
    raise LookupError("the demonstration's own code is refused")
