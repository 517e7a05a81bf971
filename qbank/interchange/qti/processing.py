"""Response processing, carried out: what a response earns by the rules that the item brings along.

The importer asks this for the marks of many responses and keeps a scoring rule of ours only where it gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_FLOOR, Decimal, DivisionByZero, InvalidOperation

from lxml.etree import _Element

from qbank.interchange.qti.areas import is_inside
from qbank.interchange.qti.declarations import OutcomeVariable, Response, coordinates, number
from qbank.interchange.qti.names import template_name
from qbank.interchange.qti.tree import raw_text
from qbank.interchange.qti.values import (
    Maybe,
    UnsupportedRuleError,
    Value,
    float_value,
    is_true,
    map_points,
    map_value,
    matches,
    number_in,
    numbers_in,
    sort_key,
    truth,
    value_of,
)

MAX_RULES = 1_000


class _Exit(Exception):  # noqa: N818 - exitResponse, a jump and not an error
    """Processing ends."""


@dataclass(slots=True)
class Processing:
    """The rules of one item with its variables."""

    responses: dict[str, Response]
    outcomes: dict[str, OutcomeVariable]
    rules: _Element | None
    _given: dict[str, Maybe] = field(default_factory=dict)
    _set: dict[str, Maybe] = field(default_factory=dict)
    _defaults: dict[str, Maybe] = field(init=False)
    _correct: dict[str, Maybe] = field(init=False)

    def __post_init__(self) -> None:
        self._defaults = {name: _default(one) for name, one in self.outcomes.items()}
        self._correct = {name: value_of(one.correct, one.cardinality, one.base) for name, one in self.responses.items()}

    @property
    def is_present(self) -> bool:
        """Whether the item says anything about scoring."""
        return self.rules is not None and bool(self.rules.get("template") or len(self.rules))

    def score(self, given: MappingOf[str, Sequence[str]]) -> Decimal:
        """Return the outcome SCORE for the given responses; raises UnsupportedRuleError."""
        self._given = {
            name: value_of(given.get(name, ()), one.cardinality, one.base) for name, one in self.responses.items()
        }
        self._set = dict(self._defaults)
        try:
            self._process_until_exit()
            found = self._set.get("SCORE")
            return number_in(found) if found else Decimal(0)
        except (DivisionByZero, InvalidOperation, TypeError, ValueError, IndexError) as error:
            raise UnsupportedRuleError(str(error)) from error

    def _process_until_exit(self) -> None:
        try:
            self._process()
        except _Exit:
            return

    def _process(self) -> None:
        if self.rules is None:
            return
        template = self.rules.get("template") or self.rules.get("templateLocation") or ""
        if len(self.rules):
            if sum(1 for _ in self.rules.iter()) > MAX_RULES:
                raise UnsupportedRuleError("responseProcessing")
            self._run(self.rules)
        elif template:
            self._apply(template)

    def _apply(self, template: str) -> None:
        name = template_name(template)
        response = self._template_response(name or template)
        given = self._given.get(response.identifier)
        if name == "match_correct":
            self._set["SCORE"] = float_value(Decimal(matches(given, self._correct[response.identifier]) is True))
        elif name == "map_response":
            self._set["SCORE"] = float_value(map_value(given, response.mapping) if given else Decimal(0))
        else:
            self._set["SCORE"] = float_value(map_points(given, response.areas) if given else Decimal(0))

    def _template_response(self, name: str) -> Response:
        """Return the variable that a template speaks of: RESPONSE, or the only one there is."""
        known = name in {"match_correct", "map_response", "map_response_point"}
        found = self.responses.get("RESPONSE")
        if found is None and len(self.responses) == 1:
            found = next(iter(self.responses.values()))
        if not known or found is None:
            raise UnsupportedRuleError(name)
        return found

    def _run(self, rules: Iterable[_Element]) -> None:
        for rule in _elements(rules):
            if rule.tag == "responseCondition":
                self._condition(rule)
            elif rule.tag == "setOutcomeValue":
                self._set_outcome(rule.get("identifier", ""), _only(rule))
            elif rule.tag == "exitResponse":
                raise _Exit
            elif rule.tag == "responseProcessingFragment":
                self._run(rule)
            else:
                raise UnsupportedRuleError(str(rule.tag))

    def _set_outcome(self, name: str, expression: _Element) -> None:
        """Set an outcome; one beside the score that cannot be computed has no value from then on."""
        try:
            self._set[name] = self.evaluate(expression)
        except UnsupportedRuleError:
            if name == "SCORE":
                raise
            self._set.pop(name, None)

    def _condition(self, rule: _Element) -> None:
        for branch in _elements(rule):
            inner = _elements(branch)
            if branch.tag == "responseElse":
                self._run(branch)
                return
            if branch.tag not in {"responseIf", "responseElseIf"} or not inner:
                raise UnsupportedRuleError(str(branch.tag))
            if is_true(self.evaluate(inner[0])):
                self._run(inner[1:])
                return

    def evaluate(self, element: _Element) -> Maybe:
        """Return the value of an expression."""
        operator = OPERATORS.get(str(element.tag))
        if operator is None:
            raise UnsupportedRuleError(str(element.tag))
        return operator(self, element)

    def arguments(self, element: _Element) -> list[Maybe]:
        """Return the values of the expressions inside an operator."""
        return [self.evaluate(one) for one in _elements(element)]

    def response(self, element: _Element) -> Response:
        """Return the response variable that an expression names."""
        found = self.responses.get(element.get("identifier", ""))
        if found is None:
            raise UnsupportedRuleError(f"{element.tag} {element.get('identifier', '')}")
        return found

    def correct(self, element: _Element) -> Maybe:
        """Return the correct response of a variable."""
        return self._correct[self.response(element).identifier]

    def variable(self, element: _Element) -> Maybe:
        """Return the value of a variable."""
        name = element.get("identifier", "")
        if name in self._given:
            return self._given[name]
        if name not in self._set:
            raise UnsupportedRuleError(f"variable {name}")
        return self._set[name]


def _elements(holder: Iterable[_Element]) -> list[_Element]:
    return [one for one in holder if isinstance(one.tag, str)]


def _only(element: _Element) -> _Element:
    inner = _elements(element)
    if len(inner) != 1:
        raise UnsupportedRuleError(str(element.tag))
    return inner[0]


def _default(outcome: OutcomeVariable) -> Maybe:
    value = value_of(outcome.default, outcome.cardinality, outcome.base)
    if value is None and outcome.cardinality == "single" and outcome.base in {"float", "integer"}:
        return float_value(Decimal(0))
    return value


Operator = Callable[[Processing, _Element], Maybe]


def _base_value(run: Processing, element: _Element) -> Maybe:
    del run
    return value_of([raw_text(element)], "single", element.get("baseType", "string"))


def _map_response(run: Processing, element: _Element) -> Maybe:
    found, given = run.response(element), run.variable(element)
    return float_value(map_value(given, found.mapping)) if given else float_value(Decimal(0))


def _map_response_point(run: Processing, element: _Element) -> Maybe:
    found, given = run.response(element), run.variable(element)
    return float_value(map_points(given, found.areas)) if given else float_value(Decimal(0))


def _match(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    return truth(matches(one, two))


def _string_match(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    if one is None or two is None:
        return None
    left, right = str(one.items[0]), str(two.items[0])
    if element.get("caseSensitive") == "false":
        left, right = left.casefold(), right.casefold()
    return truth(right in left if element.get("substring") == "true" else left == right)


def _equal(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    if one is None or two is None:
        return None
    reference, given = number_in(one), number_in(two)
    mode = element.get("toleranceMode", "exact")
    below, above = _tolerance(element.get("tolerance", "0"), mode, reference)
    lower, upper = reference - below, reference + above
    above_lower = given >= lower if element.get("includeLowerBound", "true") == "true" else given > lower
    below_upper = given <= upper if element.get("includeUpperBound", "true") == "true" else given < upper
    return truth(above_lower and below_upper)


def _tolerance(text: str, mode: str, reference: Decimal) -> tuple[Decimal, Decimal]:
    if mode == "exact":
        return Decimal(0), Decimal(0)
    parts = [number(one) for one in text.split()]
    if not parts or len(parts) > 2 or None in parts:
        raise UnsupportedRuleError("equal tolerance")
    scale = abs(reference) / 100 if mode == "relative" else Decimal(1)
    sizes = [one * scale for one in parts if one is not None]
    return sizes[0], sizes[-1]


def _is_null(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    return truth(value is None or value.items == ("",))


def _not(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    return None if value is None else truth(not is_true(value))


def _and(run: Processing, element: _Element) -> Maybe:
    values = run.arguments(element)
    if any(one is not None and not is_true(one) for one in values):
        return truth(False)
    return None if None in values else truth(True)


def _or(run: Processing, element: _Element) -> Maybe:
    values = run.arguments(element)
    if any(is_true(one) for one in values):
        return truth(True)
    return None if None in values else truth(False)


def _compare(holds: Callable[[Decimal, Decimal], bool]) -> Operator:
    def operator(run: Processing, element: _Element) -> Maybe:
        one, two = run.arguments(element)
        return None if one is None or two is None else truth(holds(number_in(one), number_in(two)))

    return operator


def _sum(run: Processing, element: _Element) -> Maybe:
    values = run.arguments(element)
    return None if None in values else float_value(sum(numbers_in(values), Decimal(0)))


def _product(run: Processing, element: _Element) -> Maybe:
    values = run.arguments(element)
    if None in values:
        return None
    total = Decimal(1)
    for one in numbers_in(values):
        total *= one
    return float_value(total)


def _of_two(compute: Callable[[Decimal, Decimal], Decimal]) -> Operator:
    def operator(run: Processing, element: _Element) -> Maybe:
        one, two = run.arguments(element)
        return None if one is None or two is None else float_value(compute(number_in(one), number_in(two)))

    return operator


def _extreme(choose: Callable[[list[Decimal]], Decimal]) -> Operator:
    def operator(run: Processing, element: _Element) -> Maybe:
        values = run.arguments(element)
        return None if None in values else float_value(choose(numbers_in(values)))

    return operator


def _container(cardinality: str) -> Operator:
    def operator(run: Processing, element: _Element) -> Maybe:
        values = [one for one in run.arguments(element) if one is not None]
        items = tuple(item for one in values for item in one.items)
        return Value(items, cardinality, values[0].base) if items else None

    return operator


def _contains(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    if one is None or two is None:
        return None
    pool = [sort_key(item) for item in one.items]
    return truth(all(pool.count(sort_key(item)) >= two.items.count(item) for item in two.items))


def _member(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    if one is None or two is None:
        return None
    return truth(sort_key(one.items[0]) in {sort_key(item) for item in two.items})


def _container_size(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    return float_value(Decimal(len(value.items) if value else 0))


def _inside(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    if value is None:
        return None
    area = coordinates(element.get("coords"))
    return truth(any(is_inside(point, element.get("shape", ""), area) for point in value.items))


def _index(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    place = number(element.get("n"))
    if value is None or place is None or not 1 <= place <= len(value.items):
        return None
    return Value((value.items[int(place) - 1],), "single", value.base)


def _of_one(compute: Callable[[Decimal], Decimal]) -> Operator:
    def operator(run: Processing, element: _Element) -> Maybe:
        value = run.evaluate(_only(element))
        return None if value is None else float_value(compute(number_in(value)))

    return operator


def _half_up(value: Decimal) -> Decimal:
    """Return the nearest whole number; a half goes up, as QTI says."""
    return (value + Decimal("0.5")).to_integral_value(ROUND_FLOOR)


def _substring(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    if one is None or two is None:
        return None
    part, whole = str(one.items[0]), str(two.items[0])
    if element.get("caseSensitive", "true") == "false":
        part, whole = part.casefold(), whole.casefold()
    return truth(part in whole)


OPERATORS: dict[str, Operator] = {
    "baseValue": _base_value,
    "variable": lambda run, element: run.variable(element),
    "correct": lambda run, element: run.correct(element),
    "mapResponse": _map_response,
    "mapResponsePoint": _map_response_point,
    "null": lambda run, element: None,  # noqa: ARG005 - every operator takes the same two
    "match": _match,
    "stringMatch": _string_match,
    "equal": _equal,
    "isNull": _is_null,
    "not": _not,
    "and": _and,
    "or": _or,
    "gt": _compare(lambda one, two: one > two),
    "gte": _compare(lambda one, two: one >= two),
    "lt": _compare(lambda one, two: one < two),
    "lte": _compare(lambda one, two: one <= two),
    "sum": _sum,
    "product": _product,
    "subtract": _of_two(lambda one, two: one - two),
    "divide": _of_two(lambda one, two: one / two),
    "min": _extreme(min),
    "max": _extreme(max),
    "round": _of_one(_half_up),
    "truncate": _of_one(lambda one: one.to_integral_value(ROUND_DOWN)),
    "integerToFloat": _of_one(lambda one: one),
    "substring": _substring,
    "multiple": _container("multiple"),
    "ordered": _container("ordered"),
    "contains": _contains,
    "member": _member,
    "containerSize": _container_size,
    "index": _index,
    "inside": _inside,
}
"""The expressions that are understood; docs/qti.md lists them."""
