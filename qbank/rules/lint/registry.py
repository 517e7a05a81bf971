"""All rules in the order of the catalogue, and their verdict on an item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from item_templates.contract import ItemContent
from qbank.rules.lint import (
    abbreviations,
    absolute_words,
    all_or_none,
    clue_words,
    inconsistent_options,
    judgement_form,
    key_balance,
    longest_key,
    missing_basis,
    missing_blank,
    reading_load,
    sensitive_words,
    similar_options,
    two_propositions,
    typing_slips,
    unmarked_negative,
)
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule

RULES: tuple[LintRule, ...] = (
    absolute_words.RULE,
    unmarked_negative.RULE,
    all_or_none.RULE,
    longest_key.RULE,
    clue_words.RULE,
    similar_options.RULE,
    inconsistent_options.RULE,
    missing_blank.RULE,
    judgement_form.RULE,
    two_propositions.RULE,
    missing_basis.RULE,
    reading_load.RULE,
    abbreviations.RULE,
    sensitive_words.RULE,
    typing_slips.RULE,
)
BY_ID = {rule.id: rule for rule in RULES}
SET_RULE = LintRule(
    id=key_balance.ID,
    title=key_balance.TITLE,
    explanation=key_balance.EXPLANATION,
    bad=key_balance.BAD,
    good=key_balance.GOOD,
    check=lambda _text, _context: (),
    severity=key_balance.SEVERITY,
)
"""The one rule that looks at a set of items; `key_balance.findings` applies it."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A rule's word about an item."""

    rule: LintRule
    hit: Hit


def lint(
    content: ItemContent, context: LintContext | None = None, rules: Iterable[LintRule] = RULES
) -> list[LintFinding]:
    """Return what the rules say about an item and the items it holds.

    Examples
    --------
    >>> [one.rule.id for one in lint(ItemContent("true_false", "所有电动机都必须接地。", key=True))]
    ['absolute_words']
    """
    known = context or LintContext()
    text = ItemText(content)
    found = [LintFinding(rule, hit) for rule in rules for hit in rule.check(text, known)]
    for place, child in enumerate(content.items):
        found += [_of_child(one, place) for one in lint(child, known, rules)]
    return found


def _of_child(one: LintFinding, place: int) -> LintFinding:
    return replace(one, hit=replace(one.hit, place=f"items-{place}-{one.hit.place}"))


def count_by_rule(findings: Iterable[Sequence[LintFinding]]) -> Counter[str]:
    """Return in how many items each rule has a hit."""
    counted: Counter[str] = Counter()
    for of_item in findings:
        counted.update({one.rule.id for one in of_item})
    return counted
