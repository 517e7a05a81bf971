"""Formulas of items in Word: real ones, edited in Word's own editor, and the same item back."""

from __future__ import annotations

import io
from decimal import Decimal

import docx
from hypothesis import given, settings
from hypothesis import strategies as st

from item_templates.canonical import item_to_json
from item_templates.contract import CanonicalItem, Choice, ItemContent
from item_templates.formulas.omml import M
from qbank.interchange.convert import read_items, write_items
from tests.item_templates.formula_cases import CASES

ITEM = CanonicalItem(
    "G-1",
    ItemContent(
        "single_choice",
        r"电阻 \(R = \dfrac{U}{I}\)，其中 \(I &lt; 5\,\mathrm A\)，则 \(\unknown{x}\) <strong>最大</strong>为（　）。",
        (Choice("A", r"\(\frac12\ \Omega\)"), Choice("B", r"\(\sqrt 3\ \Omega\)")),
        key="B",
        explanation=r"由 \(U=IR\)。",
        rubric=({"text": r"写出 \(U=IR\)", "score": "1"},),
        score=Decimal(1),
    ),
)


def written(item: CanonicalItem) -> bytes:
    data, losses = write_items([item], "docx")
    assert losses == []
    return data


def read(data: bytes) -> CanonicalItem:
    report = read_items(data, "a.docx")
    assert report.error is None
    assert report.skipped == []
    return report.items[0].item


def test_formulas_stand_in_word_as_formulas_and_the_item_comes_back_as_it_was():
    data = written(ITEM)
    body = docx.Document(io.BytesIO(data)).element.body
    assert len(list(body.iter(f"{M}oMath"))) == 6
    assert len(list(body.iter(f"{M}f"))) == 2
    assert item_to_json(read(data)) == item_to_json(ITEM)


def test_a_formula_edited_in_word_is_the_only_thing_that_changes():
    document = docx.Document(io.BytesIO(written(ITEM)))
    letter = next(one for one in document.element.body.iter(f"{M}t") if one.text == "U")
    letter.text = "E"
    buffer = io.BytesIO()
    document.save(buffer)
    changed = read(buffer.getvalue())
    assert changed.content.stem.startswith(r"电阻 \(R=\frac{E}{I}\)，其中 \(I&lt;5\,\mathrm{A}\)，则 \(\unknown{x}\)")
    assert changed.content.choices == ITEM.content.choices
    assert changed.content.explanation == ITEM.content.explanation
    assert changed.content.key == "B"


def test_every_formula_of_the_table_survives_the_word_file():
    sources = [case[0].replace("&", "&amp;").replace("<", "&lt;") for case in CASES]
    items = [
        CanonicalItem(f"F-{number}", ItemContent("short_answer", rf"说明 \({source}\) 的含义。", key=["略"]))
        for number, source in enumerate(sources)
    ]
    data, losses = write_items(items, "docx")
    report = read_items(data, "a.docx")
    assert (losses, report.skipped) == ([], [])
    assert [item_to_json(one.item) for one in report.items] == [item_to_json(one) for one in items]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from([case[0] for case in CASES]), min_size=1, max_size=3),
    st.sampled_from(["，", " A. ", "（ ）"]),
)
def test_formulas_beside_labels_survive_the_word_file(sources, between):
    stem = between.join(rf"\({source}\)" for source in sources).replace("&", "&amp;").replace("<", "&lt;")
    item = CanonicalItem("F-2", ItemContent("short_answer", f"式 {stem}", key=["略"]))
    assert item_to_json(read(written(item))) == item_to_json(item)
