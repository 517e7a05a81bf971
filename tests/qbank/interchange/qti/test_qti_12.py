"""QTI 1.2: items by their responses and conditions, as learning platforms export them."""

from __future__ import annotations

import pytest

from item_templates import registry
from item_templates.contract import ItemContent
from tests.qbank.interchange.interchange_items import picture
from tests.qbank.interchange.qti.qti_files import (
    equal,
    manifest_of,
    old_file,
    old_item,
    package,
    points,
    read,
    when,
)

STEM = '<material><mattext texttype="text/html">&lt;p&gt;选&lt;b&gt;哪&lt;/b&gt;一项？&lt;/p&gt;</mattext></material>'


def lid(*labels: str, cardinality: str = "Single", name: str = "r1", own: str = "") -> str:
    options = "".join(
        f'<response_label ident="{place}"><material><mattext>{text}</mattext></material></response_label>'
        for place, text in enumerate(labels, 100)
    )
    return f'<response_lid ident="{name}" rcardinality="{cardinality}">{own}<render_choice>{options}</render_choice></response_lid>'


def fib(name: str = "r1", kind: str = "String") -> str:
    return f'<response_str ident="{name}" rcardinality="Single"><render_fib fibtype="{kind}"><response_label ident="a"/></render_fib></response_str>'


def only(text: str) -> tuple[ItemContent, list[str]]:
    report = read(old_file(text))
    assert (report.format, [one.message for one in report.skipped]) == ("qti12", [])
    return report.items[0].item.content, [one.code for one in report.losses]


def marks(content: ItemContent, *answer: object) -> float:
    return float(registry.get(content.type).score(content, list(answer), content.score).score)


def test_a_list_with_one_right_option_is_a_single_choice() -> None:
    content, losses = only(old_item(STEM + lid("铁", "铜", "铝"), when(equal("101"))))
    assert (content.type, content.stem, content.key, losses) == ("single_choice", "选<b>哪</b>一项？", "B", [])
    assert [one.content for one in content.choices] == ["铁", "铜", "铝"]
    assert content.score == 100


def test_points_of_the_metadata_are_the_marks() -> None:
    content, losses = only(old_item(STEM + lid("铁", "铜"), when(equal("101")), metadata=points(2.5)))
    assert (float(content.score), losses) == (2.5, [])


def test_part_marks_become_weights() -> None:
    rules = when(equal("100"), 100) + when(equal("101"), 50)
    content, losses = only(old_item(STEM + lid("铁", "铜", "铝"), rules, metadata=points(2)))
    assert (losses, [marks(content, one) for one in "ABC"]) == ([], [2, 1, 0])


def test_a_list_with_several_right_options_wants_just_these() -> None:
    condition = f"<and>{equal('100')}<not>{equal('101')}</not>{equal('102')}</and>"
    content, losses = only(
        old_item(STEM + lid("铁", "铜", "铝", cardinality="Multiple"), when(condition), metadata=points(1))
    )
    assert (content.type, content.key, losses) == ("multiple_choice", ["A", "C"], [])
    assert [marks(content, *one) for one in ("AC", "A", "ABC")] == [1, 0, 0]


def test_options_that_add_up_become_weights() -> None:
    rules = when(equal("100"), 50, goes_on="Yes", action="Add") + when(equal("101"), 50, goes_on="Yes", action="Add")
    rules += when(equal("102"), 50, goes_on="Yes", action="Subtract")
    content, losses = only(old_item(STEM + lid("铁", "铜", "水", cardinality="Multiple"), rules, metadata=points(2)))
    assert (content.key, losses) == (["A", "B"], [])
    assert [marks(content, *one) for one in ("AB", "A", "AC", "C")] == [2, 1, 0, 0]


def test_true_and_false_are_a_judgement() -> None:
    content, _ = only(old_item(STEM + lid("True", "False"), when(equal("101"))))
    assert (content.type, content.key) == ("true_false", False)


def test_an_entry_with_accepted_texts_is_a_short_answer_or_fills_a_drawn_blank() -> None:
    rules = when(f"<or>{equal('Fe')}{equal('铁')}</or>")
    content, losses = only(old_item(STEM + fib(), rules, metadata=points(1)))
    assert (content.type, content.key, losses) == ("short_answer", ["Fe", "铁"], [])
    assert [marks(content, one) for one in ("fe", "铁", "Cu")] == [1, 1, 0]
    drawn = "<material><mattext>铁的符号是____。</mattext></material>"
    content, losses = only(old_item(drawn + fib(), rules, metadata=points(1)))
    assert (content.type, content.stem, content.key, losses) == ("fill_in", "铁的符号是{{1}}。", [["Fe", "铁"]], [])


def test_case_counts_where_the_condition_says_so() -> None:
    rules = when(equal("Fe", attributes=' case="Yes"'))
    content, losses = only(old_item(STEM + fib(), rules, metadata=points(1)))
    assert (losses, [marks(content, one) for one in ("Fe", "fe")]) == ([], [1, 0])


def test_entries_inside_a_sentence_are_its_blanks() -> None:
    words = "<material><mattext>{}</mattext></material>"
    flow = (
        f"<flow>{words.format('铁的符号是')}{fib('r1')}{words.format('，铜的是')}{fib('r2')}{words.format('。')}</flow>"
    )
    rules = when(equal("Fe", "r1"), 50, goes_on="Yes", action="Add") + when(
        equal("Cu", "r2"), 50, goes_on="Yes", action="Add"
    )
    content, losses = only(old_item(flow, rules, metadata=points(2)))
    assert (content.type, content.stem, content.key) == ("fill_in", "铁的符号是{{1}}，铜的是{{2}}。", [["Fe"], ["Cu"]])
    assert (losses, marks(content, "Fe", "x")) == ([], 1)


def test_a_number_with_limits_is_a_numeric_item() -> None:
    limits = '<and><vargte respident="r1">3.4</vargte><varlte respident="r1">3.6</varlte></and>'
    rules = when(f"<or>{equal('3.5')}{limits}</or>")
    content, losses = only(old_item(STEM + fib(kind="Decimal"), rules, metadata=points(1)))
    assert (content.type, content.key, losses) == ("numeric", {"value": 3.5, "tolerance": 0.1, "unit": ""}, [])


def test_lists_that_offer_the_same_are_a_matching() -> None:
    prompt = "<material><mattext>{}</mattext></material>"
    lists = lid("电压", "电阻", name="r1", own=prompt.format("伏特表")) + lid(
        "电压", "电阻", name="r2", own=prompt.format("欧姆表")
    )
    rules = when(equal("100", "r1"), 50, goes_on="Yes", action="Add") + when(
        equal("101", "r2"), 50, goes_on="Yes", action="Add"
    )
    content, losses = only(old_item(STEM + lists, rules, metadata=points(2)))
    assert (content.type, content.key, losses) == ("matching", {"pairs": [["A", "1"], ["B", "2"]]}, [])
    assert [one.content for one in content.choices] == ["伏特表", "欧姆表"]
    assert (content.stem, marks(content, ["A", "1"], ["B", "1"])) == ("选<b>哪</b>一项？", 1)


BLANKS = "<material><mattext>[symbol]是铁，[other]是铜。</mattext></material>"
NAMED = points(2) + (
    "<qtimetadatafield><fieldlabel>question_type</fieldlabel>"
    "<fieldentry>fill_in_multiple_blanks_question</fieldentry></qtimetadatafield>"
)


def test_blanks_that_the_stem_names_are_a_fill_in_with_the_texts_that_earn_marks() -> None:
    own = "<material><mattext>{}</mattext></material>"
    lists = lid("Fe", "铁元素", name="r1", own=own.format("symbol")) + lid("Cu", name="r2", own=own.format("other"))
    rules = "".join(
        when(equal(label, name), 50, goes_on="Yes", action="Add")
        for label, name in (("100", "r1"), ("101", "r1"), ("100", "r2"))
    )
    content, losses = only(old_item(BLANKS + lists, rules, metadata=NAMED))
    assert (content.type, content.stem, losses) == ("fill_in", "{{1}}是铁，{{2}}是铜。", [])
    assert content.key == [["Fe", "铁元素"], ["Cu"]]
    assert [marks(content, *one) for one in (("fe", "Cu"), ("铁元素", "x"))] == [2, 1]


def test_a_blank_that_the_stem_does_not_name_is_listed() -> None:
    own = "<material><mattext>{}</mattext></material>"
    lists = lid("Fe", name="r1", own=own.format("symbol")) + lid("Cu", name="r2", own=own.format("missing"))
    rules = when(equal("100", "r1"), 50) + when(equal("100", "r2"), 50)
    report = read(old_file(old_item(BLANKS + lists, rules, metadata=NAMED)))
    assert [one.code for one in report.skipped] == ["no_blank"]


def test_an_ordered_list_is_an_ordering() -> None:
    condition = "".join(
        equal(str(name), attributes=f' index="{place}"') for place, name in enumerate((102, 100, 101), 1)
    )
    content, losses = only(
        old_item(STEM + lid("验电", "接地", "断电", cardinality="Ordered"), when(condition), metadata=points(1))
    )
    assert (content.type, content.key, losses) == ("ordering", ["C", "A", "B"], [])


def test_feedback_is_the_explanation_and_its_conditions_are_named() -> None:
    feedback = "".join(
        f'<itemfeedback ident="f{n}"><flow_mat><material><mattext>第{n}种</mattext></material></flow_mat></itemfeedback>'
        for n in "12"
    )
    content, losses = only(old_item(STEM + lid("铁", "铜"), when(equal("100")), feedback=feedback))
    assert (content.explanation, losses) == ("<p>第1种</p><p>第2种</p>", ["qti_feedback"])
    one = feedback[: len(feedback) // 2]
    content, losses = only(old_item(STEM + lid("铁", "铜"), when(equal("100")), feedback=one))
    assert (content.explanation, losses) == ("第1种", [])


def test_a_condition_that_is_not_understood_never_becomes_a_key() -> None:
    report = read(old_file(old_item(STEM + lid("铁", "铜"), when("<varsubset respident='r1'>100</varsubset>"))))
    assert [(one.locator, one.code, one.excerpt) for one in report.skipped] == [
        ("item 1", "no_key", "选哪一项？\n铁铜")
    ]


@pytest.mark.parametrize(
    ("presentation", "rules", "code"),
    [
        (STEM + '<response_xy ident="r1"/>', when(equal("1")), "qti_response_xy"),
        (STEM + '<response_grp ident="r1"/>', when(equal("1")), "qti_response_grp"),
        (STEM, "", "qti_no_interaction"),
        (STEM + lid("铁", "铜"), "", "no_key"),
        (STEM + fib(), "", "no_rubric"),
        (STEM + lid("铁", "铜") + lid("甲", "乙", name="r2"), when(equal("100")), "qti_composite"),
        (STEM + lid("铁", "铜") + fib("r2"), when(equal("100")), "qti_composite"),
    ],
)
def test_what_has_no_home_is_listed_with_its_place(presentation: str, rules: str, code: str) -> None:
    report = read(old_file(old_item(presentation, rules)))
    assert [(one.locator, one.code) for one in report.skipped] == [("item 1", code)]


def test_sections_are_walked_and_the_structure_of_a_test_is_named() -> None:
    items = "".join(
        old_item(STEM + lid("铁", "铜"), when(equal("100")), ident=f"i{n}").replace("铁", f"铁{n}") for n in (1, 2)
    )
    report = read(
        f'<questestinterop><assessment ident="a"><section ident="s">{items}</section></assessment></questestinterop>'
    )
    assert [one.item.id for one in report.items] == ["i1", "i2"]
    assert [one.code for one in report.losses] == ["qti_test_structure"]


def test_a_package_brings_its_pictures_along() -> None:
    image = '<material><mattext texttype=\'text/html\'>&lt;p&gt;看图&lt;img src="$IMS-CC-FILEBASE$/pics/a.png" alt="图"&gt;&lt;/p&gt;</mattext></material>'
    text = old_file(old_item(image + lid("铁", "铜"), when(equal("100"))))
    resources = '<resource identifier="r" type="imsqti_xmlv1p2"><file href="q/q.xml"/></resource>'
    report = read(package({"q/q.xml": text, "web_resources/pics/a.png": picture()}, manifest_of(resources)), "a.zip")
    assert (report.format, report.losses, [one.locator for one in report.items]) == ("qti12", [], ["q/q.xml item 1"])
    assert report.items[0].item.content.stem == '看图<img src="media:a" alt="图">'


def test_sound_and_film_are_losses() -> None:
    content, losses = only(
        old_item(
            "<material><mattext>听</mattext><mataudio uri='a.mp3'/></material>" + lid("铁", "铜"), when(equal("100"))
        )
    )
    assert (content.stem, losses) == ("听", ["qti_mataudio"])
