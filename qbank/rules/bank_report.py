"""How ready a bank is to be used: coverage, review, age, duplicates and statistics, counted from plain rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from qbank.rules.items import ItemStatus

AGE_BOUNDS = (1, 2, 3, 5)
DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as the report counts it; `point` is the full code of its first point in the level."""

    code: str
    type: str
    difficulty: int | None
    status: ItemStatus
    is_in_use: bool
    point: str
    digest: str
    is_reviewed: bool
    approved_on: date | None
    n_used: int
    has_statistics: bool
    is_quarantined: bool = False


@dataclass(frozen=True, slots=True)
class PointLine:
    """A point with what the bank has for it."""

    code: str
    name: str
    importance: str
    scope: str
    n_items: int
    by_type: Mapping[str, int]
    by_difficulty: Mapping[int, int]
    wanted: int

    @property
    def n_missing(self) -> int:
        """How many items are wanting."""
        return max(0, self.wanted - self.n_items)


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """A range with what the bank has for all points below it."""

    code: str
    name: str
    depth: int
    weight_percent: str
    n_points: int
    n_covered: int
    n_thin: int
    n_items: int
    by_type: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BankReport:
    """Everything the report says; figures of items are those in use unless they say otherwise."""

    n_points: int
    n_covered: int
    n_enough: int
    wanted_per_point: int
    n_items: int
    n_in_use: int
    by_status: Mapping[str, int]
    by_type: Mapping[str, int]
    by_difficulty: Mapping[str, int]
    n_reviewed: int
    by_age: Sequence[int]
    n_old: int
    old_after_years: int
    duplicate_groups: Sequence[Sequence[str]]
    n_near_pairs: int
    n_with_statistics: int
    n_never_used: int
    n_quarantined: int
    points: Sequence[PointLine] = field(default=())
    scopes: Sequence[ScopeLine] = field(default=())

    @property
    def covered_percent(self) -> int:
        """Share of points with at least one item in use."""
        return percent(self.n_covered, self.n_points)

    @property
    def enough_percent(self) -> int:
        """Share of points with as many items as are wanted."""
        return percent(self.n_enough, self.n_points)

    @property
    def reviewed_percent(self) -> int:
        """Share of the items in use that people reviewed."""
        return percent(self.n_reviewed, self.n_in_use)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a document to be kept with its digest."""
        plain = {
            name: getattr(self, name)
            for name in (
                "n_points", "n_covered", "n_enough", "wanted_per_point", "n_items", "n_in_use", "n_reviewed", "n_old",
                "old_after_years", "n_near_pairs", "n_with_statistics", "n_never_used", "n_quarantined",
            )
        }  # fmt: skip
        return plain | {
            "by_status": dict(self.by_status),
            "by_type": dict(self.by_type),
            "by_difficulty": dict(self.by_difficulty),
            "by_age": list(self.by_age),
            "duplicate_groups": [list(group) for group in self.duplicate_groups],
            "points": {point.code: point.n_items for point in self.points},
        }


def percent(part: int, whole: int) -> int:
    """Return a share in whole percent, rounded down so that 100 means all.

    >>> percent(199, 200), percent(0, 0)
    (99, 0)
    """
    return part * 100 // whole if whole else 0


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """A range of the outline with its points (code, name, importance), itself and all below."""

    code: str
    name: str
    depth: int
    weight_percent: Decimal | None
    points: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Measures:
    """By what the report judges: the day, items wanted at each point, years until an item counts as old."""

    today: date
    wanted_per_point: int
    old_after_years: int


def build_report(
    scopes: Sequence[ScopeFacts], items: Sequence[ItemRow], measures: Measures, *, n_near_pairs: int = 0
) -> BankReport:
    """Return the report of a level.

    Parameters
    ----------
    scopes : sequence of ScopeFacts
        All ranges, parents before children.
    items : sequence of ItemRow
        All items of the level in any state.
    measures : Measures
        Today and what the rule profile asks.
    n_near_pairs : int, optional
        Pairs of near-duplicates that nobody has cleared up.
    """
    usable = [item for item in items if item.is_in_use]
    at_point: dict[str, list[ItemRow]] = {}
    for item in usable:
        at_point.setdefault(item.point, []).append(item)
    points = [_point(entry, scope, at_point, measures) for scope in scopes if _is_leaf(scope, scopes) for entry in scope.points]  # fmt: skip
    ages = [_years(item.approved_on, measures.today) for item in usable if item.approved_on]
    return BankReport(
        n_points=len(points),
        n_covered=sum(1 for point in points if point.n_items),
        n_enough=sum(1 for point in points if not point.n_missing),
        wanted_per_point=measures.wanted_per_point,
        n_items=len(items),
        n_in_use=len(usable),
        by_status=_counts(item.status.value for item in items),
        by_type=_counts(item.type for item in usable),
        by_difficulty=_counts(str(item.difficulty or 0) for item in usable),
        n_reviewed=sum(1 for item in usable if item.is_reviewed),
        by_age=_age_classes(ages),
        n_old=sum(1 for age in ages if age > measures.old_after_years),
        old_after_years=measures.old_after_years,
        duplicate_groups=_duplicates(items),
        n_near_pairs=n_near_pairs,
        n_with_statistics=sum(1 for item in usable if item.has_statistics),
        n_never_used=sum(1 for item in usable if not item.n_used),
        n_quarantined=sum(1 for item in items if item.is_quarantined),
        points=points,
        scopes=[_scope(scope, at_point, measures) for scope in scopes],
    )


def _is_leaf(scope: ScopeFacts, scopes: Sequence[ScopeFacts]) -> bool:
    """Say whether a range holds its points itself: none of the ranges below it holds them."""
    own = {code for code, _name, _importance in scope.points}
    return not any(
        other.depth > scope.depth and own & {code for code, _name, _importance in other.points} for other in scopes
    )


def _point(
    entry: tuple[str, str, str], scope: ScopeFacts, at_point: Mapping[str, Sequence[ItemRow]], measures: Measures
) -> PointLine:
    code, name, importance = entry
    here = at_point.get(code, ())
    difficulties = Counter(item.difficulty or 0 for item in here)
    return PointLine(
        code, name, importance, f"{scope.code} {scope.name}", len(here), _counts(item.type for item in here),
        dict(sorted(difficulties.items())), measures.wanted_per_point,
    )  # fmt: skip


def _scope(scope: ScopeFacts, at_point: Mapping[str, Sequence[ItemRow]], measures: Measures) -> ScopeLine:
    counts = [len(at_point.get(code, ())) for code, _name, _importance in scope.points]
    here = [item for code, _name, _importance in scope.points for item in at_point.get(code, ())]
    weight = "" if scope.weight_percent is None else f"{scope.weight_percent:f}".rstrip("0").rstrip(".")
    return ScopeLine(
        scope.code, scope.name, scope.depth, weight, len(counts), sum(1 for n in counts if n),
        sum(1 for n in counts if n < measures.wanted_per_point), len(here), _counts(item.type for item in here),
    )  # fmt: skip


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _years(day: date, today: date) -> float:
    return (today - day).days / DAYS_A_YEAR


def _age_classes(ages: Sequence[float]) -> list[int]:
    """Return how many items are up to 1, 2, 3, 5 years old, and older."""
    classes = [0] * (len(AGE_BOUNDS) + 1)
    for age in ages:
        classes[next((n for n, bound in enumerate(AGE_BOUNDS) if age <= bound), len(AGE_BOUNDS))] += 1
    return classes


def _duplicates(items: Iterable[ItemRow]) -> list[list[str]]:
    """Return the codes of items with the same content, without retired ones."""
    groups: dict[str, list[str]] = {}
    for item in items:
        if item.status is not ItemStatus.RETIRED:
            groups.setdefault(item.digest, []).append(item.code)
    return sorted(sorted(codes) for codes in groups.values() if len(codes) > 1)
