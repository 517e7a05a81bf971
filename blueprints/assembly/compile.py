"""Compile a blueprint and a pool to a model: linear rows over classes of interchangeable units.

A unit is an item, or the items of one shared stimulus. Units with equal coefficients in every row form a class, so the
model has as many columns as there are different kinds of items, not as many as there are items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain

import numpy as np
from scipy import sparse

from blueprints.assembly.bars import bar_text
from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.classes import find_classes
from blueprints.assembly.columns import BoolArray, Columns, FloatArray, IntArray, ordered_pairs
from blueprints.assembly.further_rows import further_rows, joint_rows, trial_rows
from blueprints.assembly.rows import Row, single_rows, size_row
from blueprints.assembly.text import Text, plain
from kernel.i18n import N_

CAPS = {
    "max_per_point": N_("每个鉴定点最多 %(count)s 题"),
    "pretest_max_per_point": N_("试测题中每个鉴定点最多 %(count)s 题"),
}


@dataclass(frozen=True)
class Options:
    """What a compilation adds or leaves out.

    Attributes
    ----------
    usable : bool array or None
        Items that may be drawn; None takes what the blueprint allows.
    with_sets, with_enemies : bool
        Keep shared stimuli whole; give units with enemies columns and rows of their own.
    with_bars : bool
        Write what the blueprint takes for granted as rows too: the form's size and score, exclusion, exposure.
    each_alone : bool
        Give every unit a column of its own.
    marks : sequence of bool arrays
        Further attributes by which classes differ.
    earlier : sequence of position arrays
        Forms already made, with which the next may share `max_overlap` items.
    n_forms : int
        How many forms rules on several forms together are about; 0 leaves those rules out.
    seed : int
        Orders units and classes of equal cost.
    """

    usable: BoolArray | None = None
    with_sets: bool = True
    with_enemies: bool = False
    with_bars: bool = False
    each_alone: bool = False
    marks: Sequence[BoolArray] = ()
    earlier: Sequence[IntArray] = ()
    n_forms: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Model:
    """Rows over classes of units.

    `matrix` is rows by classes; `low` and `high` bound one form, or as many forms together as the row's `period` says.
    What the anchors of every form add to the rows is taken off the bounds; `shift` holds it. Units stand sorted by class, cost and whether
    they have enemies: those of class
    `k` are ``unit_head[start[k]:start[k + 1]]``, named by their first item; `followers` holds the items of sets. `measure`
    turns a row's value into the rule's own measure (marks, a mean, information).
    """

    columns: Columns
    matrix: sparse.csc_matrix
    low: FloatArray
    high: FloatArray
    rules: tuple[str, ...]
    texts: Mapping[str, Text]
    measure: Mapping[str, float]
    units: IntArray
    unit_cost: IntArray
    has_enemies: BoolArray
    start: IntArray
    followers: Mapping[int, tuple[int, ...]]
    enemies: tuple[tuple[int, int], ...]
    tie: FloatArray = field(repr=False)
    period: IntArray
    shift: FloatArray

    def bounds(self, n_forms: int) -> tuple[FloatArray, FloatArray]:
        """Return the bounds on so many forms together; forms fewer than a row's period are not bound by it."""
        times = np.where(self.period > 0, n_forms // np.maximum(self.period, 1), n_forms)
        with np.errstate(invalid="ignore"):
            low, high = self.low * times, self.high * times
        return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)

    @property
    def group(self) -> int:
        """How many forms some rows bind together; 1 when none does."""
        return int(self.period.max(initial=1))

    @property
    def n_units(self) -> IntArray:
        """Units of each class."""
        return np.diff(self.start)

    def members(self, unit: int) -> tuple[int, ...]:
        """Return the positions of a unit's items; a unit is named by its first item."""
        return self.followers.get(unit, (unit,))


@dataclass(frozen=True)
class _Units:
    """Single items with their classes, whole sets, and pairs of enemy units."""

    singles: IntArray
    class_of: IntArray
    sets: list[tuple[int, ...]]
    enemies: tuple[tuple[int, int], ...]


def compile_model(blueprint: Blueprint, columns: Columns, options: Options | None = None) -> Model:
    """Return the model of one form; parallel forms share it."""
    options = options or Options()
    usable = columns.usable if options.usable is None else options.usable
    enemies = columns.enemies
    singles, sets = _split(columns, usable, enemies, with_sets=options.with_sets)
    heads = {position: members[0] for members in sets for position in members}
    pairs = _unit_enemies(enemies, heads, _is_unit(len(columns.items), singles, heads))
    class_of = _classes(blueprint, columns, singles, pairs, options)
    return _Builder(blueprint, columns, options, _Units(singles, class_of, sets, pairs)).model()


def _split(
    columns: Columns, usable: BoolArray, enemies: IntArray, *, with_sets: bool
) -> tuple[IntArray, list[tuple[int, ...]]]:
    """Return single items and whole sets; a set with a barred member or with enemies inside is out."""
    free = usable.copy()
    sets = []
    groups = columns.sets if with_sets else []
    hostile = {(first, second) for first, second in enemies.tolist()} if groups else set()
    for group in groups:
        if len(group) == 1:
            continue
        free[group] = False
        peaceful = not any((i, j) in hostile for i in group for j in group) if hostile else True
        if usable[group].all() and peaceful:
            sets.append(tuple(group))
    return np.nonzero(free)[0], sets


def _is_unit(n_items: int, singles: IntArray, heads: Mapping[int, int]) -> BoolArray:
    mask = np.zeros(n_items, dtype=bool)
    mask[singles] = True
    mask[list(heads.values())] = True
    return mask


def _unit_enemies(enemies: IntArray, heads: Mapping[int, int], is_unit: BoolArray) -> tuple[tuple[int, int], ...]:
    head = np.arange(len(is_unit))
    head[list(heads)] = list(heads.values())
    pairs = head[enemies]
    pairs = pairs[is_unit[pairs].all(axis=1)]
    ordered = ordered_pairs(pairs[:, 0], pairs[:, 1])
    return tuple(zip(ordered[:, 0].tolist(), ordered[:, 1].tolist(), strict=True))


def _classes(
    blueprint: Blueprint, columns: Columns, singles: IntArray, pairs: Sequence[tuple[int, int]], options: Options
) -> IntArray:
    if options.each_alone or blueprint.information:
        return np.arange(len(singles))
    marks = [mark.astype(np.int64) for mark in options.marks]
    if options.with_bars:
        marks += [bar.astype(np.int64) for bar in columns.bars.values()]
    marks += [np.isin(np.arange(len(columns.items)), form).astype(np.int64) for form in options.earlier]
    alone = np.unique(np.array(pairs, dtype=np.int64)) if options.with_enemies else np.empty(0, dtype=np.int64)
    return find_classes(blueprint, columns, singles, marks, alone)


class _Builder:
    """The parts of a model under construction."""

    def __init__(self, blueprint: Blueprint, columns: Columns, options: Options, units: _Units) -> None:
        self.blueprint, self.columns, self.options, self.pairs = blueprint, columns, options, units.enemies
        self.is_hostile = np.zeros(len(columns.items), dtype=bool)
        self.is_hostile[np.array(self.pairs, dtype=np.int64).ravel()] = True
        singles, class_of, sets = units.singles, units.class_of, units.sets
        self.followers = {members[0]: members for members in sets}
        self.n_single = int(class_of.max(initial=-1)) + 1
        self.units, self.start, self.tie = self._order(singles, class_of, [members[0] for members in sets])
        first = self.units[self.start[: self.n_single]]
        in_sets = [position for members in sets for position in members]
        self.protos = np.concatenate([first, np.array(in_sets, dtype=np.int64)])
        self.everyone = np.concatenate([self.protos, columns.anchors])
        set_column = [self.n_single + number for number, members in enumerate(sets) for _ in members]
        self.column = np.concatenate([np.arange(self.n_single), np.array(set_column, dtype=np.int64)])
        self.n_classes = self.n_single + len(sets)
        self.entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.rules: list[str] = []
        self.period: list[int] = []
        self.shift: list[float] = []
        self.texts: dict[str, Text] = {}
        self.measure: dict[str, float] = {}

    def _order(self, singles: IntArray, class_of: IntArray, heads: list[int]) -> tuple[IntArray, IntArray, FloatArray]:
        rng = np.random.default_rng(self.options.seed)
        units = np.concatenate([singles, np.array(heads, dtype=np.int64)])
        classes = np.concatenate([class_of, self.n_single + np.arange(len(heads))])
        cost = self.cost_of(units)
        key = (classes * (int(cost.max(initial=0)) + 1) + cost) * 2 + self.is_hostile[units]
        shuffled = rng.permutation(len(units))
        order = shuffled[np.argsort(key[shuffled], kind="stable")]
        start = np.searchsorted(classes[order], np.arange(self.n_single + len(heads) + 1))
        return units[order], start.astype(np.int64), rng.random(len(start) - 1)

    def cost_of(self, units: IntArray) -> IntArray:
        """Return what drawing each unit costs: the sum over its items."""
        cost = self.columns.cost[units].copy()
        for index in np.nonzero(np.isin(units, list(self.followers)))[0] if self.followers else ():
            cost[index] = self.columns.cost[list(self.followers[int(units[index])])].sum()
        return cost

    def model(self) -> Model:
        self._add_rows()
        self._cap_points(self.blueprint.max_per_point, self.columns.main, "max_per_point")
        pretest = self.blueprint.limits.pretest
        self._cap_points(pretest.max_per_point if pretest else None, self.columns.trial, "pretest_max_per_point")
        self._cap_overlaps()
        if self.options.with_bars:
            self._bar()
        if self.options.with_enemies:
            self._part_enemies()
        return Model(
            columns=self.columns, matrix=self._matrix(), low=np.array(self.low), high=np.array(self.high),
            rules=tuple(self.rules), texts=self.texts, measure=self.measure, units=self.units, unit_cost=self.cost_of(self.units),
            has_enemies=self.is_hostile[self.units], start=self.start, followers=self.followers, enemies=self.pairs, tie=self.tie,
            period=np.array(self.period, dtype=np.int64), shift=np.array(self.shift),
        )  # fmt: skip

    def _add_rows(self) -> None:
        source = (self.blueprint, self.columns, self.everyone)
        main = self.columns.main[self.everyone]
        for row in chain(single_rows(*source), further_rows(*source)):
            self._add_row(row, row.coefficients if main.all() else row.coefficients * main)
        for row in trial_rows(*source):
            self._add_row(row, row.coefficients)
        if self.options.n_forms:
            for row in joint_rows(*source, self.options.n_forms):
                self._add_row(row, row.coefficients)

    def _add_row(self, row: Row, values: FloatArray) -> None:
        """Add a row; what the anchors add to it in every form is taken off its bounds."""
        n_protos = len(self.protos)
        shift = float(values[n_protos:].sum()) * (row.period or 1)
        at = np.nonzero(values[:n_protos] != 0)[0]
        self._add(row.rule, row.text, at, values[at], (row.low - shift, row.high - shift))
        self.period[-1], self.shift[-1] = row.period, shift
        self.measure[row.rule] = row.unit

    def _add(self, rule: str, text: Text, at: IntArray, values: FloatArray, bounds: tuple[float, float]) -> None:
        row = np.full(len(at), len(self.rules), dtype=np.int64)
        self.entries.append((row, self.column[at], values))
        self.low.append(bounds[0])
        self.high.append(bounds[1])
        self.rules.append(rule)
        self.period.append(0)
        self.shift.append(0.0)
        self.texts[rule] = text

    def _matrix(self) -> sparse.csc_matrix:
        shape = (len(self.rules), self.n_classes)
        if not self.entries:
            return sparse.csc_matrix(shape)
        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return sparse.csc_matrix((value.astype(np.float64), (row, column)), shape=shape)

    def _cap_points(self, cap: int | None, counted: BoolArray, rule: str) -> None:
        if cap is None:
            return
        columns, n_points = self.columns, len(self.columns.point_names)
        points = columns.point_code[self.protos]
        supply = np.ones(len(self.protos), dtype=np.int64)
        supply[: self.n_single] = np.diff(self.start)[: self.n_single]
        here = counted[self.protos]
        fixed = columns.anchors[counted[columns.anchors]]
        taken = np.bincount(columns.point_code[fixed], minlength=n_points)
        total = np.bincount(points[here], weights=supply[here], minlength=n_points) + taken
        crowded = np.nonzero(total > cap)[0]
        at = np.nonzero(np.isin(points, crowded) & here)[0]
        row = len(self.rules) + np.searchsorted(crowded, points[at])
        self.entries.append((row, self.column[at], np.ones(len(at))))
        self.low += [-np.inf] * len(crowded)
        self.high += (cap - taken[crowded]).astype(float).tolist()
        self.rules += [rule] * len(crowded)
        self.period += [0] * len(crowded)
        self.shift += taken[crowded].astype(float).tolist()
        self.texts[rule] = Text(CAPS[rule], {"count": cap})

    def _cap_overlaps(self) -> None:
        text = Text(N_("任意两份试卷最多重复 %(count)s 题"), {"count": self.blueprint.max_overlap})
        for form in self.options.earlier:
            at = np.nonzero(np.isin(self.protos, form))[0]
            self._add("max_overlap", text, at, np.ones(len(at)), (-np.inf, float(self.blueprint.max_overlap)))

    def _bar(self) -> None:
        blueprint, columns = self.blueprint, self.columns
        main = columns.main[self.everyone].astype(np.float64)
        if "n_items" not in self.rules:
            self._add_row(size_row(blueprint, self.everyone), main)
        if blueprint.total_score is not None and "total_score" not in self.rules:
            steps = float(Fraction(blueprint.total_score) / columns.step)
            text = Text(N_("总分 %(score)s 分"), {"score": plain(blueprint.total_score)})
            values = columns.score[self.everyone].astype(np.float64)
            self._add_row(Row("total_score", text, values, steps, steps, float(columns.step)), values * main)
        for name, bar in columns.bars.items():
            at = np.nonzero(bar[self.protos])[0]
            self._add(name, bar_text(name, blueprint), at, np.ones(len(at)), (-np.inf, 0.0))

    def _part_enemies(self) -> None:
        text = Text(N_("互斥题不同卷"))
        where = {int(unit): index for index, unit in enumerate(self.protos)}
        for clique in cliques(self.pairs):
            at = np.array([where[unit] for unit in clique], dtype=np.int64)
            self._add("enemies", text, at, np.ones(len(at)), (-np.inf, 1.0))


def cliques(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Return groups whose members are all enemies of each other, together covering every pair.

    Examples
    --------
    >>> cliques([(1, 2), (1, 3), (2, 3), (3, 4)])
    [(1, 2, 3), (3, 4)]
    """
    neighbours: dict[int, set[int]] = {}
    for first, second in pairs:
        neighbours.setdefault(first, set()).add(second)
        neighbours.setdefault(second, set()).add(first)
    covered: set[tuple[int, int]] = set()
    groups = []
    for first, second in sorted(pairs):
        if (first, second) in covered:
            continue
        group = [first, second]
        for other in sorted(neighbours[first] & neighbours[second]):
            if all(other in neighbours[member] for member in group):
                group.append(other)
        group.sort()
        covered.update((i, j) for i in group for j in group if i < j)
        groups.append(tuple(group))
    return groups
