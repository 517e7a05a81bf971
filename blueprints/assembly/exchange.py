"""Exchange units between forms, many pairs of forms at a time, until rules hold and information is alike.

An exchange never changes how often a unit is used over all forms, so exposure stays as the deal left it. Everything is
whole-number or ordinary float arithmetic in numpy with a seeded generator: equal seeds give equal forms.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from blueprints.assembly.columns import BoolArray, FloatArray, IntArray
from blueprints.assembly.compile import Model
from blueprints.assembly.highs import Deadline

NOTHING = -1
"""Stands in a place that holds no unit: forms need not have equally many units where stimuli differ in size."""
TINY = 1e-9
CANDIDATES = 4
ROOM = 3000
"""About how many exchanges are weighed at a time."""
HALF = 0.5
PATIENCE = 25
ENOUGH = 0.98
"""Part to which what is left must sink for exchanging to count as getting on."""
MOST_PARTNERS = 600
RULES_FIRST = 1e3
"""How much more an exchange is worth for mending a rule than for bringing information nearer."""
NO_GAIN = 1e-5
"""Exchanges of rule-keeping forms that gain less cannot be carried out: above `TINY` times `RULES_FIRST` for two forms."""


@dataclass(frozen=True)
class Rules:
    """The rows of a model that bind single forms, padded class by class, with their weights in the total violation."""

    rows: IntArray
    values: FloatArray
    low: FloatArray
    high: FloatArray
    weight: FloatArray
    joint: IntArray
    profile: IntArray


@dataclass(frozen=True)
class Aim:
    """Information of each unit at some thetas, the sums wanted of a form, and what parts of them are near enough."""

    information: FloatArray
    target: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass
class Spare:
    """Unused units, sorted by profile and cost; `code` holds both for each.

    Classes that rules on several forms together look at are `frozen`: their units are not exchanged for unused ones.
    """

    unit: IntArray
    kind: IntArray
    code: IntArray
    cost: IntArray
    frozen: BoolArray
    misses: int = 0

    @classmethod
    def of(cls, model: Model, rules: Rules, used: IntArray) -> Spare:
        """Return the units of a model that no form holds."""
        kind = np.repeat(np.arange(len(model.n_units)), model.n_units)
        cost = np.zeros(len(model.columns.items) + 1, dtype=np.int64)
        cost[model.units] = model.unit_cost
        free = ~np.isin(model.units, used)
        unit, kind = model.units[free], kind[free]
        code = rules.profile[kind] * (int(cost.max()) + 1) + cost[unit]
        order = np.argsort(code, kind="stable")
        joint = np.asarray(abs(model.matrix.tocsr()[model.period > 0]).sum(axis=0)).ravel() > 0
        return cls(unit[order], kind[order], code[order], cost, np.append(joint, True))

    def like(self, board: Board, forms: IntArray, here: IntArray) -> tuple[IntArray, IntArray]:
        """Return where the spare units begin and end that may replace those of given places."""
        profile = board.rules.profile[board.kind[forms[:, None], here]]
        wanted = profile * (int(self.cost.max()) + 1) + self.cost[board.unit[forms[:, None], here]]
        return np.searchsorted(self.code, wanted), np.searchsorted(self.code, wanted, side="right")


@dataclass
class Board:
    """Forms by places: the unit in each, its class, and what each form adds up to."""

    rules: Rules
    unit: IntArray
    kind: IntArray
    rng: np.random.Generator
    enemies: dict[int, set[int]] = field(default_factory=dict)
    aim: Aim | None = None
    total: FloatArray = field(init=False)
    sums: FloatArray = field(init=False)
    is_hostile: BoolArray = field(init=False)
    by_profile: tuple[IntArray, IntArray] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        n_rows = len(self.rules.low)
        rows = self.rules.rows[self.kind] + np.arange(len(self.unit))[:, None, None] * n_rows
        values = self.rules.values[self.kind]
        sums = np.bincount(rows.ravel(), weights=values.ravel(), minlength=len(self.unit) * n_rows)
        self.total = sums.astype(np.float64).reshape(-1, n_rows)
        self.is_hostile = np.zeros(max(self.enemies, default=0) + 2, dtype=bool)
        self.is_hostile[list(self.enemies)] = True
        self.measure()

    def measure(self) -> None:
        """Add up every form's information anew."""
        aim = self.aim
        self.sums = np.zeros((len(self.unit), 0)) if aim is None else aim.information[self.unit].sum(axis=1)

    def violation(self) -> FloatArray:
        """Return by how much each form breaks its rules."""
        return np.asarray(self._excess(self.total, slice(None)).sum(axis=1))

    def distance(self) -> FloatArray:
        """Return each form's largest relative distance from the mean of all forms."""
        if self.aim is None:
            return np.zeros(len(self.unit))
        return np.asarray(np.abs(self.sums / self.sums.mean(axis=0) - 1).max(axis=1, initial=0.0))

    def _excess(self, total: FloatArray, rows: IntArray | slice) -> FloatArray:
        rules = self.rules
        over = np.maximum(total - rules.high[rows], rules.low[rows] - total)
        return np.maximum(over, 0.0) * rules.weight[rows]

    def repair(self, deadline: Deadline, *, rounds: int) -> None:
        """Exchange until every form keeps every rule, or nothing has become better for a while."""
        best, since = np.inf, 0
        for turn in range(rounds):
            excess = self.violation()
            broken = np.nonzero(excess > TINY)[0]
            since = 0 if excess.sum() < best - TINY else since + 1
            best = min(best, float(excess.sum()))
            if not len(broken) or since > PATIENCE or deadline.is_over:
                return
            first, second = self._pairs(broken)
            places = self._wanted_places(first, second)
            self._exchange(first, second, places, accept=TINY if turn % 3 == 2 else -TINY)

    def even_out(self, deadline: Deadline, *, rounds: int) -> None:
        """Exchange among rule-keeping forms until their information is alike."""
        if self.aim is None or len(self.unit) < 2:
            return
        best, since = np.inf, 0
        for _ in range(rounds):
            energy = self._energy(self.sums)
            far = np.nonzero(energy > TINY)[0]
            since = 0 if energy.sum() < best * ENOUGH else since + 1
            best = min(best, float(energy.sum()))
            if not len(far) or since > PATIENCE or deadline.is_over:
                return
            first, second = self._pairs(far)
            self._exchange(first, second, self._random_like(first, second), accept=-TINY)

    def put(self, form: int, units: IntArray, kinds: IntArray) -> None:
        """Give a form other units."""
        self.by_profile = None
        self.unit[form], self.kind[form] = NOTHING, len(self.rules.profile) - 1
        self.unit[form, : len(units)], self.kind[form, : len(kinds)] = units, kinds
        self.total[form] = 0.0
        np.add.at(self.total[form], self.rules.rows[self.kind[form]], self.rules.values[self.kind[form]])

    def move_out(self, form: int, place: int) -> bool:
        """Exchange the unit of a place for one of its profile in another form, if both forms stay right; say whether."""
        before = int(self.unit[form, place])
        others = self.rng.permutation(np.delete(np.arange(len(self.unit)), form))[:MOST_PARTNERS]
        first = np.full(len(others), form)
        here = np.full((len(others), CANDIDATES), place)
        self._exchange(first, others, (here, self._like(first, here, others)), accept=TINY)
        return int(self.unit[form, place]) != before

    def refine(self, spare: Spare, deadline: Deadline, *, rounds: int) -> None:
        """Exchange units for unused ones of the same profile and cost, until the forms' information is near enough."""
        for _ in range(rounds):
            far = self.missed()
            if not len(far) or not len(spare.unit) or deadline.is_over:
                return
            if not self._draw_spare(far, spare):
                spare.misses += 1
                if spare.misses > PATIENCE:
                    return

    def _draw_spare(self, forms: IntArray, spare: Spare) -> int:
        """Carry out the best of some proposed exchanges of each form with unused units; return how many there were."""
        width = self._width(len(forms))
        here = self.rng.integers(self.unit.shape[1], size=(len(forms), width))
        start, stop = spare.like(self, forms, here)
        chosen = np.minimum(
            start + (self.rng.random(here.shape) * (stop - start)).astype(np.int64), len(spare.unit) - 1
        )
        old, new = self.unit[forms[:, None], here], spare.unit[chosen]
        kinds = self.kind[forms[:, None], here], spare.kind[chosen]
        if self.aim is None:
            return 0
        sums = self.sums[forms][:, None] + self.aim.information[new] - self.aim.information[old]
        gain = self._energy(sums) - self._energy(self.sums[forms])[:, None]
        is_open = (stop > start) & (gain < -TINY) & ~spare.frozen[kinds[0]] & ~spare.frozen[kinds[1]]
        at = np.nonzero(is_open)
        rows, values = self._difference(kinds[0][at], kinds[1][at])
        is_open[at] = self._change(forms[at[0]], rows, values) <= TINY
        gain = np.where(is_open, gain, np.inf)
        best = np.argmin(gain, axis=1)
        pair = np.nonzero(gain[np.arange(len(forms)), best] < -TINY)[0]
        pair = pair[np.unique(chosen[pair, best[pair]], return_index=True)[1]]
        pair = pair[self._fits(forms[pair], old[pair, best[pair]], new[pair, best[pair]])]
        best = best[pair]
        mine, place, taken = forms[pair], here[pair, best], chosen[pair, best]
        rows, values = self._difference(kinds[0][pair, best], kinds[1][pair, best])
        self.total[mine[:, None], rows] += values
        self.sums[mine] += self.aim.information[new[pair, best]] - self.aim.information[old[pair, best]]
        self.unit[mine, place], spare.unit[taken] = spare.unit[taken], self.unit[mine, place]
        self.kind[mine, place], spare.kind[taken] = spare.kind[taken], self.kind[mine, place]
        return len(pair)

    def missed(self) -> IntArray:
        """Return the forms whose information is not near enough."""
        return np.nonzero(self._energy(self.sums) > TINY)[0]

    def _energy(self, sums: FloatArray) -> FloatArray:
        if self.aim is None:
            return np.zeros(sums.shape[:-1])
        part = sums / self.aim.target
        far = np.maximum(part - self.aim.high, 0.0) + np.maximum(self.aim.low - part, 0.0)
        return np.asarray(far.sum(axis=-1))

    def _pairs(self, wanted: IntArray) -> tuple[IntArray, IntArray]:
        """Return pairs of a wanted form and another one; a few wanted forms are paired with many others each."""
        n_forms = len(self.unit)
        first = self.rng.permutation(wanted)
        is_other = np.ones(n_forms, dtype=bool)
        is_other[wanted] = False
        others = self.rng.permutation(np.nonzero(is_other)[0])
        half = max(0, (len(first) - len(others)) // 2)
        n_pairs = min(len(first) - half, len(others) + half)
        times = min(MOST_PARTNERS // max(1, n_pairs), len(others) // max(1, n_pairs))
        if times > 1:
            return np.tile(first, times), others[: len(first) * times]
        second = np.concatenate([first[len(first) - half :], others])[:n_pairs]
        return first[:n_pairs], second

    def _width(self, n_pairs: int) -> int:
        return int(np.clip(ROOM // max(1, n_pairs), CANDIDATES, 100 * CANDIDATES))

    def _wanted_places(self, first: IntArray, second: IntArray) -> tuple[IntArray, IntArray]:
        """Return places whose exchange would mend the first forms: what they have too much of, else what they lack."""
        rules, total = self.rules, self.total[first]
        over, under = np.maximum(total - rules.high, 0.0), np.maximum(rules.low - total, 0.0)
        gives = (over > TINY).any(axis=1) & ((under <= TINY).all(axis=1) | (self.rng.random(len(first)) < HALF))
        source, target = np.where(gives, first, second), np.where(gives, second, first)
        need = np.where(gives[:, None], over, under)
        rows = rules.rows[self.kind[source]]
        weight = (need[np.arange(len(first))[:, None, None], rows] * rules.values[self.kind[source]]).sum(axis=-1)
        rank = np.where(weight > TINY, self.rng.random(weight.shape), -1.0)
        width = min(self._width(len(first)), weight.shape[1])
        best = np.argpartition(-rank, width - 1, axis=1)[:, :width]
        theirs = self._like(source, best, target)
        return np.where(gives[:, None], best, theirs), np.where(gives[:, None], theirs, best)

    def _random_like(self, first: IntArray, second: IntArray) -> tuple[IntArray, IntArray]:
        here = self.rng.integers(self.unit.shape[1], size=(len(first), self._width(len(first))))
        return here, self._like(first, here, second)

    def _like(self, first: IntArray, here: IntArray, second: IntArray) -> IntArray:
        """Return places of the second forms whose units have the profiles of given places of the first ones."""
        profile = self.rules.profile
        span = int(profile.max()) + 1
        order, flat = self.by_profile = self.by_profile or self._by_profile(span)
        wanted = profile[self.kind[first[:, None], here]] + second[:, None] * span
        start, stop = np.searchsorted(flat, wanted), np.searchsorted(flat, wanted, side="right")
        chosen = start + (self.rng.random(wanted.shape) * (stop - start)).astype(np.int64)
        return order[np.minimum(chosen, len(flat) - 1)]

    def _by_profile(self, span: int) -> tuple[IntArray, IntArray]:
        """Return the places of every form by profile, and the profiles told apart by form; no exchange changes them."""
        codes = self.rules.profile[self.kind]
        order = np.argsort(codes, axis=1, kind="stable")
        flat = np.take_along_axis(codes, order, axis=1) + np.arange(len(codes))[:, None] * span
        return order.ravel().astype(np.int64), flat.ravel()

    def _exchange(self, first: IntArray, second: IntArray, places: tuple[IntArray, IntArray], *, accept: float) -> None:
        """Carry out the best of the proposed exchanges of each pair that does not make things worse."""
        here, there = places
        kinds = self.kind[first[:, None], here], self.kind[second[:, None], there]
        units = self.unit[first[:, None], here], self.unit[second[:, None], there]
        change = self._worth(first, second, kinds, units)
        best = np.argmin(change, axis=1)
        pair = np.arange(len(first))
        good = change[pair, best] < accept
        pair, best = pair[good], best[good]
        old, new = units[0][pair, best], units[1][pair, best]
        fits = self._fits(first[pair], old, new) & self._fits(second[pair], new, old) & (old != new)
        pair, best = pair[fits], best[fits]
        order = np.argsort(change[pair, best], kind="stable")
        once = order[np.unique(first[pair[order]], return_index=True)[1]]
        pair, best = pair[once], best[once]
        rows, values = self._difference(kinds[0][pair, best], kinds[1][pair, best])
        self._swap((first[pair], here[pair, best]), (second[pair], there[pair, best]), rows, values)

    def _worth(
        self, first: IntArray, second: IntArray, kinds: tuple[IntArray, IntArray], units: tuple[IntArray, IntArray]
    ) -> FloatArray:
        """Return by how much each proposed exchange changes things for the worse; infinite for what may not be.

        With an aim, only exchanges that bring information nearer are held against the rules: both forms keep theirs
        already, so nothing else can be gained.
        """
        rules = self.rules
        alike = (rules.profile[kinds[0]] == rules.profile[kinds[1]]) & (rules.joint[kinds[0]] == rules.joint[kinds[1]])
        gain = np.zeros(alike.shape)
        if self.aim is not None:
            step = self.aim.information[units[1]] - self.aim.information[units[0]]
            mine, theirs = self.sums[first][:, None], self.sums[second][:, None]
            gain = self._energy(mine + step) - self._energy(mine) + self._energy(theirs - step) - self._energy(theirs)
            alike &= gain < NO_GAIN
        at = np.nonzero(alike)
        rows, values = self._difference(kinds[0][at], kinds[1][at])
        change = self._change(first[at[0]], rows, values) + self._change(second[at[0]], rows, -values)
        if self.aim is not None:
            change = np.where(change > TINY, np.inf, change * RULES_FIRST) + gain[at]
        out = np.full(alike.shape, np.inf)
        out[at] = change
        return out

    def _difference(self, old: IntArray, new: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the rows that an exchange of classes touches in the first form, each once, with the change."""
        rules = self.rules
        old_rows, new_rows = rules.rows[old], rules.rows[new]
        same = old_rows[..., :, None] == new_rows[..., None, :]
        new_values = rules.values[new]
        lost = np.where(same, new_values[..., None, :], 0.0).sum(axis=-1) - rules.values[old]
        spare = len(rules.low) - 1
        is_new = ~same.any(axis=-2)
        rows = np.concatenate([old_rows, np.where(is_new, new_rows, spare)], axis=-1)
        return rows, np.concatenate([lost, np.where(is_new, new_values, 0.0)], axis=-1)

    def _change(self, forms: IntArray, rows: IntArray, values: FloatArray) -> FloatArray:
        total = self.total[forms[:, None], rows]
        return np.asarray((self._excess(total + values, rows) - self._excess(total, rows)).sum(axis=-1))

    def _fits(self, forms: IntArray, leaving: IntArray, coming: IntArray) -> BoolArray:
        """Say whether the coming units are new to the forms and no enemies of what stays."""
        held = self.unit[forms]
        fits = ~((held == coming[:, None]) & (coming[:, None] != NOTHING)).any(axis=1)
        known = np.minimum(coming, len(self.is_hostile) - 1)
        for at in np.nonzero(fits & self.is_hostile[known])[0]:
            staying = set(held[at].tolist()) - {int(leaving[at])}
            fits[at] = self.enemies[int(coming[at])].isdisjoint(staying)
        return np.asarray(fits, dtype=bool)

    def _swap(
        self, first: tuple[IntArray, IntArray], second: tuple[IntArray, IntArray], rows: IntArray, values: FloatArray
    ) -> None:
        for board in (self.unit, self.kind):
            board[first], board[second] = board[second], board[first]
        self.total[first[0][:, None], rows] += values
        self.total[second[0][:, None], rows] -= values
        if self.aim is not None:
            step = self.aim.information[self.unit[first]] - self.aim.information[self.unit[second]]
            self.sums[first[0]] += step
            self.sums[second[0]] -= step


def padded_rules(model: Model, n_forms: int, kept: BoolArray, profile: IntArray) -> Rules:
    """Return some of a model's rows class by class; the last class stands for an empty place, the last row for none.

    Only units of one profile are exchanged for each other, so rows that a profile settles may be left out.
    """
    matrix = model.matrix.tocsr()[kept].tocsc()
    n_rows, n_classes = matrix.shape
    counts = np.diff(matrix.indptr)
    width = max(1, int(counts.max(initial=1)))
    rows = np.full((n_classes + 1, width), n_rows, dtype=np.int64)
    values = np.zeros((n_classes + 1, width))
    column = np.repeat(np.arange(n_classes), counts)
    place = np.arange(len(column)) - np.repeat(matrix.indptr[:-1], counts)
    rows[column, place], values[column, place] = matrix.indices, matrix.data
    size = np.zeros(n_rows + 1)
    np.maximum.at(size, rows, np.abs(values))
    weight = 1 / np.where(size > 0, size, 1.0)
    joint = signatures(model.matrix.tocsr()[(model.period > 0) & (model.period < n_forms)])
    low, high = np.append(model.low[kept], -np.inf), np.append(model.high[kept], np.inf)
    nobody = max(int(profile.max(initial=0)), int(joint.max(initial=0))) + 1
    return Rules(rows, values, low, high, weight, np.append(joint, nobody), np.append(profile, nobody))


def tight_rows(model: Model) -> BoolArray:
    """Tell the rows on single forms that leave one value only."""
    table = model.matrix.tocsr()
    out = np.zeros(len(model.low), dtype=bool)
    for row in np.nonzero((model.period == 0) & (model.high - model.low < np.inf))[0]:
        data = np.abs(table.data[table.indptr[row] : table.indptr[row + 1]])
        out[row] = model.high[row] - model.low[row] < data.min(initial=np.inf)
    return out


def signatures(matrix: sparse.spmatrix) -> IntArray:
    """Return a number for each column, equal for equal columns; numbers go by where each kind of column comes first."""
    table = matrix.tocsc()
    table.sort_indices()
    counts = np.diff(table.indptr)
    values = np.unique(table.data, return_inverse=True)[1].reshape(-1)
    entry = 1 + table.indices.astype(np.int64) * (int(values.max(initial=0)) + 1) + values
    code = np.zeros(len(counts), dtype=np.int64)
    for place in range(int(counts.max(initial=0))):
        here = counts > place
        part = np.zeros(len(counts), dtype=np.int64)
        part[here] = entry[table.indptr[:-1][here] + place]
        part = np.unique(part, return_inverse=True)[1].reshape(-1)
        code = np.unique(code * (int(part.max()) + 1) + part, return_inverse=True)[1].reshape(-1)
    first, inverse = np.unique(code, return_index=True, return_inverse=True)[1:]
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(len(first))
    return np.asarray(number[inverse.reshape(-1)], dtype=np.int64)
