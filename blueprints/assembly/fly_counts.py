"""Decide how often each class is used over very many forms, and by which kinds of items each form is made up.

Rules that leave one value only (exact counts) are kept by tables: a few dozen forms in terms of profiles, where classes
that count alike for those rules are one profile. Each table serves several forms. The other rules are kept afterwards,
by exchanging units of one profile between forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from blueprints.assembly.columns import BoolArray, FloatArray, IntArray
from blueprints.assembly.compile import Model
from blueprints.assembly.deal import deal_program
from blueprints.assembly.exchange import TINY, signatures, tight_rows
from blueprints.assembly.exposure import mean_counts
from blueprints.assembly.highs import Deadline, Program
from blueprints.assembly.scaling import scale, scaling_rows
from blueprints.assembly.solve import round_program

MOST_TABLES = 48
ANY_GAP = 1e9
HALF = 0.5
NEARLY = 0.6
"""Rules without a lower bound are looked at while dealing from this part of their upper bound on."""
EASE = 1.25
"""How far above the least possible rate the aim may lie, so that rounding finds room."""


@dataclass(frozen=True)
class Plan:
    """Classes (how often each is used, or which stands at each place), the profile of each, and the rows profiles settle."""

    kind: NDArray[Any]
    profile: IntArray
    tight: BoolArray


def plan_places(
    model: Model, n_forms: int, rates: tuple[float, int], rng: np.random.Generator, deadline: Deadline
) -> Plan | None:
    """Return classes by form and place; None if no plan was found within the cap on uses.

    `rates` holds the least possible rate and the cap.
    """
    rate, most_uses = rates
    tight = tight_rows(model)
    profile = signatures(model.matrix.tocsr()[tight])
    size = model.n_units.astype(np.float64)
    upper = size * min(most_uses, EASE * rate * n_forms)
    mean = mean_counts(model, n_forms, upper, rng, deadline)
    if mean is None:
        mean = mean_counts(model, n_forms, size * most_uses, rng, deadline)
    if mean is None:
        return None
    n_tables = min(n_forms, MOST_TABLES)
    times = np.full(n_tables, n_forms // n_tables)
    times[: n_forms % n_tables] += 1
    tables = _tables(
        model, Plan(mean * n_tables / n_forms, profile, tight), (n_tables, int(times[0]), most_uses), rng, deadline
    )
    if tables is None:
        return None
    sums = (times @ tables).astype(np.float64)
    counts = _class_counts(model, Plan(mean, profile, tight), sums, (n_forms, most_uses), rng)
    owner = rng.permutation(np.repeat(np.arange(n_tables), times))
    return Plan(_places(model, tables[owner], counts, Plan(counts, profile, tight), rng), profile, tight)


def _tables(
    model: Model, plan: Plan, limits: tuple[int, int, int], rng: np.random.Generator, deadline: Deadline
) -> IntArray | None:
    """Return units of each profile for each table: the mean rounded, then halved down to single tables."""
    n_tables, times, most_uses = limits
    mean, profile = plan.kind, plan.profile
    first = np.unique(profile, return_index=True)[1]
    matrix, low, high = _table_rows(model, plan, first)
    sums = np.bincount(profile, weights=mean)
    supply = np.bincount(profile, weights=model.n_units)
    upper = np.maximum(np.floor(supply * most_uses / times), np.floor(sums))
    whole = np.floor(sums)
    done = matrix @ whole
    rest = Program(
        matrix, 1 - (sums - whole) + 0.1 * rng.random(len(whole)), np.minimum(upper - whole, 1.0),
        low * n_tables - done, high * n_tables - done,
    )  # fmt: skip
    found = round_program(rest, deadline, gap=ANY_GAP)
    if found.x.size == 0:
        whole = np.zeros_like(whole)
        program = Program(matrix, rng.random(len(whole)), upper, low * n_tables, high * n_tables)
        found = round_program(program, deadline, gap=ANY_GAP)
    if found.x.size == 0:
        return None
    total = np.round(whole + found.x).astype(np.int64)
    return deal_program((matrix, low, high), total, n_tables, rng, deadline)


def _table_rows(model: Model, plan: Plan, first: IntArray) -> tuple[sparse.csc_matrix, FloatArray, FloatArray]:
    """Return the rows on a table: those that profiles settle, and what the others ask of profiles at the very least."""
    table = model.matrix.tocsr()
    wide = ~plan.tight & (model.period == 0) & np.isfinite(model.low) & np.isfinite(model.high)
    order = np.argsort(plan.profile, kind="stable")
    start = np.searchsorted(plan.profile[order], np.arange(len(first)))
    dense = table[wide].toarray()[:, order]
    most = np.maximum.reduceat(dense, start, axis=1) if len(dense) else np.zeros((0, len(first)))
    least = np.minimum.reduceat(dense, start, axis=1) if len(dense) else np.zeros((0, len(first)))
    free = np.full(int(wide.sum()), np.inf)
    return (
        sparse.vstack([table[plan.tight][:, first], sparse.csr_matrix(most), sparse.csr_matrix(least)]).tocsc(),
        np.concatenate([model.low[plan.tight], model.low[wide], -free]),
        np.concatenate([model.high[plan.tight], free, model.high[wide]]),
    )


def _class_counts(
    model: Model, plan: Plan, sums: FloatArray, limits: tuple[int, int], rng: np.random.Generator
) -> IntArray:
    """Return uses of each class: as even as the other rules allow, rounded so that every profile gets what it needs."""
    n_forms, most_uses = limits
    mean, profile = plan.kind, plan.profile
    size = model.n_units.astype(np.float64)
    share = np.bincount(profile, weights=mean)
    start = np.where(share[profile] > 0, mean * sums[profile] / np.maximum(share[profile], 1e-12), 0.0)
    empty = (sums > 0) & (share <= 0)
    supply = np.bincount(profile, weights=size)
    start = np.where(empty[profile], size * sums[profile] / np.maximum(supply[profile], 1), start)
    rows = np.arange(len(size))
    by_profile = sparse.csr_matrix((np.ones(len(size)), (profile, rows)), shape=(len(sums), len(size)))
    loose = ~plan.tight
    low, high = model.bounds(n_forms)
    wanted = scaling_rows(
        sparse.vstack([by_profile, model.matrix.tocsr()[loose]]).tocsr(),
        np.concatenate([sums, low[loose]]), np.concatenate([sums, high[loose]]),
    )  # fmt: skip
    scaled = None if wanted is None else scale(start, size * most_uses, wanted)
    return round_by_group(start if scaled is None else scaled, profile, sums, size * most_uses, rng)


def round_by_group(
    x: FloatArray, group: IntArray, sums: FloatArray, upper: FloatArray, rng: np.random.Generator
) -> IntArray:
    """Round to whole numbers that add up to a given sum in each group: the largest remainders are raised."""
    totals = np.bincount(group, weights=x, minlength=len(sums))
    x = np.minimum(x * (sums / np.maximum(totals, 1e-12))[group], upper)
    whole = np.floor(x + 1e-9)
    missing = np.round(sums - np.bincount(group, weights=whole, minlength=len(sums))).astype(np.int64)
    while (missing > 0).any():
        open_to = (whole < upper) & (missing[group] > 0)
        if not open_to.any():
            break
        order = np.lexsort((rng.random(len(x)), whole - x, ~open_to, group))
        start = np.searchsorted(group[order], np.arange(len(sums)))
        rank = np.arange(len(x)) - start[group[order]]
        raised = order[(rank < missing[group[order]]) & open_to[order]]
        whole[raised] += 1
        missing = np.round(sums - np.bincount(group, weights=whole, minlength=len(sums))).astype(np.int64)
    return np.asarray(np.round(whole), dtype=np.int64)


def _places(model: Model, tables: IntArray, counts: IntArray, plan: Plan, rng: np.random.Generator) -> IntArray:
    """Return the class at each place of each form: each profile's classes go where the other rules need them most."""
    n_forms, n_classes = len(tables), len(counts)
    out = np.full((n_forms, int(tables.sum(axis=1).max())), n_classes, dtype=np.int64)
    filled = np.zeros(n_forms, dtype=np.int64)
    needs = _Needs(model, plan, n_forms)
    for profile in rng.permutation(tables.shape[1]):
        forms = np.repeat(np.arange(n_forms), tables[:, profile])
        kinds = needs.deal(forms, np.nonzero((plan.profile == profile) & (counts > 0))[0], counts, rng)
        start = np.searchsorted(forms, np.arange(n_forms))
        place = filled[forms] + np.arange(len(forms)) - start[forms]
        out[forms, place] = kinds
        filled += tables[:, profile]
    return out


class _Needs:
    """What each form still lacks of every rule that profiles leave open, caps per point apart."""

    def __init__(self, model: Model, plan: Plan, n_forms: int) -> None:
        table = model.matrix.tocsr()
        share = np.asarray(table @ plan.kind).ravel() / n_forms
        with np.errstate(invalid="ignore"):
            is_near = (share >= NEARLY * model.high) | (np.isfinite(model.low) & (model.low > 0))
        table, share = (
            table[is_near & ~plan.tight & (model.period == 0)],
            share[is_near & ~plan.tight & (model.period == 0)],
        )
        size = np.maximum(np.abs(table).max(axis=1).toarray().ravel(), TINY) if len(share) else np.ones(0)
        self.effect = (sparse.diags(1 / size) @ table).toarray().T if len(share) else np.zeros((table.shape[1], 0))
        self.left = np.repeat((share / size)[:, None], n_forms, axis=1)
        self.group = signatures(sparse.csc_matrix(self.effect.T)) if len(share) else np.zeros(table.shape[1], int)

    def deal(self, forms: IntArray, classes: IntArray, counts: IntArray, rng: np.random.Generator) -> IntArray:
        """Return a class for each form named, each class as often as it counts."""
        out = np.full(len(forms), len(self.group), dtype=np.int64)
        free = np.ones(len(forms), dtype=bool)
        for group in rng.permutation(np.unique(self.group[classes])):
            members = classes[self.group[classes] == group]
            dealt = _in_turn(rng.permutation(members), counts)
            effect = self.effect[members[0]]
            touched = np.nonzero(effect)[0].tolist()
            at = np.nonzero(free)[0]
            want = np.zeros(len(at))
            for row in touched:
                want += self.left[row][forms[at]] * effect[row]
            want += rng.random(len(at)) * HALF
            taken = np.sort(at[np.argsort(-want, kind="stable")[: len(dealt)]])
            out[taken] = dealt[: len(taken)]
            free[taken] = False
            for row in touched:
                np.subtract.at(self.left[row], forms[taken], effect[row])
        return out


def _in_turn(members: IntArray, counts: IntArray) -> IntArray:
    """Return each member as often as it counts, one after the other in turns, so that neighbours differ."""
    repeated = np.repeat(members, counts[members])
    start = np.cumsum(counts[members]) - counts[members]
    turn = np.arange(len(repeated)) - np.repeat(start, counts[members])
    return np.asarray(repeated[np.argsort(turn, kind="stable")], dtype=np.int64)
