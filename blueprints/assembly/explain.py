"""Say why no form is possible: rules that cannot hold together, what to relax, what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from blueprints.assembly.bars import BARS
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
SOFT = (
    "information", "section_p_value", "section_difficulty", "section_time", "answer_time", "reading", "key_balance",
    "p_value", "difficulty", "cognitive",
)  # fmt: skip
HARD = (
    "p_bands", "section_score", "sections", "p_value_items", "earlier", "pretest", "pretest_max_per_point", "coverage", "cool_down", "exposure",
    "include", "include_sets", "exclude", "max_per_point",
)  # fmt: skip
DROP_ORDERS = (
    (*SOFT, "importance", "cells", "enemies", "types", "total_score", "weights", "n_items", *HARD),
    (*SOFT, "total_score", "n_items", "weights", "cells", "importance", "enemies", *HARD, "types"),
)
"""Kinds of rules in the orders in which the filter tries to do without them; what is tried last tends to stay."""
SUPPLY_SLACK = 1e-9


@dataclass(frozen=True)
class Frame:
    """The question an explanation answers: a model, how many forms, and rules that are no rows but take part."""

    model: Model
    n_forms: int
    extra: tuple[str, ...]
    copies: int = 1

    def program(self) -> Program:
        """Return the program of all forms, without costs; every unit may be used as often as `copies` says."""
        model = self.model
        zero = np.zeros(len(model.n_units))
        upper = model.n_units.astype(np.float64) * self.copies
        return Program(model.matrix, zero, upper, *model.bounds(self.n_forms))


def explain(blueprint: Blueprint, columns: Columns, n_forms: int, seed: int, deadline: Deadline) -> Conflict:
    """Return the conflict in an infeasible assembly."""
    deadline = Deadline(max(deadline.remaining, EXPLAIN_SECONDS), deadline.is_cancelled)
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
    options = Options(usable=columns.suited, with_enemies=True, with_bars=True, n_forms=n_forms)
    whole = compile_model(blueprint, columns, options)
    extra: tuple[str, ...] = ()
    n_asked = copies = 1
    if n_forms > 1 and _is_possible(Frame(whole, 1, ()).program(), deadline):
        n_asked, copies = n_forms, n_forms
        if whole.group == 1 or _is_possible(Frame(whole, n_forms, (), n_forms).program(), deadline):
            copies, extra = 1, ("max_overlap",)
    if whole.followers:
        loose = compile_model(blueprint, columns, replace(options, with_sets=False))
        if not _is_possible(Frame(loose, n_asked, (), copies).program(), deadline):
            return Frame(loose, n_asked, extra, copies)
        extra = (*extra, "sets")
    return Frame(whole, n_asked, extra, copies)


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
    present = [bar for bar in BARS if bar in frame.model.rules]
    for bars in (some for size in range(len(present) + 1) for some in combinations(present, size)):
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
