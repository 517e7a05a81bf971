"""Messy sheets: headers anywhere, one cell or many for options, instructions around, pictures, no headers at all."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile

import pytest
import xlsxwriter

from qbank.interchange.columns import ColumnMapping, MappingError, recognise_columns
from qbank.interchange.convert import read_items
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.model import ConversionReport
from qbank.interchange.preview import preview_sheets
from tests.qbank.interchange.interchange_items import picture, workbook

STEM = "安全色中红色表示（ ）。"
HEAD = ["作业种类", "试题类型(判断题、单选题、多选题)", "题目内容", "题目选项(选项之间用##隔开)", "题目答案"]
ROW = ["低压电工", "单选题", f"1.{STEM}", "**A.禁止**B.指令**C.警告", "A "]


def keys(report: ConversionReport) -> list[object]:
    assert report.error is None
    return [one.item.content.key for one in report.items]


def test_options_in_one_cell_and_a_header_with_remarks() -> None:
    report = read_items(workbook({"Sheet1": [HEAD, ROW], "Sheet2": []}), "a.xlsx")
    assert keys(report) == ["A"]
    one = report.items[0]
    assert one.locator == "sheet Sheet1 row 2"
    assert one.item.metadata == {"作业种类": "低压电工"}


def test_a_header_that_stands_lower_and_an_empty_first_column() -> None:
    report = read_items(workbook({"Sheet1": [["题库"], HEAD, ROW]}, first_row=2, first_column=1), "a.xlsx")
    assert [one.locator for one in report.items] == ["sheet Sheet1 row 5"]


def test_an_instruction_row_above_starred_headers_and_a_sheet_a_type() -> None:
    note = (
        "各字段填写说明(上传的时候无需删除)：\n1、答案：支持大写字母（ABC）和小写字母（abc）；\n2、选项：至少两个选项"
    )
    book = workbook(
        {
            "导入说明": [["", "题目导入说明"], ["", "1、请仔细阅读填写说明；"]],
            "单选": [
                [note],
                ["*题干", "*正确答案", "答案解析", "*选项A", "*选项B", "*试题难度"],
                [STEM, "b", "无", "禁止", "指令", "适中"],
            ],
            "判断": [[note], ["*题干", "*答案"], ["停电后应验电。（ ）", "正确"]],
            "填空": [[note], ["*题干", "*答案"], ["明文加密后称为______。", "密文"]],
        }
    )
    report = read_items(book, "a.xlsx")
    assert keys(report) == ["B", True, [["密文"]]]
    assert report.items[0].item.difficulty == 3
    assert [(one.locator, one.code) for one in report.warnings] == [("sheet 导入说明", "sheet_ignored")]


def test_the_key_inside_the_stem_and_labels_inside_the_cells() -> None:
    head = ["题目", "A", "B", "C", "D"]
    row = ["气体的标准摩尔体积（C）。\t", "（A）22.4 L", "（B）2.24 L", "（C）224 L", "（D）0.224 L。"]
    one = read_items(workbook({"sheet1": [head, row]}), "a.xlsx").items[0].item.content
    assert (one.key, one.stem) == ("C", "气体的标准摩尔体积（　）。")
    assert [choice.content for choice in one.choices] == ["22.4 L", "2.24 L", "224 L", "0.224 L。"]


def test_numbers_in_cells_keep_the_form_a_person_sees() -> None:
    row = ["1MPa 等于（ ）Pa。", 1000000, 0.5, 12.0, "B"]
    one = (
        read_items(workbook({"单选": [["题干", "选项A", "选项B", "选项C", "答案"], row]}), "a.xlsx")
        .items[0]
        .item.content
    )
    assert [choice.content for choice in one.choices] == ["1000000", "0.5", "12"]


def test_section_rows_inside_a_sheet_give_the_type() -> None:
    rows = [["题目", "答案"], ["一、判断题（每题1分）"], ["停电后应验电。", "A"], ["二、填空题"], ["铁是（ ）。", "Fe"]]
    assert keys(read_items(workbook({"Sheet1": rows}), "a.xlsx")) == [True, [["Fe"]]]


def test_a_repeated_header_row_is_no_item() -> None:
    assert read_items(workbook({"Sheet1": [HEAD, ROW, HEAD, ROW]}), "a.xlsx").found == 2


def test_a_row_whose_options_cannot_be_divided_is_listed() -> None:
    row = [*ROW[:3], "**A.L**B.E**C.G**C.V", "A"]
    report = read_items(workbook({"Sheet1": [HEAD, ROW, row]}), "a.xlsx")
    assert (len(report.items), [one.code for one in report.skipped]) == (1, ["ambiguous_options"])
    assert report.skipped[0].excerpt


def test_a_sheet_without_headers_is_read_where_the_keys_are_spelled() -> None:
    rows = [["停电后应验电。", "√"], ["接地线可以不挂。", "×"], ["电流的单位是安培。", "√"]]
    assert keys(read_items(workbook({"Sheet1": rows}), "a.xlsx")) == [True, False, True]
    rows = [
        [STEM, "禁止", "指令", "A"],
        ["绿色表示（ ）。", "警告", "提示", "B"],
        ["黄色表示（ ）。", "警告", "提示", "A"],
    ]
    assert keys(read_items(workbook({"Sheet1": rows}), "a.xlsx")) == ["A", "B", "A"]


FIRST_IS_KEY = [
    [STEM, "禁止", "指令", "警告"],
    ["绿色表示（ ）。", "提示", "指令", "禁止"],
    ["黄色表示（ ）。", "警告", "指令", "禁止"],
]
ZERO_IS_RIGHT = [["停电后应验电。", 0], ["接地线可以不挂。", 1], ["电流的单位是安培。", 0]]


def test_a_sheet_without_headers_and_keys_is_listed_row_by_row() -> None:
    report = read_items(workbook({"xz": FIRST_IS_KEY, "pd": ZERO_IS_RIGHT}), "a.xlsx")
    assert report.items == []
    assert [one.code for one in report.skipped] == ["no_key"] * 3 + ["ambiguous_key"] * 3


def test_columns_without_headers_are_inferred_from_their_shape_and_the_report_says_so() -> None:
    report = read_items(workbook({"xz": FIRST_IS_KEY, "pd": ZERO_IS_RIGHT}), "a.xlsx")
    choices, judged = [one for one in report.warnings if one.code == "columns_inferred"]
    assert choices.locator == "sheet xz"
    assert "A 列 = 题干，B 列 = 选项A" in choices.message
    assert "没有答案列" in choices.message
    assert "B 列 = 答案" in judged.message


def test_a_list_of_anything_else_is_not_taken_for_items() -> None:
    rows = [["王小明", "电工", "2020"], ["李小红", "焊工", "2021"], ["张三", "钳工", "2022"]]
    report = read_items(workbook({"名单": rows}), "a.xlsx")
    assert [one.code for one in report.skipped] == ["columns_unknown"] * 3


def test_a_mapping_given_by_a_person_reads_such_a_sheet() -> None:
    body = {
        "sheets": {
            "xz": {"fields": {"stem": 0}, "options": [1, 2, 3], "key_rule": "first_option", "type_hint": "单选题"},
            "pd": {
                "fields": {"stem": 0, "answer": 1},
                "type_hint": "判断题",
                "true_words": ["0"],
                "false_words": ["1"],
            },
        }
    }
    mapping = ColumnMapping.from_json(json.loads(json.dumps(body)))
    report = read_items(workbook({"xz": FIRST_IS_KEY, "pd": ZERO_IS_RIGHT}), "a.xlsx", mapping=mapping)
    assert keys(report) == ["A", "A", "A", True, False, True]


def test_a_mapping_says_in_words_what_it_means_and_survives_json() -> None:
    mapping = recognise_columns([["序号", "题目内容", "选项A", "选项B", "标准答案", "章节"]])
    assert mapping is not None
    assert mapping.describe() == [
        "A 列 = 编号",
        "B 列 = 题干",
        "C 列 = 选项A",
        "D 列 = 选项B",
        "E 列 = 答案",
        "F 列 = 章节",
    ]
    whole = ColumnMapping({"*": mapping})
    assert ColumnMapping.from_json(json.loads(json.dumps(whole.to_json()))) == whole
    assert whole.for_sheet("任何表") == mapping


@pytest.mark.parametrize(
    "body",
    [None, [], {"sheets": 1}, {"sheets": {"a": {"fields": {"stem": "B"}}}}, {"sheets": {"a": {"fields": {"x": 1}}}},
     {"sheets": {"a": {"key_rule": "guess"}}}, {"sheets": {"a": {"options": [-1]}}}],
)  # fmt: skip
def test_a_mapping_of_another_shape_is_refused(body: object) -> None:
    with pytest.raises(MappingError):
        ColumnMapping.from_json(body)


def test_a_mapping_can_leave_a_sheet_out() -> None:
    mapping = ColumnMapping.from_json({"sheets": {"旧题": {"ignore": True}}})
    assert read_items(workbook({"旧题": [HEAD, ROW], "新题": [HEAD, ROW]}), "a.xlsx", mapping=mapping).found == 1


def test_merged_type_cells_hold_for_the_rows_below() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["题型", "题干", "答案"])
    sheet.merge_range(1, 0, 2, 0, "判断题")
    sheet.write_row(1, 1, ["停电后应验电。", "A"])
    sheet.write_row(2, 1, ["接地线可以不挂。", "B"])
    book.close()
    assert keys(read_items(buffer.getvalue(), "a.xlsx")) == [True, False]


def test_pictures_come_with_the_row_or_the_option_they_stand_in() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet("单选")
    sheet.write_row(0, 0, ["题干", "选项A", "选项B", "答案", "图片"])
    sheet.write_row(1, 0, ["下图是什么（ ）。", "开关", "", "B", ""])
    for column, colour in ((2, "red"), (4, "blue")):
        sheet.insert_image(1, column, f"{colour}.png", {"image_data": io.BytesIO(picture(colour))})
    book.close()
    one = read_items(buffer.getvalue(), "a.xlsx").items[0]
    shown = {medium["id"]: one.media[medium["id"]] for medium in one.item.content.media}
    assert sorted(shown.values()) == sorted([picture("red"), picture("blue")])
    assert "<img" in one.item.content.choices[1].content
    assert one.item.content.stem.startswith("下图是什么（ ）。<br><img")


def test_ten_thousand_rows_are_read() -> None:
    rows = [["题型", "题干", "题目选项", "答案"]]
    rows += [
        ["单选题", f"{n}.第{n}号设备的电压是（ ）。", f"**A.{n}V**B.{n + 1}V**C.{n + 2}V", "B"] for n in range(10_000)
    ]
    report = read_items(workbook({"Sheet1": rows}), "a.xlsx")
    assert len(report.items) == 10_000


def formatted_workbook() -> bytes:
    """Return a sheet with percentages, a date that was a fraction, and raised and lowered letters."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet("单选")
    percent, fine = book.add_format({"num_format": "0%"}), book.add_format({"num_format": '0.0"%";@'})
    raised, lowered = book.add_format({"font_script": 1}), book.add_format({"font_script": 2})
    sheet.write_row(0, 0, ["题干", "选项A", "选项B", "选项C", "答案"])
    sheet.write_rich_string(1, 0, "CO", lowered, "2", " 的含量不超过（ ）m", raised, "3", "。")
    sheet.write_number(1, 1, 0.2, percent)
    sheet.write_number(1, 2, 0.125, book.add_format({"num_format": "0.0%"}))
    sheet.write_number(1, 3, 0.5)
    sheet.write_string(1, 4, "A")
    sheet.write_row(2, 0, ["五月二日写作（ ）。"])
    sheet.write_datetime(2, 1, dt.datetime(2024, 5, 2), book.add_format({"num_format": "m/d"}))  # noqa: DTZ001 - Excel has none
    sheet.write_row(2, 2, ["甲", "乙", "B"])
    sheet.write_number(3, 2, 0.5, fine)
    book.close()
    return buffer.getvalue()


def test_percentages_and_raised_letters_are_read_as_they_are_shown() -> None:
    content = read_items(formatted_workbook(), "a.xlsx").items[0].item.content
    assert [choice.content for choice in content.choices] == ["20%", "12.5%", "0.5"]
    assert content.stem == "CO<sub>2</sub> 的含量不超过（ ）m<sup>3</sup>。"


def test_a_cell_that_excel_took_for_a_date_is_marked_for_a_look() -> None:
    report = read_items(formatted_workbook(), "a.xlsx")
    assert [(one.locator, one.code) for one in report.warnings] == [("sheet 单选 row 3", "date_cell")]


def test_pictures_inside_cells_are_found() -> None:
    head, row = ["题干", "选项A", "选项B", "答案"], ["图中是（ ）。", '=DISPIMG("ID_1",1)', "开关", "A"]
    parts = {
        "xl/cellimages.xml": (
            b'<etc:cellImages xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData" '
            b'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
            b'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
            b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><etc:cellImage><xdr:pic>'
            b'<xdr:nvPicPr><xdr:cNvPr id="1" name="ID_1"/></xdr:nvPicPr><xdr:blipFill><a:blip r:embed="rId1"/></xdr:blipFill>'
            b"</xdr:pic></etc:cellImage></etc:cellImages>"
        ),
        "xl/_rels/cellimages.xml.rels": (
            b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
            b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="media/image1.png"/>'
            b"</Relationships>"
        ),
        "xl/media/image1.png": picture(),
    }
    buffer = io.BytesIO(workbook({"单选": [head, row]}))
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    one = read_items(buffer.getvalue(), "a.xlsx").items[0]
    assert list(one.media.values()) == [picture()]
    assert one.item.content.choices[0].content == '<img src="media:image1.png" alt="">'


def test_a_preview_shows_each_sheet_with_the_columns_as_recognised() -> None:
    data = workbook({"题": [HEAD, ROW], "xz": FIRST_IS_KEY}, first_column=1)
    first, second = preview_sheets(data, "a.xlsx", n_rows=1)
    assert (first.name, first.n_rows, len(first.rows)) == ("题", 2, 1)
    assert first.mapping is not None
    assert first.rows[0][first.mapping.fields["stem"]] == "题目内容"
    assert "D 列 = 题干" in first.mapping.describe()
    assert second.mapping is not None
    assert second.mapping.describe()[0] == "B 列 = 题干"
    csv_preview = preview_sheets("题干,答案\n停电后应验电。,√\n".encode("gbk"), "a.csv")
    assert csv_preview[0].mapping is not None


def test_a_recognised_mapping_given_back_reads_the_same() -> None:
    data = workbook({"题": [["题库"], HEAD, ROW]}, first_column=1)
    mapping = preview_sheets(data, "a.xlsx")[0].mapping
    assert mapping is not None
    whole = ColumnMapping.from_json(ColumnMapping({"题": mapping}).to_json())
    assert read_items(data, "a.xlsx", mapping=whole).items == read_items(data, "a.xlsx").items


def test_other_files_have_no_columns_to_map() -> None:
    with pytest.raises(UnreadableFileError):
        preview_sheets(b"[]", "a.json")


def test_a_sheet_that_is_called_questions_is_not_a_type_of_its_own() -> None:
    rows = [["题目", "选项", "答案"], ["电流的单位（　）。", "A.伏", "B"]]
    skipped = read_items(workbook({"题": rows}), "a.xlsx").skipped
    assert [one.code for one in skipped] != ["unknown_type"]
    assert "暂不支持" not in skipped[0].message
