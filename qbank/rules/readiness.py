"""May an outline be published? The reasons against it, each in a sentence that says where to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from kernel.i18n import N_
from qbank.rules.figures import show_number
from qbank.rules.findings import Finding, error, warning
from qbank.rules.outline import FULL_WEIGHT, OutlineTree, ScopeNode
from qbank.rules.weights import WeightLine, check_weights, compare_with_outline


def check_level(tree: OutlineTree, lines: Sequence[WeightLine]) -> list[Finding]:
    """Return everything that stands against publishing or wants to be read before."""
    found = [*_check_points(tree), *_check_scopes(tree), *_check_total(tree)]
    if not lines:
        return [*found, warning(N_("没有权重表，无法核对细目表与标准是否一致"))]
    return [*found, *check_weights(lines), *compare_with_outline(lines, tree)]


def check_outline(tree: OutlineTree) -> list[Finding]:
    """Return what an outline alone shows, without its weight table."""
    return [*_check_points(tree), *_check_scopes(tree), *_check_total(tree)]


def _check_points(tree: OutlineTree) -> Iterator[Finding]:
    if not tree.n_points:
        yield error(N_("还没有鉴定点"))
    elif not tree.importance_counts.core:
        yield warning(N_("没有一个鉴定点是核心（X）"))
    for scope in tree.walk():
        names = Counter(point.row.name for point in scope.points)
        for name, n in names.items():
            if n > 1:
                yield warning(N_("%(code)s 内有 %(n)s 个鉴定点同名：%(name)s"), code=scope.full_code, n=n, name=name)


def _check_scopes(tree: OutlineTree) -> Iterator[Finding]:
    for scope in tree.walk():
        if not scope.scopes and not scope.points:
            yield error(N_("鉴定范围 %(code)s %(name)s 没有鉴定点"), code=scope.full_code, name=scope.row.name)
        if lacking := _without_weight(scope):
            yield error(N_("鉴定范围 %(codes)s 没有鉴定比重"), codes="、".join(lacking))
    roots = [scope for scope in tree.scopes if scope.weight_percent is None]
    if roots and len(roots) < len(tree.scopes):
        yield error(N_("鉴定范围 %(codes)s 没有鉴定比重"), codes="、".join(scope.full_code for scope in roots))


def _without_weight(scope: ScopeNode) -> list[str]:
    """Return the children without weight of a scope whose other children have one."""
    if not scope.has_weighted_children:
        return []
    return [child.full_code for child in scope.scopes if child.weight_percent is None]


def _check_total(tree: OutlineTree) -> Iterator[Finding]:
    total = tree.weight_percent
    if total is None:
        if tree.scopes:
            yield error(N_("没有填写鉴定比重"))
    elif total != FULL_WEIGHT:
        yield error(N_("鉴定比重合计 %(total)s，应为 100"), total=show_number(total))
