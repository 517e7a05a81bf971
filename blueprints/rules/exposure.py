"""Exposure of items: uses added up, and the caps of the rule profile beyond which an item is not drawn for a while."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

YEAR = timedelta(days=365)
MOST_CANDIDATES = RuleKey(
    "blueprints.exposure_candidates", 0, N_("每题一年内最多作答人次"), N_("超过后组卷不再抽取；0 表示不限"), minimum=0, maximum=10_000_000
)  # fmt: skip
MOST_AT_SITE = RuleKey(
    "blueprints.exposure_site_sessions", 0, N_("每题一年内在同一考点最多使用场次"), N_("超过后组卷不再抽取；0 表示不限"), minimum=0, maximum=10_000
)  # fmt: skip
declare(MOST_CANDIDATES, MOST_AT_SITE)


@dataclass(frozen=True, slots=True)
class Use:
    """One session at one site in which candidates met a form."""

    form_id: uuid.UUID
    session_id: uuid.UUID
    site: str
    day: date
    n_candidates: int
    organisation_id: uuid.UUID | None = None


@dataclass(slots=True)
class Exposure:
    """How far an item is known: the forms, sessions and sites it was met in, by how many, and when."""

    n_candidates: int = 0
    last: date | None = None
    first: date | None = None
    forms: set[uuid.UUID] = field(default_factory=set)
    sessions: set[uuid.UUID] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    organisations: set[uuid.UUID | None] = field(default_factory=set)

    def add(self, use: Use) -> None:
        """Count one more use."""
        self.n_candidates += use.n_candidates
        self.forms.add(use.form_id)
        self.sessions.add(use.session_id)
        self.sites.add(use.site)
        self.organisations.add(use.organisation_id)
        self.last = max(self.last or use.day, use.day)
        self.first = min(self.first or use.day, use.day)


@dataclass(frozen=True, slots=True)
class Caps:
    """What the rule profile allows of one item within a year; 0 leaves it open."""

    candidates: int = 0
    at_site: int = 0

    @property
    def are_open(self) -> bool:
        """Say whether nothing is capped."""
        return not (self.candidates or self.at_site)


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
    candidates: Counter[uuid.UUID] = Counter()
    at_site: dict[tuple[uuid.UUID, str], set[uuid.UUID]] = {}
    for use in uses:
        if use.day <= today - YEAR:
            continue
        for item_id in holding.get(use.form_id, ()):
            candidates[item_id] += use.n_candidates
            at_site.setdefault((item_id, use.site), set()).add(use.session_id)
    found = {item_id for item_id, n in candidates.items() if caps.candidates and n >= caps.candidates}
    return found | {key[0] for key, sessions in at_site.items() if caps.at_site and len(sessions) >= caps.at_site}
