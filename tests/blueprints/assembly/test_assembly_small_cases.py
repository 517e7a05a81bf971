"""Small pools where every form can be tried."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import pytest

from blueprints.assembly.blueprint import parse_blueprint
from blueprints.assembly.engine import assemble
from tests.blueprints.assembly.assembly_cases import broken_rules, cheapest_by_trying_all, make_pool

SMALL = {
    "n_items": 4, "total_score": 5,
    "types": [
        {"type": "single_choice", "count": 2, "score_each": 1},
        {"type": "multiple_choice", "count": 1, "score_each": 2},
        {"type": "true_false", "count": 1, "score_each": 1},
    ],
}  # fmt: skip
RULES = [
    {},
    {"max_per_point": 1},
    {"weights": [{"scope": "A", "percent": 40}, {"scope": "B", "percent": 40}, {"scope": "C", "percent": 20}]},
    {"difficulty": {"mean": {"target": 3, "tolerance": 0.25}}, "importance": {"X": {"min": 0.5}}},
    {"p_value": {"mean": {"target": 0.7, "tolerance": 0.01}}},
    {"information": [{"theta": 0.0, "target": 0.8}], "cells": [{"scope": "A", "count": [1, 2]}]},
    {"difficulty": {"counts": {"3": [2, 2], "5": [0, 0]}}, "exposure": {"max_n_used": 3}},
]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "-".join(rules) or "types")
@pytest.mark.parametrize("seed", range(6))
def test_the_cheapest_form_is_found_or_none_exists(rules, seed):
    pool = make_pool(seed, 16, n_points=1, enemies=4, sets=1)
    data = SMALL | rules
    best = cheapest_by_trying_all(pool, data)
    result = assemble(pool, parse_blueprint(data), n_forms=1, seed=seed)
    if best is None:
        assert result.status == "infeasible"
        return
    assert result.status == "optimal"
    assert result.objective == best
    assert broken_rules(list(result.forms[0].items), pool, data) == []


@pytest.mark.parametrize("max_overlap", [0, 1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_two_forms_are_found_exactly_when_two_exist(seed, max_overlap):
    pool = make_pool(seed + 40, 11, n_points=1, enemies=2)
    data = SMALL | {"max_per_point": 2}
    good = [
        {item.id for item in form}
        for form in itertools.combinations(pool, 4)
        if not broken_rules([item.id for item in form], pool, data)
    ]
    exists = any(len(first & second) <= max_overlap for first, second in itertools.combinations(good, 2))
    result = assemble(pool, parse_blueprint(data), n_forms=2, max_overlap=max_overlap, seed=seed)
    assert bool(result.forms) == exists
    assert result.status == ("infeasible" if not exists else result.status)
    if exists:
        first, second = (set(form.items) for form in result.forms)
        assert len(first & second) <= max_overlap


def test_least_used_and_longest_rested_items_come_first():
    pool = make_pool(3, 60, max_used=0)
    rested = [replace(item, n_used=1, last_used=date(2020, 1, 1 + index % 3)) for index, item in enumerate(pool)]
    fresh = {item.id for index, item in enumerate(rested) if index % 3 == 0}
    result = assemble(
        rested, parse_blueprint({"n_items": 5, "types": [{"type": "single_choice", "count": 5}]}), n_forms=1
    )
    assert set(result.forms[0].items) <= fresh
