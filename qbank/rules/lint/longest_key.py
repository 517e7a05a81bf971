"""The key as the one long option."""

from __future__ import annotations

from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule, length

RATIO = 1.6
LEAST_MORE = 6
"""By how many signs the key must exceed the next option, so that two short words do not count."""


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at a single key that is clearly longer than every other option."""
    keys, others = text.key_texts, text.distractors
    if not text.is_choice or len(keys) != 1 or len(others) < 2:
        return
    key, longest = length(keys[0]), max(map(length, others))
    if key >= longest * RATIO and key - longest >= LEAST_MORE:
        params = {"key": key, "other": longest}
        yield Hit("choices", N_("正确项 %(key)s 字，其他选项最长 %(other)s 字：明显最长的往往是答案"), params)


RULE = LintRule(
    id="longest_key",
    title=N_("正确项明显最长"),
    explanation=N_(
        "命题人常把正确项写得最完整，考生据此猜题。让各选项的长度和详略相近：精简正确项，或把干扰项写得同样具体。"
    ),
    bad=N_("A.水　B.沙子　C.切断电源后用二氧化碳或干粉灭火器扑救　D.泡沫"),
    good=N_("A.用水直接扑救　B.用沙子覆盖　C.断电后用干粉灭火　D.用泡沫灭火"),
    check=check,
)
