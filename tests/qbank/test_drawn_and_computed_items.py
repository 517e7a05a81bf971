"""Hotspot and parametric items in the browser: written, previewed with other samples, submitted only when they hold."""

from __future__ import annotations

import io
import re

import pytest

from kernel.identity.permissions import Role
from qbank.models.items import Item, ItemVersion
from qbank.rules.items import ItemStatus
from tests.factories.standards import make_level
from tests.qbank.item_bank import picture

PROPERTIES = {"points": ["A-A-A-001 职业守则要点1"], "difficulty": "3", "source": "教材"}
PARAMETRIC = PROPERTIES | {
    "stem": "电压 [[U]] V，电阻 [[R]] Ω，求电流。", "score": "1", "shape": "numeric", "answer_expressions": "U/R",
    "answer_decimals": "1", "answer_tolerance": "0.1", "answer_unit": "A", "variable_name": ["U", "R", ""],
    "variable_minimum": ["200", "", ""], "variable_maximum": ["240", "", ""], "variable_step": ["5", "", ""],
    "variable_values": ["", "10, 20, 40", ""], "variable_decimals": ["", "", ""], "act": "submit",
}  # fmt: skip


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def author(make_user, sign_in, level_id):
    return sign_in(user=make_user(Role.AUTHOR))


def hotspot_form(stem: str, **more: object) -> dict[str, object]:
    return PROPERTIES | {
        "stem": stem, "score": "1", "mode": "regions", "picks": "1", "choice_id": ["A", "B", "C"],
        "choice": ["左边的按钮", "右边的按钮", ""], "shape": ["rect", "ellipse", "rect"],
        "coords": ["0 0 400 400", "700,500,100,100", ""], "key": "B", "act": "submit",
    } | more  # fmt: skip


def test_a_parametric_item_is_written_and_submitted(author, session, level_id):
    address = f"/items/new?type=parametric&level={level_id}"
    assert 'name="variable_minimum"' in author.get(address).text
    assert author.post(address, data=PARAMETRIC).status_code == 303
    item, version = session.query(Item).one(), session.query(ItemVersion).one()
    assert item.status is ItemStatus.IN_REVIEW
    assert version.content["parameters"]["variables"][1] == {"name": "R", "values": ["10", "20", "40"]}
    address = f"/items/{item.item_id}?tab=key"
    shown = author.get(address).text
    assert "样题（第 0 到第 4 个）" in shown
    assert "?tab=key&amp;samples=5" in shown
    assert "样题（第 5 到第 9 个）" in author.get(f"{address}&samples=5").text
    assert author.get(f"{address}&samples=many").status_code == 200
    assert "[[U]]" not in author.get(f"/items/{item.item_id}").text.partition("<main")[2].partition("tex-scope")[2]


def test_a_parametric_item_with_a_bad_instance_is_not_submitted(author, session, level_id):
    bad = PARAMETRIC | {"variable_values": ["", "0, 10, 20", ""]}
    answer = author.post(f"/items/new?type=parametric&level={level_id}", data=bad)
    assert answer.status_code == 422
    assert "R = 0" in answer.text
    assert "除数为 0" in answer.text
    assert session.query(Item).count() == 0


def test_the_preview_shows_five_samples_and_others_on_demand(author, level_id):
    address = f"/items/preview?type=parametric&level={level_id}"
    first = author.post(address, data=PARAMETRIC).text
    other = author.post(address, data=PARAMETRIC | {"samples": "5"}).text
    keys = re.compile(r'item-key-text">([\d.]+ A)')
    assert len(keys.findall(first)) == len(keys.findall(other)) == 5
    assert keys.findall(first) != keys.findall(other)


def test_a_hotspot_item_is_written_with_its_picture_and_shows_its_regions(author, session, level_id):
    sent = {"image": (io.BytesIO(picture()), "x.png"), "image_alt": "面板"}
    markup = author.post("/items/pictures", data=sent).json["markup"]
    address = f"/items/new?type=hotspot&level={level_id}"
    assert 'data-controller="hotspot-editor"' in author.get(address).text
    assert author.post(address, data=hotspot_form("找出按钮" + markup)).status_code == 303
    item, version = session.query(Item).one(), session.query(ItemVersion).one()
    assert version.content["parameters"]["regions"]["B"] == {"shape": "ellipse", "coords": [700, 500, 100, 100]}
    assert version.content["media"][0]["alt"] == "面板"
    shown = author.get(f"/items/{item.item_id}?tab=key").text
    assert '<ellipse class="hotspot-shape hotspot-key" cx="700" cy="500" rx="100" ry="100">' in shown


def test_a_hotspot_item_without_a_picture_is_not_submitted(author, session, level_id):
    answer = author.post(f"/items/new?type=hotspot&level={level_id}", data=hotspot_form("找出按钮"))
    assert answer.status_code == 422
    assert "题干里没有图片" in answer.text
    assert session.query(Item).count() == 0


def test_the_api_carries_parameters_regions_and_pictures(author, session, level_id):
    sent = {"image": (io.BytesIO(picture()), "x.png"), "image_alt": "面板"}
    markup = author.post("/items/pictures", data=sent).json["markup"]
    regions = {"A": {"shape": "rect", "coords": [0, 0, 400, 400]}, "B": {"shape": "rect", "coords": [600, 0, 900, 400]}}
    body = {
        "standard_level_id": str(level_id), "type": "hotspot", "stem": "找出按钮" + markup, "key": ["A"],
        "choices": [{"id": "A", "content": "左"}, {"id": "B", "content": "右"}], "points": ["A-A-A-001"],
        "parameters": {"mode": "point", "picks": 1, "regions": regions},
    }  # fmt: skip
    made = author.post("/api/v1/items", json=body)
    assert made.status_code == 201, made.text
    assert made.json["parameters"]["regions"] == regions
    assert session.query(ItemVersion).one().content["media"][0]["alt"] == "面板"
    one = author.get(f"/api/v1/items/{made.json['item_id']}").json
    assert one["parameters"] == body["parameters"]
    wrong = author.post("/api/v1/items", json=body | {"type": "parametric", "key": "A"})
    assert (wrong.status_code, list(wrong.json["details"]["fields"])) == (422, ["key"])


def test_a_picture_without_words_may_be_saved_and_not_submitted(author, session, level_id):
    sent = {"image": (io.BytesIO(picture()), "x.png"), "image_alt": ""}
    markup = author.post("/items/pictures", data=sent).json["markup"]
    address = f"/items/new?type=hotspot&level={level_id}"
    refused = author.post(address, data=hotspot_form("找出按钮" + markup))
    assert refused.status_code == 422
    assert "没有替代文字" in refused.text
    assert author.post(address, data=hotspot_form("找出按钮" + markup, act="save")).status_code == 303
    item = session.query(Item).one()
    assert author.post(f"/items/{item.item_id}/submit", data={}).status_code in {303, 409, 422}
    session.expire_all()
    assert session.query(Item).one().status is ItemStatus.DRAFT
