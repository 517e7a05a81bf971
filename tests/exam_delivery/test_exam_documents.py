"""Printed exam documents: every person on them once, right number of pages, one bad photo harms nobody."""

import dataclasses
import io

import pypdf
import pytest
from PIL import Image

from exam_delivery.documents.model import AdmissionTicket, IncidentLine, RoomEntry, RoomReport, RoomSheet, SeatPlan
from exam_delivery.documents.rendering import (
    admission_tickets_pdf,
    door_lists_pdf,
    incident_sheets_pdf,
    room_reports_pdf,
    seat_maps_pdf,
    seat_rows,
    sign_in_sheets_pdf,
)
from kernel.errors import InvalidInputError


def ticket(number, **changes):
    sample = AdmissionTicket(
        organisation="演示鉴定指导中心",
        exam_title="职业技能等级认定统一考试（演示）",
        admission_number=f"26112200010{number:03d}",
        name=f"演示考生{number}",
        sex="女",
        id_kind="居民身份证",
        id_number="11010519491231002X",
        occupation="人工智能训练师",
        level="三级/高级工",
        subject="理论知识",
        exam_time="2026年11月28日 09:00",
        site="演示考点",
        address="演示路1号",
        room="第01考场",
        seat=f"{number:02d}",
    )
    return dataclasses.replace(sample, **changes)


def room(n_entries=30, name="第01考场"):
    entries = tuple(
        RoomEntry(f"{i:02d}", f"26112200010{i:03d}", f"演示生{i:02d}", "女", "110105********002X")
        for i in range(1, n_entries + 1)
    )
    return RoomSheet(
        "演示中心", "统一考试（演示）", "人工智能训练师三级", "理论知识", "09:00", "演示考点", name, entries
    )


def picture(colour="white"):
    buffer = io.BytesIO()
    Image.new("RGB", (295, 413), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def pages_of(pdf):
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def squeezed(pdf):
    return "".join("".join(pages_of(pdf)).split())


def n_pictures(pdf):
    return sum(len(page.images) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_tickets_stand_two_to_the_page_with_all_that_a_candidate_needs():
    pdf = admission_tickets_pdf([ticket(i) for i in range(1, 6)])
    assert len(pages_of(pdf)) == 3
    text = squeezed(pdf)
    for expected in (
        "26112200010005",
        "演示考生5",
        "11010519491231002X",
        "三级/高级工",
        "第01考场",
        "演示路1号",
        "考生须知",
    ):
        assert expected in text
    assert text.count("准考证号") == 5


def test_a_ticket_with_long_texts_stays_in_its_half():
    long = {
        "occupation": "演示职业" * 12,
        "site": "演示考点" * 14,
        "address": "演示路" * 20,
        "exam_title": "演示考试" * 10,
    }
    assert len(pages_of(admission_tickets_pdf([ticket(1, **long), ticket(2, **long)]))) == 1


def test_a_broken_photo_leaves_an_empty_box_and_the_others_their_photo():
    tickets = [ticket(1, photo=picture()), ticket(2, photo=b"\xff\xd8 broken"), ticket(3)]
    pdf = admission_tickets_pdf(tickets)
    assert n_pictures(pdf) == 1
    assert squeezed(pdf).count("免冠照片") == 2


def test_own_notes_replace_the_usual_ones():
    text = squeezed(admission_tickets_pdf([ticket(1)], notes=["演示须知一"]))
    assert "演示须知一" in text
    assert "智能手表" not in text


def test_markup_in_a_name_is_printed_as_it_is():
    assert "#strong[*演示*]$x$" in squeezed(admission_tickets_pdf([ticket(1, name="#strong[*演示*]$x$")]))


@pytest.mark.parametrize("make", [door_lists_pdf, sign_in_sheets_pdf])
def test_room_lists_show_everybody_once_on_one_page_for_thirty(make):
    pdf = make([room(), room(5, "第02考场")])
    first, second = ("".join(text.split()) for text in pages_of(pdf))
    assert all(first.count(f"演示生{i:02d}") == 1 for i in range(1, 31))
    assert "第02考场" in second
    assert "5人" in second


def test_a_room_of_seventy_continues_with_its_head_repeated():
    pages = pages_of(sign_in_sheets_pdf([room(70)]))
    assert len(pages) > 1
    assert all("准考证号" in page for page in pages[:2])


def test_a_sign_in_sheet_shows_photos_where_there_are_some():
    with_photos = room(3)
    entries = tuple(
        dataclasses.replace(entry, photo=picture(c))
        for entry, c in zip(with_photos.entries, ("red", "green", "blue"), strict=True)
    )
    pdf = sign_in_sheets_pdf([dataclasses.replace(with_photos, entries=entries)])
    assert n_pictures(pdf) == 3


def test_an_empty_room_still_prints():
    assert "0人" in squeezed(door_lists_pdf([room(0)]))


def test_a_room_report_counts_and_lists_what_happened():
    sheet = room(30)
    incident = IncidentLine("09:42", "12", "26112200010012", "演示生12", "设备故障", "终端重启", "补时4分钟")
    report = RoomReport(
        sheet, "09:00", "10:30", 28, 26, 2, sheet.entries[4:6], (incident,), "安全考试浏览器", "kaoku/演示"
    )
    text = squeezed(room_reports_pdf([report]))
    assert "302822621" in text  # expected, present, absent, handed in, collected, incidents
    for expected in ("演示生05", "演示生06", "终端重启", "补时4分钟", "安全考试浏览器", "数据存证", "监考员（二）"):
        assert expected in text


def test_a_quiet_room_says_so():
    text = squeezed(room_reports_pdf([RoomReport(room(2), "09:00", "10:30", 2, 2, 0)]))
    assert "缺考考生无" in text
    assert "数据存证" not in text


def test_nothing_and_too_much_are_refused():
    with pytest.raises(InvalidInputError, match="分批"):
        admission_tickets_pdf([])
    with pytest.raises(InvalidInputError, match="分批"):
        door_lists_pdf([room(1)] * 201)


PLAN = SeatPlan(6, is_snake=True)


def test_a_seat_map_shows_everybody_at_their_seat_and_free_seats_empty_on_one_page_for_thirty():
    sheet = dataclasses.replace(room(28), capacity=30)
    (text,) = ("".join(page.split()) for page in pages_of(seat_maps_pdf([sheet], PLAN)))
    assert all(text.count(f"演示生{i:02d}") == 1 for i in range(1, 29))
    assert text.count("空") == 2
    assert "讲台" in text
    assert "应到人数28人" in text


def test_every_second_row_of_a_snake_runs_back_and_the_last_one_is_filled_up():
    numbers = [[seat and seat["seat"] for seat in row] for row in seat_rows(room(8), SeatPlan(3, is_snake=True))]
    assert numbers == [["01", "02", "03"], ["06", "05", "04"], ["07", "08", None]]
    straight = [[seat and seat["seat"] for seat in row] for row in seat_rows(room(5), SeatPlan(3, is_snake=False))]
    assert straight == [["01", "02", "03"], ["04", "05", None]]


def test_a_seat_beyond_the_capacity_is_on_the_map_all_the_same():
    sheet = dataclasses.replace(room(7), capacity=5)
    assert sum(seat is not None for row in seat_rows(sheet, PLAN) for seat in row) == 7


def test_an_incident_sheet_stands_on_one_page_to_the_room_with_room_for_handwriting():
    pages = pages_of(incident_sheets_pdf([room(), room(5, "第02考场")]))
    assert len(pages) == 2
    assert all("考场异常情况登记表" in "".join(page.split()) for page in pages)
    assert "应到30人" in "".join(pages[0].split())
    assert "演示生01" not in "".join(pages[0].split()), "names are written by hand"
