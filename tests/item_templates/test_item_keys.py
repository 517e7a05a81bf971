"""Keys as they stand in real files: read when certain, refused when not."""

from __future__ import annotations

import pytest

from item_templates import registry
from item_templates.contract import Choice, ItemContent
from item_templates.findings import KeyTextError
from item_templates.keys import choice_keys
from tests.item_templates.item_contents import choices, targets

METALS = choices("铁", "铜", "铝", "锌和铅、锡")
SINGLE = ItemContent("single_choice", "?", METALS)
MULTIPLE = ItemContent("multiple_choice", "?", METALS)
JUDGE = ItemContent("true_false", "?")
LETTERED = ItemContent("true_false", "?", choices("对", "错"))
SWAPPED = ItemContent("true_false", "?", choices("错误", "正确"))
ONE_BLANK = ItemContent("fill_in", "{{1}}")
TWO_BLANKS = ItemContent("fill_in", "{{1}}{{2}}")
NUMBER = ItemContent("numeric", "?")
WORKED = ItemContent("calculation", "?")
ORDER = ItemContent("ordering", "?", choices("a", "b", "c"))
MATCH = ItemContent("matching", "?", METALS, targets=targets("x", "y", "z"))
LETTERS_AS_TEXT = ItemContent("single_choice", "?", (Choice("A", "B"), Choice("B", "C"), Choice("C", "D")))
NUMBERED = ItemContent("single_choice", "?", choices("1", "2", "3"))


def words(text: str) -> list[str]:
    return text.split()


READ = [
    (SINGLE, "B", "B"),
    (SINGLE, "ｂ", "B"),
    (SINGLE, "（B）", "B"),
    (SINGLE, "【答案】B。", "B"),
    (SINGLE, "答案：B", "B"),
    (SINGLE, "正确答案是：B", "B"),
    (SINGLE, " 铜 ", "B"),
    (SINGLE, "B.铜", "B"),
    (SINGLE, "B、铜", "B"),
    (SINGLE, "锌和铅、锡", "D"),
    (NUMBERED, "2", "B"),
    (MULTIPLE, "AC", ["A", "C"]),
    (MULTIPLE, "c,a", ["A", "C"]),
    (MULTIPLE, "Ａ，Ｃ", ["A", "C"]),
    (MULTIPLE, "A、C", ["A", "C"]),
    (MULTIPLE, "A;C；B", ["A", "B", "C"]),
    (MULTIPLE, "A C", ["A", "C"]),
    (MULTIPLE, "铁；锌和铅、锡", ["A", "D"]),
    (MULTIPLE, "铁、铜", ["A", "B"]),
    (MULTIPLE, "A.铁；B.铜", ["A", "B"]),
    *((JUDGE, text, True) for text in words("√ ✓ ✔ ✔️ 对 正确 是 T t TRUE Ｔ Yes Y 1 （√） 答案：正确")),
    *((JUDGE, text, False) for text in words("× ✗ ✘ ❌ X x 错 错误 否 F False N no 0 （×） 不正确 错。")),
    (LETTERED, "A", True),
    (LETTERED, "b", False),
    (SWAPPED, "A", False),
    (SWAPPED, "√", True),
    (ONE_BLANK, "铁|Fe", [["铁", "Fe"]]),
    (ONE_BLANK, "1,000", [["1,000"]]),
    (ONE_BLANK, "红、绿", [["红、绿"]]),
    (TWO_BLANKS, "铁|Fe；2", [["铁", "Fe"], ["2"]]),
    (TWO_BLANKS, "铁;2", [["铁"], ["2"]]),
    (TWO_BLANKS, "铁、铜", [["铁"], ["铜"]]),
    (TWO_BLANKS, "1,000，2,000", [["1,000"], ["2,000"]]),
    (TWO_BLANKS, "（1）铁（2）铜", [["铁"], ["铜"]]),
    (TWO_BLANKS, "①铁 ②铜", [["铁"], ["铜"]]),
    (TWO_BLANKS, "1.铁；2.铜", [["铁"], ["铜"]]),
    (TWO_BLANKS, "0.5；1.5", [["0.5"], ["1.5"]]),
    (TWO_BLANKS, "铁 铜", [["铁"], ["铜"]]),
    (TWO_BLANKS, '[["铁", "Fe"], ["2"]]', [["铁", "Fe"], ["2"]]),
    (NUMBER, "3.5", {"value": 3.5, "tolerance": 0, "unit": ""}),
    (NUMBER, "3.5±0.1 mm", {"value": 3.5, "tolerance": 0.1, "unit": "mm"}),
    (NUMBER, "3.5mm±0.1", {"value": 3.5, "tolerance": 0.1, "unit": "mm"}),
    (NUMBER, "3.4~3.6 mm", {"value": 3.5, "tolerance": 0.1, "unit": "mm"}),
    (NUMBER, "－２", {"value": -2, "tolerance": 0, "unit": ""}),
    (WORKED, "22 A", [{"value": 22, "tolerance": 0, "unit": "A"}]),
    (
        WORKED,
        "答：22A；4840±10 W",
        [{"value": 22, "tolerance": 0, "unit": "A"}, {"value": 4840, "tolerance": 10, "unit": "W"}],
    ),
    (WORKED, '[{"value": 2}]', [{"value": 2, "tolerance": 0, "unit": ""}]),
    (ORDER, "CAB", ["C", "A", "B"]),
    (ORDER, "c→a→b", ["C", "A", "B"]),
    (ORDER, "C、A、B", ["C", "A", "B"]),
    (MATCH, "A=1;B=3", {"pairs": [["A", "1"], ["B", "3"]]}),
    (MATCH, "A-1、B-3", {"pairs": [["A", "1"], ["B", "3"]]}),
    (MATCH, "A1 B3", {"pairs": [["A", "1"], ["B", "3"]]}),
]

REFUSED = [
    (SINGLE, ""),
    (SINGLE, "E"),
    (SINGLE, "AB"),
    (SINGLE, "银"),
    (SINGLE, "B.铁"),
    (SINGLE, "略"),
    (SINGLE, "2"),
    (LETTERS_AS_TEXT, "B"),
    (ItemContent("single_choice", "?"), "B"),
    (MULTIPLE, "AAB"),
    (MULTIPLE, "AE"),
    (MULTIPLE, "铁、银"),
    (JUDGE, "A"),
    (JUDGE, "B"),
    (JUDGE, ""),
    (JUDGE, "对错"),
    (JUDGE, "不一定"),
    (LETTERED, "C"),
    (ItemContent("true_false", "?", (Choice("T", "错"), Choice("F", "对"))), "T"),
    (ItemContent("fill_in", "没有空位"), "铁"),
    (ONE_BLANK, ""),
    (ONE_BLANK, "铁；铜"),
    (TWO_BLANKS, "铁"),
    (TWO_BLANKS, "铁；铜；铝"),
    (TWO_BLANKS, "铁、铜，铝"),
    (TWO_BLANKS, "铁；|"),
    (NUMBER, "大约三"),
    (NUMBER, "3.5或4"),
    (NUMBER, "3.5±"),
    (NUMBER, "3；4"),
    (NUMBER, "{3}"),
    (NUMBER, "3.6~3.4"),
    (WORKED, ""),
    (WORKED, "I=U/R=22 A"),
    (ORDER, "CA"),
    (ORDER, "CAA"),
    (MATCH, "A=9"),
    (MATCH, "A=1;A=1"),
    (MATCH, "乱写"),
    (ItemContent("essay", "?"), "参考答案"),
]


@pytest.mark.parametrize(("content", "text", "key"), READ)
def test_a_key_is_read(content, text, key):
    found = registry.get(content.type).parse_key(text, content)
    assert found == key
    assert type(found) is type(key)


@pytest.mark.parametrize(("content", "text"), REFUSED)
def test_an_uncertain_key_is_refused_in_chinese(content, text):
    with pytest.raises(KeyTextError) as refusal:
        registry.get(content.type).parse_key(text, content)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in str(refusal.value))
    assert "%(" not in str(refusal.value)


def test_a_long_reference_answer_becomes_a_scoring_point():
    content = ItemContent("short_answer", "?", score=5)
    text = "先断电，再验电，确认无电以后装设接地线，最后悬挂标示牌并装设遮栏。"
    answered = registry.get("short_answer").with_answer(content, f"答：{text}")
    assert answered.key is None
    assert answered.rubric == ({"text": text, "score": "5"},)


def test_a_short_accepted_answer_stays_a_key():
    answered = registry.get("short_answer").with_answer(ItemContent("short_answer", "?"), "铁|Fe")
    assert answered.key == ["铁", "Fe"]


def test_an_essay_keeps_its_reference_answer_as_a_scoring_point():
    answered = registry.get("essay").with_answer(ItemContent("essay", "?"), "参考答案：要点一")
    assert answered.rubric[0]["text"] == "要点一"


def test_a_worked_solution_becomes_a_scoring_step_and_a_bare_result_a_final_answer():
    worked = registry.get("calculation").with_answer(ItemContent("calculation", "?", score=5), "解：P=UI=220×2=440 W")
    assert (worked.key, worked.rubric) == (None, ({"text": "解：P=UI=220×2=440 W", "score": "5"},))
    bare = registry.get("calculation").with_answer(ItemContent("calculation", "?"), "440 W")
    assert (bare.key, bare.scoring) == ([{"value": 440, "tolerance": 0, "unit": "W"}], {"method": "final_answer"})


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("single_choice", ["A", "B"]),
        ("single_choice", 1),
        ("multiple_choice", {"A": 1}),
        ("true_false", "true"),
        ("fill_in", "铁"),
        ("fill_in", [[""]]),
        ("numeric", {"value": "x"}),
        ("numeric", True),
        ("short_answer", [1]),
        ("essay", ["x"]),
        ("matching", {"pairs": [["A"]]}),
        ("ordering", "CAB"),
        ("calculation", "二十二"),
        ("calculation", [{"unit": "A"}]),
    ],
)
def test_a_key_of_another_shape_is_refused(name, key):
    with pytest.raises(KeyTextError):
        registry.get(name).normalise_key(key)


@pytest.mark.parametrize(("text", "key"), [("mΩ", ["A"]), ("MΩ", ["B"]), ("ＭΩ", ["B"]), ("B. MΩ", ["B"])])
def test_an_option_text_is_meant_letter_by_letter_where_case_tells_options_apart(text, key):
    assert choice_keys(text, choices("mΩ", "MΩ", "kΩ")) == key


def test_a_key_in_a_case_that_no_option_has_is_not_guessed():
    with pytest.raises(KeyTextError):
        choice_keys("AB5c", choices("ab5c", "Ab5C", "x"))
