"""The value of an expression: a fraction, or a truth value for conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from item_templates.parametric import exact
from item_templates.parametric.expressions import ExpressionError, Node, parse
from kernel.i18n import N_

Value = Fraction | bool
Arguments = tuple[Fraction, ...]

REASONS = {
    "division_by_zero": N_("算式“%(text)s”第 %(place)s 个字符：除数为 0"),
    "negative_root": N_("算式“%(text)s”第 %(place)s 个字符：负数没有平方根"),
    "no_logarithm": N_("算式“%(text)s”第 %(place)s 个字符：只有正数有对数"),
    "no_tangent": N_("算式“%(text)s”第 %(place)s 个字符：直角没有正切"),
    "outside_arc": N_("算式“%(text)s”第 %(place)s 个字符：反正弦、反余弦的值应在 -1 与 1 之间"),
    "too_large": N_("算式“%(text)s”第 %(place)s 个字符：数值太大，算不下去"),
    "bad_decimals": N_("算式“%(text)s”第 %(place)s 个字符：round 的小数位数应是 0 到 10 的整数"),
}
_COMPARE: Mapping[str, frozenset[int]] = {
    "<": frozenset({-1}), "<=": frozenset({-1, 0}), ">": frozenset({1}), ">=": frozenset({0, 1}),
    "=": frozenset({0}), "!=": frozenset({-1, 1}),
}  # fmt: skip
"""Comparison -> the orders of its two sides for which it holds."""
_ARITHMETIC: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": exact.divide, "^": exact.power,
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[[Fraction], Fraction]] = {
    "sqrt": exact.square_root, "abs": abs, "floor": lambda value: Fraction(floor(value)),
    "ceil": lambda value: Fraction(ceil(value)), "ln": exact.logarithm, "lg": exact.common_logarithm,
    "exp": exact.exponential,
}  # fmt: skip
_OF_ANGLE: Mapping[str, exact.Angle] = {"sin": exact.sine, "cos": exact.cosine, "tan": exact.tangent}
_TO_ANGLE: Mapping[str, exact.Angle] = {"asin": exact.arc_sine, "acos": exact.arc_cosine, "atan": exact.arc_tangent}


def number(text: str, values: Mapping[str, Fraction], *, degrees: bool = True) -> Fraction:
    """Return the number that an expression gives for some values.

    Parameters
    ----------
    text : str
        The expression.
    values : mapping of str to Fraction
        What its names stand for.
    degrees : bool
        Whether angles are in degrees; radians otherwise.

    Returns
    -------
    Fraction

    Raises
    ------
    ExpressionError
        If it cannot be read, names something unknown, has no value or is a condition.

    Examples
    --------
    >>> number("U/R", {"U": Fraction(220), "R": Fraction(8)}), number("sin(30)", {})
    (Fraction(55, 2), Fraction(1, 2))
    """
    return _Evaluation(text, values, degrees=degrees).number(parse(text))


def holds(text: str, values: Mapping[str, Fraction], *, degrees: bool = True) -> bool:
    """Say whether a condition holds; raises ExpressionError as `number` does.

    Examples
    --------
    >>> holds("U < 240 且 R ≠ 0", {"U": Fraction(220), "R": Fraction(8)})
    True
    """
    return _Evaluation(text, values, degrees=degrees).condition(parse(text))


@dataclass(frozen=True, slots=True)
class _Evaluation:
    text: str
    values: Mapping[str, Fraction]
    degrees: bool

    def _fault(self, template: str, node: Node) -> ExpressionError:
        return ExpressionError(template, text=self.text, place=node.place, name=node.text)

    def condition(self, node: Node) -> bool:
        value = self._value(node)
        if not isinstance(value, bool):
            raise self._fault(N_("算式“%(text)s”应是条件，例如 U > R"), node)
        return value

    def number(self, node: Node) -> Fraction:
        value = self._value(node)
        if isinstance(value, bool):
            raise self._fault(N_("算式“%(text)s”第 %(place)s 个字符：条件不能当作数来用"), node)
        return value

    def _value(self, node: Node) -> Value:
        if node.kind in {"and", "or", "not", "compare"}:
            return self._truth(node)
        try:
            return exact.bounded(self._plain(node))
        except exact.ArithmeticFaultError as exc:
            raise self._fault(REASONS[exc.reason], node) from exc

    def _truth(self, node: Node) -> bool:
        if node.kind == "compare":
            left, right = (self.number(part) for part in node.parts)
            return exact.order(left, right) in _COMPARE[node.text]
        if node.kind == "not":
            return not self.condition(node.parts[0])
        if node.kind == "and":
            return self.condition(node.parts[0]) and self.condition(node.parts[1])
        return self.condition(node.parts[0]) or self.condition(node.parts[1])

    def _plain(self, node: Node) -> Fraction:
        if node.kind == "number":
            return Fraction(node.text.rstrip(".") or "0")
        if node.kind == "constant":
            return Fraction(exact.PI)
        if node.kind == "name":
            return self._named(node)
        numbers = tuple(self.number(part) for part in node.parts)
        if node.kind == "minus":
            return -numbers[0]
        if node.kind == "arithmetic":
            return _ARITHMETIC[node.text](*numbers)
        return self._call(node.text, numbers)

    def _named(self, node: Node) -> Fraction:
        try:
            return self.values[node.text]
        except KeyError as exc:
            template = N_("算式“%(text)s”第 %(place)s 个字符：没有名为“%(name)s”的变量")
            raise self._fault(template, node) from exc

    def _call(self, name: str, numbers: Arguments) -> Fraction:
        if name in {"min", "max"}:
            return min(numbers) if name == "min" else max(numbers)
        if name == "round":
            return _rounded(*numbers)
        if name in _OF_ANGLE:
            return _OF_ANGLE[name](exact.in_radians(numbers[0]) if self.degrees else numbers[0])
        if name in _TO_ANGLE:
            angle = _TO_ANGLE[name](numbers[0])
            return exact.in_degrees(angle) if self.degrees else angle
        return _FUNCTIONS[name](numbers[0])


def _rounded(value: Fraction, decimals: Fraction = Fraction(0)) -> Fraction:
    if decimals.denominator != 1 or not 0 <= decimals <= 10:
        raise exact.ArithmeticFaultError("bad_decimals")
    return exact.round_half_up(value, int(decimals))
