"""The official layout: paper sizes, the sealed line, items kept whole, options in another order, and proof-reading."""

from __future__ import annotations

import dataclasses
import html
import io
import itertools
import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import docx
import pytest
from docx.oxml.ns import qn
from pypdf import PdfReader

from blueprints.documents import proof
from blueprints.documents.layout import FormSheet, columns_for, key_parts, printed_parts
from blueprints.documents.page_size import PAGE_SIZES
from blueprints.documents.pdf import form_pdf, key_pdf
from blueprints.documents.runs import rich
from blueprints.documents.scan_sheet import (
    BOTTOM,
    CORNER,
    HEIGHT,
    MOST_DIGITS,
    WIDTH,
    lay_out,
    scan_sheet_map,
    scan_sheet_pdf,
)
from blueprints.documents.word import form_docx, key_docx
from blueprints.rules.packages import SlotContent
from blueprints.rules.print_order import ALL, ALL_BUT_FIRST, KEEP, as_printed, is_shuffled, order_code, printed_ids
from item_templates.contract import Choice, ItemContent
from kernel.errors import InvalidInputError
from tests.blueprints.bank_cases import short_answer, true_false
from tests.item_templates.formula_cases import CASES

SHEET = FormSheet(
    "演示评价机构",
    "电工",
    "6-31-01-03",
    "四级/中级工",
    "B",
    "2018年版",
    90,
    "100",
    "张三 20261122",
    order_code="顺序 3F2A-91BC",
)
WORDS = ("先断开负荷开关再断开隔离开关", "先断开隔离开关", "同时断开", "任意次序")
STIMULUS = (
    "<p>" + "某车间的配电柜由一台变压器供电，" * 14 + "</p><table><tr><th>相别</th></tr><tr><td>甲相</td></tr></table>"
)


def choice(number: int, *, explanation: str = "", words: tuple[str, ...] = WORDS) -> ItemContent:
    choices = tuple(Choice(letter, f"{word}{number}") for letter, word in zip("ABCD", words, strict=True))
    return ItemContent("single_choice", f"第{number}道：操作次序为（ ）。", choices, key="B", explanation=explanation)


def matching() -> ItemContent:
    left = (Choice("A", "电流"), Choice("B", "电压"), Choice("C", "电阻"))
    right = (Choice("1", "安培"), Choice("2", "伏特"))
    return ItemContent("matching", "配对。", left, key={"pairs": [["A", "1"]]}, targets=right)


def slots_of(*contents: ItemContent, first: int = 1, section: int = 0, **more: object) -> list[SlotContent]:
    types = list(dict.fromkeys(content.type for content in contents))
    ordered = sorted(contents, key=lambda content: types.index(content.type))
    return [
        SlotContent(
            number, section + types.index(content.type), uuid.UUID(int=number), uuid.UUID(int=number), "A-A-001",
            Decimal(1), content, seed=number * 7919, **more,
        )
        for number, content in enumerate(ordered, first)
    ]  # fmt: skip


def testlet_slots(first: int) -> list[SlotContent]:
    children = [dataclasses.replace(choice(100 + number), stimulus=STIMULUS) for number in range(4)]
    slots = slots_of(*children, first=first, section=7)
    return [
        dataclasses.replace(slot, place=first, part=part, item_type="testlet", item_id=uuid.UUID(int=first))
        for part, slot in enumerate(slots, 1)
    ]


testlet_slots.__test__ = False  # type: ignore[attr-defined]
PLAIN = slots_of(
    *(choice(number) for number in range(45)),
    *(true_false(number) for number in range(20)),
    matching(),
    short_answer(1),
)
SLOTS = [*PLAIN, *testlet_slots(len(PLAIN) + 1)]


def proved(sheet: FormSheet, slots: list[SlotContent]) -> bytes:
    """Set a form as PDF, prove it, and return it."""
    parts = printed_parts(slots, sheet.page_size)
    data = form_pdf(sheet, parts, {})
    shown = proof.pdf_text(data, watermark=sheet.watermark, foot=(sheet.title, sheet.foot))
    proof.check(proof.Proof(set()).form(sheet, parts), shown)
    return data


@pytest.mark.parametrize(
    ("name", "width", "height", "columns"), [("a4", 210, 297, 1), ("b4", 364, 257, 2), ("a3", 420, 297, 2)]
)
def test_every_paper_has_its_size_and_shows_every_character(name: str, width: int, height: int, columns: int) -> None:
    sheet = dataclasses.replace(
        SHEET, page_size=PAGE_SIZES[name], watermark="草稿 张三", printed_at=datetime(2026, 11, 22, tzinfo=UTC)
    )
    page = PdfReader(io.BytesIO(proved(sheet, SLOTS))).pages[0]
    assert [round(float(side) * 25.4 / 72) for side in page.mediabox[2:]] == [width, height]
    starts = {round(x) for x in lefts_of_numbers(page)}
    assert len(starts) == columns


def place_of(cm: list[float], matrix: list[float]) -> tuple[float, float]:
    """Where a text stands, in points from the lower left."""
    x, y = matrix[4], matrix[5]
    return x * cm[0] + y * cm[2] + cm[4], x * cm[1] + y * cm[3] + cm[5]


def lefts_of_numbers(page: object) -> list[float]:
    """Where the lines begin that open with an item's number."""
    found: list[float] = []

    def visit(text: str, cm: list[float], matrix: list[float], *_font: object) -> None:
        if text.strip().split(".")[0].isdigit() and "道：" in proof.fold(text):
            found.append(place_of(cm, matrix)[0])

    page.extract_text(visitor_text=visit, orientations=(0,))  # type: ignore[attr-defined]
    return found


def test_the_sealed_line_stands_on_every_front_side_and_on_no_back() -> None:
    pages = PdfReader(io.BytesIO(proved(SHEET, SLOTS))).pages
    turned = [proof.fold(page.extract_text(orientations=(90, 270))) for page in pages]
    assert len(turned) >= 3
    for number, text in enumerate(turned, 1):
        assert ("准考证号" in text and "密" in text and "线" in text) == (number % 2 == 1)


def test_a_shared_text_stands_on_one_page_with_all_its_items() -> None:
    for n_before in range(24, 45, 10):
        slots = [*PLAIN[:n_before], *testlet_slots(n_before + 1)]
        pages = PdfReader(io.BytesIO(proved(SHEET, slots))).pages
        holding = [page for page in pages if "阅读材料" in page.extract_text()]
        assert len(holding) == 1
        text = proof.fold(holding[0].extract_text())
        assert all(f"第{100 + number}道" in text and f"任意次序{100 + number}" in text for number in range(4))


def test_a_shared_text_longer_than_a_page_is_printed_all_the_same() -> None:
    slots = [
        dataclasses.replace(s, content=dataclasses.replace(s.content, stimulus=STIMULUS * 12)) for s in testlet_slots(1)
    ]
    assert len(PdfReader(io.BytesIO(proved(SHEET, slots))).pages) >= 2


def test_no_item_is_split_between_pages() -> None:
    pages = [proof.fold(page.extract_text()) for page in PdfReader(io.BytesIO(proved(SHEET, PLAIN))).pages]
    for number in range(45):
        assert any(f"第{number}道：" in page and f"任意次序{number}" in page for page in pages)


def test_a_form_takes_the_same_pages_whoever_prints_it_and_however_its_options_stand() -> None:
    other = dataclasses.replace(SHEET, trace="欧阳锦绣 2026-11-22 23:59 " * 2, watermark="机密 欧阳锦绣", order_code="")
    turned = [dataclasses.replace(slot, seed=slot.seed + 1) for slot in PLAIN]
    laid = numbers_by_page(SHEET, PLAIN)
    assert numbers_by_page(other, as_printed(turned, shuffle=True)) == laid
    assert [number for page in laid for number in page] == [*range(45)]


def numbers_by_page(sheet: FormSheet, slots: list[SlotContent]) -> list[list[int]]:
    """Set a form as PDF and return the numbers of the items that begin on each page."""
    texts = [
        proof.fold(page.extract_text())
        for page in PdfReader(io.BytesIO(form_pdf(sheet, printed_parts(slots, sheet.page_size), {}))).pages
    ]
    return [[number for number in range(45) if f"第{number}道：" in text] for text in texts]


def test_a_word_file_has_columns_the_sealed_line_and_all_characters() -> None:
    sheet = dataclasses.replace(SHEET, page_size=PAGE_SIZES["b4"], watermark="草稿 张三")
    parts = printed_parts(SLOTS, sheet.page_size)
    data = form_docx(sheet, parts, {})
    proof.check(proof.Proof(set(), is_word=True).form(sheet, parts), proof.docx_text(data))
    section = docx.Document(io.BytesIO(data)).sections[0]
    assert round(section.page_width.mm) == 364
    assert section._sectPr.find(qn("w:cols")).get(qn("w:num")) == "2"
    front, back = section.header._element.xml, section.even_page_header._element.xml
    assert "准考证号" in front
    assert "准考证号" not in back
    assert "草稿 张三" in front
    assert "草稿 张三" in back
    assert "草稿 张三" not in docx.Document(io.BytesIO(form_docx(SHEET, parts, {}))).sections[0].header._element.xml


def test_in_word_a_set_keeps_together_and_lets_the_next_item_go() -> None:
    parts = printed_parts(testlet_slots(1), PAGE_SIZES["a4"])
    document = docx.Document(io.BytesIO(form_docx(SHEET, parts, {})))
    texts = {p.text: p.paragraph_format.keep_with_next for p in document.paragraphs if p.text}
    for table in document.tables:
        texts |= {
            cell.text: cell.paragraphs[0].paragraph_format.keep_with_next for row in table.rows for cell in row.cells
        }
    assert texts["A. 先断开负荷开关再断开隔离开关100"] is True
    assert texts["D. 任意次序102"] is True
    assert texts["D. 任意次序103"] in (None, False)


def test_two_tables_of_a_word_file_never_touch() -> None:
    table = "<p>下表哪一项正确？</p><table><tr><td>甲</td></tr></table>"
    slots = slots_of(dataclasses.replace(choice(1), stem=table), choice(2), true_false(1))
    body = docx.Document(io.BytesIO(form_docx(SHEET, printed_parts(slots), {}))).element.body
    kinds = [node.tag == qn("w:tbl") for node in body]
    assert sum(kinds) >= 5
    assert not any(one and two for one, two in itertools.pairwise(kinds))


def test_keys_are_proved_in_both_formats() -> None:
    parts = key_parts(SLOTS)
    shown = proof.pdf_text(key_pdf(SHEET, parts, {}), foot=("机密　启用前", SHEET.foot))
    proof.check(proof.Proof(set()).key(SHEET, parts), shown)
    proof.check(proof.Proof(set(), is_word=True).key(SHEET, parts), proof.docx_text(key_docx(SHEET, parts, {})))
    assert "3F2A-91BC的试卷配套" in shown


def test_formulas_of_every_kind_are_proved() -> None:
    contents = [
        ItemContent("short_answer", f"<p>前 \\({html.escape(source)}\\) 后</p>", key=["略"]) for source, *_rest in CASES
    ]
    slots = slots_of(*contents)
    proved(SHEET, slots)
    parts = printed_parts(slots)
    proof.check(proof.Proof(set(), is_word=True).form(SHEET, parts), proof.docx_text(form_docx(SHEET, parts, {})))


@pytest.mark.parametrize(
    ("wrong", "right"), [("同时断开7", "同时断开1"), ("第7道：", "第7道:"), ("D. 任意次序7", "D. 任意次序7（正确）")]
)
def test_a_character_that_differs_is_an_error_that_names_the_item(wrong: str, right: str) -> None:
    parts = printed_parts(PLAIN)
    shown = proof.pdf_text(form_pdf(SHEET, parts, {}), foot=(SHEET.title, SHEET.foot))
    changed = shown.replace(proof.fold(wrong), proof.fold(right), 1)
    assert changed != shown
    with pytest.raises(proof.PrintMismatchError, match=r"第 (8|9) 题"):
        proof.check(proof.Proof(set()).form(SHEET, parts), changed)


@pytest.mark.parametrize("change", [lambda text: text + "答案", lambda text: text[:-6]])
def test_nothing_may_be_added_or_missing_at_the_end(change: object) -> None:
    parts = printed_parts(PLAIN)
    shown = proof.pdf_text(form_pdf(SHEET, parts, {}), foot=(SHEET.title, SHEET.foot))
    with pytest.raises(proof.PrintMismatchError):
        proof.check(proof.Proof(set()).form(SHEET, parts), change(shown))  # type: ignore[operator]


def test_a_character_that_no_font_has_refuses_the_file_and_the_item_is_found() -> None:
    sheet = dataclasses.replace(SHEET, printed_at=datetime(2026, 11, 22, tzinfo=UTC))
    slots = slots_of(choice(1), ItemContent("single_choice", "古字\U00013000如何读？", choice(2).choices, key="A"))
    parts = printed_parts(slots)
    with pytest.raises(InvalidInputError) as caught:
        form_pdf(sheet, parts, {})
    assert proof.items_with(proof.Proof(set()).form(sheet, parts), caught.value.context["text"]) == [2]


# --- the order of options ---------------------------------------------------------------------------------------------


def test_options_change_places_and_the_key_goes_with_them() -> None:
    before = slots_of(*(choice(number) for number in range(12)))
    after = as_printed(before, shuffle=True)
    moved = 0
    for old, new in zip(before, after, strict=True):
        text_of = {one.id: one.content for one in new.content.choices}
        assert [one.id for one in new.content.choices] == list("ABCD")
        assert text_of[new.content.key] == next(c.content for c in old.content.choices if c.id == old.content.key)
        letters = printed_ids(old, new)
        assert letters[new.content.key] == old.content.key
        moved += [one.content for one in new.content.choices] != [one.content for one in old.content.choices]
    assert moved >= 8
    assert as_printed(before, shuffle=True) == after
    assert order_code(after) != order_code(before)


def test_several_keys_and_weights_go_with_their_options() -> None:
    content = ItemContent(
        "multiple_choice",
        "哪些正确？",
        choice(1).choices,
        key=["A", "C"],
        scoring={"weights": {"A": 0.5, "C": 0.5, "B": 0, "D": 0}},
    )
    (old,) = slots_of(content)
    (new,) = as_printed([old], shuffle=True)
    letters = printed_ids(old, new)
    assert {letters[key] for key in new.content.key} == {"A", "C"}
    assert {letters[key]: value for key, value in new.content.scoring["weights"].items()} == content.scoring["weights"]


@pytest.mark.parametrize(
    "content",
    [
        choice(1, explanation="选项 C 没有断电，所以选 B。"),
        choice(1, words=("先断电", "后断电", "不断电", "以上都对")),
        dataclasses.replace(choice(1), stem="与 A 相反的是（ ）。"),
        true_false(1),
        matching(),
    ],
)  # fmt: skip
def test_options_that_something_names_keep_their_places(content: ItemContent) -> None:
    slots = slots_of(content)
    assert as_printed(slots, shuffle=True) == slots


def test_the_rule_says_which_forms_are_shuffled() -> None:
    labels = ("", "A", "B", "C")
    assert [is_shuffled(ALL_BUT_FIRST, label) for label in labels] == [False, False, True, True]
    assert [is_shuffled(KEEP, label) for label in labels] == [False] * 4
    assert [is_shuffled(ALL, label) for label in labels] == [True] * 4


def test_narrow_columns_take_fewer_options_a_line() -> None:
    content = ItemContent("single_choice", "题", tuple(Choice(k, "检查电源断开了吗") for k in "ABCD"), key="A")
    texts = [(one.id, rich(one.content)) for one in content.choices]
    assert columns_for(content, texts, PAGE_SIZES["a3"].line_units) == 4
    assert columns_for(content, texts, PAGE_SIZES["b4"].line_units) == 2


# --- the answer sheet -------------------------------------------------------------------------------------------------


def test_an_answer_sheet_has_corners_a_number_grid_and_a_place_for_every_item() -> None:
    sheet = lay_out(SLOTS, digits=12)
    corners = [(m.page, m.x, m.y) for m in sheet.marks if m.kind == "corner" and m.width == CORNER]
    assert len(corners) == 4 * sheet.page
    numbers = [mark for mark in sheet.marks if mark.value.startswith("digit-")]
    assert len(numbers) == 120
    bubbles = [mark for mark in sheet.marks if mark.kind == "bubble" and mark.slot]
    boxes = [mark for mark in sheet.marks if mark.kind == "box" and mark.slot]
    assert {mark.slot for mark in bubbles} | {mark.slot for mark in boxes} == {slot.slot for slot in SLOTS}
    assert {m.value for m in bubbles if m.slot == 46} == {"true", "false"}
    assert {m.value for m in bubbles if m.slot == SLOTS[-1].slot} == set("ABCD")
    assert {m.value for m in boxes} == {"matching", "short_answer"}


@pytest.mark.parametrize("digits", [6, MOST_DIGITS])
def test_marks_of_an_answer_sheet_lie_on_the_page_and_never_on_each_other(digits: int) -> None:
    sheet = lay_out([*SLOTS, *slots_of(*(choice(n) for n in range(160)), first=100, section=9)], digits=digits)
    assert sheet.page >= 2
    marks = [mark for mark in sheet.marks if mark.kind in {"bubble", "corner"}]
    for mark in sheet.marks:
        assert mark.x >= 0
        assert mark.x + mark.width <= WIDTH
        assert mark.y + mark.height <= (HEIGHT if mark.kind == "corner" else BOTTOM + 0.01)
    ordered = sorted(marks, key=lambda mark: (mark.page, mark.y, mark.x))
    for one, two in itertools.pairwise(ordered):
        assert (one.page, one.y) != (two.page, two.y) or one.x + one.width < two.x


def test_the_printed_sheet_has_its_marks_where_the_map_says() -> None:
    before = slots_of(*(choice(number) for number in range(12)))
    after = as_printed(before, shuffle=True)
    laid_out = lay_out(after)
    letters = {old.slot: printed_ids(old, new) for old, new in zip(before, after, strict=True)}
    told = json.loads(scan_sheet_map(SHEET, laid_out, letters))
    place = next(m for m in told["marks"] if m.get("slot") == 1 and m.get("value") == "B")
    assert place["response"] == letters[1]["B"]
    assert told["page"] == {"width": WIDTH, "height": HEIGHT, "count": laid_out.page}
    page = PdfReader(io.BytesIO(scan_sheet_pdf(SHEET, laid_out))).pages[0]
    found: list[tuple[float, float]] = []

    def visit(text: str, cm: list[float], matrix: list[float], *_font: object) -> None:
        if text.strip() == "B":
            x, y = place_of(cm, matrix)
            found.append((x * 25.4 / 72, HEIGHT - y * 25.4 / 72))

    page.extract_text(visitor_text=visit)
    assert any(
        place["x"] < x < place["x"] + place["width"] and place["y"] < y < place["y"] + place["height"] for x, y in found
    )


def test_rows_of_scoring_points_stay_whole_so_that_marks_stand_beside_their_text() -> None:
    rubric = tuple({"text": f"第{n}个要点：" + "说明检查步骤和依据，" * 12, "score": "1"} for n in range(40))
    parts = key_parts(slots_of(ItemContent("essay", "论述。", key=None, rubric=rubric)))
    shown = proof.pdf_text(key_pdf(SHEET, parts, {}), foot=("机密　启用前", SHEET.foot))
    proof.check(proof.Proof(set()).key(SHEET, parts), shown)
