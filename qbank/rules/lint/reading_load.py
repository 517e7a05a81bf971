"""More to read than the item is worth."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.findings import Severity
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule, length

MOST_IN_STEM = 120
MOST_IN_STATEMENT = 80
MOST_IN_SENTENCE = 70
MOST_IN_OPTIONS = 200


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at long stems, long sentences and long sets of options of objective items."""
    if not (text.is_choice or text.is_judgement):
        return
    n, most = length(text.stem), MOST_IN_STATEMENT if text.is_judgement else MOST_IN_STEM
    sentence = max((length(part) for part in re.split(r"[。；;？?！!]", text.stem)), default=0)
    if n > most:
        yield Hit("stem", N_("题干 %(n)s 字，建议不超过 %(most)s 字"), {"n": n, "most": most})
    elif sentence > MOST_IN_SENTENCE:
        yield Hit(
            "stem",
            N_("最长的一句 %(n)s 字，建议不超过 %(most)s 字，可以断句"),
            {"n": sentence, "most": MOST_IN_SENTENCE},
        )
    total = sum(map(length, text.choices))
    if total > MOST_IN_OPTIONS:
        params = {"n": total, "most": MOST_IN_OPTIONS}
        yield Hit("choices", N_("各选项合计 %(n)s 字，建议不超过 %(most)s 字"), params)


RULE = LintRule(
    id="reading_load",
    title=N_("阅读量过大"),
    explanation=N_("客观题考的是职业知识，不是阅读速度。删去与作答无关的背景，长句断开，选项里重复的话移到题干。"),
    bad=N_("题干二百余字，叙述设备的来历，只在最后一句提问。"),
    good=N_("只保留作答所需的条件和数据。"),
    check=check,
    severity=Severity.NOTE,
)
