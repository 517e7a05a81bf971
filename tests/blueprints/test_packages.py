"""The two documents of a form: pictures travel with what candidates see, and only those."""

from __future__ import annotations

import base64
import uuid
from dataclasses import replace
from decimal import Decimal

from blueprints.rules.packages import FormHeader, SectionText, SlotContent, build_delivery, build_scoring
from blueprints.rules.sections import section_texts
from item_templates.contract import Choice, ItemContent

PICTURES = {"stem1": b"\x89PNG-stem", "choice1": b"\x89PNG-choice", "secret1": b"\x89PNG-secret"}
CONTENT = ItemContent(
    "multiple_choice", '看图 <img src="media:stem1" alt="电路">，正确的有（ ）。',
    (Choice("A", '<img src="media:choice1" alt="甲">'), Choice("B", "乙"), Choice("C", "以上都是")), key=["A", "B"],
    explanation='<img src="media:secret1" alt="答案">', scoring={"method": "exact"},
    media=tuple({"id": name, "digest": name, "mime": "image/png", "alt": "", "note": "暗号"} for name in PICTURES),
)  # fmt: skip
SLOT = SlotContent(1, 0, uuid.uuid4(), uuid.uuid4(), "A-A-001", Decimal("2.500"), CONTENT)
HEADER = FormHeader(uuid.uuid4(), "演示卷", "电工", "四级/中级工", Decimal("2.500"))


def read(name: str) -> tuple[bytes, str]:
    return PICTURES[name], "image/png"


def test_only_pictures_that_candidates_see_are_embedded() -> None:
    document = build_delivery(HEADER, [SectionText("一、多项选择题", "")], [SLOT], read)
    assert set(document["media"]) == {"stem1", "choice1"}
    assert base64.b64decode(document["media"]["stem1"]["data"]) == PICTURES["stem1"]
    assert document["media"]["stem1"]["mime"] == "image/png"
    assert "暗号" not in str(document)


def test_a_slot_says_how_it_is_answered_and_what_it_is_worth() -> None:
    slot = build_delivery(HEADER, [SectionText("一", "")], [SLOT], read)["slots"][0]
    assert (slot["multiple"], slot["may_shuffle"], slot["score"], slot["interaction"]) == (True, False, "2.5", "choice")


def test_scoring_carries_the_whole_content_and_names_the_delivery_it_belongs_to() -> None:
    document = build_scoring(HEADER.form_id, "d" * 64, [SLOT])
    assert document["delivery_digest"] == "d" * 64
    assert document["slots"][0]["content"]["key"] == ["A", "B"]
    assert document["slots"][0]["score"] == "2.5"
    assert document["slots"][0]["point"] == "A-A-001"


def test_parts_beyond_the_tenth_are_numbered_in_chinese_as_well() -> None:
    slots = [replace(SLOT, slot=number + 1, section=number) for number in (0, 9, 10, 11, 19)]
    titles = [one.title.partition("、")[0] for one in section_texts(slots)]
    assert titles == ["一", "十", "十一", "十二", "二十"]
