"""Response processing, carried out: what a response earns by the rules that the item brings along.

The importer asks this for the marks of many responses and keeps a scoring rule of ours only where it gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from decimal import Decimal, DivisionByZero, InvalidOperation
from typing import Any

from lxml.etree import _Element

from qbank.interchange.qti.areas import is_inside
from qbank.interchange.qti.declarations import (
    AreaMapping,
    MapEntry,
    Mapping,
    OutcomeVariable,
    Response,
    coordinates,
    number,
)
from qbank.interchange.qti.names import template_name
from qbank.interchange.qti.tree import raw_text

MAX_RULES = 1_000


class UnsupportedRuleError(Exception):
    """The response processing uses something whose meaning is not known here; the message names it."""


class _Exit(Exception):  # noqa: N818 - exitResponse, a jump and not an error
    """Processing ends."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of QTI: one thing, a bag or a list; None stands for NULL."""

    items: tuple[Any, ...]
    cardinality: str = "single"
    base: str = "string"


Maybe = Value | None


def typed(base: str, text: str) -> Any:
    """Return a text as the base type reads it; None for what is no value of the type."""
    if base in {"float", "integer"}:
        return number(text)
    if base == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip())
    if base in {"pair", "directedPair", "point"}:
        parts = tuple(text.split())
        if base == "point":
            return tuple(number(one) for one in parts)
        return frozenset(parts) if base == "pair" else parts
    return text.strip()


def value_of(texts: Sequence[str], cardinality: str, base: str) -> Maybe:
    """Return the value that texts are, NULL for none."""
    items = tuple(one for one in (typed(base, text) for text in texts) if one is not None)
    return Value(items, cardinality, base) if items else None


@dataclass(slots=True)
class Processing:
    """The rules of one item with its variables."""

    responses: dict[str, Response]
    outcomes: dict[str, OutcomeVariable]
    rules: _Element | None
    _given: dict[str, Maybe] = field(default_factory=dict)
    _set: dict[str, Maybe] = field(default_factory=dict)

    @property
    def is_present(self) -> bool:
        """Whether the item says anything about scoring."""
        return self.rules is not None and bool(self.rules.get("template") or len(self.rules))

    def score(self, given: MappingOf[str, Sequence[str]]) -> Decimal:
        """Return the outcome SCORE for the given responses; raises UnsupportedRuleError."""
        self._given = {
            name: value_of(given.get(name, ()), one.cardinality, one.base) for name, one in self.responses.items()
        }
        self._set = {name: _default(one) for name, one in self.outcomes.items()}
        try:
            self._process_until_exit()
            found = self._set.get("SCORE")
            return _number(found) if found else Decimal(0)
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
            right = value_of(response.correct, response.cardinality, response.base)
            self._set["SCORE"] = _float(Decimal(matches(given, right) is True))
        elif name == "map_response":
            self._set["SCORE"] = _float(map_value(given, response.mapping) if given else Decimal(0))
        else:
            self._set["SCORE"] = _float(map_points(given, response.areas) if given else Decimal(0))

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
                self._set[rule.get("identifier", "")] = self.evaluate(_only(rule))
            elif rule.tag == "exitResponse":
                raise _Exit
            elif rule.tag == "responseProcessingFragment":
                self._run(rule)
            else:
                raise UnsupportedRuleError(str(rule.tag))

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
        return _float(Decimal(0))
    return value


def _float(value: Decimal) -> Value:
    return Value((value,), "single", "float")


def _boolean(value: bool | None) -> Maybe:  # noqa: FBT001 - a value of QTI, not a switch
    return None if value is None else Value((value,), "single", "boolean")


def is_true(value: Maybe) -> bool:
    """Say whether an expression is true; NULL is not."""
    return value is not None and value.items[:1] == (True,)


def _number(value: Maybe) -> Decimal:
    if value is None or len(value.items) != 1 or not isinstance(value.items[0], Decimal):
        raise ValueError("number")
    return value.items[0]


def _numbers(values: Sequence[Maybe]) -> list[Decimal]:
    return [one for value in values if value for one in value.items if isinstance(one, Decimal)]


def matches(one: Maybe, two: Maybe) -> bool | None:
    """Say whether two values are the same: bags in any order, lists in order; NULL when one is NULL."""
    if one is None or two is None:
        return None
    if "ordered" in {one.cardinality, two.cardinality}:
        return one.items == two.items
    return len(one.items) == len(two.items) and sorted(map(_sort_key, one.items)) == sorted(map(_sort_key, two.items))


def _sort_key(item: Any) -> str:
    if isinstance(item, frozenset):
        return repr(sorted(item))
    return repr(item.normalize()) if isinstance(item, Decimal) else repr(item)


def map_value(value: Value, mapping: Mapping | None) -> Decimal:
    """Return what a value is worth by a mapping: each distinct item once, kept within the bounds."""
    if mapping is None:
        raise UnsupportedRuleError("mapping")
    distinct = list(dict.fromkeys(value.items))
    return mapping.clamp(sum((_worth(one, value.base, mapping) for one in distinct), Decimal(0)))


def _worth(item: Any, base: str, mapping: Mapping) -> Decimal:
    found = (one.value for one in mapping.entries if is_entry(one, item, base))
    return next(found, mapping.default)


def is_entry(entry: MapEntry, item: Any, base: str) -> bool:
    """Say whether an entry of a mapping speaks of an item."""
    key = typed(base, entry.key)
    if isinstance(item, str) and isinstance(key, str) and not entry.is_case_sensitive:
        return key.casefold() == item.casefold()
    return bool(key == item)


def map_points(value: Value, areas: AreaMapping | None) -> Decimal:
    """Return what points are worth: each area once, the default for points outside all areas."""
    if areas is None:
        raise UnsupportedRuleError("areaMapping")
    total, taken = Decimal(0), set()
    for point in value.items:
        hit = next((n for n, one in enumerate(areas.areas) if is_inside(point, one.shape, one.coordinates)), None)
        if hit is None:
            total += areas.default
        elif hit not in taken:
            taken.add(hit)
            total += areas.areas[hit].value
    return Mapping((), lower=areas.lower, upper=areas.upper).clamp(total)


Operator = Callable[[Processing, _Element], Maybe]


def _base_value(run: Processing, element: _Element) -> Maybe:
    del run
    return value_of([raw_text(element)], "single", element.get("baseType", "string"))


def _correct(run: Processing, element: _Element) -> Maybe:
    found = run.response(element)
    return value_of(found.correct, found.cardinality, found.base)


def _map_response(run: Processing, element: _Element) -> Maybe:
    found, given = run.response(element), run.variable(element)
    return _float(map_value(given, found.mapping)) if given else _float(Decimal(0))


def _map_response_point(run: Processing, element: _Element) -> Maybe:
    found, given = run.response(element), run.variable(element)
    return _float(map_points(given, found.areas)) if given else _float(Decimal(0))


def _match(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    return _boolean(matches(one, two))


def _string_match(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    if one is None or two is None:
        return None
    left, right = str(one.items[0]), str(two.items[0])
    if element.get("caseSensitive") == "false":
        left, right = left.casefold(), right.casefold()
    return _boolean(right in left if element.get("substring") == "true" else left == right)


def _equal(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    if one is None or two is None:
        return None
    reference, given = _number(one), _number(two)
    mode = element.get("toleranceMode", "exact")
    below, above = _tolerance(element.get("tolerance", "0"), mode, reference)
    lower, upper = reference - below, reference + above
    above_lower = given >= lower if element.get("includeLowerBound", "true") == "true" else given > lower
    below_upper = given <= upper if element.get("includeUpperBound", "true") == "true" else given < upper
    return _boolean(above_lower and below_upper)


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
    return _boolean(value is None or value.items == ("",))


def _not(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    return None if value is None else _boolean(not is_true(value))


def _and(run: Processing, element: _Element) -> Maybe:
    values = run.arguments(element)
    if any(one is not None and not is_true(one) for one in values):
        return _boolean(False)
    return None if None in values else _boolean(True)


def _or(run: Processing, element: _Element) -> Maybe:
    values = run.arguments(element)
    if any(is_true(one) for one in values):
        return _boolean(True)
    return None if None in values else _boolean(False)


def _compare(holds: Callable[[Decimal, Decimal], bool]) -> Operator:
    def operator(run: Processing, element: _Element) -> Maybe:
        one, two = run.arguments(element)
        return None if one is None or two is None else _boolean(holds(_number(one), _number(two)))

    return operator


def _sum(run: Processing, element: _Element) -> Maybe:
    values = run.arguments(element)
    return None if None in values else _float(sum(_numbers(values), Decimal(0)))


def _product(run: Processing, element: _Element) -> Maybe:
    values = run.arguments(element)
    if None in values:
        return None
    total = Decimal(1)
    for one in _numbers(values):
        total *= one
    return _float(total)


def _of_two(compute: Callable[[Decimal, Decimal], Decimal]) -> Operator:
    def operator(run: Processing, element: _Element) -> Maybe:
        one, two = run.arguments(element)
        return None if one is None or two is None else _float(compute(_number(one), _number(two)))

    return operator


def _extreme(choose: Callable[[list[Decimal]], Decimal]) -> Operator:
    def operator(run: Processing, element: _Element) -> Maybe:
        values = run.arguments(element)
        return None if None in values else _float(choose(_numbers(values)))

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
    pool = [_sort_key(item) for item in one.items]
    return _boolean(all(pool.count(_sort_key(item)) >= two.items.count(item) for item in two.items))


def _member(run: Processing, element: _Element) -> Maybe:
    one, two = run.arguments(element)
    if one is None or two is None:
        return None
    return _boolean(_sort_key(one.items[0]) in {_sort_key(item) for item in two.items})


def _container_size(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    return _float(Decimal(len(value.items) if value else 0))


def _inside(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    if value is None:
        return None
    area = coordinates(element.get("coords"))
    return _boolean(any(is_inside(point, element.get("shape", ""), area) for point in value.items))


def _index(run: Processing, element: _Element) -> Maybe:
    value = run.evaluate(_only(element))
    place = number(element.get("n"))
    if value is None or place is None or not 1 <= place <= len(value.items):
        return None
    return Value((value.items[int(place) - 1],), "single", value.base)


OPERATORS: dict[str, Operator] = {
    "baseValue": _base_value,
    "variable": lambda run, element: run.variable(element),
    "correct": _correct,
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
    "multiple": _container("multiple"),
    "ordered": _container("ordered"),
    "contains": _contains,
    "member": _member,
    "containerSize": _container_size,
    "index": _index,
    "inside": _inside,
}
"""The expressions that are understood; docs/qti.md lists them."""
