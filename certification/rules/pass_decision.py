"""Decide whether a candidate has passed, from the results of the components and the rule profile."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from kernel.errors import InvalidInputError
from kernel.i18n import N_


class AssessmentMode(enum.StrEnum):
    """The components of an evaluation (鉴定方式)."""

    THEORY = "theory"
    SKILLS = "skills"
    COMPREHENSIVE_REVIEW = "comprehensive_review"
    WORK_PERFORMANCE = "work_performance"
    PROCESS = "process"
    DIRECT_RECOGNITION = "direct_recognition"
    COMPETITION = "competition"


class ResultState(enum.StrEnum):
    """What is known of one component of one candidate; recognised is passed without a score."""

    SCORED = "scored"
    RECOGNISED = "recognised"
    ABSENT = "absent"
    VOID = "void"
    PENDING = "pending"


class PassOutcome(enum.StrEnum):
    """The decision about a candidate; every registered candidate has exactly one."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"
    VOID = "void"
    PENDING = "pending"


MODE_LABELS: Mapping[AssessmentMode, str] = {
    AssessmentMode.THEORY: N_("理论知识"),
    AssessmentMode.SKILLS: N_("操作技能"),
    AssessmentMode.COMPREHENSIVE_REVIEW: N_("综合评审"),
    AssessmentMode.WORK_PERFORMANCE: N_("业绩评价"),
    AssessmentMode.PROCESS: N_("过程化考核"),
    AssessmentMode.DIRECT_RECOGNITION: N_("直接认定"),
    AssessmentMode.COMPETITION: N_("竞赛成绩"),
}
OUTCOME_LABELS: Mapping[PassOutcome, str] = {
    PassOutcome.PASSED: N_("合格"),
    PassOutcome.FAILED: N_("不合格"),
    PassOutcome.ABSENT: N_("缺考"),
    PassOutcome.VOID: N_("成绩无效"),
    PassOutcome.PENDING: N_("待定"),
}


@dataclass(frozen=True, slots=True)
class ComponentRule:
    """What one component must reach, out of how much."""

    mode: AssessmentMode
    pass_mark: Decimal
    max_score: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True)
class PassRule:
    """The components a level requires, and the unit scores are rounded to (half up) before they are compared.

    A recognised component of `routes` passes alone, in place of all that is required.
    """

    components: tuple[ComponentRule, ...]
    rounding_unit: Decimal | None = None
    routes: frozenset[AssessmentMode] = frozenset()


@dataclass(frozen=True, slots=True)
class ComponentResult:
    """One component of one candidate: `score` stands exactly when it is scored."""

    mode: AssessmentMode
    state: ResultState
    score: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DecisionReason:
    """One sentence of the decision; `message` holds placeholders that `values` fills."""

    mode: AssessmentMode
    code: str
    message: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        return self.message % self.values


@dataclass(frozen=True, slots=True)
class PassDecision:
    """The outcome with one reason for every required component."""

    outcome: PassOutcome
    reasons: tuple[DecisionReason, ...]


def pass_rule_from_profile(profile: Mapping[str, Any]) -> PassRule:
    """Read a rule profile such as ``{"components": [{"mode": "theory", "pass_mark": "60"}], "rounding_unit": "0.1"}``.

    Raises
    ------
    InvalidInputError
        If no component is named, one is named twice, or a mark is not a number between 0 and the full score.
    """
    rules = tuple(_component_rule(entry) for entry in profile.get("components", ()))
    if not rules:
        raise InvalidInputError(N_("规则方案没有规定考核项目，请至少设置一项"))
    if len({rule.mode for rule in rules}) < len(rules):
        raise InvalidInputError(N_("规则方案中同一考核项目出现了两次，请删去一项"))
    unit = profile.get("rounding_unit")
    routes = frozenset(AssessmentMode(mode) for mode in profile.get("routes", ()))
    return PassRule(rules, None if unit is None else _positive(unit), routes)


def _component_rule(entry: Mapping[str, Any]) -> ComponentRule:
    try:
        mode = AssessmentMode(entry.get("mode", ""))
    except ValueError as error:
        raise InvalidInputError(N_("规则方案中的考核项目“%(mode)s”不存在"), mode=entry.get("mode", "")) from error
    pass_mark, max_score = _positive(entry.get("pass_mark")), _positive(entry.get("max_score", "100"))
    if pass_mark > max_score:
        raise InvalidInputError(N_("规则方案中的合格分 %(mark)s 高于满分 %(max)s"), mark=pass_mark, max=max_score)
    return ComponentRule(mode, pass_mark, max_score)


def _positive(value: Any) -> Decimal:
    """Return a number of the profile; a binary float is refused because 59.95 would not be 59.95."""
    try:
        number = Decimal(value) if isinstance(value, str | int | Decimal) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number <= 0:
        raise InvalidInputError(N_("规则方案中的分值“%(value)s”应为大于 0 的数，请以文本或整数填写"), value=value)
    return number


def rounded_score(score: Decimal, unit: Decimal | None) -> Decimal:
    """Round half up to a multiple of the unit, the one rounding rule of decisions."""
    if unit is None:
        return score
    return (score / unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * unit


def decide(rule: PassRule, results: Iterable[ComponentResult]) -> PassDecision:
    """Decide one candidate.

    A void component voids all; a recognised route passes alone; nothing is decided while a required component is pending
    or missing; absent from every component is absent; otherwise each component must reach its mark or be recognised, and
    an absence counts as not reached.

    Raises
    ------
    InvalidInputError
        If a component comes twice, or a score is missing or outside 0 to the full score.
    """
    by_mode: dict[AssessmentMode, ComponentResult] = {}
    for result in results:
        if result.mode in by_mode:
            raise InvalidInputError(N_("同一考核项目有两个成绩，请先确定采用哪一个"))
        by_mode[result.mode] = result
    reasons = tuple(
        _reason(part, by_mode.get(part.mode, ComponentResult(part.mode, ResultState.PENDING)), rule.rounding_unit)
        for part in rule.components
    )
    outcome = _outcome({reason.code for reason in reasons})
    route = next((by_mode[mode] for mode in sorted(rule.routes) if _is_recognised(by_mode.get(mode))), None)
    if route is None or outcome is PassOutcome.VOID:
        return PassDecision(outcome, reasons)
    values = {"mode": MODE_LABELS[route.mode]}
    return PassDecision(PassOutcome.PASSED, (DecisionReason(route.mode, "recognised", RECOGNISED_MESSAGE, values),))


def _is_recognised(result: ComponentResult | None) -> bool:
    return result is not None and result.state is ResultState.RECOGNISED


def _outcome(codes: set[str]) -> PassOutcome:
    if "void" in codes:
        return PassOutcome.VOID
    if "pending" in codes:
        return PassOutcome.PENDING
    if codes == {"absent"}:
        return PassOutcome.ABSENT
    return PassOutcome.PASSED if codes <= {"reached", "recognised"} else PassOutcome.FAILED


RECOGNISED_MESSAGE = N_("%(mode)s：经核准认可")
_STATE_MESSAGES: Mapping[ResultState, str] = {
    ResultState.RECOGNISED: RECOGNISED_MESSAGE,
    ResultState.VOID: N_("%(mode)s：成绩无效"),
    ResultState.PENDING: N_("%(mode)s：成绩待定"),
    ResultState.ABSENT: N_("%(mode)s：缺考"),
}


def _reason(rule: ComponentRule, result: ComponentResult, unit: Decimal | None) -> DecisionReason:
    values = {"mode": MODE_LABELS[rule.mode], "mark": plain_number(rule.pass_mark)}
    if result.state is not ResultState.SCORED:
        return DecisionReason(rule.mode, result.state.value, _STATE_MESSAGES[result.state], values)
    score = rounded_score(_checked_score(rule, result.score), unit)
    values["score"] = plain_number(score)
    if score >= rule.pass_mark:
        return DecisionReason(rule.mode, "reached", N_("%(mode)s：%(score)s 分，达到合格分 %(mark)s"), values)
    return DecisionReason(rule.mode, "not_reached", N_("%(mode)s：%(score)s 分，低于合格分 %(mark)s"), values)


def plain_number(number: Decimal) -> str:
    """Return a number without exponent and without zeros at the end.

    >>> plain_number(Decimal("75.000")), plain_number(Decimal("100"))
    ('75', '100')
    """
    return f"{number.normalize():f}"


def _checked_score(rule: ComponentRule, score: Decimal | None) -> Decimal:
    if score is None or not score.is_finite() or not 0 <= score <= rule.max_score:
        raise InvalidInputError(
            N_("%(mode)s成绩“%(score)s”应在 0 与 %(max)s 之间，请核对"),
            mode=MODE_LABELS[rule.mode],
            score="" if score is None else score,
            max=rule.max_score,
        )
    return score
