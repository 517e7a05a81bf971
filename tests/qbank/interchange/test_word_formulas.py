"""Formulas of items in Word: real ones, edited in Word's own editor, and the same item back."""

from __future__ import annotations

import hashlib
import io
import zipfile
from decimal import Decimal

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

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


def table(html: str) -> CanonicalItem:
    return CanonicalItem("T-1", ItemContent("short_answer", f"按下表计算。{html}", key=["略"]))


TALL = (
    '<table><tbody><tr><td rowspan="2">相别</td><td colspan="2">电压 \\(U\\)</td></tr>'
    "<tr><td>额定</td><td>实测</td></tr><tr><td>A</td><td>220 V</td><td>\\(\\frac{U}{2}\\)</td></tr></tbody></table>"
)


def test_a_table_with_tall_and_wide_cells_stands_in_word_as_one_and_comes_back():
    data = written(table(TALL))
    (found,) = docx.Document(io.BytesIO(data)).tables
    assert found.cell(0, 0).text == found.cell(1, 0).text == "相别"
    assert found.cell(1, 2).text == "实测"
    assert len(list(found._tbl.iter(f"{M}f"))) == 1
    assert item_to_json(read(data)) == item_to_json(table(TALL))


def test_a_tall_cell_of_a_foreign_document_is_kept():
    document = docx.Document()
    document.add_paragraph("1. 下表中漏电动作电流为（ ）mA。")
    grid = document.add_table(rows=2, cols=2)
    grid.cell(0, 0).merge(grid.cell(1, 0)).text = "手持工具"
    grid.cell(0, 1).text, grid.cell(1, 1).text = "干燥处", "潮湿处"
    for text in ("A. 30", "B. 100", "答案：A"):
        document.add_paragraph(text)
    buffer = io.BytesIO()
    document.save(buffer)
    stem = read(buffer.getvalue()).content.stem
    assert '<td rowspan="2">手持工具</td><td>干燥处</td></tr><tr><td>潮湿处</td></tr>' in stem


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from(["", "甲", "乙"])), min_size=1, max_size=3
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_table_survives_the_word_file(rows):
    cells = ["".join(f'<td colspan="{w}" rowspan="{h}">{text}</td>' for w, h, text in row) for row in rows]
    item = table(f"<table><tbody>{''.join(f'<tr>{row}</tr>' for row in cells)}</tbody></table>")
    assert item_to_json(read(written(item))) == item_to_json(item)


@pytest.mark.parametrize("fmt", ["docx", "xlsx"])
def test_a_picture_that_an_office_cannot_show_is_encoded_anew_and_named(fmt):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(buffer, "WEBP")
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    item = CanonicalItem(
        "W-1",
        ItemContent(
            "short_answer", '看图 <img src="media:p1" alt="接线图">', key=["略"],
            media=({"id": "p1", "digest": digest, "mime": "image/webp", "alt": "接线图"},),
        ),
    )  # fmt: skip
    made, losses = write_items([item], fmt, {digest: data})
    assert [one.code for one in losses] == ["picture_format"]
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert [name.rpartition(".")[2] for name in archive.namelist() if "/media/" in name] == ["png"]
    report = read_items(made, f"a.{fmt}")
    (medium,) = report.items[0].item.content.media
    assert (medium["mime"], medium["alt"]) == ("image/png", "接线图")
    assert report.items[0].media["p1"].startswith(b"\x89PNG")


@pytest.mark.parametrize("fmt", ["docx", "xlsx"])
def test_bytes_that_are_no_picture_are_left_out_and_named(fmt):
    item = CanonicalItem(
        "W-2",
        ItemContent(
            "short_answer", '看图 <img src="media:p1" alt="">', key=["略"],
            media=({"id": "p1", "digest": "0" * 64, "mime": "image/webp", "alt": ""},),
        ),
    )  # fmt: skip
    assert [one.code for one in write_items([item], fmt, {"0" * 64: b"RIFF\0\0\0\0WEBPVP8 broken"})[1]] == ["picture"]
