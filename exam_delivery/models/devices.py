"""Machines on which candidates sit: each stands at one seat at most, and a seat has one at most."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class RoomDevice(Base):
    """考试机: a machine of the organisation, where it stands, and its newest check."""

    __tablename__ = "room_devices"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        UniqueConstraint("exam_room_id", "seat_number"),
    )
    room_device_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_room_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_rooms.exam_room_id"))
    seat_number: Mapped[int | None] = mapped_column(comment="none: in store, or retired")
    code: Mapped[str] = mapped_column(String(40), comment="the number on the machine")
    is_active: Mapped[bool] = mapped_column(default=True)
    device: Mapped[str] = mapped_column(String(200), default="", comment="what its browser called itself")
    findings: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    is_ready: Mapped[bool | None] = mapped_column(comment="of the newest check at its present seat")
    checked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class DeviceMove(Base):
    """A machine carried to another seat; only ever added."""

    __tablename__ = "device_moves"
    device_move_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    room_device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("room_devices.room_device_id"), index=True)
    from_room_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_rooms.exam_room_id"))
    from_seat: Mapped[int | None]
    to_room_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_rooms.exam_room_id"))
    to_seat: Mapped[int | None]
    moved_by: Mapped[uuid.UUID | None] = mapped_column(comment="none: found by a check of the seat")
    moved_at: Mapped[datetime]


make_append_only(DeviceMove.__table__)
