"""Scores typed twice by two people from the same sheet: what counts at once, and what a third person must settle. Pure.

Source: DOMAIN 4.2 and 4.6 (score sheets signed by the assessors are kept in the batch's third and fourth volume; examiners work
in groups with a head). Whether a house types twice is a value of its rule profile.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from certification.rules.pass_decision import ResultState
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

DOUBLE_ENTRY = "certification.double_entry"
N_TYPISTS = 2

declare(RuleKey(DOUBLE_ENTRY, default=False, label=N_("技能成绩由两人分别录入，一致才采用")))


class EntryState(enum.StrEnum):
    """How far one score is."""

    WAITING = "waiting"
    AGREED = "agreed"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class TypedScore:
    """What one person typed for one component of one candidate."""

    user_id: uuid.UUID | None
    state: ResultState
    score: Decimal | None


def compare(typed: Sequence[TypedScore]) -> EntryState:
    """Return whether what two people typed is the same; more than two never type the same score.

    Examples
    --------
    >>> one, two = uuid.uuid4(), uuid.uuid4()
    >>> first = TypedScore(one, ResultState.SCORED, Decimal("75"))
    >>> compare([first]).value, compare([first, TypedScore(two, ResultState.SCORED, Decimal("75.0"))]).value
    ('waiting', 'agreed')
    >>> compare([first, TypedScore(two, ResultState.ABSENT, None)]).value
    'different'
    """
    if len({one.user_id for one in typed}) < N_TYPISTS:
        return EntryState.WAITING
    values = {(one.state, one.score) for one in typed}
    return EntryState.AGREED if len(values) == 1 else EntryState.DIFFERENT
