"""A stem that invokes a regulation without naming it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule

_INVOKED = re.compile(
    r"(?<!不)(?<!未)(?:按照?|根据|依据|依照|遵照)(?:国家|行业|企业|安全|有关|相关|现行|法律|法规|规程|规范|标准|技术|操作|部门|管理|的|和|及|、)*规定"
)
_NAMED = re.compile(
    r"《[^》]+》|\b(?:GB|DL|JB|HG|SY|AQ|TSG|JGJ|YB|QB|ISO|IEC)(?:/[TZ])?\s*-?\d|第[一二三四五六七八九十百\d]+条"
    r"|[㐀-鿿]{1,12}(?:法|条例|规程|规范|规则|办法|细则|安规)的?(?:有关|相关)?(?:规定|要求)"
)


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at 按规定 and its like when no document is named."""
    match = _INVOKED.search(text.stem)
    if match and not _NAMED.search(text.stem):
        yield Hit("stem", N_("写了“%(words)s”，没有写明是哪一个文件，标准更新后无法核对"), {"words": match[0]})


RULE = LintRule(
    id="missing_basis",
    title=N_("没有写明依据"),
    explanation=N_("涉及规定、限值的题目写明文件名称（必要时写条款号），以便审题时核对，标准修订时找到受影响的题。"),
    bad=N_("按照有关规定，接地电阻每年至少测量（　）次。"),
    good=N_("按照《电力设备预防性试验规程》，该接地装置的接地电阻每（　）年测量一次。"),
    check=check,
)
