"""A posted form while it is being read: what a person typed, what it means, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from blueprints.assembly.text import Text
from blueprints.rules.profile import json_number
from kernel.i18n import N_

MOST_ITEMS = 1000
HUNDRED = Decimal(100)
JOINT = "+"
"""Joins several values in one field, as the engine names alternatives."""


@dataclass(slots=True)
class SpecForm:
    """What a person typed, what it means, and what is wrong with it."""

    values: dict[str, str]
    spec: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[Text]] = field(default_factory=dict)

    def complain(self, name: str, template: str, **params: Any) -> None:
        """Add a complaint about a field."""
        self.errors.setdefault(name, []).append(Text(template, params))

    def text(self, name: str) -> str:
        """Return a field's text."""
        return self.values.get(name, "").strip()

    def number(
        self, name: str, *, least: Decimal = Decimal(0), most: Decimal | None = None, whole: bool = False
    ) -> Decimal | None:
        """Return a field's number, None when it is empty or wrong; what is wrong is complained about."""
        text = self.text(name).replace("，", ",").replace("％", "%").rstrip("%")
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            self.complain(name, N_("“%(text)s”不是数字"), text=text[:20])
            return None
        if not value.is_finite() or value < least or (most is not None and value > most):
            limit = f"{most:f}" if most is not None else "∞"
            self.complain(name, N_("应在 %(least)s 与 %(limit)s 之间"), least=f"{least:f}", limit=limit)
            return None
        if whole and value != value.to_integral_value():
            self.complain(name, N_("应为整数"))
            return None
        return value

    def count(self, name: str, *, most: int = MOST_ITEMS) -> int | None:
        """Return a field's whole number."""
        value = self.number(name, most=Decimal(most), whole=True)
        return None if value is None else int(value)

    def share(self, name: str) -> int | float | None:
        """Return a field's percentage as a share of one."""
        value = self.number(name, most=HUNDRED)
        return None if value is None else json_number(value / HUNDRED)

    def parts(self, name: str) -> str | list[str] | None:
        """Return a field that may hold several values: None, one, or a list."""
        found = [part for part in self.text(name).split(JOINT) if part]
        return (found[0] if len(found) == 1 else found) if found else None

    def count_range(self, low_name: str, high_name: str) -> list[int] | None:
        """Return the bounds of a count, None when both fields are empty; an open end is none or the most."""
        low, high = self.count(low_name), self.count(high_name)
        if low is None and high is None:
            return None
        bounds = [low or 0, MOST_ITEMS if high is None else high]
        if bounds[0] > bounds[1]:
            self.complain(low_name, N_("最少题数不能大于最多题数"))
        return bounds

    def band(self, low_name: str, high_name: str, *, most: Decimal) -> list[int | float] | None:
        """Return two numbers, None when both fields are empty; an open end is zero or the most."""
        low, high = self.number(low_name, most=most), self.number(high_name, most=most)
        if low is None and high is None:
            return None
        bounds = [low or Decimal(0), most if high is None else high]
        if bounds[0] > bounds[1]:
            self.complain(low_name, N_("下限不能大于上限"))
        return [json_number(bound) for bound in bounds]

    def mean(self, target_name: str, tolerance_name: str, *, most: Decimal) -> dict[str, Any] | None:
        """Return a mean rule, None when there is no target."""
        target, tolerance = self.number(target_name, most=most), self.number(tolerance_name, most=most)
        if target is None:
            return None
        return {"target": json_number(target), "tolerance": json_number(tolerance or Decimal(0))}


def optional(**parts: Any) -> dict[str, Any]:
    """Return the keys that say something."""
    return {key: value for key, value in parts.items() if value is not None and value not in ([], {})}


def range_values(name: str, bounds: Any) -> dict[str, Any]:
    """Return the two fields of a count's bounds."""
    if bounds is None:
        return {}
    low, high = bounds if isinstance(bounds, list | tuple) else (bounds, bounds)
    return {f"{name}-low": low, f"{name}-high": "" if high >= MOST_ITEMS else high}


def band_values(name: str, bounds: Any, most: int) -> dict[str, Any]:
    """Return the two fields of a band."""
    if not bounds:
        return {}
    low, high = bounds
    return {f"{name}-low": low or "", f"{name}-high": "" if high >= most else high}


def share_value(value: Any) -> Any:
    """Return a share of one as a percentage; empty for none."""
    return "" if value is None else json_number((Decimal(str(value)) * HUNDRED).normalize())


def joined(value: Any) -> str:
    """Return one or several values as one field holds them."""
    if value is None:
        return ""
    return JOINT.join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def mean_values(name: str, rule: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the two fields of a mean rule."""
    rule = rule or {}
    return {f"{name}-mean": rule.get("target", ""), f"{name}-tolerance": rule.get("tolerance", "")}
