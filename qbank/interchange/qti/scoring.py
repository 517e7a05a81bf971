"""From the rules of others to a scoring of ours: kept where both give the same marks for every response tried.

A judge answers what a response earns by the rules of the file. The rule of ours that agrees with it on all probes is what
the file means; where none does, the nearest one is taken and the loss is named.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from item_templates import registry
from item_templates.contract import ItemContent, Json
from item_templates.hotspot.pages import regions_of
from item_templates.numbers import json_number
from item_templates.rounding import plain_decimal
from kernel.i18n import N_
from qbank.interchange.qti.notes import Notes
from qbank.interchange.qti.values import UnsupportedRuleError

Answer = list[Any]
Judge = Callable[[Answer], Decimal]
Scoring = dict[str, Json]
SAME = Decimal("0.0015")
NOT_AN_ANSWER = "\u2047\u2047"
CUSTOM_SCORING = "qti_custom_scoring"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the file says about marks: a judge, None where it says nothing, and the values of single answers."""

    judge: Judge | None
    worth: Mapping[str, Decimal]
    maximum: Decimal | None = None
    is_numeric: bool = False
    pair_limit: int = 1


def settle(content: ItemContent, rules: Rules, notes: Notes) -> ItemContent:
    """Return the content with the score and the scoring that the file means; a difference is named as a loss."""
    if rules.judge is None:
        return replace(content, score=_marks(rules.maximum or Decimal(1)))
    try:
        return _settle(content, rules, rules.judge, notes)
    except UnsupportedRuleError as error:
        message = N_("评分规则使用了无法识别的 %(name)s，按题型的默认方式评分") % {"name": str(error)[:60]}
        notes.lose(CUSTOM_SCORING, message)
        return replace(content, score=_marks(rules.maximum or Decimal(1)))


def _settle(content: ItemContent, rules: Rules, judge: Judge, notes: Notes) -> ItemContent:
    earned = judge(key_answer(content))
    if earned <= 0:
        notes.lose(CUSTOM_SCORING, N_("按文件的评分规则，标准答案不得分；按题型的默认方式评分"))
        return replace(content, score=_marks(rules.maximum or Decimal(1)))
    content = replace(content, score=_marks(earned))
    if rules.maximum is not None and rules.maximum != earned:
        message = N_("文件写明满分 %(maximum)s，但标准答案得 %(earned)s 分；按后者导入")
        notes.warn("qti_max_score", message % {"maximum": rules.maximum, "earned": earned})
    answers = [answer for answer in probes(content, rules) if answer]
    truth = [judge(answer) for answer in answers]
    pairs = list(zip(answers, truth, strict=True))
    tried = []
    for scoring in candidates(content, rules, judge):
        tried.append(replace(content, scoring=scoring))
        if all(_agrees(tried[-1], answer, marks) for answer, marks in pairs):
            return tried[-1]
    notes.lose(CUSTOM_SCORING, N_("文件的评分规则没有完全对应的评分方式，已取最接近的一种，请核对"))
    return max(tried, key=lambda one: sum(_agrees(one, answer, marks) for answer, marks in pairs))


def _agrees(content: ItemContent, answer: Answer, marks: Decimal) -> bool:
    ours = registry.get(content.type).score(content, answer, content.score).score
    return abs(ours - marks) <= SAME


def _marks(value: Decimal) -> Decimal:
    return plain_decimal(value.quantize(Decimal("0.001")))


def key_answer(content: ItemContent) -> Answer:
    """Return the response of somebody who gives the key."""
    key = content.key
    make: dict[str, Callable[[], Answer]] = {
        "true_false": lambda: ["true" if key else "false"],
        "numeric": lambda: [str(Decimal(str(key["value"])))],
        "matching": lambda: [list(pair) for pair in key["pairs"]],
        "fill_in": lambda: [accepted[0] for accepted in key],
        "short_answer": lambda: [key[0]],
        "single_choice": lambda: [key],
        "hotspot": lambda: [_centre(content, one) for one in key] if is_pointing(content) else list(key),
    }
    return make.get(content.type, lambda: list(key))()


def candidates(content: ItemContent, rules: Rules, judge: Judge) -> Iterator[Scoring]:
    """Yield the scorings of ours that the file may mean, plain ones first."""
    make = {
        "single_choice": _single_candidates, "multiple_choice": _multiple_candidates, "fill_in": _text_candidates,
        "short_answer": _short_candidates, "ordering": _ordering_candidates, "matching": _matching_candidates, "hotspot": _hotspot_candidates,
    }.get(content.type)  # fmt: skip
    return make(content, rules, judge) if make else iter([{}])


def _single_candidates(content: ItemContent, rules: Rules, judge: Judge) -> Iterator[Scoring]:
    yield {}
    singles = {one.id: judge([one.id]) / content.score for one in content.choices}
    yield from _weight_candidates(singles)
    del rules


def _multiple_candidates(content: ItemContent, rules: Rules, judge: Judge) -> Iterator[Scoring]:
    yield from ({}, {"method": "per_option"})
    part = judge([content.key[0]]) / content.score
    if 0 < part < 1:
        yield {"method": "partial", "fraction": str(plain_decimal(part.quantize(Decimal("0.0001"))))}
    ids = [one.id for one in content.choices]
    worth = {name: rules.worth.get(name, Decimal(0)) / content.score for name in ids}
    if any(worth.values()):
        yield from _weight_candidates(worth)
    yield from _weight_candidates({name: judge([name]) / content.score for name in ids})
    yield from _weight_candidates({name: _margin(content, judge, name) for name in ids})


def _margin(content: ItemContent, judge: Judge, name: str) -> Decimal:
    """Return what one option adds to the key, or what the key loses without it: floors hide it when it stands alone."""
    ids = [one.id for one in content.choices]
    without = [one for one in ids if one in content.key and one != name]
    with_it = [one for one in ids if one in content.key or one == name]
    return (judge(with_it) - judge(without)) / content.score


def _weight_candidates(shares: Mapping[str, Decimal]) -> Iterator[Scoring]:
    one = Decimal(1)
    kept = {name: max(-one, min(one, share)).quantize(Decimal("0.000001")) for name, share in shares.items()}
    weights = {name: json_number(share) for name, share in kept.items() if share}
    if weights:
        yield {"weights": weights}
        yield {"weights": weights, "allow_negative": True}


def _text_candidates(content: ItemContent, rules: Rules, judge: Judge) -> Iterator[Scoring]:
    del content, judge
    flags: list[Scoring] = [{"numeric": True}] if rules.is_numeric else [{}, {"case_sensitive": True}]
    yield from flags
    yield from ({"method": "exact", **flag} for flag in flags)


def _short_candidates(content: ItemContent, rules: Rules, judge: Judge) -> Iterator[Scoring]:
    del content, rules, judge
    yield from ({"method": "exact"}, {"method": "exact", "case_sensitive": True})


def _ordering_candidates(content: ItemContent, rules: Rules, judge: Judge) -> Iterator[Scoring]:
    del content, rules, judge
    yield from ({}, {"method": "per_position"})


def _matching_candidates(content: ItemContent, rules: Rules, judge: Judge) -> Iterator[Scoring]:
    del content, rules, judge
    yield from ({}, {"method": "exact"})


def _hotspot_candidates(content: ItemContent, rules: Rules, judge: Judge) -> Iterator[Scoring]:
    del content, rules, judge
    yield from ({}, {"method": "per_region"})


def is_pointing(content: ItemContent) -> bool:
    """Say whether places on a picture are the answer, not ids."""
    return content.type == "hotspot" and content.parameters.get("mode") == "point"


def _centre(content: ItemContent, region: str) -> list[str]:
    x, y = regions_of(content.parameters)[region].centre
    return [str(x), str(y)]


def probes(content: ItemContent, rules: Rules) -> Iterable[Answer]:
    """Return the responses that are tried."""
    make = {
        "single_choice": _single_probes, "multiple_choice": _multiple_probes, "fill_in": _text_probes,
        "short_answer": _short_probes, "ordering": _ordering_probes, "matching": _matching_probes,
        "numeric": _numeric_probes, "hotspot": _hotspot_probes,
    }.get(content.type)  # fmt: skip
    return make(content, rules) if make else [["true"], ["false"]]


def _single_probes(content: ItemContent, rules: Rules) -> list[Answer]:
    del rules
    return [[one.id] for one in content.choices]


def _multiple_probes(content: ItemContent, rules: Rules) -> list[Answer]:
    """Return every set of options of an item with up to eight; beyond that small sets and neighbours of the key."""
    del rules
    ids = [one.id for one in content.choices]
    sizes = range(1, len(ids) + 1) if len(ids) <= 8 else (1, 2, len(ids))
    found = [list(one) for size in sizes for one in itertools.combinations(ids, size)]
    key = set(content.key)
    near = [key ^ {one} for one in ids]
    return found + [[one for one in ids if one in picked] for picked in [key, *near]]


def _text_probes(content: ItemContent, rules: Rules) -> list[Answer]:
    key: Sequence[Sequence[str]] = content.key
    right = [accepted[0] for accepted in key]
    found: list[Answer] = [list(right)]
    for place, accepted in enumerate(key):
        tried = {variant for text in accepted for variant in _variants(text, rules)}
        found += [[*right[:place], text, *right[place + 1 :]] for text in [*sorted(tried), NOT_AN_ANSWER]]
    masks = itertools.product([True, False], repeat=min(len(right), 6))
    tail = [NOT_AN_ANSWER] * (len(right) - 6)
    found += [
        [text if kept else NOT_AN_ANSWER for text, kept in zip(right, mask, strict=False)] + tail for mask in masks
    ]
    return found


def _variants(text: str, rules: Rules) -> set[str]:
    """Return an accepted text, and the same in other letters: what tells whether case counts."""
    return {text} if rules.is_numeric else {text, text.swapcase()}


def _short_probes(content: ItemContent, rules: Rules) -> list[Answer]:
    tried = sorted({variant for text in content.key for variant in _variants(text, rules)})
    return [[text] for text in [*tried, NOT_AN_ANSWER]]


def _ordering_probes(content: ItemContent, rules: Rules) -> list[Answer]:
    del rules
    key = list(content.key)
    if len(key) <= 5:
        return [list(one) for one in itertools.permutations(key)]
    swapped = [[*key[:n], key[n + 1], key[n], *key[n + 2 :]] for n in range(len(key) - 1)]
    return [key, key[::-1], [*key[1:], key[0]], *swapped]


def _matching_probes(content: ItemContent, rules: Rules) -> list[Answer]:
    """Return the key, its parts, each pair turned wrong, and pairs of entries that the key leaves alone."""
    pairs = [tuple(pair) for pair in content.key["pairs"]]
    found = [pairs, *([one] for one in pairs), *([one for one in pairs if one != left] for left in pairs)]
    targets = [one.id for one in content.targets]
    for place, (entry, _) in enumerate(pairs):
        wrong = [(entry, target) for target in targets if (entry, target) not in pairs]
        rest = pairs[:place] + pairs[place + 1 :]
        found += [[*rest, one] for one in wrong]
        found += [[*pairs, one] for one in wrong] if rules.pair_limit != 1 else []
    left_alone = [one.id for one in content.choices if one.id not in {entry for entry, _ in pairs}]
    found += [[*pairs, (entry, target)] for entry in left_alone for target in targets]
    return [[list(pair) for pair in one] for one in found]


def _numeric_probes(content: ItemContent, rules: Rules) -> list[Answer]:
    del rules
    value, tolerance = (Decimal(str(content.key[name])) for name in ("value", "tolerance"))
    step = tolerance / 100 or max(abs(value), Decimal(1)) / 1000
    tried = (value, value - tolerance, value + tolerance, value - tolerance - step, value + tolerance + step)
    return [[f"{one:f}"] for one in (*tried, -value - 1, value * 2 + 1)]


def _hotspot_probes(content: ItemContent, rules: Rules) -> list[Answer]:
    """Return sets of regions as for choices, or places: the middle of each region, and the corners of the picture."""
    del rules
    most = int(content.parameters["picks"])
    if not is_pointing(content):
        ids = [one.id for one in content.choices]
        sizes = range(1, (most if len(ids) <= 8 else min(most, 2)) + 1)
        return [list(one) for size in sizes for one in itertools.combinations(ids, size)]
    places = [_centre(content, one) for one in content.key] + [["0", "0"], ["1000", "1000"]]
    return [list(one) for size in range(1, min(most, 3) + 1) for one in itertools.combinations(places, size)]
