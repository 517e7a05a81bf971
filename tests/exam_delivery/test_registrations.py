"""Rosters, numbers, seats and photos: every bad row is named, numbers are unique, nothing personal lies open."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from decimal import Decimal

import pytest
from PIL import Image
from sqlalchemy import select

from exam_delivery.models import Candidate, CandidatePhoto, Registration, RosterUpload
from exam_delivery.pages import registrations as registration_pages
from exam_delivery.repository import candidates
from exam_delivery.rules.admission import NumberContext, check_pattern, format_number
from exam_delivery.rules.roster_columns import REGISTRATION_HEADINGS, TEMPLATE_HEADINGS, find_columns
from exam_delivery.rules.seating import Room, draw_seats
from exam_delivery.services import arranging, batches, documents, personal, photos, registrations, rosters
from exam_delivery.services.batches import RoomPlan
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.clock import today
from kernel.crypto import SealBrokenError
from kernel.db import db, new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.spreadsheets import TableSheet, read_table, write_table
from kernel.uow import unit_of_work
from tests.exam_delivery.world import OCCUPATION, id_number

GOOD = {"姓名": "演示甲", "证件号码": id_number(1), "手机号码": "13800000001"}


def roster_file(*rows: dict[str, str], headings=TEMPLATE_HEADINGS) -> bytes:
    cells = [[row.get(heading, "") for heading in headings] for row in rows]
    return write_table([TableSheet("考生名单", headings, cells)])


def preview_of(world, *rows, headings=TEMPLATE_HEADINGS):
    return rosters.make_preview(db.session(), world.officer, world.batch, roster_file(*rows, headings=headings))


def messages(preview):
    return [
        (row.number, problem.column, problem.message % problem.params if problem.params else problem.message)
        for row in preview.bad
        for problem in row.problems
    ]


def test_a_good_roster_is_read_with_birth_and_sex_from_the_number(world):
    preview = preview_of(world, GOOD)
    assert not preview.bad
    row = preview.valid[0]
    assert (row.birth_date, row.sex) == (dt.date(1990, 1, 1), "male")


@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({"姓名": ""}, "姓名", "姓名为空"),
        ({"证件号码": id_number(1)[:-1] + ("0" if id_number(1)[-1] != "0" else "1")}, "证件号码", "校验位"),
        ({"证件号码": "110101900101001"}, "证件号码", "15 位"),
        ({"性别": "女"}, "性别", "表示“男”"),
        ({"出生日期": "1991-01-01"}, "出生日期", "1990-01-01"),
        ({"出生日期": "昨天"}, "出生日期", "无法识别"),
        ({"手机号码": "12345"}, "手机号码", "11 位手机号"),
        ({"证件类型": "驾驶证"}, "证件类型", "没有“驾驶证”这种证件类型"),
        ({"加时系数": "0.5"}, "加时系数", "1 至 3"),
    ],
)
def test_a_bad_row_is_named_with_its_column_and_how_to_mend_it(world, changes, column, words):
    found = messages(preview_of(world, GOOD | {"证件号码": id_number(3)}, GOOD | changes))
    assert [(number, name) for number, name, _message in found] == [(3, column)]
    assert words in found[0][2]


def test_two_rows_of_one_person_name_each_other(world):
    found = messages(preview_of(world, GOOD, GOOD | {"姓名": "演示乙"}))
    assert [(number, "第 3 行" in message or "第 2 行" in message) for number, _column, message in found] == [
        (2, True), (3, True),
    ]  # fmt: skip


def test_a_person_who_is_registered_or_known_by_another_name_is_refused(world):
    world.register(1)
    found = messages(preview_of(world, GOOD | {"姓名": "演示考生1"}))
    assert "已在本批次报名" in found[0][2]
    with unit_of_work(world.officer) as uow:
        other = batches.create_batch(uow, batches.BatchPlan("2026-02", "第二批", str(world.batch.standard_level_id)))
    world.batch = other
    assert "姓名是“演示考生1”" in messages(preview_of(world, GOOD))[0][2]


def test_the_33_columns_of_the_registration_layout_are_read_by_their_headings(world):
    row = GOOD | {"职业工种名称": OCCUPATION, "认定等级": "三级", "文化程度": "大专", "通讯地址": "演示路1号"}
    preview = preview_of(world, row, headings=REGISTRATION_HEADINGS)
    assert not preview.bad
    assert preview.unknown == ()
    assert preview.valid[0].extra == {"文化程度": "大专", "通讯地址": "演示路1号"}


def test_a_row_of_another_occupation_or_level_is_refused(world):
    row = GOOD | {"职业工种名称": "电工", "认定等级": "五级"}
    assert {column for _n, column, _m in messages(preview_of(world, row, headings=REGISTRATION_HEADINGS))} == {
        "职业工种名称", "认定等级",
    }  # fmt: skip


def test_a_file_without_the_needed_columns_says_which(world):
    with pytest.raises(InvalidInputError, match="姓名、证件号码"):
        rosters.make_preview(
            db.session(), world.officer, world.batch, write_table([TableSheet("a", ("甲",), [("乙",)])])
        )


def test_our_template_has_a_head_that_we_read():
    sheets = read_table(rosters.template_file())
    assert find_columns(sheets[0].rows) is not None


def upload(world, data):
    with unit_of_work(world.officer) as uow:
        return rosters.upload_roster(
            uow, world.batch.exam_batch_id, data, file_name="名单.xlsx", exam_session_id=world.key
        )


def test_all_or_none_imports_nobody_when_a_row_is_bad(world):
    kept = upload(world, roster_file(GOOD, GOOD | {"证件号码": "1"}))
    with pytest.raises(ConflictError, match="没有导入任何人"), unit_of_work(world.officer) as uow:
        rosters.import_roster(uow, uow.session.get(RosterUpload, kept.roster_upload_id), only_valid=False)
    assert db.session.query(Registration).count() == 0


def test_the_valid_rows_alone_can_be_imported_and_the_file_is_forgotten(world):
    kept = upload(world, roster_file(GOOD, GOOD | {"证件号码": "1"}))
    with unit_of_work(world.officer) as uow:
        row = uow.session.get(RosterUpload, kept.roster_upload_id)
        assert rosters.import_roster(uow, row, only_valid=True) == 1
    assert db.session.query(Registration).count() == 1
    assert db.session.get(RosterUpload, kept.roster_upload_id).ciphertext is None


def test_no_column_of_any_table_holds_an_identity_number_in_plain(world):
    number = id_number(1)
    upload(world, roster_file(GOOD | {"所在岗位": f"岗位{number}"}))
    world.register(2)
    world.arrange()
    world.prepare()
    needle = number.encode()
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(select(table)):
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode()
                assert needle not in data, table.name


def test_a_number_moved_to_another_row_cannot_be_read(world):
    world.register(2)
    first, second = db.session.query(Candidate).order_by(Candidate.name).all()
    assert personal.read_number(first) == id_number(1)
    first.id_number_ciphertext = second.id_number_ciphertext
    with pytest.raises(SealBrokenError):
        personal.read_number(first)


def test_a_look_at_a_number_needs_the_permission_and_is_audited(world, make_actor):
    world.register(1)
    person = db.session.query(Candidate).one()
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.INVIGILATOR)) as uow:
        registrations.reveal_number(uow, person.candidate_id)
    with unit_of_work(world.officer) as uow:
        assert registrations.reveal_number(uow, person.candidate_id) == id_number(1)
    event = db.session.query(AuditEvent).filter_by(act="candidate.reveal_number").one()
    assert id_number(1) not in str(event.details)


def test_another_organisation_sees_nobody(world, make_actor, other_organisation):
    world.register(1)
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    person = db.session.query(Candidate).one()
    registration = db.session.query(Registration).one()
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        registrations.reveal_number(uow, person.candidate_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        registrations.void_registration(uow, registration.registration_id, reason="x")
    assert candidates.list_registrations(db.session(), actor=stranger, wanted=candidates.PeopleFilter())[1] == 0


CONTEXT = NumberContext(dt.date(2026, 11, 28), 3, "4-04-05-05", "3")


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("{yymmdd}{plan2}{seq4}", "261128030012"),
        ("K{yyyy}{occupation}{level}{seq3}", "K2026404050530" + "12"),
        ("{yyyymmdd}-{seq5}", "20261128-00012"),
    ],
)
def test_a_pattern_makes_the_number(pattern, number):
    check_pattern(pattern)
    assert format_number(pattern, CONTEXT, 12) == number


@pytest.mark.parametrize("pattern", ["{yymmdd}", "{seq4}{seq4}", "{room2}{seq4}", "考{seq4}", "{yy2}{seq4}"])
def test_a_pattern_that_cannot_number_is_refused(pattern):
    with pytest.raises(InvalidInputError):
        check_pattern(pattern)


def test_a_running_number_that_is_used_up_says_so():
    with pytest.raises(InvalidInputError, match="不够用"):
        format_number("{seq2}", CONTEXT, 100)


def test_everybody_gets_a_number_by_the_rule_profile_and_a_seat_of_their_own(world, make_actor):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {"exam.admission_number_pattern": "Z{seq3}"}, effective_on=today())
    world.register(12)
    world.arrange()
    rows = db.session.query(Registration).all()
    assert sorted(row.admission_number for row in rows) == [f"Z{n:03d}" for n in range(1, 13)]
    assert sorted(row.seat_number for row in rows) == list(range(1, 13))
    assert len({row.sign_in_index for row in rows}) == 12


def test_who_comes_later_gets_the_next_number_and_the_others_keep_theirs(world):
    world.register(3)
    world.arrange()
    before = {row.registration_id: row.admission_number for row in db.session.query(Registration).all()}
    world.register(2, first=4)
    world.arrange()
    db.session.expire_all()
    after = {row.registration_id: row.admission_number for row in db.session.query(Registration).all()}
    assert before.items() <= after.items()
    assert len(set(after.values())) == 5
    assert sorted(number[-4:] for number in after.values()) == ["0001", "0002", "0003", "0004", "0005"]


def test_two_sessions_of_one_day_never_share_a_number(world):
    from exam_delivery.services import sessions
    from tests.exam_delivery.world import session_plan

    world.register(2)
    world.arrange()
    with unit_of_work(world.officer) as uow:
        room = batches.save_room(uow, None, RoomPlan("演示考点", "第 02 考场", 30))
        other = sessions.create_session(
            uow, world.batch.exam_batch_id, session_plan(world.forms.form_ids, name="第二场")
        )
        sessions.set_rooms(uow, other.exam_session_id, {room.exam_room_id: []})
    world.session = other
    world.register(2, first=3)
    world.arrange()
    numbers = [row.admission_number for row in db.session.query(Registration).all()]
    assert len(set(numbers)) == 4
    assert {number[6:8] for number in numbers} == {"01", "02"}


def test_seats_are_drawn_the_same_way_from_the_same_seed_and_fill_room_by_room():
    people, rooms = [new_id() for _ in range(5)], [Room(new_id(), 3), Room(new_id(), 3)]
    seats = draw_seats(people, rooms, seed=5)
    assert seats == draw_seats(list(reversed(people)), rooms, seed=5)
    assert [(seat.exam_room_id, seat.number) for seat in seats] == [
        (rooms[0].exam_room_id, 1), (rooms[0].exam_room_id, 2), (rooms[0].exam_room_id, 3),
        (rooms[1].exam_room_id, 1), (rooms[1].exam_room_id, 2),
    ]  # fmt: skip
    assert {seat.registration_id for seat in seats} == set(people)
    assert any(draw_seats(people, rooms, seed=seed) != seats for seed in range(20))


def test_too_few_seats_say_how_many_are_missing(world):
    world.register(31)
    with pytest.raises(InvalidInputError, match="还差 1 个"), unit_of_work(world.officer) as uow:
        arranging.arrange(uow, world.key)


def test_seats_can_be_drawn_again_until_preparation(world):
    world.register(8)
    world.arrange(seed=1)
    first = {row.registration_id: row.seat_number for row in db.session.query(Registration).all()}
    world.arrange(seed=2)
    db.session.expire_all()
    assert {row.registration_id: row.seat_number for row in db.session.query(Registration).all()} != first
    world.prepare()
    with pytest.raises(ConflictError, match="撤销备考"), unit_of_work(world.officer) as uow:
        arranging.arrange(uow, world.key)


def zip_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (120, 160), "white").save(buffer, "JPEG")
    return buffer.getvalue()


def test_photos_are_found_by_number_kept_encrypted_and_printed_on_tickets(world):
    world.register(2)
    world.arrange()
    number = db.session.query(Registration).order_by(Registration.admission_number).first().admission_number
    files = {f"{id_number(2)}__jpg": picture(), f"{number}__jpg": picture(), "nobody__jpg": picture()}
    with unit_of_work(world.officer) as uow:
        report = photos.import_photos(uow, world.batch.exam_batch_id, photos.unpack(zip_of(**files, broken__jpg=b"x")))
    assert report.n_stored == 2
    assert set(report.unknown) == {"nobody.jpg", "broken.jpg"}
    stored = db.session.query(CandidatePhoto).all()
    assert all(b"JFIF" not in row.ciphertext for row in stored)
    people = [row.candidate_id for row in stored]
    assert len(photos.read_photos(db.session(), world.officer, people)) == 2


def test_two_photos_of_one_person_leave_one(world):
    world.register(1)
    world.arrange()
    number = db.session.query(Registration).one().admission_number
    both = {f"{id_number(1)}__jpg": picture(), f"{number}__jpg": picture()}
    with unit_of_work(world.officer) as uow:
        assert photos.import_photos(uow, world.batch.exam_batch_id, photos.unpack(zip_of(**both))).n_stored == 2
    assert db.session.query(CandidatePhoto).count() == 1


def test_admission_numbers_follow_the_order_of_the_roster(world):
    world.register(9)
    world.arrange()
    rows = db.session.query(Registration, Candidate).join(
        Candidate, Candidate.candidate_id == Registration.candidate_id
    )
    ordered = sorted(rows, key=lambda pair: pair[0].admission_number)
    assert [person.name for _registration, person in ordered] == [f"演示考生{n}" for n in range(1, 10)]


def test_a_file_that_is_no_zip_is_refused(world):
    with pytest.raises(InvalidInputError, match="zip"):
        photos.unpack(b"nothing")


@pytest.mark.parametrize("kind", list(documents.DocumentKind))
def test_documents_are_printed_by_a_job_and_kept_encrypted(world, kind):
    world.register(3)
    world.arrange()
    with unit_of_work(world.officer) as uow:
        job = documents.request_document(uow, world.key, kind)
    assert run_job(job.job_id) == "done"
    kept = candidates.documents_of_session(db.session(), world.key, actor=world.officer)[0]
    assert not kept.ciphertext.startswith(b"%PDF")
    name, body = documents.read_document(db.session(), world.officer, kept.exam_document_id)
    assert body.startswith(b"%PDF")
    assert name.endswith(".pdf")


def test_documents_wait_until_everybody_has_a_seat(world):
    world.register(1)
    with pytest.raises(ConflictError, match="先编排"), unit_of_work(world.officer) as uow:
        documents.request_document(uow, world.key, documents.DocumentKind.TICKETS)


def test_extra_time_is_read_from_the_roster(world):
    assert preview_of(world, GOOD | {"加时系数": "1.5"}).valid[0].time_factor == Decimal("1.5")


def test_every_bad_row_can_be_downloaded_however_many_there_are(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    rows = [{"姓名": f"演示{n}", "证件号码": id_number(n), "手机号码": "12345"} for n in range(1, 251)]
    address = f"/exam-batches/{world.batch.exam_batch_id}/roster"
    file = {"file": (io.BytesIO(roster_file(*rows)), "名单.xlsx")}
    preview = client.post(address, data=file, content_type="multipart/form-data").headers["Location"]
    assert f"{preview}/problems.xlsx" in client.get(preview).text
    (sheet,) = read_table(client.get(f"{preview}/problems.xlsx").data)
    assert [line[0] for line in sheet.rows[1:]] == [str(n) for n in range(2, 252)]
    assert all("11 位手机号" in line[4] and id_number(1) not in line for line in sheet.rows[1:])
    assert sign_in(Role.INVIGILATOR).get(f"{preview}/problems.xlsx").status_code == 403


def test_photos_are_decoded_before_anybody_is_kept_from_saving(world, sign_in, monkeypatch):
    world.register(1)
    order = []
    decode, begin = photos.printable_photo, registration_pages.unit_of_work
    monkeypatch.setattr(photos, "printable_photo", lambda data: order.append("decoded") or decode(data))
    monkeypatch.setattr(registration_pages, "unit_of_work", lambda actor: order.append("begun") or begin(actor))
    file = {"file": (io.BytesIO(zip_of(**{f"{id_number(1)}__jpg": picture()})), "照片.zip")}
    address = f"/exam-batches/{world.batch.exam_batch_id}/photos"
    answer = sign_in(Role.EXAM_OFFICER).post(address, data=file, content_type="multipart/form-data")
    assert answer.status_code == 303
    assert order == ["decoded", "begun"]
    assert db.session.query(CandidatePhoto).count() == 1


def test_the_form_for_photos_is_reached_from_the_head_of_a_long_list(world, sign_in):
    world.register(1)
    page = sign_in(Role.EXAM_OFFICER).get(f"/exam-batches/{world.batch.exam_batch_id}/people").text
    assert 'href="#photos"' in page
    assert 'id="photos"' in page
