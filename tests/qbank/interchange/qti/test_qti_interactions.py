"""Known files: each interaction in QTI 2.1, 2.2 and 3.0 becomes the item it is, or is named with its place."""

from __future__ import annotations

import pytest

from item_templates.contract import ItemContent
from qbank.interchange.model import ConversionReport
from qbank.interchange.qti.flow import DROPPED, INTERACTIONS
from qbank.interchange.qti.item import ENTRIES, READERS, code_of
from tests.qbank.interchange.qti.qti_files import (
    MAP,
    MATCH,
    as_version,
    choices,
    item,
    mapping,
    read,
    response,
)

VERSIONS = ("qti21", "qti22", "qti30")
every_version = pytest.mark.parametrize("version", VERSIONS)
ENTRY = '<textEntryInteraction responseIdentifier="RESPONSE" expectedLength="5"/>'


def in_version(text: str, version: str) -> ConversionReport:
    report = read(as_version(text, version))
    assert (report.format, report.error) == (version, None)
    return report


def content_of(text: str, version: str = "qti21") -> ItemContent:
    report = in_version(text, version)
    assert [one.message for one in report.skipped] == []
    assert [one.code for one in report.losses] == []
    return report.items[0].item.content


@every_version
def test_a_choice_interaction_is_a_single_choice(version: str) -> None:
    content = content_of(item(response("single", "identifier", "B"), choices("A", "B", "C")), version)
    assert (content.type, content.stem, content.key) == ("single_choice", "选哪一项？", "B")
    assert [one.content for one in content.choices] == ["选项A", "选项B", "选项C"]


@every_version
def test_a_choice_interaction_for_several_is_a_multiple_choice(version: str) -> None:
    text = item(response("multiple", "identifier", "A", "C"), choices("A", "B", "C", most=0))
    assert (content_of(text, version).type, content_of(text, version).key) == ("multiple_choice", ["A", "C"])


@every_version
def test_two_options_that_say_right_and_wrong_are_a_judgement(version: str) -> None:
    body = (
        '<p>铁是金属。</p><choiceInteraction responseIdentifier="RESPONSE" maxChoices="1">'
        '<simpleChoice identifier="t">正确</simpleChoice><simpleChoice identifier="f">错误</simpleChoice></choiceInteraction>'
    )
    content = content_of(item(response("single", "identifier", "f"), body), version)
    assert (content.type, content.stem, content.key, content.choices) == ("true_false", "铁是金属。", False, ())


@every_version
def test_text_entries_are_the_blanks_of_a_fill_in(version: str) -> None:
    declared = response("single", "string", "铁", name="R1") + response("single", "string", "铜", name="R2")
    body = f"<p>{ENTRY.replace('RESPONSE', 'R1')}比{ENTRY.replace('RESPONSE', 'R2')}<b>硬</b>。</p>"
    content = content_of(item(declared, body, ""), version)
    assert (content.type, content.stem, content.key) == ("fill_in", "{{1}}比{{2}}<b>硬</b>。", [["铁"], ["铜"]])


@every_version
def test_a_number_entry_is_a_numeric_item(version: str) -> None:
    content = content_of(item(response("single", "float", "3.5"), f"<p>求电流：</p><p>{ENTRY}</p>"), version)
    assert (content.type, content.stem) == ("numeric", "求电流：")
    assert content.key == {"value": 3.5, "tolerance": 0, "unit": ""}


def test_a_number_entry_inside_a_sentence_leaves_a_line() -> None:
    content = content_of(item(response("single", "integer", "2"), f"<p>水的化合价之和是{ENTRY}。</p>"))
    assert (content.type, content.stem) == ("numeric", "水的化合价之和是____。")


@every_version
def test_an_order_interaction_is_an_ordering(version: str) -> None:
    body = choices("A", "B", "C").replace("choiceInteraction", "orderInteraction")
    content = content_of(item(response("ordered", "identifier", "C", "A", "B"), body), version)
    assert (content.type, content.key) == ("ordering", ["C", "A", "B"])


MATCHING = (
    '<matchInteraction responseIdentifier="RESPONSE" maxAssociations="2"><prompt>配对。</prompt><simpleMatchSet>'
    '<simpleAssociableChoice identifier="L1" matchMax="1">万用表</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="L2" matchMax="1">兆欧表</simpleAssociableChoice></simpleMatchSet><simpleMatchSet>'
    '<simpleAssociableChoice identifier="R1" matchMax="1">绝缘</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="R2" matchMax="1">电压</simpleAssociableChoice></simpleMatchSet></matchInteraction>'
)


@every_version
def test_a_match_interaction_is_a_matching(version: str) -> None:
    pairs = '<mapping defaultValue="0"><mapEntry mapKey="L1 R2" mappedValue="1"/><mapEntry mapKey="L2 R1" mappedValue="1"/></mapping>'
    text = item(response("multiple", "directedPair", "L1 R2", "L2 R1", mapping=pairs), MATCHING, MAP)
    content = content_of(text, version)
    assert (content.type, content.key, content.score) == ("matching", {"pairs": [["A", "2"], ["B", "1"]]}, 2)
    assert [one.content for one in content.targets] == ["绝缘", "电压"]


@every_version
def test_an_extended_text_with_a_rubric_for_scorers_is_an_essay(version: str) -> None:
    block = '<rubricBlock view="scorer">{}</rubricBlock>'
    inner = "<p>说明原理（2分）</p><p>举例（3分）</p>"
    held = f"<contentBody>{inner}</contentBody>" if version == "qti30" else inner
    outcome = '<outcomeDeclaration identifier="MAXSCORE" cardinality="single" baseType="float"><defaultValue><value>5</value></defaultValue></outcomeDeclaration>'
    body = f'{block.format(held)}<p>论述。</p><extendedTextInteraction responseIdentifier="RESPONSE"/>'
    content = content_of(item(response("single", "string") + outcome, body, ""), version)
    assert (content.type, content.stem, content.score) == ("essay", "论述。", 5)
    assert [dict(one) for one in content.rubric] == [{"text": "说明原理", "score": "2"}, {"text": "举例", "score": "3"}]


def test_an_extended_text_without_a_word_on_marking_is_named() -> None:
    report = read(
        item(response("single", "string"), '<p>论述。</p><extendedTextInteraction responseIdentifier="RESPONSE"/>', "")
    )
    assert [(one.locator, one.code, one.excerpt) for one in report.skipped] == [("item 1", "no_rubric", "论述。")]


def test_an_extended_text_with_accepted_texts_is_a_short_answer() -> None:
    body = '<p>符号？</p><extendedTextInteraction responseIdentifier="RESPONSE"/>'
    content = content_of(item(response("single", "string", "Fe"), body))
    assert (content.type, content.key, content.scoring["method"]) == ("short_answer", ["Fe"], "exact")


INLINE = (
    '<inlineChoiceInteraction responseIdentifier="{}"><inlineChoice identifier="a">高</inlineChoice>'
    '<inlineChoice identifier="b">低</inlineChoice></inlineChoiceInteraction>'
)


@every_version
def test_one_inline_choice_is_a_single_choice_with_a_line_in_its_stem(version: str) -> None:
    report = in_version(
        item(response("single", "identifier", "b"), f"<p>电阻变{INLINE.format('RESPONSE')}。</p>"), version
    )
    content = report.items[0].item.content
    assert (content.type, content.stem, content.key) == ("single_choice", "电阻变____。", "B")
    assert [one.code for one in report.warnings] == ["qti_inline_choice"]


def test_several_inline_choices_are_blanks_and_their_lost_lists_are_named() -> None:
    declared = response("single", "identifier", "a", name="R1") + response("single", "identifier", "b", name="R2")
    tests = "".join(
        f'<match><variable identifier="{one}"/><correct identifier="{one}"/></match>' for one in ("R1", "R2")
    )
    rules = (
        f"<responseProcessing><responseCondition><responseIf><and>{tests}</and><setOutcomeValue identifier='SCORE'>"
        "<baseValue baseType='float'>1</baseValue></setOutcomeValue></responseIf></responseCondition></responseProcessing>"
    )
    report = read(item(declared, f"<p>{INLINE.format('R1')}或{INLINE.format('R2')}</p>", rules))
    content = report.items[0].item.content
    assert (content.type, content.key, content.scoring["method"]) == ("fill_in", [["高"], ["低"]], "exact")
    assert content.stem == "{{1}}（高/低）或{{2}}（高/低）"
    assert [one.code for one in report.losses] == ["qti_inline_choice"]


@pytest.mark.parametrize("name", sorted(INTERACTIONS - ENTRIES - READERS.keys() - {"endAttemptInteraction"}))
@every_version
def test_an_interaction_that_has_no_home_is_named_with_its_place(name: str, version: str) -> None:
    body = f'<p>做一做。</p><{name} responseIdentifier="RESPONSE"><prompt>提示</prompt></{name}>'
    report = in_version(item(response("single", "identifier", "A"), body), version)
    assert [(one.locator, one.code) for one in report.skipped] == [("item 1", code_of(name))]
    assert name in report.skipped[0].message
    assert "做一做" in report.skipped[0].excerpt


def test_a_hint_button_is_left_out_and_named() -> None:
    body = f"<p>{ENTRY}是铁。</p><p><endAttemptInteraction responseIdentifier='HINT' title='提示'/></p>"
    report = read(item(response("single", "string", "Fe"), body))
    assert [one.code for one in report.losses] == ["qti_end_attempt"]
    assert report.items[0].item.content.key == [["Fe"]]


@pytest.mark.parametrize("name", sorted(DROPPED.keys() - {"xi_include", "stylesheet", "catalogInfo"}))
def test_an_element_that_is_dropped_is_named(name: str) -> None:
    report = read(item(response("single", "identifier", "A"), f"<div><p>题干</p><{name}/></div>{choices('A', 'B')}"))
    assert [one.code for one in report.losses] == [DROPPED[name]]
    assert report.items[0].item.content.stem == "<p>题干</p><p>选哪一项？</p>"


def test_an_include_is_ignored_and_named() -> None:
    body = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>{choices("A", "B")}'
    report = read(item(response("single", "identifier", "A"), body))
    assert [one.code for one in report.losses] == ["qti_include"]


def test_an_item_made_from_template_variables_is_named() -> None:
    declared = '<templateDeclaration identifier="X" cardinality="single" baseType="integer"/>'
    report = read(item(response("single", "integer", "1") + declared, f"<p>{ENTRY}</p>"))
    assert [one.code for one in report.skipped] == ["qti_template"]


def test_adaptive_items_and_style_sheets_are_losses() -> None:
    text = item(response("single", "identifier", "A"), choices("A", "B")).replace('adaptive="false"', 'adaptive="true"')
    report = read(text.replace("<itemBody>", '<stylesheet href="a.css" type="text/css"/><itemBody>'))
    assert sorted(one.code for one in report.losses) == ["qti_adaptive", "qti_stylesheet"]


def test_one_feedback_is_the_explanation() -> None:
    after = (
        '<modalFeedback outcomeIdentifier="FEEDBACK" identifier="x" showHide="show">因为<b>如此</b>。</modalFeedback>'
    )
    content = content_of(item(response("single", "identifier", "A"), choices("A", "B"), after=after))
    assert content.explanation == "因为<b>如此</b>。"


def test_feedback_by_case_is_joined_and_its_conditions_are_named() -> None:
    after = "".join(
        f'<modalFeedback outcomeIdentifier="F" identifier="{n}" showHide="show">第{n}种</modalFeedback>' for n in "12"
    )
    inline = '<feedbackInline outcomeIdentifier="F" identifier="3" showHide="show">第3种</feedbackInline>'
    body = choices("A", "B").replace("选项A", f"选项A{inline}")
    report = read(item(response("single", "identifier", "A"), body, after=after))
    content = report.items[0].item.content
    assert content.explanation == "<p>第1种</p><p>第2种</p><p>第3种</p>"
    assert [one.content for one in content.choices] == ["选项A", "选项B"]
    assert [one.code for one in report.losses] == ["qti_feedback"]


MATH = '<m:math xmlns:m="http://www.w3.org/1998/Math/MathML">{}</m:math>'
FORMULAS = {
    "<m:msup><m:mi>x</m:mi><m:mn>2</m:mn></m:msup>": "x^{2}",
    "<m:mfrac><m:mi>U</m:mi><m:mi>R</m:mi></m:mfrac>": r"\frac{U}{R}",
    "<m:msqrt><m:mn>3</m:mn></m:msqrt>": r"\sqrt{3}",
    "<m:mroot><m:mi>x</m:mi><m:mn>3</m:mn></m:mroot>": r"\sqrt[3]{x}",
    "<m:msub><m:mi>R</m:mi><m:mn>1</m:mn></m:msub><m:mo>≤</m:mo><m:mn>5</m:mn>": r"R_{1}\le 5",
    "<m:mrow><m:mi>sin</m:mi><m:mi>α</m:mi></m:mrow>": r"\sin \alpha",
    "<m:mover><m:mi>F</m:mi><m:mo>→</m:mo></m:mover>": r"\vec{F}",
    "<m:msubsup><m:mi>a</m:mi><m:mn>1</m:mn><m:mn>2</m:mn></m:msubsup>": "a_{1}^{2}",
    "<m:mfenced><m:mi>a</m:mi><m:mi>b</m:mi></m:mfenced>": r"\left(a,b\right)",
    r'<m:semantics><m:mi>x</m:mi><m:annotation encoding="application/x-tex">\dot{x}</m:annotation></m:semantics>': r"\dot{x}",
    r'<m:semantics><m:mi>x</m:mi><m:annotation encoding="SnuggleTeX">\[ \frac{a}{b} \]</m:annotation></m:semantics>': r"\frac{a}{b}",
}


@pytest.mark.parametrize("inner", FORMULAS)
def test_mathml_becomes_latex(inner: str) -> None:
    body = choices("A", "B", prompt=f"<prompt>求 {MATH.format(inner)} 。</prompt>")
    content = content_of(item(response("single", "identifier", "A"), body))
    assert content.stem == f"求 \\({FORMULAS[inner]}\\) 。"


def test_mathml_that_is_not_known_keeps_its_characters_and_is_named() -> None:
    inner = "<m:mtable><m:mtr><m:mtd><m:mn>1</m:mn></m:mtd></m:mtr></m:mtable>"
    report = read(
        item(
            response("single", "identifier", "A"), choices("A", "B", prompt=f"<prompt>求{MATH.format(inner)}</prompt>")
        )
    )
    assert [one.code for one in report.losses] == ["qti_mathml"]
    assert report.items[0].item.content.stem == "求1"


def test_text_keeps_its_tables_lists_emphasis_and_latex() -> None:
    body = (
        "<div class='x'><h2>标题</h2><p>一<em>二</em><span class='qti-underline'>三</span> \\(x&lt;1\\)</p>"
        "<table><tbody><tr><td colspan='2'>格</td></tr></tbody></table><ul><li>项</li></ul></div>"
    )
    content = content_of(item(response("single", "identifier", "A"), body + choices("A", "B")))
    assert content.stem == (
        '<p>标题</p><p>一<em>二</em><u>三</u> \\(x&lt;1\\)</p><table><tbody><tr><td colspan="2">格</td></tr></tbody></table>'
        "<ul><li>项</li></ul><p>选哪一项？</p>"
    )


def test_scripts_and_handlers_do_not_come_through() -> None:
    body = "<p onclick='x()'>甲<script>alert(1)</script></p>" + choices("A", "B")
    report = read(item(response("single", "identifier", "A"), body))
    assert report.items[0].item.content.stem == "<p>甲</p><p>选哪一项？</p>"


@pytest.mark.parametrize(
    ("declared", "body", "code"),
    [
        (response("single", "identifier"), choices("A", "B"), "no_key"),
        (response("single", "identifier", "Z"), choices("A", "B"), "key_outside_options"),
        (response("single", "identifier", "A", "B"), choices("A", "B", "C"), "too_many_keys"),
        (response("single", "identifier", "A"), choices("A", "A"), "ambiguous_options"),
        (response("single", "identifier", "A", name="OTHER"), choices("A", "B"), "qti_no_response"),
        (response("single", "identifier", "A"), "<p>材料。</p>", "qti_no_interaction"),
        (response("single", "float", "x"), f"<p>{ENTRY}</p>", "no_key"),
        (response("multiple", "directedPair", "L1 X9"), MATCHING, "key_outside_options"),
        (response("ordered", "identifier", "A"), choices("A", "B").replace("choiceInter", "orderInter"), "key_not_all_choices"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_listed_and_never_guessed(declared: str, body: str, code: str) -> None:
    report = read(item(declared, body))
    assert ([one.code for one in report.skipped], report.items) == ([code], [])


def test_a_lone_key_among_several_options_becomes_a_single_choice_with_a_word() -> None:
    report = read(item(response("multiple", "identifier", "A"), choices("A", "B", most=0)))
    assert [one.code for one in report.warnings] == ["type_changed"]
    assert report.items[0].item.content.type == "single_choice"


def test_names_of_other_programs_become_letters_and_letters_stay() -> None:
    foreign = content_of(item(response("single", "identifier", "choice_2"), choices("choice_1", "choice_2")))
    own = content_of(item(response("single", "identifier", "D"), choices("B", "D")))
    assert ([one.id for one in foreign.choices], foreign.key) == (["A", "B"], "B")
    assert ([one.id for one in own.choices], own.key) == (["B", "D"], "D")


def composite(rules: str = "") -> str:
    declared = response("single", "identifier", "B", name="R1", mapping=mapping("", B=2)) + response(
        "single",
        "string",
        "8",
        name="R2",
        mapping='<mapping defaultValue="0"><mapEntry mapKey="8" mappedValue="3"/></mapping>',
    )
    body = (
        "<p>一台电动机停转。</p><p>原因是</p>" + choices("A", "B", prompt="").replace("RESPONSE", "R1")
        + f"<p>整定值是{ENTRY.replace('RESPONSE', 'R2')}A。</p>"
    )  # fmt: skip
    both = '<sum><mapResponse identifier="R1"/><mapResponse identifier="R2"/></sum>'
    whole = f'<responseProcessing><setOutcomeValue identifier="SCORE">{both}</setOutcomeValue></responseProcessing>'
    return item(declared, body, rules or whole)


@every_version
def test_several_interactions_are_a_testlet_with_a_child_each(version: str) -> None:
    content = content_of(composite(), version)
    assert (content.type, content.stem, content.score) == ("testlet", "一台电动机停转。", 5)
    assert [(one.type, one.stem, one.key, one.score) for one in content.items] == [
        ("single_choice", "原因是", "B", 2),
        ("fill_in", "整定值是{{1}}A。", [["8"]], 3),
    ]


def test_a_composite_that_is_scored_as_a_whole_is_named() -> None:
    tests = "".join(
        f'<match><variable identifier="{one}"/><correct identifier="{one}"/></match>' for one in ("R1", "R2")
    )
    rules = (
        f"<responseProcessing><responseCondition><responseIf><and>{tests}</and><setOutcomeValue identifier='SCORE'>"
        "<baseValue baseType='float'>1</baseValue></setOutcomeValue></responseIf></responseCondition></responseProcessing>"
    )
    report = read(composite(rules))
    assert {one.code for one in report.losses} == {"qti_custom_scoring"}


def test_a_composite_with_a_part_that_has_no_home_is_named_as_a_whole() -> None:
    text = composite().replace("</itemBody>", '<sliderInteraction responseIdentifier="R3"/></itemBody>')
    assert [one.code for one in read(text).skipped] == ["qti_slider_interaction"]


def test_a_maximum_that_differs_from_what_the_key_earns_is_mentioned() -> None:
    outcome = '<outcomeDeclaration identifier="MAXSCORE" cardinality="single" baseType="float"><defaultValue><value>4</value></defaultValue></outcomeDeclaration>'
    report = read(item(response("single", "identifier", "A") + outcome, choices("A", "B"), MATCH))
    assert [one.code for one in report.warnings] == ["qti_max_score"]
    assert report.items[0].item.content.score == 1


def test_the_title_of_another_program_is_kept() -> None:
    text = item(response("single", "identifier", "A"), choices("A", "B")).replace('title=""', 'title="电工 01"')
    assert read(text).items[0].item.metadata == {"title": "电工 01"}
