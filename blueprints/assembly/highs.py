"""A thin, deterministic way to HiGHS: one linear or integer model in, one solution out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
from scipy import sparse

from blueprints.assembly.columns import BoolArray, FloatArray

INTEGER = 1
BOUND_SLACK = 1e-9
PRICE_SLACK = 1e-9
Status = Literal["optimal", "feasible", "infeasible", "limit"]


@dataclass(frozen=True)
class Program:
    """Minimise ``cost @ x`` with ``low <= matrix @ x <= high`` and ``0 <= x <= upper``."""

    matrix: sparse.csc_matrix
    cost: FloatArray
    upper: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def is_sound(self) -> bool:
        """Say whether the bounds are in order and, without any columns, hold zero; if not, nothing satisfies them."""
        in_order = bool((self.low <= self.high + BOUND_SLACK).all())
        return in_order and (len(self.cost) > 0 or bool(((self.low <= 0) & (self.high >= 0)).all()))

    def part(self, columns: BoolArray, fixed: FloatArray) -> Program:
        """Return the program over some columns, the others standing at `fixed`."""
        shift = self.matrix @ np.where(columns, 0.0, fixed)
        return Program(
            self.matrix[:, columns], self.cost[columns], self.upper[columns], self.low - shift, self.high - shift
        )


@dataclass(frozen=True)
class Solution:
    """What the solver found; `x` is empty without a feasible point, `bound` a proven lower bound on the cost."""

    status: Status
    x: FloatArray
    objective: float
    bound: float
    reduced: FloatArray
    duals: FloatArray


NOTHING = Solution("infeasible", np.empty(0), np.inf, np.inf, np.empty(0), np.empty(0))


class Deadline:
    """The moment by which an assembly must answer; being called off is the same as having no time left."""

    def __init__(self, seconds: float, is_cancelled: Callable[[], bool] | None = None) -> None:
        self._start = time.monotonic()
        self._seconds = seconds
        self.is_cancelled = is_cancelled

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        if self.is_cancelled is not None and self.is_cancelled():
            self._seconds = 0.0
        return max(0.0, self._seconds - self.elapsed)

    @property
    def is_over(self) -> bool:
        """Say whether the time is up."""
        return self.remaining <= 0


def solve_linear(program: Program, deadline: Deadline) -> Solution:
    """Solve the relaxation; `reduced` and `duals` hold its reduced costs and row duals.

    Presolve costs far more than it saves here: the rows are few and the dual simplex method needs few steps.
    """
    if not program.is_sound:
        return NOTHING
    solver = _solver(program, deadline)
    solver.setOptionValue("presolve", "off")
    solver.run()
    solution = solver.getSolution()
    return _result(
        solver, np.array(solution.col_value), np.array(solution.col_dual), np.array(solution.row_dual), bound=None
    )


def solve_priced(program: Program, first: BoolArray, deadline: Deadline) -> Solution:
    """Solve the relaxation from some columns, adding others only while their reduced costs say they would help."""
    active = first.copy()
    while not active.all():
        part = Program(
            program.matrix[:, active], program.cost[active], program.upper[active], program.low, program.high
        )
        found = solve_linear(part, deadline)
        if found.status != "optimal":
            break
        reduced = program.cost - program.matrix.T @ found.duals
        missing = ~active & (reduced < -PRICE_SLACK)
        if not missing.any():
            x = np.zeros(len(program.cost))
            x[active] = found.x
            return Solution("optimal", x, found.objective, found.bound, reduced, found.duals)
        active |= missing
    return solve_linear(program, deadline)


def solve_integer(program: Program, deadline: Deadline, *, gap: float, max_nodes: int | None = None) -> Solution:
    """Solve in whole numbers; stop when cost and bound are at most `gap` apart."""
    if not program.is_sound:
        return NOTHING
    solver = _solver(program, deadline)
    n_columns = len(program.cost)
    integer = np.full(n_columns, INTEGER, dtype=np.uint8)
    solver.changeColsIntegrality(n_columns, np.arange(n_columns, dtype=np.int32), integer)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", gap)
    if max_nodes is not None:
        solver.setOptionValue("mip_max_nodes", max_nodes)
    solver.run()
    empty = np.empty(0)
    values = np.round(np.array(solver.getSolution().col_value))
    return _result(solver, values, empty, empty, bound=solver.getInfo().mip_dual_bound)


def _solver(program: Program, deadline: Deadline) -> Any:
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # the library has no types
    for option, value in (
        ("output_flag", False), ("threads", 1), ("random_seed", 0), ("time_limit", max(0.01, deadline.remaining)),
    ):  # fmt: skip
        solver.setOptionValue(option, value)
    matrix = program.matrix
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_ = program.cost
    model.col_lower_ = np.zeros(len(program.cost))
    model.col_upper_ = program.upper
    model.row_lower_ = program.low
    model.row_upper_ = np.maximum(program.high, program.low)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.num_row_, model.a_matrix_.num_col_ = matrix.shape
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    solver.passModel(model)
    return solver


def _result(solver: Any, x: FloatArray, reduced: FloatArray, duals: FloatArray, *, bound: float | None) -> Solution:
    status = solver.getModelStatus()
    info = solver.getInfo()
    empty = np.empty(0)
    infeasible = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
    if status in infeasible:
        return NOTHING
    if status == highspy.HighsModelStatus.kModelEmpty:
        return Solution("optimal", x, 0.0, 0.0, reduced, duals)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if status == highspy.HighsModelStatus.kOptimal:
        value = info.objective_function_value
        return Solution("optimal", x, value, value if bound is None else bound, reduced, duals)
    if found and bound is not None:
        return Solution("feasible", x, info.objective_function_value, bound, reduced, duals)
    return Solution("limit", empty, np.inf, -np.inf if bound is None else bound, empty, empty)


class RowSwitch:
    """A relaxation whose rows can be switched off and on; each question starts from the last answer."""

    def __init__(self, program: Program, deadline: Deadline) -> None:
        self._program = program
        self._deadline = deadline
        self._solver = _solver(program, deadline)
        self._solver.setOptionValue("presolve", "off")
        self._active = np.ones(len(program.low), dtype=bool)

    def is_feasible(self, active: BoolArray) -> bool:
        """Say whether the active rows can hold together; time running out counts as yes, so nothing false is claimed."""
        program = self._program
        changed = np.nonzero(active != self._active)[0].astype(np.int32)
        low = np.where(active, program.low, -np.inf)[changed]
        high = np.where(active, np.maximum(program.high, program.low), np.inf)[changed]
        self._solver.changeRowsBounds(len(changed), changed, low, high)
        self._active = active.copy()
        self._solver.setOptionValue("time_limit", self._solver.getRunTime() + max(0.01, self._deadline.remaining))
        self._solver.run()
        return bool(self._solver.getModelStatus() != highspy.HighsModelStatus.kInfeasible)
