"""Forms over many seeds: every rule kept, by a checker that shares no code with the engine."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from itertools import combinations

import numpy as np
import pytest

from blueprints.assembly import engine
from blueprints.assembly.blueprint import parse_blueprint
from blueprints.assembly.draw import Draw
from blueprints.assembly.engine import assemble
from tests.blueprints.assembly.assembly_cases import broken_rules, make_blueprint, make_pool


def answer_without_time(result):
    return {key: value for key, value in result.to_json().items() if key != "seconds"}


@pytest.mark.parametrize("seed", range(30))
def test_every_form_keeps_every_rule(seed):
    rng = np.random.default_rng(seed)
    pool = make_pool(seed, 300, enemies=int(rng.integers(0, 60)), sets=int(rng.integers(0, 8)))
    data = make_blueprint(seed)
    n_forms = int(rng.integers(1, 5))
    result = assemble(pool, parse_blueprint(data), n_forms=n_forms, seed=seed)
    assert result.status in ("optimal", "feasible", "infeasible")
    if result.status == "infeasible":
        assert result.conflict.constraints
        return
    assert len(result.forms) == n_forms
    for form in result.forms:
        assert broken_rules(list(form.items), pool, data) == []
        assert all(check.met for check in form.checks)
    for first, second in combinations(result.forms, 2):
        assert not set(first.items) & set(second.items)


def test_most_chance_blueprints_can_be_met():
    met = sum(
        bool(assemble(make_pool(seed, 300), parse_blueprint(make_blueprint(seed)), n_forms=2, seed=seed).forms)
        for seed in range(12)
    )
    assert met >= 9


@pytest.mark.parametrize("seed", range(8))
def test_overlap_stays_within_what_is_allowed(seed):
    pool = make_pool(seed, 60, enemies=5)
    data = make_blueprint(seed, n_items=20)
    for rule in ("information", "exposure", "max_per_point"):
        data.pop(rule, None)
    result = assemble(pool, parse_blueprint(data), n_forms=4, max_overlap=12, seed=seed, time_limit=20)
    assert result.status in ("feasible", "optimal", "infeasible")
    for form in result.forms:
        assert broken_rules(list(form.items), pool, data) == []
    for first, second in combinations(result.forms, 2):
        assert len(set(first.items) & set(second.items)) <= 12


def test_forms_share_items_only_when_the_pool_is_too_small_for_disjoint_ones():
    pool = [item for item in make_pool(1, 80) if item.type == "single_choice"][:30]
    data = {"n_items": 20, "types": [{"type": "single_choice", "count": 20, "score_each": 1}]}
    result = assemble(pool, parse_blueprint(data), n_forms=2, max_overlap=10)
    first, second = (set(form.items) for form in result.forms)
    assert len(first & second) == 10
    assert assemble(pool, parse_blueprint(data), n_forms=2, max_overlap=9).status == "infeasible"


@pytest.mark.parametrize("n_forms", [1, 3])
def test_equal_seeds_give_equal_forms_whatever_the_order_of_the_pool(n_forms):
    pool = make_pool(5, 400, enemies=30, sets=4)
    blueprint = parse_blueprint(make_blueprint(5))
    shuffled = [pool[index] for index in np.random.default_rng(1).permutation(len(pool))]
    first = assemble(pool, blueprint, n_forms=n_forms, seed=11)
    again = assemble(shuffled, blueprint, n_forms=n_forms, seed=11)
    assert first.forms
    assert json.dumps(answer_without_time(first)) == json.dumps(answer_without_time(again))


def test_another_seed_gives_other_forms():
    pool = make_pool(6, 600, max_used=0)
    data = {"n_items": 20, "types": [{"type": "single_choice", "count": 20, "score_each": 1}]}
    forms = {assemble(pool, parse_blueprint(data), n_forms=1, seed=seed).forms[0].items for seed in range(5)}
    assert len(forms) == 5


def test_items_of_a_stimulus_are_taken_together_or_not_at_all():
    pool = [replace(item, n_used=9, item_set=None) for item in make_pool(7, 200, max_used=0)]
    pool[:3] = [replace(item, n_used=0, item_set="passage", type="single_choice") for item in pool[:3]]
    data = {"n_items": 10, "types": [{"type": "single_choice", "count": 10, "score_each": 1}]}
    chosen = set(assemble(pool, parse_blueprint(data), n_forms=1).forms[0].items)
    assert {"i0000", "i0001", "i0002"} <= chosen
    barred = parse_blueprint(data | {"exclude": ["i0001"]})
    assert not {"i0000", "i0001", "i0002"} & set(assemble(pool, barred, n_forms=1).forms[0].items)


def test_enemies_are_parted_even_when_one_side_alone_names_the_other():
    pool = make_pool(8, 10, max_used=0)
    pool = [replace(item, type="single_choice", enemies=()) for item in pool]
    pool[0] = replace(pool[0], enemies=tuple(item.id for item in pool[5:]))
    data = {"n_items": 5, "types": [{"type": "single_choice", "count": 5, "score_each": 1}]}
    for seed in range(5):
        forms = assemble(pool, parse_blueprint(data), n_forms=2, seed=seed).forms
        with_first = next(set(form.items) for form in forms if "i0000" in form.items)
        assert with_first == {"i0000", "i0001", "i0002", "i0003", "i0004"}


def test_a_short_time_limit_is_kept_and_claims_nothing():
    pool = make_pool(9, 3000)
    result = assemble(pool, parse_blueprint(make_blueprint(9, n_items=60)), n_forms=6, time_limit=0.001)
    assert result.status == "time_limit"
    assert result.forms == ()
    assert result.conflict is None


def test_progress_ends_at_one():
    shares = []
    pool = make_pool(2, 200)
    blueprint = parse_blueprint({"n_items": 5, "types": [{"type": "true_false", "count": 5, "score_each": 1}]})
    assemble(pool, blueprint, n_forms=1, progress=lambda _step, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_form_that_breaks_a_rule_is_never_returned(monkeypatch):
    pool = make_pool(2, 50)
    blueprint = parse_blueprint({"n_items": 2, "types": [{"type": "true_false", "count": 2, "score_each": 1}]})
    wrong = [index for index, item in enumerate(pool) if item.type == "single_choice"][:2]
    monkeypatch.setattr(engine, "draw_forms", lambda *_args: Draw("optimal", (tuple(wrong),)))
    with pytest.raises(engine.UnverifiedFormError, match="types"):
        assemble(pool, blueprint, n_forms=1)


def test_percentages_that_marks_cannot_meet_are_rounded_and_the_deviation_reported():
    pool = make_pool(4, 300)
    data = {
        "n_items": 20, "types": [{"type": "single_choice", "count": 20, "score_each": 1}],
        "weights": [{"scope": "A", "percent": 33}, {"scope": "B", "percent": 33}, {"scope": "C", "percent": 34}],
    }  # fmt: skip
    result = assemble(pool, parse_blueprint(data), n_forms=1)
    checks = {check.constraint: check for check in result.forms[0].checks}
    assert [int(checks[f"weights[{area}]"].got) for area in "ABC"] == [7, 6, 7]
    assert "偏差 2%" in str(checks["weights[A]"].text)


def test_own_marks_of_items_add_up_to_the_total():
    pool = [replace(item, score=Decimal(1 + index % 3)) for index, item in enumerate(make_pool(3, 90))]
    data = {"n_items": 6, "total_score": 15, "types": [{"type": "single_choice", "count": 6}]}
    result = assemble(pool, parse_blueprint(data), n_forms=2)
    worth = {item.id: item.score for item in pool}
    assert [sum(worth[name] for name in form.items) for form in result.forms] == [15, 15]
