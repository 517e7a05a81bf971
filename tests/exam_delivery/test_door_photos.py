"""The photo taken at the door: who may take and see it, what is kept of it, what hostile files get, and what is said where there is none."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from exam_delivery import public_retention
from exam_delivery.documents.rendering import DEFAULT_TICKET_NOTES
from exam_delivery.models import DoorPhoto, ExamSession, Incident, Registration, SessionRoom
from exam_delivery.rules.door_photos import CANDIDATES_NOTICE, RULE_LABELS, DoorPhotoRule, rule_of
from exam_delivery.services import documents, door_photos, room_reports
from exam_delivery.services.documents import DocumentKind
from kernel import disk
from kernel.audit.models import AuditEvent
from kernel.clock import now
from kernel.disk import MEGABYTE, DiskGuard
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET, MakeUser, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import begin

GPS = 0x8825


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        found = prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )
    set_rule(found, DoorPhotoRule.REQUIRED)
    return found


def set_rule(sitting: Sitting, rule: DoorPhotoRule) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(ExamSession, sitting.exam_session_id).door_photo = rule.value


@pytest.fixture
def chief(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


@pytest.fixture
def invigilator(sitting: Sitting, sign_in: SignIn, make_user: MakeUser) -> FlaskClient:
    user = make_user(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        row = uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[0]))
        row.invigilator_ids = [str(user.user_id)]
    return sign_in(user=user)


def base(sitting: Sitting, k: int = 0) -> str:
    return f"/console/{sitting.exam_session_id}/candidates/{sitting.people[k].registration_id}"


def face(colour: str = "#c08060", size: tuple[int, int] = (1200, 1600), form: str = "JPEG") -> bytes:
    """Return a photo as a telephone writes it: large, on its side, with the place where it was taken."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(GPS)[1] = "N"
    Image.new("RGB", size, colour).save(buffer, form, exif=exif)
    return buffer.getvalue()


def send(client: FlaskClient, sitting: Sitting, data: bytes, k: int = 0) -> TestResponse:
    head = b'--part\r\nContent-Disposition: form-data; name="photo"; filename="x.jpg"\r\n\r\n'
    body, kind = head + data + b"\r\n--part--\r\n", "multipart/form-data; boundary=part"
    return client.post(f"{base(sitting, k)}/door-photo", data=body, content_type=kind)


def test_a_photo_is_kept_small_without_its_metadata_encrypted_and_shown_beside_the_other(
    sitting: Sitting, invigilator: FlaskClient, session: Session
) -> None:
    assert send(invigilator, sitting, face()).status_code == 303
    shown = invigilator.get(f"{base(sitting)}/door-photo/picture")
    assert (shown.mimetype, shown.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    picture = Image.open(io.BytesIO(shown.data))
    assert picture.size == (720, 540)
    assert dict(picture.getexif()) == {}
    row = session.scalars(select(DoorPhoto)).one()
    session.refresh(row, ["ciphertext"])
    assert shown.data[:60] not in row.ciphertext
    for tail in ("", "/door-photo"):
        page = invigilator.get(base(sitting) + tail).text
        assert f"{base(sitting)}/door-photo/picture" in page
        assert row.taken_by_name in page


def test_taking_it_again_replaces_it_and_the_audit_keeps_both(
    sitting: Sitting, invigilator: FlaskClient, session: Session
) -> None:
    send(invigilator, sitting, face("#101010"))
    first = session.scalars(select(DoorPhoto.digest)).one()
    send(invigilator, sitting, face("#f0f0f0"))
    second = session.scalars(select(DoorPhoto.digest)).one()
    events = session.scalars(
        select(AuditEvent).where(AuditEvent.act == "registration.door_photo").order_by(AuditEvent.seq)
    ).all()
    assert first != second
    assert [one.details["after"]["digest"] for one in events] == [first, second]
    assert [one.details.get("before", {}).get("digest") for one in events] == [None, first]


def test_only_who_looks_after_the_room_takes_or_sees_a_photo(
    sitting: Sitting, invigilator: FlaskClient, chief: FlaskClient, sign_in: SignIn, other_organisation: Organisation
) -> None:
    send(chief, sitting, face(), 1)
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    for client in (invigilator, stranger):
        assert client.get(f"{base(sitting, 1)}/door-photo").status_code == 404
        assert client.get(f"{base(sitting, 1)}/door-photo/picture").status_code == 404
        assert send(client, sitting, face(), 1).status_code == 404
    assert sign_in(Role.MARKER).get(f"{base(sitting, 1)}/door-photo/picture").status_code == 403
    nobody = chief.application.test_client()
    assert nobody.get(f"{base(sitting, 1)}/door-photo/picture").status_code == 302  # to the staff's sign-in
    assert chief.get(f"{base(sitting, 1)}/door-photo/picture").status_code == 200


def test_the_camera_is_allowed_on_this_page_alone(sitting: Sitting, chief: FlaskClient) -> None:
    door = chief.get(f"{base(sitting)}/door-photo")
    assert "camera=(self), microphone=()" in door.headers["Permissions-Policy"]
    assert "unsafe" not in door.headers["Content-Security-Policy"]
    for path in (base(sitting), f"/console/{sitting.exam_session_id}", "/"):
        assert "camera=()" in chief.get(path).headers["Permissions-Policy"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "文件是空的"),
        (b"MZ this is a program", "文件不是可用的照片"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "文件不是可用的照片"),
        (face()[:300], "文件不是可用的照片"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "不支持 HEIC 格式"),
        (b"\xff\xd8" + b"\x00" * 20_000_000, "照片文件过大"),
        (face(size=(7000, 7000), form="PNG"), "像素过多"),
    ],
    ids=["none", "program", "svg", "cut", "heic", "20MB", "bomb"],
)
def test_a_file_that_is_no_usable_photo_is_named_beside_its_field(
    sitting: Sitting, chief: FlaskClient, session: Session, data: bytes, message: str
) -> None:
    answer = send(chief, sitting, data)
    assert answer.status_code == 422
    assert message in answer.text
    assert session.scalars(select(DoorPhoto)).all() == []


def test_a_short_disk_stops_photos_and_nobody_at_the_door(
    sitting: Sitting, chief: FlaskClient, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short:
        total, free = 1000 * MEGABYTE, 100 * MEGABYTE

    settings = Settings(instance_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/x.sqlite3", secret_key=SECRET)
    monkeypatch.setitem(disk._GUARD, "guard", DiskGuard(settings, usage=lambda _folder: Short()))
    answer = send(chief, sitting, face())
    assert (answer.status_code, "磁盘空间不足" in answer.text) == (507, True)
    assert "不拍照，准许入场" in answer.text
    assert chief.post(f"{base(sitting)}/check-in", data={"no_photo": "disk"}).status_code == 303
    assert is_checked_in(session, sitting, 0)


def is_checked_in(session: Session, sitting: Sitting, k: int) -> bool:
    row = session.get_one(Registration, sitting.people[k].registration_id, populate_existing=True)
    return row.checked_in_at is not None


def test_where_a_photo_is_required_admission_asks_for_it_or_for_a_reason(
    sitting: Sitting, chief: FlaskClient, session: Session
) -> None:
    assert "不拍照，准许入场" in chief.get(base(sitting)).text
    refused = chief.post(f"{base(sitting)}/check-in")
    assert (refused.status_code, "还没有拍入场照片" in refused.text) == (409, True)
    vague = chief.post(f"{base(sitting)}/check-in", data={"no_photo": "other", "no_photo_note": " "})
    assert (vague.status_code, "请写明原因" in vague.text) == (422, True)
    assert not is_checked_in(session, sitting, 0)
    chief.post(f"{base(sitting)}/check-in", data={"no_photo": "camera", "no_photo_note": "接口坏了"})
    assert is_checked_in(session, sitting, 0)
    noted = session.scalars(select(Incident).where(Incident.kind == "no_door_photo")).one()
    assert noted.text == "摄像头或电脑不能用：接口坏了"
    send(chief, sitting, face(), 1)
    assert "不拍照，准许入场" not in chief.get(base(sitting, 1)).text
    assert chief.post(f"{base(sitting, 1)}/check-in").status_code == 303
    assert is_checked_in(session, sitting, 1)


def test_several_at_once_leave_out_and_name_those_without_a_photo(
    sitting: Sitting, chief: FlaskClient, session: Session
) -> None:
    send(chief, sitting, face(), 1)
    people = [str(sitting.people[k].registration_id) for k in (0, 1)]
    answer = chief.post(
        f"/console/{sitting.exam_session_id}/selected", data={"act": "check-in", "selected": people},
        follow_redirects=True,
    )  # fmt: skip
    assert "已处理 1 人；1 人未处理：考生1（还没有拍入场照片" in answer.text
    assert [is_checked_in(session, sitting, k) for k in (0, 1)] == [False, True]


@pytest.mark.parametrize("rule", [DoorPhotoRule.OFF, DoorPhotoRule.OPTIONAL])
def test_where_none_is_required_nobody_is_asked(
    sitting: Sitting, chief: FlaskClient, session: Session, rule: DoorPhotoRule
) -> None:
    set_rule(sitting, rule)
    takes = rule is DoorPhotoRule.OPTIONAL
    assert ("door-photo" in chief.get(base(sitting)).text) is takes
    assert chief.get(f"{base(sitting)}/door-photo").status_code == (200 if takes else 404)
    assert send(chief, sitting, face()).status_code == (303 if takes else 404)
    assert chief.post(f"{base(sitting, 1)}/check-in").status_code == 303
    assert session.scalars(select(Incident).where(Incident.kind == "no_door_photo")).all() == []


def test_the_report_counts_photos_and_says_who_has_none_and_why(
    sitting: Sitting, chief: FlaskClient, session: Session
) -> None:
    send(chief, sitting, face(), 0)
    chief.post(f"{base(sitting, 0)}/check-in")
    begin(sitting, 2)  # signed in and started without a word about a photo
    room = sitting.room_ids[0]
    actor = system_actor(sitting.organisation_id)
    name, body = room_reports.print_report(session, sitting.exam_session_id, room, actor=actor)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages)
    assert name.endswith(".pdf")
    assert "已拍 1 人，入场未拍 1 人" in text
    assert "未写原因：座位 02" in text
    facts = room_reports.room_facts(session, sitting.exam_session_id, room, actor=actor, at=now())
    assert facts.photos.silent == ("02",)
    other = room_reports.room_facts(session, sitting.exam_session_id, sitting.room_ids[1], actor=actor, at=now())
    assert (other.figures["door_photos"], other.figures["no_door_photo"]) == (0, 0)
    chief.post(f"{base(sitting, 1)}/check-in", data={"no_photo": "declined"})
    _name, body = room_reports.print_report(session, sitting.exam_session_id, sitting.room_ids[1], actor=actor)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages)
    assert "考生不同意拍照" in text
    assert "未写原因" not in text


def test_candidates_are_told_beforehand_and_off_is_the_default(sitting: Sitting, session: Session) -> None:
    actor = system_actor(sitting.organisation_id)
    row = session.get_one(ExamSession, sitting.exam_session_id)
    assert rule_of(RULE_LABELS[DoorPhotoRule.OFF]) is DoorPhotoRule.OFF
    assert documents.ticket_notes(session, row) == (*DEFAULT_TICKET_NOTES, CANDIDATES_NOTICE)
    printed = documents.print_document(session, actor, sitting.exam_session_id, DocumentKind.TICKETS)
    pages = pypdf.PdfReader(io.BytesIO(printed.body)).pages
    assert len(pages) == 2  # four people, two to the page, with one note more
    assert "不作人脸识别" in pages[0].extract_text().replace("\n", "")
    set_rule(sitting, DoorPhotoRule.OFF)
    assert documents.ticket_notes(session, row) == DEFAULT_TICKET_NOTES
    assert door_photos.rule_for(session, row) is DoorPhotoRule.OFF


def test_photos_of_the_door_are_counted_and_deleted_with_those_of_the_roster(
    sitting: Sitting, chief: FlaskClient, session: Session
) -> None:
    send(chief, sitting, face())
    owner = session.get_one(Registration, sitting.people[0].registration_id).candidate_id
    later = now() + timedelta(days=900)
    assert public_retention.due_photos(session, sitting.organisation_id, now() - timedelta(days=9), limit=9) == []
    assert public_retention.due_photos(session, sitting.organisation_id, later, limit=9) == [owner]
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        public_retention.erase_photos(uow, [owner])
    assert session.scalars(select(DoorPhoto.digest)).all() == []
    assert public_retention.due_photos(session, sitting.organisation_id, later, limit=9) == []
    assert chief.get(f"{base(sitting)}/door-photo/picture").status_code == 404
