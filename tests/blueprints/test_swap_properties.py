"""Offers for hand work over many invented banks: what is offered keeps every rule; what is added leaves the fewest broken."""

from __future__ import annotations

import random
import uuid
from decimal import Decimal
from typing import Any, cast

import pytest

from blueprints.assembly.blueprint import Blueprint, parse_blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.engine import assemble
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.verify import check_assembly, check_form
from blueprints.assembly.weights import weight_targets
from blueprints.models import ExamForm, FormSlot
from blueprints.services.bank import Pool
from blueprints.services.bench import Bench, deviation
from blueprints.services.swaps import addition_offers, swap_offers
from qbank.public import PoolEntry
from qbank.rules.outline import Importance

SPEC = {
    "n_items": 12, "total_score": 12, "max_per_point": 3, "max_overlap": 1, "weight_tolerance_percent": 10,
    "types": [
        {"type": "single_choice", "count": 8, "score_each": 1}, {"type": "true_false", "count": 4, "score_each": 1}
    ],
    "weights": [{"scope": "A", "percent": 50}, {"scope": "B", "percent": 50}],
    "importance": {"X": {"min": 0.25}}, "difficulty": {"mean": {"target": 3, "tolerance": 0.6}},
}  # fmt: skip


def invented(draw: random.Random) -> tuple[PoolItem, ...]:
    """Some 80 items, a few of them enemies."""
    ids = [str(uuid.UUID(int=number + 1)) for number in range(80)]
    return tuple(
        PoolItem(
            key, draw.choice(["single_choice", "single_choice", "true_false"]), f"{draw.choice('AB')}-00{draw.randint(1, 6)}",
            draw.choice("XYZ"), draw.randint(1, 5), Decimal(1), n_used=draw.randint(0, 3),
            enemies=(draw.choice(ids),) if draw.random() < 0.1 else (),
        )
        for key in ids
    )  # fmt: skip


def entry_of(item: PoolItem) -> PoolEntry:
    return PoolEntry(
        uuid.UUID(item.id), uuid.UUID(item.id), item.id[-4:], item.type, item.point, Importance(item.importance),
        item.difficulty or 3, Decimal(1), item.n_used, None,
    )  # fmt: skip


def bench_of(seed: int) -> Bench | None:
    items = invented(random.Random(seed))
    rules: Blueprint = parse_blueprint(SPEC)
    found = assemble(items, rules, n_forms=2, seed=seed)
    if not found.forms:
        return None
    known = {item.id: item for item in items}
    own = tuple(known[key] for key in found.forms[0].items)
    form = cast("ExamForm", ExamForm(slots=[FormSlot(slot=number) for number in range(1, len(own) + 1)]))
    pool = Pool(items, {item.id: entry_of(item) for item in items})
    targets = weight_targets(rules, build_columns(items, rules).step)
    return Bench(form, rules, targets, own, pool, (frozenset(found.forms[1].items),))


@pytest.mark.parametrize("seed", range(12))
def test_every_offer_for_a_place_keeps_every_rule_and_every_wall(seed: int) -> None:
    bench = bench_of(seed)
    if bench is None:
        return
    known = {item.id: item for item in bench.pool.items}
    for index in (0, 5, 11):
        for offer in swap_offers(bench, index + 1):
            changed = bench.with_item(index, known[str(offer.entry.item_id)])
            checks = check_form(changed, bench.blueprint, bench.targets)
            assert all(check.met for check in checks)
            assert check_assembly([changed], bench.pool.items, bench.blueprint) == ()
            assert len({item.id for item in changed} & bench.siblings[0]) <= 1
            assert not offer.breaks


@pytest.mark.parametrize("seed", range(6))
def test_the_first_addition_leaves_no_more_broken_than_any_other(seed: int) -> None:
    whole = bench_of(seed)
    if whole is None:
        return
    bench = Bench(whole.form, whole.blueprint, whole.targets, whole.items[1:], whole.pool, whole.siblings)
    known: dict[str, Any] = {item.id: item for item in bench.pool.items}
    rates = [deviation(bench.checks_of((*bench.items, known[str(o.entry.item_id)]))) for o in addition_offers(bench)]
    assert rates
    assert rates[0] == min(rates)
    assert rates[0][0] == 0


def test_most_invented_banks_carry_forms() -> None:
    assert sum(1 for seed in range(12) if bench_of(seed) is not None) >= 9
