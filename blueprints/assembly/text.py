"""Texts of the engine: a Chinese template and its values, translated at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """A message with ``%(name)s`` placeholders; ``str()`` gives the Chinese, the edge translates `template` first.

    Examples
    --------
    >>> str(Text("缺 %(n)s 题", {"n": 3}))
    '缺 3 题'
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template % self.values if self.values else self.template


def plain(value: Decimal | float) -> str:
    """Return a number as people write it: no trailing zeros, no exponent, at most six decimals.

    Examples
    --------
    >>> plain(Decimal("25.00")), plain(0.65), plain(3)
    ('25', '0.65', '3')
    """
    text = f"{Decimal(str(value)):.6f}"
    return text.rstrip("0").rstrip(".")


def plain_range(low: Decimal | float | None, high: Decimal | float | None) -> str:
    """Return a range as people write it.

    Examples
    --------
    >>> plain_range(2, 4), plain_range(3, 3), plain_range(2, None), plain_range(None, 4)
    ('2～4', '3', '≥ 2', '≤ 4')
    """
    if low is None or high is None:
        return f"≤ {plain(high)}" if high is not None else f"≥ {plain(low or 0)}"
    return plain(low) if low == high else f"{plain(low)}～{plain(high)}"
