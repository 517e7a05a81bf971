"""Time assembly from banks of 20,000 and 100,000 items against a plain item-level model on the same solver.

Run ``python -m benchmarks.assembly`` from the root of the repository; ``--plain-limit 0`` leaves the plain model out,
``--only fly`` draws forms for single candidates alone. `processor` is the process's own time, comparable on a busy machine.
The plain model has one column for an item, every rule and every enemy group as rows, and several forms one after
another; it stops at the same distance from its bound as the engine does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from blueprints.assembly.blueprint import Blueprint, parse_blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.compile import Options, compile_model
from blueprints.assembly.engine import assemble
from blueprints.assembly.highs import Deadline, solve_integer
from blueprints.assembly.on_the_fly import assemble_on_the_fly
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.solve import PROOF_GAP, cut_pieces, total_program

LETTERS = "ABCDEFGHIJ"
TYPES = ("single_choice", "multiple_choice", "true_false")
GUESSING = (0.2, 0.05, 0.4)
TREES = {20_000: (5, 5, 6), 100_000: (10, 10, 5)}
CASES = ((20_000, 1), (20_000, 2), (20_000, 20), (100_000, 1), (100_000, 20))
FLIGHTS = ((20_000, 1_000), (20_000, 10_000), (100_000, 1_000))
RUNS = 5
N_ITEMS = 100
LAST_DAY = date(2026, 1, 1)


def make_bank(n_items: int, seed: int = 0) -> list[PoolItem]:
    """Return a bank: Zipf-like points, three types, five levels, uneven use, enemies in groups of two to four."""
    rng = np.random.default_rng(seed)
    areas, parts, leaves = TREES[n_items]
    points = [
        f"{LETTERS[i]}-{LETTERS[j]}-{k:03d}" for i in range(areas) for j in range(parts) for k in range(1, leaves + 1)
    ]
    share = rng.permutation(1 / np.arange(1, len(points) + 1) ** 0.6)
    point = rng.choice(len(points), n_items, p=share / share.sum())
    kind = rng.choice(3, n_items, p=[0.55, 0.2, 0.25])
    letter = rng.choice(3, n_items, p=[0.5, 0.35, 0.15])
    b = rng.normal(size=n_items)
    level = np.digitize(b, [-1.28, -0.52, 0.52, 1.28]) + 1
    used = rng.negative_binomial(1.5, 1 / 3, n_items)
    rested = rng.integers(1, 900, n_items)
    enemies = make_enemies(rng, point)
    slope = rng.lognormal(0, 0.3, n_items)
    return [
        PoolItem(
            id=f"i{n:06d}", type=TYPES[kind[n]], point=points[point[n]], importance="XYZ"[letter[n]],
            difficulty=int(level[n]), n_used=int(used[n]), enemies=enemies.get(n, ()),
            a=round(float(slope[n]), 4), b=round(float(b[n]), 4), c=GUESSING[kind[n]],
            last_used=LAST_DAY - timedelta(days=int(rested[n])) if used[n] else None,
        )
        for n in range(n_items)
    ]  # fmt: skip


def make_enemies(rng: np.random.Generator, point: np.ndarray) -> dict[int, tuple[str, ...]]:
    """Return the enemies of about six items in a hundred, always inside one point."""
    by_point = {code: list(np.nonzero(point == code)[0]) for code in np.unique(point)}
    enemies: dict[int, tuple[str, ...]] = {}
    left = int(0.06 * len(point))
    while left > 0:
        members = by_point[rng.choice(list(by_point))]
        size = min(int(rng.integers(2, 5)), len(members))
        group = [int(n) for n in rng.choice(members, size, replace=False)] if size > 1 else []
        left -= max(1, len(group))
        if not any(n in enemies for n in group):
            enemies |= {n: tuple(f"i{other:06d}" for other in group if other != n) for n in group}
    return enemies


def make_blueprint(pool: list[PoolItem]) -> Blueprint:
    """Return a blueprint of a hundred items with exact types, areas, importance and levels, and bounds below them."""
    areas = Counter(item.point[0] for item in pool)
    parts = Counter(item.point[:3] for item in pool)
    exact = {area: N_ITEMS * count / len(pool) for area, count in areas.items()}
    weights = {area: int(share) for area, share in exact.items()}
    for area in sorted(exact, key=lambda name: weights[name] - exact[name])[: N_ITEMS - sum(weights.values())]:
        weights[area] += 1
    cells = [
        {"scope": scope, "count": [int(80 * count / len(pool)), int(120 * count / len(pool)) + 1]}
        for scope, count in sorted(parts.items())
    ]
    counts = dict(zip(TYPES, (50, 25, 25), strict=True))
    return parse_blueprint({
        "n_items": N_ITEMS, "total_score": N_ITEMS,
        "types": [{"type": name, "count": count, "score_each": 1} for name, count in counts.items()],
        "weights": [{"scope": area, "percent": percent} for area, percent in sorted(weights.items())],
        "importance": {"X": {"min": 0.5, "max": 0.5}, "Y": {"min": 0.35, "max": 0.35}, "Z": {"min": 0.15, "max": 0.15}},
        "difficulty": {"counts": {"1": 10, "2": 20, "3": 40, "4": 20, "5": 10}},
        "cells": cells, "max_per_point": 3,
    })  # fmt: skip


def time_plain(pool: list[PoolItem], blueprint: Blueprint, n_forms: int, limit: float) -> str:
    """Time the plain model; says how many forms it got where the limit stopped it."""
    start, taken = time.perf_counter(), np.zeros(len(pool), dtype=bool)
    deadline = Deadline(limit)
    columns = build_columns(pool, blueprint)
    for number in range(n_forms):
        model = compile_model(
            blueprint, columns, Options(usable=columns.usable & ~taken, each_alone=True, with_enemies=True)
        )
        found = solve_integer(total_program(model, cut_pieces(model, 1), 1), deadline, gap=PROOF_GAP)
        if found.status != "optimal":
            return f"> {limit:.0f} s ({number} of {n_forms} forms proved)"
        taken[model.units[found.x > 0]] = True
    return f"{time.perf_counter() - start:.2f} s"


def time_engine(pool: list[PoolItem], blueprint: Blueprint, n_forms: int) -> tuple[str, str]:
    """Return the median and best wall time and the best processor time, and what was reached."""
    wall, processor, result = [], [], None
    for seed in range(RUNS):
        start, used = time.perf_counter(), time.process_time()
        result = assemble(pool, blueprint, n_forms=n_forms, seed=seed)
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    assert result is not None
    assert len(result.forms) == n_forms
    seconds = f"{statistics.median(wall):.3f} s | {min(wall):.3f} s | {min(processor):.3f} s"
    even = "" if result.parallel is None else f", {result.parallel[0]} within {result.parallel[1]:.2%}"
    return seconds, f"{result.status}, gap {result.gap:.1%}{even}"


def time_fly(pool: list[PoolItem], blueprint: Blueprint, n_forms: int) -> str:
    """Time one form a candidate, and say how evenly the pool was used."""
    start, used = time.perf_counter(), time.process_time()
    result = assemble_on_the_fly(pool, blueprint, n_forms=n_forms, time_limit=900)
    wall, processor = time.perf_counter() - start, time.process_time() - used
    seen = result.exposure
    assert seen is not None
    median, nearly_all, most = seen.distances
    return (
        f"| {len(pool):,} | {n_forms:,} | {wall:.2f} s | {processor:.2f} s | {1000 * processor / n_forms:.2f} ms | {seen.least_rate:.5f} "
        f"| {seen.rate:.5f} ({seen.rate / seen.least_rate:.2f}) | {seen.n_unused} | {seen.mean_overlap:.2f} "
        f"| {median:.1%} / {nearly_all:.1%} / {most:.1%} |"
    )


def time_refusal(pool: list[PoolItem], blueprint: Blueprint) -> str:
    """Time a refusal with its explanation and writing order: the bank without auxiliary points."""
    thinner = [item for item in pool if item.importance != "Z"]
    start, used = time.perf_counter(), time.process_time()
    result = assemble(thinner, replace(blueprint, max_overlap=0), n_forms=1)
    assert result.conflict is not None
    return f"{time.perf_counter() - start:.2f} s, processor {time.process_time() - used:.2f} s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--plain-limit", type=float, default=120.0, help="seconds for each plain model; 0 leaves it out"
    )
    parser.add_argument("--only", choices=("forms", "fly"), help="one part of the table alone")
    options = parser.parse_args()
    banks = {n_items: make_bank(n_items) for n_items in TREES}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {N_ITEMS} items a form; {RUNS} runs")
    if options.only != "fly":
        print_forms(banks, options.plain_limit)
    if options.only != "forms":
        print_fly(banks)


def print_forms(banks: dict[int, list[PoolItem]], limit: float) -> None:
    """Print how long fixed and parallel forms take."""
    print("| items | forms | wall, median | wall, best | processor, best | result | plain item-level model |")
    print("|---|---|---|---|---|---|---|")
    for n_items, n_forms in CASES:
        pool = banks[n_items]
        blueprint = make_blueprint(pool)
        seconds, reached = time_engine(pool, blueprint, n_forms)
        plain = time_plain(pool, blueprint, n_forms, limit) if limit else "-"
        print(f"| {n_items:,} | {n_forms} | {seconds} | {reached} | {plain} |", flush=True)
    for n_items, pool in banks.items():
        print(f"refusal explained, {n_items:,} items: {time_refusal(pool, make_blueprint(pool))}", flush=True)


def print_fly(banks: dict[int, list[PoolItem]]) -> None:
    """Print how long one form a candidate takes; distances of the information are median / 95 % / maximum."""
    print("| items | forms | wall | processor | a form | least rate | rate (multiple) | unused | overlap | distance |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for n_items, n_forms in FLIGHTS:
        print(time_fly(banks[n_items], make_blueprint(banks[n_items]), n_forms), flush=True)


if __name__ == "__main__":
    main()
