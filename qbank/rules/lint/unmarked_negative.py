"""A stem that asks for what is wrong, without setting off the negative word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import BLANK, Hit, ItemText, LintContext, LintRule

_NEGATIVE = re.compile(
    r"(?P<word>不(?:正确|属于|包括|包含|符合|是|准确|恰当|适用|适合|宜|应|能|会|可|需要|需|必|得|允许|可以|可能|应该|妥|对|安全|合理|合格|一致|具备|具有|采用|影响)|错误|有误|除外|无需|无关|未包括|违反|违背)"
    r"(?:的|[㐀-鿿]{0,12}的)?(?:一[项个种]|选项|说法|做法|描述|行为|内容|叙述|表述)?(?:是|有|为|包括)?(?:哪[些个项种])?$"
)
_TAIL = re.compile(r"[\s:：，,。.？?；;、的]+$")


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at a negative word that decides what is asked and is not set off."""
    if not text.is_choice:
        return
    word = negative_word(text.stem)
    if word and word not in text.marked:
        yield Hit("stem", N_("题干问的是否定项，“%(word)s”没有加粗或加下划线，容易看漏"), {"word": word})


def negative_word(stem: str) -> str:
    """Return the negative word of what a stem asks for, nothing when it asks for what is right.

    Examples
    --------
    >>> negative_word("下列做法中，不正确的是（ ）。"), negative_word("不带电的金属外壳应（ ）。")
    ('不正确', '')
    """
    asked = BLANK.split(stem)
    before = asked[0] if len(asked) == 2 and len(_TAIL.sub("", asked[1])) <= 2 else stem if len(asked) == 1 else ""
    before = _TAIL.sub("", re.split(r"[。？?；;]", _TAIL.sub("", before))[-1])
    match = _NEGATIVE.search(re.split(r"[，,]", before)[-1])
    return match["word"] if match and _asks(before, match) else ""


def _asks(before: str, match: re.Match[str]) -> bool:
    """Say whether the negative word belongs to the demand (…不属于…的是) and not to the subject (不带电的外壳是)."""
    demand = re.compile(r"(?:下列|以下|下面|下述|哪|关于|有关|其中|中)")
    verbs = {
        "不属于",
        "不包括",
        "不包含",
        "不正确",
        "错误",
        "有误",
        "除外",
        "不符合",
        "无关",
        "不准确",
        "不恰当",
        "未包括",
    }
    return match["word"] in verbs or bool(demand.search(before))


RULE = LintRule(
    id="unmarked_negative",
    title=N_("否定题干没有标出"),
    explanation=N_("尽量从正面提问；确需问“不正确、不属于、错误”的，把否定词加粗或加下划线，避免考生因看漏而失分。"),
    bad=N_("下列做法中，不正确的是（　）。"),
    good=N_("下列做法中，【不正确】的是（　）。（“不正确”三字加粗）"),
    check=check,
)
