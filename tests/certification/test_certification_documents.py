"""Certificates, publicity lists and roster workbooks: every required field, one page each, nothing personal in the code."""

import dataclasses
import datetime as dt
import io

import pypdf
import pytest
from PIL import Image

from certification.documents.model import CertificateSheet, PublicityList, PublicityRow
from certification.documents.rendering import certificates_pdf, chinese_date, publicity_list_pdf, roster_workbook
from certification.rules.english_names import EnglishNames, parse_names
from certification.rules.roster import RosterRow, read_roster
from kernel.errors import InvalidInputError
from kernel.spreadsheets import read_table

MADE_AT = dt.datetime(2026, 11, 30, 8, tzinfo=dt.UTC)
NUMBER = "S000035001051263000001"
SHEET = CertificateSheet(
    body_name="演示评价机构（演示分支）",
    name="演示甲",
    id_kind="居民身份证",
    id_number="11010519491231002X",
    occupation="人工智能训练师",
    trade="",
    skill_level="三级/高级工",
    certificate_number=NUMBER,
    issued_on=dt.date(2026, 11, 30),
    verify_address="https://kaoku.invalid/verify/abc",
    watermark="演示",
)


def certificates(*sheets, **options):
    return certificates_pdf(sheets, created_at=MADE_AT, **options)


def pages_of(pdf):
    return ["".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def test_a_certificate_shows_every_field_of_the_official_style_on_one_page():
    (text,) = pages_of(certificates(SHEET))
    for expected in (
        "职业技能等级证书", "本证书由演示评价机构（演示分支）颁发", "姓名演示甲", "证件类型居民身份证", "证件号码11010519491231002X",
        "职业名称人工智能训练师", "工种/职业方向--", "职业技能等级三级/高级工", f"证书编号{NUMBER}", "发证日期：2026年11月30日",
        "jndj.osta.org.cn", "pjjg.osta.org.cn", "演示",
    ):  # fmt: skip
        assert expected in text, expected


def test_a_trade_print_serial_and_english_appear_where_given():
    sheet = dataclasses.replace(SHEET, trade="数据标注员", print_serial="00000042", is_bilingual=True)
    (text,) = pages_of(certificates(sheet))
    for expected in ("数据标注员", "印制流水号：00000042", "CertificateofOccupationalSkillLevel", "Certificatenumber"):
        assert expected in text
    assert "Certificatenumber" not in pages_of(certificates(SHEET))[0]


def test_english_names_stand_under_the_chinese_ones_and_absent_ones_leave_the_chinese_alone():
    names = EnglishNames(body="Demo Centre", occupation="AI Trainer", skill_level="Level 3")
    sheet = dataclasses.replace(SHEET, is_bilingual=True, english=names)
    (text,) = pages_of(certificates(sheet))
    assert "人工智能训练师AITrainer" in text
    assert "三级/高级工Level3" in text
    assert "DemoCentre" in text
    assert "Dateofissue:2026-11-30" in text
    assert "AITrainer" not in pages_of(certificates(dataclasses.replace(sheet, is_bilingual=False)))[0]


def test_english_names_are_read_by_line_and_a_line_that_is_no_pair_is_refused_by_name():
    assert parse_names("# 说明\n人工智能训练师＝AI Trainer\n\n三级/高级工 = Level 3") == {
        "人工智能训练师": "AI Trainer", "三级/高级工": "Level 3",
    }  # fmt: skip
    for line in ("人工智能训练师", "人工智能训练师=训练师", "=Level 3", "甲=" + "x" * 61, "甲=A\n甲=B"):
        with pytest.raises(InvalidInputError, match=r"训练师|Level 3|甲"):
            parse_names(line)


def test_long_names_stay_on_one_page():
    english = EnglishNames(*["Demonstration " * 4] * 3, "Level 3")
    long = {
        "english": english,
        "body_name": "演示职业技能评价有限责任公司" * 3,
        "occupation": "演示职业名称" * 6,
        "trade": "演示工种" * 6,
        "name": "演示·" * 12,
    }
    for is_bilingual in (False, True):
        sheet = dataclasses.replace(SHEET, is_bilingual=is_bilingual, **long)
        assert len(pages_of(certificates(sheet))) == 1


def test_a_batch_has_one_page_per_certificate_in_order_with_its_own_photo():
    sheets = []
    for index, colour in enumerate(("red", "green", "blue"), start=1):
        buffer = io.BytesIO()
        Image.new("RGB", (295, 413), colour).save(buffer, "PNG")
        number = NUMBER[:-1] + str(index)
        sheets.append(dataclasses.replace(SHEET, certificate_number=number, photo=buffer.getvalue()))
    pdf = certificates(*sheets)
    assert [text[text.index("S0000") :][:22] for text in pages_of(pdf)] == [s.certificate_number for s in sheets]
    pictures = [page.images[0].image.convert("RGB").getpixel((5, 5)) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    assert [max(range(3), key=pixel.__getitem__) for pixel in pictures] == [0, 1, 2]


def test_a_certificate_is_archival_and_the_same_twice():
    first = certificates(SHEET)
    assert b"pdfaid" in first
    assert first == certificates(SHEET)


def test_a_name_no_font_can_show_is_refused_by_name_instead_of_printed_as_a_box():
    with pytest.raises(InvalidInputError, match="\U0003134a"):
        certificates(dataclasses.replace(SHEET, name="演\U0003134a"))


def test_markup_in_a_name_is_printed_as_it_is():
    assert "#let[*演示*]" in pages_of(certificates(dataclasses.replace(SHEET, name="#let[*演示*]")))[0]


def test_no_certificates_are_refused():
    with pytest.raises(InvalidInputError, match="分批"):
        certificates()


def publicity(n_rows, review=""):
    rows = tuple(
        PublicityRow(
            f"演示{i:03d}", "110105********002X", "人工智能训练师", "三级/高级工", "72.5", "80", review, "合格"
        )
        for i in range(1, n_rows + 1)
    )
    starts, ends = dt.date(2026, 11, 20), dt.date(2026, 11, 27)
    return PublicityList("演示机构", "演示批次", starts, ends, 5, "演示电话", starts, rows)


def test_the_publicity_list_names_period_contact_and_everybody_over_its_pages():
    pages = pages_of(publicity_list_pdf(publicity(90)))
    text = "".join(pages)
    assert len(pages) > 1
    assert "2026年11月20日至2026年11月27日（5个工作日）" in text
    assert "联系方式：演示电话" in text
    assert all(text.count(f"演示{i:03d}") == 1 for i in range(1, 91))
    assert all("序号" in page and "结论" in page for page in pages[:2])
    assert f"共{len(pages)}页" in pages[0]


def test_the_review_column_stands_only_where_somebody_was_reviewed():
    assert "综合评审" not in "".join(pages_of(publicity_list_pdf(publicity(2))))
    assert "综合评审" in "".join(pages_of(publicity_list_pdf(publicity(2, review="65"))))


def test_the_roster_workbook_reads_back_as_it_was():
    row = RosterRow(
        1, NUMBER[:13], "演示机构", "演示甲", "居民身份证", "11010519491231002X", "女", dt.date(1949, 12, 31), "13800000000",
        "demo@example.invalid", True, "演示单位", "6年", "演示岗位", None, "4-04-05-05", "人工智能训练师", "", "三级/高级工",
        NUMBER, dt.date(2026, 11, 30),
    )  # fmt: skip
    (sheet,) = read_table(roster_workbook([row]))
    assert sheet.rows[0][0] == "职业技能等级认定人员名册"
    assert read_roster(sheet.rows).rows == (row,)


def test_official_dates_have_no_leading_zeros():
    assert chinese_date(dt.date(2026, 1, 5)) == "2026年1月5日"
