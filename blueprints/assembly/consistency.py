"""Contradictions inside a blueprint that no pool could mend."""

from __future__ import annotations

from decimal import Decimal

from blueprints.assembly.blueprint import Blueprint, WeightRule
from blueprints.assembly.result import ConflictRule
from blueprints.assembly.text import Text, plain
from blueprints.assembly.weights import parent_scope
from kernel.i18n import N_


def contradictions(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    """Return the rules of the first contradiction in the blueprint's own numbers, or nothing.

    Checked: type counts add up to the number of items, their scores to the total score; weights can be turned into
    marks; the weights inside a scope do not exceed the scope's own.
    """
    return _counts(blueprint) or _scores(blueprint) or _base(blueprint) or _tree(blueprint)


def _types(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    template = N_("题型 %(type)s 需要 %(count)s 题，每题 %(score)s 分")
    return tuple(
        ConflictRule(
            f"types[{rule.type}]",
            Text(template, {"type": rule.type, "count": rule.count, "score": plain(rule.score_each or Decimal(1))}),
        )
        for rule in blueprint.types
    )


def _counts(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    total = sum(rule.count for rule in blueprint.types)
    if total == blueprint.n_items:
        return ()
    text = Text(
        N_("总题数为 %(wanted)s，各题型题数之和为 %(got)s，应当相等"), {"wanted": blueprint.n_items, "got": total}
    )
    return (ConflictRule("n_items", text), *_types(blueprint))


def _scores(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    parts = [rule.count * rule.score_each for rule in blueprint.types if rule.score_each is not None]
    total = sum(parts, Decimal(0))
    open_ended = len(parts) < len(blueprint.types)
    wanted = blueprint.total_score
    if wanted is None or total == wanted or (open_ended and total <= wanted):
        return ()
    text = Text(
        N_("总分为 %(wanted)s，各题型分数之和为 %(got)s，应当相等"), {"wanted": plain(wanted), "got": plain(total)}
    )
    return (ConflictRule("total_score", text), *_types(blueprint))


def _base(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    if not blueprint.weights or blueprint.full_score:
        return ()
    text = Text(N_("有比重要求时须写明 total_score，或给每种题型写明 score_each，且总分不为零"))
    return (ConflictRule("total_score", text),)


def _tree(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    scopes = [rule.scope for rule in blueprint.weights]
    by_scope = {rule.scope: rule for rule in blueprint.weights}
    families: dict[str | None, list[WeightRule]] = {}
    for rule in blueprint.weights:
        families.setdefault(parent_scope(rule.scope, scopes), []).append(rule)
    for parent, rules in families.items():
        limit = Decimal(100) if parent is None else by_scope[parent].percent + blueprint.weight_tolerance_percent
        broken = _too_much(rules, limit, blueprint.weight_tolerance_percent)
        if broken:
            whole = (_weight(by_scope[parent]),) if parent is not None else ()
            return (*whole, *(_weight(rule) for rule in broken))
    return ()


def _too_much(rules: list[WeightRule], limit: Decimal, tolerance: Decimal) -> list[WeightRule]:
    """Return the fewest weights whose least values exceed the limit, or nothing."""
    total, chosen = Decimal(0), []
    for rule in sorted(rules, key=lambda entry: (-entry.percent, entry.scope)):
        chosen.append(rule)
        total += max(Decimal(0), rule.percent - tolerance)
        if total > limit:
            return chosen
    return []


def _weight(rule: WeightRule) -> ConflictRule:
    text = Text(N_("范围 %(scope)s 占总分 %(percent)s%%"), {"scope": rule.scope, "percent": plain(rule.percent)})
    return ConflictRule(f"weights[{rule.scope}]", text)
