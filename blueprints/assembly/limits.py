"""Rules of a blueprint beyond counts and shares: earlier forms, coverage, blocks, keys, time, sections, rest periods."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from blueprints.assembly.keys import (
    Keys,
    as_band,
    as_date,
    as_decimal,
    as_flag,
    as_letters,
    as_list,
    as_name,
    as_names,
    as_positive,
    as_range,
    as_share,
    as_whole,
    one_or_more,
    refuse_repeats,
)
from blueprints.assembly.pool import PoolItem, in_scope
from kernel.i18n import N_


@dataclass(frozen=True, slots=True)
class MeanRule:
    """A mean over the items of a form, within `tolerance` of `target`."""

    target: Decimal
    tolerance: Decimal


@dataclass(frozen=True, slots=True)
class EarlierRule:
    """A form shares at most so many items with each of the last forms (`together`: with all of them together).

    `forms` holds the earlier forms, the latest first, where the blueprint brings them itself; an item's own
    `earlier_forms` counts as well.
    """

    last: int
    max_count: int | None
    max_share: Decimal | None
    together: bool = False
    forms: tuple[frozenset[str], ...] = ()

    def limit(self, n_items: int) -> int:
        """Return the most items that may be shared."""
        by_share = n_items if self.max_share is None else math.floor(self.max_share * n_items)
        return by_share if self.max_count is None else min(by_share, self.max_count)


@dataclass(frozen=True, slots=True)
class CoverageRule:
    """Every point of an importance (and scope) is examined at least once in so many forms together.

    `points` are all points that there are; None takes those of the pool.
    """

    importance: str | None
    scope: str | None
    forms: int
    points: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """What names the rule: scope and importance."""
        return "/".join(part for part in (self.scope, self.importance) if part) or "*"

    def concerns(self, point: str, importance: str) -> bool:
        """Say whether a point with this importance is to be covered."""
        if self.points is not None and point not in self.points:
            return False
        return (self.scope is None or in_scope(point, self.scope)) and self.importance in (None, importance)


@dataclass(frozen=True, slots=True)
class PretestRule:
    """So many items on trial, on top of the form's own items and without marks; `types` may say how many of each."""

    n_items: int
    types: tuple[tuple[str, int], ...] = ()
    max_per_point: int | None = None


@dataclass(frozen=True, slots=True)
class AnchorRule:
    """Items that stand in every form; with `scored` they are part of the form's own items, else they come on top."""

    items: tuple[str, ...]
    scored: bool = True


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Bounds on the share of each key among the items of a type."""

    type: str
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class BandRule:
    """Bounds on a sum over the items of a form, in the pool's unit."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class PBandRule:
    """Bounds on how many items have a proportion correct from `start` up to, but not at, `end` (at 1: up to and at)."""

    start: Decimal
    end: Decimal
    low: int
    high: int

    @property
    def name(self) -> str:
        """What names the rule."""
        return f"{self.start}-{self.end}"

    def holds(self, p_value: float | None) -> bool:
        """Say whether a proportion lies in the band."""
        if p_value is None:
            return False
        value = Decimal(str(p_value))
        return self.start <= value and (value < self.end or self.end == value == 1)


@dataclass(frozen=True, slots=True)
class SectionRule:
    """Rules on the part of a form that scopes and types mark off; None leaves a rule out."""

    name: str
    scopes: tuple[str, ...]
    types: tuple[str, ...]
    count: tuple[int, int] | None
    score: tuple[Decimal, Decimal] | None
    difficulty: MeanRule | None
    p_value: MeanRule | None
    seconds: BandRule | None

    def holds(self, item: PoolItem) -> bool:
        """Say whether an item belongs to the section."""
        in_types = not self.types or item.type in self.types
        return in_types and (not self.scopes or any(in_scope(item.point, scope) for scope in self.scopes))


@dataclass(frozen=True, slots=True)
class CoolDownRule:
    """Items used less than so many days before `on` rest; without `on` nothing is barred until the day is known."""

    days: int
    on: date | None

    def bars(self, last_used: date | None) -> bool:
        """Say whether an item last used on a day still rests."""
        return last_used is not None and self.on is not None and (self.on - last_used).days < self.days


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules that this module reads; each is empty or None where the blueprint says nothing."""

    earlier: EarlierRule | None = None
    coverage: tuple[CoverageRule, ...] = ()
    pretest: PretestRule | None = None
    anchor: AnchorRule | None = None
    keys: tuple[KeyRule, ...] = ()
    seconds: BandRule | None = None
    characters: BandRule | None = None
    sections: tuple[SectionRule, ...] = ()
    include: tuple[str, ...] = ()
    include_sets: tuple[str, ...] = ()
    exclude_sets: frozenset[str] = frozenset()
    cool_down: CoolDownRule | None = None
    p_bands: tuple[PBandRule, ...] = ()
    p_range: tuple[Decimal, Decimal] | None = None
    max_rate: Decimal | None = None

    @property
    def needs_seconds(self) -> bool:
        """Say whether an item without an answering time cannot be judged."""
        return self.seconds is not None or any(section.seconds for section in self.sections)

    @property
    def needs_p_value(self) -> bool:
        """Say whether an item without a proportion correct cannot be judged."""
        return bool(self.p_bands) or self.p_range is not None or any(section.p_value for section in self.sections)


def read_limits(keys: Keys) -> Limits:
    """Return the rules of this module from a blueprint's keys."""
    p_bands, p_range = _p_values(keys.inner("p_value"))
    return Limits(
        earlier=_earlier(keys) if keys.has("earlier") else None,
        coverage=_coverage(keys),
        pretest=_pretest(keys) if keys.has("pretest") else None,
        anchor=_anchor(keys) if keys.has("anchor") else None,
        keys=_key_balance(keys),
        seconds=_minutes(keys.inner("answer_time")),
        characters=_characters(keys.inner("reading")),
        sections=_sections(keys),
        include=tuple(keys.get("include", as_names) or ()),
        include_sets=tuple(keys.get("include_sets", as_names) or ()),
        exclude_sets=frozenset(keys.get("exclude_sets", as_names) or ()),
        cool_down=_cool_down(keys) if keys.has("cool_down") else None,
        p_bands=p_bands,
        p_range=p_range,
        max_rate=keys.inner("exposure").get("max_rate", as_share),
    )


def read_mean(keys: Keys) -> MeanRule | None:
    """Return the mean rule under ``mean``, if there is one."""
    bounds = keys.inner("mean")
    if not bounds.names():
        return None
    return MeanRule(bounds.need("target", as_decimal), bounds.get("tolerance", as_decimal) or Decimal(0))


def _earlier(keys: Keys) -> EarlierRule:
    row = keys.inner("earlier")
    forms = tuple(frozenset(as_names(form)) for form in row.get("forms", _lists) or ())
    rule = EarlierRule(
        last=row.need("last", as_positive),
        max_count=row.get("max_count", as_whole),
        max_share=row.get("max_share", as_share),
        together=row.get("together", as_flag) or False,
        forms=forms,
    )
    if rule.max_count is None and rule.max_share is None:
        raise row.refuse("max_count", N_("蓝图：%(key)s 和 max_share 至少写一个，说明最多重复多少题"))
    return rule


def _lists(value: object) -> list[list[str]]:
    return [as_names(part) for part in as_list(value)]


def _coverage(keys: Keys) -> tuple[CoverageRule, ...]:
    rules = []
    for row in keys.rows("coverage"):
        letters = row.get("importance", as_letters)
        points = row.get("points", as_names)
        scope, forms = row.get("scope", as_name), row.need("forms", as_positive)
        known = None if points is None else frozenset(points)
        rules += [CoverageRule(letter, scope, forms, known) for letter in letters or (None,)]
        if forms != rules[0].forms:
            raise row.refuse("forms", N_("蓝图：%(key)s 应与其他 coverage 的 forms 相同"))
        row.close()
    refuse_repeats("coverage", [rule.name for rule in rules])
    return tuple(rules)


def _pretest(keys: Keys) -> PretestRule:
    row = keys.inner("pretest")
    types = []
    for entry in row.rows("types"):
        types.append((entry.need("type", as_name), entry.need("count", as_whole)))
        entry.close()
    rule = PretestRule(row.need("n_items", as_positive), tuple(types), row.get("max_per_point", as_positive))
    refuse_repeats("pretest.types", [name for name, _ in types])
    if types and sum(count for _, count in types) != rule.n_items:
        raise row.refuse("n_items", N_("蓝图：%(key)s 应等于 pretest.types 各题数之和"))
    return rule


def _anchor(keys: Keys) -> AnchorRule:
    row = keys.inner("anchor")
    scored = row.get("scored", as_flag)
    rule = AnchorRule(tuple(row.need("items", as_names)), True if scored is None else scored)
    refuse_repeats("anchor.items", rule.items)
    return rule


def _key_balance(keys: Keys) -> tuple[KeyRule, ...]:
    rules = []
    for row in keys.rows("key_balance"):
        rule = KeyRule(row.need("type", as_name), row.get("min", as_share), row.get("max", as_share))
        if rule.low is not None and rule.high is not None and rule.low > rule.high:
            raise row.refuse("min", N_("蓝图：%(key)s 不能大于 max"))
        rules.append(rule)
        row.close()
    refuse_repeats("key_balance", [rule.type for rule in rules])
    return tuple(rules)


def _minutes(row: Keys) -> BandRule | None:
    band = row.get("minutes", as_band)
    return None if band is None else BandRule(band[0] * 60, band[1] * 60)


def _characters(row: Keys) -> BandRule | None:
    band = row.get("characters", as_band)
    return None if band is None else BandRule(*band)


def _sections(keys: Keys) -> tuple[SectionRule, ...]:
    sections = tuple(_section(row) for row in keys.rows("sections"))
    refuse_repeats("sections", [section.name for section in sections])
    return sections


def _section(row: Keys) -> SectionRule:
    minutes = row.get("minutes", as_band)
    section = SectionRule(
        name=row.need("name", as_name),
        scopes=row.get("scopes", one_or_more) or (),
        types=row.get("types", one_or_more) or (),
        count=row.get("n_items", as_range),
        score=row.get("score", _band_or_number),
        difficulty=read_mean(row.inner("difficulty")),
        p_value=read_mean(row.inner("p_value")),
        seconds=None if minutes is None else BandRule(minutes[0] * 60, minutes[1] * 60),
    )
    row.close()
    if not section.scopes and not section.types:
        raise row.refuse("scopes", N_("蓝图：%(key)s 和 types 至少写一个，说明这一部分由哪些题组成"))
    return section


def _band_or_number(value: object) -> tuple[Decimal, Decimal]:
    return as_band(value) if isinstance(value, list | tuple) else (as_decimal(value), as_decimal(value))


def _cool_down(keys: Keys) -> CoolDownRule:
    row = keys.inner("cool_down")
    return CoolDownRule(row.need("days", as_positive), row.get("on", as_date))


def _p_values(keys: Keys) -> tuple[tuple[PBandRule, ...], tuple[Decimal, Decimal] | None]:
    bands = []
    for row in keys.rows("counts"):
        band = PBandRule(row.need("from", as_share), row.need("to", as_share), *row.need("count", as_range))
        row.close()
        if band.start >= band.end:
            raise row.refuse("from", N_("蓝图：%(key)s 应小于 to"))
        bands.append(band)
    refuse_repeats("p_value.counts", [band.name for band in bands])
    items = keys.inner("items")
    low, high = items.get("min", as_share), items.get("max", as_share)
    if not items.names():
        return tuple(bands), None
    if (low or Decimal(0)) > (Decimal(1) if high is None else high):
        raise items.refuse("min", N_("蓝图：%(key)s 不能大于 max"))
    return tuple(bands), (low or Decimal(0), Decimal(1) if high is None else high)
