"""A judged statement that says two things."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule, length

_SPLIT = re.compile(r"[；;]|。(?=.)|，\s*(?:并且|而且|同时|但是?|而(?!不|非)|却|反之|另外|此外)")
_LEAST = 6
_ENUMERATION = re.compile(r"（[一二三四1-9]）|[①②③]|\b[1-9]、|虽然|尽管|虽|不仅|不但|无论|不管")


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at a statement whose parts could be judged one by one."""
    if not text.is_judgement or _ENUMERATION.search(text.stem):
        return
    parts = [part for part in _SPLIT.split(text.stem) if length(part) >= _LEAST]
    if len(parts) >= 2:
        yield Hit("stem", N_("含有 %(n)s 个可以分别判断的说法：一半对一半错时无从作答"), {"n": len(parts)})


RULE = LintRule(
    id="two_propositions",
    title=N_("判断题含两个命题"),
    explanation=N_("一道判断题只判断一个命题。两个说法拆成两题，或把前提写成条件。"),
    bad=N_("熔断器用作短路保护，但热继电器不能用作过载保护。"),
    good=N_("热继电器可用作电动机的过载保护。"),
    check=check,
    basis=N_("判断题命题要求：只含一个命题"),
)
