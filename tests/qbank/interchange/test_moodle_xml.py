"""Moodle XML: questions become items that score as Moodle does; whatever cannot is named."""

from __future__ import annotations

import base64
import math
import re
from decimal import Decimal
from xml.sax.saxutils import escape

import pytest

from item_templates import registry
from item_templates.canonical import item_to_json
from item_templates.contract import Choice, ItemContent
from qbank.interchange.convert import media_by_digest, read_items, write_items
from qbank.interchange.model import ConversionReport
from tests.qbank.interchange.interchange_items import example, picture, with_picture


def read(*questions: str) -> ConversionReport:
    return read_items(f'<?xml version="1.0"?><quiz>{"".join(questions)}</quiz>'.encode(), "a.xml")


def question(kind: str, body: str, text: str = "题干") -> str:
    return f'<question type="{kind}"><questiontext format="html"><text>{escape(text)}</text></questiontext>{body}</question>'


def answer(text: str, fraction: object = 0, more: str = "") -> str:
    return f'<answer fraction="{fraction}" format="html"><text>{escape(text)}</text>{more}</answer>'


def content(*questions: str) -> ItemContent:
    report = read(*questions)
    assert (report.error, report.skipped) == (None, [])
    return report.items[0].item.content


def losses(report: ConversionReport) -> set[str]:
    return {one.code for one in report.losses}


def score(item: ItemContent, *picked: str) -> Decimal:
    return registry.get(item.type).score(item, list(picked), Decimal(1)).score


def test_fractions_of_one_pick_score_as_in_moodle_with_negative_marks() -> None:
    one = content(
        question("multichoice", "<single>true</single>" + answer("伏", 100) + answer("安", -25) + answer("欧", 50))
    )
    assert (one.type, one.key) == ("single_choice", "A")
    assert [score(one, letter) for letter in "ABC"] == [Decimal(1), Decimal("-0.25"), Decimal("0.5")]


def test_a_plain_single_choice_carries_no_weights() -> None:
    one = content(question("multichoice", answer("伏", 0) + answer("安", "100.00000")))
    assert (one.key, one.scoring) == ("B", {"method": "exact"})


def test_fractions_of_several_picks_add_up_and_never_go_below_zero() -> None:
    body = "<single>false</single>" + answer("甲", "33.33333") + answer("乙", "66.66667") + answer("丙", -50)
    one = content(question("multichoice", body))
    assert (one.type, one.key) == ("multiple_choice", ["A", "B"])
    got = [score(one, *picks) for picks in ("A", "B", "AB", "AC", "C", "ABC")]
    assert got == [Decimal("0.333"), Decimal("0.667"), Decimal(1), Decimal(0), Decimal(0), Decimal("0.5")]


def test_even_shares_with_wrong_picks_that_take_all_are_our_rule_per_option() -> None:
    body = "<single>false</single>" + answer("甲", 50) + answer("乙", 50) + answer("丙", -100)
    assert content(question("multichoice", body)).scoring == {"method": "per_option"}


def test_the_all_or_nothing_plugin_is_exact() -> None:
    one = content(question("multichoiceset", answer("甲", 100) + answer("乙", 100) + answer("丙", 0)))
    assert (one.key, one.scoring) == (["A", "B"], {"method": "exact"})


@pytest.mark.parametrize(("right", "key"), [("true", True), ("false", False)])
def test_judgements(right: str, *, key: bool) -> None:
    body = "".join(answer(word, 100 if word == right else 0) for word in ("true", "false"))
    assert content(question("truefalse", body)).key is key


def test_short_answers_keep_case_and_name_wildcards_and_part_marks() -> None:
    body = "<usecase>1</usecase>" + answer("Fe*", 100) + answer("铁", 100) + answer("iron", 50) + answer("*", 0)
    report = read(question("shortanswer", body))
    one = report.items[0].item.content
    assert one.key == ["Fe", "铁"]
    assert score(one, "Fe") == 1
    assert score(one, "fe") == 0
    assert losses(report) == {"wildcard", "partial_answer"}


def test_an_escaped_star_is_a_star() -> None:
    assert content(question("shortanswer", answer("2\\*3", 100))).key == ["2*3"]


def test_numbers_have_tolerance_and_the_unit_of_factor_one() -> None:
    units = "<units><unit><multiplier>1</multiplier><unit_name>mm</unit_name></unit><unit><multiplier>10</multiplier><unit_name>cm</unit_name></unit></units>"
    report = read(question("numerical", answer("3.50", 100, "<tolerance>0.1</tolerance>") + answer("3", 50) + units))
    assert report.items[0].item.content.key == {"value": 3.5, "tolerance": 0.1, "unit": "mm"}
    assert losses(report) == {"unit", "partial_answer"}


def test_matching_keeps_an_answer_without_a_partner() -> None:
    rows = [("甲", "1"), ("乙", "2"), ("丙", "1"), ("", "3")]
    body = "".join(f"<subquestion><text>{a}</text><answer><text>{b}</text></answer></subquestion>" for a, b in rows)
    one = content(question("matching", body))
    assert [target.content for target in one.targets] == ["1", "2", "3"]
    assert one.key == {"pairs": [["A", "1"], ["B", "2"], ["C", "1"]]}


def test_essays_take_the_graders_information_as_scoring_points() -> None:
    body = "<defaultgrade>5.0</defaultgrade><graderinfo><text>原理（2分）&lt;br&gt;步骤（3分）</text></graderinfo>"
    assert [one["score"] for one in content(question("essay", body)).rubric] == ["2", "3"]


def test_an_essay_without_anything_to_mark_by_is_named() -> None:
    assert [one.code for one in read(question("essay", "")).skipped] == ["no_rubric"]


def test_embedded_answers_become_blanks() -> None:
    report = read(question("cloze", "", "首都 {1:SHORTANSWER:=巴黎~=Paris#好}，A &lt; {1:SA:=B\\}~%50%C}"))
    one = report.items[0].item.content
    assert one.stem == "首都 {{1}}，A &lt; {{2}}"
    assert one.key == [["巴黎", "Paris"], ["B}"]]
    assert losses(report) == {"feedback", "partial_answer"}


def test_embedded_choices_and_numbers_become_children_of_a_testlet() -> None:
    one = content(
        question("cloze", "<defaultgrade>2</defaultgrade>", "{1:MULTICHOICE:=巴黎~里昂} 与 {1:NUMERICAL:=3:0.1}")
    )
    assert (one.type, one.stem) == ("testlet", "（1）____ 与 （2）____")
    assert [(child.type, child.score) for child in one.items] == [("single_choice", 1), ("numeric", 1)]
    assert one.items[1].key == {"value": 3, "tolerance": 0.1, "unit": ""}


def test_embedded_answers_whose_marks_do_not_divide_are_named() -> None:
    text = "{1:MULTICHOICE:=甲~乙} {1:MULTICHOICE:=甲~乙} {1:MULTICHOICE:=甲~乙}"
    assert [one.code for one in read(question("cloze", "<defaultgrade>1</defaultgrade>", text)).skipped] == ["cloze"]


def test_an_order_does_not_show_its_own_key() -> None:
    body = "<gradingtype>ALL_OR_NOTHING</gradingtype>" + "".join(answer(text) for text in ("停电", "验电", "挂牌"))
    one = content(question("ordering", body))
    texts = {choice.id: choice.content for choice in one.choices}
    assert [texts[letter] for letter in one.key] == ["停电", "验电", "挂牌"]
    assert one.key != [choice.id for choice in one.choices]
    assert one.scoring == {"method": "exact"}


@pytest.mark.parametrize("kind", ["calculatedmulti", "gapselect", "ddwtos", "random", "wiris"])
def test_what_cannot_be_an_item_is_named(kind: str) -> None:
    report = read(question(kind, ""), question("truefalse", answer("true", 100)))
    assert (report.found, len(report.items)) == (2, 1)
    assert [(one.locator, one.code in {"unsupported_type", "calculated"}) for one in report.skipped] == [
        ("item 1", True)
    ]


def data_set(name: str, low: int, high: int, *values: int) -> str:
    drawn = "".join(
        f"<dataset_item><number>{n}</number><value>{value}</value></dataset_item>" for n, value in enumerate(values, 1)
    )
    texts = {"name": name, "minimum": low, "maximum": high, "decimals": 0}
    parts = "".join(f"<{tag}><text>{value}</text></{tag}>" for tag, value in texts.items())
    return f"<dataset_definition>{parts}<dataset_items>{drawn}</dataset_items></dataset_definition>"


def calculated(formula: str, *sets: str, tolerance_type: int = 2) -> ConversionReport:
    settings = f"<tolerance>0.5</tolerance><tolerancetype>{tolerance_type}</tolerancetype><correctanswerformat>1</correctanswerformat><correctanswerlength>1</correctanswerlength>"
    body = answer(formula, 100, settings) + f"<dataset_definitions>{''.join(sets)}</dataset_definitions>"
    return read(question("calculatedsimple", body, "边长 {a} 与 {b}，和是 {={a}+{b}}"))


def test_calculated_questions_become_parametric_items() -> None:
    report = calculated("pow({a},2)+{b}*pi()", data_set("a", 1, 60, 3, 4), data_set("b", 1, 60, 5, 6))
    one = report.items[0].item.content
    assert one.stem == "边长 [[a]] 与 [[b]]，和是 [[v1]]"
    assert one.parameters["answer"] == {
        "shape": "numeric",
        "expressions": ["((a)^(2))+b*pi"],
        "unit": "",
        "tolerance": "0.5",
        "decimals": 1,
    }
    made = registry.get("parametric").freeze(one, 1)[0]
    shown = [int(number) for number in re.findall(r"\d+", made.stem)]
    assert shown[0] + shown[1] == shown[2]
    assert abs(made.key["value"] - (shown[0] ** 2 + shown[1] * math.pi)) < 0.06
    assert losses(report) == {"datasets"}


def test_a_relative_tolerance_is_named() -> None:
    report = calculated("{a}+{b}", data_set("a", 1, 60), data_set("b", 1, 60), tolerance_type=1)
    assert losses(report) == {"datasets", "tolerance"}
    assert calculated("{a}+nope({b})", data_set("a", 1, 60), data_set("b", 1, 60)).items == []


def test_descriptions_are_a_loss_and_categories_say_where_items_belong() -> None:
    category = '<question type="category"><category><text>$course$/top/电工</text></category></question>'
    report = read(category, question("description", ""), question("truefalse", answer("true", 100)))
    assert losses(report) == {"description"}
    assert report.items[0].item.metadata["category"] == "$course$/top/电工"


def test_feedback_is_kept_in_the_explanation_and_named() -> None:
    said = "<feedback><text>再想想</text></feedback>"
    report = read(
        question(
            "multichoice",
            "<generalfeedback><text>因为</text></generalfeedback>" + answer("伏", 100) + answer("安", 0, said),
        )
    )
    assert report.items[0].item.content.explanation == "因为<br>B：再想想"
    assert losses(report) == {"feedback"}


def test_tags_and_settings_are_kept() -> None:
    body = "<idnumber>q-7</idnumber><hidden>1</hidden><penalty>0.25</penalty><tags><tag><text>难度:4</text></tag><tag><text>期末</text></tag></tags>"
    item = read(question("truefalse", body + answer("true", 100))).items[0].item
    assert (item.id, item.difficulty) == ("q-7", 4)
    assert item.metadata == {"hidden": True, "penalty": "0.25", "tags": ["期末"]}


def test_pictures_come_with_their_question_and_others_are_named() -> None:
    encoded = base64.b64encode(picture()).decode()
    text = '看图 <img src="@@PLUGINFILE@@/%E5%9B%BE%201.png" alt="电路"> <img src="https://192.0.2.1/a.png">'
    body = f'<questiontext format="html"><text>{escape(text)}</text><file name="图 1.png" encoding="base64">{encoded}</file></questiontext>'
    report = read(f'<question type="truefalse">{body}{answer("true", 100)}</question>')
    assert report.items[0].item.content.stem == '看图 <img src="media:m1" alt="电路">'
    assert report.items[0].media == {"m1": picture()}
    assert losses(report) == {"picture"}


def test_plain_and_markdown_texts() -> None:
    def stem(form: str, text: str) -> str:
        body = f'<questiontext format="{form}"><text>{escape(text)}</text></questiontext>'
        return read(f'<question type="truefalse">{body}{answer("true", 100)}</question>').items[0].item.content.stem

    assert stem("plain_text", "a <b> 1") == "a &lt;b&gt; 1"
    assert stem("markdown", "选 **正确** 的 \\(a_1*b_2*c\\)") == "选 <strong>正确</strong> 的 \\(a_1*b_2*c\\)"
    assert stem("markdown", "- 甲\n- 乙") == "<ul><li>甲</li><li>乙</li></ul>"
    assert stem("html", "$$x^2$$") == "\\(x^2\\)"


def test_markup_that_nobody_escaped_is_read_too() -> None:
    body = f'<questiontext format="html"><text>若 a &lt; b：<p>H<sub>2</sub>O</p> 是水</text></questiontext>{answer("true", 100)}'
    one = content(f'<question type="truefalse">{body}</question>')
    assert one.stem == "若 a &lt; b：<p>H<sub>2</sub>O</p> 是水"


def test_the_names_of_question_types_are_those_that_moodle_imports() -> None:
    names = ["single_choice", "true_false", "short_answer", "fill_in", "numeric", "matching", "essay", "ordering"]
    data = write_items([example(name) for name in names], "moodle-xml")[0].decode()
    kinds = re.findall(r'<question type="(\w+)"', data)
    assert kinds == ["multichoice", "truefalse", "essay", "cloze", "numerical", "matching", "essay", "ordering"]


def test_scripts_and_players_are_dropped_and_named() -> None:
    report = read(question("truefalse", answer("true", 100), "听<audio src='a.mp3'></audio><script>alert(1)</script>"))
    assert report.items[0].item.content.stem == "听"
    assert losses(report) == {"audio", "script"}


def test_a_bare_document_type_is_read_and_entities_are_refused() -> None:
    body = question("truefalse", answer("true", 100))
    assert len(read_items(f"<!DOCTYPE quiz><quiz>{body}</quiz>".encode(), "a").items) == 1
    for declared in ('<!DOCTYPE quiz SYSTEM "a.dtd">', '<!DOCTYPE quiz [<!ENTITY a "b">]>'):
        report = read_items(f"{declared}<quiz>{body}</quiz>".encode(), "a")
        assert report.error is not None
        assert report.error.code == "doctype_refused"


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "utf-16"])
def test_declared_encodings_are_read(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><quiz>{question("truefalse", answer("true", 100), "铁是金属")}</quiz>'
    assert read_items(text.encode(encoding), "a").items[0].item.content.stem == "铁是金属"


def test_a_picture_and_everything_beside_it_come_back() -> None:
    written, media = with_picture()
    data, named = write_items([written], "moodle-xml", media)
    report = read_items(data, "a.xml")
    assert named == []
    assert item_to_json(report.items[0].item) == item_to_json(written)
    assert media_by_digest(report) == media


def test_exact_multiple_choice_is_named_because_moodle_gives_part_marks() -> None:
    choices = (Choice("A", "甲"), Choice("B", "乙"), Choice("C", "丙"))
    exact = ItemContent("multiple_choice", "选两项", choices, ["A", "B"], scoring={"method": "exact"})
    item = type(example("true_false"))("1", exact)
    assert {one.code for one in write_items([item], "moodle-xml")[1]} == {"scoring"}


def test_a_share_that_moodle_does_not_list_is_named() -> None:
    choices = (Choice("A", "甲"), Choice("B", "乙"))
    odd = ItemContent("single_choice", "选", choices, "A", scoring={"weights": {"A": 1, "B": 0.37}})
    item = type(example("true_false"))("1", odd)
    assert [one.code for one in write_items([item], "moodle-xml")[1]] == ["fraction"]
