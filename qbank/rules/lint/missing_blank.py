"""A choice whose stem neither leaves a blank nor asks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import BLANK, Hit, ItemText, LintContext, LintRule

_ASKS = re.compile(
    r"[?？]|哪|什么|何|几|多少|谁|怎样|如何|怎么|[:：]$|(?:是|有|为|包括|应|要|属于|称为|叫做?|方法|原因|内容|步骤)$|正确的|错误的|选出|选择"
)


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at a stem that is a finished sentence without an open place."""
    if not text.is_choice or BLANK.search(text.stem) or "<img" in text.content.stem:
        return
    if not _ASKS.search(text.stem.rstrip("。.，, ")):
        yield Hit("stem", N_("题干没有留空“（　）”，也不是问句，看不出要选什么"))


RULE = LintRule(
    id="missing_blank",
    title=N_("选择题没有留空"),
    explanation=N_("选择题的题干用“（　）”标出要填的位置，或写成完整的问句。"),
    bad=N_("低压验电器适用于检验的电压。"),
    good=N_("低压验电器可检验的电压上限是（　）。"),
    check=check,
    basis=N_("单选题格式：题干中以“（　）”表示作答位置"),
)
