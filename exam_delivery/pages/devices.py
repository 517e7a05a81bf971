"""The machines of a room in the browser: list, last check, moves."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import RoomDevice
from exam_delivery.pages import reading
from exam_delivery.rules.groups import carrier_of
from exam_delivery.rules.readiness import FINDINGS
from exam_delivery.services import devices
from exam_delivery.services.devices import DeviceView
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("devices", __name__, url_prefix="/exam-rooms")
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A machine as the page writes it."""

    row: RoomDevice
    carrier: str
    state: tuple[str, str]
    findings: str


@dataclass(frozen=True, slots=True)
class DevicesPage:
    """The machines of a room and the form of a list."""

    view: DeviceView
    rows: Sequence[DeviceRow]
    typed: str
    errors: Mapping[str, list[str]]


@bp.get("/<uuid:exam_room_id>/devices")
@requires(Permission.SESSION_WRITE)
def detail(exam_room_id: uuid.UUID) -> Page:
    """Show the machines of a room."""
    return _page(exam_room_id, "", {})


def _page(exam_room_id: uuid.UUID, typed: str, errors: Mapping[str, list[str]]) -> Page:
    view = devices.view_devices(db.session(), current_actor(), exam_room_id)
    page = DevicesPage(view, [_row(one) for one in view.rows], typed, errors)
    return render_page("exam_delivery/rooms/devices.html", page, status=422 if errors else 200)


def _row(row: RoomDevice) -> DeviceRow:
    state = (_("通过"), "success") if row.is_ready else (_("有问题"), "danger")
    if row.checked_at is None:
        state = (_("未检查"), "warning")
    found = "；".join(_(FINDINGS[code][0]) for code in row.findings if code in FINDINGS)
    return DeviceRow(row, _(carrier_of(f"- {row.device}")) if row.device else "—", state, found)


@bp.post("/<uuid:exam_room_id>/devices")
@requires(Permission.SESSION_WRITE)
def save(exam_room_id: uuid.UUID) -> Page | Response:
    """Take a list of machines over."""
    typed = reading.text("devices")
    try:
        with unit_of_work(current_actor()) as uow:
            n = devices.save_list(uow, exam_room_id, typed)
    except InvalidInputError as exc:
        return _page(exam_room_id, typed, reading.field_errors(exc))
    return redirect_with_message(_address(exam_room_id), _("已登记 %(n)s 台考试机", n=n))


def _address(exam_room_id: uuid.UUID) -> str:
    return url_for("devices.detail", exam_room_id=exam_room_id)


@bp.post("/<uuid:exam_room_id>/devices/<uuid:room_device_id>/retire")
@requires(Permission.SESSION_WRITE)
def retire(exam_room_id: uuid.UUID, room_device_id: uuid.UUID) -> Response:
    """Take a machine out of use."""
    return reading.carry_out(
        _address(exam_room_id), lambda row: _("考试机 %(code)s 已停用", code=row.code),
        lambda uow: devices.retire(uow, exam_room_id, room_device_id),
    )  # fmt: skip
