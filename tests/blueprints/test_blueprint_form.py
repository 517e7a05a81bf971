"""The fields of the blueprint form and the blueprint JSON say the same, both ways, and weights are refined without loss."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest

from blueprints.assembly.blueprint import parse_blueprint
from blueprints.rules.refining import ScopeShare, apportion, mark_step, refine_weights
from blueprints.rules.spec_limits import ITEM_FIELDS, item_ids_of
from blueprints.rules.specs import form_values, read_form

SCOPES = ["A", "A-A", "A-B", "B", "B-A"]
WHOLE = {
    "n_items": 60, "total_score": 60,
    "types": [
        {"type": "true_false", "count": 20, "score_each": 0.5}, {"type": "single_choice", "count": 40, "score_each": 1.25}
    ],
    "weights": [{"scope": "A-A", "percent": 20}, {"scope": "A-B", "percent": 30}, {"scope": "B-A", "percent": 50}],
    "weight_tolerance_percent": 1.5, "max_overlap": 3, "max_per_point": 2,
    "importance": {"X": {"min": 0.5, "max": 0.8}, "Z": {"max": 0.125}},
    "cognitive": {"应用": {"min": 0.3}},
    "difficulty": {"counts": {"1": [2, 1000], "5": [0, 6]}, "mean": {"target": 3, "tolerance": 0.2}},
    "p_value": {
        "mean": {"target": 0.65, "tolerance": 0.05}, "items": {"min": 0.2, "max": 0.95},
        "counts": [{"from": 0, "to": 0.3, "count": [0, 5]}],
    },
    "cells": [
        {"scope": "A-A", "type": "single_choice", "count": [4, 8]}, {"importance": "X", "difficulty": 3, "count": [2, 1000]},
        {"scope": ["A-A", "B-A"], "cognitive": "应用", "difficulty": [1, 2], "count": [1, 9]},
    ],
    "sections": [
        {"name": "职业道德", "scopes": "A", "n_items": [10, 10], "score": 10, "minutes": [5, 20],
         "difficulty": {"mean": {"target": 2, "tolerance": 0.5}}},
    ],
    "coverage": [{"scope": "B", "importance": "Y", "forms": 2}, {"importance": "X", "forms": 2}],
    "key_balance": [{"type": "multiple_choice", "max": 0.5}, {"type": "single_choice", "min": 0.2, "max": 0.3}],
    "earlier": {"last": 3, "max_count": 5, "max_share": 0.1, "together": True},
    "cool_down": {"days": 90},
    "exposure": {"max_n_used": 4, "max_rate": 0.2},
    "reading": {"characters": [1000, 6000]},
    "answer_time": {"minutes": [0, 85.5]},
    "include": ["i1"], "exclude": ["i2", "i3"], "anchor": {"items": ["i4"], "scored": False},
    "information": [
        {"theta": 0, "target": 9, "tolerance": 0.5}, {"theta": -0.5, "target": 8, "tolerance_percent": 10},
        {"theta": 1, "target": 7},
    ],
    "pretest": {"n_items": 5}, "exclude_sets": ["s1"],
}  # fmt: skip


def round_trip(spec):
    """Return what the form makes of the fields that show a blueprint."""
    items = {name: item_ids_of(spec, name) for name in ITEM_FIELDS}
    return read_form(form_values(spec), SCOPES, spec, items)


def test_the_form_gives_back_every_rule_that_it_shows():
    form = round_trip(WHOLE)
    assert form.errors == {}
    assert form.spec == WHOLE
    assert parse_blueprint(form.spec)


def test_a_blueprint_with_few_rules_gains_none():
    spec = {
        "n_items": 20, "total_score": 20, "types": [{"type": "single_choice", "count": 20, "score_each": 1}],
        "weights": [], "max_overlap": 0, "weight_tolerance_percent": 0,
    }  # fmt: skip
    assert round_trip(spec).spec == spec


@pytest.mark.parametrize("dropped", sorted(set(WHOLE) - {"n_items", "types", "weights", "max_overlap", "total_score",
                                                          "weight_tolerance_percent"}))  # fmt: skip
def test_rules_do_not_depend_on_each_other_in_the_form(dropped):
    spec = {key: value for key, value in WHOLE.items() if key != dropped}
    assert round_trip(spec).spec == spec


def test_types_stand_in_the_order_that_the_form_gives_them():
    values = form_values(WHOLE) | {"type-single_choice-order": "1", "type-true_false-order": "2"}
    kinds = [rule["type"] for rule in read_form(values, SCOPES, {}, {}).spec["types"]]
    assert kinds == ["single_choice", "true_false"]


@pytest.mark.parametrize(
    "case",
    [
        ({"cell-0-scope": "A"}, "cell-0-low", "请填写题数"),
        ({"cell-0-low": "2"}, "cell-0-scope", "请选择范围"),
        ({"section-0-low": "5"}, "section-0-name", "名称"),
        ({"section-0-name": "职业道德"}, "section-0-low", "题数、分数或难度"),
        ({"earlier-count": "3"}, "earlier-last", "最近几份"),
        ({"earlier-last": "2"}, "earlier-count", "最多重复"),
        ({"importance-X-min": "60", "importance-X-max": "40"}, "importance-X-min", "下限"),
        ({"p-low": "0.9", "p-high": "0.2"}, "p-low", "下限"),
        ({"minutes-low": "-1"}, "minutes-low", "应在"),
        ({"information-0-theta": "1"}, "information-0-target", "同时填写"),
        ({"information-0-theta": "-7"}, "information-0-theta", "应在 -6 与 6 之间"),
    ],
)
def test_half_a_rule_is_said_beside_its_field(case):
    fields, name, words = case
    values = {"type-single_choice-count": "10", "type-single_choice-score": "1"} | fields
    form = read_form(values, SCOPES, {}, {})
    assert words in str(form.errors[name][0])


def outline(seed):
    """Return a random outline of three depths with percents at the first two."""
    rng = random.Random(seed)
    scopes, cuts = [], sorted(rng.sample(range(1, 100), 3))
    for root, percent in enumerate(b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)):
        scopes.append(ScopeShare(f"{root}", 1, None, Decimal(percent), 0))
        for middle in range(rng.randint(1, 4)):
            scopes.append(ScopeShare(f"{root}-{middle}", 2, f"{root}", None, 0))
            scopes += [
                ScopeShare(f"{root}-{middle}-{leaf}", 3, f"{root}-{middle}", None, rng.randint(0, 9))
                for leaf in range(rng.randint(1, 5))
            ]
    return scopes, rng


@pytest.mark.parametrize("seed", range(40))
def test_children_always_add_up_to_their_parent_within_a_step_of_their_share(seed):
    scopes, rng = outline(seed)
    step = rng.choice([Decimal(1), Decimal("0.5"), Decimal("0.25")])
    refined = refine_weights({}, scopes, 3, step)
    assert sum(refined.percents[one.code] for one in scopes if one.depth == 1) == 100
    for parent in scopes:
        children = [one.code for one in scopes if one.parent == parent.code]
        if children:
            assert sum(refined.percents[code] for code in children) == refined.percents[parent.code]
    for rounding in refined.roundings:
        assert abs(rounding.exact - rounding.given) <= Decimal(1)


@pytest.mark.parametrize("seed", range(30))
def test_apportioned_shares_add_up_and_lie_within_one_step(seed):
    rng = random.Random(seed)
    weights = [rng.randint(1, 50) for _ in range(rng.randint(1, 12))]
    total, step = Decimal(rng.randint(1, 100)), Decimal(1)
    exact = [Fraction(total) * weight / sum(weights) for weight in weights]
    given = apportion(exact, total, step)
    assert sum(given) == total
    assert all(abs(Fraction(one) - wish) < 1 for one, wish in zip(given, exact, strict=True))


def test_what_somebody_typed_stays_and_only_the_rest_is_shared():
    scopes = [
        ScopeShare("A", 1, None, Decimal(60), 0), ScopeShare("A-A", 2, "A", None, 3), ScopeShare("A-B", 2, "A", None, 2),
        ScopeShare("A-C", 2, "A", None, 1), ScopeShare("B", 1, None, Decimal(40), 0),
    ]  # fmt: skip
    refined = refine_weights({"A": Decimal(50), "A-A": Decimal(41)}, scopes, 2, Decimal(1))
    assert refined.percents == {"A": 50, "A-A": 41, "A-B": 6, "A-C": 3, "B": 40}
    too_much = refine_weights({"A": Decimal(50), "A-A": Decimal(51)}, scopes, 2, Decimal(1))
    assert too_much.overfull == ["A"]
    upwards = refine_weights({"A-A": Decimal(5), "A-B": Decimal(6), "A-C": Decimal(7)}, scopes, 1, Decimal(1))
    assert upwards.percents == {"A": 60, "B": 40}


def test_the_step_of_weights_is_the_least_mark():
    assert mark_step(Decimal(100), [Decimal("0.5"), Decimal(1)]) == Decimal("0.5")
    assert mark_step(Decimal(80), [Decimal(1)]) == Decimal("0.25")
    assert mark_step(Decimal(0), []) == 1
