"""Largest-remainder marks, information against its formula, and cliques of enemies."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from blueprints.assembly.blueprint import parse_blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.compile import cliques
from blueprints.assembly.engine import assemble
from blueprints.assembly.rows import item_information
from blueprints.assembly.verify import information
from blueprints.assembly.weights import score_step, weight_targets
from tests.blueprints.assembly.assembly_cases import make_pool


def targets(percents, n_items, score_each="1", tolerance=0):
    data = {
        "n_items": n_items,
        "types": [{"type": "single_choice", "count": n_items, "score_each": score_each}],
        "weights": [{"scope": scope, "percent": percent} for scope, percent in percents.items()],
        "weight_tolerance_percent": tolerance,
    }
    return {target.scope: target for target in weight_targets(parse_blueprint(data), score_step([Decimal(score_each)]))}


def test_exact_percentages_are_kept_exactly():
    found = targets({"A": 25, "B": 75}, 100)
    assert [(t.low, t.high, t.is_rounded) for t in found.values()] == [(25, 25, False), (75, 75, False)]


def test_half_marks_reach_half_percentages():
    assert targets({"A": "12.5", "B": "87.5"}, 200, "0.5")["A"].low == Fraction(25, 2)


def test_a_tolerance_gives_a_band_of_whole_marks():
    found = targets({"A": "33.3"}, 100, tolerance=1)["A"]
    assert (found.low, found.high) == (33, 34)


@pytest.mark.parametrize("seed", range(40))
def test_rounded_marks_add_up_at_every_level_and_stay_within_one(seed):
    rng = np.random.default_rng(seed)
    n_items = int(rng.integers(20, 120))
    areas = np.round(rng.dirichlet(np.ones(4)) * 100, 1)
    areas[-1] = np.round(100 - areas[:-1].sum(), 1)
    percents = {}
    for area, percent in zip("ABCD", areas, strict=True):
        first = np.round(percent * rng.uniform(0.2, 0.8), 1)
        percents |= {area: str(percent), f"{area}-A": str(first), f"{area}-B": str(np.round(percent - first, 1))}
    marks = {scope: target.low for scope, target in targets(percents, n_items).items()}
    assert sum(marks[area] for area in "ABCD") == n_items
    for area in "ABCD":
        assert marks[f"{area}-A"] + marks[f"{area}-B"] == marks[area]
        assert abs(marks[area] - Fraction(percents[area]) * n_items / 100) < 1
    assert all(mark >= 0 for mark in marks.values())


def test_information_equals_its_definition_in_both_places():
    """The definition is P'(theta)^2 / (P Q), with the derivative taken by differences."""
    pool = make_pool(1, 40)
    columns = build_columns(pool, parse_blueprint({"n_items": 1, "types": [{"type": "single_choice", "count": 1}]}))

    def probability(item, theta):
        return item.c + (1 - item.c) / (1 + np.exp(-item.a * (theta - item.b)))

    for theta in (-2.0, 0.0, 1.3):
        compiled = item_information(columns, theta)
        for item, value in zip(columns.items, compiled, strict=True):
            p = probability(item, theta)
            slope = (probability(item, theta + 1e-5) - probability(item, theta - 1e-5)) / 2e-5
            assert value == pytest.approx(slope**2 / (p * (1 - p)), rel=1e-6)
            assert information(item, theta) == pytest.approx(value, rel=1e-12)


def test_an_information_target_at_the_very_maximum_is_met_and_just_above_is_not():
    pool = make_pool(2, 120)
    one_type = sorted((information(item, 0.5) for item in pool if item.type == "single_choice"), reverse=True)
    most = sum(one_type[:10])
    data = {"n_items": 10, "types": [{"type": "single_choice", "count": 10, "score_each": 1}]}
    below = data | {"information": [{"theta": 0.5, "target": most - 1e-6}]}
    above = data | {"information": [{"theta": 0.5, "target": most + 1e-6}]}
    assert assemble(pool, parse_blueprint(below), n_forms=1).forms
    refused = assemble(pool, parse_blueprint(above), n_forms=1)
    assert "information[0.5]" in {part.rule for part in refused.conflict.constraints}


def test_a_band_around_an_information_target_is_kept():
    pool = make_pool(3, 200)
    data = {
        "n_items": 10, "types": [{"type": "single_choice", "count": 10, "score_each": 1}],
        "information": [{"theta": 0.0, "target": 1.5, "tolerance": 0.01}],
    }  # fmt: skip
    result = assemble(pool, parse_blueprint(data), n_forms=3)
    by_id = {item.id: item for item in pool}
    sums = [sum(information(by_id[name], 0.0) for name in form.items) for form in result.forms]
    assert len(sums) == 3
    assert all(1.49 <= value <= 1.51 for value in sums)


@pytest.mark.parametrize("seed", range(10))
def test_cliques_cover_every_pair_and_nothing_else(seed):
    rng = np.random.default_rng(seed)
    pairs = sorted({tuple(sorted(int(n) for n in rng.choice(12, 2, replace=False))) for _ in range(20)})
    covered = {pair for group in cliques(pairs) for pair in combinations(group, 2)}
    assert covered == set(pairs)
