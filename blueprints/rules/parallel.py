"""How alike parallel forms are: shared items, difficulty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from blueprints.assembly.pool import DIFFICULTY_LEVELS


def overlap_matrix(forms: Sequence[frozenset[str]]) -> list[list[int]]:
    """Return how many items each pair of forms shares; the diagonal holds the sizes.

    Examples
    --------
    >>> overlap_matrix([frozenset("ab"), frozenset("bc")])
    [[2, 1], [1, 2]]
    """
    return [[len(first & second) for second in forms] for first in forms]


def difficulty_counts(levels: Sequence[int | None]) -> list[int]:
    """Return how many items stand at each difficulty from 1 to 5.

    Examples
    --------
    >>> difficulty_counts([1, 3, 3, None])
    [1, 0, 2, 0, 0]
    """
    count = Counter(levels)
    return [count[level] for level in DIFFICULTY_LEVELS]


def mean_difficulty(levels: Sequence[int | None]) -> Decimal | None:
    """Return the mean of the difficulties that are known, to two places.

    Examples
    --------
    >>> mean_difficulty([1, 2, None]), mean_difficulty([])
    (Decimal('1.50'), None)
    """
    known = [level for level in levels if level is not None]
    return (Decimal(sum(known)) / len(known)).quantize(Decimal("0.01")) if known else None
