"""Items that share a text: one after the other in files, together in a testlet, and back."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import openpyxl
import pytest

from item_templates.canonical import item_to_json
from item_templates.contract import CanonicalItem
from qbank.interchange.convert import read_items, write_items
from qbank.interchange.model import ConversionReport
from qbank.interchange.xlsx_writer import write_template
from tests.qbank.interchange.interchange_items import example, picture
from tests.qbank.interchange.word_files import WordFile

SET = example("testlet")
CASE = """组合题题库

一、单项选择题
1. 铁的符号是（　）。
A. Fe
B. Cu
答案：A

二、组合题
材料一：某电动机额定电流 15.4 A。
热继电器整定值为 8 A。
1. （单选题）电动机停转的原因是（　）。（2分）
A. 缺相
B. 整定值过小
答案：B
2. （判断题）热继电器可作短路保护。（2分）
答案：×
材料二：某车间照明线路跳闸。
1. 简述检查步骤。（6分）
答案：先断电，再验电，然后逐段检查线路并排除故障点，最后恢复送电。
2. 线路电压是____V。（1分）
答案：220

三、判断题
1. 铜是金属。（√）
"""


def read_text(text: str) -> ConversionReport:
    return read_items(text.encode(), "a.txt")


def found(report: ConversionReport) -> list[tuple[str, list[str], Decimal]]:
    return [
        (one.item.content.type, [child.type for child in one.item.content.items], one.item.content.score)
        for one in report.items
    ]


def test_a_typed_list_of_cases_becomes_testlets() -> None:
    report = read_text(CASE)
    assert [(one.code, one.message) for one in report.skipped] == []
    assert found(report) == [
        ("single_choice", [], 1),
        ("testlet", ["single_choice", "true_false"], 4),
        ("testlet", ["short_answer", "fill_in"], 7),
        ("true_false", [], 1),
    ]
    first = report.items[1].item.content
    assert first.stem == "某电动机额定电流 15.4 A。<br>热继电器整定值为 8 A。"
    assert [child.key for child in first.items] == ["B", False]
    assert report.found == 4


@pytest.mark.parametrize("heading", ["综合题", "案例题", "案例分析题", "材料题", "材料分析题（共 2 题）"])
@pytest.mark.parametrize("opening", ["材料一：", "案例：", "【案例一】", "1. 背景材料："])
def test_cases_stand_under_many_headings(heading: str, opening: str) -> None:
    text = CASE.replace("二、组合题", f"二、{heading}").replace("材料一：", opening).replace("材料二：", "案例二：")
    assert [types for _, types, _ in found(read_text(text))][1:3] == [
        ["single_choice", "true_false"],
        ["short_answer", "fill_in"],
    ]


def test_a_word_document_of_cases_with_a_picture_in_the_material_becomes_testlets() -> None:
    word = WordFile().lines("一、案例分析题", "案例一：某电动机起动后停转，铭牌如下。")
    word.picture("", picture()).lines("1．电动机停转的原因是（　　）。（2分）", "A．缺相　B．整定值过小", "答案：B")
    word.lines(
        "2．简述正确整定的步骤。（4分）", "答案：断电后按额定电流调整热继电器的整定值，复位以后再试运行，观察一段时间。"
    )
    report = read_items(word.data(), "案例.docx")
    assert [(one.code, one.message) for one in report.skipped] == []
    assert found(report) == [("testlet", ["single_choice", "short_answer"], 6)]
    one = report.items[0]
    assert "<img" in one.item.content.stem
    assert list(one.media.values()) == [picture()]
    assert [medium["id"] for medium in one.item.content.media] == list(one.media)


def test_a_case_without_parts_stays_an_essay() -> None:
    report = read_text(
        "一、案例分析题\n1. 某车间照明线路跳闸，试分析原因。\n答案：线路短路，熔断器熔断。\n2. 试述处理办法。\n答案：断电检查。\n"
    )
    assert [one.item.content.type for one in report.items] == ["essay", "essay"]
    assert {one.code for one in report.warnings} == {"type_changed"}


def test_one_part_that_is_no_item_keeps_the_whole_out_and_is_named() -> None:
    broken = CASE.replace("答案：×", "答案：也许")
    report = read_text(broken)
    assert [(one.code, one.message.partition("：")[0]) for one in report.skipped] == [("ambiguous_key", "第 2 小题")]
    assert report.found == 4 == len(report.items) + 1


def test_a_word_of_a_material_is_no_case_outside_such_a_section() -> None:
    report = read_text("一、简答题\n1. 简述热处理。\n材料：45 钢。\n答案：淬火。\n2. 简述回火。\n答案：加热。\n")
    assert [one.item.content.type for one in report.items] == ["short_answer", "short_answer"]


def sheet(*rows: list[str]) -> bytes:
    book = openpyxl.Workbook()
    for row in (["题型", "题干", "选项A", "选项B", "答案", "分值", "编号", "组合题编号"], *rows):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


SHARED = ["组合题", "某车间照明线路跳闸。", "", "", "", "", "Z1", ""]
PART = ["单选题", "原因是（　）。", "短路", "缺相", "A", "2", "", "Z1"]
JUDGED = ["判断题", "应先断电。", "", "", "√", "1", "", "Z1"]


def test_rows_of_a_sheet_that_name_one_text_are_put_together() -> None:
    alone = ["判断题", "铜是金属。", "", "", "√", "1", "", ""]
    report = read_items(sheet(PART, SHARED, alone, JUDGED), "a.xlsx")
    assert found(report) == [("testlet", ["single_choice", "true_false"], 3), ("true_false", [], 1)]
    assert report.items[0].item.id == "Z1"


def test_a_row_that_names_a_text_which_is_not_there_is_listed() -> None:
    report = read_items(sheet(SHARED, PART, [*JUDGED[:-1], "Z9"]), "a.xlsx")
    assert found(report) == [("testlet", ["single_choice"], 2)]
    assert [(one.code, "Z9" in one.message) for one in report.skipped] == [("no_shared_text", True)]
    assert report.found == 2


def test_the_empty_workbook_has_the_column_that_puts_parts_together() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(write_template())).worksheets[0]
    assert "组合题编号" in [cell.value for cell in sheet[2]]


@pytest.mark.parametrize("fmt", ["xlsx", "csv", "docx", "text"])
def test_parts_can_be_edited_in_the_exported_file(fmt: str) -> None:
    data, losses = write_items([SET, replace(SET, id="second")], fmt)
    assert losses == []
    back = read_items(data, "a", fmt)
    assert [item_to_json(one.item) for one in back.items] == [
        item_to_json(SET),
        item_to_json(replace(SET, id="second")),
    ]
    if fmt in {"csv", "text"}:
        edited = data.decode("utf-8-sig").replace("热继电器整定值过小", "整定电流过小", 1)
        items = [one.item.content for one in read_items(edited.encode(), "a", fmt).items]
        assert [one.items[0].choices[1].content for one in items] == ["整定电流过小", "热继电器整定值过小"]
        assert items[0].items[0].key == "B"


def test_a_part_that_is_taken_out_of_an_exported_file_is_gone_with_its_marks() -> None:
    lines = write_items([SET], "csv")[0].decode("utf-8-sig").splitlines(keepends=True)
    content = (
        read_items(
            "".join(line for line in lines if "true_false" not in line and "判断题" not in line).encode(), "a.csv"
        )
        .items[0]
        .item.content
    )
    assert ([child.type for child in content.items], content.score) == (["single_choice", "short_answer"], 8)


@pytest.mark.parametrize("fmt", ["xlsx", "docx", "json"])
def test_a_picture_in_a_part_travels_with_the_whole(fmt: str) -> None:
    import hashlib

    data = picture()
    digest = hashlib.sha256(data).hexdigest()
    media = ({"id": "m1", "digest": digest, "mime": "image/png", "alt": "图"},)
    child = replace(SET.content.items[1], stem='看图<img src="media:m1" alt="图">判断。')
    content = replace(SET.content, items=(child,), score=child.score, media=media)
    item = CanonicalItem("p", content)
    report = read_items(write_items([item], fmt, {digest: data})[0], "a", fmt)
    assert item_to_json(report.items[0].item) == item_to_json(item)
    assert dict(report.items[0].media) == {"m1": data}
