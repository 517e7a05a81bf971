"""Which column of an outline file is what: header rows of the classic and of the chapter layout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qbank.rules.figures import plain

POINT = 4  # depth of the point columns; 1 to 3 are scopes, 0 stands for any depth (the code tells)
HEADER_SEARCH_ROWS = 30
_DEPTHS = (
    (1, re.compile(r"一级|level_?1|章")),
    (2, re.compile(r"二级|level_?2|节")),
    (3, re.compile(r"三级|level_?3|单元|目(?!的|标|表)")),
    (POINT, re.compile(r"鉴定点|考核点|认定点|知识点|要素点|point|点$")),
)
_FIELDS = (
    ("ignored", re.compile(r"序号|raw|备注|点数|note")),
    ("ratio", re.compile(r"比例|ratio")),
    ("weight", re.compile(r"比重|权重|weight")),
    ("importance", re.compile(r"重要程度|重要性|importance")),
    ("score", re.compile(r"分值|配分|分数|score")),
    ("dotted", re.compile(r"dotted|全码|完整代码")),
    ("code", re.compile(r"代码|编码|代号|编号|code|_no$")),
    ("name", re.compile(r"名称|内容|范围|name")),
)
_FIELD_WORDS = frozenset({"名称", "代码", "编码", "重要程度", "重要程度比例", "比例", "鉴定比重", "比重", "分值"})
FIELD_WORDS_OF_SECOND_LINE = 3
_BARE = {"章": 1, "节": 2, "单元": 3, "目": 3, "点": POINT}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Where the data begins (row index) and which column holds which field of which depth."""

    first_row: int
    columns: dict[tuple[int, str], int]
    labels: tuple[str, ...]

    def has(self, depth: int, field: str) -> bool:
        """Say whether the file has such a column."""
        return (depth, field) in self.columns

    def cell(self, row: Sequence[str], depth: int, field: str) -> str:
        """Return a row's text in such a column, empty when there is none."""
        index = self.columns.get((depth, field))
        return row[index].strip() if index is not None and index < len(row) else ""

    def is_combined(self, depth: int) -> bool:
        """Say whether name, code, ratio and weight of a scope stand together in one cell."""
        return self.has(depth, "name") and not any(self.has(depth, field) for field in ("code", "ratio", "weight"))


def find_columns(rows: Sequence[Sequence[str]]) -> ColumnMap | None:
    """Return the columns by the header in one or two rows near the top, or None when no header is found."""
    for index, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        height = 2 if index + 1 < len(rows) and _names_fields(rows[index + 1]) else 1
        columns = _classified(_labels(rows, index, height))
        if _is_enough(columns):
            return ColumnMap(index + height, columns, tuple(row))
    return None


def _names_fields(row: Sequence[str]) -> bool:
    """Say whether a row is the second line of a header: its cells are bare field names under group labels."""
    return sum(plain(cell) in _FIELD_WORDS for cell in row) >= FIELD_WORDS_OF_SECOND_LINE


def _labels(rows: Sequence[Sequence[str]], index: int, height: int) -> list[str]:
    """Return the label of each column; a group label over merged cells counts for all columns under it."""
    if height == 1:
        return [plain(text) for text in rows[index]]
    lower, labels, group = rows[index + 1], [], ""
    for column in range(max(len(lower), len(rows[index]))):
        group = _text(rows[index], column) or group
        labels.append(group + _text(lower, column))
    return labels


def _text(row: Sequence[str], column: int) -> str:
    return "".join(plain(row[column]).split()) if column < len(row) else ""


def _classified(labels: Sequence[str]) -> dict[tuple[int, str], int]:
    columns: dict[tuple[int, str], int] = {}
    has_plain_name = any(plain(label) in {"名称", "内容", "名称·内容", "名称内容"} for label in labels)
    for index, label in enumerate(labels):
        found = _classify("".join(label.lower().split()), has_plain_name=has_plain_name)
        if found:
            columns.setdefault(found, index)
    return columns


def _classify(label: str, *, has_plain_name: bool) -> tuple[int, str] | None:
    if label in _BARE:
        return _BARE[label], "code" if has_plain_name else "name"
    field = next((name for name, pattern in _FIELDS if pattern.search(label)), None)
    if not label or field == "ignored":
        return None
    depth = next((number for number, pattern in _DEPTHS if pattern.search(label)), 0)
    if field in {"importance", "score", "dotted"}:
        depth = POINT
    return (depth, field or "name") if field or depth else None


def _is_enough(columns: dict[tuple[int, str], int]) -> bool:
    """Say whether the columns can carry an outline: points by name, and scopes or codes that tell the scopes."""
    has_scope = any((depth, "name") in columns or (depth, "code") in columns for depth in (1, 2, 3))
    has_points = (POINT, "name") in columns
    is_listing = (0, "name") in columns and ((0, "code") in columns or (POINT, "code") in columns)
    return (has_points and (has_scope or (POINT, "code") in columns)) or is_listing
