"""Words that stem and key share and no other option has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.all_or_none import stands_for_others
from qbank.rules.lint.model import BLANK, Hit, ItemText, LintContext, LintRule
from qbank.rules.lint.unmarked_negative import negative_word

SHORTEST = 3
_HAN = re.compile(r"[㐀-鿿]+")
_FRAME = re.compile(
    r"^[的和或与及是为在应有等时中上下并由对将]+|[的和或与及是为在应有等时中上下并由对将]+$|^(?:进行|必须|应当|可以|不得|规定|需要|主要)+$"
)


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at a run of characters that gives a single key away."""
    keys, others = text.key_texts, text.distractors
    if not text.is_choice or len(keys) != 1 or len(others) < 2:
        return
    if stands_for_others(keys[0]) or negative_word(text.stem) or any(one in text.stem for one in others):
        return
    shared = _FRAME.sub("", longest_shared(BLANK.sub(" ", text.stem), keys[0]))
    if len(shared) >= SHORTEST and not any(_hints(shared, one) for one in others):
        yield Hit("choices", N_("题干和正确项都有“%(words)s”，其他选项没有，等于提示了答案"), {"words": shared})


def _hints(shared: str, option: str) -> bool:
    """Say whether another option repeats the words too, or most of them."""
    return len(longest_shared(shared, option)) >= max(2, len(shared) - 1)


def longest_shared(one: str, other: str) -> str:
    """Return the longest run of Chinese characters that two texts share.

    Examples
    --------
    >>> longest_shared("热继电器用于电动机的保护", "过载时热继电器动作")
    '热继电器'
    """
    best = ""
    for run in _HAN.findall(other):
        for start in range(len(run)):
            while start + len(best) < len(run) and run[start : start + len(best) + 1] in one:
                best = run[start : start + len(best) + 1]
    return best


RULE = LintRule(
    id="clue_words",
    title=N_("题干与正确项用词相同"),
    explanation=N_("题干里的词只在正确项中再现，考生不懂也能凭字面选对。换一种说法，或让干扰项也用到同样的词。"),
    bad=N_("起过载保护作用的热继电器应（　）。A.串联熔断器　B.按热继电器的额定电流选择　C.并联电容　D.直接接地"),
    good=N_("起过载保护作用的热继电器，其整定电流一般取电动机（　）。A.额定电流　B.起动电流　C.空载电流　D.短路电流"),
    check=check,
)
