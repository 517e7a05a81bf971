"""Numbers for JSON and for people."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np


def plain(value: SupportsFloat, digits: int = 6) -> float | None:
    """Return a number for JSON, None for what is not a number.

    Examples
    --------
    >>> plain(0.12345678), plain(float("nan")), plain(-0.0)
    (0.123457, None, 0.0)
    """
    number = float(value)
    return round(number, digits) + 0.0 if np.isfinite(number) else None


def shown(value: float | None, digits: int = 2) -> str:
    """Return a number as a table shows it, a dash for None.

    Examples
    --------
    >>> shown(0.756), shown(None), shown(-0.001)
    ('0.76', '—', '0.00')
    """
    return "—" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"
