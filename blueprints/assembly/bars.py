"""Rules that bar single items: exclusion, exposure, rest, extreme proportions, enemies of anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.text import Text, plain
from kernel.i18n import N_

BoolArray = NDArray[np.bool_]
BARS = ("exclude", "exposure", "cool_down", "p_value_items", "enemies[anchor]")
"""Names of the rules that bar items, in the order in which an explanation tries them."""


def find_bars(items: Sequence[PoolItem], blueprint: Blueprint, anchored: BoolArray) -> Mapping[str, BoolArray]:
    """Return for each rule that bars items which ones it bars; anchors are barred by none."""
    tests = {
        "exclude": _excluded(items, blueprint), "exposure": _overused(items, blueprint),
        "cool_down": _resting(items, blueprint), "p_value_items": _extreme(items, blueprint),
        "enemies[anchor]": _hostile(items, anchored) if anchored.any() else None,
    }  # fmt: skip
    return {name: np.array(test, dtype=bool) & ~anchored for name, test in tests.items() if test is not None}


def _excluded(items: Sequence[PoolItem], blueprint: Blueprint) -> list[bool] | None:
    sets = blueprint.limits.exclude_sets
    if not blueprint.exclude and not sets:
        return None
    return [item.id in blueprint.exclude or item.item_set in sets for item in items]


def _overused(items: Sequence[PoolItem], blueprint: Blueprint) -> list[bool] | None:
    limit = blueprint.max_n_used
    return None if limit is None else [item.n_used > limit for item in items]


def _resting(items: Sequence[PoolItem], blueprint: Blueprint) -> list[bool] | None:
    rule = blueprint.limits.cool_down
    return None if rule is None else [rule.bars(item.last_used) for item in items]


def _extreme(items: Sequence[PoolItem], blueprint: Blueprint) -> list[bool] | None:
    if blueprint.limits.p_range is None:
        return None
    low, high = blueprint.limits.p_range
    return [not low <= Decimal(str(item.p_value or 0.0)) <= high and not item.pretest for item in items]


def _hostile(items: Sequence[PoolItem], anchored: BoolArray) -> list[bool]:
    fixed = {item.id for item, is_fixed in zip(items, anchored, strict=True) if is_fixed}
    named = {name for item, is_fixed in zip(items, anchored, strict=True) if is_fixed for name in item.enemies}
    return [item.id in named or not fixed.isdisjoint(item.enemies) for item in items]


def bar_text(name: str, blueprint: Blueprint) -> Text:
    """Return what a bar says."""
    limits = blueprint.limits
    if name == "exclude":
        return Text(N_("排除指定的 %(count)s 题"), {"count": len(blueprint.exclude) or len(limits.exclude_sets)})
    if name == "exposure":
        return Text(N_("已使用超过 %(count)s 次的题不用"), {"count": blueprint.max_n_used})
    if name == "cool_down" and limits.cool_down is not None:
        return Text(N_("用过的题停用 %(days)s 天后再用"), {"days": limits.cool_down.days})
    if name == "p_value_items" and limits.p_range is not None:
        low, high = (plain(side) for side in limits.p_range)
        return Text(N_("只用通过率在 %(low)s 至 %(high)s 的题"), {"low": low, "high": high})
    return Text(N_("与锚题互斥的题不用"))
