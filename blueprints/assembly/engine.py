"""Assemble forms: the one entry to the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import USE_COST, Columns, build_columns
from blueprints.assembly.consistency import contradictions, misfits
from blueprints.assembly.draw import Draw
from blueprints.assembly.even import even_forms
from blueprints.assembly.explain import explain
from blueprints.assembly.highs import Deadline
from blueprints.assembly.overlap import draw_forms
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult, Check, Conflict, FormResult
from blueprints.assembly.verify import check_assembly, check_form, check_together
from blueprints.assembly.verify_further import anchor_ids, split_form
from blueprints.assembly.weights import weight_targets

Progress = Callable[[str, float], None]


class UnverifiedFormError(AssertionError):
    """The engine found a form that its own checker refuses: a defect, never an answer."""


@dataclass(frozen=True)
class _Request:
    """What was asked."""

    pool: Sequence[PoolItem]
    blueprint: Blueprint
    seed: int
    deadline: Deadline


def assemble(
    pool: Sequence[PoolItem],
    blueprint: Blueprint,
    *,
    n_forms: int,
    max_overlap: int | None = None,
    seed: int = 0,
    time_limit: float = 60.0,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
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
    is_cancelled : callable or None
        Asked between steps; once it says yes the assembly ends as if its time were up.

    Returns
    -------
    AssemblyResult
        Every form in it has passed a checker that is independent of the search.
    """
    deadline = Deadline(time_limit, is_cancelled)
    report = progress or (lambda _step, _share: None)
    if max_overlap is not None:
        blueprint = replace(blueprint, max_overlap=max_overlap)
    request = _Request(pool, blueprint, seed, deadline)
    if broken := contradictions(blueprint) or misfits(blueprint, pool):
        return _answer(Draw("infeasible"), (), Conflict(broken), request)
    report("compile", 0.0)
    columns = build_columns(pool, blueprint)
    draw = draw_forms(blueprint, columns, n_forms, seed, deadline)
    forms, evenness = even_forms(blueprint, columns, draw.forms, seed, deadline)
    draw = replace(draw, forms=forms)
    report("explain" if draw.status == "infeasible" else "verify", 0.5)
    conflict = explain(blueprint, columns, n_forms, seed, deadline) if draw.status == "infeasible" else None
    result = _answer(draw, verified(draw.forms, blueprint, columns), conflict, request)
    report("done", 1.0)
    return result if evenness is None else replace(result, parallel=(evenness.by, evenness.largest))


def settle(blueprint: Blueprint, on: date) -> Blueprint:
    """Return the blueprint with the day for which rest periods are reckoned, where it names none itself."""
    rest = blueprint.limits.cool_down
    if rest is None or rest.on is not None:
        return blueprint
    return replace(blueprint, limits=replace(blueprint.limits, cool_down=replace(rest, on=on)))


def _answer(draw: Draw, forms: tuple[FormResult, ...], conflict: Conflict | None, request: _Request) -> AssemblyResult:
    rest = request.blueprint.limits.cool_down
    return AssemblyResult(
        status=draw.status,
        forms=forms,
        objective=draw.cost / USE_COST if forms else None,
        gap=(draw.cost - draw.bound) / max(1, draw.cost) if forms else None,
        seconds=request.deadline.elapsed,
        conflict=conflict,
        seed=request.seed,
        pool=request.pool,
        together=_together(forms, request),
        on=rest.on if rest else None,
    )


def _together(forms: Sequence[FormResult], request: _Request) -> tuple[Check, ...]:
    limits = request.blueprint.limits
    if not forms or not (limits.include or limits.include_sets or limits.coverage):
        return ()
    by_id = {item.id: item for item in request.pool}
    checks = check_together([[by_id[name] for name in form.items] for form in forms], request.pool, request.blueprint)
    if broken := [check.constraint for check in checks if not check.met]:
        raise UnverifiedFormError(", ".join(broken))
    return checks


def verified(forms: Sequence[Sequence[int]], blueprint: Blueprint, columns: Columns) -> tuple[FormResult, ...]:
    """Return the forms, anchors included, with their checks; refuse to answer with a form that breaks a rule."""
    targets = weight_targets(blueprint, columns.step)
    order = {rule.type: number for number, rule in enumerate(blueprint.types)}
    chosen = [[columns.items[index] for index in (*form, *columns.anchors.tolist())] for form in forms]
    for form in chosen:
        form.sort(key=lambda item: (order.get(item.type, len(order)), item.point, item.id))
    results = tuple(_result(form, blueprint, check_form(form, blueprint, targets)) for form in chosen)
    broken = [check.constraint for result in results for check in result.checks if not check.met]
    broken += check_assembly(chosen, columns.items, blueprint)
    if broken:
        raise UnverifiedFormError(", ".join(broken))
    return results


def _result(form: Sequence[PoolItem], blueprint: Blueprint, checks: tuple[Check, ...]) -> FormResult:
    fixed = anchor_ids(blueprint)
    trial = split_form(form, blueprint)[1]
    return FormResult(
        tuple(item.id for item in form),
        checks,
        pretest=tuple(item.id for item in trial),
        anchors=tuple(item.id for item in form if item.id in fixed),
    )
