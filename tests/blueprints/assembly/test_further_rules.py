"""Every further rule of a blueprint holds in every form that is returned, counted by code of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest

from blueprints.assembly.blueprint import BlueprintError, parse_blueprint
from blueprints.assembly.engine import assemble
from blueprints.assembly.papers import check_whole_form
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.verify import information
from blueprints.assembly.writing import written_items
from blueprints.rules.relaxing import relaxed_spec
from tests.blueprints.assembly.assembly_cases import broken_rules, make_pool
from tests.blueprints.assembly.further_cases import (
    EXTRAS,
    TODAY,
    broken_further,
    parts_of,
    rich_blueprint,
    rich_pool,
    uncovered,
)


def draw(seed, pool, data, n_forms=2):
    return assemble(pool, parse_blueprint(data), n_forms=n_forms, seed=seed)


def assert_kept(result, pool, data):
    if not result.forms:
        return
    fixed = set(data.get("anchor", {}).get("items", ()))
    for form in result.forms:
        own = [item.id for item in parts_of(form.items, pool, data)[0]]
        plain = {key: value for key, value in data.items() if key != "p_value"}
        assert broken_rules(own, pool, plain) == []
        assert broken_further(form.items, pool, data) == []
    for first, second in combinations(result.forms, 2):
        assert set(first.items) & set(second.items) == fixed
    ids = [form.items for form in result.forms]
    assert uncovered(ids, pool, data) == set()
    assert set(data.get("include", ())) <= {name for form in ids for name in form}


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_rule_alone_is_kept(extra):
    pool = rich_pool(3)
    data = rich_blueprint(3, pool, extras=[extra])
    result = draw(3, pool, data)
    assert result.forms, [part.rule for part in result.conflict.constraints]
    assert_kept(result, pool, data)


@pytest.mark.parametrize("seed", range(24))
def test_rules_together_are_kept_or_their_conflict_is_named(seed):
    pool = rich_pool(seed, enemies=20, sets=3)
    data = rich_blueprint(seed, pool)
    result = draw(seed, pool, data, n_forms=1 + seed % 4)
    assert result.status in ("optimal", "feasible", "infeasible")
    assert result.forms or result.conflict.constraints
    assert_kept(result, pool, data)


PLANTED = {
    "earlier": (lambda item: replace(item, earlier_forms=(1,)), "earlier[1]"),
    "cool_down": (lambda item: replace(item, last_used=TODAY - timedelta(days=10)), "cool_down"),
    "p_items": (lambda item: replace(item, p_value=0.1), "p_value_items"),
    "key_balance": (lambda item: replace(item, key="A") if item.type == "single_choice" else item, "key_balance[single_choice/A]"),
    "answer_time": (lambda item: replace(item, seconds=500.0), "answer_time"),
    "reading": (lambda item: replace(item, characters=9), "reading"),
    "cognitive": (lambda item: replace(item, cognitive="应用"), "cognitive[识记]"),
    "pretest": (lambda item: replace(item, pretest=False), "pretest"),
}  # fmt: skip


@pytest.mark.parametrize("extra", PLANTED)
def test_a_further_rule_that_cannot_hold_is_named_and_its_relaxation_helps(extra):
    change, rule = PLANTED[extra]
    plain = rich_pool(3)
    data = rich_blueprint(3, plain, extras=[extra])
    pool = [change(item) for item in plain]
    result = draw(3, pool, data, n_forms=1)
    assert rule in {part.rule for part in result.conflict.constraints}
    ways = result_ways(result)
    assert ways
    relaxed = relaxed_spec(data, ways[0])
    again = draw(3, pool, relaxed, n_forms=1)
    assert again.forms, [part.rule for part in again.conflict.constraints]


@pytest.mark.parametrize("extra", ["key_balance", "answer_time", "reading", "cognitive", "pretest", "p_items"])
def test_writing_what_a_further_rule_lacks_makes_the_draw_possible(extra):
    change, _ = PLANTED[extra]
    plain = rich_pool(3, 150)
    data = rich_blueprint(3, plain, extras=[extra])
    pool = [change(item) for item in plain]
    order = draw(3, pool, data, n_forms=1).conflict.writing_order
    assert order
    grown = [*pool, *written_items(order)]
    result = draw(3, grown, data, n_forms=1)
    assert result.forms
    assert_kept(result, grown, data)


def result_ways(result):
    return [
        [{"rule": c.rule, "from": [c.before[0], c.before[1]], "to": [c.after[0], c.after[1]]} for c in way.changes]
        for way in result.conflict.relaxation
    ]


def test_an_item_that_must_and_must_not_stand_is_named_on_both_sides():
    pool = rich_pool(4)
    data = rich_blueprint(4, pool, extras=["include"])
    wanted = data["include"][0]
    result = draw(4, pool, data | {"exclude": [wanted]}, n_forms=1)
    assert {part.rule for part in result.conflict.constraints} == {f"include[{wanted}]", "exclude"}


def test_an_anchor_that_is_not_in_the_pool_is_named():
    pool = rich_pool(4)
    data = rich_blueprint(4, pool, extras=[]) | {"anchor": {"items": ["elsewhere"]}}
    conflict = draw(4, pool, data).conflict
    assert [part.rule for part in conflict.constraints] == ["anchor"]
    assert "elsewhere" in str(conflict.constraints[0].text)


def test_more_points_than_the_forms_have_room_for_are_named_without_blaming_the_overlap():
    pool = rich_pool(4)
    data = rich_blueprint(4, pool, extras=[]) | {
        "coverage": [{"importance": "X", "forms": 2, "points": [f"Z-{n:03d}" for n in range(3)]}]
    }
    assert {part.rule for part in draw(4, pool, data).conflict.constraints} == {"coverage[X]"}


@pytest.mark.parametrize("restarts", [4, 0], ids=["one after another", "all at once"])
@pytest.mark.parametrize(
    "case", [(2, 16, 2, 2), (3, 12, 6, 3), (4, 16, 10, 2), (5, 12, 6, 3)], ids=["A/B", "three", "pairs", "five"]
)
def test_forms_that_share_items_still_cover_every_point_together(case, restarts, monkeypatch):
    n_forms, n_items, overlap, forms = case
    monkeypatch.setattr("blueprints.assembly.overlap.RESTARTS", restarts)
    pool = [
        PoolItem(f"{n:02d}", "true_false", f"{'ABC'[n % 3]}-{n:03d}", importance="X", n_used=n % 4) for n in range(30)
    ]
    data = {
        "n_items": n_items, "types": [{"type": "true_false", "count": n_items}], "max_overlap": overlap,
        "coverage": [{"importance": "X", "forms": forms}], "include": ["05", "06", "07"],
    }  # fmt: skip
    result = draw(1, pool, data, n_forms=n_forms)
    drawn = [set(form.items) for form in result.forms]
    assert [len(form) for form in drawn] == [n_items] * n_forms
    assert max(len(first & second) for first, second in combinations(drawn, 2)) <= overlap
    for first in range(0, n_forms - forms + 1, forms):
        assert len(set().union(*drawn[first : first + forms])) == len(pool)
    assert {"05", "06", "07"} <= set().union(*drawn)
    assert all(check.met for check in result.together)


def test_types_with_open_counts_add_up_to_the_form():
    pool = rich_pool(5)
    types = [
        {"type": "single_choice", "count": [5, 15], "score_each": 1},
        {"type": "true_false", "count": [5, 15], "score_each": 1},
    ]
    result = draw(5, pool, {"n_items": 20, "total_score": 20, "types": types})
    assert all(len(form.items) == 20 for form in result.forms)
    assert result.forms


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_per_pont": 1}, "max_per_point"), ({"key_balance": [{"type": "x", "min": 0.5, "max": 0.2}]}, "max"),
        ({"earlier": {"last": 2}}, "max_share"), ({"sections": [{"name": "甲"}]}, "types"),
        ({"coverage": [{"importance": "W", "forms": 2}]}, "X、Y 或 Z"), ({"answer_time": {"minutes": [9]}}, "minutes"),
        ({"cool_down": {"days": 3, "on": "昨天"}}, "2026-01-31"), ({"max_overlap": 10**12}, "max_overlap"),
        ({"pretest": {"n_items": 3, "types": [{"type": "x", "count": 2}]}}, "pretest.types"),
    ],
)  # fmt: skip
def test_a_refusal_of_a_blueprint_says_where_and_what_would_be_right(change, words):
    with pytest.raises(BlueprintError) as refusal:
        parse_blueprint({"n_items": 1, "types": [{"type": "x", "count": 1}]} | change)
    assert words in refusal.value.message
    assert next(iter(change)).split("_")[0] in refusal.value.message


def test_a_whole_form_is_held_against_every_rule():
    pool = rich_pool(6, enemies=40)
    data = rich_blueprint(6, pool, extras=["cognitive"])
    form = draw(6, pool, data, n_forms=1).forms[0]
    assert all(check.met for check in check_whole_form(form.items, pool, parse_blueprint(data)))
    hostile = next(item for item in pool if item.enemies)
    wrong = [*form.items[2:], "unknown", hostile.id, hostile.enemies[0], form.items[5]]
    broken = {check.constraint for check in check_whole_form(wrong, pool, parse_blueprint(data)) if not check.met}
    assert {"known_items", "enemies", "repeated_item", "n_items"} <= broken


def test_parallel_forms_lie_together_in_information():
    pool = make_pool(8, 500, max_used=0)
    data = {"n_items": 40, "types": [{"type": "single_choice", "count": 40, "score_each": 1}]}
    result = draw(8, pool, data, n_forms=4)
    by, largest = result.parallel
    assert by == "information"
    by_id = {item.id: item for item in pool}
    sums = [sum(information(by_id[name], 0.0) for name in form.items) for form in result.forms]
    assert max(sums) / min(sums) - 1 <= 2.1 * largest < 0.03
