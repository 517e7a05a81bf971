"""What Moodle's answers with their fractions mean as keys and scoring rules; shared by its XML and GIFT."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from item_templates import registry
from item_templates.contract import Choice, ItemContent, Json
from item_templates.markup import from_plain, has_substance, plain_text
from item_templates.numbers import json_number, parse_number
from item_templates.rounding import decimal_text
from kernel.i18n import N_
from qbank.interchange.options import LETTERS
from qbank.interchange.reading import SkippedRecord

Lose = Callable[[str, str], None]
"""Names a loss: construct and message."""

WHOLE = Decimal(1)
CLOSE = Decimal("0.001")
_STAR = re.compile(r"(?<!\\)\*")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: `html`, the share of the marks it earns (1 for all), and what is said to who gives it."""

    html: str
    fraction: Decimal = Decimal(0)
    feedback: str = ""
    tolerance: str = ""

    @property
    def text(self) -> str:
        """The answer as plain text."""
        return plain_text(self.html)


def read_fraction(percent: str) -> Decimal:
    """Return the share of a percentage such as ``33.33333`` or ``-50``; raises SkippedRecord for no number."""
    number = parse_number(percent or "0")
    if number is None or abs(number) > 100:
        raise SkippedRecord(
            "bad_fraction", N_("答案的得分百分比“%(text)s”不是 -100 到 100 的数") % {"text": percent[:20]}
        )
    return number / 100


def choice_content(stem: str, answers: Sequence[Answer], *, is_single: bool) -> ItemContent:
    """Return a choice item whose key and weights score as the fractions do."""
    if len(answers) > len(LETTERS):
        raise SkippedRecord("too_many_choices", N_("选项超过 26 个"))
    choices = tuple(Choice(LETTERS[place], one.html) for place, one in enumerate(answers))
    return _single(stem, choices, answers) if is_single else _multiple(stem, choices, answers)


def _single(stem: str, choices: tuple[Choice, ...], answers: Sequence[Answer]) -> ItemContent:
    whole = [choice.id for choice, one in zip(choices, answers, strict=True) if one.fraction == WHOLE]
    if not whole:
        raise SkippedRecord("no_key", N_("没有得满分（100%）的选项，无法确定标准答案"))
    scoring = {}
    weights = _weights(choices, answers)
    if set(weights) != {whole[0]}:
        scoring = {"weights": weights, **({"allow_negative": True} if min(weights.values()) < 0 else {})}
    return ItemContent("single_choice", stem, choices, whole[0], scoring=scoring)


def _multiple(stem: str, choices: tuple[Choice, ...], answers: Sequence[Answer]) -> ItemContent:
    key = [choice.id for choice, one in zip(choices, answers, strict=True) if one.fraction > 0]
    total = sum((one.fraction for one in answers if one.fraction > 0), Decimal(0))
    if abs(total - WHOLE) > CLOSE:
        message = N_("多选题各正确选项的百分比合计为 %(total)s%%，应为 100%%")
        raise SkippedRecord("bad_fraction", message % {"total": decimal_text(total * 100)})
    if len(key) == 1:
        content = _single(stem, choices, [replace(one, fraction=max(one.fraction, Decimal(0))) for one in answers])
        return replace(content, scoring={})
    scoring: dict[str, Json] = {"weights": _weights(choices, answers)}
    if _is_per_option(answers, len(key)):
        scoring = {"method": "per_option"}
    return ItemContent("multiple_choice", stem, choices, key, scoring=scoring)


def _weights(choices: Sequence[Choice], answers: Sequence[Answer]) -> dict[str, Json]:
    pairs = zip(choices, answers, strict=True)
    return {choice.id: json_number(one.fraction) for choice, one in pairs if one.fraction}


def _is_per_option(answers: Sequence[Answer], n_right: int) -> bool:
    """Say whether right options share the marks evenly and a wrong one takes them all."""
    share = WHOLE / n_right
    return all(abs(one.fraction - share) <= CLOSE if one.fraction > 0 else one.fraction == -1 for one in answers)


def text_content(stem: str, answers: Sequence[Answer], *, case_sensitive: bool, lose: Lose) -> ItemContent:
    """Return a short answer that is right for the answers with full marks."""
    key = accepted_texts(answers, lose)
    scoring: dict[str, Json] = {"method": "exact", **({"case_sensitive": True} if case_sensitive else {})}
    return ItemContent("short_answer", stem, key=key, scoring=scoring)


def accepted_texts(answers: Sequence[Answer], lose: Lose) -> list[str]:
    """Return the texts that earn all marks; part marks and wildcards are named as losses."""
    texts = []
    for one in answers:
        if one.fraction == WHOLE:
            texts.append(_without_wildcards(one.text, lose))
        elif one.fraction > 0:
            percent = decimal_text(one.fraction * 100)
            message = N_("答案“%(text)s”得 %(percent)s%% 的分，未能保留") % {"text": one.text[:20], "percent": percent}
            lose("partial_answer", message)
    texts = list(dict.fromkeys(text for text in texts if text))
    if not texts:
        raise SkippedRecord("no_key", N_("没有得满分（100%）的答案，无法确定标准答案"))
    return texts


def _without_wildcards(text: str, lose: Lose) -> str:
    bare = " ".join(_STAR.sub(" ", text).split())
    if _STAR.search(text):
        lose("wildcard", N_("通配答案“%(text)s”已改为固定文字“%(bare)s”") % {"text": text[:20], "bare": bare[:20]})
    return bare.replace("\\*", "*")


def guard_wildcards(text: str) -> str:
    """Return an accepted text in which stars stand for themselves."""
    return text.replace("*", "\\*")


def number_content(stem: str, answers: Sequence[Answer], unit: str, lose: Lose) -> ItemContent:
    """Return a numeric item for the first answer with full marks; every other answer is named as a loss."""
    whole = [one for one in answers if one.fraction == WHOLE and one.text.strip() != "*"]
    for one in answers:
        if one.fraction > 0 and one not in whole[:1]:
            lose("partial_answer", N_("另一个可得分的数值“%(text)s”未能保留") % {"text": one.text[:20]})
    if not whole:
        raise SkippedRecord("no_key", N_("没有得满分（100%）的数值，无法确定标准答案"))
    value, tolerance = parse_number(whole[0].text), parse_number(whole[0].tolerance or "0")
    if value is None or tolerance is None:
        text = f"{whole[0].text} {whole[0].tolerance}".strip()
        raise SkippedRecord("bad_key", N_("标准答案“%(text)s”不是一个数") % {"text": text[:20]})
    key = {"value": json_number(value), "tolerance": json_number(abs(tolerance)), "unit": unit}
    return ItemContent("numeric", stem, key=key)


def match_content(stem: str, pairs: Sequence[tuple[str, str]], listed: Sequence[str] = ()) -> ItemContent:
    """Return a matching item of pairs of HTML; an empty first half gives an entry of the second column alone.

    `listed` holds the places of the second halves in their column, where the file says them.
    """
    left = [one for one in pairs if has_substance(one[0])]
    right = list(dict.fromkeys(two for _, two in _by_place(pairs, listed) if has_substance(two)))
    if len(left) > len(LETTERS) or len(right) > len(LETTERS):
        raise SkippedRecord("too_many_choices", N_("选项超过 26 个"))
    choices = tuple(Choice(LETTERS[place], one) for place, (one, _) in enumerate(left))
    targets = tuple(Choice(str(place), two) for place, two in enumerate(right, 1))
    number = {two: str(place) for place, two in enumerate(right, 1)}
    if any(two not in number for _, two in left):
        raise SkippedRecord("no_key", N_("匹配题有一项没有对应的答案"))
    key = {"pairs": sorted([choice.id, number[two]] for choice, (_, two) in zip(choices, left, strict=True))}
    return ItemContent("matching", stem, choices, key, targets=targets)


def _by_place(pairs: Sequence[tuple[str, str]], listed: Sequence[str]) -> list[tuple[str, str]]:
    if len(listed) != len(pairs) or not all(one.isdigit() and len(one) < 4 for one in listed):
        return list(pairs)
    return [pair for _, pair in sorted(zip(map(int, listed), pairs, strict=True), key=lambda entry: entry[0])]


def with_method(content: ItemContent) -> ItemContent:
    """Return a content that names the scoring method it has by default, where no rule was read."""
    if content.scoring.get("weights") or content.scoring.get("method"):
        return content
    methods = registry.get(content.type).scoring_methods
    return replace(content, scoring={"method": next(iter(methods)), **content.scoring})


def feedback_lines(labels: Sequence[str], answers: Sequence[Answer]) -> list[str]:
    """Return what is said to single answers, as HTML lines for the explanation."""
    said = zip(labels, answers, strict=True)
    return [f"{from_plain(label)}：{one.feedback}" for label, one in said if has_substance(one.feedback)]


# --- the other way ---------------------------------------------------------------------------------------------------


def fractions_of(content: ItemContent) -> list[Decimal]:
    """Return the share of each option, which scores as the item's rule does or as near to it as Moodle comes."""
    weights = content.scoring.get("weights")
    key = [content.key] if isinstance(content.key, str) else list(content.key or ())
    if isinstance(weights, dict) and weights:
        shares = [Decimal(str(weights.get(choice.id, 0))) for choice in content.choices]
        is_cut = isinstance(content.key, str) and content.scoring.get("allow_negative") is not True
        return [max(share, Decimal(0)) for share in shares] if is_cut else shares
    if len(key) == 1:
        return [WHOLE if choice.id in key else Decimal(0) for choice in content.choices]
    share = (WHOLE / max(len(key), 1)).quantize(Decimal("0.0000001"))
    return [share if choice.id in key else Decimal(-1) for choice in content.choices]


def percent(fraction: Decimal) -> str:
    """Return a share as a percentage, as Moodle writes it."""
    return decimal_text(fraction * 100)
