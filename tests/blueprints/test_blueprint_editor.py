"""The blueprint editor in the browser: refining weights, rows, the item search, supply per cell, two people at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from blueprints.models import ExamBlueprint
from blueprints.services import blueprints
from blueprints.services.stock import load_stock
from kernel.clock import today
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.rules.items import ItemStatus
from tests.blueprints.bank_cases import small_spec
from tests.blueprints.test_blueprint_pages import REST, TYPES


@pytest.fixture
def draft(bank, assembler):
    with unit_of_work(assembler) as uow:
        return blueprints.create_blueprint(
            uow, standard_level_id=bank.standard_level_id, name="四级蓝图", spec=small_spec()
        ).exam_blueprint_id


@pytest.fixture
def client(sign_in):
    return sign_in(Role.ASSEMBLER)


def fields(session, blueprint_id, **more):
    session.expire_all()
    return {"version": str(session.get_one(ExamBlueprint, blueprint_id).version)} | TYPES | REST | more


def shown(page, name):
    """Return what stands in a field of a page."""
    found = re.search(rf'<(?:input|textarea)[^>]*name="{re.escape(name)}"[^>]*>', page)
    value = re.search(r'value="([^"]*)"', found[0])
    return value[1] if value else None


def test_weights_are_refined_in_place_and_nothing_is_saved(client, draft, session):
    data = fields(
        session, draft, **{"weight-A-A": "", "weight-A-B": "", "weight-B-A": "", "weight-A": "45", "name": "改了名"}
    )
    page = client.post(f"/blueprints/{draft}/reshape", data=data | {"act": "weights-2"}).text
    assert [shown(page, f"weight-{code}") for code in ("A", "A-A", "A-B", "B", "B-A")] == ["45", "18", "27", "50", "50"]
    assert shown(page, "name") == "改了名"
    assert session.get_one(ExamBlueprint, draft).name == "四级蓝图"
    page = client.post(f"/blueprints/{draft}/reshape", data=data | {"act": "weights-outline"}).text
    assert [shown(page, f"weight-{code}") for code in ("A-A", "A-B", "B-A")] == ["20", "30", "50"]


def test_rounding_is_shown_in_words(client, draft, session):
    data = fields(session, draft, **{"weight-A-A": "", "weight-A-B": "", "weight-A": "41"})
    page = client.post(f"/blueprints/{draft}/reshape", data=data | {"act": "weights-2"}).text
    assert "按比例应为 16.4%，取整为" in page


def test_a_row_more_keeps_what_was_typed(client, draft, session):
    data = fields(session, draft, **{"cell-0-scope": "A-A", "cell-0-low": "3", "cell-1-low": ""})
    page = client.post(f"/blueprints/{draft}/reshape", data=data | {"act": "cell"}).text
    assert shown(page, "cell-0-low") == "3"
    assert shown(page, "cell-2-low") == ""


def test_all_kinds_of_rules_are_saved_and_read_in_words(client, draft, session):
    more = {
        "section-0-name": "职业道德", "section-0-scope": "A", "section-0-low": "10", "section-0-high": "10",
        "cell-0-scope": "A-A", "cell-0-type": "single_choice", "cell-0-low": "1", "cell-0-high": "3",
        "coverage-X": "2", "keys-true_false-min": "30", "keys-true_false-max": "70", "earlier-last": "2",
        "earlier-count": "6", "cool-days": "60", "reading-high": "5000", "minutes-low": "2", "minutes-high": "80",
        "include": "T-0000", "anchor": "T-0001", "anchor-scored": "no", "importance-X-max": "80",
    }  # fmt: skip
    answer = client.post(f"/blueprints/{draft}/edit", data=fields(session, draft, **more))
    assert answer.status_code == 303, re.findall(r"field-error[^<]*<[^<]*<[^<]*<[^<]*", answer.text)
    page = client.get(f"/blueprints/{draft}").text
    for words in (
        "职业道德：A 范围A 10 题", "单项选择题 1～3 题", "X 的鉴定点在 2 份试卷内全部考到", "与最近 2 份已封存的试卷最多重复 6 题",
        "上次使用满 60 天才抽", "不多于 5000 字", "2～80 分钟", "T-0000", "T-0001（不计分）", "不少于 30%，不多于 70%",
    ):  # fmt: skip
        assert words in page, words
    edit = client.get(f"/blueprints/{draft}/edit").text
    assert shown(edit, "earlier-count") == "6"


def test_supply_tells_reviewed_fresh_and_waiting_items_apart(client, draft, session, bank):
    codes = session.scalars(select(Item.item_id).where(Item.type == "single_choice").order_by(Item.code)).all()
    session.execute(update(Item).where(Item.item_id.in_(codes[:40])).values(n_used=1, last_used_on=today()))
    session.execute(
        update(Item).where(Item.item_id == codes[40]).values(
            status=ItemStatus.DRAFT, approved_version_id=None
        )
    )  # fmt: skip
    old = today() - timedelta(days=1000)
    session.execute(update(Item).where(Item.item_id == codes[41]).values(n_used=1, last_used_on=old))
    session.flush()
    page = client.post(f"/blueprints/{draft}/preview", data=fields(session, draft)).text
    total = page[page.index("<tfoot>") :]
    assert "已审 47" in total
    assert "新鲜 7" in total
    assert "待审 1" in total
    assert "新鲜题不足" in total


def test_rules_on_numbers_are_held_against_their_supply(client, draft, session):
    data = fields(session, draft, **{"importance-Z-min": "90", "difficulty-5-low": "2"})
    page = client.post(f"/blueprints/{draft}/preview", data=data).text
    assert "重要程度 Z" in page
    assert "难度 5" in page


def test_items_are_found_by_code_point_or_wording(client, draft, session):
    session.execute(update(Item).where(Item.code == "T-0004").values(search_text="操作前应当断电"))
    by_code = client.get(f"/blueprints/{draft}/items?item_search=T-0003").text
    assert 'data-code="T-0003"' in by_code
    assert "下列说法正确" not in by_code
    assert 'data-code="T-0004"' in client.get(f"/blueprints/{draft}/items?item_search=应当断电").text
    assert client.get(f"/blueprints/{draft}/items?item_search=A-B-").text.count('data-pick="include"') == 20
    assert "没有找到" in client.get(f"/blueprints/{draft}/items?item_search=不存在的词").text
    assert "data-pick" not in client.get(f"/blueprints/{draft}/items?item_search=").text


def test_of_two_editors_the_second_sees_what_the_first_saved_and_loses_nothing(client, sign_in, draft, session):
    first = fields(session, draft, name="甲的名称", max_per_point="3")
    second = fields(session, draft, name="乙的名称")
    assert client.post(f"/blueprints/{draft}/edit", data=first).status_code == 303
    other = sign_in(Role.ASSEMBLER)
    answer = other.post(f"/blueprints/{draft}/edit", data=second)
    assert answer.status_code == 409
    table = answer.text[answer.text.index("他人已保存的内容") :]
    assert "甲的名称" in table
    assert shown(answer.text, "name") == "乙的名称"
    again = second | {"version": shown(answer.text, "version")}
    assert other.post(f"/blueprints/{draft}/edit", data=again).status_code == 303
    session.expire_all()
    assert session.get_one(ExamBlueprint, draft).name == "乙的名称"


def test_a_new_blueprint_may_start_with_a_mix_in_use_elsewhere(client, bank, session):
    assert "单选 160、判断 40" in client.get("/blueprints/new").text
    data = {"standard_level_id": str(bank.standard_level_id), "mix": "halves", "name": "半分题"}
    assert client.post("/blueprints/new", data=data).status_code == 303
    row = session.scalars(select(ExamBlueprint).where(ExamBlueprint.name == "半分题")).one()
    assert [(rule["count"], rule["score_each"]) for rule in row.spec["types"]] == [(160, 0.5), (40, 0.5)]
    assert row.total_score == 100


def test_the_stock_is_that_of_the_pool(bank, assembler, session):
    stock = load_stock(session, assembler, bank.standard_level_id, {})
    assert sum(n for _item, n in stock.items) == 3 * 48
    assert len(load_stock(session, assembler, bank.standard_level_id, {"p_value": {"mean": {}}}).items) == 3 * 48
    assert {item.point[:3] for item, _n in stock.items} == {"A-A", "A-B", "B-A"}
