"""How long a bank lasts: sessions drawn one after another for a year, items resting after each use, until a draw fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.engine import assemble, settle
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult
from blueprints.rules.outcomes import text_to_json
from blueprints.rules.supply import SupplyCheck, supply_checks, supply_to_json

YEAR_DAYS = 365
TIGHTEST = 8
DONE = frozenset({"optimal", "feasible"})
Progress = Callable[[int, int], None]
"""Called with steps done and steps in all; may raise to stop."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A year to simulate: sessions, forms drawn for each, items they may share, days an item rests after use."""

    n_sessions: int
    n_forms: int
    max_overlap: int
    rest_days: int
    seed: int = 0
    seconds_each: float = 30.0


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """One session: what there was to draw from, and how many of the drawn items nobody had met before."""

    number: int
    day: date
    n_available: int
    n_drawn: int
    n_fresh: int


@dataclass(frozen=True)
class YearOutcome:
    """How far the bank carried; `refusal` is the draw that failed, `tightest` the rules with the least room at the end."""

    sessions: tuple[SessionOutcome, ...]
    refusal: AssemblyResult | None
    tightest: tuple[SupplyCheck, ...]
    n_used: int


def simulate_year(
    pool: Sequence[PoolItem], blueprint: Blueprint, plan: Plan, start: date, progress: Progress
) -> YearOutcome:
    """Draw session after session; stops at the first that cannot be drawn."""
    state = {item.id: item for item in pool}
    met = {item.id for item in pool if item.n_used}
    rules = replace(blueprint, max_overlap=plan.max_overlap)
    sessions: list[SessionOutcome] = []
    touched: set[str] = set()
    for number in range(plan.n_sessions):
        progress(number, plan.n_sessions)
        day = start + timedelta(days=YEAR_DAYS * number // plan.n_sessions)
        awake = [item for item in state.values() if _is_awake(item, day, plan.rest_days)]
        found = assemble(
            awake, settle(rules, day), n_forms=plan.n_forms, seed=plan.seed + number, time_limit=plan.seconds_each
        )
        if found.status not in DONE:
            return YearOutcome(tuple(sessions), found, _tightest(rules, awake, plan), len(touched))
        drawn = {item_id for form in found.forms for item_id in form.items}
        sessions.append(SessionOutcome(number + 1, day, len(awake), len(drawn), len(drawn - met)))
        met |= drawn
        touched |= drawn
        for item_id in drawn:
            state[item_id] = replace(state[item_id], n_used=state[item_id].n_used + 1, last_used=day)
    end = start + timedelta(days=YEAR_DAYS)
    awake = [item for item in state.values() if _is_awake(item, end, plan.rest_days)]
    return YearOutcome(tuple(sessions), None, _tightest(rules, awake, plan), len(touched))


def _is_awake(item: PoolItem, day: date, rest_days: int) -> bool:
    return item.last_used is None or (day - item.last_used).days >= rest_days


def _tightest(blueprint: Blueprint, items: Sequence[PoolItem], plan: Plan) -> tuple[SupplyCheck, ...]:
    """Return the rules with the least supply for their need, the tightest first."""
    checks = [check for check in supply_checks(blueprint, items, plan.n_forms) if check.needed]
    return tuple(sorted(checks, key=lambda check: check.available / check.needed)[:TIGHTEST])


def most_forms(
    pool: Sequence[PoolItem], blueprint: Blueprint, bound: int, start: date, progress: Progress
) -> tuple[int, bool]:
    """Return how many forms without common items can be drawn at once, and whether more are proved impossible.

    Asks for more and more, at most `bound`, which counting by single rules gives.
    """
    rules, possible, impossible, is_proved = settle(replace(blueprint, max_overlap=0), start), 0, bound + 1, True
    while impossible - possible > 1:
        progress(possible, bound)
        n_forms = (possible + impossible) // 2
        found = assemble(pool, rules, n_forms=n_forms, seed=n_forms)
        if found.status in DONE:
            possible = n_forms
        else:
            impossible = n_forms
            is_proved = is_proved and found.status == "infeasible"
    return possible, is_proved


def year_to_json(year: YearOutcome) -> dict[str, Any]:
    """Return the outcome as a job keeps it; texts keep their template and values."""
    conflict = year.refusal.conflict if year.refusal else None
    return {
        "sessions": [
            {
                "number": one.number, "day": one.day.isoformat(), "n_available": one.n_available, "n_drawn": one.n_drawn,
                "n_fresh": one.n_fresh,
            }
            for one in year.sessions
        ],
        "refused": None if year.refusal is None else year.refusal.status,
        "rules": [{"rule": part.rule, "text": text_to_json(part.text)} for part in conflict.constraints] if conflict else [],
        "tightest": supply_to_json(year.tightest), "n_used": year.n_used,
    }  # fmt: skip
