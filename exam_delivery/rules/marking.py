"""Which marks of an answer count: one, two within a tolerance, or the decision of a third person. In Decimal."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from item_templates.rounding import round_score
from kernel.errors import InvalidInputError
from kernel.i18n import N_

HALF = Decimal("0.5")


class MarkingMethod(enum.StrEnum):
    """How many people mark each answer without knowing of each other."""

    SINGLE = "single"
    DOUBLE = "double"


class FinalRule(enum.StrEnum):
    """What two marks within the tolerance give."""

    MEAN = "mean"
    HIGHER = "higher"


class DisputeRule(enum.StrEnum):
    """What the mark of the third person does when two marks are too far apart."""

    THIRD = "third"
    CLOSEST = "closest"


class FlagKind(enum.StrEnum):
    """Why a marker hands an answer to the leader."""

    UNREADABLE = "unreadable"
    RUBRIC = "rubric"
    SUSPICIOUS = "suspicious"
    OTHER = "other"


class StandardKind(enum.StrEnum):
    """What an answer with an agreed mark is for."""

    TRAINING = "training"
    CHECK = "check"


class MarkState(enum.StrEnum):
    """Whether an answer has its mark."""

    WAITING = "waiting"
    DISPUTED = "disputed"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class MarkRule:
    """How the marks of one item are put together; `tolerance` in points."""

    method: MarkingMethod = MarkingMethod.SINGLE
    tolerance: Decimal = Decimal(0)
    final_rule: FinalRule = FinalRule.MEAN
    dispute_rule: DisputeRule = DisputeRule.THIRD

    @property
    def n_needed(self) -> int:
        """How many independent marks an answer needs."""
        return 2 if self.method is MarkingMethod.DOUBLE else 1


@dataclass(frozen=True, slots=True)
class GivenMark:
    """One mark of an answer; `number` orders the marks of all its markers."""

    number: int
    marker: uuid.UUID | None
    score: Decimal
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the marks of an answer come to, and which of them count."""

    state: MarkState
    score: Decimal | None = None
    counting: tuple[int, ...] = ()


def independent(marks: Sequence[GivenMark]) -> tuple[GivenMark, ...]:
    """Return the newest independent mark of each marker, in the order in which they first marked."""
    newest: dict[uuid.UUID | None, GivenMark] = {}
    for mark in sorted(marks, key=lambda one: one.number):
        if not mark.is_final:
            newest[mark.marker] = mark
    return tuple(newest.values())


def resolve(marks: Sequence[GivenMark], rule: MarkRule) -> Resolution:
    """Return which marks count and what they give.

    Examples
    --------
    >>> one, two = uuid.UUID(int=1), uuid.UUID(int=2)
    >>> marks = [GivenMark(1, one, Decimal(4)), GivenMark(2, two, Decimal(5))]
    >>> double = MarkRule(MarkingMethod.DOUBLE, Decimal(1))
    >>> resolve(marks[:1], double).state.value, resolve(marks, double).score, resolve(marks, MarkRule()).counting
    ('waiting', Decimal('4.5'), (2,))
    """
    finals = [mark for mark in marks if mark.is_final]
    pair = independent(marks)
    if finals:
        return _decided(finals, pair, rule)
    if len(pair) < rule.n_needed:
        return Resolution(MarkState.WAITING)
    if rule.method is MarkingMethod.SINGLE:
        newest = max(pair, key=lambda one: one.number)
        return Resolution(MarkState.SETTLED, newest.score, (newest.number,))
    return _settle_pair(pair[0], pair[1], rule)


def _settle_pair(first: GivenMark, second: GivenMark, rule: MarkRule) -> Resolution:
    if abs(first.score - second.score) > rule.tolerance:
        return Resolution(MarkState.DISPUTED)
    if rule.final_rule is FinalRule.HIGHER:
        higher = first if first.score >= second.score else second
        return Resolution(MarkState.SETTLED, higher.score, (higher.number,))
    return _mean(first, second)


def _mean(first: GivenMark, second: GivenMark) -> Resolution:
    score = round_score((first.score + second.score) / 2)
    return Resolution(MarkState.SETTLED, score, tuple(sorted((first.number, second.number))))


def _decided(finals: Sequence[GivenMark], pair: Sequence[GivenMark], rule: MarkRule) -> Resolution:
    """Return what a decision gives; only the first person to decide a dispute is weighed against the two, if so ruled.

    Whoever decides later, as in a score check, stands above all marks before.
    """
    final = max(finals, key=lambda one: one.number)
    is_first = len({one.marker for one in finals}) == 1
    is_weighed = rule.dispute_rule is DisputeRule.CLOSEST and is_first and len(pair) == 2
    if is_weighed and _settle_pair(pair[0], pair[1], rule).state is MarkState.DISPUTED:
        nearest = min(pair, key=lambda one: (abs(one.score - final.score), -one.score))
        return _mean(nearest, final)
    return Resolution(MarkState.SETTLED, final.score, (final.number,))


def parse_mark(text: str, max_score: Decimal, step: Decimal = HALF) -> Decimal:
    """Return a typed mark; raises InvalidInputError outside 0 to the slot's marks or finer than the step.

    The full mark is always allowed, whatever the step.
    """
    try:
        score = Decimal(text.strip())
    except InvalidOperation:
        score = Decimal(-1)
    if not _is_on_scale(score, max_score, step):
        message = N_("请填写 0 至满分之间的分数，不能比评分的最小单位更细")
        raise InvalidInputError(message, fields={"score": [message]})
    return score


def _is_on_scale(score: Decimal, max_score: Decimal, step: Decimal) -> bool:
    return score.is_finite() and 0 <= score <= max_score and (score % step == 0 or score == max_score)


def criteria_scores(rubric: Sequence[Mapping[str, Any]], max_score: Decimal) -> tuple[Decimal, ...]:
    """Return the marks of each scoring point, or nothing where they do not add up to the marks of the slot.

    Examples
    --------
    >>> criteria_scores([{"text": "甲", "score": "2"}, {"text": "乙", "score": "3"}], Decimal(5))
    (Decimal('2'), Decimal('3'))
    >>> criteria_scores([{"text": "甲", "score": "2"}], Decimal(5))
    ()
    """
    try:
        scores = tuple(Decimal(str(point.get("score", ""))) for point in rubric)
    except InvalidOperation:
        return ()
    return scores if scores and sum(scores) == max_score else ()


def parse_criteria(texts: Sequence[str], scores: Sequence[Decimal], step: Decimal = HALF) -> tuple[Decimal, ...]:
    """Return the marks typed for each scoring point, nothing where none was typed; raises InvalidInputError."""
    typed = [text.strip() for text in texts]
    if not scores or not any(typed):
        return ()
    found, wrong = [], {}
    for place, limit in enumerate(scores):
        try:
            found.append(parse_mark(typed[place] if place < len(typed) else "", limit, step))
        except InvalidInputError:
            wrong[f"criterion-{place + 1}"] = [N_("请填写 0 至该点满分之间的分数")]
    if wrong:
        raise InvalidInputError(N_("每个评分点都要给分，且不能超过该点的满分"), fields=wrong)
    return tuple(found)
