"""Hotspot items on paper: letters on the picture where regions are chosen, nothing where a place is asked for."""

from __future__ import annotations

import io
import uuid
from dataclasses import replace
from decimal import Decimal

import pytest
from PIL import Image, ImageChops

from blueprints.documents.layout import FormSheet, key_parts, printed_parts
from blueprints.documents.lettered import for_print, lettered
from blueprints.documents.pdf import form_pdf, key_pdf
from blueprints.documents.word import form_docx, key_docx
from blueprints.rules.packages import SlotContent, delivery_slot
from item_templates import registry
from item_templates.contract import ItemContent
from item_templates.hotspot.pages import regions_of
from tests.blueprints.test_printed_forms import docx_text, pdf_text
from tests.item_templates.item_contents import example

PICTURE = registry.FOLDER.joinpath("hotspot", "example.png").read_bytes()
MEDIA = {"panel": PICTURE}
CHOOSE = example("hotspot")
POINT = replace(CHOOSE, parameters={**CHOOSE.parameters, "mode": "point"})
SHEET = FormSheet("演示机构", "电工", "6-31-01-03", "四级/中级工", "A", "2018年版", 90, "2")


def slot(content: ItemContent) -> SlotContent:
    return SlotContent(1, 0, uuid.uuid4(), uuid.uuid4(), "A-A-001", Decimal(2), content)


def changed_pixels(before: bytes, after: bytes) -> Image.Image:
    return ImageChops.difference(*(Image.open(io.BytesIO(one)).convert("RGB") for one in (before, after)))


def test_regions_to_choose_among_are_drawn_with_their_letters() -> None:
    (printed,), media = for_print([slot(CHOOSE)], MEDIA, with_key=False)
    assert 'src="media:lettered-1"' in printed.content.stem
    assert media["panel"] == PICTURE
    difference = changed_pixels(PICTURE, media["lettered-1"])
    width, height = difference.size
    for region in regions_of(CHOOSE.parameters).values():
        x, y = region.centre
        around = difference.crop(
            (x * width // 1000 - 8, y * height // 1000 - 10, x * width // 1000 + 8, y * height // 1000 + 10)
        )
        assert around.getbbox(), region.id
    assert difference.crop((0, 0, width, height // 4)).getbbox() is None


@pytest.mark.parametrize("file_format", ["pdf", "docx"])
def test_where_a_place_is_asked_for_the_form_shows_neither_regions_nor_names(file_format: str) -> None:
    slots, media = for_print([slot(POINT)], MEDIA, with_key=False)
    parts = printed_parts(slots)
    data = form_pdf(SHEET, parts, media) if file_format == "pdf" else form_docx(SHEET, parts, media)
    text = "".join((pdf_text(data) if file_format == "pdf" else docx_text(data)).split())
    assert "请在图上画×标出，共1处" in text
    assert "蘑菇头按钮" not in text.replace("黄底红色蘑菇头按钮和旋转开关", "")
    assert media == MEDIA


@pytest.mark.parametrize("file_format", ["pdf", "docx"])
@pytest.mark.parametrize("content", [CHOOSE, POINT])
def test_the_key_shows_the_picture_with_its_regions(content: ItemContent, file_format: str) -> None:
    slots, media = for_print([slot(content)], MEDIA, with_key=True)
    parts = key_parts(slots)
    data = key_pdf(SHEET, parts, media) if file_format == "pdf" else key_docx(SHEET, parts, media)
    text = "".join((pdf_text(data) if file_format == "pdf" else docx_text(data)).split())
    assert "急停按钮" in text
    assert "lettered-1" in slots[0].content.explanation
    assert lettered(PICTURE, list(regions_of(content.parameters).values()), ["C"]) == media["lettered-1"]
    assert media["lettered-1"] != for_print([slot(CHOOSE)], MEDIA, with_key=False)[1]["lettered-1"]


def test_other_items_and_missing_pictures_are_left_alone() -> None:
    other = ItemContent("true_false", "操作前应当断电。", key=True)
    assert for_print([slot(other)], MEDIA, with_key=True)[0][0].content == other
    assert for_print([slot(CHOOSE)], {"panel": b"no picture"}, with_key=False)[0][0].content == CHOOSE


def test_the_delivery_document_carries_regions_to_choose_and_hides_places() -> None:
    chosen, pointed = delivery_slot(slot(CHOOSE)), delivery_slot(slot(POINT))
    assert set(chosen["hotspot"]["regions"]) == {"A", "B", "C", "D"}
    assert len(chosen["choices"]) == 4
    assert pointed["hotspot"] == {"mode": "point", "picks": 1}
    assert pointed["choices"] == []
    assert chosen["may_shuffle"] is pointed["may_shuffle"] is False
