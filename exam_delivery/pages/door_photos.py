"""入场照片: one candidate at the door, the roster's photo beside the one taken now, to be compared by eye."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession
from exam_delivery.pages import console_lines, reading
from exam_delivery.pages.console import place, room_address, view_of
from exam_delivery.pages.console_candidate import DoorPhotoLine, door_line, photo_address
from exam_delivery.pages.console_lines import SeatLine, line_of
from exam_delivery.rules.room_acts import Act
from exam_delivery.services import console, door_photos, reach
from kernel.clock import now
from kernel.db import db
from kernel.disk import DiskShortError
from kernel.errors import ConflictError, DomainError, InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.http.uploads import uploaded_file
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("door_photos", __name__, url_prefix="/console")
Page = tuple[str, int]
ADDRESS = "/<uuid:exam_session_id>/candidates/<uuid:registration_id>/door-photo"


@dataclass(frozen=True, slots=True)
class DoorPhotoPage:
    """One candidate at the door."""

    sitting: ExamSession
    line: SeatLine
    badge: tuple[str, str]
    facts: Sequence[tuple[str, str]]
    photo: str
    door: DoorPhotoLine
    may_admit: bool
    action: str
    admit: str
    back: str
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@bp.get(ADDRESS)
@requires(Permission.SESSION_INVIGILATE)
def show(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page:
    """Show both photos, and take one."""
    return _page(exam_session_id, registration_id)


def _page(exam_session_id: uuid.UUID, registration_id: uuid.UUID, refused: DomainError | None = None) -> Page:
    """Show the page, after a refusal with what was wrong."""
    sitting, at = view_of(exam_session_id).sitting, place()
    reach.check_may_look(db.session(), exam_session_id, registration_id, actor=current_actor())
    door = door_line(sitting, registration_id, at)
    if door is None:
        raise NotFoundError(N_("本场考试不拍入场照片"))
    seat = console.view_seat(db.session(), exam_session_id, registration_id, actor=current_actor(), at=now())[0]
    line = line_of(exam_session_id, seat, place=at)
    keys: dict[str, Any] = {"exam_session_id": exam_session_id, "registration_id": registration_id, **at}
    page = DoorPhotoPage(
        sitting=sitting, line=line, badge=console_lines.badges()[seat.state.value],
        facts=[(_("准考证号"), line.admission_number), (_("考场座位"), f"{line.room} {line.seat}")],
        photo=photo_address(exam_session_id, registration_id), door=door,
        may_admit=Act.CHECK_IN in console.acts_of(seat), action=url_for("door_photos.take", **keys),
        admit=url_for("console_acts.act_on", act=Act.CHECK_IN.value, **keys),
        back=room_address(exam_session_id),
        errors=reading.field_errors(refused) if refused else {},
    )  # fmt: skip
    return render_page("exam_delivery/console/door_photo.html", page, status=refused.http_status if refused else 200)


@bp.post(ADDRESS)
@requires(Permission.SESSION_INVIGILATE)
def take(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page | Response:
    """Keep a photo; one that cannot be kept is named beside its field, and the candidate can be let in all the same."""
    try:
        file = uploaded_file("photo")
        with unit_of_work(current_actor()) as uow:
            door_photos.take(uow, exam_session_id, registration_id, file.data)
    except (ConflictError, DiskShortError, InvalidInputError) as exc:
        return _page(exam_session_id, registration_id, exc)
    keys: dict[str, Any] = {"exam_session_id": exam_session_id, "registration_id": registration_id, **place()}
    return redirect_with_message(url_for("door_photos.show", **keys), _("入场照片已保存，请与报名照片、证件和本人核对"))


@bp.get(f"{ADDRESS}/picture")
@requires(Permission.SESSION_INVIGILATE)
def picture(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Response:
    """Give the photo taken at the door; no browser keeps it."""
    body = door_photos.read(db.session(), exam_session_id, registration_id, actor=current_actor())
    return Response(body, mimetype="image/jpeg", headers={"Cache-Control": "no-store"})
