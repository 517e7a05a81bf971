"""Printed forms with long titles on every paper: no table wider than its column, no foot or title off the sheet."""

import dataclasses
import io

import docx
import pypdf
import pytest

from blueprints.documents.layout import key_parts, printed_parts
from blueprints.documents.page_size import PAGE_SIZES
from blueprints.documents.scan_sheet import lay_out, scan_sheet_pdf
from blueprints.documents.two_way import TwoWayLine, two_way_pdf
from blueprints.documents.word import form_docx, key_docx
from tests.blueprints.test_print_layout import PLAIN, SHEET

LONG = dataclasses.replace(
    SHEET, organisation="演示海洋石油化工装备与新能源智能制造技术职业技能等级评价中心（演示分中心）",
    occupation="轨道交通信号设备及列车自动运行控制系统安装调试与维护工程技术人员", level="一级/高级技师",
)  # fmt: skip
SLOTS = [*PLAIN[:3], *PLAIN[-2:]]


def tables_of(data):
    return docx.Document(io.BytesIO(data)).tables


@pytest.mark.parametrize("name", ["a4", "b4", "a3"])
def test_no_table_of_a_word_form_is_wider_than_the_column_it_stands_in(name):
    size = PAGE_SIZES[name]
    sheet = dataclasses.replace(LONG, page_size=size)
    form = tables_of(form_docx(sheet, printed_parts(SLOTS, size), {}))
    for tables, room in (
        (form, size.column_width),
        (tables_of(key_docx(sheet, key_parts(SLOTS), {})), size.open_column_width),
    ):
        for table in tables:
            assert sum(column.width.mm for column in table.columns) <= room + 0.5
            assert [cell.width for cell in table.rows[0].cells] == [column.width for column in table.columns]
    (box,) = {
        round(sum(column.width.mm for column in table.columns)) for table in form if table.cell(0, 0).text == "得分"
    }
    assert box == 32


def test_long_titles_stay_inside_answer_sheet_and_foot():
    pages = pypdf.PdfReader(io.BytesIO(scan_sheet_pdf(LONG, lay_out(SLOTS)))).pages
    line = TwoWayLine("A", "基础知识", 1, None, (1,), 1, 1, (1, 0, 0))
    two_way = pypdf.PdfReader(io.BytesIO(two_way_pdf(LONG, ["单项选择题"], [line]))).pages
    for page in (*pages, *two_way):
        places = []
        page.extract_text(
            visitor_text=lambda text, cm, tm, _font, _size, places=places: places.append((text.strip(), cm, tm))
        )
        used = [(cm[4] + tm[4], cm[5] + tm[5]) for text, cm, tm in places if text]
        assert used
        assert min(x for x, _y in used) >= 20
        assert min(y for _x, y in used) >= 14
