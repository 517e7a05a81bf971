"""Words that the organisation does not want in its items."""

from __future__ import annotations

from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule


def check(text: ItemText, context: LintContext) -> Iterator[Hit]:
    """Point at each listed word with the organisation's advice."""
    folded = text.whole.casefold()
    for word, advice in context.sensitive_words.items():
        if word.casefold() not in folded:
            continue
        place = "stem" if word.casefold() in text.stem.casefold() else "choices"
        if advice:
            yield Hit(place, N_("出现本机构的敏感词“%(word)s”：%(advice)s"), {"word": word, "advice": advice})
        else:
            yield Hit(place, N_("出现本机构的敏感词“%(word)s”"), {"word": word})


RULE = LintRule(
    id="sensitive_words",
    title=N_("敏感词"),
    explanation=N_("由本机构维护的词表：过时的称谓、商业品牌、不宜出现的地名人名等，每个词可以写明应改为什么。"),
    bad=N_("（词表含“残废”，建议改为“残疾”）残废人员的就业保障……"),
    good=N_("残疾人员的就业保障……"),
    check=check,
)
