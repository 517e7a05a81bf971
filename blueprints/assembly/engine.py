"""Assemble forms: the one entry to the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.choose import Choice
from blueprints.assembly.columns import USE_COST, Columns, build_columns
from blueprints.assembly.compile import Model, Options, compile_model
from blueprints.assembly.deal import deal_counts, deal_jointly
from blueprints.assembly.highs import Deadline
from blueprints.assembly.pool import PoolItem, pool_digest
from blueprints.assembly.result import AssemblyResult, FormResult, Status
from blueprints.assembly.solve import Base, solve_base
from blueprints.assembly.verify import check_assembly, check_form
from blueprints.assembly.weights import weight_targets

Progress = Callable[[str, float], None]


class UnverifiedFormError(AssertionError):
    """The engine found a form that its own checker refuses: a defect, never an answer."""


@dataclass(frozen=True)
class Draw:
    """Forms as positions in the columns, with the cost and its proven bound."""

    status: Status
    forms: tuple[tuple[int, ...], ...]
    cost: int = 0
    bound: int = 0


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
        Decides among equally good forms; equal pool, blueprint, `n_forms` and seed give equal forms.
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
    report("compile", 0.0)
    columns = build_columns(pool, blueprint)
    draw = draw_forms(blueprint, columns, n_forms, seed, deadline)
    report("verify", 0.9)
    forms = _verified(draw, blueprint, columns)
    gap = (draw.cost - draw.bound) / max(1, draw.cost) if forms else None
    result = AssemblyResult(
        status=draw.status, forms=forms, objective=draw.cost / USE_COST if forms else None, gap=gap,
        seconds=deadline.elapsed, conflict=None, seed=seed, pool_digest=pool_digest(pool),
    )  # fmt: skip
    report("done", 1.0)
    return result


def draw_forms(blueprint: Blueprint, columns: Columns, n_forms: int, seed: int, deadline: Deadline) -> Draw:
    """Find forms; enemies get rows of their own only if exchanging like items does not part them for free."""
    model = compile_model(blueprint, columns, Options(seed=seed))
    draw = _draw(model, n_forms, seed, deadline)
    if draw.status in ("infeasible", "optimal") or not model.enemies:
        return draw
    strict = compile_model(blueprint, columns, Options(seed=seed, with_enemies=True))
    second = _draw(strict, n_forms, seed, deadline)
    return second if second.forms or not draw.forms else draw


def _draw(model: Model, n_forms: int, seed: int, deadline: Deadline) -> Draw:
    base = solve_base(model, n_forms, deadline)
    if base.status in ("infeasible", "limit"):
        return Draw("infeasible" if base.status == "infeasible" else "time_limit", ())
    deal = deal_counts(model, base.count, n_forms, seed, deadline)
    if deal.status != "feasible":
        deal = deal_jointly(model, n_forms, deadline)
    if deal.status != "feasible":
        return Draw("infeasible" if deal.status == "infeasible" else "time_limit", ())
    choice = Choice(model, deal.counts, seed)
    if not choice.part_enemies():
        return Draw("time_limit", ())
    return _settle(choice, base)


def _settle(choice: Choice, base: Base) -> Draw:
    cost = choice.cost()
    bound = min(cost, base.bound)
    forms = tuple(tuple(form) for form in choice.item_positions())
    return Draw("optimal" if cost <= bound else "feasible", forms, cost, bound)


def _verified(draw: Draw, blueprint: Blueprint, columns: Columns) -> tuple[FormResult, ...]:
    """Return the forms with their checks; refuse to answer with a form that breaks a rule."""
    targets = weight_targets(blueprint, columns.step)
    order = {rule.type: number for number, rule in enumerate(blueprint.types)}
    forms = [[columns.items[index] for index in form] for form in draw.forms]
    for form in forms:
        form.sort(key=lambda item: (order[item.type], item.point, item.id))
    results = tuple(FormResult(tuple(item.id for item in form), check_form(form, blueprint, targets)) for form in forms)
    broken = [check.constraint for result in results for check in result.checks if not check.met]
    broken += check_assembly(forms, {item.id: item for item in columns.items}, blueprint)
    if broken:
        raise UnverifiedFormError(", ".join(broken))
    return results
