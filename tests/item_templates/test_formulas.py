"""Formulas: one subset, one tree, and the same formula after every way through LaTeX, Word, print and text."""

from __future__ import annotations

import io
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pypdf import PdfReader

from item_templates import registry
from item_templates.contract import ItemContent
from item_templates.formulas.latex import to_latex
from item_templates.formulas.omml import M, to_omml
from item_templates.formulas.omml_reader import read_omml
from item_templates.formulas.parser import FormulaError, parse_formula
from item_templates.formulas.pieces import formula_errors, normal_html, readable, split_formulas
from item_templates.formulas.plain import to_plain
from item_templates.formulas.symbols import ACCENTS, BIG, BINARY, FENCES, FUNCTIONS, GREEK, ORDINARY, RELATIONS, SPACES
from item_templates.formulas.tree import (
    Accent,
    Fence,
    Fraction,
    Function,
    Grid,
    Lined,
    Node,
    Number,
    Root,
    Row,
    Space,
    Text,
    attach,
    letter,
    over,
    row,
    single,
    symbol,
)
from item_templates.formulas.typst import to_typst
from kernel.typesetting import render_pdf
from tests.item_templates.formula_cases import CASES

SOURCES = [case[0] for case in CASES]


def test_the_table_is_long_enough_to_mean_something():
    assert len(CASES) >= 60


@pytest.mark.parametrize(("source", "latex", "_plain"), CASES, ids=SOURCES)
def test_a_formula_has_one_way_of_writing(source, latex, _plain):
    tree = parse_formula(source)
    assert to_latex(tree) == latex
    assert parse_formula(latex) == tree


@pytest.mark.parametrize(("source", "_latex", "plain"), CASES, ids=SOURCES)
def test_a_formula_reads_on_one_line(source, _latex, plain):
    assert to_plain(parse_formula(source)) == plain


@pytest.mark.parametrize("source", SOURCES)
def test_a_formula_goes_through_word_unchanged(source):
    tree = parse_formula(source)
    assert read_omml(etree.fromstring(etree.tostring(to_omml(tree)))) == tree


def test_letters_of_one_word_stay_together_in_word():
    runs = [run.findtext(f"{M}t") for run in to_omml(parse_formula("U=IR+abc")).iter(f"{M}r")]
    assert runs == ["U=IR+abc"]


def test_a_sum_and_a_function_take_their_operand_along():
    names = [one.tag[len(M) :] for one in to_omml(parse_formula(r"\sum_{i=1}^n x_i+\sin\alpha")) if one.tag != f"{M}r"]
    assert names == ["nary", "func"]


# --- trees made at random -------------------------------------------------------------------------------------------

LETTERS = st.builds(letter, st.sampled_from("abcxyzRUI"), st.sampled_from(["italic", "upright", "bold"]))
SIGNS = sorted({*BINARY.values(), *RELATIONS.values(), *ORDINARY.values(), *BIG.values(), *"=<>+()[],;|/!%#$_{}‖"})
LEAVES = st.one_of(
    LETTERS,
    st.builds(letter, st.sampled_from(sorted(GREEK.values()))),
    st.builds(Number, st.from_regex(r"[0-9]{1,3}(\.[0-9])?", fullmatch=True)),
    st.builds(symbol, st.sampled_from(SIGNS)),
    st.builds(Text, st.sampled_from(["功率", "点燃 ", "100%", "a_b{c}", "\\d^~&"])),
    st.builds(Space, st.sampled_from(sorted({sign for name, sign in SPACES.items() if name != "qquad"}))),
    st.builds(Function, st.sampled_from([*sorted(FUNCTIONS), "Var"])),
)


def rows_of(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Row]:
    return st.lists(nodes, min_size=1, max_size=3).map(row).filter(lambda one: one.parts)


def grown(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    rows = rows_of(children)
    base = st.lists(children, min_size=1, max_size=2).map(single)
    maybe = st.none() | rows
    sides = st.sampled_from(sorted(set(FENCES.values())))
    return st.one_of(
        st.builds(Fraction, rows, rows),
        st.builds(Root, rows, maybe),
        st.builds(attach, base, maybe, maybe),
        st.builds(over, rows, rows, is_above=st.booleans()),
        st.builds(Accent, st.sampled_from([*ACCENTS, "overrightarrow"]), rows),
        st.builds(Lined, st.sampled_from(["overline", "underline"]), rows),
        st.builds(Fence, sides, sides, rows),
        st.builds(Grid, st.sampled_from(["matrix", "lines"]), st.tuples(st.tuples(rows, rows), st.tuples(rows, rows))),
    )


TREES = rows_of(st.recursive(LEAVES, grown, max_leaves=12))


@settings(max_examples=120, deadline=None)
@given(TREES)
def test_every_tree_comes_back_from_its_latex(tree):
    assert parse_formula(to_latex(tree)) == tree


@settings(max_examples=120, deadline=None)
@given(TREES)
def test_every_tree_comes_back_from_word(tree):
    assert read_omml(etree.fromstring(etree.tostring(to_omml(tree)))) == tree


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab1^_{}\\ '&%.()[]功", max_size=40))
def test_any_text_is_a_tree_or_a_refusal_that_names_its_place(source):
    at, tree = None, None
    try:
        tree = parse_formula(source)
    except FormulaError as error:
        at = error.at
    if tree is None:
        assert at is not None
        assert 1 <= at <= len(source) + 1
    else:
        assert parse_formula(to_latex(tree)) == tree


# --- print ------------------------------------------------------------------------------------------------------------

SHEET = (
    '#import "kaoku.typ": *\n#import "form_parts.typ": formula\n#for one in data.formulas { formula(one); parbreak() }'
)


def test_typst_sets_every_formula_and_loses_no_letter(tmp_path):
    from blueprints.documents import pdf

    parts = (pdf._FOLDER / "form_parts.typ").read_text("utf-8")
    (tmp_path / "form_parts.typ").write_text(parts, "utf-8")
    (tmp_path / "main_formulas.typ").write_text(SHEET, "utf-8")
    trees = [parse_formula(source) for source in SOURCES]
    data = render_pdf(tmp_path / "main_formulas.typ", {"formulas": [to_typst(tree) for tree in trees]})
    shown = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    wanted = set("".join(to_plain(tree) for tree in trees))
    chinese = {sign for sign in wanted if "\u4e00" <= sign <= "\u9fff"} - set("向量")
    assert chinese <= set(shown)
    assert set("0123456789") <= set(shown)
    assert "\\" not in shown


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "at", "word"),
    [
        (r"a+\href{x}{y}", 3, r"不支持命令 \href"),
        (r"\frac{1}", 9, "缺少内容"),
        ("{a", 3, "不完整"),
        ("a}", 2, "多余"),
        ("a^b^c", 4, "一个上标"),
        ("a&b", 2, "矩阵"),
        ("50%", 3, "反斜杠"),
        (r"\text{a $b$}", 9, "文字里"),
        (r"\left(a\right", 14, "括号"),
        (r"\left<a\right>", 6, "括号"),
        (r"\begin{foo}a\end{foo}", 1, "不支持这种排列"),
        (r"\begin{cases}a\end{matrix}", 15, "名称不同"),
        ("x^2'", 4, "撇号"),
        (r"\def\a{b}", 1, r"\def"),
        ("{" * 40 + "}" * 40, 31, "嵌套"),
        ("x" * 2001, 2000, "2000"),
    ],
)
def test_a_refusal_says_where_and_what(source, at, word):
    with pytest.raises(FormulaError, match=re.escape(word)) as caught:
        parse_formula(source)
    assert caught.value.at == at


@pytest.mark.parametrize(
    ("html", "word"),
    [
        (r"\(U<sub>1</sub>\)", "格式标记"),
        (r"\(R={{1}}\)", "空不能放在公式里"),
        (r"\(a\le b\) 与 \(\foo\)", r"\foo"),
    ],
)
def test_a_formula_in_a_stem_is_complained_about(html, word):
    content = ItemContent("short_answer", html, key=["略"])
    found = [one for one in registry.get("short_answer").validate(content) if one.code == "unknown_formula"]
    assert len(found) == 1
    assert word in found[0].message
    assert found[0].field == "stem"


def test_a_formula_may_hold_signs_that_html_escapes():
    assert list(formula_errors(r"若 \(a&lt;b\)，则 \(\begin{matrix}1&amp;2\end{matrix}\)")) == []


def test_text_is_cut_at_its_formulas_and_read_without_them():
    text = r"电阻 \(R=\frac{U}{I}\) 与 \(\foo\)"
    assert split_formulas(text) == [(False, "电阻 "), (True, r"R=\frac{U}{I}"), (False, " 与 "), (True, r"\foo")]
    assert readable(text) == r"电阻 R=U/I 与 \(\foo\)"


@given(st.text(st.sampled_from("\\()a<"), max_size=40))
def test_formulas_are_the_shortest_pieces_between_their_signs(text):
    pieces = re.split(r"\\\((.*?)\\\)", text)
    wanted = [(n % 2 == 1, piece) for n, piece in enumerate(pieces) if piece]
    assert split_formulas(text) == wanted


@pytest.mark.parametrize(
    "text", ["\\(" * 100_000, "\\(" * 99_999 + "\\)", "\\(\\)" * 5_000 + "\\(" * 90_000, "\\(" + "<" * 199_990 + "\\)"]
)
def test_two_hundred_kilobytes_of_formula_signs_are_looked_through_at_once(text):
    begun = time.process_time()
    assert len(readable(text)) <= len(text) <= len(normal_html(text))
    assert len(list(formula_errors(text))) <= 50_000
    assert sum(len(piece) for _, piece in split_formulas(text)) <= len(text)
    content = ItemContent("short_answer", text, key=["是"])
    registry.get("short_answer").validate(content)
    assert time.process_time() - begun < 8
