"""Blueprints that cannot be met: the rules named, the ways out, the items to write."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from blueprints.assembly.blueprint import parse_blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.compile import Options, compile_model
from blueprints.assembly.engine import assemble
from blueprints.assembly.explain import Frame, conflict_rules
from blueprints.assembly.highs import Deadline
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.writing import written_items
from tests.blueprints.assembly.assembly_cases import broken_rules, make_blueprint, make_pool

BASE = {
    "n_items": 20, "total_score": 24,
    "types": [
        {"type": "single_choice", "count": 10, "score_each": 1},
        {"type": "multiple_choice", "count": 4, "score_each": 2},
        {"type": "true_false", "count": 6, "score_each": 1},
    ],
    "weights": [{"scope": "A", "percent": 25}, {"scope": "B", "percent": 25}, {"scope": "C", "percent": 50}],
}  # fmt: skip


def clean_pool(seed=0, n_items=400):
    return make_pool(seed, n_items, max_used=0)


def conflict_of(pool, data, n_forms=1, **options):
    result = assemble(pool, parse_blueprint(data), n_forms=n_forms, **options)
    assert result.status == "infeasible"
    assert result.forms == ()
    return result.conflict


def names(conflict):
    return {part.rule for part in conflict.constraints}


def test_the_base_blueprint_can_be_met():
    assert assemble(clean_pool(), parse_blueprint(BASE), n_forms=3).forms


def without(pool, unwanted, keep=0):
    kept = [item for item in pool if unwanted(item)][:keep]
    return [item for item in pool if not unwanted(item) or item in kept]


PLANTED = {
    "too few of a type": (lambda item: item.type == "multiple_choice", {}, {"types[multiple_choice]"}),
    "an empty scope": (lambda item: item.point.startswith("B"), {}, {"weights[B]"}),
    "no core points": (lambda item: item.importance == "X", {"importance": {"X": {"min": 0.3}}}, {"importance[X]"}),
    "a level that is missing": (
        lambda item: item.difficulty == 5, {"difficulty": {"counts": {"5": [3, 6]}}}, {"difficulty[5]"},
    ),
    "a cell that is missing": (
        lambda item: item.point.startswith("A-B") and item.type == "true_false",
        {"cells": [{"scope": "A-B", "type": "true_false", "count": [2, 3]}]}, {"cells[A-B/true_false]"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PLANTED)
def test_a_rule_that_lacks_items_is_named_alone(case):
    unwanted, rules, expected = PLANTED[case]
    pool = without(clean_pool(), unwanted, keep=1)
    conflict = conflict_of(pool, BASE | rules)
    assert names(conflict) == expected
    assert all(str(part.text) for part in conflict.constraints)


def test_two_rules_that_fight_are_both_named():
    pool = without(clean_pool(), lambda item: item.point.startswith("C") and item.importance == "X")
    weights = [{"scope": "C", "percent": 50}, {"scope": "C-A", "percent": 25}]
    data = BASE | {"importance": {"X": {"min": 0.8}}, "weights": weights, "max_per_point": 6}
    conflict = conflict_of(pool, data)
    assert {"importance[X]", "weights[C]"} <= names(conflict)
    assert not names(conflict) & {"weights[C-A]", "max_per_point"}


def test_too_few_points_for_the_cap_are_named():
    pool = [item for item in clean_pool() if item.point.endswith("001")]
    conflict = conflict_of(pool, BASE | {"max_per_point": 1})
    assert "max_per_point" in names(conflict)
    assert any(change.rule == "max_per_point" for way in conflict.relaxation for change in way.changes)


def test_exposure_is_named_and_the_least_wider_cap_found():
    pool = [replace(item, n_used=3) if item.type == "multiple_choice" else item for item in clean_pool()]
    conflict = conflict_of(pool, BASE | {"exposure": {"max_n_used": 1}})
    assert names(conflict) == {"types[multiple_choice]", "exposure"}
    wider = [way.changes[0] for way in conflict.relaxation if way.changes[0].rule == "exposure"]
    assert [int(change.after[1]) for change in wider] == [3]


def test_exclusion_is_named():
    pool = clean_pool()
    ids = [item.id for item in pool if item.type == "true_false"]
    assert names(conflict_of(pool, BASE | {"exclude": ids})) == {"types[true_false]", "exclude"}


def test_too_many_disjoint_forms_name_the_overlap_and_the_number_that_is_possible():
    pool = without(clean_pool(), lambda item: item.type == "multiple_choice", keep=30)
    conflict = conflict_of(pool, {key: BASE[key] for key in ("n_items", "total_score", "types")}, n_forms=12)
    assert names(conflict) == {"types[multiple_choice]", "max_overlap"}
    fewer = next(way.changes[0] for way in conflict.relaxation if way.changes[0].rule == "n_forms")
    assert int(fewer.after[0]) == 30 // 4


def test_whole_sets_are_named_when_single_items_would_do():
    pool = [PoolItem(f"i{n}", "single_choice", "A-001", "X", 3, item_set=f"s{n // 2}") for n in range(10)]
    data = {"n_items": 5, "types": [{"type": "single_choice", "count": 5, "score_each": 1}]}
    conflict = conflict_of(pool, data)
    assert "sets" in names(conflict)
    assert names(conflict) <= {"sets", "types[single_choice]", "n_items"}


def test_enemies_are_named():
    ids = [f"i{n}" for n in range(4)]
    pool = [PoolItem(name, "single_choice", "A-001", "X", 3, enemies=tuple(set(ids) - {name})) for name in ids]
    data = {"n_items": 2, "types": [{"type": "single_choice", "count": 2, "score_each": 1}]}
    assert "enemies" in names(conflict_of(pool, data))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"n_items": 21}, "n_items"),
        ({"total_score": 30}, "total_score"),
        ({"weights": [{"scope": "A", "percent": 60}, {"scope": "B", "percent": 50}]}, "weights[B]"),
        ({"weights": [{"scope": "A", "percent": 20}, {"scope": "A-A", "percent": 25}]}, "weights[A-A]"),
    ],
)
def test_numbers_that_contradict_themselves_are_named(change, expected):
    assert expected in names(conflict_of(clean_pool(), BASE | change))


@pytest.mark.parametrize("case", PLANTED)
def test_every_single_rule_way_out_works(case):
    unwanted, rules, _ = PLANTED[case]
    pool = without(clean_pool(), unwanted, keep=1)
    conflict = conflict_of(pool, BASE | rules)
    assert conflict.relaxation
    costs = [way.cost for way in conflict.relaxation]
    assert costs == sorted(costs)


@pytest.mark.parametrize("seed", range(60, 72))
def test_no_member_of_a_conflict_can_be_spared(seed):
    pool = make_pool(seed, 60, n_points=2, enemies=8)
    data = make_blueprint(seed)
    blueprint = parse_blueprint(data)
    columns = build_columns(pool, blueprint)
    model = compile_model(blueprint, columns, Options(usable=columns.suited, with_enemies=True, with_bars=True))
    conflict = conflict_rules(Frame(model, 1, ()), Deadline(30))
    held = assemble(pool, blueprint, n_forms=1).forms
    assert bool(conflict) != bool(held)
    assert not conflict or not can_hold(model, conflict)
    for spared in conflict:
        assert can_hold(model, set(conflict) - {spared}), spared


def can_hold(model, rules):
    rows = [index for index, name in enumerate(model.rules) if name in rules]
    bounds = LinearConstraint(model.matrix.toarray()[rows], model.low[rows], model.high[rows]) if rows else ()
    n_classes = len(model.n_units)
    found = milp(
        np.zeros(n_classes), constraints=bounds, bounds=Bounds(0, model.n_units), integrality=np.ones(n_classes)
    )
    return found.success


@pytest.mark.parametrize("seed", range(60, 84))
@pytest.mark.parametrize("n_forms", [1, 3])
def test_writing_what_is_ordered_makes_it_possible(seed, n_forms):
    pool = make_pool(seed, 60, n_points=2, enemies=8, sets=1)
    data = make_blueprint(seed)
    blueprint = parse_blueprint(data)
    result = assemble(pool, blueprint, n_forms=n_forms, seed=seed)
    if result.status != "infeasible":
        assert result.forms
        return
    order = result.conflict.writing_order
    assert order
    assert all(task.count > 0 for task in order)
    grown = [*pool, *written_items(order)]
    again = assemble(grown, blueprint, n_forms=n_forms, seed=seed)
    assert len(again.forms) == n_forms
    plain = [replace(item, c=item.c or 0.0, a=item.a or 0.0, b=item.b or 0.0) for item in grown]
    assert all(broken_rules(list(form.items), plain, data) == [] for form in again.forms)


def test_a_writing_order_is_as_short_as_the_shortage():
    pool = without(clean_pool(), lambda item: item.type == "multiple_choice", keep=1)
    data = {key: BASE[key] for key in ("n_items", "total_score", "types")}
    order = conflict_of(pool, data).writing_order
    assert sum(task.count for task in order) == 3
    assert {task.type for task in order} == {"multiple_choice"}


def test_an_empty_pool_gets_a_whole_form_to_write():
    data = {"n_items": 3, "types": [{"type": "single_choice", "count": 3, "score_each": 1}]}
    conflict = conflict_of([], data, n_forms=2)
    assert sum(task.count for task in conflict.writing_order) == 6
