"""Classes of interchangeable items: equal in everything that some rule of the blueprint looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import Columns, IntArray
from blueprints.assembly.further_rows import earlier_groups, wanted_items
from blueprints.assembly.rows import decimal_steps, scope_points

CODE_LIMIT = 2**62


def find_classes(
    blueprint: Blueprint, columns: Columns, singles: IntArray, marks: Sequence[IntArray], alone: IntArray
) -> IntArray:
    """Return the class of each single item: equal numbers for equal coefficients in every row.

    Parameters
    ----------
    blueprint, columns : Blueprint, Columns
        Whose rules say what counts.
    singles : int array
        Positions of the items.
    marks : sequence of int arrays
        Further attributes of all items by which classes differ.
    alone : int array
        Positions of items that get a class of their own.
    """
    code = _combine([part[singles] for part in (*_attributes(blueprint, columns), *marks)])
    own = np.isin(singles, alone) | wanted_items(blueprint, columns)[singles]
    code[own] = code.max(initial=0) + 1 + np.arange(own.sum())
    return np.unique(code, return_inverse=True)[1].astype(np.int64)


def _attributes(blueprint: Blueprint, columns: Columns) -> list[IntArray]:
    """Return the attributes that some rule looks at."""
    limits, cells = blueprint.limits, blueprint.cells
    parts = [columns.type_code, _point_signature(blueprint, columns), columns.score]
    if blueprint.importance or any(cell.importance for cell in cells):
        parts.append(columns.importance)
    if blueprint.needs_difficulty or any(cell.difficulty for cell in cells):
        parts.append(columns.difficulty)
    if blueprint.cognitive or any(cell.cognitive for cell in cells):
        parts.append(columns.codes("cognitive")[1])
    if limits.keys:
        parts.append(columns.codes("key")[1])
    if columns.trial.any():
        parts.append(columns.trial.astype(np.int64))
    steps = {"p_value": blueprint.needs_p_value, "seconds": limits.needs_seconds, "characters": limits.characters}
    parts += [decimal_steps(columns, name)[0].astype(np.int64) for name, needed in steps.items() if needed]
    return parts + [stood.astype(np.int64) for _, stood in earlier_groups(blueprint, columns)]


def _combine(parts: Sequence[IntArray]) -> IntArray:
    """Return one code for equal tuples of codes."""
    code, span = np.zeros(len(parts[0]), dtype=np.int64), 1
    for part in parts:
        width = int(part.max(initial=0)) + 1
        if span * width > CODE_LIMIT:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
            span = int(code.max(initial=0)) + 1
        code, span = code * width + part, span * width
    return code


def _point_signature(blueprint: Blueprint, columns: Columns) -> IntArray:
    """Return what rules see of each item's point: the point itself under a cap, else the scopes it lies in."""
    limits = blueprint.limits
    if blueprint.max_per_point is not None or limits.coverage or (limits.pretest and limits.pretest.max_per_point):
        return columns.point_code
    scopes = [rule.scope for rule in blueprint.weights]
    scopes += [scope for cell in blueprint.cells for scope in cell.scopes]
    scopes += [scope for section in limits.sections for scope in section.scopes]
    if not scopes or not columns.point_names:
        return np.zeros_like(columns.point_code)
    lies_in = np.stack([scope_points(columns, scope) for scope in dict.fromkeys(scopes)])
    return np.unique(lies_in, axis=1, return_inverse=True)[1].reshape(-1)[columns.point_code].astype(np.int64)
