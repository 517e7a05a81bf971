"""The exam blueprint as assembly reads it: every rule a form must keep, parsed and checked for shape."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from blueprints.assembly.keys import (
    BlueprintError as BlueprintError,
)
from blueprints.assembly.keys import (
    Keys,
    as_decimal,
    as_letters,
    as_levels,
    as_name,
    as_names,
    as_number,
    as_percent,
    as_positive,
    as_range,
    as_share,
    as_whole,
    one_or_more,
    refuse_repeats,
)
from blueprints.assembly.limits import Limits, read_limits, read_mean
from blueprints.assembly.limits import MeanRule as MeanRule
from blueprints.assembly.pool import DIFFICULTY_LEVELS, IMPORTANCE_LETTERS, PoolItem
from blueprints.assembly.pool import in_scope as in_scope
from kernel.i18n import N_


@dataclass(frozen=True, slots=True)
class TypeRule:
    """So many items of a type (`count`, or up to `most`), each worth `score_each` (None: the item's own marks)."""

    type: str
    count: int
    score_each: Decimal | None
    most: int | None = None

    @property
    def high(self) -> int:
        """The most items of the type."""
        return self.count if self.most is None else self.most


@dataclass(frozen=True, slots=True)
class WeightRule:
    """A scope's share of the total score."""

    scope: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class ShareRule:
    """Bounds on the share of items of one importance or cognitive level; None leaves a side open."""

    letter: str
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class CountRule:
    """Bounds on how many items of one difficulty level a form holds."""

    level: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class CellRule:
    """Bounds on how many items of some scopes, types, letters, levels and cognitive levels a form holds; empty matches all."""

    scopes: tuple[str, ...]
    types: tuple[str, ...]
    importance: tuple[str, ...]
    difficulty: tuple[int, ...]
    cognitive: tuple[str, ...]
    low: int
    high: int

    @property
    def name(self) -> str:
        """What names the cell in rule names: its parts joined by a slash, alternatives by a plus sign."""
        parts = (self.scopes, self.types, self.importance, self.difficulty, self.cognitive)
        return "/".join("+".join(map(str, part)) for part in parts if part)

    @property
    def _prefixes(self) -> tuple[str, ...]:
        return tuple(f"{scope}-" for scope in self.scopes)

    def holds(self, item: PoolItem) -> bool:
        """Say whether the item belongs to the cell."""
        return (
            (not self.types or item.type in self.types)
            and (not self.importance or item.importance in self.importance)
            and (not self.difficulty or item.difficulty in self.difficulty)
            and (not self.cognitive or item.cognitive in self.cognitive)
            and (not self.scopes or f"{item.point}-".startswith(self._prefixes))
        )


@dataclass(frozen=True, slots=True)
class InformationRule:
    """Test information at `theta` is at least `target`, or within `tolerance` of it where one is given."""

    theta: float
    target: float
    tolerance: float | None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything a form must keep; see the interface page for the file's shape.

    Attributes
    ----------
    n_items : int
        Items of a form.
    types, weights, importance, difficulty_counts, cells, information : tuple
        Rules of each kind; empty where the blueprint says nothing.
    total_score : Decimal or None
        Marks of a form; None where only counts matter.
    weight_tolerance_percent : Decimal
        Percentage points of the total score by which a weight may miss its percent.
    difficulty_mean, p_value_mean : MeanRule or None
        Rules on means.
    max_per_point : int or None
        Most items of one assessment point in a form.
    max_overlap : int
        Most items two forms of one assembly may share; 0 makes them disjoint.
    exclude : frozenset of str
        Ids that are never drawn.
    max_n_used : int or None
        Items used more often than this are not drawn.
    cognitive : tuple of ShareRule
        Shares of cognitive levels.
    limits : Limits
        Every other rule.
    """

    n_items: int
    types: tuple[TypeRule, ...]
    total_score: Decimal | None = None
    weights: tuple[WeightRule, ...] = ()
    weight_tolerance_percent: Decimal = Decimal(0)
    importance: tuple[ShareRule, ...] = ()
    difficulty_mean: MeanRule | None = None
    difficulty_counts: tuple[CountRule, ...] = ()
    p_value_mean: MeanRule | None = None
    cells: tuple[CellRule, ...] = ()
    max_per_point: int | None = None
    information: tuple[InformationRule, ...] = ()
    max_overlap: int = 0
    exclude: frozenset[str] = frozenset()
    max_n_used: int | None = None
    cognitive: tuple[ShareRule, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def score_by_type(self) -> dict[str, Decimal | None]:
        """What an item of each type is worth."""
        return {rule.type: rule.score_each for rule in self.types}

    @property
    def full_score(self) -> Decimal | None:
        """The marks of a form: as stated, or as the types add up; None when items carry their own marks."""
        if self.total_score is not None:
            return self.total_score
        parts = [
            rule.count * rule.score_each for rule in self.types if rule.score_each is not None and rule.most is None
        ]
        return sum(parts, Decimal(0)) if len(parts) == len(self.types) else None

    @property
    def has_open_types(self) -> bool:
        """Say whether some type may have more or fewer items."""
        return any(rule.high != rule.count for rule in self.types)

    @property
    def needs_difficulty(self) -> bool:
        """Say whether an item without difficulty cannot be judged."""
        in_sections = any(section.difficulty for section in self.limits.sections)
        return self.difficulty_mean is not None or bool(self.difficulty_counts) or in_sections

    @property
    def needs_p_value(self) -> bool:
        """Say whether an item without a proportion correct cannot be judged."""
        return self.p_value_mean is not None or self.limits.needs_p_value

    @property
    def n_on_top(self) -> int:
        """Items of a form beyond `n_items`: those on trial and unscored anchors."""
        pretest, anchor = self.limits.pretest, self.limits.anchor
        return (pretest.n_items if pretest else 0) + (len(anchor.items) if anchor and not anchor.scored else 0)


def read_blueprint(source: Path | str | bytes) -> Blueprint:
    """Return the blueprint of a JSON file or its content; raises BlueprintError."""
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        data = json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError) as exc:
        raise BlueprintError(N_("蓝图文件不是有效的 JSON：%(reason)s"), reason=str(exc)) from exc
    return parse_blueprint(data)


def parse_blueprint(data: Any) -> Blueprint:
    """Return the blueprint that a JSON value describes.

    Raises
    ------
    BlueprintError
        If a key is unknown or missing, or a value has the wrong shape or range; names the key.
    """
    keys = Keys(data, "")
    difficulty = keys.inner("difficulty")
    blueprint = Blueprint(
        n_items=keys.need("n_items", as_positive),
        types=_types(keys),
        total_score=keys.get("total_score", as_decimal),
        weights=_weights(keys),
        weight_tolerance_percent=keys.get("weight_tolerance_percent", as_decimal) or Decimal(0),
        importance=_shares(keys.inner("importance"), IMPORTANCE_LETTERS),
        difficulty_mean=read_mean(difficulty),
        difficulty_counts=_counts(difficulty),
        p_value_mean=read_mean(keys.inner("p_value")),
        cells=_cells(keys),
        max_per_point=keys.get("max_per_point", as_positive),
        information=tuple(_information(row) for row in keys.rows("information")),
        max_overlap=keys.get("max_overlap", as_whole) or 0,
        exclude=frozenset(keys.get("exclude", as_names) or ()),
        max_n_used=keys.inner("exposure").get("max_n_used", as_whole),
        cognitive=_shares(keys.inner("cognitive"), None),
        limits=read_limits(keys),
    )
    keys.get("shared_banks", as_names)  # where items may come from is settled before assembly sees any
    keys.close()
    return blueprint


def _types(keys: Keys) -> tuple[TypeRule, ...]:
    rules = []
    for row in keys.rows("types"):
        low, high = row.need("count", as_range)
        each = row.get("score_each", as_decimal)
        rules.append(TypeRule(row.need("type", as_name), low, each, None if low == high else high))
        row.close()
    if not rules:
        raise BlueprintError(N_("蓝图：types 至少要有一种题型"))
    refuse_repeats("types", [rule.type for rule in rules])
    return tuple(rules)


def _weights(keys: Keys) -> tuple[WeightRule, ...]:
    rules = []
    for row in keys.rows("weights"):
        rules.append(WeightRule(row.need("scope", as_name), row.need("percent", as_percent)))
        row.close()
    refuse_repeats("weights", [rule.scope for rule in rules])
    return tuple(rules)


def _shares(keys: Keys, known: tuple[str, ...] | None) -> tuple[ShareRule, ...]:
    rules = []
    for name in keys.names():
        if known is not None and name not in known:
            raise keys.unknown(name, known)
        bounds = keys.inner(name)
        rules.append(ShareRule(name, bounds.get("min", as_share), bounds.get("max", as_share)))
    return tuple(rules)


def _counts(keys: Keys) -> tuple[CountRule, ...]:
    levels = keys.inner("counts")
    rules = []
    for name in levels.names():
        if name not in map(str, DIFFICULTY_LEVELS):
            raise levels.unknown(name)
        rules.append(CountRule(int(name), *levels.need(name, as_range)))
    return tuple(rules)


def _cells(keys: Keys) -> tuple[CellRule, ...]:
    cells = []
    for row in keys.rows("cells"):
        low, high = row.need("count", as_range)
        cells.append(
            CellRule(
                row.get("scope", one_or_more) or (), row.get("type", one_or_more) or (),
                row.get("importance", as_letters) or (), row.get("difficulty", as_levels) or (),
                row.get("cognitive", one_or_more) or (), low, high,
            )
        )  # fmt: skip
        row.close()
    return tuple(cells)


def _information(row: Keys) -> InformationRule:
    target = float(row.need("target", as_decimal))
    tolerance, percent = row.get("tolerance", as_decimal), row.get("tolerance_percent", as_percent)
    if tolerance is not None and percent is not None:
        raise row.refuse("tolerance_percent", N_("蓝图：%(key)s 和 tolerance 只能写一个"))
    theta = float(row.need("theta", as_number))
    row.close()
    if percent is not None:
        return InformationRule(theta, target, target * float(percent) / 100)
    return InformationRule(theta, target, None if tolerance is None else float(tolerance))
