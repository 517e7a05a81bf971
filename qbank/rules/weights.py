"""The weight table (权重表): sums, and agreement with the content outline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kernel.i18n import N_
from qbank.rules.figures import show_number
from qbank.rules.findings import Finding, error, warning
from qbank.rules.outline import FULL_WEIGHT, OutlineTree, ScopeNode

THEORY_TOTAL = N_("权重表的理论知识合计 %(total)s，应为 100")
SKILL_TOTAL = N_("权重表的技能要求合计 %(total)s，应为 100")


@dataclass(frozen=True, slots=True)
class WeightLine:
    """One row: a part of the basics, a job function, or a job task of a function; None means not tested."""

    name: str
    function_name: str = ""
    scope_code: str = ""
    theory_percent: Decimal | None = None
    skill_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class WeightTotals:
    """Sums of both columns, None for a column without any number."""

    theory_percent: Decimal | None
    skill_percent: Decimal | None


def total_weights(lines: Sequence[WeightLine]) -> WeightTotals:
    """Return the sums of both columns."""
    return WeightTotals(_sum(line.theory_percent for line in lines), _sum(line.skill_percent for line in lines))


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def check_weights(lines: Sequence[WeightLine]) -> list[Finding]:
    """Return what is wrong with a table: each column must come to 100, each row must have its own name."""
    totals = total_weights(lines)
    found = [
        error(template, total=show_number(total))
        for template, total in ((THEORY_TOTAL, totals.theory_percent), (SKILL_TOTAL, totals.skill_percent))
        if total is not None and total != FULL_WEIGHT
    ]
    names = [(line.function_name, line.name) for line in lines]
    doubled = sorted({name for name in names if names.count(name) > 1})
    found += [error(N_("“%(name)s”出现了不止一行，请合并"), name=name) for _, name in doubled]
    return found


def compare_with_outline(lines: Sequence[WeightLine], tree: OutlineTree) -> Iterator[Finding]:
    """Yield where the outline's weights differ from the table's theory column."""
    for name, code, wanted in _expected(lines):
        node = _find_scope(tree, name, code)
        if node is None:
            yield warning(N_("权重表的“%(name)s”在细目表中没有同名的鉴定范围，无法核对"), name=name)
        elif node.weight_percent != wanted:
            yield error(
                N_("“%(name)s”：权重表为 %(wanted)s，细目表（%(code)s）合计为 %(found)s，应当一致"),
                name=name, wanted=show_number(wanted), code=node.full_code, found=show_number(node.weight_percent) or "0",
            )  # fmt: skip


def _expected(lines: Sequence[WeightLine]) -> Iterator[tuple[str, str, Decimal]]:
    """Yield name, stated code and wanted weight: functions as sums of their tasks, other rows as they are."""
    functions: dict[str, Decimal] = {}
    for line in lines:
        if line.theory_percent is None:
            continue
        if line.function_name:
            functions[line.function_name] = functions.get(line.function_name, Decimal(0)) + line.theory_percent
        else:
            yield line.name, line.scope_code, line.theory_percent
    for name, total in functions.items():
        yield name, "", total


def _find_scope(tree: OutlineTree, name: str, code: str) -> ScopeNode | None:
    """Return the scope meant by a row: by its stated code, else the highest one of that name."""
    nodes = sorted(tree.walk(), key=lambda node: node.row.depth)
    if code:
        return next((node for node in nodes if node.full_code == code), None)
    return next((node for node in nodes if _bare(node.row.name) == _bare(name)), None)


def _bare(name: str) -> str:
    return "".join(name.split())
