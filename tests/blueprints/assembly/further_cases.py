"""Pools and blueprints with every further rule, and the plainest possible check of forms against the blueprint's JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from tests.blueprints.assembly.assembly_cases import _in, make_blueprint, make_pool

TODAY = date(2026, 6, 1)
LEVELS = ("识记", "理解", "应用")
EXTRAS = (
    "earlier", "coverage", "pretest", "anchor", "key_balance", "answer_time", "reading", "cognitive", "sections",
    "include", "cool_down", "p_items", "p_counts",
)  # fmt: skip


def rich_pool(seed, n_items=400, **options):
    """Return a pool whose items carry every value that a rule may look at; a tenth of them are on trial."""
    rng = np.random.default_rng((seed, 11))
    pool = []
    for index, item in enumerate(make_pool(seed, n_items, **options)):
        letters = "TF" if item.type == "true_false" else "ABCD"
        stood = tuple(number for number in (1, 2, 3) if rng.random() < 0.05)
        pool.append(
            replace(
                item, cognitive=LEVELS[rng.integers(3)], seconds=float(rng.integers(20, 120)),
                characters=int(rng.integers(20, 200)), key=letters[rng.integers(len(letters))],
                pretest=index % 10 == 0 and item.item_set is None, earlier_forms=stood,
                last_used=TODAY - timedelta(days=int(rng.integers(1, 700))),
            )
        )  # fmt: skip
    return pool


def rich_blueprint(seed, pool, *, n_items=20, extras=None):
    """Return a blueprint with some of the further rules, by chance unless they are named."""
    rng = np.random.default_rng((seed, 13))
    data = make_blueprint(seed, n_items=n_items)
    for hard in ("information", "p_value", "exposure"):
        data.pop(hard, None)
    chosen = extras if extras is not None else [name for name in EXTRAS if rng.random() < 0.4]
    return data | _values(chosen, data, pool, rng)


def _values(chosen, data, pool, rng):
    free = [item.id for item in pool if not item.pretest and not item.enemies and item.item_set is None]
    barred = set(data.get("exclude", ()))
    named = [name for name in free if name not in barred and not any(name in item.enemies for item in pool)]
    picked = [str(name) for name in rng.choice(named, 4, replace=False)]
    values = {
        "earlier": {"last": 2, "max_count": 1}, "coverage": [{"importance": "X", "scope": "A", "forms": 2}],
        "pretest": {"n_items": 4, "types": [{"type": "single_choice", "count": 3}, {"type": "true_false", "count": 1}]},
        "anchor": {"items": picked[:2], "scored": bool(rng.integers(2))},
        "key_balance": [{"type": "single_choice", "min": 0.1, "max": 0.4}],
        "answer_time": {"minutes": [20, 26]}, "reading": {"characters": [1800, 2600]},
        "cognitive": {"识记": {"min": 0.2}, "应用": {"max": 0.4}},
        "sections": [{"name": "基础", "scopes": ["A"], "types": ["single_choice", "true_false"], "n_items": [1, 9],
                      "minutes": [1, 12], "difficulty": {"mean": {"target": 3, "tolerance": 1}}}],
        "include": picked[2:3], "cool_down": {"days": 90, "on": TODAY.isoformat()},
    }  # fmt: skip
    out = {name: value for name, value in values.items() if name in chosen}
    p_value = {"items": {"min": 0.35, "max": 0.9}} if "p_items" in chosen else {}
    if "p_counts" in chosen:
        p_value["counts"] = [{"from": 0.3, "to": 0.5, "count": [2, 10]}]
    return out | ({"p_value": p_value} if p_value else {})


def parts_of(ids, pool, data):
    """Return a form's own items, its items on trial, and everything that was drawn."""
    by_id = {item.id: item for item in pool}
    fixed = set(data.get("anchor", {}).get("items", ()))
    scored = data.get("anchor", {}).get("scored", True)
    own = [by_id[name] for name in ids if (name in fixed and scored) or (name not in fixed and not by_id[name].pretest)]
    trial = [by_id[name] for name in ids if by_id[name].pretest and name not in fixed]
    return own, trial, [by_id[name] for name in ids if name not in fixed]


def broken_further(ids, pool, data):
    """Return which further rules a form breaks, counted as plainly as can be."""
    own, trial, drawn = parts_of(ids, pool, data)
    holds = {
        "earlier": _earlier_holds(drawn, data), "pretest": _pretest_holds(trial, data.get("pretest")),
        "anchor": set(data.get("anchor", {}).get("items", ())) <= set(ids),
        "size": len(ids) == len(own) + len(trial) + _n_apart(data),
        "key_balance": all(_keys_hold(own, rule) for rule in data.get("key_balance", ())),
        "answer_time": _between(sum(i.seconds or 0 for i in own) / 60, data.get("answer_time", {}).get("minutes")),
        "reading": _between(sum(i.characters or 0 for i in own), data.get("reading", {}).get("characters")),
        "cognitive": _cognitive_holds(own, data), "sections": all(_section_holds(own, s) for s in data.get("sections", ())),
        "cool_down": _rested(drawn, data.get("cool_down")), "p_value": _p_holds(own, drawn, data.get("p_value", {})),
    }  # fmt: skip
    return [name for name, held in holds.items() if not held]


def _n_apart(data):
    anchor = data.get("anchor")
    return len(anchor["items"]) if anchor and not anchor.get("scored", True) else 0


def _between(value, band):
    return band is None or band[0] - 1e-9 <= value <= band[1] + 1e-9


def _earlier_holds(drawn, data):
    rule = data.get("earlier")
    return rule is None or all(
        sum(number in item.earlier_forms and not item.pretest for item in drawn) <= rule["max_count"]
        for number in range(1, rule["last"] + 1)
    )


def _pretest_holds(trial, rule):
    if rule is None:
        return not trial
    wanted = {entry["type"]: entry["count"] for entry in rule["types"]}
    return Counter(item.type for item in trial) == wanted and len(trial) == rule["n_items"]


def _keys_hold(own, rule):
    keys = Counter(item.key for item in own if item.type == rule["type"])
    total = sum(keys.values())
    return all(rule["min"] * total - 1e-9 <= count <= rule["max"] * total + 1e-9 for count in keys.values())


def _cognitive_holds(own, data):
    counts = Counter(item.cognitive for item in own)
    return all(
        rule.get("min", 0) * len(own) - 1e-9 <= counts[name] <= rule.get("max", 1) * len(own) + 1e-9
        for name, rule in data.get("cognitive", {}).items()
    )


def _section_holds(own, rule):
    here = [i for i in own if i.type in rule["types"] and any(_in(i.point, scope) for scope in rule["scopes"])]
    mean = rule["difficulty"]["mean"]
    return (
        _between(len(here), rule["n_items"])
        and _between(sum(i.seconds or 0 for i in here) / 60, rule["minutes"])
        and abs(np.mean([i.difficulty for i in here]) - mean["target"]) <= mean["tolerance"] + 1e-9
    )


def _rested(drawn, rule):
    return rule is None or all(
        item.last_used is None or (TODAY - item.last_used).days >= rule["days"] for item in drawn
    )


def _p_holds(own, drawn, rules):
    band = rules.get("items")
    counts = rules.get("counts", ())
    fits = all(_between(sum(rule["from"] <= i.p_value < rule["to"] for i in own), rule["count"]) for rule in counts)
    return fits and (
        band is None or all(_between(i.p_value, (band["min"], band["max"])) for i in drawn if not i.pretest)
    )


def uncovered(forms, pool, data):
    """Return points that some whole group of forms leaves out though it must cover them."""
    out = set()
    for rule in data.get("coverage", ()):
        wanted = {i.point for i in pool if i.importance == rule["importance"] and _in(i.point, rule["scope"])}
        size = rule["forms"]
        stood = [{i.point for i in pool if n in i.earlier_forms and not i.pretest} for n in (1, 2, 3)]
        held = [{i.point for i in parts_of(form, pool, data)[0]} for form in forms]
        if len(forms) < size:
            groups = [set().union(*held, *stood[: size - len(forms)])]
        else:
            groups = [set().union(*held[k : k + size]) for k in range(0, len(forms) - size + 1, size)]
        out |= {point for group in groups for point in wanted - group}
    return out
