"""Measure what an assembler waits for at the bench: offers for a place and for an addition, in a bank of 20,000 items.

Run: python -m benchmarks.hand_work
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from blueprints.assembly.blueprint import parse_blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.engine import assemble
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.weights import weight_targets
from blueprints.models import ExamForm, FormSlot
from blueprints.services.bank import Pool
from blueprints.services.bench import Bench
from blueprints.services.swaps import addition_offers, swap_offers
from qbank.public import PoolEntry
from qbank.rules.outline import Importance

N_ITEMS = 20_000
SCOPES = [f"{a}-{b}" for a in "AB" for b in "ABCDE"]
SPEC: dict[str, Any] = {
    "n_items": 100, "total_score": 100, "weight_tolerance_percent": 1, "max_per_point": 2, "max_overlap": 0,
    "types": [
        {"type": "single_choice", "count": 80, "score_each": 1}, {"type": "true_false", "count": 20, "score_each": 1}
    ],
    "weights": [{"scope": scope, "percent": 10} for scope in SCOPES],
    "difficulty": {"counts": {"1": [10, 30], "5": [5, 20]}}, "importance": {"X": {"min": 0.4}},
}  # fmt: skip


def invented(draw: random.Random) -> tuple[PoolItem, ...]:
    """Return a bank of invented items."""
    return tuple(
        PoolItem(
            str(uuid.UUID(int=number + 1)), draw.choices(["single_choice", "true_false"], [4, 1])[0],
            f"{draw.choice(SCOPES)}-{draw.choice('ABCDE')}-{draw.randint(1, 20):03d}", draw.choice("XXYZ"),
            draw.randint(1, 5), Decimal(1), n_used=draw.randint(0, 5),
        )
        for number in range(N_ITEMS)
    )  # fmt: skip


def entry_of(item: PoolItem) -> PoolEntry:
    """Return what the bank says of an item."""
    return PoolEntry(
        uuid.UUID(item.id), uuid.UUID(item.id), item.id[-6:], item.type, item.point, Importance(item.importance),
        item.difficulty or 3, Decimal(1), item.n_used, None,
    )  # fmt: skip


def bench_of(items: tuple[PoolItem, ...], *, n_short: int) -> Bench:
    """Return a form on the bench, some items short, with its parallel form beside it."""
    rules = parse_blueprint(SPEC)
    found = assemble(items, rules, n_forms=2, seed=1)
    known = {item.id: item for item in items}
    own = tuple(known[key] for key in found.forms[0].items[n_short:])
    form = ExamForm(slots=[FormSlot(slot=number) for number in range(1, len(own) + 1)])
    pool = Pool(items, {item.id: entry_of(item) for item in items})
    targets = weight_targets(rules, build_columns(items, rules).step)
    return Bench(form, rules, targets, own, pool, (frozenset(found.forms[1].items),))


def seconds(act: Callable[[], object]) -> float:
    """Return how much processor time something takes, which other work on the machine does not change."""
    start = time.process_time()
    act()
    return time.process_time() - start


def main() -> None:
    """Print the times."""
    items = invented(random.Random(1))
    whole, short = bench_of(items, n_short=0), bench_of(items, n_short=1)
    for slot in (1, 50, 90):
        print(f"offers for place {slot}: {seconds(partial(swap_offers, whole, slot)):.2f} s")
    print(f"offers for an addition: {seconds(partial(addition_offers, short)):.2f} s")


if __name__ == "__main__":
    main()
