"""Options that say the same, or of which one range holds the other."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule
from qbank.rules.search import bare

_RANGE = re.compile(
    r"^\D{0,4}?(-?\d+(?:\.\d+)?)\s*([^\d\s~～至到—–-]{0,6})\s*(?:~|～|至|到|—+|–|-)\s*(-?\d+(?:\.\d+)?)\s*(\D{0,8})$"
)
_BOUND = re.compile(
    r"^(大于等于|小于等于|不小于|不低于|不少于|不大于|不高于|不超过|大于|小于|高于|低于|超过|≥|≤|>|<|至少|最多|不足)(?:或等于)?\s*(-?\d+(?:\.\d+)?)\s*(\D{0,8})$"
)
_UPWARD = {"大于等于", "不小于", "不低于", "不少于", "大于", "高于", "超过", "≥", ">", "至少"}


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at pairs of equal options, and at a range that holds the key's or lies in it."""
    if not text.is_choice:
        return
    options = list(zip(text.letters, text.choices, text.content.choices, strict=True))
    ranges = {letter: span for letter, option, _ in options if (span := read_range(option))}
    for (a, _, one), (b, _, other) in itertools.combinations(options, 2):
        if bare(one.content) and bare(one.content) == bare(other.content) and "<img" not in one.content + other.content:
            yield Hit("choices", N_("选项 %(a)s 与 %(b)s 只有标点或空格不同"), {"a": a, "b": b})
        elif _one_is_key(text, a, b) and a in ranges and b in ranges and holds(ranges[a], ranges[b]):
            yield Hit("choices", N_("选项 %(a)s 与 %(b)s 的范围一个包含另一个，可能不止一个正确"), {"a": a, "b": b})


def _one_is_key(text: ItemText, a: str, b: str) -> bool:
    """Say whether one of two options is the single key."""
    keyed = [letter for letter, is_key in zip(text.letters, text.keyed, strict=True) if is_key]
    return len(keyed) == 1 and keyed[0] in (a, b)


Span = tuple[float, float, str]


def read_range(option: str) -> Span | None:
    """Return lower bound, upper bound and unit of an option that gives a range.

    Examples
    --------
    >>> read_range("5～10mm"), read_range("不大于 4Ω"), read_range("380V")
    ((5.0, 10.0, 'mm'), (-inf, 4.0, 'Ω'), None)
    """
    text = option.strip().rstrip("。；;")
    if match := _RANGE.match(text):
        low, high = float(match[1]), float(match[3])
        return (low, high, match[4].strip()) if low < high else None
    if match := _BOUND.match(text):
        value, unit = float(match[2]), match[3].strip()
        return (value, math.inf, unit) if match[1] in _UPWARD else (-math.inf, value, unit)
    return None


def holds(one: Span, other: Span) -> bool:
    """Say whether one of two ranges of one unit lies wholly in the other.

    Examples
    --------
    >>> holds((5, 10, "mm"), (6, 8, "mm")), holds((5, 10, "mm"), (8, 12, "mm"))
    (True, False)
    """
    if one[2] != other[2] or one[:2] == other[:2]:
        return False
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) in {one[:2], other[:2]} and low < high


RULE = LintRule(
    id="similar_options",
    title=N_("选项重复或范围互相包含"),
    explanation=N_(
        "两个选项意思相同，考生可把它们一并排除；一个数值范围包含另一个，可能不止一个正确。各选项应互相独立。"
    ),
    bad=N_("接地电阻应（　）。A.不大于4Ω　B.不大于10Ω　C.不大于30Ω　D.不大于100Ω"),
    good=N_("接地电阻的最大允许值是（　）。A.4Ω　B.10Ω　C.30Ω　D.100Ω"),
    check=check,
    basis=N_("选项不得雷同"),
)
