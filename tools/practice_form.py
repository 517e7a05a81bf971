"""Write the form of the practice exam: ``python tools/practice_form.py``.

The items of `practice/items.json` become a form as every candidate's does: what item types say may be shown, rendered for
the player. No key leaves this file. A test compares what is kept with what this makes.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from blueprints.rules.packages import FormHeader, SectionText, SlotContent, build_delivery
from exam_delivery.rules.layout import CandidateFacts, FormRenderer, SessionFacts, make_layout
from exam_delivery.rules.leaving import TOOLS
from item_templates import registry
from item_templates.canonical import item_from_json
from item_templates.contract import CanonicalItem

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "tools/practice/items.json"
PICTURE = ROOT / "tools/practice/shapes.png"
TARGET = ROOT / "exam_delivery/practice/form.json"
NOBODY = uuid.UUID(int=0)
MINUTES = 15
TITLE = "考前练习（不计分）"
RULES = (
    "这是练习，答对答错都没有关系，也不保存任何内容。",
    "正式考试时，这里写着考场规则，请读完再继续。",
    "操作上有不明白的，正式考试时可以举手问监考员。",
)
PLEDGE = "正式考试时，这里是考生承诺。练习时打勾即可。"
HOW = {
    "single_choice": "每题只选一个答案",
    "multiple_choice": "每题可以选几个答案",
    "true_false": "认为对的选“正确”，认为不对的选“错误”",
    "fill_in": "点横线处的方框，写上答案",
    "numeric": "只写数字",
    "matching": "给左边的每一项选一个对应的",
    "ordering": "用按钮上下移动",
    "hotspot": "在图上点，也可以从下面选",
    "testlet": "先看材料，再答小题",
    "short_answer": "用自己的话写",
}


def items() -> list[CanonicalItem]:
    """Return the items with the digest of their picture."""
    body = json.loads(SOURCE.read_text(encoding="utf-8"))
    digest = hashlib.sha256(PICTURE.read_bytes()).hexdigest()
    for one in body["items"]:
        for medium in one.get("media", ()):
            medium["digest"] = digest
    return [item_from_json(one) for one in body["items"]]


def slots(chosen: list[CanonicalItem], sections: list[str]) -> Iterator[SlotContent]:
    """Yield the slots of the form; the children of a testlet follow each other."""
    number = 0
    for place, item in enumerate(chosen):
        for content in registry.get(item.content.type).freeze(item.content, 0):
            number += 1
            section = sections.index(item.content.type)
            yield SlotContent(number, section, NOBODY, NOBODY, "", Decimal(content.score), content, place)


def practice_form() -> dict[str, Any]:
    """Return the form as the player opens it."""
    chosen = items()
    types = list(dict.fromkeys(item.content.type for item in chosen))
    sections = [SectionText(registry.get(name).label, HOW[name]) for name in types]
    header = FormHeader(NOBODY, TITLE, "", "", sum((item.content.score for item in chosen), Decimal(0)))
    picture = PICTURE.read_bytes()
    delivery = build_delivery(header, sections, list(slots(chosen, types)), lambda _name: (picture, "image/png"))
    renderer = FormRenderer(delivery, SessionFacts("", TITLE, RULES, PLEDGE, "one", tools=tuple(TOOLS)))
    layout = make_layout(delivery, seed=0, shuffle_items=False, shuffle_choices=False)
    return renderer.render(layout, CandidateFacts("", "", "", "", 60 * MINUTES))


def text_of(form: dict[str, Any]) -> str:
    """Return the form as it is kept."""
    return json.dumps(form, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text_of(practice_form()), encoding="utf-8")
