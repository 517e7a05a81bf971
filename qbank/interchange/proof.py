"""Read back what was just written: whatever is not the same is named, so that no format loses anything silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from item_templates import registry
from item_templates.canonical import item_to_json
from item_templates.checks import as_decimal
from item_templates.contract import CanonicalItem, Interaction, ItemContent, Outcome, Severity
from item_templates.rounding import decimal_text
from kernel.i18n import N_
from qbank.interchange.interpret import interpret
from qbank.interchange.model import Notice, ReadResult

FIELD_WORDS = {
    "id": N_("编号"), "type": N_("题型"), "stem": N_("题干"), "choices": N_("选项"), "targets": N_("第二列"),
    "key": N_("答案"), "explanation": N_("解析"), "rubric": N_("评分要点"), "points": N_("鉴定点"),
    "difficulty": N_("难度"), "score": N_("分值"), "scoring": N_("评分方式"), "media": N_("图片"),
    "source": N_("来源"), "metadata": N_("附加信息"), "items": N_("小题"), "parameters": N_("参数"),
    "stimulus": N_("材料"),
}  # fmt: skip


def losses_of(written: Sequence[tuple[str, CanonicalItem]], found: ReadResult, label: str) -> list[Notice]:
    """Return what differs between items and what a reader makes of the file they were written to, by its locators."""
    report = interpret(found)
    back = {one.locator: one.item for one in report.items}
    refused = {one.locator: one.message for one in report.skipped}
    notices: list[Notice] = []
    for locator, item in written:
        got = back.get(locator)
        if got is None:
            notices.append(_unread(item, refused.get(locator, ""), label))
        else:
            notices += [_loss(item, name, label) for name in unlike(item, got)]
    return notices


def _unread(item: CanonicalItem, reason: str, label: str) -> Notice:
    message = N_("写成 %(format)s 后不能作为完整的试题读回：%(reason)s")
    return Notice(f"item {item.id}", "read_back", message % {"format": label, "reason": reason})


def _loss(item: CanonicalItem, name: str, label: str) -> Notice:
    message = N_("%(format)s 不能完整保存%(field)s") % {"format": label, "field": FIELD_WORDS.get(name, name)}
    return Notice(f"item {item.id}", name, message)


def unlike(one: CanonicalItem, other: CanonicalItem) -> list[str]:
    """Return the fields of the item format in which two items differ; scoring rules are compared by what they mean."""
    left, right = _comparable(one), _comparable(other)
    return [name for name in {**left, **right} if left.get(name) != right.get(name)]


def _comparable(item: CanonicalItem) -> dict[str, Any]:
    body = item_to_json(item)
    return {**body, "scoring": scoring_meaning(item.content)}


def scoring_meaning(content: ItemContent) -> dict[str, Any]:
    """Return a scoring rule without what changes nothing: the default method, weights of zero, marks that are cut off."""
    rule = dict(content.scoring)
    item_type = registry.get(content.type)
    if rule.get("weights"):
        rule.pop("method", None)
        rule["weights"] = _weights(content, rule["weights"])
        return {name: value for name, value in rule.items() if value is not False}
    rule.pop("weights", None)
    rule.pop("allow_negative", None)
    if item_type.interaction is Interaction.EXTENDED_TEXT and is_automatic(content):
        rule["method"] = "exact"
    if rule.get("method") == next(iter(item_type.scoring_methods)):
        del rule["method"]
    return {name: value for name, value in rule.items() if value is not False}


def is_automatic(content: ItemContent) -> bool:
    """Say whether a text answer is scored by its accepted strings alone, without a person."""
    if not content.key or content.rubric:
        return False
    strange = registry.get(content.type).score(content, ["\ufdd0"], Decimal(1))
    return strange.outcome is Outcome.WRONG


def _weights(content: ItemContent, weights: Mapping[str, Any]) -> dict[str, str]:
    numbers = {name: as_decimal(value) or Decimal(0) for name, value in weights.items()}
    is_cut = isinstance(content.key, str) and content.scoring.get("allow_negative") is not True
    return {name: decimal_text(n) for name, n in sorted(numbers.items()) if n > 0 or (n < 0 and not is_cut)}


def refusal(content: ItemContent, label: str) -> str:
    """Return why a format of questions without variables cannot carry a content at all; empty when it may."""
    if content.parameters:
        return N_("%(format)s 不能保存由变量生成的题目，本题未写出") % {"format": label}
    errors = [one for one in registry.get(content.type).validate(content) if one.severity is Severity.ERROR]
    if errors:
        return N_("本题还不完整，未写出：%(reason)s") % {"reason": errors[0].message}
    return ""
