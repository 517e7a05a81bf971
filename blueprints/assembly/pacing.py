"""Rules that bind several forms, where the forms are found one after another or all in one program.

Points to cover and items that some form must have are paced: each form takes its share of what is still owed, spread over
the outline, and the last form of a group takes the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import Columns, FloatArray
from blueprints.assembly.compile import Model
from blueprints.assembly.further_rows import coverage_period, uncovered_points
from blueprints.assembly.limits import CoverageRule

Form = Sequence[int]


def alone(blueprint: Blueprint) -> Blueprint:
    """Return the blueprint without the rules that bind several forms."""
    return replace(blueprint, limits=replace(blueprint.limits, coverage=(), include=(), include_sets=()))


def paced(blueprint: Blueprint, columns: Columns, n_forms: int, forms: Sequence[Form], seed: int) -> Blueprint:
    """Return what the next form has to keep, after those in `forms`.

    Parameters
    ----------
    blueprint, columns
        The rules and the pool.
    n_forms : int
        How many forms the draw has in all.
    forms : sequence
        The items of the forms found so far, by position.
    seed : int
        Decides which part of what is owed falls to this form.
    """
    limits = blueprint.limits
    if not (limits.coverage or limits.include or limits.include_sets):
        return blueprint
    number = len(forms)
    left = n_forms - number
    taken = {columns.items[index].id for form in forms for index in form}
    sets = {columns.items[index].item_set for form in forms for index in form}
    return replace(
        blueprint,
        limits=replace(
            limits, coverage=_points_now(blueprint, columns, n_forms, forms, seed),
            include=_share([name for name in limits.include if name not in taken], left, seed),
            include_sets=_share([name for name in limits.include_sets if name not in sets], left, seed),
        ),
    )  # fmt: skip


def _points_now(
    blueprint: Blueprint, columns: Columns, n_forms: int, forms: Sequence[Form], seed: int
) -> tuple[CoverageRule, ...]:
    """Return the rule on the points that the next form has to examine."""
    period, number = coverage_period(blueprint, columns, n_forms), len(forms)
    if not period or number >= n_forms - n_forms % period:
        return ()
    done = {
        columns.point_names[columns.point_code[index]]
        for form in forms[number - number % period :]
        for index in form
        if columns.main[index]
    }
    owed = sorted({point for _name, point in uncovered_points(blueprint, columns, n_forms)} - done)
    now = _share(owed, period - number % period, seed)
    return (CoverageRule(None, None, 1, frozenset(now)),) if now else ()


def _share(owed: Sequence[str], n_forms: int, seed: int) -> tuple[str, ...]:
    """Return every so-many-th of what is owed; all of it to the last form."""
    return tuple(owed[seed % n_forms :: n_forms])


def joint_demands(
    blueprint: Blueprint, columns: Columns, model: Model, n_forms: int
) -> Iterator[tuple[range, FloatArray]]:
    """Yield groups of forms, and the units one of which at least has to stand in one of them."""
    period = coverage_period(blueprint, columns, n_forms)
    members = [model.members(int(unit)) for unit in model.units]
    points = {point for _name, point in uncovered_points(blueprint, columns, n_forms)}
    for point in sorted(points):
        here = _holding(members, {
            index for index in np.nonzero(columns.main)[0].tolist()
            if columns.point_names[columns.point_code[index]] == point
        })  # fmt: skip
        for first in range(0, n_forms - period + 1, period):
            yield range(first, first + period), here
    for name in blueprint.limits.include:
        yield range(n_forms), _holding(members, {i for i, item in enumerate(columns.items) if item.id == name})
    for name in blueprint.limits.include_sets:
        yield range(n_forms), _holding(members, {i for i, item in enumerate(columns.items) if item.item_set == name})


def _holding(members: Sequence[Sequence[int]], wanted: set[int]) -> FloatArray:
    return np.array([not wanted.isdisjoint(unit) for unit in members], dtype=np.float64)
