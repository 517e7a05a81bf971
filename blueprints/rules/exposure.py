"""Exposure of items: uses added up, and the caps of the rule profile beyond which an item is not drawn for a while."""

from __future__ import annotations

import enum
import re
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

YEAR = timedelta(days=365)
MOST_CANDIDATES = RuleKey(
    "blueprints.exposure_candidates", 0, N_("每题一年内最多作答人次"), N_("超过后组卷不再抽取；0 表示不限"), minimum=0, maximum=10_000_000
)  # fmt: skip
MOST_AT_SITE = RuleKey(
    "blueprints.exposure_site_sessions", 0, N_("每题一年内在同一考点最多使用场次"), N_("超过后组卷不再抽取；0 表示不限"), minimum=0, maximum=10_000
)  # fmt: skip
MOST_IN_REGION = RuleKey(
    "blueprints.exposure_region_sessions", 0, N_("每题一年内在同一地区最多使用场次"), N_("超过后组卷不再抽取；0 表示不限"), minimum=0, maximum=10_000
)  # fmt: skip
CANDIDATES_IN_REGION = RuleKey(
    "blueprints.exposure_region_candidates", 0, N_("每题一年内在同一地区最多作答人次"), N_("超过后组卷不再抽取；0 表示不限"), minimum=0, maximum=10_000_000
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegionsKey(RuleKey):
    """Which region each site lies in; checked when the profile is published."""

    def check(self, candidate: Any) -> str:
        """Return the text as it was written; raises InvalidInputError for what cannot be read."""
        parse_regions(str(candidate))
        return str(candidate)


SITE_REGIONS = RegionsKey(
    "blueprints.exposure_site_regions", "", N_("考点所属地区"),
    N_("写法：考点:地区，用分号隔开；地区写行政区划代码（如 330100）或名称，共用题库的机构写法应当相同；没有写明的考点各按单独的地区计算"),
)  # fmt: skip
declare(MOST_CANDIDATES, MOST_AT_SITE, MOST_IN_REGION, CANDIDATES_IN_REGION, SITE_REGIONS)


def parse_regions(text: str) -> dict[str, str]:
    """Return the region of each site as the rule profile writes them; codes lose the zeros that stand for “all of it”.

    Examples
    --------
    >>> parse_regions("东江考点:330100；西山考点：杭州市")
    {'东江考点': '3301', '西山考点': '杭州市'}
    """
    found = {}
    for piece in text.replace("；", ";").replace("：", ":").split(";"):
        if not piece.strip():
            continue
        site, _, region = (part.strip() for part in piece.rpartition(":"))
        if not site or not region:
            raise InvalidInputError(N_("规则方案中的考点所属地区“%(piece)s”写法有误"), piece=piece.strip())
        found[site] = re.sub(r"(00){1,2}$", "", region) if re.fullmatch(r"\d{6}", region) else region
    return found


@dataclass(frozen=True, slots=True)
class Use:
    """One session at one site in which candidates met a form; `region` is empty where nobody has said it."""

    form_id: uuid.UUID
    session_id: uuid.UUID
    site: str
    day: date
    n_candidates: int
    organisation_id: uuid.UUID | None = None
    region: str = ""

    @property
    def place(self) -> str:
        """The region that the use counts for; a site that lies in none counts as a region of its own."""
        return self.region or self.site


@dataclass(slots=True)
class Exposure:
    """How far an item is known: the forms, sessions and sites it was met in, by how many, and when."""

    n_candidates: int = 0
    last: date | None = None
    first: date | None = None
    forms: set[uuid.UUID] = field(default_factory=set)
    sessions: set[uuid.UUID] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)
    organisations: set[uuid.UUID | None] = field(default_factory=set)

    def add(self, use: Use) -> None:
        """Count one more use."""
        self.n_candidates += use.n_candidates
        self.forms.add(use.form_id)
        self.sessions.add(use.session_id)
        self.sites.add(use.site)
        self.regions.add(use.place)
        self.organisations.add(use.organisation_id)
        self.last = max(self.last or use.day, use.day)
        self.first = min(self.first or use.day, use.day)


@dataclass(frozen=True, slots=True)
class Caps:
    """What the rule profile allows of one item within a year; 0 leaves it open."""

    candidates: int = 0
    at_site: int = 0
    in_region: int = 0
    candidates_in_region: int = 0

    @property
    def are_open(self) -> bool:
        """Say whether nothing is capped."""
        return not (self.candidates or self.at_site or self.in_region or self.candidates_in_region)

    @property
    def are_regional(self) -> bool:
        """Say whether a cap counts by region."""
        return bool(self.in_region or self.candidates_in_region)

    @property
    def are_of_places(self) -> bool:
        """Say whether a cap counts by site or region."""
        return bool(self.at_site or self.are_regional)


class Cap(enum.StrEnum):
    """What keeps an item out of draws for a while."""

    CANDIDATES = "candidates"
    SITE = "site"
    REGION = "region"
    REGION_CANDIDATES = "region_candidates"
    REST = "rest"


CAP_LABELS = {
    Cap.CANDIDATES: N_("一年内作答人次达到上限"),
    Cap.SITE: N_("在同一考点的使用场次达到上限"),
    Cap.REGION: N_("在同一地区的使用场次达到上限"),
    Cap.REGION_CANDIDATES: N_("在同一地区的作答人次达到上限"),
    Cap.REST: N_("共享方规定的冷却期未满"),
}


@dataclass(frozen=True, slots=True, order=True)
class Reached:
    """A cap that an item reached, at which place, and how far it is used there."""

    cap: Cap
    place: str = ""
    n: int = 0


def exposures(uses: Iterable[Use], holding: Mapping[uuid.UUID, Sequence[uuid.UUID]]) -> dict[uuid.UUID, Exposure]:
    """Return the exposure of every item, from the uses of forms and the items that each form holds.

    Examples
    --------
    >>> form, item = uuid.UUID(int=1), uuid.UUID(int=2)
    >>> use = Use(form, uuid.UUID(int=3), "甲", date(2026, 1, 2), 30)
    >>> found = exposures([use, use], {form: [item]})[item]
    >>> found.n_candidates, len(found.sessions), found.last
    (60, 1, datetime.date(2026, 1, 2))
    """
    found: dict[uuid.UUID, Exposure] = {}
    for use in uses:
        for item_id in holding.get(use.form_id, ()):
            found.setdefault(item_id, Exposure()).add(use)
    return found


def over_caps(
    uses: Iterable[Use], holding: Mapping[uuid.UUID, Sequence[uuid.UUID]], caps: Caps, today: date
) -> set[uuid.UUID]:
    """Return the items that reached a cap within the last year; a use at a cap leaves no room for another one."""
    return set(reached_caps(uses, holding, caps, today))


def reached_caps(
    uses: Iterable[Use],
    holding: Mapping[uuid.UUID, Sequence[uuid.UUID]],
    caps: Caps,
    today: date,
    places: Collection[str] | None = None,
) -> dict[uuid.UUID, list[Reached]]:
    """Return, for the items that `over_caps` names, which caps they reached and where.

    With `places`, caps of a region count in these alone, and caps of a site at the sites that lie in them.

    Examples
    --------
    >>> form, item = uuid.UUID(int=1), uuid.UUID(int=2)
    >>> used = [Use(form, uuid.UUID(int=3), "甲", date(2026, 1, 2), 30, region="3301")]
    >>> caps = Caps(in_region=1)
    >>> [len(reached_caps(used, {form: [item]}, caps, date(2026, 2, 1), places)) for places in (None, {"3301"}, {"3302"})]
    [1, 1, 0]
    """
    tally = _Tally(places)
    for use in uses:
        if use.day > today - YEAR:
            for item_id in holding.get(use.form_id, ()):
                tally.add(item_id, use)
    found: dict[uuid.UUID, list[Reached]] = {}
    for cap, allowed, counts in (
        (Cap.CANDIDATES, caps.candidates, tally.candidates),
        (Cap.SITE, caps.at_site, {key: len(one) for key, one in tally.at_site.items()}),
        (Cap.REGION, caps.in_region, {key: len(one) for key, one in tally.in_region.items()}),
        (Cap.REGION_CANDIDATES, caps.candidates_in_region, tally.candidates_in_region),
    ):
        for (item_id, place), n in counts.items() if allowed else ():
            if n >= allowed:
                found.setdefault(item_id, []).append(Reached(cap, place, n))
    return found


Key = tuple[uuid.UUID, str]


@dataclass(slots=True)
class _Tally:
    """Uses within a year by item and place; of places that do not matter the candidates alone."""

    places: Collection[str] | None = None
    candidates: Counter[Key] = field(default_factory=Counter)
    candidates_in_region: Counter[Key] = field(default_factory=Counter)
    at_site: dict[Key, set[uuid.UUID]] = field(default_factory=dict)
    in_region: dict[Key, set[uuid.UUID]] = field(default_factory=dict)

    def add(self, item_id: uuid.UUID, use: Use) -> None:
        self.candidates[item_id, ""] += use.n_candidates
        if self.places is not None and use.place not in self.places:
            return
        self.candidates_in_region[item_id, use.place] += use.n_candidates
        self.at_site.setdefault((item_id, use.site), set()).add(use.session_id)
        self.in_region.setdefault((item_id, use.place), set()).add(use.session_id)
