"""Near-copies among many texts: the quick way against every pair, and tile by tile as in one piece."""

from __future__ import annotations

import random
import uuid

import numpy as np
import pytest
from rapidfuzz import fuzz, process

from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.rules import similarity
from qbank.rules.similarity import LEAST_SIMILARITY, NearIndex, near_pairs
from qbank.services import items, similar_index
from qbank.services.similar import similar_items
from tests.factories.standards import make_level
from tests.qbank.item_bank import choice, make_draft

PARTS = ("变频器", "断路器", "液压泵", "换热器", "减速机", "安全阀", "互感器", "空压机")
WORDS = ("额定电压", "绝缘电阻", "工作压力", "润滑油位", "接地电阻", "振动值", "介质温度", "响应时间")
RULES = (
    "应先断电并验电",
    "须由两人配合进行",
    "按规程逐项确认之后记录",
    "不得超过铭牌所标的数值",
    "可以继续运行到下次检修",
)


@pytest.fixture(scope="module")
def texts():
    """Five hundred texts; every tenth is an earlier one with some characters changed."""
    rng = random.Random(7)
    made: list[str] = []
    for n in range(500):
        if n % 10 == 9:
            made.append(
                "".join(sign if rng.random() > 0.08 else rng.choice("的一是在有和") for sign in rng.choice(made))
            )
        else:
            number = rng.randrange(2, 9999)
            made.append(
                f"{rng.choice(PARTS)}的{rng.choice(WORDS)}为{number}时{rng.choice(RULES)}{rng.choice(PARTS)}{n}"
            )
    return made


def by_all_pairs(texts: list[str], least: int) -> set[tuple[int, int]]:
    ratios = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=least, dtype=np.float32)
    return {(int(a), int(b)) for a, b in np.argwhere(ratios >= least) if a < b}


def test_every_close_copy_is_found_most_looser_ones_and_nothing_else(texts):
    found = {(pair.first, pair.second) for pair in near_pairs(texts)}
    wanted = by_all_pairs(texts, LEAST_SIMILARITY)
    assert by_all_pairs(texts, 85) <= found <= wanted
    assert len(found) >= 0.9 * len(wanted)


@pytest.mark.parametrize("n_new", [None, 1, 13, 100])
def test_small_tiles_find_what_one_large_tile_finds(texts, n_new, monkeypatch):
    whole = near_pairs(texts, n_new=n_new)
    assert whole
    monkeypatch.setattr(similarity, "TILE", 37)
    assert near_pairs(texts, n_new=n_new) == whole
    assert all(pair.first < pair.second and (n_new is None or pair.first < n_new) for pair in whole)


def test_few_and_empty_texts_are_no_trouble():
    assert near_pairs([]) == near_pairs(["一"]) == near_pairs(["", ""]) == near_pairs(["一二", "三四五六"]) == []


def test_an_index_finds_for_a_text_what_the_comparison_of_all_finds(texts):
    index = NearIndex(texts[1:])
    for place in range(0, 500, 50):
        asked = NearIndex([*texts[:place], *texts[place + 1 :]]).like(texts[place])
        wanted = {other for pair in by_all_pairs(texts, 85) for other in pair if place in pair and other != place}
        assert wanted <= {other + (other >= place) for other, _similarity in asked}
    assert index.like("") == index.like("没有任何相同之处的一句话") == NearIndex([]).like("一二三四") == []


def test_items_saved_and_thrown_away_since_the_index_was_made_count(session, make_actor, organisation):
    editor = make_actor(Role.EDITOR)
    level_id = make_level(organisation.organisation_id).standard_level_id
    first = make_draft(editor, level_id, choice("更换熔断器的熔体之前应先断开电源并验电（　）。"))
    asked = choice("更换熔断器的熔体之前，应当先断开电源并验电（　）。")
    assert [one.item.code for one in similar_items(session, editor, asked)] == [first.code]
    second = make_draft(editor, level_id, choice("更换熔断器的熔体之前必须先断开电源并验电（　）。"))
    assert {one.item.code for one in similar_items(session, editor, asked)} == {first.code, second.code}
    with unit_of_work(editor) as uow:
        items.remove_draft(uow, first.item_id)
    assert [one.item.code for one in similar_items(session, editor, asked)] == [second.code]
    with unit_of_work(editor) as uow:
        other = choice("离心泵启动前应关闭的是（　）。")
        items.update_item(uow, second.item_id, version=second.version, content=other)
    assert similar_items(session, editor, asked) == []


def test_the_index_is_made_anew_after_many_changes_and_only_few_are_kept(
    session, make_actor, monkeypatch, organisation
):
    editor = make_actor(Role.EDITOR)
    level_id = make_level(organisation.organisation_id).standard_level_id
    monkeypatch.setattr(similar_index, "MOST_FRESH", 2)
    asked = choice("更换熔断器的熔体之前应先断开电源并验电（　）。")
    for n in range(5):
        made = make_draft(editor, level_id, choice(f"更换熔断器的熔体之前应先断开电源并且验电{n}（　）。"))
        assert made.code in {one.item.code for one in similar_items(session, editor, asked, limit=9)}
    monkeypatch.setattr(similar_index, "MOST_ORGANISATIONS", 1)
    similar_index.find_candidates(session, uuid.uuid4(), "更换熔断器的熔体之前应先断开电源")
    assert editor.organisation_id not in similar_index._known
