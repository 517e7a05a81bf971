"""Keeping near-copies apart in a draw also where nobody has checked the bank for them yet."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult
from blueprints.services.bank import Pool
from kernel.identity.actor import Actor
from qbank.public_pairs import similar_among

MOST_COMPARED = 30_000
"""Items of a pool that are compared with each other where comparing the chosen ones was not enough."""
Draw = Callable[[Sequence[PoolItem]], AssemblyResult]
Pairs = Sequence[tuple[str, str]]


def draw_apart(session: Session, actor: Actor, pool: Pool, draw: Draw) -> tuple[AssemblyResult, Pool]:
    """Draw; where near-copies meet in a form, draw again with them as enemies. Returns the pool that was drawn from.

    First those among the chosen items are kept apart, then those of the whole pool. Where that leaves no form, the first
    draw stands: its forms say what is to be mended. Equal pools give equal results, for what is made an enemy depends on
    the pool and the earlier draw alone.
    """
    result, drawn = draw(pool.items), pool
    first = result, drawn
    for compared in (_chosen, _everything):
        if not _meet(result, _copies(session, actor, pool, _chosen(result, pool))):
            return result, drawn
        drawn = _with_enemies(drawn, _copies(session, actor, pool, compared(result, pool)))
        result = draw(drawn.items)
        if not result.forms:
            return first
    return result, drawn


def _chosen(result: AssemblyResult, _pool: Pool) -> list[str]:
    return sorted({item_id for form in result.forms for item_id in form.items})


def _everything(result: AssemblyResult, pool: Pool) -> list[str]:
    chosen = _chosen(result, pool)
    others = sorted({item.id for item in pool.items} - set(chosen))
    return [*chosen, *others[: max(0, MOST_COMPARED - len(chosen))]]


def _copies(session: Session, actor: Actor, pool: Pool, item_ids: Sequence[str]) -> Pairs:
    items: dict[uuid.UUID, str] = {pool.entries[item_id].item_version_id: item_id for item_id in item_ids}
    found = similar_among(session, actor, list(items), with_clues=False)
    return [(items[pair.first_version_id], items[pair.second_version_id]) for pair in found]


def _meet(result: AssemblyResult, pairs: Pairs) -> bool:
    """Say whether both items of a pair stand in one form."""
    return any({*pair} <= {*form.items} for form in result.forms for pair in pairs)


def _with_enemies(pool: Pool, pairs: Pairs) -> Pool:
    added: dict[str, set[str]] = {}
    for one, other in pairs:
        added.setdefault(one, set()).add(other)
        added.setdefault(other, set()).add(one)
    items = tuple(
        replace(item, enemies=tuple(sorted({*item.enemies, *added[item.id]}))) if item.id in added else item
        for item in pool.items
    )
    return replace(pool, items=items)
