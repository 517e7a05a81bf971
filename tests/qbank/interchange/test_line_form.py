"""Our own Word and text files: what is written reads back to the same items, whatever the texts hold."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from decimal import Decimal

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.canonical import item_from_json, item_to_json
from item_templates.contract import CanonicalItem
from item_templates.markup import sanitise
from qbank.interchange.docx_reader import read_docx
from qbank.interchange.docx_writer import write_docx, write_template
from qbank.interchange.groups import Group, gather, put_together
from qbank.interchange.interpret import interpret
from qbank.interchange.labelled import shown_item
from qbank.interchange.model import ConvertedItem, Notice, RawRecord
from qbank.interchange.text_reader import read_text
from qbank.interchange.text_writer import write_text
from tests.qbank.interchange.word_files import png

AWKWARD = [
    "1. 选择题（共2题）", "答案：B", "见B.附录 C.表", "（A）甲（B）乙", "【解析】甲", "第3题", "1-5 ABCDA", "二、判断题", "参考答案",
    "1.B 2.C", "（√）", "（5分）", "- 3 -", "难度：3 分值：2", "a<b", "&lt;b&gt;", "x  y", "{{1}}", "题目：丙", "附加信息：{}", '{"v": 1}',
    "注意事项", "铁|铜；金", "①甲", "A", "B、", "。", "\\(x^{2}<3\\)", "试题一 巡检", "【单选题】丁", "技能操作试题",
]  # fmt: skip
PIECES = st.one_of(st.sampled_from(AWKWARD), st.text("铁铜ABab12.、：；（）<&> \t\"'|。", min_size=1, max_size=12))
TAGGED = st.builds(
    lambda tag, text: f"<{tag}>{text}</{tag}>", st.sampled_from(["strong", "em", "u", "sub", "sup", "p"]), PIECES
)
BLOCKS = st.sampled_from(
    ["<br>", "<table><tbody><tr><td>甲</td><td>乙</td></tr></tbody></table>", "<ul><li>一</li><li>二</li></ul>"]
)
HTML = st.lists(st.one_of(PIECES, TAGGED, BLOCKS), min_size=1, max_size=5).map(
    lambda parts: sanitise("题" + "".join(parts))
)
WORDS = st.text("铁铜Feu12，。|；:答案A ", min_size=1, max_size=8).map(str.strip).filter(bool)


@st.composite
def json_items(draw: st.DrawFn) -> dict[str, object]:
    name = draw(st.sampled_from([one.name for one in registry.all_types()]))
    body = json.loads(registry.example_text(registry.get(name)))
    body["stem"] = draw(HTML) + ("".join(f" {{{{{n}}}}}" for n in range(1, 3)) if name == "fill_in" else "")
    body["explanation"] = draw(st.one_of(st.just(""), HTML))
    for choice in body.get("choices", []):
        choice["content"] = draw(HTML)
    for target in body.get("targets", []):
        target["content"] = draw(HTML)
    if name == "fill_in":
        body["key"] = [draw(st.lists(WORDS, min_size=1, max_size=3)) for _ in range(2)]
    body["difficulty"] = draw(st.one_of(st.none(), st.integers(1, 5)))
    if "items" not in body:  # the score of a testlet is that of its children
        body["score"] = draw(st.sampled_from([1, 2, 0.5]))
    body["points"] = draw(st.lists(st.sampled_from(["A-A-A-001", "B-C"]), max_size=2, unique=True))
    body["source"] = draw(st.sampled_from(["", "教材 第2页", "答案：甲"]))
    body["metadata"] = draw(st.dictionaries(st.sampled_from(["a", "备注"]), PIECES, max_size=2))
    body["media"] = []
    return body


def settled(items: list[CanonicalItem]) -> list[CanonicalItem]:
    """Give every item its own id, and take out blanks that the random text holds beside those of the type."""
    cleaned = []
    for index, item in enumerate(items):
        stem = item.content.stem
        if item.content.type == "fill_in":
            head, tail = stem[: stem.rindex("{{1}}")], stem[stem.rindex("{{1}}") :]
            stem = head.replace("{{1}}", "空") + tail
        cleaned.append(replace(item, id=f"q{index}", content=replace(item.content, stem=stem)))
    return cleaned


def written_and_read(items: list[CanonicalItem], form: str) -> list[CanonicalItem]:
    data, losses = (write_docx if form == "docx" else write_text)(items, {})
    assert not losses
    result = read_docx(data) if form == "docx" else read_text(data.decode())
    assert not result.skipped
    groups, orphans = gather(result.records)
    assert not orphans
    return [whole(group) for group in groups if group.record.item is not None]


def whole(group: Group) -> CanonicalItem:
    """Return the item of a record and of those that share its text."""

    def taken(record: RawRecord) -> tuple[ConvertedItem, list[Notice]]:
        assert record.item is not None
        return ConvertedItem(record.locator, record.item), []

    found = taken(group.record)
    return (put_together(group, found, taken) if group.parts else found)[0].item


@pytest.mark.parametrize("form", ["docx", "text"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(bodies=st.lists(json_items(), min_size=1, max_size=4))
def test_any_item_of_any_type_reads_back_the_same(form, bodies):
    items = settled([item_from_json(body) for body in bodies])
    assert [item_to_json(one) for one in written_and_read(items, form)] == [item_to_json(one) for one in items]


def example(name: str) -> CanonicalItem:
    return item_from_json(json.loads(registry.example_text(registry.get(name))))


def texts(data: bytes) -> list[str]:
    return [paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs]


def rewritten(data: bytes, before: str, after: str) -> bytes:
    """Return the document as an expert leaves it who replaces one paragraph's words."""
    document = docx.Document(io.BytesIO(data))
    paragraph = next(one for one in document.paragraphs if before in one.text)
    text = paragraph.text.replace(before, after)
    for run in paragraph.runs[1:]:
        run.text = ""
    paragraph.runs[0].text = text
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def read_one(data: bytes) -> CanonicalItem:
    return interpret(read_docx(data)).items[0].item


def test_a_key_changed_in_word_is_the_only_change_of_the_item():
    item = example("single_choice")
    read = read_one(rewritten(write_docx([item], {})[0], "答案：B", "答案：C"))
    assert read == replace(item, content=replace(item.content, key="C"))


def test_a_stem_changed_in_word_wins_over_the_hidden_copy():
    item = example("single_choice")
    item = replace(item, content=replace(item.content, stem="<p>铁是</p><p>什么（　）</p>"))
    assert read_one(rewritten(write_docx([item], {})[0], "铁是", "铜是")).content.stem == "铜是<br>什么（　）"


def test_a_partner_changed_in_word_is_read():
    item = example("matching")
    first = item.content.targets[0]
    read = read_one(rewritten(write_docx([item], {})[0], f"{first.id}＝{first.content}", f"{first.id}＝新的内容"))
    assert read.content.targets[0].content == "新的内容"
    assert read.content.key == item.content.key


def test_a_key_that_no_longer_fits_is_reported_and_not_imported():
    data = rewritten(write_docx([example("single_choice")], {})[0], "答案：B", "答案：Z")
    report = interpret(read_docx(data))
    assert not report.items
    assert report.skipped[0].code == "key_outside_options"


def test_an_item_added_by_hand_to_our_document_is_read_like_any_typed_item():
    document = docx.Document(io.BytesIO(write_docx([example("single_choice")], {})[0]))
    for text in ("2. 铁是（ ）", "A. 金属", "B. 气体", "答案：A", "难度：2"):
        document.add_paragraph(text)
    buffer = io.BytesIO()
    document.save(buffer)
    added = interpret(read_docx(buffer.getvalue())).items[1].item
    assert (added.content.type, added.content.key, added.difficulty) == ("single_choice", "A", 2)


def test_pictures_keep_their_name_their_words_and_their_bytes():
    data = png()
    digest = hashlib.sha256(data).hexdigest()
    body = json.loads(registry.example_text(registry.get("single_choice")))
    body["stem"] = '看图 <img src="media:m1" alt="电路图">'
    body["media"] = [{"id": "m1", "digest": digest, "mime": "image/png", "alt": "电路图"}]
    item = item_from_json(body)
    written, losses = write_docx([item], {digest: data})
    one = interpret(read_docx(written)).items[0]
    assert (losses, one.item, dict(one.media)) == ([], item, {"m1": data})


def test_a_picture_replaced_in_word_gets_its_own_digest():
    old, new = png("red"), png("blue")
    body = json.loads(registry.example_text(registry.get("single_choice")))
    digest = hashlib.sha256(old).hexdigest()
    body["stem"], body["media"] = (
        '图 <img src="media:m1">',
        [{"id": "m1", "digest": digest, "mime": "image/png", "alt": ""}],
    )
    written = write_docx([item_from_json(body)], {digest: new})[0]
    assert read_one(written).content.media[0]["digest"] == hashlib.sha256(new).hexdigest()


def test_a_picture_that_word_cannot_hold_is_a_named_loss():
    body = json.loads(registry.example_text(registry.get("true_false")))
    body["stem"], body["media"] = (
        '图 <img src="media:m1">',
        [{"id": "m1", "digest": "d", "mime": "image/webp", "alt": ""}],
    )
    _, losses = write_docx([item_from_json(body)], {"d": b"RIFF0000WEBPVP8 "})
    assert [loss.code for loss in losses] == ["picture"]


def test_text_names_the_pictures_it_cannot_contain():
    body = json.loads(registry.example_text(registry.get("true_false")))
    body["stem"], body["media"] = (
        '图 <img src="media:m1">',
        [{"id": "m1", "digest": "d", "mime": "image/png", "alt": ""}],
    )
    _, losses = write_text([item_from_json(body)], {})
    assert "m1" in losses[0].message


def test_the_empty_template_shows_every_type_and_holds_no_item():
    data = write_template()
    report = interpret(read_docx(data))
    shown = texts(data)
    assert report.found == 0
    for number, item_type in enumerate(registry.all_types(), 1):
        assert any(item_type.label in text for text in shown), number


def test_the_document_reads_well_in_chinese_fonts_with_the_exact_part_hidden():
    item = replace(example("single_choice"), content=replace(example("single_choice").content, score=Decimal(2)))
    document = docx.Document(io.BytesIO(write_docx([item], {})[0]))
    normal = document.styles["Normal"].element.rPr.rFonts
    assert {value for key, value in normal.attrib.items() if key.endswith("eastAsia")} == {"宋体"}
    hidden = [paragraph for paragraph in document.paragraphs if paragraph.text.startswith("附加信息")]
    assert hidden
    assert all(run.font.hidden for run in hidden[0].runs)
    assert [text for text in texts(write_docx([item], {})[0]) if text.startswith(("答案", "分值", "编号"))][
        1
    ] == "分值：2"


def test_what_lines_cannot_hold_is_shown_plainly():
    item = example("true_false")
    item = replace(item, content=replace(item.content, stem="<p>甲</p><ul><li>一</li><li>二</li></ul>"))
    assert shown_item(item).content.stem == "甲<br>一<br>二"
