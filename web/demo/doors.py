"""What happens at the door of the demonstration's open room: drawn faces for registration and door, some let in, one seen without a photo.

Nobody is pictured: each face is a circle and a few lines in the colours of its number, with EXAMPLE written over it.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from exam_delivery.models import ExamSession, Registration
from exam_delivery.repository import candidates
from exam_delivery.rules.door_photos import RULE_LABELS, DoorPhotoRule
from exam_delivery.rules.keys import DOOR_PHOTO
from exam_delivery.services import admitting, door_photos, photos
from kernel import profiles
from kernel.clock import today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.people import Staff

SIZE = (300, 420)
MARK = "EXAMPLE"
SKINS = ("#f0c8a0", "#e8b890", "#d8a880", "#f4d4b4")
HAIR = ("#202020", "#3a2a20", "#505050")
COATS = ("#3b6ea5", "#7a4a8a", "#2e7d5b", "#a05a2c", "#666f7a")
GROUNDS = {"roster": "#ffffff", "door": "#dfe6ea"}
N_WITH_ROSTER_PHOTO, N_AT_DOOR, N_LET_IN = 12, 6, 5
LONG_AGO = dt.timedelta(days=60)


def allow_door_photos(staff: Staff) -> None:
    """Let the organisation's rules allow photos at the door, before anything is prepared; anybody may still sit without."""
    rule = {DOOR_PHOTO: RULE_LABELS[DoorPhotoRule.OPTIONAL]}
    with unit_of_work(staff.actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, rule, effective_on=today() - LONG_AGO, note="入场可以拍照（演示）")


def pass_the_door(staff: Staff, row: ExamSession) -> None:
    """Give the first candidates photos, and let the invigilator take some at the door and admit them."""
    officer, invigilator = staff.actor(Role.EXAM_OFFICER), staff.actor(Role.INVIGILATOR)
    entries = candidates.registrations_of_session(db.session(), row.exam_session_id, actor=officer)
    first = [registration for registration, _person, _room in entries][:N_WITH_ROSTER_PHOTO]
    with unit_of_work(officer) as uow:
        photos.import_photos(uow, row.exam_batch_id, photos.unpack(_archive(first)))
    for number, one in enumerate(first[:N_AT_DOOR]):
        with unit_of_work(invigilator) as uow:
            door_photos.take(uow, row.exam_session_id, one.registration_id, draw_face(number, "door"))
    for one in first[:N_LET_IN]:
        with unit_of_work(invigilator) as uow:
            admitting.check_in(uow, row.exam_session_id, one.registration_id)


def _archive(people: Sequence[Registration]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as files:
        for number, one in enumerate(people):
            files.writestr(f"{one.admission_number}.jpg", draw_face(number, "roster"))
    return buffer.getvalue()


def draw_face(number: int, place: str) -> bytes:
    """Return a drawn head and shoulders as JPEG, the same colours for the same number at the door and in the roster."""
    picture = Image.new("RGB", SIZE, GROUNDS[place])
    pen = ImageDraw.Draw(picture)
    shift = 12 if place == "door" else 0
    skin, hair, coat = SKINS[number % len(SKINS)], HAIR[number % len(HAIR)], COATS[number % len(COATS)]
    pen.ellipse((30 + shift, 300, 270 + shift, 560), fill=coat)
    pen.rectangle((125 + shift, 250, 175 + shift, 320), fill=skin)
    pen.ellipse((80 + shift, 80, 220 + shift, 270), fill=hair)
    pen.ellipse((90 + shift, 105, 210 + shift, 270), fill=skin)
    for eye in (125, 165):
        pen.ellipse((eye + shift, 175, eye + 12 + shift, 187), fill="#303030")
    pen.arc((125 + shift, 195, 175 + shift, 240), 20, 160, fill="#903030", width=4)
    font = ImageFont.load_default(size=44)
    pen.text((SIZE[0] / 2, 375), MARK, fill="#ffffff", font=font, anchor="mm", stroke_width=3, stroke_fill="#b42318")
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
