"""Printed forms: every word of every item stands in the file; formulas are set, or shown as source."""

from __future__ import annotations

import io
import re
import unicodedata
import uuid
from dataclasses import replace
from decimal import Decimal

import docx
import pytest
from docx.oxml.ns import qn
from pypdf import PdfReader

from blueprints.documents.layout import FormSheet, columns_for, key_parts, printed_parts, unknown_formulas
from blueprints.documents.pdf import form_pdf, key_pdf
from blueprints.documents.runs import rich
from blueprints.documents.word import form_docx, key_docx
from blueprints.rules.packages import SlotContent
from item_templates.contract import Choice, ItemContent
from item_templates.formulas.parser import FormulaError, parse_formula
from item_templates.markup import plain_text
from tests.blueprints.bank_cases import EXPLANATION, short_answer, single_choice, true_false

SHEET = FormSheet("演示评价机构", "电工", "6-31-01-03", "四级/中级工", "A", "2018年版", 90, "100", "演示")
FORMULA = ItemContent(
    "single_choice", r"导线电阻 \(R=\frac{\rho l}{S}\) 中，\(\rho\) 表示（ ）。",
    tuple(Choice(key, text) for key, text in zip("ABCD", ["电阻率", "电导率", "长度", "截面积"], strict=True)), key="A",
)  # fmt: skip
TABLE = ItemContent(
    "true_false", "<p>下表数据正确。</p><table><tr><th>相别</th><th>电压</th></tr><tr><td>U相</td><td>220V</td></tr></table>",
    key=True,
)  # fmt: skip
FILL = ItemContent("fill_in", "水的化学式是 {{1}}，CO<sub>2</sub> 是{{2}}。", key=[["H2O"], ["二氧化碳"]])
STRANGE = ItemContent("short_answer", r"说明 \(\begin{foo}a\\b\end{foo}\) 的含义 & 用途。", key=["略"])


def slots_of(*contents: ItemContent) -> list[SlotContent]:
    types = list(dict.fromkeys(content.type for content in contents))
    ordered = sorted(contents, key=lambda content: types.index(content.type))
    return [
        SlotContent(number, types.index(content.type), uuid.uuid4(), uuid.uuid4(), "A-A-001", Decimal(1), content)
        for number, content in enumerate(ordered, 1)
    ]


SLOTS = slots_of(
    *(single_choice(number) for number in range(30)), FORMULA, *(true_false(number) for number in range(25)), TABLE,
    FILL, short_answer(1), STRANGE,
)  # fmt: skip


def pdf_text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def docx_text(data: bytes) -> str:
    body = docx.Document(io.BytesIO(data)).element.body
    names = {qn("w:t"), "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"}
    return "".join(node.text or "" for node in body.iter() if node.tag in names)


def letters(text: str) -> str:
    """Words alone: no white space, brackets or blanks, no difference between forms of a character."""
    folded = unicodedata.normalize("NFKC", text)
    return re.sub(r"[\s()_.,。，:、]", "", folded)


def words_of(slot: SlotContent) -> list[str]:
    """The texts of an item between its formulas and blanks."""
    content = slot.content
    texts = [content.stem, *(choice.content for choice in content.choices)]
    pieces = [piece for text in texts for piece in re.split(r"\\\(.*?\\\)|\{\{\d\}\}|\n", plain_text(text))]
    return [word for piece in pieces for word in piece.split(" ") if letters(word)]


@pytest.mark.parametrize("make", [form_pdf, form_docx], ids=["pdf", "word"])
def test_every_word_of_every_item_is_printed(make: object) -> None:
    data = make(SHEET, printed_parts(SLOTS), {})  # type: ignore[operator]
    shown = letters(pdf_text(data) if make is form_pdf else docx_text(data))
    missing = [word for slot in SLOTS for word in words_of(slot) if letters(word) not in shown]
    assert missing == []
    for part in printed_parts(SLOTS):
        assert letters(part.heading) in shown


@pytest.mark.parametrize("make", [form_pdf, form_docx], ids=["pdf", "word"])
def test_a_printed_form_tells_no_key(make: object) -> None:
    data = make(SHEET, printed_parts(SLOTS), {})  # type: ignore[operator]
    shown = pdf_text(data) if make is form_pdf else docx_text(data)
    assert EXPLANATION not in shown
    assert "要点1" not in shown
    assert "标准答案" not in shown


def test_the_key_stands_apart_with_scoring_points() -> None:
    parts = key_parts(SLOTS)
    for shown in (pdf_text(key_pdf(SHEET, parts, {})), docx_text(key_docx(SHEET, parts, {}))):
        assert "标准答案与评分标准" in letters(shown)
        assert "要点1" in letters(shown)
        assert EXPLANATION in letters(shown)
    first = parts[0]
    assert [pair for row in first.rows for pair in row][:4] == [(1, "A"), (2, "B"), (3, "C"), (4, "D")]


def test_headings_number_items_through_all_parts() -> None:
    headings = [part.heading for part in printed_parts(SLOTS)]
    assert headings[0].startswith("一、单项选择题（第1题~第31题。")
    assert "每题1分，满分31分" in headings[0]
    assert headings[1].startswith("二、判断题（第32题~第57题。")


@pytest.mark.parametrize(
    ("texts", "columns"),
    [
        (["铁", "铜", "铝", "锌"], 4),
        (["检查电源是否断开", "检查工具", "检查仪表", "检查线路"], 4),
        (["先断开负荷开关再断开隔离开关", "先断隔离开关", "同时断开", "任意"], 2),
        (["这是一个很长很长的选项" * 4, "乙", "丙", "丁"], 1),
    ],
)
def test_options_stand_in_columns_by_their_length(texts: list[str], columns: int) -> None:
    content = ItemContent(
        "single_choice", "题", tuple(Choice(k, t) for k, t in zip("ABCD", texts, strict=True)), key="A"
    )
    assert columns_for(content, [(choice.id, rich(choice.content)) for choice in content.choices]) == columns


@pytest.mark.parametrize(
    "source",
    [
        r"\frac{1}{2}", r"x_1^2", r"\sqrt[3]{a+b}", r"\sin\theta\le 1", r"U=I\times R", r"\left(\frac{a}{b}\right)^{n}",
        r"\vec{F}=m\vec{a}", r"10^{-3}\ \mathrm{mm}", r"\overline{AB}\perp CD", r"\alpha+\beta=90^\circ", r"a\%",
    ],
)  # fmt: skip
def test_common_formulas_are_set_in_both_formats(source: str) -> None:
    parse_formula(source)
    slots = slots_of(ItemContent("short_answer", rf"式 \({source}\) 如何？", key=["略"]))
    parts = printed_parts(slots)
    assert unknown_formulas(parts) == []
    assert "\\" not in pdf_text(form_pdf(SHEET, parts, {}))
    assert "\\" not in docx_text(form_docx(SHEET, parts, {}))


@pytest.mark.parametrize("source", [r"\begin{foo}a\end{foo}", r"\frac{1}", "{a", "a}", r"\foo", "a^b^c", r"#eval(1)"])
def test_a_formula_outside_the_subset_is_printed_as_source_and_named(source: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(source)
    parts = printed_parts(slots_of(ItemContent("short_answer", rf"式 \({source}\) 如何？", key=["略"])))
    assert unknown_formulas(parts) == [1]
    assert letters(source) in letters(pdf_text(form_pdf(SHEET, parts, {})))


def test_texts_are_printed_as_they_are_and_never_run_as_markup() -> None:
    text = '#import "x" $a$ *b* _c_ @d <e> `f` \\n //g'
    slots = slots_of(ItemContent("short_answer", text.replace("<", "&lt;"), key=["略"]))
    shown = pdf_text(form_pdf(SHEET, printed_parts(slots), {}))
    assert letters('#import"x"$a$*b*') in letters(shown)
    assert letters("@d<e>`f`") in letters(shown)


@pytest.mark.parametrize(
    ("label", "said"),
    [("2018", "2018年版"), ("2018版", "2018年版"), ("2018年版", "2018年版"), ("2025演示版", "2025演示版")],
)
def test_the_notes_name_the_edition_as_the_standard_does(label: str, said: str) -> None:
    assert f"依据{said}《电工》" in replace(SHEET, edition=label).notes[0]
