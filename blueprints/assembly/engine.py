"""Assemble forms: the one entry to the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import USE_COST, Columns, build_columns
from blueprints.assembly.consistency import contradictions
from blueprints.assembly.draw import Draw
from blueprints.assembly.explain import explain
from blueprints.assembly.highs import Deadline
from blueprints.assembly.overlap import draw_forms
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult, Conflict, FormResult
from blueprints.assembly.verify import check_assembly, check_form
from blueprints.assembly.weights import weight_targets

Progress = Callable[[str, float], None]


class UnverifiedFormError(AssertionError):
    """The engine found a form that its own checker refuses: a defect, never an answer."""


def assemble(
    pool: Sequence[PoolItem],
    blueprint: Blueprint,
    *,
    n_forms: int,
    max_overlap: int | None = None,
    seed: int = 0,
    time_limit: float = 60.0,
    progress: Progress | None = None,
) -> AssemblyResult:
    """Return forms that keep every rule of the blueprint, or why there are none.

    Parameters
    ----------
    pool : sequence of PoolItem
        What may be drawn; the order does not matter.
    blueprint : Blueprint
        The rules.
    n_forms : int
        How many forms, at least 1.
    max_overlap : int or None
        Most items two forms may share; None takes the blueprint's.
    seed : int
        Decides among equally good forms; equal arguments give equal forms.
    time_limit : float
        Seconds.
    progress : callable or None
        Called with a step's name and the share done, from 0 to 1.

    Returns
    -------
    AssemblyResult
        Every form in it has passed a checker that is independent of the search.
    """
    deadline = Deadline(time_limit)
    report = progress or (lambda _step, _share: None)
    if max_overlap is not None:
        blueprint = replace(blueprint, max_overlap=max_overlap)
    origin = (deadline, seed, pool)
    if broken := contradictions(blueprint):
        return _answer(Draw("infeasible"), (), Conflict(broken), origin)
    report("compile", 0.0)
    columns = build_columns(pool, blueprint)
    draw = draw_forms(blueprint, columns, n_forms, seed, deadline)
    report("explain" if draw.status == "infeasible" else "verify", 0.5)
    conflict = explain(blueprint, columns, n_forms, seed, deadline) if draw.status == "infeasible" else None
    result = _answer(draw, _verified(draw, blueprint, columns), conflict, origin)
    report("done", 1.0)
    return result


def _answer(
    draw: Draw,
    forms: tuple[FormResult, ...],
    conflict: Conflict | None,
    origin: tuple[Deadline, int, Sequence[PoolItem]],
) -> AssemblyResult:
    deadline, seed, pool = origin
    return AssemblyResult(
        status=draw.status,
        forms=forms,
        objective=draw.cost / USE_COST if forms else None,
        gap=(draw.cost - draw.bound) / max(1, draw.cost) if forms else None,
        seconds=deadline.elapsed,
        conflict=conflict,
        seed=seed,
        pool=pool,
    )


def _verified(draw: Draw, blueprint: Blueprint, columns: Columns) -> tuple[FormResult, ...]:
    """Return the forms with their checks; refuse to answer with a form that breaks a rule."""
    targets = weight_targets(blueprint, columns.step)
    order = {rule.type: number for number, rule in enumerate(blueprint.types)}
    forms = [[columns.items[index] for index in form] for form in draw.forms]
    for form in forms:
        form.sort(key=lambda item: (order.get(item.type, len(order)), item.point, item.id))
    results = tuple(FormResult(tuple(item.id for item in form), check_form(form, blueprint, targets)) for form in forms)
    broken = [check.constraint for result in results for check in result.checks if not check.met]
    broken += check_assembly(forms, columns.items, blueprint)
    if broken:
        raise UnverifiedFormError(", ".join(broken))
    return results
