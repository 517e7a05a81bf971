"""One form for each candidate: every rule in every form, exposure within its bound, equal seeds equal forms."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.optimize import linprog

from blueprints.assembly.blueprint import parse_blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.compile import Options, compile_model
from blueprints.assembly.exposure import least_rate
from blueprints.assembly.highs import Deadline
from blueprints.assembly.on_the_fly import assemble_on_the_fly
from blueprints.assembly.pool import PoolItem
from tests.blueprints.assembly.assembly_cases import broken_rules, make_blueprint, make_pool
from tests.blueprints.assembly.further_cases import broken_further, parts_of, rich_blueprint, rich_pool

N_FORMS = 24


def draw(pool, data, **options):
    return assemble_on_the_fly(pool, parse_blueprint(data), n_forms=N_FORMS, **options)


def uses_of(result):
    return Counter(name for form in result.forms for name in form.items)


@pytest.mark.parametrize("seed", range(8))
def test_every_form_keeps_every_rule_and_no_item_is_used_too_often(seed):
    pool = make_pool(seed, 300, enemies=30, sets=seed % 3)
    data = make_blueprint(seed)
    result = draw(pool, data, seed=seed)
    assert result.status in ("feasible", "infeasible")
    for form in result.forms:
        assert broken_rules(list(form.items), pool, data) == []
    if result.forms:
        assert len(result.forms) == N_FORMS
        most = max(uses_of(result).values())
        assert most == result.exposure.max_uses <= result.exposure.allowed_uses
        assert most <= max(2.5 * result.exposure.least_rate * N_FORMS, np.ceil(result.exposure.least_rate * N_FORMS))


@pytest.mark.parametrize("seed", range(4))
def test_further_rules_are_kept_in_every_form(seed):
    pool = rich_pool(seed, 500, enemies=10)
    data = rich_blueprint(
        seed, pool, extras=["pretest", "anchor", "key_balance", "cognitive", "answer_time", "cool_down"]
    )
    result = draw(pool, data, seed=seed)
    assert result.forms
    fixed = set(data["anchor"]["items"])
    for form in result.forms:
        own = [item.id for item in parts_of(form.items, pool, data)[0]]
        assert broken_rules(own, pool, data) == []
        assert broken_further(form.items, pool, data) == []
        assert fixed <= set(form.items)
    assert result.exposure.max_uses == max(n for name, n in uses_of(result).items() if name not in fixed)


def test_equal_seeds_give_equal_forms_whatever_the_order_of_the_pool():
    pool, data = make_pool(4, 200, enemies=10), make_blueprint(4, n_items=10)
    chosen = [
        [form.items for form in draw(pool[::step], data, seed=seed).forms] for step, seed in ((1, 9), (-1, 9), (1, 8))
    ]
    assert chosen[0]
    assert chosen[0] == chosen[1] != chosen[2]


def test_a_rate_of_the_blueprint_bounds_every_item():
    pool = make_pool(5, 300, max_used=0)
    types = [{"type": "single_choice", "count": 10, "score_each": 1}]
    result = draw(pool, {"n_items": 10, "types": types, "exposure": {"max_rate": 0.1}})
    assert max(uses_of(result).values()) <= N_FORMS // 10


def test_the_least_rate_is_that_of_a_linear_program_written_out():
    pool, blueprint = make_pool(6, 120), parse_blueprint(make_blueprint(2))
    model = compile_model(blueprint, build_columns(pool, blueprint), Options(n_forms=0))
    size, n_classes = model.n_units, len(model.n_units)
    table = model.matrix.toarray()
    low, high = np.isfinite(model.low), np.isfinite(model.high)
    rows = np.vstack([table[high], -table[low], np.eye(n_classes)])
    last = np.concatenate([np.zeros(high.sum() + low.sum()), -size])
    found = linprog(
        np.append(np.zeros(n_classes), 1.0), A_ub=np.column_stack([rows, last]),
        b_ub=np.concatenate([model.high[high], -model.low[low], np.zeros(n_classes)]),
    )  # fmt: skip
    rate = least_rate(model, 1, Deadline(20))
    assert rate.is_exact
    assert rate.bound == pytest.approx(found.x[-1], abs=1e-6)


def test_a_pool_too_thin_for_one_form_is_explained():
    pool = [item for item in make_pool(1, 200) if item.type != "true_false"]
    result = draw(pool, make_blueprint(1))
    assert result.status == "infeasible"
    assert "types[true_false]" in {part.rule for part in result.conflict.constraints}


def test_information_stays_within_the_band_that_the_blueprint_asks_for():
    rng = np.random.default_rng(3)
    pool = [
        PoolItem(f"i{n:04d}", "single_choice", f"A-{n % 9:03d}", "X", 3, a=float(rng.uniform(0.7, 1.4)), b=float(rng.normal()), c=0.0)
        for n in range(400)
    ]  # fmt: skip
    types = [{"type": "single_choice", "count": 20, "score_each": 1}]
    data = {"n_items": 20, "types": types, "information": [{"theta": 0, "target": 4.2, "tolerance_percent": 5}]}
    result = draw(pool, data)
    by_id = {item.id: item for item in pool}
    for form in result.forms:
        p = [1 / (1 + np.exp(by_id[name].a * by_id[name].b)) for name in form.items]
        got = sum(by_id[name].a ** 2 * q * (1 - q) for name, q in zip(form.items, p, strict=True))
        assert 4.2 * 0.95 <= got <= 4.2 * 1.05
    assert result.forms


def test_a_short_time_limit_claims_nothing():
    result = draw(make_pool(1, 200), make_blueprint(1), time_limit=1e-4)
    assert (result.status, result.forms) == ("time_limit", ())


def test_an_assembly_that_is_called_off_ends_without_forms():
    result = draw(make_pool(1, 200), make_blueprint(1), is_cancelled=lambda: True)
    assert (result.status, result.forms) == ("time_limit", ())
