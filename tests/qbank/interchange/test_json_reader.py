"""JSON in our own form and in those of others."""

from __future__ import annotations

import json

import pytest

from qbank.interchange.convert import read_items
from qbank.interchange.model import ConversionReport
from tests.qbank.interchange.interchange_items import choice_json


def read(body: object) -> ConversionReport:
    report = read_items(json.dumps(body, ensure_ascii=False).encode(), "a.json")
    assert report.error is None
    return report


def test_the_canonical_form_is_read_as_it_is() -> None:
    report = read_items(choice_json(difficulty=4, points=["A-001"], metadata={"章": "一"}), "a")
    one = report.items[0]
    assert (one.locator, one.item.difficulty, one.item.points, one.item.metadata) == (
        "item 1",
        4,
        ("A-001",),
        {"章": "一"},
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "C"}, "key_outside_choices"),
        ({"key": None}, "no_key"),
        ({"difficulty": 9}, "invalid_item"),
        ({"choices": 1}, "invalid_item"),
    ],
)
def test_a_canonical_item_that_is_wrong_is_listed(changes: dict[str, object], code: str) -> None:
    report = read_items(choice_json(**changes), "a")
    assert (report.found, [one.code for one in report.skipped]) == (1, [code])


def test_a_repeated_id_is_changed_and_named() -> None:
    body = json.loads(choice_json())["items"][0]
    report = read({"items": [body, body | {"stem": "绿色表示（ ）。"}]})
    assert [one.item.id for one in report.items] == ["1", "1-2"]
    assert [one.code for one in report.warnings] == ["repeated_id"]


def test_chinese_keys_and_options_in_one_string() -> None:
    one = {
        "题型": "判断题",
        "试题正文": "停电后应验电。(  )",
        "试题选项": "A. 正确\nB. 错误",
        "试题答案": "B",
        "AI 解析": "应验电。",
    }
    content = read([one]).items[0].item.content
    assert (content.type, content.key, content.explanation) == ("true_false", False, "应验电。")


def test_the_category_may_be_the_type() -> None:
    one = {"category": "单选题", "title": "红色表示()。", "choices": "**A、禁止 **B、指令 ", "answer": "A"}
    assert read([one]).items[0].item.content.type == "single_choice"


def test_options_as_an_object_and_a_category_that_is_none() -> None:
    one = {
        "id": 7,
        "type": "single_choice",
        "question": "红色表示（）。",
        "options": {"A": "禁止", "B": "指令"},
        "answer": "B",
        "category": "安全",
    }
    item = read([one]).items[0].item
    assert (item.id, item.content.key, item.metadata["category"]) == ("7", "B", "安全")


def test_an_answer_of_a_service_with_choices_inside() -> None:
    one = {
        "id": "65047", "type": "001001", "content": "\n加强职业教育和培训、提供(    )等措施，创造就业条件，扩\n大就业。&nbsp;", "answer": "B",
        "analysis": "《就业促进法》&ldquo;第五条&rdquo;", "score": None, "tag": "008001",
        "choices": [{"id": "x1", "sort": 1, "code": "A", "content": "A．创业服务"}, {"id": "x2", "sort": 2, "code": "B", "content": "就业援助"}],
    }  # fmt: skip
    content = read({"status": 0, "data": [one]}).items[0].item.content
    assert [choice.content for choice in content.choices] == ["创业服务", "就业援助"]
    assert content.stem == "加强职业教育和培训、提供(    )等措施，创造就业条件，扩大就业。"
    assert content.explanation == "《就业促进法》“第五条”"


def test_labels_and_texts_of_judgements() -> None:
    one = {
        "type": "判断",
        "options": [{"label": "T", "text": "对"}, {"label": "F", "text": "错"}],
        "answer": "（×）",
        "question": "1吨等于100kg。",
        "Parsing": "应为1000kg。",
    }
    content = read([one]).items[0].item.content
    assert (content.key, content.explanation) == (False, "应为1000kg。")


def test_lists_of_options_and_of_answers_and_booleans() -> None:
    many = {"question": "安全色有（ ）。", "options": ["红", "绿", "紫"], "answer": ["A", "B"]}
    judged = {"question": "停电后应验电。", "answer": True, "type": "judge"}
    assert [one.item.content.key for one in read([many, judged]).items] == [["A", "B"], True]


def test_lists_under_a_name_take_their_type_from_it() -> None:
    body = {"判断题": [{"题目": "停电后应验电。", "答案": "A"}], "填空题": [{"题目": "铁是（ ）。", "答案": "Fe"}]}
    assert [one.item.content.type for one in read(body).items] == ["true_false", "fill_in"]


def test_an_index_as_key_is_not_guessed() -> None:
    report = read([{"question": "安全色有（ ）。", "options": ["红", "绿", "紫"], "answer": 0}])
    assert [one.code for one in report.skipped] == ["ambiguous_key"]


def test_options_without_text_are_named() -> None:
    report = read(
        [{"title": "熔断器的符号是()。", "choices": "**A、 **B、 **C、 ", "answer": "A", "category": "单选题"}]
    )
    assert [one.code for one in report.skipped] == ["empty_choice"]
