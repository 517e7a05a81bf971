"""The weight tables of an edition as an Excel workbook that can be imported again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from kernel.spreadsheets import TableSheet, write_table
from qbank.rules.weights import WeightLine

THEORY_SHEET, SKILL_SHEET = "理论知识权重表", "技能要求权重表"
FIRST_COLUMNS = ("职业功能", "项目")


def write_weights(levels: Sequence[tuple[str, Sequence[WeightLine]]]) -> bytes:
    """Return a workbook with one sheet for theory and one for skills; `levels` are names with their tables."""
    names = list(dict.fromkeys((line.function_name, line.name) for _, lines in levels for line in lines))
    sheets = [_sheet(THEORY_SHEET, levels, names, is_theory=True)]
    if any(line.skill_percent is not None for _, lines in levels for line in lines):
        sheets.append(_sheet(SKILL_SHEET, levels, names, is_theory=False))
    return write_table(sheets)


def _sheet(
    name: str, levels: Sequence[tuple[str, Sequence[WeightLine]]], names: Sequence[tuple[str, str]], *, is_theory: bool
) -> TableSheet:
    columns = [_column(lines, is_theory=is_theory) for _, lines in levels]
    rows = [[function, row, *(column.get((function, row)) for column in columns)] for function, row in names]
    shown = [row for row in rows if any(value is not None for value in row[2:])]
    return TableSheet(name, [*FIRST_COLUMNS, *(level for level, _ in levels)], shown)


def _column(lines: Sequence[WeightLine], *, is_theory: bool) -> Mapping[tuple[str, str], Decimal | None]:
    return {(line.function_name, line.name): line.theory_percent if is_theory else line.skill_percent for line in lines}
