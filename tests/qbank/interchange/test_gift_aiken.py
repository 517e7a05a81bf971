"""GIFT and Aiken: what people type becomes items, Chinese lists are not taken for either."""

from __future__ import annotations

from decimal import Decimal

import pytest

from item_templates import registry
from item_templates.contract import ItemContent
from qbank.interchange.convert import read_items, write_items
from qbank.interchange.detect import detect_format
from qbank.interchange.model import ConversionReport
from tests.qbank.interchange.interchange_items import example


def gift(text: str) -> ConversionReport:
    return read_items(text.encode(), "a.txt", "gift")


def content(text: str) -> ItemContent:
    report = gift(text)
    assert (report.error, report.skipped) == (None, [])
    return report.items[0].item.content


def score(item: ItemContent, *response: str) -> Decimal:
    return registry.get(item.type).score(item, list(response), Decimal(1)).score


def test_title_choices_weights_and_feedback() -> None:
    report = gift("// [id:q\\]1] [tag:难度:2]\n::安全::红色表示？{=禁止#对 ~指令#错 ~%50%停止####总的说明}")
    item = report.items[0].item
    assert (item.id, item.difficulty, item.metadata) == ("q]1", 2, {"name": "安全"})
    assert item.content.explanation == "总的说明<br>A：对<br>B：错"
    assert [score(item.content, letter) for letter in "ABC"] == [1, 0, Decimal("0.5")]
    assert [one.code for one in report.losses] == ["feedback"]


def test_several_right_answers() -> None:
    one = content("选两项 {\n~%50%甲\n~%50%乙\n~%-100%丙\n}")
    assert (one.type, one.key, one.scoring) == ("multiple_choice", ["A", "B"], {"method": "per_option"})


@pytest.mark.parametrize(("word", "key"), [("T", True), ("TRUE", True), ("F", False), ("false", False)])
def test_judgements_with_feedback(word: str, *, key: bool) -> None:
    one = content(f"铁是金属。{{{word}#不对#很好}}")
    assert (one.key, one.explanation) == (key, "答错：不对<br>答对：很好")


@pytest.mark.parametrize(
    ("block", "key"),
    [
        ("#3.14:0.005", {"value": 3.14, "tolerance": 0.005, "unit": ""}),
        ("#1..5", {"value": 3, "tolerance": 2, "unit": ""}),
        ("#-2", {"value": -2, "tolerance": 0, "unit": ""}),
        ("#=10:1#好 =%50%12:3", {"value": 10, "tolerance": 1, "unit": ""}),
    ],
)
def test_numbers(block: str, key: dict[str, object]) -> None:
    assert content(f"求值 {{{block}}}").key == key


def test_short_answers_and_missing_words() -> None:
    assert content("铁的符号是 {=Fe =fe}").key == ["Fe", "fe"]
    blank = content("铁的符号是{=Fe =%100%铁}，不是铜。")
    assert (blank.type, blank.stem, blank.key) == ("fill_in", "铁的符号是{{1}}，不是铜。", [["Fe", "铁"]])
    gap = content("电压的单位是 {=伏 ~安} 。")
    assert (gap.type, gap.stem) == ("single_choice", "电压的单位是 _____ 。")


def test_matching_with_feedback_and_general_feedback() -> None:
    one = content("配对 {\n=甲 -> 1\n=乙 -> 2\n= -> 3\n####完}")
    assert one.key == {"pairs": [["A", "1"], ["B", "2"]]}
    assert ([target.content for target in one.targets], one.explanation) == (["1", "2", "3"], "完")


def test_escapes_formats_comments_and_empty_lines_inside_a_block() -> None:
    one = content("// 说明\n[plain]若 a\\=b \\{c\\}\\: <x>\\n换行 {\n=甲\\~乙\n\n~丙\\#丁 // 不是注释\n}")
    assert one.stem == "若 a=b {c}: &lt;x&gt;<br>换行"
    assert [choice.content for choice in one.choices] == ["甲~乙", "丙#丁 // 不是注释"]


def test_categories_descriptions_and_essays() -> None:
    report = gift("$CATEGORY: $course$/top/安全\n\n::说明:: 以下各题\n\n论述 {}\n\n铁是金属。{T}\n")
    assert [one.code for one in report.losses] == ["description"]
    assert [one.code for one in report.skipped] == ["no_rubric"]
    assert report.items[0].item.metadata == {"category": "$course$/top/安全"}
    assert report.found == 2


@pytest.mark.parametrize(
    ("text", "code"), [("甲 {~乙 ~丙}", "bad_fraction"), ("甲 {#abc}", "bad_key"), ("甲 {乙}", "no_key")]
)
def test_a_question_without_a_certain_key_is_named_with_its_line(text: str, code: str) -> None:
    skipped = gift(f"铁是金属。{{T}}\n\n{text}\n").skipped
    assert [(one.locator, one.code, "第 3 行" in one.message) for one in skipped] == [("item 2", code, True)]


AIKEN = "What is iron?\nA. a metal\nB) a gas\nANSWER: A\n\n安全色红表示什么？\nA. 禁止\nB. 指令\nC. 提示\nANSWER: A\n"


def test_aiken() -> None:
    report = read_items(AIKEN.encode(), "a.txt")
    assert report.format == "aiken"
    assert [(one.item.content.stem, one.item.content.key) for one in report.items] == [
        ("What is iron?", "A"),
        ("安全色红表示什么？", "A"),
    ]


def test_numbers_that_count_the_questions_are_taken_off() -> None:
    text = "1. 红色？\nA. 禁止\nB. 指令\nANSWER: A\n2. 3. 档？\nA. 一\nB. 二\nANSWER: B\n"
    assert [one.item.content.stem for one in read_items(text.encode(), "a").items] == ["红色？", "3. 档？"]
    other = text.replace("2. 3. 档", "3. 档")
    assert [one.item.content.stem for one in read_items(other.encode(), "a").items] == ["1. 红色？", "3. 档？"]


def test_broken_aiken_questions_are_named() -> None:
    text = AIKEN + "\nNo key\nA. 1\nB. 2\n"
    report = read_items(text.encode(), "a.txt", "aiken")
    assert (len(report.items), [one.code for one in report.skipped]) == (2, ["no_key"])
    assert [one.code for one in read_items(b"x\nA. 1\nB. 2\nANSWER: C\n", "a", "aiken").skipped] == [
        "key_outside_options"
    ]


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        (AIKEN, "aiken"),
        ("::Q1:: 红色表示？{=禁止 ~指令}\n\n铁是金属。{T}\n", "gift"),
        ("// 注释\n$CATEGORY: 安全\n\n论述题 {}\n", "gift"),
        ("1. 红色表示（ ）。\nA. 禁止\nB. 指令\n答案：A\n", "text"),
        ("1. 红色表示（ ）。\nA. 禁止\nB. 指令\nANSWER: A\n", "aiken"),
        ("红色表示（ A ）。\nA. 禁止\nB. 指令\n", "text"),
        ("1、铁的符号是{Fe}。\n2、集合 {1,2} 的元素有几个？\n答案：2\n", "text"),
        ("1、\\(\\frac{=a}{b}\\) 是（ ）\nA. 一\nB. 二\n答案：A\n", "text"),
        ("铁是金属。（√）\n铜是气体。（×）\n", "text"),
    ],
)
def test_the_manner_of_a_text_is_told_from_its_content(text: str, fmt: str) -> None:
    assert detect_format(text.encode(), "a.txt") == fmt


@pytest.mark.parametrize("fmt", ["text", "csv"])
def test_our_own_files_are_never_taken_for_gift(fmt: str) -> None:
    item = example("true_false")
    data = write_items([item], fmt)[0].replace("。".encode(), "。{=甲 ~乙}".encode())
    assert detect_format(data, "a") == fmt


def test_files_that_we_write_are_detected() -> None:
    for fmt in ("gift", "aiken", "moodle-xml"):
        data = write_items([example("single_choice"), example("single_choice")], fmt)[0]
        assert detect_format(data, "a") == fmt
