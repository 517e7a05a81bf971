"""The variables of an item: what is answered, what counts as right, what each answer is worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml.etree import _Element

from qbank.interchange.qti.tree import raw_text

MAX_ENTRIES = 500


@dataclass(frozen=True, slots=True)
class MapEntry:
    """What one value is worth."""

    key: str
    value: Decimal
    is_case_sensitive: bool = True


@dataclass(frozen=True, slots=True)
class Mapping:
    """What values are worth, alone and together."""

    entries: tuple[MapEntry, ...]
    default: Decimal = Decimal(0)
    lower: Decimal | None = None
    upper: Decimal | None = None

    def clamp(self, value: Decimal) -> Decimal:
        """Return a sum kept within the bounds."""
        if self.lower is not None:
            value = max(self.lower, value)
        return value if self.upper is None else min(self.upper, value)


@dataclass(frozen=True, slots=True)
class Area:
    """An area of an image: shape, coordinates, and what a point in it is worth."""

    shape: str
    coordinates: tuple[Decimal, ...]
    value: Decimal


@dataclass(frozen=True, slots=True)
class AreaMapping:
    """What points of an image are worth."""

    areas: tuple[Area, ...]
    default: Decimal = Decimal(0)
    lower: Decimal | None = None
    upper: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A response variable."""

    identifier: str
    cardinality: str = "single"
    base: str = "identifier"
    correct: tuple[str, ...] = ()
    mapping: Mapping | None = None
    areas: AreaMapping | None = None


@dataclass(frozen=True, slots=True)
class OutcomeVariable:
    """An outcome variable with its default and the most it can be."""

    identifier: str
    cardinality: str = "single"
    base: str = "float"
    default: tuple[str, ...] = ()
    maximum: Decimal | None = None


def responses_of(item: _Element) -> dict[str, Response]:
    """Return the response variables of an item by their identifiers."""
    return {one.identifier: one for one in map(_response, item.findall("responseDeclaration"))}


def outcomes_of(item: _Element) -> dict[str, OutcomeVariable]:
    """Return the outcome variables of an item by their identifiers."""
    return {one.identifier: one for one in map(_outcome, item.findall("outcomeDeclaration"))}


def number(text: str | None) -> Decimal | None:
    """Return a finite number, None for anything else.

    Examples
    --------
    >>> number(" 1.50 "), number("x"), number(None)
    (Decimal('1.50'), None, None)
    """
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= 12 else None


def _response(element: _Element) -> Response:
    return Response(
        identifier=element.get("identifier", ""),
        cardinality=element.get("cardinality", "single"),
        base=element.get("baseType", "identifier"),
        correct=_values(element.find("correctResponse")),
        mapping=_mapping(element.find("mapping")),
        areas=_areas(element.find("areaMapping")),
    )


def _outcome(element: _Element) -> OutcomeVariable:
    return OutcomeVariable(
        identifier=element.get("identifier", ""),
        cardinality=element.get("cardinality", "single"),
        base=element.get("baseType", "float"),
        default=_values(element.find("defaultValue")),
        maximum=number(element.get("normalMaximum")),
    )


def _values(holder: _Element | None) -> tuple[str, ...]:
    found: Iterable[_Element] = [] if holder is None else holder.findall("value")
    texts = map(raw_text, found)
    return tuple(text.strip() for text in texts)[:MAX_ENTRIES]


def _mapping(element: _Element | None) -> Mapping | None:
    if element is None:
        return None
    entries = tuple(_entry(one) for one in element.findall("mapEntry")[:MAX_ENTRIES])
    lower, upper = number(element.get("lowerBound")), number(element.get("upperBound"))
    return Mapping(entries, number(element.get("defaultValue")) or Decimal(0), lower, upper)


def _entry(element: _Element) -> MapEntry:
    worth = number(element.get("mappedValue")) or Decimal(0)
    return MapEntry(element.get("mapKey", ""), worth, element.get("caseSensitive", "true") != "false")


def _areas(element: _Element | None) -> AreaMapping | None:
    if element is None:
        return None
    areas = tuple(_area(one) for one in element.findall("areaMapEntry")[:MAX_ENTRIES])
    lower, upper = number(element.get("lowerBound")), number(element.get("upperBound"))
    return AreaMapping(areas, number(element.get("defaultValue")) or Decimal(0), lower, upper)


def _area(element: _Element) -> Area:
    worth = number(element.get("mappedValue")) or Decimal(0)
    return Area(element.get("shape", "default"), coordinates(element.get("coords")), worth)


def coordinates(text: str | None) -> tuple[Decimal, ...]:
    """Return the numbers of a list of coordinates, none when one of them is no number.

    Examples
    --------
    >>> coordinates("10, 20,5")
    (Decimal('10'), Decimal('20'), Decimal('5'))
    """
    found = [number(part) for part in (text or "").split(",")]
    known = tuple(one for one in found if one is not None)
    return known if len(known) == len(found) else ()
