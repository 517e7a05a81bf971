"""Options that do not stand in one form: units, signs at the end, numbers beside words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule, length

_QUANTITY = re.compile(
    r"^[约±≤≥<>]?\s*-?\d+(?:\.\d+)?(?:\s*[~～至-]\s*-?\d+(?:\.\d+)?)?\s*([A-Za-zΩμ℃°%‰㐀-鿿/·²³]{0,6})$"
)
_ENDING = re.compile(r"[。；;.]$")


def check(text: ItemText, _context: LintContext) -> Iterator[Hit]:
    """Point at quantities of which some lack their unit, and at options of which some end like sentences."""
    if not text.is_choice or len(text.choices) < 3:
        return
    units = [match[1] if (match := _QUANTITY.match(one.strip())) else None for one in text.choices]
    known = [unit for unit in units if unit is not None]
    if len(known) == len(units) and "" in known and any(known) and not _is_zero(text.choices, known):
        bare_ones = "、".join(letter for letter, unit in zip(text.letters, units, strict=True) if unit == "")
        yield Hit("choices", N_("选项 %(letters)s 没有单位，其他选项有"), {"letters": bare_ones})
    ended = [bool(_ENDING.search(one)) for one in text.choices]
    if 0 < sum(ended) < len(ended) and all(length(one) >= 4 for one in text.choices):
        yield Hit("choices", N_("有的选项以句号或分号结尾，有的没有"))


def _is_zero(choices: tuple[str, ...], units: list[str]) -> bool:
    """Say whether all that lack a unit are plain zeros, which need none."""
    return all(option.strip() in {"0", "零"} for option, unit in zip(choices, units, strict=True) if unit == "")


RULE = LintRule(
    id="inconsistent_options",
    title=N_("选项的单位或形式不一致"),
    explanation=N_("一组选项应同类、同单位、同句式。形式与众不同的一项不是被当作答案，就是被当作凑数。"),
    bad=N_("A.5　B.10mm　C.15mm　D.20mm"),
    good=N_("A.5mm　B.10mm　C.15mm　D.20mm"),
    check=check,
)
