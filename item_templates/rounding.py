"""The one rounding rule for marks."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

SCORE_STEP = Decimal("0.001")
"""Marks are kept to three decimals, as the database column ``Numeric(7, 3)`` holds them."""


def round_score(score: Decimal) -> Decimal:
    """Round marks half up to 0.001, the commercial rule that Chinese score lists use.

    Parameters
    ----------
    score : Decimal
        Unrounded marks.

    Returns
    -------
    Decimal
        Marks with at most three decimals and no trailing zeros; ties go away from zero.

    Examples
    --------
    >>> round_score(Decimal("0.6665")), round_score(Decimal("-0.0005")), round_score(Decimal("2.000"))
    (Decimal('0.667'), Decimal('-0.001'), Decimal('2'))
    """
    return plain_decimal(score.quantize(SCORE_STEP, rounding=ROUND_HALF_UP))


def plain_decimal(value: Decimal) -> Decimal:
    """Return the same number without trailing zeros and without an exponent.

    Examples
    --------
    >>> plain_decimal(Decimal("2.50")), plain_decimal(Decimal("1E+2"))
    (Decimal('2.5'), Decimal('100'))
    """
    return Decimal(decimal_text(value))


def decimal_text(value: Decimal) -> str:
    """Return the shortest plain notation of a number: no exponent, no trailing zeros.

    Examples
    --------
    >>> decimal_text(Decimal("2.50")), decimal_text(Decimal("1E+2")), decimal_text(Decimal("-0.0"))
    ('2.5', '100', '0')
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
