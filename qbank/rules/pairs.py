"""Words and laws of pairs of items: where a suggestion comes from, what was decided, and who must not meet whom."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

Key = TypeVar("Key")
KEEP_APART_KEY = "qbank.pairs.keep_open_apart"
declare(
    RuleKey(
        KEEP_APART_KEY,
        default=True,
        label=N_("组卷时，查重找到、尚未认定为不同的相近题对不放进同一份试卷"),
        basis=N_("同一份试卷内不应有重复或互相提示的试题"),
    )
)


class PairOrigin(enum.StrEnum):
    """Why two items were put beside each other."""

    EXACT = "exact"
    NEAR = "near"
    SAME_POINT = "same_point"
    CLUE = "clue"
    PERSON = "person"


class PairState(enum.StrEnum):
    """What was decided about a pair."""

    OPEN = "open"
    DUPLICATE = "duplicate"
    ENEMY = "enemy"
    DIFFERENT = "different"


SUSPECT_ORIGINS = (PairOrigin.EXACT, PairOrigin.NEAR, PairOrigin.CLUE)
"""Suggestions that must not meet in a form until somebody has found the items to differ."""

COPY_ORIGINS = (PairOrigin.EXACT, PairOrigin.NEAR)
"""Suggestions that are copies: no form goes out with both items until somebody has found them to differ."""

ORIGIN_LABELS = {
    PairOrigin.EXACT: N_("内容相同"),
    PairOrigin.NEAR: N_("内容相近"),
    PairOrigin.SAME_POINT: N_("同一鉴定点，题干相近"),
    PairOrigin.CLUE: N_("题干透露另一题的答案"),
    PairOrigin.PERSON: N_("人工指定"),
}
ORIGIN_KINDS = {
    PairOrigin.EXACT: "danger",
    PairOrigin.NEAR: "warning",
    PairOrigin.SAME_POINT: "info",
    PairOrigin.CLUE: "info",
    PairOrigin.PERSON: "neutral",
}
STATE_LABELS = {
    PairState.OPEN: N_("待处理"),
    PairState.DUPLICATE: N_("重复"),
    PairState.ENEMY: N_("互斥"),
    PairState.DIFFERENT: N_("不同"),
}


def enemy_sets(pairs: Iterable[tuple[Key, Key, bool]]) -> dict[Key, frozenset[Key]]:
    """Return whom each item must not meet; items joined by transitive pairs are all each other's enemies.

    Examples
    --------
    >>> found = enemy_sets([("a", "b", True), ("b", "c", True), ("c", "d", False)])
    >>> sorted(found["a"]), sorted(found["c"]), sorted(found["d"])
    (['b', 'c'], ['a', 'b', 'd'], ['c'])
    """
    found: defaultdict[Key, set[Key]] = defaultdict(set)
    groups: dict[Key, set[Key]] = {}
    for one, other, is_transitive in pairs:
        found[one].add(other)
        found[other].add(one)
        if is_transitive:
            _join(groups, one, other)
    for key, group in groups.items():
        found[key] |= group - {key}
    return {key: frozenset(others) for key, others in found.items()}


def _join(groups: dict[Key, set[Key]], one: Key, other: Key) -> None:
    merged = groups.get(one, {one}) | groups.get(other, {other})
    for key in merged:
        groups[key] = merged


def within(enemies: Mapping[Key, Iterable[Key]], present: Iterable[Key]) -> dict[Key, tuple[Key, ...]]:
    """Return the enemies of those that are present, among those that are present."""
    here = set(present)
    return {key: tuple(other for other in enemies.get(key, ()) if other in here) for key in here}
