"""Arithmetic that gives the same digits on every machine: fractions, and functions computed in 50 decimal digits."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation, Overflow
from fractions import Fraction

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
MAX_BITS = 4096
MAX_ARGUMENT = 10**12
CERTAIN = 20
"""Decimals to which values of functions are trusted when they are rounded or compared."""
_WORK = Context(prec=50)
_KEPT = Context(prec=30, rounding=ROUND_HALF_UP)
_STEP = Decimal(1).scaleb(-30)
Angle = Callable[[Fraction], Fraction]


class ArithmeticFaultError(ArithmeticError):
    """A value that has no result; `reason` is the name of the fault, see `evaluate.REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def bounded(value: Fraction) -> Fraction:
    """Return the value; raises ArithmeticFaultError when it has grown too long to go on with."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise ArithmeticFaultError("too_large")
    return value


def divide(left: Fraction, right: Fraction) -> Fraction:
    """Return the exact quotient."""
    if right == 0:
        raise ArithmeticFaultError("division_by_zero")
    return left / right


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """Return a power: exact for whole exponents, 30 digits for others.

    Examples
    --------
    >>> power(Fraction(2), Fraction(-3)), power(Fraction(9, 4), Fraction(1, 2))
    (Fraction(1, 8), Fraction(3, 2))
    """
    if base == 0 and exponent < 0:
        raise ArithmeticFaultError("division_by_zero")
    if exponent.denominator == 1:
        size = max(base.numerator.bit_length(), base.denominator.bit_length(), 1) - 1
        if abs(exponent) * size > MAX_BITS:
            raise ArithmeticFaultError("too_large")
        return base ** int(exponent)
    if exponent == Fraction(1, 2):
        return square_root(base)
    return exponential(exponent * logarithm(base)) if base else base


def square_root(value: Fraction) -> Fraction:
    """Return a square root with 30 digits; the root of a square is exact."""
    if value < 0:
        raise ArithmeticFaultError("negative_root")
    return _kept(_WORK.sqrt(_decimal(value)))


def logarithm(value: Fraction) -> Fraction:
    """Return the natural logarithm."""
    return _kept(_WORK.ln(_positive(value)))


def common_logarithm(value: Fraction) -> Fraction:
    """Return the logarithm to the base ten."""
    return _kept(_WORK.log10(_positive(value)))


def exponential(value: Fraction) -> Fraction:
    """Return e to a power."""
    if abs(value) > 1000:
        raise ArithmeticFaultError("too_large")
    try:
        return _kept(_WORK.exp(_decimal(value)))
    except (Overflow, InvalidOperation) as exc:
        raise ArithmeticFaultError("too_large") from exc


def sine(radians: Fraction) -> Fraction:
    """Return the sine to 30 decimals.

    Examples
    --------
    >>> sine(in_radians(Fraction(30))), cosine(in_radians(Fraction(90)))
    (Fraction(1, 2), Fraction(0, 1))
    """
    return _settled(_series(_reduced(radians), first=1))


def cosine(radians: Fraction) -> Fraction:
    """Return the cosine to 30 decimals."""
    return _settled(_series(_reduced(radians), first=0))


def tangent(radians: Fraction) -> Fraction:
    """Return the tangent; there is none at a right angle."""
    below = cosine(radians)
    if below == 0:
        raise ArithmeticFaultError("no_tangent")
    return _kept(_decimal(sine(radians) / below))


def arc_tangent(value: Fraction) -> Fraction:
    """Return the angle in radians whose tangent is the value."""
    return _settled(_arc_tangent(_decimal(value)))


def arc_sine(value: Fraction) -> Fraction:
    """Return the angle in radians whose sine is the value."""
    if abs(value) > 1:
        raise ArithmeticFaultError("outside_arc")
    if abs(value) == 1:
        return _settled(_WORK.multiply(PI, _decimal(value / 2)))
    x = _decimal(value)
    below = _WORK.sqrt(_WORK.subtract(Decimal(1), _WORK.multiply(x, x)))
    return _settled(_arc_tangent(_WORK.divide(x, below)))


def arc_cosine(value: Fraction) -> Fraction:
    """Return the angle in radians whose cosine is the value."""
    return _settled(_WORK.subtract(_WORK.divide(PI, Decimal(2)), _decimal(arc_sine(value))))


def in_radians(degrees: Fraction) -> Fraction:
    """Return an angle in radians, as exact as pi is known."""
    return degrees * Fraction(PI) / 180


def in_degrees(radians: Fraction) -> Fraction:
    """Return an angle in degrees, settled to 25 decimals so that arcs of round values are round."""
    value = _decimal(radians * 180 / Fraction(PI))
    return Fraction(value.quantize(Decimal(1).scaleb(-25), rounding=ROUND_HALF_UP, context=_WORK))


def round_half_up(value: Fraction, decimals: int) -> Fraction:
    """Return a value rounded to decimals, ties away from zero.

    Examples
    --------
    >>> round_half_up(Fraction(5, 2), 0), round_half_up(Fraction(-25, 1000), 2)
    (Fraction(3, 1), Fraction(-3, 100))
    """
    if decimals < CERTAIN and value.denominator > 10**CERTAIN:
        value = _half_up(value, CERTAIN)  # what 30 digits leave open must not turn a half into less than one
    return _half_up(value, decimals)


def _half_up(value: Fraction, decimals: int) -> Fraction:
    scale = 10**decimals
    whole, rest = divmod(abs(value) * scale, 1)
    rounded = Fraction(whole + (1 if rest >= Fraction(1, 2) else 0), scale)
    return -rounded if value < 0 else rounded


def order(left: Fraction, right: Fraction) -> int:
    """Return -1, 0 or 1: how two values compare; values that agree to 20 decimals are equal.

    Examples
    --------
    >>> order(power(square_root(Fraction(2)), Fraction(2)), Fraction(2)), order(Fraction(1), Fraction(2))
    (0, -1)
    """
    difference = _half_up(left - right, CERTAIN)
    return (difference > 0) - (difference < 0)


def as_decimal_text(value: Fraction, decimals: int | None = None) -> str:
    """Return a value as text: with just so many decimals, or all it has (at most twelve) when none are given.

    Examples
    --------
    >>> as_decimal_text(Fraction(5, 2)), as_decimal_text(Fraction(5, 2), 2), as_decimal_text(Fraction(1, 3))
    ('2.5', '2.50', '0.333333333333')
    """
    places = 12 if decimals is None else decimals
    rounded = round_half_up(value, places)
    sign, digits = "-" if rounded < 0 else "", str(abs(rounded.numerator) * 10**places // rounded.denominator)
    digits = digits.rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    if decimals is None:
        text = text.rstrip("0").rstrip(".")
    return sign + text


def _positive(value: Fraction) -> Decimal:
    if value <= 0:
        raise ArithmeticFaultError("no_logarithm")
    return _decimal(value)


def _decimal(value: Fraction) -> Decimal:
    return _WORK.divide(Decimal(value.numerator), Decimal(value.denominator))


def _kept(value: Decimal) -> Fraction:
    return Fraction(_KEPT.plus(value))


def _settled(value: Decimal) -> Fraction:
    return Fraction(value.quantize(_STEP, rounding=ROUND_HALF_UP, context=_WORK))


def _reduced(radians: Fraction) -> Decimal:
    """Return the angle within half a turn to either side of zero."""
    if abs(radians) > MAX_ARGUMENT:
        raise ArithmeticFaultError("too_large")
    turn = 2 * Fraction(PI)
    rest = radians % turn
    return _decimal(rest - turn if rest > turn / 2 else rest)


def _series(x: Decimal, *, first: int) -> Decimal:
    """Return x^first/first! - x^(first+2)/(first+2)! + …, until a term no longer counts."""
    square = _WORK.multiply(x, x)
    term = x if first else Decimal(1)
    total, n = term, first
    while term.copy_abs() > Decimal(1).scaleb(-48):
        n += 2
        term = _WORK.divide(_WORK.multiply(term, square.copy_negate()), Decimal(n * (n - 1)))
        total = _WORK.add(total, term)
    return total


def _arc_tangent(x: Decimal) -> Decimal:
    """Halve the angle until the series is short, then double back."""
    halvings = 0
    while x.copy_abs() > Decimal("0.05"):
        root = _WORK.sqrt(_WORK.add(Decimal(1), _WORK.multiply(x, x)))
        x = _WORK.divide(x, _WORK.add(Decimal(1), root))
        halvings += 1
    square, term, total, n = _WORK.multiply(x, x), x, x, 1
    while term.copy_abs() > Decimal(1).scaleb(-48):
        term = _WORK.multiply(term, square.copy_negate())
        n += 2
        total = _WORK.add(total, _WORK.divide(term, Decimal(n)))
    return _WORK.multiply(total, Decimal(2**halvings))
