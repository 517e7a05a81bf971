"""Hold forms against a blueprint by plain counting; shares nothing with the code that finds them but the weight targets."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

from blueprints.assembly.blueprint import Blueprint, ShareRule
from blueprints.assembly.limits import MeanRule
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import Check, Wanted
from blueprints.assembly.text import Text, plain
from blueprints.assembly.verify_further import (
    anchor_ids,
    block_checks,
    check,
    further_checks,
    joint_checks,
    split_form,
)
from blueprints.assembly.weights import WeightTarget
from kernel.i18n import N_

INFORMATION_SLACK = Decimal("1e-9")
DEFAULT_SCORE = Decimal(1)

Form = Sequence[PoolItem]


def check_form(form: Form, blueprint: Blueprint, targets: Sequence[WeightTarget]) -> tuple[Check, ...]:
    """Return every rule of the blueprint held against one form.

    Parameters
    ----------
    form : sequence of PoolItem
        Its items.
    blueprint : Blueprint
        The rules.
    targets : sequence of WeightTarget
        The marks that weighted scopes must carry, rounded where percentages cannot be met exactly.
    """
    own, trial = split_form(form, blueprint)
    return (
        *_sizes(own, blueprint),
        *_weights(own, blueprint, targets),
        *_importance(own, blueprint),
        *_means(own, blueprint),
        *_levels(own, blueprint),
        *_cells(own, blueprint),
        *_points(own, blueprint),
        *_information(own, blueprint),
        *_bars(form, blueprint),
        *further_checks(own, blueprint),
        *block_checks(form, trial, blueprint),
    )


def check_assembly(forms: Sequence[Form], pool: Sequence[PoolItem], blueprint: Blueprint) -> tuple[str, ...]:
    """Return the names of rules broken between items or forms: repeats, enemies, split sets, overlap."""
    broken = []
    for form in forms:
        ids = {item.id for item in form}
        if len(ids) != len(form):
            broken.append("repeated_item")
        if any(enemy in ids for item in form for enemy in item.enemies):
            broken.append("enemies")
        if _split_sets(form, pool):
            broken.append("sets")
    fixed = anchor_ids(blueprint)
    id_sets = [{item.id for item in form} - fixed for form in forms]
    if any(len(first & second) > blueprint.max_overlap for first, second in combinations(id_sets, 2)):
        broken.append("max_overlap")
    return tuple(broken)


def check_together(forms: Sequence[Form], pool: Sequence[PoolItem], blueprint: Blueprint) -> tuple[Check, ...]:
    """Return the rules on several forms together, held against the forms of one assembly in their order.

    Parameters
    ----------
    forms : sequence of forms
        All forms of the assembly.
    pool : sequence of PoolItem
        What they were drawn from: it says which points there are and what stood in earlier forms.
    blueprint : Blueprint
        The rules.
    """
    return joint_checks(forms, pool, blueprint)


def marks(item: PoolItem, blueprint: Blueprint) -> Decimal:
    """Return what the item is worth under the blueprint."""
    each = blueprint.score_by_type.get(item.type)
    if each is not None:
        return each
    return DEFAULT_SCORE if item.score is None else item.score


def information(item: PoolItem, theta: float) -> float:
    """Return the item's Fisher information (2PL or 3PL, D = 1); 0 without parameters."""
    if item.a is None or item.b is None:
        return 0.0
    guess = item.c or 0.0
    exponent = max(-500.0, min(500.0, -item.a * (theta - item.b)))
    p = guess + (1 - guess) / (1 + math.exp(exponent))
    if p in (0.0, 1.0) or guess == 1:
        return 0.0
    return item.a**2 * ((1 - p) / p) * ((p - guess) / (1 - guess)) ** 2


def _exact(value: int) -> Wanted:
    return Decimal(value), Decimal(value)


def _sizes(form: Form, blueprint: Blueprint) -> Iterator[Check]:
    yield check("n_items", _exact(blueprint.n_items), Decimal(len(form)), Text(N_("总题数")))
    count = Counter(item.type for item in form)
    for rule in blueprint.types:
        text = Text(N_("题型 %(type)s 的题数"), {"type": rule.type})
        wanted = Decimal(rule.count), Decimal(rule.high)
        yield check(f"types[{rule.type}]", wanted, Decimal(count[rule.type]), text)
    if blueprint.total_score is not None:
        total = sum((marks(item, blueprint) for item in form), Decimal(0))
        yield check("total_score", (blueprint.total_score, blueprint.total_score), total, Text(N_("总分")))


def _weights(form: Form, blueprint: Blueprint, targets: Sequence[WeightTarget]) -> Iterator[Check]:
    inside = _by_scope(form) if targets else {}
    for target in targets:
        got = sum((marks(item, blueprint) for item in inside.get(target.scope, ())), Decimal(0))
        wanted = _decimal(target.low), _decimal(target.high)
        yield check(f"weights[{target.scope}]", wanted, got, _weight_text(target, got, blueprint))


def _weight_text(target: WeightTarget, got: Decimal, blueprint: Blueprint) -> Text:
    total = blueprint.full_score or Decimal(1)
    values = {
        "scope": target.scope, "percent": plain(target.percent), "got": plain(got * 100 / total),
        "off": plain(got * 100 / total - target.percent),
    }  # fmt: skip
    if target.is_rounded:
        template = N_("范围 %(scope)s 应占 %(percent)s%%，不能整除，按最大余数法取整，实占 %(got)s%%，偏差 %(off)s%%")
        return Text(template, values)
    return Text(N_("范围 %(scope)s 应占 %(percent)s%%，实占 %(got)s%%"), values)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _importance(form: Form, blueprint: Blueprint) -> Iterator[Check]:
    for rule in blueprint.importance:
        count = sum(1 for item in form if item.importance == rule.letter)
        text = Text(N_("重要程度 %(letter)s 的题数"), {"letter": rule.letter})
        yield check(f"importance[{rule.letter}]", _share_bounds(rule, blueprint.n_items), Decimal(count), text)


def _share_bounds(rule: ShareRule, n_items: int) -> Wanted:
    low = None if rule.low is None else rule.low * n_items
    return low, None if rule.high is None else rule.high * n_items


def _means(form: Form, blueprint: Blueprint) -> Iterator[Check]:
    levels = [Decimal(item.difficulty or 0) for item in form]
    values = [Decimal(str(round(item.p_value or 0.0, 6))) for item in form]
    if blueprint.difficulty_mean is not None:
        yield _mean("difficulty[mean]", blueprint.difficulty_mean, levels, Text(N_("平均难度")))
    if blueprint.p_value_mean is not None:
        yield _mean("p_value[mean]", blueprint.p_value_mean, values, Text(N_("平均通过率")))


def _mean(name: str, rule: MeanRule, values: Sequence[Decimal], text: Text) -> Check:
    total, count = sum(values, Decimal(0)), max(1, len(values))
    low, high = rule.target - rule.tolerance, rule.target + rule.tolerance
    met = low * count <= total <= high * count
    return Check(name, (low, high), total / count, met, text)


def _levels(form: Form, blueprint: Blueprint) -> Iterator[Check]:
    count = Counter(item.difficulty for item in form)
    for rule in blueprint.difficulty_counts:
        text = Text(N_("难度 %(level)s 的题数"), {"level": rule.level})
        wanted = Decimal(rule.low), Decimal(rule.high)
        yield check(f"difficulty[{rule.level}]", wanted, Decimal(count[rule.level]), text)


def _cells(form: Form, blueprint: Blueprint) -> Iterator[Check]:
    inside = _by_scope(form) if blueprint.cells else {}
    for rule in blueprint.cells:
        near = inside.get(rule.scopes[0], []) if len(rule.scopes) == 1 else form
        count = sum(1 for item in near if rule.holds(item))
        text = Text(N_("单元 %(cell)s 的题数"), {"cell": rule.name})
        yield check(f"cells[{rule.name}]", (Decimal(rule.low), Decimal(rule.high)), Decimal(count), text)


def _by_scope(form: Form) -> dict[str, list[PoolItem]]:
    """Return the items in each scope that holds any."""
    inside: dict[str, list[PoolItem]] = {}
    for item in form:
        parts = item.point.split("-")
        for depth in range(1, len(parts) + 1):
            inside.setdefault("-".join(parts[:depth]), []).append(item)
    return inside


def _points(form: Form, blueprint: Blueprint) -> Iterator[Check]:
    if blueprint.max_per_point is not None:
        most = max(Counter(item.point for item in form).values(), default=0)
        text = Text(N_("同一鉴定点的最多题数"))
        yield check("max_per_point", (None, Decimal(blueprint.max_per_point)), Decimal(most), text)


def _information(form: Form, blueprint: Blueprint) -> Iterator[Check]:
    for rule in blueprint.information:
        got = Decimal(str(math.fsum(information(item, rule.theta) for item in form)))
        slack = Decimal(str(rule.tolerance)) if rule.tolerance is not None else None
        target = Decimal(str(rule.target))
        wanted = (target, None) if slack is None else (target - slack, target + slack)
        met = (got >= (wanted[0] or 0) - INFORMATION_SLACK) and (
            wanted[1] is None or got <= wanted[1] + INFORMATION_SLACK
        )
        text = Text(N_("能力 %(theta)s 处的信息量"), {"theta": plain(rule.theta)})
        yield Check(f"information[{plain(rule.theta)}]", wanted, got, met, text)


def _bars(form: Form, blueprint: Blueprint) -> Iterator[Check]:
    fixed = anchor_ids(blueprint)
    drawn = [item for item in form if item.id not in fixed]
    if blueprint.exclude or blueprint.limits.exclude_sets:
        sets = blueprint.limits.exclude_sets
        count = sum(1 for item in drawn if item.id in blueprint.exclude or item.item_set in sets)
        yield check("exclude", _exact(0), Decimal(count), Text(N_("被排除的题数")))
    if blueprint.max_n_used is not None:
        most = max((item.n_used for item in drawn), default=0)
        text = Text(N_("题目已使用次数的最大值"))
        yield check("exposure", (None, Decimal(blueprint.max_n_used)), Decimal(most), text)


def _split_sets(form: Form, pool: Sequence[PoolItem]) -> bool:
    chosen = Counter(item.item_set for item in form if item.item_set)
    if not chosen:
        return False
    whole = Counter(item.item_set for item in pool if item.item_set in chosen)
    return chosen != whole
