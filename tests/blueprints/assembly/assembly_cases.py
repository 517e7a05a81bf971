"""Pools and blueprints made by chance, and the plainest possible check of forms against a blueprint's JSON."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np

from blueprints.assembly.pool import PoolItem

TYPES = ("single_choice", "multiple_choice", "true_false")
AREAS = ("A", "B", "C")


def make_pool(seed, n_items, *, n_points=4, enemies=0, sets=0, max_used=5):
    rng = np.random.default_rng(seed)
    points = [f"{area}-{part}-{number:03d}" for area in AREAS for part in "AB" for number in range(1, n_points + 1)]
    letters = {point: "XXYZ"[rng.integers(4)] for point in points}
    hostile, shared = {}, {}
    for _ in range(enemies):
        first, second = (int(number) for number in rng.choice(n_items, 2, replace=False))
        hostile.setdefault(first, []).append(f"i{second:04d}")
    for number in range(sets):
        for index in rng.choice(n_items, 3, replace=False):
            shared[int(index)] = f"s{number}"
    pool = []
    for index in range(n_items):
        point = points[rng.integers(len(points))]
        pool.append(
            PoolItem(
                id=f"i{index:04d}", type=TYPES[rng.choice(3, p=[0.5, 0.2, 0.3])], point=point,
                importance=letters[point], difficulty=int(rng.integers(1, 6)),
                p_value=round(float(rng.uniform(0.3, 0.95)), 2), n_used=int(rng.integers(0, max_used + 1)),
                a=round(float(rng.lognormal(0, 0.3)), 3), b=round(float(rng.normal()), 3), c=0.2,
                enemies=tuple(hostile.get(index, ())), item_set=shared.get(index),
            )
        )  # fmt: skip
    return pool


def make_blueprint(seed, *, n_items=20):
    """Return a blueprint that pools of a few hundred items usually carry."""
    rng = np.random.default_rng((seed, 7))
    n_multiple = int(n_items * 0.2)
    n_true = int(n_items * 0.3)
    n_single = n_items - n_multiple - n_true
    total = n_single + 2 * n_multiple + n_true
    split = [30, 30, 40]
    rng.shuffle(split)
    blueprint = {
        "n_items": n_items, "total_score": total,
        "types": [
            {"type": "single_choice", "count": n_single, "score_each": 1},
            {"type": "multiple_choice", "count": n_multiple, "score_each": 2},
            {"type": "true_false", "count": n_true, "score_each": 1},
        ],
        "weights": [{"scope": area, "percent": percent} for area, percent in zip(AREAS, split, strict=True)],
        "weight_tolerance_percent": int(rng.integers(0, 3)),
    }  # fmt: skip
    extras = {
        "importance": {"X": {"min": 0.4}},
        "difficulty": {"mean": {"target": 3, "tolerance": 0.2}, "counts": {"1": [1, n_items // 2]}},
        "p_value": {"mean": {"target": 0.65, "tolerance": 0.02}},
        "cells": [{"scope": "A-A", "type": "single_choice", "count": [1, 4]}, {"type": "true_false", "count": n_true}],
        "max_per_point": 3,
        "exposure": {"max_n_used": 4},
        "exclude": ["i0001", "i0002", "elsewhere"],
        "information": [{"theta": 0.0, "target": n_items * 0.12}],
    }
    chosen = [key for key in extras if rng.random() < (0.2 if key == "information" else 0.5)]
    return blueprint | {key: extras[key] for key in chosen}


def _in(point, scope):
    return point.split("-")[: scope.count("-") + 1] == scope.split("-")


def _information(item, theta):
    p = item.c + (1 - item.c) / (1 + np.exp(-item.a * (theta - item.b)))
    return item.a**2 * (1 - p) / p * ((p - item.c) / (1 - item.c)) ** 2


def broken_rules(ids, pool, data):
    """Return what a form breaks of the blueprint's JSON, counted as plainly as can be."""
    by_id = {item.id: item for item in pool}
    form = [by_id[name] for name in ids]
    holds = {
        "n_items": len(set(ids)) == len(ids) == data["n_items"],
        "types": all(sum(i.type == t["type"] for i in form) == t["count"] for t in data["types"]),
        "weights": _weights_hold(form, data),
        "importance": _importance_holds(form, data),
        "difficulty": _difficulty_holds(form, data.get("difficulty", {})),
        "p_value": _mean_holds([i.p_value for i in form], data.get("p_value", {}).get("mean")),
        "cells": all(_cell_holds(form, cell) for cell in data.get("cells", [])),
        "max_per_point": max(Counter(i.point for i in form).values()) <= data.get("max_per_point", len(form)),
        "information": all(
            sum(_information(i, rule["theta"]) for i in form) >= rule["target"] - 1e-9
            for rule in data.get("information", [])
        ),
        "exclude": not set(ids) & set(data.get("exclude", [])),
        "exposure": max(i.n_used for i in form) <= data.get("exposure", {}).get("max_n_used", 10**9),
        "enemies": not any(enemy in ids for i in form for enemy in i.enemies),
        "sets": not any(i.item_set and i.id not in ids and i.item_set in {j.item_set for j in form} for i in pool),
    }
    return [name for name, held in holds.items() if not held]


def _weights_hold(form, data):
    worth = {entry["type"]: entry["score_each"] for entry in data["types"]}
    total = sum(worth.get(item.type, 0) for item in form)
    if total != data["total_score"]:
        return False
    band = data.get("weight_tolerance_percent", 0)
    for weight in data.get("weights", []):
        got = 100 * sum(worth[i.type] for i in form if _in(i.point, weight["scope"])) / total
        reachable = any(abs(100 * marks / total - weight["percent"]) <= band + 1e-9 for marks in range(total + 1))
        if abs(got - weight["percent"]) > (band if reachable else 100 / total) + 1e-9:
            return False
    return True


def _importance_holds(form, data):
    share = {letter: sum(i.importance == letter for i in form) / len(form) for letter in "XYZ"}
    return all(
        bounds.get("min", 0) - 1e-9 <= share[letter] <= bounds.get("max", 1) + 1e-9
        for letter, bounds in data.get("importance", {}).items()
    )


def _mean_holds(values, rule):
    return rule is None or abs(np.mean(values) - rule["target"]) <= rule["tolerance"] + 1e-9


def _difficulty_holds(form, rules):
    levels = [i.difficulty for i in form]
    counts = rules.get("counts", {}).items()
    return _mean_holds(levels, rules.get("mean")) and all(
        low <= levels.count(int(level)) <= high for level, (low, high) in counts
    )


def _cell_holds(form, cell):
    low, high = cell["count"] if isinstance(cell["count"], list) else (cell["count"],) * 2
    hits = sum(_in(i.point, cell.get("scope", i.point)) and i.type == cell.get("type", i.type) for i in form)
    return low <= hits <= high


def cheapest_by_trying_all(pool, data):
    """Return the least number of earlier uses over all forms that keep the rules, or None if no form does."""
    best = None
    for form in itertools.combinations(pool, data["n_items"]):
        ids = [item.id for item in form]
        if not broken_rules(ids, pool, data):
            uses = sum(item.n_used for item in form)
            best = uses if best is None else min(best, uses)
    return best
