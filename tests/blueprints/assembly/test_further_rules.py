"""Every further rule of a blueprint holds in every form that is returned, counted by code of its own."""

from __future__ import annotations

from itertools import combinations

import pytest

from blueprints.assembly.blueprint import parse_blueprint
from blueprints.assembly.engine import assemble
from tests.blueprints.assembly.assembly_cases import broken_rules
from tests.blueprints.assembly.further_cases import (
    EXTRAS,
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
