"""Agreements by which organisations share a bank: states, dates, and the lead that answers in one of them drift away."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from kernel.i18n import N_

LEAST_OF_EACH = 30
"""Answers that each side needs before their shares of correct answers are compared."""
DRIFT_Z = 3.0
"""Standard errors beyond which a difference deserves a look."""
LEAST_DIFFERENCE = 0.1


class ShareState(enum.StrEnum):
    """How far an agreement is."""

    OFFERED = "offered"
    ACTIVE = "active"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


LIVE = frozenset({ShareState.OFFERED, ShareState.ACTIVE})
STATE_LABELS: dict[ShareState, str] = {
    ShareState.OFFERED: N_("待对方确认"),
    ShareState.ACTIVE: N_("已生效"),
    ShareState.DECLINED: N_("对方未接受"),
    ShareState.WITHDRAWN: N_("已撤回"),
    ShareState.ENDED: N_("已终止"),
}
STATE_KINDS: dict[ShareState, str] = {
    ShareState.OFFERED: "warning",
    ShareState.ACTIVE: "success",
    ShareState.DECLINED: "neutral",
    ShareState.WITHDRAWN: "neutral",
    ShareState.ENDED: "neutral",
}


def is_in_force(state: ShareState, starts_on: date, ends_on: date, today: date) -> bool:
    """Say whether forms may take items under an agreement today.

    Examples
    --------
    >>> is_in_force(ShareState.ACTIVE, date(2026, 1, 1), date(2026, 1, 31), date(2026, 1, 31))
    True
    >>> is_in_force(ShareState.ACTIVE, date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 1))
    False
    """
    return state is ShareState.ACTIVE and starts_on <= today <= ends_on


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to one version: how many, and the share that was correct."""

    n: int
    proportion: float


@dataclass(frozen=True, slots=True)
class Drift:
    """How one organisation's candidates did at a version beside all others."""

    here: Answers
    elsewhere: Answers
    z: float

    @property
    def difference(self) -> float:
        """The share of correct answers here less that elsewhere."""
        return self.here.proportion - self.elsewhere.proportion

    @property
    def is_lead(self) -> bool:
        """Say whether the difference deserves a look: larger than chance and large enough to matter."""
        return abs(self.z) >= DRIFT_Z and abs(self.difference) >= LEAST_DIFFERENCE


def pooled(answers: Iterable[Answers]) -> Answers:
    """Return several rows of answers as one.

    Examples
    --------
    >>> pooled([Answers(30, 0.5), Answers(10, 0.9)])
    Answers(n=40, proportion=0.6)
    """
    rows = list(answers)
    n = sum(row.n for row in rows)
    return Answers(n, sum(row.n * row.proportion for row in rows) / n if n else 0.0)


def drift(here: Answers, elsewhere: Answers) -> Drift | None:
    """Return the difference of two shares in standard errors of the pooled share; None below the least answers.

    Examples
    --------
    >>> found = drift(Answers(100, 0.9), Answers(100, 0.6))
    >>> round(found.z, 2), found.is_lead
    (4.9, True)
    >>> drift(Answers(29, 0.9), Answers(100, 0.6)) is None
    True
    """
    if min(here.n, elsewhere.n) < LEAST_OF_EACH:
        return None
    share = pooled([here, elsewhere]).proportion
    error = math.sqrt(share * (1 - share) * (1 / here.n + 1 / elsewhere.n))
    return Drift(here, elsewhere, (here.proportion - elsewhere.proportion) / error if error else 0.0)
