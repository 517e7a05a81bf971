"""Values of the rule profile on which blueprints start, and the mixes of item types they are written in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from item_templates import registry
from item_templates.contract import ItemContent
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

MIX_BASIS = N_("写法：题型:题数:每题分，多个题型用分号隔开")
DEFAULT_MIXES = {
    "5": "single_choice:80:1; true_false:20:1",
    "4": "single_choice:80:1; true_false:20:1",
    "3": "single_choice:140:0.5; true_false:40:0.5; multiple_choice:10:1",
    "2": "single_choice:40:1; multiple_choice:10:2; true_false:20:1; short_answer:2:5; essay:1:10",
    "1": "single_choice:40:1; multiple_choice:10:2; true_false:20:1; short_answer:2:5; essay:1:10",
}
FALLBACK_LEVEL = "5"
MIX_KEYS = {
    "5": RuleKey("blueprints.mix_5", DEFAULT_MIXES["5"], N_("五级蓝图的默认题型"), MIX_BASIS),
    "4": RuleKey("blueprints.mix_4", DEFAULT_MIXES["4"], N_("四级蓝图的默认题型"), MIX_BASIS),
    "3": RuleKey("blueprints.mix_3", DEFAULT_MIXES["3"], N_("三级蓝图的默认题型"), MIX_BASIS),
    "2": RuleKey("blueprints.mix_2", DEFAULT_MIXES["2"], N_("二级蓝图的默认题型"), MIX_BASIS),
    "1": RuleKey("blueprints.mix_1", DEFAULT_MIXES["1"], N_("一级蓝图的默认题型"), MIX_BASIS),
}
KNOWN_MIXES = {
    "halves": (N_("单选 160、判断 40，每题 0.5 分"), "single_choice:160:0.5; true_false:40:0.5"),
    "halves_150": (N_("单选 150、判断 50，每题 0.5 分"), "single_choice:150:0.5; true_false:50:0.5"),
    "ones": (N_("单选 80、判断 20，每题 1 分"), "single_choice:80:1; true_false:20:1"),
}
"""Mixes in use elsewhere that a new blueprint may start with instead of the profile's."""
WEIGHT_TOLERANCE = RuleKey(
    "blueprints.weight_tolerance_percent", 1.0, N_("比重容差（百分点）"), minimum=0, maximum=20
)  # fmt: skip
CORE_SHARE = RuleKey(
    "blueprints.core_share_min", 0.0, N_("重要程度 X 的最低题数比例"), N_("0 表示不要求"), minimum=0, maximum=1
)
MAX_PER_POINT = RuleKey("blueprints.max_per_point", 2, N_("同一鉴定点最多题数"), minimum=1, maximum=50)
THEORY_MINUTES = RuleKey("blueprints.theory_minutes", 90, N_("理论考试时间（分钟）"), minimum=10, maximum=600)
READING_SPEED = RuleKey(
    "blueprints.characters_per_minute", 300, N_("考生阅读速度（字/分钟）"), N_("用于估算作答时间"), minimum=50, maximum=2000
)  # fmt: skip
ANSWER_SECONDS = RuleKey(
    "blueprints.answer_seconds",
    "single_choice:25; multiple_choice:40; true_false:12; fill_in:40; numeric:90; matching:60; ordering:60; "
    "short_answer:240; calculation:360; essay:900",
    N_("各题型的作答秒数"), N_("读题之外的时间；写法：题型:秒数，用分号隔开，其余题型按 60 秒"),
)  # fmt: skip
APPROVAL_NEEDED, APPROVAL_WAIVED = N_("须由第二人批准"), N_("免批准，只作记录")
APPROVAL = RuleKey(
    "blueprints.approval", "须由第二人批准", N_("蓝图的批准"), N_("未经批准的蓝图，据此组成的试卷不能封存；人员很少的机构可以免批准，系统留下记录"),
    choices=(APPROVAL_NEEDED, APPROVAL_WAIVED),
)  # fmt: skip
WAIVER_ALLOWED, WAIVER_REFUSED = N_("写明原因可以收入"), N_("一律不收")
WAIVER = RuleKey(
    "blueprints.whole_form_waiver", "写明原因可以收入", N_("不符蓝图的套题"), N_("外来的整套试卷有要求不符合时，能否写明原因收为试卷；重复、互斥和不可用的试题总是不收"),
    choices=(WAIVER_ALLOWED, WAIVER_REFUSED),
)  # fmt: skip
COOLDOWN_DAYS = RuleKey(
    "blueprints.cooldown_days", 180, N_("试题冷却期（天）"), N_("在此期间内用过的试题不算新鲜；0 表示不计"), minimum=0, maximum=3650
)  # fmt: skip
TIME_LIMIT = RuleKey("blueprints.assembly_seconds", 60, N_("组卷时限（秒）"), minimum=1, maximum=3600)

METHOD_WORDS = {N_("全对才得分"): "exact", N_("少选按选对的个数给分"): "per_option", N_("少选给一半分"): "partial"}
MULTIPLE_METHOD = RuleKey(
    "blueprints.multiple_choice_method", "全对才得分", N_("多项选择题的默认评分方式"), N_("试题自己写明评分方式时，以试题为准"),
    choices=tuple(METHOD_WORDS),
)  # fmt: skip

declare(
    *MIX_KEYS.values(),
    MULTIPLE_METHOD,
    WEIGHT_TOLERANCE,
    CORE_SHARE,
    MAX_PER_POINT,
    THEORY_MINUTES,
    TIME_LIMIT,
    COOLDOWN_DAYS,
    APPROVAL,
    WAIVER,
)
declare(READING_SPEED, ANSWER_SECONDS)


def with_default_method(content: ItemContent, word: str) -> ItemContent:
    """Return a content whose multiple-choice items, its own or its children's, say how they are scored.

    Examples
    --------
    >>> with_default_method(ItemContent("multiple_choice", "?"), "少选给一半分").scoring
    {'method': 'partial'}
    >>> with_default_method(ItemContent("multiple_choice", "?", scoring={"weights": {"A": 1}}), "少选给一半分").scoring
    {'weights': {'A': 1}}
    """
    children = tuple(with_default_method(child, word) for child in content.items)
    own = content if children == content.items else replace(content, items=children)
    method = METHOD_WORDS.get(word, "exact")
    if own.type != "multiple_choice" or method == "exact" or {"method", "weights"} & own.scoring.keys():
        return own
    return replace(own, scoring={**own.scoring, "method": method})


@dataclass(frozen=True, slots=True)
class MixPart:
    """So many items of a type, each worth `score_each`."""

    type: str
    count: int
    score_each: Decimal


def parse_mix(text: str) -> tuple[MixPart, ...]:
    """Return the item types that a mix of the rule profile names.

    Examples
    --------
    >>> [(part.type, part.count, str(part.score_each)) for part in parse_mix("single_choice:80:1; true_false:40:0.5")]
    [('single_choice', 80, '1'), ('true_false', 40, '0.5')]
    """
    return tuple(_part(piece) for piece in text.replace("；", ";").split(";") if piece.strip())


def _part(piece: str) -> MixPart:
    known = {one.name for one in registry.all_types()}
    try:
        name, count, score = (value.strip() for value in piece.replace("：", ":").split(":"))
        part = MixPart(name, int(count), Decimal(score))
    except (ValueError, InvalidOperation) as exc:
        raise InvalidInputError(N_("规则方案中的默认题型“%(piece)s”写法有误"), piece=piece.strip()) from exc
    if part.type not in known or part.count < 0 or part.score_each < 0:
        raise InvalidInputError(N_("规则方案中的默认题型“%(piece)s”写法有误"), piece=piece.strip())
    return part


def default_spec(mix: tuple[MixPart, ...], weights: Mapping[str, Decimal], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the blueprint JSON that a new blueprint starts with.

    Parameters
    ----------
    mix : tuple of MixPart
        Types with counts and marks.
    weights : mapping
        Percent by scope, as the outline has them.
    values : mapping
        Values of the rule profile by key name.
    """
    spec: dict[str, Any] = {
        "n_items": sum(part.count for part in mix),
        "total_score": json_number(sum((part.count * part.score_each for part in mix), Decimal(0))),
        "types": [{"type": p.type, "count": p.count, "score_each": json_number(p.score_each)} for p in mix],
        "weights": [{"scope": scope, "percent": json_number(percent)} for scope, percent in weights.items()],
        "weight_tolerance_percent": json_number(Decimal(str(values[WEIGHT_TOLERANCE.name]))),
        "max_per_point": int(values[MAX_PER_POINT.name]),
        "max_overlap": 0,
    }
    core = Decimal(str(values[CORE_SHARE.name]))
    return spec | ({"importance": {"X": {"min": json_number(core)}}} if core else {})


def needed_per_point(spec: Mapping[str, Any], points: Mapping[str, int]) -> int:
    """Return how many items of one point a form must be allowed so that every weighted scope can be filled.

    Parameters
    ----------
    spec : mapping
        Blueprint JSON.
    points : mapping
        Number of points by scope.

    Examples
    --------
    >>> needed_per_point({"n_items": 100, "weights": [{"scope": "A", "percent": 50}]}, {"A": 20})
    3
    """
    items = {rule["scope"]: math.ceil(spec["n_items"] * rule["percent"] / 100) for rule in spec["weights"]}
    return max((math.ceil(n / points[scope]) for scope, n in items.items() if points.get(scope)), default=1)


def json_number(value: Decimal) -> int | float:
    """Return a decimal as the JSON number that people would write.

    Examples
    --------
    >>> json_number(Decimal("1.500")), json_number(Decimal("80.0"))
    (1.5, 80)
    """
    return int(value) if value == value.to_integral_value() else float(value)
