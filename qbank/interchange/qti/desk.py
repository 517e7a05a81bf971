"""What writers of interactions share: the part that each makes, its variables and its declarations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from lxml.etree import _Element

from item_templates.rounding import decimal_text
from qbank.interchange.qti.build import append, element, leaf
from qbank.interchange.qti.markup_out import Address


@dataclass(slots=True)
class Part:
    """One content as QTI: at most one template, or rules that set the outcome named when it was made."""

    declarations: list[_Element]
    body: list[_Element]
    template: str = ""
    rules: list[_Element] = field(default_factory=list)


def _no_size(name: str) -> tuple[int, int] | None:
    del name
    return None


@dataclass(frozen=True, slots=True)
class Desk:
    """What writers of parts need: names of variables, addresses and sizes of pictures."""

    response: str
    outcome: str
    address: Address
    size: Callable[[str], tuple[int, int] | None] = _no_size

    def numbered(self, number: int) -> str:
        """Return the name of the variable of one blank."""
        return f"{self.response}_{number}"


def declaration(
    name: str, cardinality: str, base: str, right: Iterable[str], table: _Element | None = None
) -> _Element:
    """Return the declaration of a response variable with its correct response and mapping."""
    values = [leaf("value", one) for one in right]
    made = element("responseDeclaration", {"identifier": name, "cardinality": cardinality, "baseType": base})
    if values:
        append(made, element("correctResponse", None, values))
    if table is not None:
        append(made, table)
    return made


def map_table(
    worth: Sequence[tuple[str, Decimal]],
    lower: Decimal | None = None,
    upper: Decimal | None = None,
    *,
    folds_case: bool = False,
) -> _Element:
    """Return the mapping of values to marks."""
    bounds = {"lowerBound": lower, "upperBound": upper}
    attributes = {name: decimal_text(value) for name, value in bounds.items() if value is not None}
    case = {"caseSensitive": "false"} if folds_case else {}
    entries = [element("mapEntry", {"mapKey": key, "mappedValue": decimal_text(value)} | case) for key, value in worth]
    return element("mapping", attributes | {"defaultValue": "0"}, entries)
