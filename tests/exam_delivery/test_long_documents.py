"""Printed exam documents with the longest names there are: nothing overlaps, loose sheets say where they belong."""

import datetime as dt
import io

import docx
import pypdf
import pytest

from exam_delivery.documents.letters import Letter, letter_docx, letter_pdf
from exam_delivery.documents.misconduct import CaseSheet, case_pdf
from exam_delivery.documents.model import IncidentLine, RoomEntry, RoomReport, RoomSheet, SeatPlan
from exam_delivery.documents.rendering import door_lists_pdf, room_reports_pdf, seat_maps_pdf, sign_in_sheets_pdf

LONG_NAME = "阿卜杜热合曼·阿卜杜克热木·麦麦提明"
ORGANISATION = "演示海洋石油化工装备与新能源智能制造技术职业技能等级评价中心（演示分中心）"
OCCUPATION = "轨道交通信号设备及列车自动运行控制系统安装调试与维护工程技术人员 一级/高级技师"


def room(n_entries, name, capacity=0):
    names = ("演示甲", LONG_NAME, "买买提吐尔逊·阿不都热西提")
    entries = tuple(
        RoomEntry(f"{i:02d}", f"26112200010{i:03d}", f"{names[i % 3]}{i}", "女", "WGR1990********12345")
        for i in range(1, n_entries + 1)
    )
    return RoomSheet(
        ORGANISATION, "统一考试（演示）", OCCUPATION, "理论知识考试", "09:00", "演示考点", name, entries, capacity
    )


def pages_of(pdf):
    return ["".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.parametrize("make", [door_lists_pdf, sign_in_sheets_pdf])
def test_every_page_says_which_room_it_is_of_and_which_of_its_pages(make):
    pages = pages_of(make([room(30, "第一考场"), room(70, "第二考场")]))
    first = [page for page in pages if "第一考场统一考试（演示）第" in page]
    second = [page for page in pages if "第二考场统一考试（演示）第" in page]
    assert len(first) + len(second) == len(pages)
    for own in (first, second):
        assert [f"第{number}页共{len(own)}页" in page for number, page in enumerate(own, start=1)] == [True] * len(own)


def test_a_long_door_list_is_read_down_one_column_and_then_the_next():
    pages = pages_of(door_lists_pdf([room(100, "大机房")]))
    numbers = [int(part[:3]) for page in pages for part in page.split("26112200010")[1:]]
    whole = numbers[1:] if numbers[0] == numbers[1] == 1 else numbers[2:]  # the head names the first and the last
    assert whole == list(range(1, 101))


@pytest.mark.parametrize(("n_seats", "in_a_row"), [(42, 8), (60, 10), (96, 12)])
def test_a_seat_map_of_long_names_stays_on_its_page(n_seats, in_a_row):
    pages = pages_of(seat_maps_pdf([room(n_seats - 2, "大机房", n_seats)], SeatPlan(in_a_row, is_snake=True)))
    assert len(pages) == 1
    assert all(f"26112200010{number:03d}" in pages[0] for number in range(1, n_seats - 1))


def test_a_report_of_many_incidents_says_who_noted_each_and_keeps_long_accounts_on_few_pages():
    sheet = room(50, "第一机房")
    account = "两名监考员看到该考生从衣袋中取出手机查看，当场制止，手机交由监考员保管。"
    lines = tuple(
        IncidentLine(f"09:{i:02d}", who.seat, who.admission_number, who.name, "违纪", account * 3, LONG_NAME)
        for i, who in enumerate(sheet.entries[:30])
    )
    report = RoomReport(sheet, "09:00", "10:30", 50, 50, 0, incidents=lines)
    pages = pages_of(room_reports_pdf([report]))
    assert "记录人" in pages[0]
    text = "".join(pages)
    assert text.count("手机交由监考员保管") == 90
    assert all(who.admission_number in text for who in sheet.entries[:30])
    assert len(pages) <= 5
    assert "监考员（一）" in pages[-1]


def case(facts):
    return CaseSheet(
        ORGANISATION, "WJ-2026-00001", "统一考试（演示）", OCCUPATION, "第一场", "09:00", "大机房 07", LONG_NAME, "2611", "320",
        "携带通讯工具", facts, "没有异议。", "记录人", (("甲监考", "09:30"), ("乙监考", "09:31")), "ab" * 32,
    )  # fmt: skip


def test_a_long_account_of_misconduct_pushes_the_rest_down_instead_of_running_into_it():
    (short,) = pages_of(case_pdf(case("监考员发现该考生多次低头查看桌面下方。")))
    assert "没有异议。" in short
    pages = pages_of(case_pdf(case("监考员发现该考生多次低头查看桌面下方。" * 80)))
    assert len(pages) == 2
    assert "".join(pages).count("监考员发现") == 80
    assert "没有异议。" in pages[1]


def test_a_letter_of_two_pages_is_numbered_and_its_table_keeps_its_widths_in_word():
    facts = tuple((f"事项{number}", "不改变原成绩。" * 8) for number in range(12))
    letter = Letter(
        ORGANISATION, "成绩复核结果通知书", "编号：1", LONG_NAME, ("经复核，结果如下。",), facts, dt.date(2026, 12, 2)
    )
    pages = pages_of(letter_pdf(letter))
    assert len(pages) == 2
    assert "—2—" in pages[1]
    (table,) = docx.Document(io.BytesIO(letter_docx(letter))).tables
    assert [round(column.width.cm, 1) for column in table.columns] == [4.0, 11.6]
    assert round(table.rows[0].cells[0].width.cm, 1) == 4.0
    assert all(row._tr.trPr.find("{*}cantSplit") is not None for row in table.rows)
