"""Weights of components into a total, as lines of the rule profile: by level, or by occupation and level. Pure.

``三级：理论知识 40%、操作技能 60%，合格 60`` a line; ``4-04-05-05 三级：…`` for one occupation alone, ``*`` for every level
that has all the components named. The closest line holds. Without “合格” the total is shown and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, plain_number
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.skill_levels import all_levels, code_of

TOTALS = "certification.total_rules"
ANY_LEVEL = "*"
NOTE = """\
# 每行一条：等级：项目 权重%、项目 权重%，合格 分数。权重合计 100%；不写合格分的，总分只显示、不参与判定。
# 等级写 * 的，适用于考齐所列项目的全部等级；只适用于一个职业的，在等级前写职业编码和空格。
# 例如 三级：理论知识 40%、操作技能 60%，合格 60"""
_LINE = re.compile(r"(?:(?P<occupation>[0-9][0-9\-]{2,30})\s+)?(?P<level>[^:：]{1,40})[:：](?P<rest>.+)")
_WEIGHT = re.compile(r"(?P<name>[^0-9]{1,20}?)\s*(?P<number>[0-9]{1,3}(?:\.[0-9]{1,6})?)\s*(?P<sign>%?)")
_MARK = re.compile(r"合格\s*(?P<number>[0-9]{1,3}(?:\.[0-9]{1,3})?)\s*分?")
_MODES: Mapping[str, AssessmentMode] = {
    **{MODE_LABELS[mode]: mode for mode in AssessmentMode if mode not in {AssessmentMode.DIRECT_RECOGNITION, AssessmentMode.COMPETITION}},
    "理论": AssessmentMode.THEORY, "技能": AssessmentMode.SKILLS, "评审": AssessmentMode.COMPREHENSIVE_REVIEW,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TotalLine:
    """One line: whom it is for (no occupation: every one), the weights, the mark (None: only shown), and how it was written."""

    occupation: str
    level: str
    weights: Mapping[AssessmentMode, Decimal]
    pass_mark: Decimal | None
    text: str

    def as_profile(self) -> dict[str, Any]:
        """Return the line in the shape that `pass_rule_from_profile` reads."""
        weights = {mode.value: plain_number(weight) for mode, weight in self.weights.items()}
        return {"weights": weights, "pass": None if self.pass_mark is None else plain_number(self.pass_mark)}


def parse_totals(text: str, values: Mapping[str, Any]) -> tuple[TotalLine, ...]:
    """Return the lines of a text; lines that begin with ``#`` are notes.

    Examples
    --------
    >>> parse_totals("三级：理论知识 40%、操作技能 60%，合格 60", {})[0].as_profile()
    {'weights': {'theory': '0.4', 'skills': '0.6'}, 'pass': '60'}

    Raises
    ------
    InvalidInputError
        If a line cannot be read, its weights do not give 100 %, or two lines are for the same; the message names it.
    """
    lines = [line.strip().replace("％", "%") for line in text.splitlines()]
    found = tuple(_line(line, values) for line in lines if line and not line.startswith("#"))
    seen: set[tuple[str, str]] = set()
    for one in found:
        if (one.occupation, one.level) in seen:
            raise InvalidInputError(N_("总分规则“%(line)s”：同一职业、等级已有一条，请只留一条"), line=one.text)
        seen.add((one.occupation, one.level))
    return found


def _line(text: str, values: Mapping[str, Any]) -> TotalLine:
    match = _LINE.fullmatch(text)
    if match is None:
        raise InvalidInputError(N_("总分规则“%(line)s”应写作 等级：项目 权重%%、项目 权重%%，合格 分数"), line=text)
    level = match["level"].strip()
    code = ANY_LEVEL if level == ANY_LEVEL else code_of(level, values)
    if code != ANY_LEVEL and code not in all_levels(values):
        raise InvalidInputError(N_("总分规则“%(line)s”中的等级不在等级序列中"), line=text)
    weights: dict[AssessmentMode, Decimal] = {}
    mark: Decimal | None = None
    for part in filter(None, (one.strip() for one in re.split("[、，,;；]", match["rest"]))):
        if found := _MARK.fullmatch(part):
            mark = _mark(found["number"], text)
        else:
            mode, weight = _weight(part, text)
            if mode in weights:
                raise InvalidInputError(N_("总分规则“%(line)s”中“%(mode)s”写了两次"), line=text, mode=MODE_LABELS[mode])
            weights[mode] = weight
    total = sum(weights.values(), Decimal(0))
    if total != 1:
        message = N_("总分规则“%(line)s”：权重合计应为 100%%，现在是 %(sum)s%%")
        raise InvalidInputError(message, line=text, sum=plain_number(total * 100))
    return TotalLine(match["occupation"] or "", code, weights, mark, text)


def _mark(number: str, line: str) -> Decimal:
    mark = Decimal(number)
    if not 0 < mark <= 100:
        raise InvalidInputError(N_("总分规则“%(line)s”中的合格分应大于 0、不超过 100"), line=line)
    return mark


def _weight(part: str, line: str) -> tuple[AssessmentMode, Decimal]:
    match = _WEIGHT.fullmatch(part)
    mode = _MODES.get(match["name"].strip()) if match else None
    if match is None or mode is None:
        names = "、".join(label for label in _MODES if len(label) > 2)
        message = N_("总分规则“%(line)s”中的“%(part)s”看不懂，应写作 项目 权重%%，项目为%(names)s")
        raise InvalidInputError(message, line=line, part=part, names=names)
    try:
        weight = Decimal(match["number"]) / (100 if match["sign"] else 1)
    except InvalidOperation:
        weight = Decimal(0)
    if not 0 < weight <= 1:
        message = N_("总分规则“%(line)s”中“%(part)s”的权重应大于 0、不超过 100%%")
        raise InvalidInputError(message, line=line, part=part)
    return mode, weight


def _closest_first(level_code: str, occupation_code: str) -> Iterator[tuple[str, str]]:
    yield from ((occupation_code, level_code), (occupation_code, ANY_LEVEL)) if occupation_code else ()
    yield from (("", level_code), ("", ANY_LEVEL))


def total_for(
    values: Mapping[str, Any], level_code: str, occupation_code: str, required: frozenset[AssessmentMode]
) -> dict[str, Any] | None:
    """Return the closest rule for a level of an occupation, None without one; ``*`` needs all its components."""
    lines = {(one.occupation, one.level): one for one in parse_totals(str(values[TOTALS]), values)}
    for key in _closest_first(level_code, occupation_code):
        line = lines.get(key)
        if line is not None and (line.level != ANY_LEVEL or set(line.weights) <= required):
            return line.as_profile()
    return None
