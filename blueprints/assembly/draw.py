"""Draw disjoint forms: bound, round, deal, choose."""

from __future__ import annotations

from dataclasses import dataclass, replace

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.choose import Choice
from blueprints.assembly.columns import Columns
from blueprints.assembly.compile import Model, Options, compile_model
from blueprints.assembly.deal import deal_counts, deal_jointly
from blueprints.assembly.highs import Deadline
from blueprints.assembly.result import Status
from blueprints.assembly.solve import Base, solve_base


@dataclass(frozen=True)
class Draw:
    """Forms as positions in the columns, with their cost and its proven bound."""

    status: Status
    forms: tuple[tuple[int, ...], ...] = ()
    cost: int = 0
    bound: int = 0


def draw_disjoint(
    blueprint: Blueprint, columns: Columns, n_forms: int, deadline: Deadline, options: Options | None = None
) -> Draw:
    """Find disjoint forms; enemies get rows of their own only if exchanging like items does not part them for free."""
    options = replace(options or Options(), n_forms=n_forms)
    model = compile_model(blueprint, columns, options)
    draw, is_settled = _draw(model, n_forms, options.seed, deadline)
    if is_settled or options.with_enemies:
        return draw
    strict, _ = _draw(
        compile_model(blueprint, columns, replace(options, with_enemies=True)), n_forms, options.seed, deadline
    )
    if strict.status == "infeasible":
        return strict
    return strict if strict.forms and (not draw.forms or strict.cost <= draw.cost) else draw


def _draw(model: Model, n_forms: int, seed: int, deadline: Deadline) -> tuple[Draw, bool]:
    """Return forms, and whether enemies cost nothing (or the answer is no, enemies or not)."""
    base = solve_base(model, n_forms, deadline)
    if base.status in ("infeasible", "limit"):
        return _nothing(base.status), base.status == "infeasible"
    deal = deal_counts(model, base.count, n_forms, seed, deadline)
    if deal.status != "feasible":
        deal = deal_jointly(model, n_forms, deadline)
    if deal.status != "feasible":
        return _nothing(deal.status), deal.status == "infeasible"
    choice = Choice(model, deal.counts, seed)
    dealt = choice.cost()
    if not choice.part_enemies():
        return Draw("time_limit"), False
    draw = _settle(choice, base)
    return draw, draw.cost <= dealt or draw.status == "optimal"


def _nothing(status: str) -> Draw:
    return Draw("infeasible" if status == "infeasible" else "time_limit")


def _settle(choice: Choice, base: Base) -> Draw:
    cost = choice.cost()
    bound = min(cost, base.bound)
    forms = tuple(tuple(form) for form in choice.item_positions())
    return Draw("optimal" if cost <= bound else "feasible", forms, cost, bound)
