"""The pool as arrays, with what makes an item drawable and what it costs to draw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.pool import IMPORTANCE_LETTERS, PoolItem
from blueprints.assembly.weights import score_step

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

USE_COST = 4
"""Cost units of one earlier use; how recent the last use was adds 0 (never) to 3 (latest third)."""
DEFAULT_SCORE = Decimal(1)


@dataclass(frozen=True)
class Columns:
    """Items in the order of their ids, one array per attribute; codes are positions in the name tuples.

    `usable` leaves out what no rule-keeping form can hold; `excluded` and `overused` say which of those items a rule of
    the blueprint bars that could be relaxed.
    """

    items: tuple[PoolItem, ...]
    type_names: tuple[str, ...]
    type_code: IntArray
    point_names: tuple[str, ...]
    point_code: IntArray
    importance: IntArray
    difficulty: IntArray
    score: IntArray
    step: Fraction
    cost: IntArray
    excluded: BoolArray
    overused: BoolArray
    suited: BoolArray

    @property
    def usable(self) -> BoolArray:
        """Items that may be drawn."""
        return self.suited & ~self.excluded & ~self.overused

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each id stands."""
        return {item.id: index for index, item in enumerate(self.items)}

    @cached_property
    def sets(self) -> list[list[int]]:
        """Positions of the items of each shared stimulus."""
        groups: dict[str, list[int]] = {}
        for index, item in enumerate(self.items):
            if item.item_set:
                groups.setdefault(item.item_set, []).append(index)
        return list(groups.values())

    @cached_property
    def enemies(self) -> list[tuple[int, int]]:
        """Pairs of positions that must not stand together, each once, the smaller first."""
        named = [(index, item.enemies) for index, item in enumerate(self.items) if item.enemies]
        pairs = {
            (min(index, other), max(index, other))
            for index, ids in named
            for other in (self.position.get(name) for name in ids)
            if other is not None and other != index
        }
        return sorted(pairs)

    def floats(self, attribute: str, default: float = np.nan) -> FloatArray:
        """Return an optional float attribute as an array."""
        values = [getattr(item, attribute) for item in self.items]
        return np.array([default if value is None else value for value in values], dtype=np.float64)


def build_columns(pool: Iterable[PoolItem], blueprint: Blueprint) -> Columns:
    """Return the pool's arrays as this blueprint sees them."""
    items = tuple(sorted(pool, key=lambda item: item.id))
    type_names, type_code = _codes([item.type for item in items])
    point_names, point_code = _codes([item.point for item in items])
    step, score = _scores(items, blueprint)
    n_used = np.array([item.n_used for item in items], dtype=np.int64)
    difficulty = np.array([item.difficulty or 0 for item in items], dtype=np.int64)
    limit = blueprint.max_n_used
    return Columns(
        items=items,
        type_names=type_names,
        type_code=type_code,
        point_names=point_names,
        point_code=point_code,
        importance=_importance(items),
        difficulty=difficulty,
        score=score,
        step=step,
        cost=USE_COST * n_used + _recency(items),
        excluded=np.array([item.id in blueprint.exclude for item in items], dtype=bool),
        overused=n_used > limit if limit is not None else np.zeros(len(items), dtype=bool),
        suited=_suited(items, blueprint, type_names, type_code, difficulty),
    )


def _codes(names: Sequence[str]) -> tuple[tuple[str, ...], IntArray]:
    index: dict[str, int] = {}
    codes = np.array([index.setdefault(name, len(index)) for name in names], dtype=np.int64)
    return tuple(index), codes


def _importance(items: Sequence[PoolItem]) -> IntArray:
    code = {letter: number for number, letter in enumerate(IMPORTANCE_LETTERS, 1)}
    return np.array([code.get(item.importance, 0) for item in items], dtype=np.int64)


def _scores(items: Sequence[PoolItem], blueprint: Blueprint) -> tuple[Fraction, IntArray]:
    """Return the step of the scores and every item's score in steps."""
    by_type = blueprint.score_by_type
    pairs = [(item.type, None if by_type.get(item.type) is not None else item.score) for item in items]
    worth = {pair: _worth(by_type, *pair) for pair in set(pairs)}
    step = score_step(score for (name, _), score in worth.items() if name in by_type)
    in_steps = {pair: int(Fraction(score) / step) for pair, score in worth.items()}
    return step, np.array([in_steps[pair] for pair in pairs], dtype=np.int64)


def _worth(by_type: dict[str, Decimal | None], name: str, own: Decimal | None) -> Decimal:
    each = by_type.get(name)
    if each is not None:
        return each
    return DEFAULT_SCORE if own is None else own


def _recency(items: Sequence[PoolItem]) -> IntArray:
    """Return 0 for items never used, else 1 to 3 by the third of the days of last use that theirs falls in."""
    days = np.array([item.last_used.toordinal() if item.last_used else 0 for item in items], dtype=np.int64)
    if not days.any():
        return days
    distinct, rank = np.unique(days, return_inverse=True)
    first = 1 if distinct[0] == 0 else 0
    n_days = len(distinct) - first
    grade = 1 + 3 * (rank - first) // n_days
    return np.where(days == 0, 0, grade).astype(np.int64)


def _suited(
    items: Sequence[PoolItem], blueprint: Blueprint, names: Sequence[str], codes: IntArray, difficulty: IntArray
) -> BoolArray:
    """Tell items of a wanted type that carry every value a rule needs to judge them."""
    wanted = {rule.type for rule in blueprint.types if rule.count}
    suited = np.array([name in wanted for name in names], dtype=bool)[codes]
    if blueprint.needs_difficulty:
        suited &= difficulty > 0
    if blueprint.p_value_mean is not None:
        suited &= np.array([item.p_value is not None for item in items], dtype=bool)
    return suited
