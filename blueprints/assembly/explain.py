"""Say why no form is possible: rules that cannot hold together, what to relax, what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import BoolArray, Columns
from blueprints.assembly.compile import Model, Options, compile_model
from blueprints.assembly.deal import ANY_GAP
from blueprints.assembly.highs import Deadline, Program, RowSwitch, solve_linear
from blueprints.assembly.relax import relaxations
from blueprints.assembly.result import Conflict, ConflictRule
from blueprints.assembly.solve import round_program
from blueprints.assembly.text import Text
from blueprints.assembly.writing import writing_order
from kernel.i18n import N_

EXPLAIN_SECONDS = 20.0
"""Least time for an explanation, even if the search has used up its own."""
DROP_ORDERS = (
    ("information", "p_value", "difficulty", "importance", "cells", "enemies", "types", "total_score", "weights",
     "n_items", "exposure", "exclude", "max_per_point"),
    ("information", "p_value", "difficulty", "total_score", "n_items", "weights", "cells", "importance", "enemies",
     "exposure", "exclude", "max_per_point", "types"),
)  # fmt: skip
"""Kinds of rules in the orders in which the filter tries to do without them; what is tried last tends to stay."""
BARS = ("exclude", "exposure")
SUPPLY_SLACK = 1e-9


@dataclass(frozen=True)
class Frame:
    """The question an explanation answers: a model, how many forms, and rules that are no rows but take part."""

    model: Model
    n_forms: int
    extra: tuple[str, ...]

    def program(self) -> Program:
        """Return the program of all forms, without costs."""
        model = self.model
        zero = np.zeros(len(model.n_units))
        upper = model.n_units.astype(np.float64)
        return Program(model.matrix, zero, upper, model.low * self.n_forms, model.high * self.n_forms)


def explain(blueprint: Blueprint, columns: Columns, n_forms: int, seed: int, deadline: Deadline) -> Conflict:
    """Return the conflict in an infeasible assembly."""
    deadline = Deadline(max(deadline.remaining, EXPLAIN_SECONDS))
    frame = _frame(blueprint, columns, n_forms, deadline)
    names = (*conflict_rules(frame, deadline), *frame.extra)
    constraints = tuple(ConflictRule(name, _text(name, frame, blueprint, n_forms)) for name in names)
    return Conflict(
        constraints,
        relaxations(frame.model, frame.n_forms, names, blueprint, deadline),
        writing_order(blueprint, columns, n_forms, seed, deadline),
    )


def _frame(blueprint: Blueprint, columns: Columns, n_forms: int, deadline: Deadline) -> Frame:
    """Ask the smallest question that is still answered by no: one form before many, without sets before with them."""
    whole = compile_model(blueprint, columns, _options(columns, with_sets=True))
    extra: tuple[str, ...] = ()
    n_asked = 1
    if n_forms > 1 and _is_possible(Frame(whole, 1, ()).program(), deadline):
        n_asked, extra = n_forms, ("max_overlap",)
    if whole.followers:
        loose = compile_model(blueprint, columns, _options(columns, with_sets=False))
        if not _is_possible(Frame(loose, n_asked, ()).program(), deadline):
            return Frame(loose, n_asked, extra)
        extra = (*extra, "sets")
    return Frame(whole, n_asked, extra)


def _options(columns: Columns, *, with_sets: bool) -> Options:
    return Options(usable=columns.suited, with_sets=with_sets, with_enemies=True, with_bars=True)


def _is_possible(program: Program, deadline: Deadline) -> bool:
    return round_program(program, deadline, gap=ANY_GAP).status != "infeasible"


def _text(name: str, frame: Frame, blueprint: Blueprint, n_forms: int) -> Text:
    if name == "max_overlap":
        values = {"forms": n_forms, "count": blueprint.max_overlap}
        return Text(N_("同时组 %(forms)s 份试卷，任意两份最多重复 %(count)s 题"), values)
    if name == "sets":
        return Text(N_("共用题干的题须整组选用"))
    return frame.model.texts[name]


def conflict_rules(frame: Frame, deadline: Deadline) -> tuple[str, ...]:
    """Return the names of an irreducible set of rules that cannot hold together (empty if all rows can)."""
    for bars in ((), *((bar,) for bar in BARS), BARS):
        short = _short_supply(frame, bars)
        if short is not None:
            return (short, *bars)
    is_feasible = _oracle(frame, deadline)
    found = [_filter(frame, is_feasible, order) for order in DROP_ORDERS]
    return min(found, key=len)


def _short_supply(frame: Frame, bars: Sequence[str]) -> str | None:
    """Return the rule that most exceeds all there is (bars applied), or asks for what no whole number can be."""
    program = frame.program()
    barred = np.isin(np.array(frame.model.rules), bars)
    open_to_use = np.asarray(program.matrix[barred].sum(axis=0)).ravel() == 0 if barred.any() else 1.0
    most = program.matrix @ (program.upper * open_to_use)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where(program.low > most + SUPPLY_SLACK, program.low / np.maximum(most, SUPPLY_SLACK), 0.0)
    excess[program.low > program.high] = np.inf
    worst = int(np.argmax(excess)) if len(excess) else 0
    return frame.model.rules[worst] if len(excess) and excess[worst] > 0 else None


def _oracle(frame: Frame, deadline: Deadline) -> Callable[[BoolArray], bool]:
    """Return a function that says whether some rows can hold together: by the relaxation where that is enough."""
    program = frame.program()
    if solve_linear(program, deadline).status == "infeasible":
        return RowSwitch(program, deadline).is_feasible

    def whole_numbers(active: BoolArray) -> bool:
        low, high = np.where(active, program.low, -np.inf), np.where(active, program.high, np.inf)
        return _is_possible(Program(program.matrix, program.cost, program.upper, low, high), deadline)

    return whole_numbers


def _filter(frame: Frame, is_feasible: Callable[[BoolArray], bool], order: Sequence[str]) -> tuple[str, ...]:
    """Drop rules, whole kinds first, as long as the rest still cannot hold together."""
    names = list(dict.fromkeys(frame.model.rules))
    rows = {name: np.array([rule == name for rule in frame.model.rules]) for name in names}
    active = np.ones(len(frame.model.rules), dtype=bool)
    if is_feasible(active):
        return ()

    def drop(chosen: Iterable[str]) -> bool:
        trial = active.copy()
        for name in chosen:
            trial[rows[name]] = False
        if is_feasible(trial):
            return False
        active[:] = trial
        return True

    for kind in order:
        members = [name for name in names if kind_of(name) == kind]
        if not drop(members):
            for name in reversed(members):
                drop([name])
    return tuple(name for name in names if active[rows[name]].any())


def kind_of(rule: str) -> str:
    """Return a rule's kind: what stands before the bracket.

    Examples
    --------
    >>> kind_of("weights[B-C]"), kind_of("max_per_point")
    ('weights', 'max_per_point')
    """
    return rule.partition("[")[0]
