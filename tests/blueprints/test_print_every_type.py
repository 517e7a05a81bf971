"""Every item type, as its example has it, is printed and proved in every format, the key as well."""

from __future__ import annotations

import io
import json
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

import item_templates
from blueprints.documents import pdf, proof, word
from blueprints.documents.layout import FormSheet, key_parts, printed_parts
from blueprints.documents.lettered import for_print
from blueprints.documents.scan_sheet import lay_out
from blueprints.rules.freezing import freeze_item
from blueprints.rules.packages import SlotContent
from item_templates import registry
from item_templates.canonical import item_from_json
from item_templates.markup import media_ids

SHEET = FormSheet("演示评价机构", "电工", "6-31-01-03", "四级/中级工", "A", "2018年版", 90, "100", "演示")
FOLDER = Path(item_templates.__file__).parent
NAMES = [one.name for one in registry.all_types()]


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (240, 160), "white").save(out, "PNG")
    return out.getvalue()


def slots_of(name: str) -> list[SlotContent]:
    content = item_from_json(json.loads((FOLDER / name / "example.json").read_text("utf-8"))).content
    return [
        SlotContent(
            part.part, 0, uuid.UUID(int=1), uuid.UUID(int=1), "A-A-001", part.score, part.content, place=1, part=part.part,
            seed=7, item_type=name,
        )
        for part in freeze_item(content, 7, Decimal(10))
    ]  # fmt: skip


def texts_of(slot: SlotContent) -> list[str]:
    content = slot.content
    return [content.stimulus, content.stem, content.explanation, *(one.content for one in content.choices)]


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_every_type_is_printed_as_it_is(name: str) -> None:
    plain = slots_of(name)
    given = {one: picture() for slot in plain for text in texts_of(slot) for one in media_ids(text)}
    slots, media = for_print(plain, given, with_key=False)
    parts = printed_parts(slots)
    shown = proof.pdf_text(pdf.form_pdf(SHEET, parts, media), foot=(SHEET.title, SHEET.foot))
    proof.check(proof.Proof(set(media)).form(SHEET, parts), shown)
    written = proof.docx_text(word.form_docx(SHEET, parts, media))
    proof.check(proof.Proof(set(media), is_word=True).form(SHEET, parts), written)
    assert {mark.slot for mark in lay_out(slots).marks if mark.slot} == {slot.slot for slot in slots}


@pytest.mark.parametrize("name", NAMES)
def test_the_key_of_every_type_is_printed_as_it_is(name: str) -> None:
    plain = slots_of(name)
    given = {one: picture() for slot in plain for text in texts_of(slot) for one in media_ids(text)}
    slots, media = for_print(plain, given, with_key=True)
    parts = key_parts(slots)
    shown = proof.pdf_text(pdf.key_pdf(SHEET, parts, media), foot=("机密　启用前", SHEET.foot))
    proof.check(proof.Proof(set(media)).key(SHEET, parts), shown)
    written = proof.docx_text(word.key_docx(SHEET, parts, media))
    proof.check(proof.Proof(set(media), is_word=True).key(SHEET, parts), written)
