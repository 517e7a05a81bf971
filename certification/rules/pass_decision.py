"""Decide whether a candidate has passed, from the results of the components and the rule profile."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from kernel.errors import InvalidInputError
from kernel.i18n import N_

TOTAL = "total"
"""Stands for the weighted total where a reason names its component."""
TOTAL_LABEL = N_("总分")
HUNDRED = Decimal(100)


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
class TotalRule:
    """Components weighted into a total (weights give 1 together), and what it must reach; None: it is only shown."""

    weights: Mapping[AssessmentMode, Decimal]
    pass_mark: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PassRule:
    """The components a level requires, and the unit scores are rounded to (half up) before they are compared.

    A recognised component of `routes` passes alone, in place of all that is required. A total is asked for beside the
    components: each of them keeps its own mark.
    """

    components: tuple[ComponentRule, ...]
    rounding_unit: Decimal | None = None
    routes: frozenset[AssessmentMode] = frozenset()
    total: TotalRule | None = None


@dataclass(frozen=True, slots=True)
class ComponentResult:
    """One component of one candidate: `score` stands exactly when it is scored."""

    mode: AssessmentMode
    state: ResultState
    score: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DecisionReason:
    """One sentence of the decision; `message` holds placeholders that `values` fills; without a mode it is the total's."""

    mode: AssessmentMode | None
    code: str
    message: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        return self.message % self.values

    @property
    def about(self) -> str:
        """What the sentence is about, as decisions are kept."""
        return self.mode.value if self.mode else TOTAL


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
        If no component is named, one is named twice, or a mark is not a number between 0 and the full score; if weights
        do not give 1, or weigh what is not required.
    """
    rules = tuple(_component_rule(entry) for entry in profile.get("components", ()))
    if not rules:
        raise InvalidInputError(N_("规则方案没有规定考核项目，请至少设置一项"))
    if len({rule.mode for rule in rules}) < len(rules):
        raise InvalidInputError(N_("规则方案中同一考核项目出现了两次，请删去一项"))
    unit = profile.get("rounding_unit")
    routes = frozenset(AssessmentMode(mode) for mode in profile.get("routes", ()))
    total = _total_rule(profile["total"], rules) if profile.get("total") else None
    return PassRule(rules, None if unit is None else _positive(unit), routes, total)


def _total_rule(entry: Mapping[str, Any], rules: Sequence[ComponentRule]) -> TotalRule:
    """Read ``{"weights": {"theory": "0.4", "skills": "0.6"}, "pass": "60"}``."""
    required = {rule.mode: rule for rule in rules}
    weights: dict[AssessmentMode, Decimal] = {}
    for name, weight in entry.get("weights", {}).items():
        if name not in required:
            label = MODE_LABELS[AssessmentMode(name)] if name in set(AssessmentMode) else name
            raise InvalidInputError(N_("总分计入了这个等级不考的项目“%(mode)s”，请改正总分规则"), mode=label)
        if required[AssessmentMode(name)].max_score != HUNDRED:
            raise InvalidInputError(
                N_("只有百分制的项目可以计入总分，“%(mode)s”不是"), mode=MODE_LABELS[AssessmentMode(name)]
            )
        weights[AssessmentMode(name)] = _positive(weight)
    if sum(weights.values()) != 1:
        raise InvalidInputError(
            N_("总分各项的权重合计应为 100%%，现在是 %(sum)s%%"),
            sum=plain_number(sum(weights.values(), Decimal(0)) * 100),
        )
    mark = entry.get("pass")
    total = TotalRule(weights, None if mark is None else _positive(mark))
    if total.pass_mark is not None and total.pass_mark > HUNDRED:
        raise InvalidInputError(N_("规则方案中的合格分 %(mark)s 高于满分 %(max)s"), mark=total.pass_mark, max=HUNDRED)
    return total


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
    an absence counts as not reached; the total, where the rule asks for one, must reach its mark as well.

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
    reasons += _total_reason(rule, by_mode)
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
    return PassOutcome.PASSED if codes <= {"reached", "recognised", "shown"} else PassOutcome.FAILED


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


NO_TOTAL_MESSAGE = N_("总分：有免考或认可的项目，不计算")
_TOTAL_MESSAGES: Mapping[str, str] = {
    "reached": N_("总分：%(parts)s = %(total)s 分，达到合格分 %(mark)s"),
    "not_reached": N_("总分：%(parts)s = %(total)s 分，低于合格分 %(mark)s"),
    "shown": N_("总分：%(parts)s = %(total)s 分"),
}


def _total_reason(rule: PassRule, by_mode: Mapping[AssessmentMode, ComponentResult]) -> tuple[DecisionReason, ...]:
    """Return the sentence about the total; none while a weighted component has no score, which speaks for itself."""
    if rule.total is None:
        return ()
    states = {by_mode[mode].state if mode in by_mode else ResultState.PENDING for mode in rule.total.weights}
    if not states <= {ResultState.SCORED, ResultState.RECOGNISED}:
        return ()
    if ResultState.RECOGNISED in states:
        return (DecisionReason(None, "recognised", NO_TOTAL_MESSAGE, {}),)
    weighted = [
        (
            rounded_score(_checked_score(part, by_mode[part.mode].score), rule.rounding_unit),
            rule.total.weights[part.mode],
        )
        for part in rule.components
        if part.mode in rule.total.weights
    ]
    total, mark = total_of(weighted, rule.rounding_unit), rule.total.pass_mark
    parts = " + ".join(f"{plain_number(score)}×{plain_number(weight * 100)}%" for score, weight in weighted)
    values = {"parts": parts, "total": plain_number(total), "mark": "" if mark is None else plain_number(mark)}
    code = "shown" if mark is None else "reached" if total >= mark else "not_reached"
    return (DecisionReason(None, code, _TOTAL_MESSAGES[code], values),)


def total_of(weighted: Iterable[tuple[Decimal, Decimal]], unit: Decimal | None) -> Decimal:
    """Return the weighted sum of scores, exact, then rounded once by the one rule of decisions.

    >>> total_of([(Decimal("72.5"), Decimal("0.4")), (Decimal("58"), Decimal("0.6"))], Decimal("0.1"))
    Decimal('63.8')
    """
    with localcontext(prec=60):
        return rounded_score(sum((score * weight for score, weight in weighted), Decimal(0)), unit)


def total_text(reasons: Iterable[Sequence[Any]]) -> str:
    """Return the total that the kept reasons of a decision state, empty where there is none."""
    return next((str(values.get("total", "")) for about, _code, _message, values in reasons if about == TOTAL), "")


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
