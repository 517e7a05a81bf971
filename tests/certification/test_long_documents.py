"""Printed documents of certification with long names, many components and many members: nothing squeezed, nothing lost."""

import datetime as dt
import io

import docx
import pypdf
import pytest
from docx.oxml.ns import qn
from docx.shared import Mm

from certification.documents.archive import ArchiveIndex, index_word
from certification.documents.assessor_sheet import AssessorSheetPage, assessor_sheets_pdf
from certification.documents.model import CertificateSheet, PublicityList, PublicityRow
from certification.documents.rendering import certificates_pdf, publicity_list_pdf
from certification.documents.senior_sheets import SeniorSheet, senior_sheet_pdf
from certification.rules.archive import ArchivedFile
from certification.rules.english_names import EnglishNames

LONG_NAME = "阿卜杜热合曼·阿卜杜克热木·麦麦提明"
OCCUPATION = "轨道交通信号设备及列车自动运行控制系统安装调试与维护工程技术人员"
MADE_AT = dt.datetime(2026, 11, 30, 8, tzinfo=dt.UTC)


def pages_of(pdf):
    return ["".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def is_landscape(pdf, number=0):
    box = pypdf.PdfReader(io.BytesIO(pdf)).pages[number].mediabox
    return box.width > box.height


def publicity(occupations, further=()):
    rows = tuple(
        PublicityRow(
            LONG_NAME,
            "WGR1990********12345",
            one,
            "一级/高级技师",
            "78.50",
            "82.00",
            "80.00",
            "合格",
            ("88.00",) * len(further),
        )
        for one in occupations
    )
    return PublicityList(
        "演示中心",
        "第四批次",
        dt.date(2026, 12, 1),
        dt.date(2026, 12, 7),
        5,
        "质量部",
        dt.date(2026, 12, 1),
        rows,
        further,
    )


def test_a_public_list_with_many_scores_lies_on_its_side_so_that_the_occupation_has_room():
    pdf = publicity_list_pdf(publicity([OCCUPATION, f"{OCCUPATION}（演示方向）"] * 10, ("工作业绩评审", "过程考核")))
    assert is_landscape(pdf)
    pages = pages_of(pdf)
    assert len(pages) <= 4
    assert "".join(pages).count(OCCUPATION[:12]) == 20


def test_an_occupation_that_all_share_stands_once_above_the_public_list():
    pdf = publicity_list_pdf(publicity([OCCUPATION] * 20))
    assert not is_landscape(pdf)
    assert "".join(pages_of(pdf)).count(OCCUPATION) == 1


def sheet(name, n_members):
    members = [f"评委{number}" for number in range(n_members)]
    row = (
        "操作",
        "工具、材料齐全，穿戴劳动防护用品，正确使用万用表、兆欧表测量绝缘电阻并记录",
        "20",
        *["18.5"] * n_members,
    )
    return AssessorSheetPage(
        "技能考核成绩评定表", "演示中心", [("姓名", name), ("批次", "第四批次" * 9)], members, [row] * 30, ["92.5"] * n_members, [], [], "",
        "92.50", "平均", [(one, "") for one in members],
    )  # fmt: skip


def test_each_sheet_of_a_group_counts_its_own_pages_and_seven_members_have_the_long_side():
    pdf = assessor_sheets_pdf([sheet(LONG_NAME, 3), sheet("演示乙", 7)])
    pages = pages_of(pdf)
    own = [[page for page in pages if f"{name}技能考核成绩评定表第" in page] for name in (LONG_NAME, "演示乙")]
    assert len(own[0]) + len(own[1]) == len(pages)
    for group in own:
        assert f"第1页共{len(group)}页" in group[0]
        assert f"第{len(group)}页共{len(group)}页" in group[-1]
    assert [is_landscape(pdf, 0), is_landscape(pdf, len(pages) - 1)] == [False, True]


def test_eight_people_sign_a_decision_in_lines_of_two_or_three_and_none_breaks_a_name():
    signatures = (LONG_NAME, *(f"评委{number}" for number in range(6)), "经办人")
    pdf = senior_sheet_pdf(
        SeniorSheet("首席技师评审与聘任决定", "1", "演示中心", "2026年12月2日", (), signatures), created_at=MADE_AT
    )
    (page,) = pypdf.PdfReader(io.BytesIO(pdf)).pages
    lines = page.extract_text().splitlines()
    assert any(LONG_NAME in line for line in lines)


def test_the_contents_of_an_archive_in_word_fit_the_page_and_repeat_their_head():
    files = [
        ArchivedFile(1, f"报名与资格审核汇总表{number}", f"{OCCUPATION}{number}.xlsx", b"", 300, "ab" * 32)
        for number in range(40)
    ]
    index = ArchiveIndex("演示中心", "第四批次", "1", OCCUPATION, 300, dt.date(2026, 12, 20), "演示甲", files, ())
    document = docx.Document(io.BytesIO(index_word(index)))
    table, section = document.tables[0], document.sections[0]
    room = (section.page_width - section.left_margin - section.right_margin) / Mm(1)
    assert sum(column.width.mm for column in table.columns) == pytest.approx(room, abs=0.5)
    assert table.rows[0]._tr.trPr.find("{*}tblHeader") is not None
    assert all(row._tr.trPr.find("{*}cantSplit") is not None for row in table.rows)
    assert document.styles["Normal"].element.rPr.rFonts.get(qn("w:eastAsia")) == "宋体"


@pytest.mark.parametrize("statement", ["", "ey" * 270])
def test_the_longest_certificate_in_two_languages_stays_on_its_page(statement):
    english = EnglishNames(
        "Demonstration Centre of Offshore Petrochemical Equipment and New Energy Vocational Skills",
        "Rail Transit Signalling Equipment Installation, Testing and Maintenance Technician",
        "Industrial robot system operator and intelligent line fitter", "Level 1",
    )  # fmt: skip
    sheet = CertificateSheet(
        "演示海洋石油化工装备与新能源智能制造技术职业技能等级评价中心（演示分中心）", LONG_NAME, "外国人永久居留身份证",
        "11010519491231002X", OCCUPATION, f"{OCCUPATION}（演示方向）", "一级/高级技师", "S000035001051261000001", dt.date(2026, 11, 30),
        "https://kaoku.invalid/verify/abc", print_serial="NO. 2026-000042", is_bilingual=True, english=english,
        expires_on=dt.date(2030, 1, 1), signed_statement=statement,
    )  # fmt: skip
    (page,) = pages_of(certificates_pdf([sheet], created_at=MADE_AT))
    assert "印制流水号：NO.2026-000042" in page
