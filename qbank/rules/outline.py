"""The content outline (细目表): a tree of scopes with points, whose ratios, weights and codes are always computed."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kernel.i18n import N_
from qbank.rules.standards import OutlineLayout

MAX_DEPTH = 3
FULL_WEIGHT = Decimal(100)
Key = uuid.UUID | str


class Importance(enum.StrEnum):
    """How important a point is: core, general or auxiliary."""

    CORE = "X"
    GENERAL = "Y"
    AUXILIARY = "Z"


IMPORTANCE_LABELS = {
    Importance.CORE: N_("核心（X）"),
    Importance.GENERAL: N_("一般（Y）"),
    Importance.AUXILIARY: N_("辅助（Z）"),
}


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One scope as it is kept: what a person states about it and where it hangs; nothing computed."""

    key: Key
    parent: Key | None
    depth: int
    code: str
    name: str
    weight_percent: Decimal | None
    position: int


@dataclass(frozen=True, slots=True)
class PointRow:
    """One assessment point as it is kept."""

    key: Key
    scope: Key
    code: str
    name: str
    importance: Importance
    score: Decimal | None
    position: int


@dataclass(frozen=True, slots=True)
class ImportanceCounts:
    """How many core, general and auxiliary points; written 132:21:00."""

    core: int = 0
    general: int = 0
    auxiliary: int = 0

    def __add__(self, other: ImportanceCounts) -> ImportanceCounts:
        return ImportanceCounts(self.core + other.core, self.general + other.general, self.auxiliary + other.auxiliary)

    def __str__(self) -> str:
        return f"{self.core:02d}:{self.general:02d}:{self.auxiliary:02d}"

    @property
    def total(self) -> int:
        """All points."""
        return self.core + self.general + self.auxiliary


@dataclass(frozen=True, slots=True)
class PointNode:
    """A point in its place."""

    row: PointRow
    full_code: str


@dataclass(frozen=True, slots=True)
class ScopeNode:
    """A scope in its place, with everything that follows from what lies below it."""

    row: ScopeRow
    full_code: str
    weight_percent: Decimal | None
    is_weight_computed: bool
    importance_counts: ImportanceCounts
    scopes: tuple[ScopeNode, ...]
    points: tuple[PointNode, ...]

    @property
    def has_weighted_children(self) -> bool:
        """Say whether a weight stated for this scope itself would be without effect."""
        return any(child.weight_percent is not None for child in self.scopes)

    def walk(self) -> Iterator[ScopeNode]:
        """Yield this scope and all below it, in order."""
        yield self
        for child in self.scopes:
            yield from child.walk()

    def all_points(self) -> Iterator[PointNode]:
        """Yield the points of this scope and of all below it, in order."""
        yield from self.points
        for child in self.scopes:
            yield from child.all_points()


@dataclass(frozen=True, slots=True)
class OutlineTree:
    """A whole outline."""

    layout: OutlineLayout
    scopes: tuple[ScopeNode, ...]

    def walk(self) -> Iterator[ScopeNode]:
        """Yield all scopes, in order."""
        for scope in self.scopes:
            yield from scope.walk()

    def all_points(self) -> Iterator[PointNode]:
        """Yield all points, in order."""
        for scope in self.scopes:
            yield from scope.all_points()

    @property
    def n_points(self) -> int:
        """Number of points."""
        return self.importance_counts.total

    @property
    def importance_counts(self) -> ImportanceCounts:
        """The ratio of the whole outline."""
        return sum((scope.importance_counts for scope in self.scopes), ImportanceCounts())

    @property
    def weight_percent(self) -> Decimal | None:
        """The sum of the first level, None when no weight is known."""
        return _sum_of(scope.weight_percent for scope in self.scopes)


def build_tree(layout: OutlineLayout, scopes: Iterable[ScopeRow], points: Iterable[PointRow]) -> OutlineTree:
    """Arrange rows as a tree and compute full codes, ratios and weights."""
    children: dict[Key | None, list[ScopeRow]] = {}
    for scope in sorted(scopes, key=lambda s: (s.position, s.code)):
        children.setdefault(scope.parent, []).append(scope)
    held: dict[Key, list[PointRow]] = {}
    for point in sorted(points, key=lambda p: (p.position, p.code)):
        held.setdefault(point.scope, []).append(point)
    roots = tuple(_node(row, "", layout, children, held) for row in children.get(None, []))
    return OutlineTree(layout, roots)


def _node(
    row: ScopeRow,
    prefix: str,
    layout: OutlineLayout,
    children: Mapping[Key | None, Sequence[ScopeRow]],
    held: Mapping[Key, Sequence[PointRow]],
) -> ScopeNode:
    code = join_code(layout, prefix, row.code)
    scopes = tuple(_node(child, code, layout, children, held) for child in children.get(row.key, ()))
    points = tuple(PointNode(point, join_code(layout, code, point.code)) for point in held.get(row.key, ()))
    weight, is_computed = _weight(row, scopes, points)
    counts = sum((child.importance_counts for child in scopes), count_importance(p.row.importance for p in points))
    return ScopeNode(row, code, weight, is_computed, counts, scopes, points)


def join_code(layout: OutlineLayout, prefix: str, code: str) -> str:
    """Return the full code of something below a scope.

    >>> join_code(OutlineLayout.CLASSIC, "A-B", "003"), join_code(OutlineLayout.CHAPTER, "0.1", "7")
    ('A-B-003', '0.1.7')
    """
    return f"{prefix}{layout.separator}{code}" if prefix else code


def count_importance(values: Iterable[Importance]) -> ImportanceCounts:
    """Return the ratio of some points."""
    found = list(values)
    return ImportanceCounts(*(found.count(value) for value in Importance))


def _weight(row: ScopeRow, scopes: Sequence[ScopeNode], points: Sequence[PointNode]) -> tuple[Decimal | None, bool]:
    """Return a scope's weight and whether it follows from below: children first, then the scope's own, then scores."""
    if (below := _sum_of(child.weight_percent for child in scopes)) is not None:
        return below, True
    if row.weight_percent is not None:
        return row.weight_percent, False
    scores = [point.row.score for point in points]
    is_scored = bool(scores) and None not in scores
    return (_sum_of(scores), True) if is_scored else (None, False)


def _sum_of(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def next_code(layout: OutlineLayout, taken: Iterable[str], *, is_point: bool = False) -> str:
    """Return the code that follows those taken among siblings.

    >>> next_code(OutlineLayout.CLASSIC, ["A", "B"]), next_code(OutlineLayout.CLASSIC, ["001"], is_point=True)
    ('C', '002')
    >>> next_code(OutlineLayout.CHAPTER, ["1", "2"])
    '3'
    """
    codes = set(taken)
    if layout is OutlineLayout.CLASSIC and not is_point:
        return _letter_after(codes)
    following = max((int(code) for code in codes if code.isdecimal()), default=0) + 1
    return f"{following:03d}" if layout is OutlineLayout.CLASSIC else str(following)


def _letter_after(taken: set[str]) -> str:
    """Return A to Z, then AA, AB …: the first after the last one taken."""
    letters = [chr(65 + i) for i in range(26)]
    sequence = letters + [first + second for first in letters for second in letters]
    last = max((sequence.index(code) for code in taken if code in sequence), default=-1)
    return sequence[last + 1]
