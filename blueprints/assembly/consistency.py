"""Contradictions inside a blueprint that no pool could mend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from blueprints.assembly.blueprint import Blueprint, WeightRule
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import ConflictRule
from blueprints.assembly.text import Text, plain, plain_range
from blueprints.assembly.weights import parent_scope
from kernel.i18n import N_


def contradictions(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    """Return the rules of the first contradiction in the blueprint's own numbers, or nothing.

    Checked: type counts add up to the number of items, their scores to the total score; weights can be turned into
    marks; the weights inside a scope do not exceed the scope's own.
    """
    return _counts(blueprint) or _scores(blueprint) or _base(blueprint) or _tree(blueprint)


def misfits(blueprint: Blueprint, pool: Iterable[PoolItem]) -> tuple[ConflictRule, ...]:
    """Return the rules that name items as the pool cannot give them: anchors missing, barred, hostile or torn from a set."""
    anchor = blueprint.limits.anchor
    if anchor is None:
        return ()
    by_id = {item.id: item for item in pool}
    wrong = list(_wrong_anchors(anchor.items, by_id, blueprint))
    return tuple(ConflictRule("anchor", text) for text in wrong)


def _wrong_anchors(ids: Sequence[str], by_id: Mapping[str, PoolItem], blueprint: Blueprint) -> Iterator[Text]:
    fixed = frozenset(ids)
    torn = {item.item_set for item in by_id.values() if item.item_set and item.id not in fixed}
    for name in ids:
        item = by_id.get(name)
        if item is None:
            yield Text(N_("锚题 %(id)s 不在题库中，请从锚题中去掉或先启用"), {"id": name})
        elif name in blueprint.exclude or item.item_set in blueprint.limits.exclude_sets:
            yield Text(N_("锚题 %(id)s 又在排除之列，请去掉一处"), {"id": name})
        elif item.item_set in torn:
            yield Text(N_("锚题 %(id)s 所在的共用题干“%(set)s”须整组列为锚题"), {"id": name, "set": item.item_set})
        elif not fixed.isdisjoint(item.enemies):
            yield Text(N_("锚题 %(id)s 与另一道锚题互斥，请去掉其中一道"), {"id": name})


def _types(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    template = N_("题型 %(type)s 需要 %(count)s 题，每题 %(score)s 分")
    return tuple(
        ConflictRule(
            f"types[{rule.type}]",
            Text(
                template,
                {
                    "type": rule.type,
                    "count": plain_range(rule.count, rule.high),
                    "score": plain(rule.score_each or Decimal(1)),
                },
            ),
        )
        for rule in blueprint.types
    )


def _counts(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    total, most = sum(rule.count for rule in blueprint.types), sum(rule.high for rule in blueprint.types)
    if total <= blueprint.n_items <= most:
        return ()
    text = Text(
        N_("总题数为 %(wanted)s，各题型题数之和为 %(got)s，应当相等"),
        {"wanted": blueprint.n_items, "got": plain_range(total, most)},
    )
    return (ConflictRule("n_items", text), *_types(blueprint))


def _scores(blueprint: Blueprint) -> tuple[ConflictRule, ...]:
    parts = [rule.count * rule.score_each for rule in blueprint.types if rule.score_each is not None and not rule.most]
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
