"""Items in plain text: typed lists, the one-line conventions, and what is no item list at all."""

from __future__ import annotations

import time

import pytest

from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.interpret import interpret
from qbank.interchange.model import ConversionReport
from qbank.interchange.text_reader import read_text


def read(*lines: str) -> ConversionReport:
    return interpret(read_text("\n".join(lines)))


def keys(report: ConversionReport) -> list[object]:
    return [one.item.content.key for one in report.items]


def test_blocks_without_numbers_are_told_apart_by_empty_lines():
    report = read(
        "以下哪项活动最能有效识", "别潜在的风险?", "A、调研", "B、猜测", "正确答案：A", "解析：第一句。", "", "",
        "日志可以防止篡改。", "正确答案：错误", "", "哪些合适?(正确答案个数：2个)", "A、甲", "B、乙", "C、丙", "正确答案：A,C",
    )  # fmt: skip
    assert keys(report) == ["A", False, ["A", "C"]]
    assert report.items[0].item.content.stem == "以下哪项活动最能有效识别潜在的风险?"


def test_in_the_hash_convention_the_first_option_is_the_key():
    report = read("0#电压的单位是( )。#V$kW$J$A", "1#电流的单位是( )。#A$W$F$mV", "2#绝缘电阻的单位是( )。#MΩ$kΩ$μΩ$Ω")
    assert keys(report) == ["A", "A", "A"]
    assert report.items[0].item.content.choices[0].content == "V"
    assert report.items[2].item.content.choices[0].content == "MΩ"


def test_in_the_hash_convention_zero_means_true():
    assert keys(read("0#串联电路电流相等。$0", "1#并联电路电流相等。$1")) == [True, False]


def test_a_line_that_breaks_the_convention_is_named_with_its_place():
    report = read(*(f"{n}#题{n}( )。#甲$乙$丙" for n in range(9)), "坏的一行")
    assert [(one.locator, one.code) for one in report.skipped] == [("line 10", "unreadable_line")]
    assert report.found == 10


def test_a_letter_key_without_options_never_becomes_a_choice_item():
    report = read("题目：烘箱加热时门可以开启。^*^答案：错误", "题目：属于生物威胁的是：^*^答案：C")
    assert [(one.item.content.type, one.item.content.key) for one in report.items] == [("true_false", False)]
    assert [one.code for one in report.skipped] == ["no_options"]


def test_judgement_marks_behind_the_sentences_are_keys():
    assert keys(read("1. 铁是金属。（√）", "2. 木是金属。（×）")) == [True, False]


def test_a_type_in_brackets_beside_the_number_is_its_type():
    report = read("1.【多选题】导体有（ ）", "A.铁 B.铜 C.木", "答案：AB", "2.（判断题）铁是金属。", "答案：√")
    assert [one.item.content.type for one in report.items] == ["multiple_choice", "true_false"]
    assert report.items[0].item.content.stem == "导体有（ ）"


def test_numbered_points_in_an_explanation_do_not_start_items():
    report = read(
        "1. 甲（ ）",
        "A. 1",
        "B. 2",
        "答案：A",
        "解析：理由有：",
        "1、第一；",
        "2、第二。",
        "2. 乙（ ）",
        "A. 1",
        "B. 2",
        "答案：B",
    )
    assert keys(report) == ["A", "B"]
    assert report.items[0].item.content.explanation == "理由有：<br>1、第一；<br>2、第二。"


def test_numbered_statements_in_a_stem_do_not_start_items():
    report = read(
        "5. 下列说法正确的是（ ）",
        "1）甲",
        "2）乙",
        "A. 1）",
        "B. 2）",
        "答案：A",
        "6. 乙（ ）",
        "A. 1",
        "B. 2",
        "答案：B",
    )
    assert keys(report) == ["A", "B"]
    assert report.items[0].item.content.stem == "下列说法正确的是（ ）<br>1）甲<br>2）乙"


def test_several_fields_on_one_line_are_told_apart():
    one = read("1. 甲（ ）", "A. 1", "B. 2", "答案：B 解析：见标准。 难度：难").items[0]
    assert (one.item.content.key, one.item.content.explanation, one.item.difficulty) == ("B", "见标准。", 5)


def test_signs_of_mathematics_stay_text():
    one = read("1. 若 a<b 且 c>d & e，则（ ）", "A. x<y", "B. x>y", "答案：A").items[0].item.content
    assert one.stem == "若 a&lt;b 且 c&gt;d &amp; e，则（ ）"
    assert one.choices[0].content == "x&lt;y"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("CREATE TABLE t (id int);\nINSERT INTO t VALUES (1,'a');", "SQL"),
        ('[{"stem": "a"}]', "JSON"),
        ("<!DOCTYPE html><html></html>", "网页"),
    ],
)
def test_data_dumps_are_refused_with_a_clear_word(text, word):
    with pytest.raises(UnreadableFileError, match=word):
        read_text(text)


def test_prose_holds_no_item_and_says_so():
    report = read("今天天气很好。", "我们去公园。")
    assert report.found == 0
    assert [one.code for one in report.warnings] == ["no_items"]


def test_running_headers_of_a_copy_are_dropped():
    lines = [line for n in range(1, 7) for line in ("某某培训中心内部资料", f"{n}. 题{n}。（√）")]
    report = read(*lines)
    assert [one.item.content.stem for one in report.items] == [f"题{n}。（　）" for n in range(1, 7)]


def test_a_range_with_a_missing_key_gives_no_key_to_anybody():
    report = read("1. 甲（ ）", "A. 1", "B. 2", "2. 乙（ ）", "A. 1", "B. 2", "1-3 AB")
    assert not report.items
    assert "unread_answer_line" in {one.code for one in report.warnings}


def test_items_may_go_on_behind_an_answer_list():
    first = ["第一章", "一、单选题", "1. 甲（ ）", "A. 1", "B. 2", "答案", "1.B"]
    second = ["二、多选题", "1. 乙（ ）", "A. 1", "B. 2", "C. 3", "答案：AC"]
    assert keys(read(*first, *second)) == ["B", ["A", "C"]]


@pytest.mark.parametrize(
    "line",
    [
        "1-5 " + "A" * 4000 + "!",
        "1-5 " + "AB " * 4000 + "!",
        "A." + "B " * 8000,
        "（" * 8000,
        "一、选择题" + "（" * 8000,
        " " * 8000 + "答案",
        "1." * 8000,
        "【" * 4000 + "解析",
        "1. 甲" + " （判断题" * 3000,
        "Ａ" * 8000 + "B.",
        "答案：" * 4000,
        "<" * 8000,
    ],
    ids=range(12),
)
def test_a_hostile_line_costs_little_time(line):
    start = time.perf_counter()
    read_text(f"1. 铁是金属。（√）\n{line}\nA. 甲\n{line}\n答案：A")
    assert time.perf_counter() - start < 3
