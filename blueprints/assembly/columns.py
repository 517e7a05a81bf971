"""The pool as arrays, with what makes an item drawable and what it costs to draw it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import chain, compress
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from blueprints.assembly.bars import find_bars
from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.pool import IMPORTANCE_LETTERS, PoolItem
from blueprints.assembly.weights import score_step

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

USE_COST = 4
"""Cost units of one earlier use; how recent the last use was adds 0 (never) to 3 (latest third)."""
DEFAULT_SCORE = Decimal(1)

_T = TypeVar("_T", bound=Hashable)


@dataclass(frozen=True)
class Columns:
    """Items in the order of their ids, one array per attribute; codes are positions in the name tuples.

    `usable` leaves out what no rule-keeping form can hold; `bars` says by rule which of those items a rule of the
    blueprint bars that could be relaxed. `main` are the items that count for the rules of the form itself, `trial` those
    of the trial block, `anchors` those that stand in every form; `earlier` holds the items of the last forms, the
    latest first.
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
    bars: Mapping[str, BoolArray]
    suited: BoolArray
    main: BoolArray
    trial: BoolArray
    anchors: IntArray
    earlier: tuple[BoolArray, ...]

    @property
    def usable(self) -> BoolArray:
        """Items that may be drawn."""
        barred = np.zeros(len(self.items), dtype=bool)
        for bar in self.bars.values():
            barred |= bar
        return self.suited & ~barred

    @cached_property
    def scopes(self) -> dict[str, BoolArray]:
        """Which points lie in each scope that holds any."""
        inside: dict[str, list[int]] = {}
        for code, point in enumerate(self.point_names):
            parts = point.split("-")
            for depth in range(1, len(parts) + 1):
                inside.setdefault("-".join(parts[:depth]), []).append(code)
        masks = np.zeros((len(inside), len(self.point_names)), dtype=bool)
        for row, codes in enumerate(inside.values()):
            masks[row, codes] = True
        return dict(zip(inside, masks, strict=True))

    @cached_property
    def sets(self) -> list[list[int]]:
        """Positions of the items of each shared stimulus."""
        groups: dict[str, list[int]] = {}
        names = _values(self.items, "item_set")
        for index in compress(range(len(names)), names):
            groups.setdefault(names[index], []).append(index)
        return list(groups.values())

    @cached_property
    def enemies(self) -> IntArray:
        """Pairs of positions that must not stand together, a row each, once, the smaller first, in order."""
        named = _values(self.items, "enemies")
        indices = list(compress(range(len(named)), named))
        if not indices:
            return np.empty((0, 2), dtype=np.int64)
        lists = [named[index] for index in indices]
        names = list(chain.from_iterable(lists))
        wanted, ids = frozenset(names), _values(self.items, "id")
        position = {ids[index]: index for index in compress(range(len(ids)), map(wanted.__contains__, ids))}
        first = np.repeat(indices, list(map(len, lists)))
        second = np.array([position.get(name, -1) for name in names], dtype=np.int64)
        return ordered_pairs(first[second >= 0], second[second >= 0])

    @cached_property
    def parameters(self) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
        """Slope, difficulty and guessing of every item, zero where unknown, and which items have the first two."""
        slope, place, guess = (self.floats(name) for name in ("a", "b", "c"))
        known = np.isfinite(slope) & np.isfinite(place)
        a, b, c = (np.where(np.isnan(values), 0.0, values) for values in (slope, place, guess))
        return a, b, c, known

    def floats(self, attribute: str) -> FloatArray:
        """Return an optional float attribute as an array; not a number where an item has none."""
        return np.array(_values(self.items, attribute), dtype=np.float64)

    def codes(self, attribute: str) -> tuple[tuple[Any, ...], IntArray]:
        """Return the distinct values of an attribute, and where each item's stands among them."""
        return _codes(_values(self.items, attribute))


def ordered_pairs(first: IntArray, second: IntArray) -> IntArray:
    """Return pairs of different numbers, a row each, once, the smaller first, in order."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    width = int(high.max(initial=0)) + 1
    keys = np.unique((low * width + high)[low != high])
    return np.stack([keys // width, keys % width], axis=1)


def build_columns(pool: Iterable[PoolItem], blueprint: Blueprint) -> Columns:
    """Return the pool's arrays as this blueprint sees them."""
    items = tuple(sorted(pool, key=attrgetter("id")))
    type_names, type_code = _codes(_values(items, "type"))
    point_names, point_code = _codes(_values(items, "point"))
    step, score = _scores(items, blueprint, type_names, type_code)
    n_used = np.array(_values(items, "n_used"), dtype=np.int64)
    anchored, trial = _roles(items, blueprint)
    anchor, suited = blueprint.limits.anchor, _suited(items, blueprint, type_names, type_code, trial)
    levels, level_code = _codes(_values(items, "difficulty"))
    difficulty = np.array([level or 0 for level in levels], dtype=np.int64)[level_code]
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
        bars=find_bars(items, blueprint, anchored),
        suited=suited & ~anchored,
        main=~trial & ~anchored if anchor is not None and not anchor.scored else ~trial,
        trial=trial & ~anchored,
        anchors=np.nonzero(anchored)[0],
        earlier=tuple(_earlier(items, blueprint, trial | anchored)),
    )


def _roles(items: Sequence[PoolItem], blueprint: Blueprint) -> tuple[BoolArray, BoolArray]:
    """Return which items stand in every form and which are on trial."""
    trial = np.array(_values(items, "pretest"), dtype=bool)
    anchor = blueprint.limits.anchor
    if anchor is None:
        return np.zeros(len(items), dtype=bool), trial
    fixed = frozenset(anchor.items)
    return np.array([name in fixed for name in _values(items, "id")], dtype=bool), trial


def _earlier(items: Sequence[PoolItem], blueprint: Blueprint, is_apart: BoolArray) -> Iterable[BoolArray]:
    """Yield which items of the form itself stood in each of the last forms."""
    rule = blueprint.limits.earlier
    if rule is None and not blueprint.limits.coverage:
        return
    known = max([0, *(max(numbers) for numbers in _values(items, "earlier_forms") if numbers)])
    given = rule.forms if rule else ()
    for number in range(1, max(known, len(given)) + 1):
        ids = given[number - 1] if number <= len(given) else frozenset()
        stood = [item.id in ids or number in item.earlier_forms for item in items]
        yield np.array(stood, dtype=bool) & ~is_apart


def _values(items: Sequence[PoolItem], attribute: str) -> list[Any]:
    return list(map(attrgetter(attribute), items))


def _codes(values: Sequence[_T]) -> tuple[tuple[_T, ...], IntArray]:
    """Return the distinct values and where each value stands among them."""
    index: defaultdict[_T, int] = defaultdict()
    index.default_factory = index.__len__
    codes = np.fromiter(map(index.__getitem__, values), dtype=np.int64, count=len(values))
    return tuple(index), codes


def _importance(items: Sequence[PoolItem]) -> IntArray:
    number = {letter: code for code, letter in enumerate(IMPORTANCE_LETTERS, 1)}
    letters, codes = _codes(_values(items, "importance"))
    return np.array([number.get(letter, 0) for letter in letters], dtype=np.int64)[codes]


def _scores(
    items: Sequence[PoolItem], blueprint: Blueprint, type_names: Sequence[str], type_code: IntArray
) -> tuple[Fraction, IntArray]:
    """Return the step of the scores and every item's score in steps."""
    by_type = blueprint.score_by_type
    own: tuple[Decimal | None, ...] = (None,)
    own_code = np.zeros(len(items), dtype=np.int64)
    if None in by_type.values():
        own, own_code = _codes(_values(items, "score"))
    worth = [[_worth(by_type, name, score) for score in own] for name in type_names]
    known = [row for name, row in zip(type_names, worth, strict=True) if name in by_type]
    step = score_step(score for row in known for score in row)
    table = np.array([[int(Fraction(score) / step) for score in row] for row in worth], dtype=np.int64)
    return step, table[type_code, own_code] if len(items) else np.zeros(0, dtype=np.int64)


def _worth(by_type: dict[str, Decimal | None], name: str, own: Decimal | None) -> Decimal:
    each = by_type.get(name)
    if each is not None:
        return each
    return DEFAULT_SCORE if own is None else own


def _recency(items: Sequence[PoolItem]) -> IntArray:
    """Return 0 for items never used, else 1 to 3 by the third of the days of last use that theirs falls in."""
    dates, codes = _codes(_values(items, "last_used"))
    days = np.array([day.toordinal() if day else 0 for day in dates], dtype=np.int64)[codes]
    if not days.any():
        return days
    distinct, rank = np.unique(days, return_inverse=True)
    first = 1 if distinct[0] == 0 else 0
    n_days = len(distinct) - first
    grade = 1 + 3 * (rank - first) // n_days
    return np.where(days == 0, 0, grade).astype(np.int64)


def _suited(
    items: Sequence[PoolItem], blueprint: Blueprint, names: Sequence[str], codes: IntArray, trial: BoolArray
) -> BoolArray:
    """Tell items of a wanted type that carry every value a rule needs to judge them."""
    limits = blueprint.limits
    suited = _of_types(names, codes, {rule.type for rule in blueprint.types if rule.high})
    needs = {
        "difficulty": blueprint.needs_difficulty, "p_value": blueprint.needs_p_value, "seconds": limits.needs_seconds,
        "characters": limits.characters is not None,
    }  # fmt: skip
    for attribute in (name for name, needed in needs.items() if needed):
        suited &= np.array([value is not None for value in _values(items, attribute)], dtype=bool)
    keyed = _of_types(names, codes, {rule.type for rule in limits.keys})
    if keyed.any():
        suited &= ~keyed | np.array([bool(key) for key in _values(items, "key")], dtype=bool)
    pretest = limits.pretest
    if pretest is None:
        return np.asarray(suited & ~trial, dtype=bool)
    wanted = {name for name, count in pretest.types if count} or set(names)
    return np.asarray((suited & ~trial) | (_of_types(names, codes, wanted) & trial), dtype=bool)


def _of_types(names: Sequence[str], codes: IntArray, wanted: Iterable[str]) -> BoolArray:
    chosen = frozenset(wanted)
    known: BoolArray = np.array([name in chosen for name in names], dtype=bool)
    return np.asarray(known[codes], dtype=bool)
