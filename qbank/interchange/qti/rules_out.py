"""Response processing as it is written: the standard templates where they say the same, rules where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_UP, Decimal

from lxml.etree import _Element

from item_templates.rounding import decimal_text
from qbank.interchange.qti.build import element, leaf

MATCH, MAP, MAP_POINT = "match_correct", "map_response", "map_response_point"
SIXTH = Decimal("0.000001")


def share(score: Decimal, parts: int) -> Decimal:
    """Return one of so many equal parts of a score, rounded up so that all together are not less than the whole."""
    return (score / parts).quantize(SIXTH, rounding=ROUND_UP).normalize()


def base_value(value: str, base: str) -> _Element:
    """Return a constant."""
    return leaf("baseValue", value, baseType=base)


def variable(name: str) -> _Element:
    """Return the value of a variable."""
    return element("variable", {"identifier": name})


def correct(name: str) -> _Element:
    """Return the correct response of a variable."""
    return element("correct", {"identifier": name})


def map_response(name: str) -> _Element:
    """Return what the mapping makes of a response."""
    return element("mapResponse", {"identifier": name})


def set_score(outcome: str, value: Decimal | _Element) -> _Element:
    """Return the rule that sets an outcome to marks or to an expression."""
    expression = base_value(decimal_text(value), "float") if isinstance(value, Decimal) else value
    return element("setOutcomeValue", {"identifier": outcome}, [expression])


def condition(*branches: tuple[_Element, _Element]) -> _Element:
    """Return a condition: pairs of a test and what is done where it is the first to hold."""
    names = ["responseIf", *["responseElseIf"] * (len(branches) - 1)]
    inner = (element(name, None, [test, rule]) for name, (test, rule) in zip(names, branches, strict=True))
    return element("responseCondition", None, inner)


def match(name: str) -> _Element:
    """Return the test whether a response is the correct one."""
    return element("match", None, [variable(name), correct(name)])


def is_mapped(name: str) -> _Element:
    """Return the test whether the mapping gives a response anything."""
    return element("gt", None, [map_response(name), base_value("0", "float")])


def template_rules(template: str, name: str, outcome: str) -> list[_Element]:
    """Return what a template says, as rules for an outcome of its own."""
    if template == MAP:
        return [set_score(outcome, map_response(name))]
    if template == MAP_POINT:
        return [set_score(outcome, element("mapResponsePoint", {"identifier": name}))]
    return [condition((match(name), set_score(outcome, Decimal(1))))]


def at_most(expression: _Element, score: Decimal) -> _Element:
    """Return an expression that is never more than the score."""
    return element("min", None, [expression, base_value(decimal_text(score), "float")])


def total(names: Sequence[str]) -> _Element:
    """Return the sum of variables."""
    return element("sum", None, map(variable, names))
