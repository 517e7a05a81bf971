"""A judged item that is no statement."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import BLANK, Hit, ItemText, LintContext, LintRule

_ASKS = re.compile(r"(?:[?？]|吗[。.]?|呢[。.]?|对不对[。.]?)$")
_PLACE_FOR_THE_KEY = re.compile(r"^\s*[（(]\s*[）)]|[（(]\s*[）)][。.?？；\s]*$|_{2,}[。.\s]*$|[（(]\s*$")


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at a judged item that asks, or that leaves a place open inside the sentence."""
    if not text.is_judgement:
        return
    inner = _PLACE_FOR_THE_KEY.sub("", text.stem).strip()
    if _ASKS.search(inner):
        yield Hit("stem", N_("判断题应是陈述句，不是问句"))
    elif BLANK.search(inner):
        yield Hit("stem", N_("判断题的句子中间留了空，不是完整的陈述"))


RULE = LintRule(
    id="judgement_form",
    title=N_("判断题不是陈述句"),
    explanation=N_("判断题是一个完整的陈述句，以句号结尾，考生判断其正误；不用问句，句中不留空。"),
    bad=N_("验电前要不要戴绝缘手套？"),
    good=N_("高压验电时应戴绝缘手套。"),
    check=check,
    basis=N_("判断题格式：一个完整的陈述句"),
)
