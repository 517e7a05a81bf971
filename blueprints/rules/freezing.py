"""From the item in a place to what a form carries for it: one or more slots, by a seed that can be derived again."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from item_templates import registry
from item_templates.contract import ItemContent
from item_templates.rounding import round_score

SEED_BITS = 48
"""Small enough for a JSON number that every reader holds exactly."""


@dataclass(frozen=True, slots=True)
class FrozenPart:
    """One slot of an item: `part` counts from 1, `score` is its share of what the form gives the item."""

    part: int
    score: Decimal
    content: ItemContent


def freeze_seed(form_id: uuid.UUID, place: int, item_version_id: uuid.UUID) -> int:
    """Return the seed with which a form freezes the item in a place: the same for draft, print and package."""
    told = f"{form_id}/{place}/{item_version_id}".encode()
    return int.from_bytes(hashlib.sha256(told).digest(), "big") >> (256 - SEED_BITS)


def freeze_item(content: ItemContent, seed: int, score: Decimal) -> list[FrozenPart]:
    """Return the slots of an item that a form gives `score` marks."""
    frozen = registry.get(content.type).freeze(content, seed)
    scores = shared_out(score, [one.score for one in frozen])
    return [FrozenPart(number, mark, one) for number, (mark, one) in enumerate(zip(scores, frozen, strict=True), 1)]


def shared_out(score: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Return marks in proportion to weights that add up to `score` exactly; the last takes what rounding leaves.

    Examples
    --------
    >>> [str(one) for one in shared_out(Decimal(10), [Decimal(2), Decimal(3)])]
    ['4', '6']
    >>> [str(one) for one in shared_out(Decimal(1), [Decimal(1)] * 3)]
    ['0.333', '0.334', '0.333']
    """
    total, given = sum(weights, Decimal(0)), Decimal(0)
    shares, so_far = [], Decimal(0)
    for number, weight in enumerate(weights, 1):
        so_far += weight
        until = score if number == len(weights) or not total else round_score(score * so_far / total)
        shares.append(until - given)
        given = until
    return shares
