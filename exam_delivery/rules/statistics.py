"""Simple figures of a score list: bands, mean, share of marks by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from item_templates.rounding import round_score

N_BANDS = 10


@dataclass(frozen=True, slots=True)
class Band:
    """Scores from `low` on, below the next band; the last one holds the greatest score too."""

    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """How scores are spread; figures are None without scores."""

    n: int
    mean: Decimal | None
    highest: Decimal | None
    lowest: Decimal | None
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class ItemFigure:
    """How one slot was answered: `share` of its marks that were earned, 0 to 1."""

    form: str
    slot: int
    point: str
    type_label: str
    n: int
    mean: Decimal
    max_score: Decimal
    share: Decimal


def distribution(scores: Sequence[Decimal], max_score: Decimal) -> Distribution:
    """Return ten bands over zero to the greatest score.

    Examples
    --------
    >>> [band.count for band in distribution([Decimal(5), Decimal(60), Decimal(100)], Decimal(100)).bands]
    [1, 0, 0, 0, 0, 0, 1, 0, 0, 1]
    """
    step = max_score / N_BANDS if max_score > 0 else Decimal(1)
    counts = [0] * N_BANDS
    for score in scores:
        counts[max(0, min(int(score / step), N_BANDS - 1))] += 1
    bands = tuple(Band(_label(number, step), count) for number, count in enumerate(counts))
    if not scores:
        return Distribution(0, None, None, None, bands)
    mean = round_score(sum(scores, Decimal(0)) / len(scores))
    return Distribution(len(scores), mean, max(scores), min(scores), bands)


def _label(number: int, step: Decimal) -> str:
    return f"{round_score(step * number):f}–{round_score(step * (number + 1)):f}"


def share(total: Decimal, n: int, max_score: Decimal) -> Decimal:
    """Return the share of the marks that were earned, to three decimals."""
    return round_score(total / (n * max_score)) if n and max_score else Decimal(0)
