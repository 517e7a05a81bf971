"""Near-copies among many texts: the quick way against every pair, and tile by tile as in one piece."""

from __future__ import annotations

import random

import numpy as np
import pytest
from rapidfuzz import fuzz, process

from qbank.rules import similarity
from qbank.rules.similarity import LEAST_SIMILARITY, near_pairs

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
