"""The exam blueprint as assembly reads it: every rule a form must keep, parsed and checked for shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

from blueprints.assembly.pool import DIFFICULTY_LEVELS, IMPORTANCE_LETTERS, PoolItem
from kernel.errors import InvalidInputError
from kernel.i18n import N_

_T = TypeVar("_T")


class BlueprintError(InvalidInputError):
    """The blueprint is malformed; the message names the key."""

    code = "invalid_blueprint"


@dataclass(frozen=True, slots=True)
class TypeRule:
    """So many items of a type, each worth `score_each` (None: the item's own marks)."""

    type: str
    count: int
    score_each: Decimal | None


@dataclass(frozen=True, slots=True)
class WeightRule:
    """A scope's share of the total score."""

    scope: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class ShareRule:
    """Bounds on the share of items of one importance; None leaves a side open."""

    letter: str
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class MeanRule:
    """A mean over the items of a form, within `tolerance` of `target`."""

    target: Decimal
    tolerance: Decimal


@dataclass(frozen=True, slots=True)
class CountRule:
    """Bounds on how many items of one difficulty level a form holds."""

    level: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class CellRule:
    """Bounds on how many items of a scope, type, importance and difficulty a form holds; None matches all."""

    scope: str | None
    type: str | None
    importance: str | None
    difficulty: int | None
    low: int
    high: int

    @property
    def name(self) -> str:
        """What names the cell in rule names: its parts joined by a slash."""
        parts = (self.scope, self.type, self.importance, self.difficulty)
        return "/".join(str(part) for part in parts if part is not None)

    def holds(self, item: PoolItem) -> bool:
        """Say whether the item belongs to the cell."""
        return (
            (self.scope is None or in_scope(item.point, self.scope))
            and self.type in (None, item.type)
            and self.importance in (None, item.importance)
            and self.difficulty in (None, item.difficulty)
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

    @property
    def score_by_type(self) -> dict[str, Decimal | None]:
        """What an item of each type is worth."""
        return {rule.type: rule.score_each for rule in self.types}

    @property
    def full_score(self) -> Decimal | None:
        """The marks of a form: as stated, or as the types add up; None when items carry their own marks."""
        if self.total_score is not None:
            return self.total_score
        parts = [rule.count * rule.score_each for rule in self.types if rule.score_each is not None]
        return sum(parts, Decimal(0)) if len(parts) == len(self.types) else None

    @property
    def needs_difficulty(self) -> bool:
        """Say whether an item without difficulty cannot be judged."""
        return self.difficulty_mean is not None or bool(self.difficulty_counts)


def in_scope(point: str, scope: str) -> bool:
    """Say whether a point's code lies in a scope, by whole parts of the code.

    Examples
    --------
    >>> in_scope("B-A-C-003", "B-A"), in_scope("B-AB-001", "B-A")
    (True, False)
    """
    return point == scope or point.startswith(scope + "-")


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
    keys = _Keys(data, "")
    difficulty = keys.inner("difficulty")
    blueprint = Blueprint(
        n_items=keys.need("n_items", _positive),
        types=_types(keys),
        total_score=keys.get("total_score", _decimal),
        weights=_weights(keys),
        weight_tolerance_percent=keys.get("weight_tolerance_percent", _decimal) or Decimal(0),
        importance=_importance(keys.inner("importance")),
        difficulty_mean=_mean(difficulty),
        difficulty_counts=_counts(difficulty),
        p_value_mean=_mean(keys.inner("p_value").last("mean")),
        cells=tuple(_cell(row) for row in keys.rows("cells")),
        max_per_point=keys.get("max_per_point", _positive),
        information=tuple(_information(row) for row in keys.rows("information")),
        max_overlap=keys.get("max_overlap", _whole) or 0,
        exclude=frozenset(keys.get("exclude", _names) or ()),
        max_n_used=keys.inner("exposure").last("max_n_used").get("max_n_used", _whole),
    )
    difficulty.close()
    keys.close()
    return blueprint


def _types(keys: _Keys) -> tuple[TypeRule, ...]:
    rules = []
    for row in keys.rows("types"):
        rules.append(TypeRule(row.need("type", _name), row.need("count", _whole), row.get("score_each", _decimal)))
        row.close()
    if not rules:
        raise BlueprintError(N_("蓝图：types 至少要有一种题型"))
    _refuse_repeats("types", [rule.type for rule in rules])
    return tuple(rules)


def _weights(keys: _Keys) -> tuple[WeightRule, ...]:
    rules = []
    for row in keys.rows("weights"):
        rules.append(WeightRule(row.need("scope", _name), row.need("percent", _percent)))
        row.close()
    _refuse_repeats("weights", [rule.scope for rule in rules])
    return tuple(rules)


def _importance(keys: _Keys) -> tuple[ShareRule, ...]:
    rules = []
    for letter in keys.names():
        if letter not in IMPORTANCE_LETTERS:
            raise keys.unknown(letter)
        bounds = keys.inner(letter)
        rules.append(ShareRule(letter, bounds.get("min", _share), bounds.get("max", _share)))
        bounds.close()
    return tuple(rules)


def _mean(keys: _Keys) -> MeanRule | None:
    bounds = keys.inner("mean")
    if not bounds.names():
        return None
    rule = MeanRule(bounds.need("target", _decimal), bounds.get("tolerance", _decimal) or Decimal(0))
    bounds.close()
    return rule


def _counts(keys: _Keys) -> tuple[CountRule, ...]:
    levels = keys.inner("counts")
    rules = []
    for name in levels.names():
        if name not in map(str, DIFFICULTY_LEVELS):
            raise levels.unknown(name)
        rules.append(CountRule(int(name), *levels.need(name, _range)))
    return tuple(rules)


def _cell(row: _Keys) -> CellRule:
    low, high = row.need("count", _range)
    rule = CellRule(
        row.get("scope", _name), row.get("type", _name), row.get("importance", _letter), row.get("difficulty", _level),
        low, high,
    )  # fmt: skip
    row.close()
    return rule


def _information(row: _Keys) -> InformationRule:
    tolerance = row.get("tolerance", _decimal)
    rule = InformationRule(
        float(row.need("theta", _number)), float(row.need("target", _decimal)),
        None if tolerance is None else float(tolerance),
    )  # fmt: skip
    row.close()
    return rule


class _Keys:
    """The keys of one JSON object and its path; remembers which were read, so that `close` refuses the rest."""

    def __init__(self, data: Any, path: str) -> None:
        if not isinstance(data, Mapping):
            raise BlueprintError(N_("蓝图：%(key)s 应为对象"), key=path or "{}")
        self._data = data
        self._path = path
        self._read: set[str] = set()

    def names(self) -> list[str]:
        return list(self._data)

    def need(self, key: str, parse: Callable[[Any], _T]) -> _T:
        value = self.get(key, parse)
        if value is None:
            raise BlueprintError(N_("蓝图：缺少 %(key)s"), key=self._path + key)
        return value

    def get(self, key: str, parse: Callable[[Any], _T]) -> _T | None:
        self._read.add(key)
        value = self._data.get(key)
        if value is None:
            return None
        try:
            return parse(value)
        except (ValueError, TypeError, InvalidOperation) as exc:
            raise BlueprintError(
                N_("蓝图：%(key)s 的值“%(value)s”无效"), key=self._path + key, value=str(value)[:40]
            ) from exc

    def inner(self, key: str) -> _Keys:
        self._read.add(key)
        value = self._data.get(key)
        return _Keys({} if value is None else value, f"{self._path}{key}.")

    def last(self, only: str) -> _Keys:
        """Return self after refusing every key but `only`."""
        self._read.add(only)
        self.close()
        return self

    def rows(self, key: str) -> list[_Keys]:
        values = self.get(key, _list) or []
        return [_Keys(value, f"{self._path}{key}[{index}].") for index, value in enumerate(values)]

    def close(self) -> None:
        for key in self._data:
            if key not in self._read:
                raise self.unknown(key)

    def unknown(self, key: str) -> BlueprintError:
        return BlueprintError(N_("蓝图：不认识的键 %(key)s"), key=self._path + str(key))


def _refuse_repeats(key: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BlueprintError(N_("蓝图：%(key)s 中 %(name)s 重复"), key=key, name=name)
        seen.add(name)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(value)
    return list(value)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(value)
    return value.strip()


def _names(value: Any) -> list[str]:
    return [_name(part) for part in _list(value)]


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError(value)
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(value)
    return number


def _decimal(value: Any) -> Decimal:
    number = _number(value)
    if number < 0:
        raise ValueError(value)
    return number


def _at_most(value: Any, limit: int) -> Decimal:
    number = _decimal(value)
    if number > limit:
        raise ValueError(value)
    return number


def _percent(value: Any) -> Decimal:
    return _at_most(value, 100)


def _share(value: Any) -> Decimal:
    return _at_most(value, 1)


def _whole(value: Any) -> int:
    number = _decimal(value)
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)


def _positive(value: Any) -> int:
    number = _whole(value)
    if number < 1:
        raise ValueError(value)
    return number


def _range(value: Any) -> tuple[int, int]:
    low, high = (value, value) if not isinstance(value, list | tuple) else value
    bounds = _whole(low), _whole(high)
    if bounds[0] > bounds[1]:
        raise ValueError(value)
    return bounds


def _letter(value: Any) -> str:
    if value not in IMPORTANCE_LETTERS:
        raise ValueError(value)
    return str(value)


def _level(value: Any) -> int:
    level = _whole(value)
    if level not in DIFFICULTY_LEVELS:
        raise ValueError(value)
    return level
