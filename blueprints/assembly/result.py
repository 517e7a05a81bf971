"""What an assembly answers: forms with their checks, or the conflict and how to end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from blueprints.assembly.pool import PoolItem, pool_digest
from blueprints.assembly.text import Text

ENGINE = 2
"""Number of the engine, raised by every change after which equal pool, blueprint and seed may give other forms.

1 (not recorded): until November 2026. 2: forms for single candidates are evened out for longer; all other forms are as before.
"""
Status = Literal["optimal", "feasible", "infeasible", "time_limit"]
Wanted = tuple[Decimal | None, Decimal | None]


def engine_of(outcome: Mapping[str, Any]) -> int:
    """Return the number of the engine that gave a kept outcome; those without one are the first engine's."""
    return int(outcome.get("engine", 1))


@dataclass(frozen=True, slots=True)
class Check:
    """One rule held against one form: `wanted` bounds (None leaves a side open), what the form has, and words."""

    constraint: str
    wanted: Wanted
    got: Decimal
    met: bool
    text: Text

    def to_json(self) -> dict[str, Any]:
        """Return the check as the interface promises it, with its words."""
        return {
            "constraint": self.constraint, "wanted": _wanted(self.wanted), "got": _number(self.got), "met": self.met,
            "text": str(self.text),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class FormResult:
    """The items of a form, grouped by type in the blueprint's order, and every rule held against it.

    `pretest` and `anchors` name those of the items that are on trial and that stand in every form.
    """

    items: tuple[str, ...]
    checks: tuple[Check, ...]
    pretest: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConflictRule:
    """One member of an irreducible set of rules that cannot hold together."""

    rule: str
    text: Text


@dataclass(frozen=True, slots=True)
class Change:
    """A rule's bounds before and after a relaxation."""

    rule: str
    before: Wanted
    after: Wanted
    text: Text


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Changes that together make the blueprint possible; `cost` sorts the cheapest first."""

    changes: tuple[Change, ...]
    cost: float


@dataclass(frozen=True, slots=True)
class WritingTask:
    """So many items still to be written; `values` holds further attributes that rules look at."""

    point: str
    type: str
    difficulty: int | None
    count: int
    importance: str = ""
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why there is no form."""

    constraints: tuple[ConflictRule, ...]
    relaxation: tuple[Relaxation, ...] = ()
    writing_order: tuple[WritingTask, ...] = ()


@dataclass(frozen=True, slots=True)
class Exposure:
    """How evenly very many forms use the pool.

    Attributes
    ----------
    least_rate : float
        A proven lower bound on the share of forms that must hold the most used item, whatever the choice.
    rate : float
        That share as it is.
    max_uses, allowed_uses : int
        Uses of the most used item; how many would have been allowed.
    n_unused : int
        Items that might have been drawn and were not.
    mean_overlap : float
        Items that two forms share, on average over all pairs.
    distances : tuple of float
        Median, 95 % quantile and maximum over the forms of the largest relative distance of the information from what
        was aimed at; empty without item parameters.
    """

    least_rate: float
    rate: float
    max_uses: int
    allowed_uses: int
    n_unused: int
    mean_overlap: float
    distances: tuple[float, ...] = ()


@dataclass(frozen=True)
class AssemblyResult:
    """The outcome of an assembly.

    Attributes
    ----------
    status : str
        ``optimal`` only with a proof; ``feasible``: every rule kept; ``infeasible``: proved; ``time_limit``: unknown.
    forms : tuple of FormResult
        Empty unless the status is ``optimal`` or ``feasible``.
    objective : float or None
        Earlier uses of the chosen items summed over all forms, plus up to 3/4 for an item used of late.
    gap : float or None
        Relative distance of the objective from a proven bound.
    seconds : float
        Wall time.
    conflict : Conflict or None
        Filled when infeasible.
    seed : int
        What a replay needs beside the pool, whose digest `pool_digest` gives.
    together : tuple of Check
        Rules on all forms together.
    on : date or None
        The day for which rest periods were reckoned.
    exposure : Exposure or None
        For one form a candidate: how evenly the pool was used.
    parallel : tuple of str and float, or None
        By what disjoint forms were made alike (``information`` or ``difficulty``), and the largest relative distance of
        a form from the mean of all.
    """

    status: Status
    forms: tuple[FormResult, ...]
    objective: float | None
    gap: float | None
    seconds: float
    conflict: Conflict | None
    seed: int
    pool: Sequence[PoolItem] = field(repr=False, compare=False)
    together: tuple[Check, ...] = ()
    on: date | None = None
    exposure: Exposure | None = None
    parallel: tuple[str, float] | None = None

    @cached_property
    def pool_digest(self) -> str:
        """SHA-256 of the pool that was drawn from."""
        return pool_digest(self.pool)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value that the interface promises."""
        return {
            "status": self.status,
            "forms": [_form(form) for form in self.forms],
            "objective": self.objective,
            "gap": self.gap,
            "seconds": round(self.seconds, 4),
            "conflict": None if self.conflict is None else _conflict(self.conflict),
            "seed": self.seed,
            "pool_digest": self.pool_digest,
            "engine": ENGINE,
            "together": [check.to_json() for check in self.together],
            "on": None if self.on is None else self.on.isoformat(),
            **({} if self.exposure is None else {"exposure": asdict(self.exposure)}),
            **({} if self.parallel is None else {"parallel": {"by": self.parallel[0], "largest": self.parallel[1]}}),
        }


def _number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _wanted(wanted: Wanted) -> int | float | list[int | float | None] | None:
    low, high = (_number(side) for side in wanted)
    return low if low == high else [low, high]


def _form(form: FormResult) -> dict[str, Any]:
    out: dict[str, Any] = {"items": list(form.items), "checks": [check.to_json() for check in form.checks]}
    blocks = {"pretest": list(form.pretest), "anchors": list(form.anchors)}
    return out | {name: ids for name, ids in blocks.items() if ids}


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "constraints": [{"rule": part.rule, "text": str(part.text)} for part in conflict.constraints],
        "relaxation": [_relaxation(entry) for entry in conflict.relaxation],
        "writing_order": [_task(task) for task in conflict.writing_order],
    }


def _relaxation(entry: Relaxation) -> dict[str, Any]:
    changes = [
        {"rule": part.rule, "from": _wanted(part.before), "to": _wanted(part.after), "text": str(part.text)}
        for part in entry.changes
    ]
    return {
        "changes": changes,
        "text": "；".join(str(part.text) for part in entry.changes),
        "cost": round(entry.cost, 6),
    }


def _task(task: WritingTask) -> dict[str, Any]:
    out: dict[str, Any] = {
        "point": task.point, "type": task.type, "difficulty": task.difficulty, "count": task.count
    }  # fmt: skip
    if task.importance:
        out["importance"] = task.importance
    return out | dict(task.values or {})
