"""Absolute words: a trained candidate takes them for the sign of a false statement."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule

_ABSOLUTE = re.compile(
    r"总是|从不|从来|永远|绝对(?!值|压|温|湿|误差|编码|坐标|定位|零|高度|湿度|位置|尺寸|安全|粘度|黏度)|必定|必然(?!性|趋势)|毫无|无论如何|"
    r"完全(?!燃烧|性|竞争)|一概|一律|绝不|决不|肯定|(?<!不)一定(?!的|工作|质量|程度|数量|量|压力|温度|范围|条件|时间|时|距离|角度|比例|高度|浓度|间隔|规律|期限|规模|方式|深度|值|顺序|影响|厚度|宽度|长度|强度|速度|周期|作用|危险|能力|方向)"
    r"|所有的?(?!权|者|制|人|权人)|任何(?!单位|个人|组织|部门|企业)|每一[个项种]|全都|唯一"
)

_DENIED = re.compile(r"(?:不|非|未必|未能|没有|不能|不可能)$")


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at absolute words of a judged statement, and at those that only wrong options have."""
    if text.is_judgement:
        if words := found(text.stem):
            yield Hit("stem", N_("判断题用了绝对化的词“%(words)s”，容易被当作答案的暗示"), {"words": "、".join(words)})
    elif text.is_choice and not any(found(one) for one in text.key_texts):
        for letter, option, is_key in zip(text.letters, text.choices, text.keyed, strict=True):
            if not is_key and (words := found(option)):
                params = {"letter": letter, "words": "、".join(words)}
                yield Hit("choices", N_("干扰项 %(letter)s 用了绝对化的词“%(words)s”，正确项没有，容易被排除"), params)


def found(text: str) -> list[str]:
    """Return the absolute words of a text.

    Examples
    --------
    >>> found("所有电气设备在任何情况下都必须接地"), found("应留有一定的间隙"), found("燃烧不完全")
    (['所有', '任何'], [], [])
    """
    spots = (match for match in _ABSOLUTE.finditer(text) if not _DENIED.search(text[: match.start()]))
    return list(dict.fromkeys(match[0] for match in spots))


RULE = LintRule(
    id="absolute_words",
    title=N_("绝对化的词"),
    explanation=N_(
        "“总是、从不、所有、任何、一定、完全”等词往往提示该说法错误，考生不懂内容也能猜对。改为写明条件的陈述，或让对错两类题都不用这类词。"
    ),
    bad=N_("判断：所有电气设备在任何情况下都必须停电检修。"),
    good=N_("判断：检修低压配电柜前，应停电、验电并悬挂标示牌。"),
    check=check,
    basis=N_("判断题命题要求：避免绝对化用语"),
)
