"""Slips of typing that any reader sees: doubled words and signs, brackets without their other half."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule

_DOUBLED = re.compile(
    r"(?<!目)的的(?!确|士)|了了(?!解)|是是|在在|和和(?!气|睦)|或或|为为|应应|[，。；：、！？]{2,}|,,|﻿|�|□{2,}"
)
_PAIRS = {"（": "）", "《": "》", "“": "”", "【": "】"}


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at slips in stem and options."""
    for field, part in [("stem", text.stem), *(("choices", one) for one in text.choices)]:
        if match := _DOUBLED.search(part.replace("……", "…")):
            yield Hit(
                field, N_("“%(words)s”像是多打了字或标点"), {"words": part[max(0, match.start() - 4) : match.end() + 4]}
            )
        elif sign := _unpaired(part):
            yield Hit(field, N_("“%(sign)s”没有成对"), {"sign": sign})


def _unpaired(part: str) -> str:
    text = part.replace("(", "（").replace(")", "）")
    if re.search(r"(?:^|\s)[1-9a-hA-H一二三四五六七八九]）", text):
        return ""
    return next((left for left, right in _PAIRS.items() if text.count(left) != text.count(right)), "")


RULE = LintRule(
    id="typing_slips",
    title=N_("多打的字、标点和不成对的括号"),
    explanation=N_("重复的字和标点、缺了一半的括号和引号多半是录入或格式转换留下的。"),
    bad=N_("变压器的的铁芯应（可靠接地。"),
    good=N_("变压器的铁芯应可靠接地。"),
    check=check,
)
