"""Parts that were passed in an earlier batch and still count: until when, how often, and what a decision composes. Pure.

Sources: DOMAIN 4.1 ("single-part pass kept: one year, one retake") and DOMAIN 7 (12 months, 1 retake; provinces differ), so
both numbers are values of the rule profile. A part of a batch whose whole result was cancelled for misconduct counts for
nothing (DOMAIN 5); an excused absence uses up no retake.
"""

from __future__ import annotations

import calendar
import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from certification.rules.pass_decision import AssessmentMode, ComponentResult, PassRule, ResultState, rounded_score
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

PART_MONTHS = "certification.part_valid_months"
PART_RETAKES = "certification.part_retakes"
CARRIED_REASON = N_("%(mode)s：沿用批次 %(batch)s 的成绩，%(date)s 取得，有效至 %(until)s")
_MONTHS = 12

declare(
    RuleKey(PART_MONTHS, 12, N_("单科合格成绩保留的月数"), "12–24", minimum=0, maximum=120),
    RuleKey(PART_RETAKES, 1, N_("保留期内可补考的次数"), "1–4", minimum=0, maximum=99),
)


@dataclass(frozen=True, slots=True)
class EarlierPart:
    """A component's score in an earlier batch of the same occupation and level."""

    source_id: uuid.UUID
    mode: AssessmentMode
    state: ResultState
    score: Decimal | None
    taken_on: dt.date
    batch_code: str
    n_retakes: int = 0
    """How many batches after that one the candidate has sat already without an excuse, this one not counted."""


@dataclass(frozen=True, slots=True)
class ValidPart:
    """An earlier part that counts now."""

    part: EarlierPart
    valid_until: dt.date


def valid_until(taken_on: dt.date, n_months: int) -> dt.date:
    """Return the last day on which a part counts: the same day so many months later, or the last of a shorter month.

    Examples
    --------
    >>> valid_until(dt.date(2026, 3, 31), 12), valid_until(dt.date(2024, 2, 29), 12), valid_until(dt.date(2026, 8, 31), 6)
    (datetime.date(2027, 3, 31), datetime.date(2025, 2, 28), datetime.date(2027, 2, 28))
    """
    years, month = divmod(taken_on.month - 1 + n_months, _MONTHS)
    year, month = taken_on.year + years, month + 1
    return dt.date(year, month, min(taken_on.day, calendar.monthrange(year, month)[1]))


def valid_parts(
    rule: PassRule, parts: Iterable[EarlierPart], on: dt.date, values: Mapping[str, object]
) -> dict[AssessmentMode, ValidPart]:
    """Return the newest valid part of each component that the rule asks for.

    A part counts when it was scored, reached the pass mark that holds now, is not older than the profile says on the day
    of the present examination, and the present examination is not one retake too many.

    Examples
    --------
    >>> from certification.rules.pass_decision import ComponentRule
    >>> rule = PassRule((ComponentRule(AssessmentMode.SKILLS, Decimal(60)),))
    >>> part = EarlierPart(uuid.uuid4(), AssessmentMode.SKILLS, ResultState.SCORED, Decimal(75), dt.date(2026, 3, 2), "B1")
    >>> values = {PART_MONTHS: 12, PART_RETAKES: 1}
    >>> [len(valid_parts(rule, [part], day, values)) for day in (dt.date(2027, 3, 2), dt.date(2027, 3, 3))]
    [1, 0]
    """
    marks = {part.mode: part.pass_mark for part in rule.components}
    months, retakes = int(str(values[PART_MONTHS])), int(str(values[PART_RETAKES]))
    found: dict[AssessmentMode, ValidPart] = {}
    for part in sorted(parts, key=lambda one: one.taken_on):
        if part.mode not in marks or part.state is not ResultState.SCORED or part.score is None:
            continue
        is_reached = rounded_score(part.score, rule.rounding_unit) >= marks[part.mode]
        end = valid_until(part.taken_on, months)
        if is_reached and part.taken_on <= on <= end and part.n_retakes < retakes:
            found[part.mode] = ValidPart(part, end)
    return found


def composed(
    own: Mapping[AssessmentMode, ComponentResult], carried: Sequence[ComponentResult]
) -> dict[AssessmentMode, ComponentResult]:
    """Return what a decision rests on: what was sat this time, else what is carried from an earlier batch.

    Examples
    --------
    >>> theory = ComponentResult(AssessmentMode.THEORY, ResultState.SCORED, Decimal(80))
    >>> pending = ComponentResult(AssessmentMode.SKILLS, ResultState.PENDING)
    >>> skills = ComponentResult(AssessmentMode.SKILLS, ResultState.SCORED, Decimal(70))
    >>> own = {AssessmentMode.THEORY: theory, AssessmentMode.SKILLS: pending}
    >>> [str(one.score) for one in composed(own, [skills]).values()]
    ['80', '70']
    """
    sat = {mode: result for mode, result in own.items() if result.state is not ResultState.PENDING}
    return {**own, **{one.mode: one for one in carried if one.mode not in sat}}
