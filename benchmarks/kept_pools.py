"""What keeping the pool of a draw costs: bytes in the table, time to pack and to read again.

Run ``python -m benchmarks.kept_pools`` from the root of the repository.
"""

from __future__ import annotations

import time
from dataclasses import replace

from benchmarks.assembly import TREES, make_bank
from blueprints.assembly.pool import PoolItem
from blueprints.rules.kept_pools import pack_pool, pool_file, unpack_pool
from kernel.db import new_id


def as_in_the_bank(n_items: int) -> list[PoolItem]:
    """Return a bank with keys, readings and ids as the database gives them."""
    items = make_bank(n_items)
    names = {item.id: str(new_id()) for item in items}
    return [
        replace(
            item, id=names[item.id], enemies=tuple(names[enemy] for enemy in item.enemies), key="ABCD"[number % 4],
            characters=40 + number % 90, seconds=30.0 + number % 60,
        )
        for number, item in enumerate(items)
    ]  # fmt: skip


def main() -> None:
    """Print one line for each size of a bank."""
    for n_items in TREES:
        pool = as_in_the_bank(n_items)
        start = time.process_time()
        packed = pack_pool(pool)
        middle = time.process_time()
        unpack_pool(packed)
        end = time.process_time()
        print(
            f"{n_items:>7} items: {len(pool_file(packed)) / 1e6:.1f} MB as a file, {len(packed) / 1e6:.2f} MB kept; "
            f"packed in {middle - start:.2f} s, read in {end - middle:.2f} s of processor time"
        )


if __name__ == "__main__":
    main()
