"""Write a content outline as an Excel workbook: the classic layout with merged ranges, or the chapter layout."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from qbank.rules.figures import show_number
from qbank.rules.outline import MAX_DEPTH, Importance, OutlineTree, PointNode, PointRow, ScopeNode, ScopeRow, build_tree
from qbank.rules.standards import OutlineLayout

HEAD_ROW = 3  # index of the first header row: below title and head block
N_RANGE_COLUMNS = 4
CLASSIC_RANGES = ("一级 鉴定范围", "二级 鉴定范围", "三级 鉴定范围")
CHAPTER_RANGES = ("章", "节", "单元")
RANGE_FIELDS = ("名称", "代码", "重要程度比例", "鉴定比重")
CLASSIC_POINT = ("代码", "名称", "重要程度")
CHAPTER_POINT = ("代码", "名称", "重要程度", "分值")
WIDTHS = (16, 6, 12, 8) * MAX_DEPTH + (10, 40, 9, 8)
_FIXED_CREATION = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class OutlineHead:
    """What stands above the table."""

    occupation: str
    level: str
    edition: str


def write_outline(tree: OutlineTree, head: OutlineHead) -> bytes:
    """Return the workbook; importing it gives the same outline."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"created": _FIXED_CREATION})
        _Sheet(book, tree).write(head)
    return buffer.getvalue()


def template_tree(layout: OutlineLayout) -> OutlineTree:
    """Return a small outline that shows how a file is filled in."""
    codes = ("A", "A", "A", "001") if layout is OutlineLayout.CLASSIC else ("0", "1", "1", "1")
    names = ("基本要求（示例）", "职业道德（示例）", "职业道德基本知识（示例）")
    scopes, parent = [], None
    for depth, (code, name) in enumerate(zip(codes[:3], names, strict=True), start=1):
        key = f"{parent}/{code}" if parent else code
        scopes.append(ScopeRow(key, parent, depth, code, name, None, 1))
        parent = key
    second = "002" if layout is OutlineLayout.CLASSIC else "2"
    points = [
        PointRow("first", str(parent), codes[3], "职业道德的含义（示例）", Importance.GENERAL, None, 1),
        PointRow("second", str(parent), second, "爱岗敬业的要求（示例）", Importance.CORE, None, 2),
    ]
    return build_tree(layout, scopes, points)


class _Sheet:
    """One sheet while it is written."""

    def __init__(self, book: Any, tree: OutlineTree) -> None:
        self.tree = tree
        self.is_classic = tree.layout is OutlineLayout.CLASSIC
        self.point_fields = CLASSIC_POINT if self.is_classic else CHAPTER_POINT
        self.n_columns = MAX_DEPTH * N_RANGE_COLUMNS + len(self.point_fields)
        self.sheet = book.add_worksheet("理论知识细目表")
        base = {"border": 1, "border_color": "#BFC7D1", "valign": "vcenter", "text_wrap": True, "font_size": 11}
        self.title = book.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"})
        self.header = book.add_format({**base, "bold": True, "align": "center", "bg_color": "#E8EEF6"})
        self.text = book.add_format({**base, "num_format": "@"})
        self.centre = book.add_format({**base, "num_format": "@", "align": "center"})

    def write(self, head: OutlineHead) -> None:
        """Write title, head block, two header rows and the body."""
        self.sheet.set_row(0, 32)
        self.sheet.merge_range(0, 0, 0, self.n_columns - 1, "理论知识鉴定要素细目表", self.title)
        self.sheet.write_string(1, 0, f"职业：{head.occupation}　等级：{head.level}　版本：{head.edition}")
        self.sheet.write_string(2, 0, f"鉴定方式：理论知识　鉴定点总数：{self.tree.n_points}")
        self._write_header()
        row = HEAD_ROW + 2
        for scope in self.tree.scopes:
            row = self._write_scope(scope, row)
        self._prepare_for_people()

    def _write_header(self) -> None:
        ranges = CLASSIC_RANGES if self.is_classic else CHAPTER_RANGES
        column = 0
        for label, fields in [*((label, RANGE_FIELDS) for label in ranges), ("鉴定点", self.point_fields)]:
            self.sheet.merge_range(HEAD_ROW, column, HEAD_ROW, column + len(fields) - 1, label, self.header)
            for offset, field in enumerate(fields):
                self.sheet.write_string(HEAD_ROW + 1, column + offset, field, self.header)
            column += len(fields)

    def _write_scope(self, scope: ScopeNode, row: int) -> int:
        """Write a scope beside everything below it; return the row after it."""
        first, column = row, (scope.row.depth - 1) * N_RANGE_COLUMNS
        for child in scope.scopes:
            row = self._write_scope(child, row)
        for point in scope.points:
            self._write_blank(row, column + N_RANGE_COLUMNS)
            self._write_point(point, row)
            row += 1
        if row == first:
            self._write_blank(row, column + N_RANGE_COLUMNS)
            row += 1
        for offset, text in enumerate(self._range_cells(scope)):
            self._write_tall(first, row - 1, column + offset, text, is_name=offset == 0)
        return row

    def _range_cells(self, scope: ScopeNode) -> Sequence[str]:
        ratio = f"({scope.importance_counts})"
        return (scope.row.name, scope.row.code, ratio, show_number(scope.weight_percent))

    def _write_tall(self, first: int, last: int, column: int, text: str, *, is_name: bool) -> None:
        cell_format = self.text if is_name else self.centre
        if last > first:
            self.sheet.merge_range(first, column, last, column, text, cell_format)
        else:
            self.sheet.write_string(first, column, text, cell_format)

    def _write_blank(self, row: int, column: int) -> None:
        for index in range(column, self.n_columns):
            self.sheet.write_blank(row, index, None, self.text)

    def _write_point(self, point: PointNode, row: int) -> None:
        start = MAX_DEPTH * N_RANGE_COLUMNS
        for offset, text in enumerate(self._point_cells(point)):
            self.sheet.write_string(row, start + offset, text, self.text if offset == 1 else self.centre)

    def _point_cells(self, point: PointNode) -> Iterator[str]:
        yield point.row.code if self.is_classic else point.full_code
        yield point.row.name
        yield point.row.importance.value
        if not self.is_classic:
            yield show_number(point.row.score)

    def _prepare_for_people(self) -> None:
        for column, width in enumerate(WIDTHS[: self.n_columns]):
            self.sheet.set_column(column, column, width)
        self.sheet.freeze_panes(HEAD_ROW + 2, 0)
        self.sheet.repeat_rows(HEAD_ROW, HEAD_ROW + 1)
        self.sheet.set_paper(9)  # A4
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        self.sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
        self.sheet.set_footer("&C第 &P 页 共 &N 页")
        self.sheet.ignore_errors({"number_stored_as_text": "A1:P5000"})
