"""The pool of a draw as it is kept with the draw: the pool file that ``kaoku assemble`` reads, compressed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

from blueprints.assembly.pool import PoolItem, item_to_json, pool_digest, read_pool
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

POOL_DAYS = RuleKey(
    "blueprints.pool_keep_days", 180, N_("没有采用试卷的组卷，题库留存天数"),
    N_("到期后清除，这次组卷不能再按当时的题库重放；采用过试卷的组卷一直留存"), minimum=1, maximum=36_500,
)  # fmt: skip
declare(POOL_DAYS)


def pack_pool(pool: Sequence[PoolItem]) -> bytes:
    """Return a pool as compressed JSON; equal pools in any order give equal bytes.

    Examples
    --------
    >>> unpack_pool(pack_pool([PoolItem("2", "true_false", "A-B-C-001"), PoolItem("1", "true_false", "A-B-C-001")]))[0].id
    '1'
    """
    rows = [item_to_json(item) for item in sorted(pool, key=lambda entry: entry.id)]
    text = json.dumps({"items": rows}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return zlib.compress(text.encode())


def unpack_pool(packed: bytes) -> tuple[PoolItem, ...]:
    """Return the items of a kept pool."""
    return read_pool(pool_file(packed))


def pool_file(packed: bytes) -> bytes:
    """Return a kept pool as the file that ``kaoku assemble`` reads."""
    return zlib.decompress(packed)


def check_digest(pool: Sequence[PoolItem], digest: str) -> None:
    """Refuse a pool that is not the one whose digest the draw recorded; raises ConflictError."""
    if pool_digest(pool) != digest:
        raise ConflictError(N_("留存的题库与组卷记录的摘要不符，可能已损坏，请从备份中恢复"))
