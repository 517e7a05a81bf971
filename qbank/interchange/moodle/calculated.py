"""Moodle's calculated questions: variables from data sets, a formula as key; with us a parametric item."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from item_templates import registry
from item_templates.contract import ItemContent, Json
from item_templates.numbers import parse_number
from item_templates.rounding import decimal_text
from kernel.i18n import N_
from qbank.interchange.moodle.answers import WHOLE, Answer, Lose
from qbank.interchange.reading import SkippedRecord

PARAMETRIC = "parametric"
NOMINAL = "2"
_VARIABLE = re.compile(r"\{([^{}=\s][^{}]{0,30})\}")
_EMBEDDED = re.compile(r"\{=([^{}]*(?:\{[^{}]+\}[^{}]*)*)\}")
_RENAMED = {"log10": "lg", "log": "ln"}
_FUNCTION = re.compile(r"\b(log10|log)\s*(?=\()")
_POWER = re.compile(r"\bpow\s*\(")


@dataclass(frozen=True, slots=True)
class DataSet:
    """One variable: its range, and the values that Moodle has drawn for it."""

    name: str
    minimum: str
    maximum: str
    decimals: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Formula:
    """The answer that earns all marks, and how its result is written."""

    answer: Answer
    tolerance_type: str
    decimals: str
    is_decimals: bool
    unit: str


def calculated_content(stem: str, formula: Formula, sets: Sequence[DataSet], lose: Lose) -> ItemContent:
    """Return the parametric item of a calculated question; raises SkippedRecord where there is none."""
    if PARAMETRIC not in {one.name for one in registry.all_types()}:
        raise SkippedRecord("calculated", N_("计算题由变量生成，当前版本不能转换"))
    if formula.answer.fraction != WHOLE:
        raise SkippedRecord("no_key", N_("没有得满分（100%）的算式，无法确定标准答案"))
    derived: list[dict[str, Json]] = []

    def embed(match: re.Match[str]) -> str:
        derived.append({"name": f"v{len(derived) + 1}", "expression": expression(match[1])})
        return f"[[{derived[-1]['name']}]]"

    shown = _VARIABLE.sub(r"[[\1]]", _EMBEDDED.sub(embed, stem))
    if len(sets) > 1:
        lose("datasets", N_("成组的取值未保留，各变量改为在各自范围内独立取值"))
    parameters: dict[str, Json] = {
        "variables": [_variable(one, alone=len(sets) == 1) for one in sets],
        "angles": "radians",
        "answer": _answer(formula, lose),
    }
    return ItemContent(PARAMETRIC, shown, parameters=parameters | ({"derived": derived} if derived else {}))


def _variable(one: DataSet, *, alone: bool) -> Mapping[str, Json]:
    low, high, places = parse_number(one.minimum), parse_number(one.maximum), parse_number(one.decimals or "0")
    listed = [value for value in map(parse_number, one.values) if value is not None]
    if listed and (alone or low is None or high is None):
        return {"name": one.name, "values": [decimal_text(value) for value in dict.fromkeys(listed)]}
    if low is None or high is None or places is None or not 0 <= places <= 9:
        raise SkippedRecord("calculated", N_("变量 %(name)s 没有取值范围") % {"name": one.name[:20]})
    step = Decimal(1).scaleb(-int(places))
    return {
        "name": one.name,
        "minimum": decimal_text(low),
        "maximum": decimal_text(high),
        "step": decimal_text(step),
        "decimals": int(places),
    }


def _answer(formula: Formula, lose: Lose) -> dict[str, Json]:
    answer: dict[str, Json] = {
        "shape": "numeric",
        "expressions": [expression(formula.answer.text)],
        "unit": formula.unit,
    }
    tolerance = parse_number(formula.answer.tolerance or "0") or Decimal(0)
    if tolerance and formula.tolerance_type == NOMINAL:
        answer["tolerance"] = decimal_text(tolerance)
    elif tolerance:
        lose(
            "tolerance",
            N_("相对误差 %(tolerance)s 未能保留，答案须与保留小数后的结果一致")
            % {"tolerance": decimal_text(tolerance)},
        )
    places = parse_number(formula.decimals or "2")
    if formula.is_decimals and places is not None and 0 <= places <= 9:
        answer["decimals"] = int(places)
    else:
        lose("significant_figures", N_("按有效数字保留结果的设置未能保留"))
    return answer


def expression(text: str) -> str:
    """Return a formula of Moodle in our notation: ``pow({a},2)+pi()`` becomes ``((a)^(2))+pi``."""
    plain = _VARIABLE.sub(r"\1", text).replace("pi()", "pi")
    plain = _FUNCTION.sub(lambda match: _RENAMED[match[1]], plain)
    while match := _POWER.search(plain):
        base, exponent, end = _arguments(plain, match.end())
        plain = f"{plain[: match.start()]}(({base})^({exponent})){plain[end:]}"
    return plain.strip()


def _arguments(text: str, start: int) -> tuple[str, str, int]:
    """Return the two arguments of a call and where it ends."""
    depth, comma = 0, -1
    for place in range(start, len(text)):
        if text[place] == "," and depth == 0 and comma < 0:
            comma = place
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth < 0 and comma > 0:
            return text[start:comma].strip(), text[comma + 1 : place].strip(), place + 1
    raise SkippedRecord("bad_formula", N_("算式“%(text)s”里的 pow 写得不完整") % {"text": text[:30]})
