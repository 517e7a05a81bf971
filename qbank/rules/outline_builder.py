"""Collects scopes and points from the rows of a file, and keeps what was typed beside them for the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from kernel.i18n import N_
from qbank.rules.figures import read_ratio, show_number
from qbank.rules.findings import Finding, error, note, warning
from qbank.rules.outline import Importance, OutlineTree, PointRow, ScopeNode, ScopeRow, build_tree, next_code
from qbank.rules.standards import OutlineLayout


@dataclass(slots=True)
class DraftScope:
    """A scope as found so far; `key` is its path of codes."""

    key: str
    parent: str | None
    depth: int
    code: str
    name: str
    row: int
    weight: Decimal | None = None
    weight_row: int = 0
    ratio: str = ""
    ratio_row: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that the file states otherwise than it follows from the file's own points."""

    row: int
    full_code: str
    name: str
    figure: str
    typed: str
    computed: str


@dataclass(slots=True)
class OutlineBuilder:
    """The outline while it is read."""

    layout: OutlineLayout
    scopes: dict[str, DraftScope] = field(default_factory=dict)
    points: dict[str, PointRow] = field(default_factory=dict)
    point_rows: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def scope(self, parent: str | None, code: str, name: str, row: int) -> DraftScope:
        """Return the scope with this code (or, without a code, this name) under a parent, new or known."""
        siblings = {s.code: s for s in self.scopes.values() if s.parent == parent}
        if not code:
            same = next((s for s in siblings.values() if s.name == name), None)
            if same:
                return same
            code = next_code(self.layout, siblings)
            self.findings.append(note(N_("“%(name)s”没有代码，已补为 %(code)s"), row=row, name=name, code=code))
        found = siblings.get(code)
        if found is None:
            return self._new_scope(parent, code, name, row)
        self._take_name(found, name, row)
        return found

    def _new_scope(self, parent: str | None, code: str, name: str, row: int) -> DraftScope:
        key = self.layout.separator.join((parent, code)) if parent else code
        depth = self.scopes[parent].depth + 1 if parent else 1
        self.scopes[key] = found = DraftScope(key, parent, depth, code, name, row)
        return found

    def _take_name(self, scope: DraftScope, name: str, row: int) -> None:
        if name and scope.name and name != scope.name:
            self.findings.append(
                error(
                    N_("代码 %(code)s 已是“%(known)s”（第 %(first)s 行），这里又写作“%(name)s”"),
                    row=row,
                    code=scope.key,
                    known=scope.name,
                    first=scope.row,
                    name=name,
                )
            )
        scope.name = scope.name or name

    def state_weight(self, scope: DraftScope, weight: Decimal | None, row: int) -> None:
        """Note the weight that a row states for a scope."""
        if weight is None:
            return
        if scope.weight is not None and scope.weight != weight:
            self.findings.append(
                warning(
                    N_("%(code)s 的鉴定比重在第 %(first)s 行写作 %(known)s，这里写作 %(typed)s；按前者处理"),
                    row=row,
                    code=scope.key,
                    first=scope.weight_row,
                    known=show_number(scope.weight),
                    typed=show_number(weight),
                )
            )
        elif scope.weight is None:
            scope.weight, scope.weight_row = weight, row

    def state_ratio(self, scope: DraftScope, ratio: str, row: int) -> None:
        """Note the importance ratio that a row states for a scope."""
        if ratio and not scope.ratio:
            scope.ratio, scope.ratio_row = ratio, row

    def point(
        self, scope: str, code: str, name: str, row: int, *, importance: Importance, score: Decimal | None
    ) -> None:
        """Add a point; a doubled code is an error, a missing one is given."""
        if not code:
            code = next_code(self.layout, (p.code for p in self.points.values() if p.scope == scope), is_point=True)
            self.findings.append(note(N_("“%(name)s”没有代码，已补为 %(code)s"), row=row, name=name, code=code))
        key = self.layout.separator.join((scope, code))
        if key in self.points:
            self.findings.append(
                error(N_("鉴定点代码 %(code)s 与第 %(first)s 行重复"), row=row, code=key, first=self.point_rows[key])
            )
            return
        self.points[key] = PointRow(key, scope, code, name, importance, score, len(self.points) + 1)
        self.point_rows[key] = row

    def finish(self) -> tuple[OutlineTree, list[Difference]]:
        """Return the tree, whose figures are computed, and where the file states other figures."""
        self._scale_fractions()
        for scope in self.scopes.values():
            if not scope.name:
                scope.name = scope.key
                self.findings.append(
                    warning(N_("鉴定范围 %(code)s 没有名称，暂以代码为名"), row=scope.row, code=scope.key)
                )
        tree = build_tree(self.layout, self._scope_rows(), self.points.values())
        return tree, list(self._differences(tree))

    def _scale_fractions(self) -> None:
        """Understand weights kept as parts of one: 0.25 shown as 25 %."""
        roots = [s.weight for s in self.scopes.values() if s.depth == 1 and s.weight is not None]
        if roots and sum(roots) <= 1:
            for scope in self.scopes.values():
                scope.weight = scope.weight * 100 if scope.weight is not None else None
            self.findings.append(note(N_("鉴定比重以小数表示，已换算为百分数")))

    def _scope_rows(self) -> Iterator[ScopeRow]:
        for position, scope in enumerate(self.scopes.values(), start=1):
            own = None if self._has_weight_below(scope) else scope.weight
            yield ScopeRow(scope.key, scope.parent, scope.depth, scope.code, scope.name, own, position)

    def _has_weight_below(self, scope: DraftScope) -> bool:
        below = scope.key + self.layout.separator
        return any(s.weight is not None for s in self.scopes.values() if s.key.startswith(below))

    def _differences(self, tree: OutlineTree) -> Iterator[Difference]:
        for node in tree.walk():
            draft = self.scopes[str(node.row.key)]
            yield from self._ratio_difference(draft, node)
            yield from _weight_difference(draft, node)

    def _ratio_difference(self, draft: DraftScope, node: ScopeNode) -> Iterator[Difference]:
        if not draft.ratio:
            return
        typed = read_ratio(draft.ratio)
        if typed is None:
            self.findings.append(
                warning(
                    N_("重要程度比例“%(typed)s”看不懂，应写作 02:01:00 的形式"), row=draft.ratio_row, typed=draft.ratio
                )
            )
        elif typed != node.importance_counts:
            yield Difference(
                draft.ratio_row, node.full_code, node.row.name, "ratio", str(typed), str(node.importance_counts)
            )


def _weight_difference(draft: DraftScope, node: ScopeNode) -> Iterator[Difference]:
    typed, scores = draft.weight, [point.row.score for point in node.points]
    if typed is None:
        return
    if typed != node.weight_percent:
        computed = show_number(node.weight_percent)
        yield Difference(draft.weight_row, node.full_code, node.row.name, "weight", show_number(typed), computed)
    known = [score for score in scores if score is not None]
    if known and len(known) == len(scores) and sum(known) != typed:
        total = show_number(sum(known, Decimal(0)))
        yield Difference(draft.weight_row, node.full_code, node.row.name, "score", show_number(typed), total)
