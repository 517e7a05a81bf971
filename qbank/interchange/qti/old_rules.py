"""Response processing of QTI 1.2, carried out: conditions on responses and what they add to the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DivisionByZero

from lxml.etree import _Element

from qbank.interchange.qti.declarations import number
from qbank.interchange.qti.values import UnsupportedRuleError

Given = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class OldRules:
    """The rules of one item; `factor` brings percentages to the marks of the item."""

    processing: _Element | None
    factor: Decimal = Decimal(1)
    _given: Given = field(default_factory=dict)
    _any_held: bool = False

    @property
    def is_present(self) -> bool:
        """Whether any condition gives marks."""
        return self.processing is not None and next(self.processing.iter("setvar"), None) is not None

    @property
    def _variable(self) -> _Element | None:
        declared = [] if self.processing is None else list(self.processing.iter("decvar"))
        named = [one for one in declared if one.get("varname", "SCORE").casefold() == "score"]
        return next(iter(named or declared), None)

    @property
    def maximum(self) -> Decimal | None:
        """The most that the item says it gives, in marks."""
        found = number(self._variable.get("maxvalue")) if self._variable is not None else None
        return None if found is None or found <= 0 else found * self.factor

    def score(self, given: Given) -> Decimal:
        """Return the marks for responses; raises UnsupportedRuleError."""
        self._given, self._any_held = given, False
        variable = self._variable
        name = "SCORE" if variable is None else variable.get("varname", "SCORE")
        value = number(variable.get("defaultval")) if variable is not None else None
        value = value or Decimal(0)
        for condition in [] if self.processing is None else self.processing.findall("respcondition"):
            if not self._holds(condition.find("conditionvar")):
                continue
            self._any_held = True
            for one in condition.findall("setvar"):
                if one.get("varname", "SCORE") == name:
                    value = _changed(value, one)
            if condition.get("continue", "No").casefold() != "yes":
                break
        return self._bounded(value) * self.factor

    def _bounded(self, value: Decimal) -> Decimal:
        variable = self._variable
        lower = number(variable.get("minvalue")) if variable is not None else None
        upper = number(variable.get("maxvalue")) if variable is not None else None
        value = value if lower is None else max(lower, value)
        return value if upper is None else min(upper, value)

    def _holds(self, condition: _Element | None) -> bool:
        return condition is not None and all(self._test(one) for one in _elements(condition))

    def _test(self, element: _Element) -> bool:
        inner = _elements(element)
        if element.tag == "not":
            return not all(self._test(one) for one in inner)
        if element.tag == "and":
            return all(self._test(one) for one in inner)
        if element.tag == "or":
            return any(self._test(one) for one in inner)
        if element.tag == "other":
            return not self._any_held
        test = TESTS.get(str(element.tag))
        if test is None:
            raise UnsupportedRuleError(str(element.tag))
        return test(list(self._given.get(element.get("respident", ""), ())), element)


def _elements(element: _Element) -> list[_Element]:
    return [one for one in element if isinstance(one.tag, str)]


def _changed(value: Decimal, rule: _Element) -> Decimal:
    amount = number(rule.text)
    action = rule.get("action", "Set").casefold()
    if amount is None or action not in {"set", "add", "subtract", "multiply", "divide"}:
        raise UnsupportedRuleError("setvar")
    try:
        return {
            "set": lambda: amount,
            "add": lambda: value + amount,
            "subtract": lambda: value - amount,
            "multiply": lambda: value * amount,
            "divide": lambda: value / amount,
        }[action]()
    except DivisionByZero as error:
        raise UnsupportedRuleError("setvar") from error


def _equal(given: list[str], element: _Element) -> bool:
    wanted = " ".join((element.text or "").split())
    if element.get("index"):
        place = int(element.get("index", "0")) if element.get("index", "").isdigit() else 0
        given = given[place - 1 : place] if place else []
    if element.get("case", "No").casefold() == "yes":
        return wanted in given
    return wanted.casefold() in [one.casefold() for one in given]


def _compared(holds: Callable[[Decimal, Decimal], bool]) -> Callable[[list[str], _Element], bool]:
    def test(given: list[str], element: _Element) -> bool:
        limit, value = number(element.text), number(given[0]) if given else None
        return limit is not None and value is not None and holds(value, limit)

    return test


TESTS: dict[str, Callable[[list[str], _Element], bool]] = {
    "varequal": _equal,
    "vargte": _compared(lambda one, two: one >= two),
    "vargt": _compared(lambda one, two: one > two),
    "varlte": _compared(lambda one, two: one <= two),
    "varlt": _compared(lambda one, two: one < two),
    "unanswered": lambda given, element: not given,  # noqa: ARG005 - every test takes the same two
}
"""The conditions that are understood; docs/qti.md lists them."""
