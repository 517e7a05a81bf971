"""The list of the console as Excel: the candidates in view as they stand, identity numbers masked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from exam_delivery.repository import attempts as repository
from exam_delivery.rules.room import SEAT_LABELS
from exam_delivery.services.console import RoomView, Seat
from kernel import audit
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Cell, TableSheet, write_table
from kernel.uow import UnitOfWork

HEADINGS = (
    "考场", "座位", "姓名", "准考证号", "证件号码（部分隐藏）", "状态", "已答", "题数", "登录时间", "开始时间", "最后联系", "截止时间",
    "交卷时间", "设备", "离开页面次数", "换设备次数",
)  # fmt: skip


def export_seats(uow: UnitOfWork, view: RoomView) -> bytes:
    """Return the candidates in view, in the console's order, as a workbook; the export is audited."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    masks = repository.id_masks_of(uow.session, [seat.row.registration_id for seat in view.seats], actor=uow.actor)
    after = {"rows": len(view.seats), "room": str(view.room_id or "")}
    audit.record(uow, "exam_session.export", "exam_session", view.sitting.exam_session_id, after=after)
    return write_table([TableSheet("考生", HEADINGS, [_row(seat, masks) for seat in view.seats])], created_at=view.at)


def _row(seat: Seat, masks: Mapping[uuid.UUID, str]) -> tuple[Cell, ...]:
    row = seat.row
    return (
        row.room_name or "", row.seat_number, row.name, row.admission_number or "", masks[row.registration_id],
        SEAT_LABELS[seat.state], row.n_answered, row.n_slots, row.signed_in_at, row.started_at, row.last_contact_at,
        row.deadline_at, row.submitted_at, row.device or "", seat.leaves.n, seat.n_takeovers,
    )  # fmt: skip
