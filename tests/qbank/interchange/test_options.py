"""Options that stand together are taken apart when that is certain, and only then."""

from __future__ import annotations

import pytest

from qbank.interchange.options import split_options, split_stem, strip_label

FOUR = ["甲", "乙", "丙", "丁"]


@pytest.mark.parametrize(
    "cell",
    [
        "**A.甲**B.乙**C.丙**D.丁",
        "**A、甲 **B、乙 **C、丙 **D、丁 ",
        "A.甲##B.乙##C.丙##D.丁",
        "A 甲\nB 乙\nC 丙\nD 丁",
        "A．甲                 B. 乙       C.丙     D、丁",
        "A．甲    B. 乙\nC. 丙    D. 丁\n",
        "A 甲     \nB. 乙       \nC. 丙       \nD. 丁",
        "（A）甲（B）乙（C）丙（D）丁",
        "Ａ．甲 Ｂ．乙 Ｃ．丙 Ｄ．丁",
        "**A甲**B 乙**C丙**D 丁",
        "**A:甲**B：乙**C:丙**D: 丁\n \n",
        "**A.甲B.乙**C.丙**D.丁",
        "A.甲B.乙C.丙D.丁",
        "甲\n乙\n丙\n丁",
        "甲|乙|丙|丁",
        "甲##乙##丙##丁",
    ],
)
def test_every_usual_separator_divides_a_cell(cell: str) -> None:
    split = split_options(cell)
    assert [text for _, text in split.options] == FOUR
    assert [label for label, _ in split.options] == list("ABCD")
    assert split.certain


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("**A.30m**A**B.50m**A**C.100m**A**D.150 m**A", ["30mA", "50mA", "100mA", "150 mA"]),
        ("**A. 10**C.m**B. 30**C.m**C. 50**C.m**D. 20**C.m", ["10Cm", "30Cm", "50Cm", "20Cm"]),
        ("**A.12**B.3**6C.50** D.24", ["12", "36", "50", "24"]),
        ("**A.R**B.L**C.I**D.**C", ["R", "L", "I", "C"]),
        ("**A.U.V.W.N**B.U.V.N.W**C.U.N.V.W **D.N.U.V.W", ["U.V.W.N", "U.V.N.W", "U.N.V.W", "N.U.V.W"]),
        ("**A.G**A类**B.G**B类**C.G**C类", ["GA类", "GB类", "GC类"]),
        ("**A.维生素A**B.维生素E. 及其他", ["维生素A", "维生素E. 及其他"]),
        ("**A.碳Ｃ**B.硫Ｓ", ["碳Ｃ", "硫Ｓ"]),
    ],
)
def test_letters_inside_an_option_do_not_divide_it(cell: str, options: list[str]) -> None:
    split = split_options(cell)
    assert [text for _, text in split.options] == options
    assert split.certain


@pytest.mark.parametrize(
    "cell",
    [
        "**A.L**B.E**C.G**C.V",
        "**A.电流**A.≥总和**B.电压**C.电阻",
        "**A.1－2倍**B.1.5～3倍vC.3－4倍vD.1倍",
        "见下图 **A.甲**B.乙",
    ],
)
def test_a_cell_that_can_be_divided_in_two_ways_is_not_certain(cell: str) -> None:
    assert not split_options(cell).certain


def test_a_missing_letter_keeps_the_letters_of_the_others() -> None:
    assert split_options("**A.登记**C.整改**D.上报").options == [("A", "登记"), ("C", "整改"), ("D", "上报")]


def test_options_behind_the_stem_are_found() -> None:
    split = split_stem("安全色中红色表示（ ）。A.禁止 B.指令 C.警告")
    assert split.before == "安全色中红色表示（ ）。"
    assert [text for _, text in split.options] == ["禁止", "指令", "警告"]


@pytest.mark.parametrize("stem", ["电路中 A、B 两点之间的电位差叫（ ）。", "A. 这不是选项", "甲乙丙丁"])
def test_letters_in_a_stem_are_not_options(stem: str) -> None:
    assert split_stem(stem).options == []


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("（A）kg", "kg"),
        ("A．kg", "kg"),
        ("A kg", "kg"),
        ("Ampère", "Ampère"),
        ("B 相", "B 相"),
        ("A", "A"),
        ("（A）", ""),
    ],
)
def test_the_own_letter_is_taken_off_an_option(text: str, plain: str) -> None:
    assert strip_label("A", text) == plain
