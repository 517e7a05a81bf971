"""Options that stand for the others: all of the above, none of the above, A and B."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule

_ALL_OR_NONE = re.compile(
    r"^(?:以上|上述|前面|前述|三者|两者|二者|四者|全部|都|均|皆)[^，。；]{0,6}?(?:都|均|全|皆|不)?(?:是|对|正确|错|错误|可以|可|不是|不对|不正确|有|包括|符合|需要)[。.]?$"
    r"|^(?:以上|上述)(?:都|均|全|皆|三[项种者]|[两二四]者|答案)?[^，。；]{0,8}$"
    r"|^(?:都|均|全部?|皆)(?:不)?(?:是|对|正确|可以|可|行)[。.]?$"
    r"|^[A-E](?:\s*[、，,和与及或+]\s*[A-E])+\s*(?:都|均|全|皆)?(?:是|对|正确|不对|不是|可以)?[。.]?$"
)


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at each such option."""
    if not text.is_choice:
        return
    for letter, option in zip(text.letters, text.choices, strict=True):
        if stands_for_others(option):
            params = {"letter": letter, "option": option[:30]}
            yield Hit(
                "choices", N_("选项 %(letter)s“%(option)s”代指其他选项：选项不能打乱，会判断两项就能猜出答案"), params
            )


def stands_for_others(option: str) -> bool:
    """Say whether an option stands for other ones.

    Examples
    --------
    >>> [stands_for_others(one) for one in ("以上都是", "A和B", "都不对", "以上电压等级的设备须接地")]
    [True, True, True, False]
    """
    return bool(_ALL_OR_NONE.match(option.strip()))


RULE = LintRule(
    id="all_or_none",
    title=N_("以上都是、以上都不是"),
    explanation=N_(
        "“以上都对、都不是、A和B”使选项不能打乱次序；考生能确认两项或否定一项就猜得出答案。改为多选题，或写出独立的第四项。"
    ),
    bad=N_("A.断电　B.验电　C.挂牌　D.以上都是"),
    good=N_("（多选）停电检修前应做的有：A.断电　B.验电　C.挂牌　D.测量噪声"),
    check=check,
)
