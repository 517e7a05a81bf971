"""Items for round trips: every registered type's example with any text in every place, and small tables."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import xlsxwriter
from hypothesis import assume
from hypothesis import strategies as st
from PIL import Image

from item_templates import registry
from item_templates.canonical import item_from_json
from item_templates.contract import CanonicalItem, Choice, ItemContent, Severity
from item_templates.markup import sanitise

SIGNS = "电压断路器 铁Fe1２。，；;|、（）()A.B.\n\t=+-@＝'\"<>&_x0041_#*答案：√×{}\\$°Ω　\xa0"
texts = st.text(SIGNS, min_size=1, max_size=24) | st.sampled_from(
    [
        "H<sub>2</sub>O",
        "a &lt; b",
        "<p>甲</p><p>乙</p>",
        "第一行<br>第二行",
        "1. 甲",
        "答案：B",
        "=1+1",
        "_x0041_",
        "_x005F_",
        "-5 ℃",
        "\\(x^2\\)",
        "（B）",
        "'引",
    ]
)
html = texts.map(sanitise)
words = st.text("铁铜Fe2 ", min_size=1, max_size=6).map(str.strip).filter(bool)


def example(name: str) -> CanonicalItem:
    return item_from_json(json.loads(registry.example_text(registry.get(name))))


def example_media(name: str) -> dict[str, bytes]:
    """Return the pictures that stand beside an example, by digest."""
    return {
        hashlib.sha256(path.read_bytes()).hexdigest(): path.read_bytes()
        for path in (registry.FOLDER / name).glob("*.png")
    }


def any_content(content: ItemContent, draw: st.DrawFn) -> ItemContent:
    choices = tuple(Choice(one.id, draw(html)) for one in content.choices)
    targets = tuple(Choice(one.id, draw(html)) for one in content.targets)
    rubric = tuple({**point, "text": draw(texts.map(str.strip))} for point in content.rubric)
    stem = sanitise(draw(texts) + content.stem + draw(texts))
    return replace(content, stem=stem, choices=choices, targets=targets, rubric=rubric, explanation=draw(html))


@st.composite
def items(draw: st.DrawFn, name: str) -> CanonicalItem:
    base = example(name)
    content = any_content(base.content, draw)
    found = registry.get(name).validate(content)
    assume(not any(one.severity is Severity.ERROR for one in found))
    return replace(
        base,
        content=content,
        points=tuple(draw(st.lists(st.sampled_from(["A-A-001", "B-C-012", "电工 基础"]), max_size=2, unique=True))),
        difficulty=draw(st.none() | st.integers(1, 5)),
        source=draw(texts),
        metadata=draw(st.dictionaries(words, texts | st.integers() | st.lists(words, max_size=2), max_size=2)),
    )


def picture(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(buffer, "PNG")
    return buffer.getvalue()


def with_picture(name: str = "m1", data: bytes | None = None) -> tuple[CanonicalItem, dict[str, bytes]]:
    data = data or picture()
    digest = hashlib.sha256(data).hexdigest()
    base = example("single_choice")
    medium = {"id": name, "digest": digest, "mime": "image/png", "alt": "电路图"}
    content = replace(base.content, stem=f'看图<br><img src="media:{name}" alt="电路图">', media=(medium,))
    return replace(base, content=content), {digest: data}


def workbook(sheets: dict[str, Sequence[Sequence[object]]], *, first_row: int = 0, first_column: int = 0) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"strings_to_formulas": False, "strings_to_numbers": False})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for index, row in enumerate(rows):
            for column, value in enumerate(row):
                if value != "":
                    sheet.write(first_row + index, first_column + column, value)
    book.close()
    return buffer.getvalue()


def choice_json(**changes: object) -> bytes:
    item: dict[str, object] = {
        "id": "1", "type": "single_choice", "stem": "安全色中红色表示（　）。", "key": "A", "score": 1,
        "choices": [{"id": "A", "content": "禁止"}, {"id": "B", "content": "指令"}],
    }  # fmt: skip
    return json.dumps({"items": [item | changes]}, ensure_ascii=False).encode()


ONE = Decimal(1)
