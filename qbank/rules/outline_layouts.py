"""Read a content outline from the rows of a table: classic layout, its one-line header form, and the chapter layout.

A range column that is blank repeats the range above (merged cells); it begins anew when a higher range changes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kernel.i18n import N_
from qbank.rules.figures import plain, read_percent
from qbank.rules.findings import Finding, Severity, error, note
from qbank.rules.outline import MAX_DEPTH, Importance, OutlineTree
from qbank.rules.outline_builder import Difference, OutlineBuilder
from qbank.rules.outline_columns import POINT, ColumnMap, find_columns
from qbank.rules.standards import OutlineLayout

_TOTAL_ROW = re.compile(r"^(合计|总计|小计|共计)")
_CODE = re.compile(r"^[A-Z]{1,2}$|^\d{1,4}$")
_IMPORTANCE = {
    "X": Importance.CORE, "核心": Importance.CORE, "核心要素": Importance.CORE,
    "Y": Importance.GENERAL, "一般": Importance.GENERAL, "一般要素": Importance.GENERAL,
    "Z": Importance.AUXILIARY, "辅助": Importance.AUXILIARY, "辅助要素": Importance.AUXILIARY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParsedOutline:
    """What a file holds: the outline as computed, where the file states other figures, and remarks by row."""

    layout: OutlineLayout
    tree: OutlineTree
    differences: tuple[Difference, ...]
    findings: tuple[Finding, ...]

    @property
    def is_usable(self) -> bool:
        """Say whether it may be saved: points were found and no row is in error."""
        return self.tree.n_points > 0 and not any(f.severity is Severity.ERROR for f in self.findings)


def parse_outline(rows: Sequence[Sequence[str]], *, default_importance: Importance) -> ParsedOutline | None:
    """Return the outline in a table, or None when the table has no header of an outline."""
    columns = find_columns(rows)
    if columns is None:
        return None
    body = [(number, row) for number, row in enumerate(rows, start=1) if number > columns.first_row]
    reader = _Reader(columns, OutlineBuilder(_layout(columns, body)), default_importance)
    for number, row in body:
        reader.read(row, number)
    return reader.result()


def _layout(columns: ColumnMap, body: Sequence[tuple[int, Sequence[str]]]) -> OutlineLayout:
    """Return the layout by the first code found: numbers are chapters, letters the classic form."""
    fields = [(1, "code"), (POINT, "dotted"), (0, "code"), (POINT, "code"), (2, "code")]
    for _number, row in body:
        for depth, name in fields:
            text = plain(columns.cell(row, depth, name)).replace(" ", "")
            if re.fullmatch(r"\d+(\.\d+)+", text) or (depth in (0, 1) and text.isdecimal()):
                return OutlineLayout.CHAPTER
            if re.match(r"[A-Za-z]", text):
                return OutlineLayout.CLASSIC
    return OutlineLayout.CLASSIC


@dataclass(slots=True)
class _Reader:
    """Goes through the rows; `path` holds the scope keys in force at depths 1 to 3."""

    columns: ColumnMap
    builder: OutlineBuilder
    default_importance: Importance
    path: list[str] = field(default_factory=list)
    n_without_importance: int = 0

    def read(self, row: Sequence[str], number: int) -> None:
        """Take up one row of the file."""
        if not any(cell.strip() for cell in row) or self._is_repeated_header(row) or self._is_total(row):
            return
        parts = self._dotted_parts(row)
        if parts:
            self._read_dotted(row, number, parts)
        else:
            self._read_ranges(row, number)

    def result(self) -> ParsedOutline:
        """Return everything found."""
        tree, differences = self.builder.finish()
        if self.n_without_importance:
            self.builder.findings.append(
                note(
                    N_("%(n)s 个鉴定点没有重要程度，按 %(importance)s 处理"),
                    n=self.n_without_importance,
                    importance=self.default_importance.value,
                )
            )
        findings = sorted(self.builder.findings, key=lambda finding: finding.row)
        return ParsedOutline(self.builder.layout, tree, tuple(differences), tuple(findings))

    def _is_repeated_header(self, row: Sequence[str]) -> bool:
        return tuple(row) == self.columns.labels

    def _is_total(self, row: Sequence[str]) -> bool:
        first = next((cell for cell in row if cell.strip()), "")
        return bool(_TOTAL_ROW.match(first)) and not self.columns.cell(row, POINT, "name")

    # --- codes with dots: every row says by its code where it belongs ------------------------------------------------

    def _dotted_parts(self, row: Sequence[str]) -> list[str]:
        if self.builder.layout is not OutlineLayout.CHAPTER:
            return []
        for depth, name in ((POINT, "dotted"), (POINT, "code"), (0, "code")):
            text = plain(self.columns.cell(row, depth, name)).rstrip(".")
            if "." in text or (depth == 0 and text):
                return [part.lstrip("0") or "0" for part in text.split(".")]
        return self._parts_of_columns(row) if self.columns.has(0, "name") else []

    def _parts_of_columns(self, row: Sequence[str]) -> list[str]:
        """Return the parts of a code that is spread over four columns; blanks to the left repeat the row above."""
        cells = [plain(self.columns.cell(row, depth, "code")) for depth in range(1, POINT + 1)]
        deepest = max((i for i, cell in enumerate(cells) if cell), default=-1)
        known = self.path[-1].split(".") if self.path else []
        return [cells[i] or (known[i] if i < len(known) else "0") for i in range(deepest + 1)]

    def _read_dotted(self, row: Sequence[str], number: int, parts: list[str]) -> None:
        if len(parts) > POINT or not all(part.isdecimal() for part in parts):
            code = ".".join(parts)
            self._refuse(error(N_("代码 %(code)s 应为 章.节.单元.点 四段数字"), row=number, code=code))
            return
        name = self.columns.cell(row, POINT, "name") or self.columns.cell(row, 0, "name")
        self.path = []
        for depth, part in enumerate(parts[:MAX_DEPTH], start=1):
            own = self.columns.cell(row, depth, "name")
            is_this_row = depth == len(parts)
            scope = self.builder.scope(self._parent(), part, own or (name if is_this_row else ""), number)
            self.path.append(scope.key)
            self._state_figures(scope.key, depth, row, number)
        if len(parts) == POINT:
            self._add_point(row, number, parts[-1], name)
        elif weight := self._percent(self.columns.cell(row, POINT, "score"), number):
            self.builder.state_weight(self.builder.scopes[self.path[-1]], weight, number)

    # --- ranges in columns of their own ------------------------------------------------------------------------------

    def _read_ranges(self, row: Sequence[str], number: int) -> None:
        previous, self.path = self.path, []
        for depth in range(1, MAX_DEPTH + 1):
            if not self._enter(depth, previous, row, number):
                break
            self._state_figures(self.path[-1], depth, row, number)
        code, name = self.columns.cell(row, POINT, "code"), self.columns.cell(row, POINT, "name")
        if name or code:
            self._add_point(row, number, self._point_code(code), name)

    def _enter(self, depth: int, previous: list[str], row: Sequence[str], number: int) -> bool:
        """Go to the range of this depth that the row names, or stay in the one above; False when there is none."""
        name, code = self._range_of(row, depth)
        if name or code:
            self.path.append(self.builder.scope(self._parent(), code, name, number).key)
            return True
        if previous[: depth - 1] == self.path and len(previous) >= depth:
            self.path.append(previous[depth - 1])
            return True
        return False

    def _range_of(self, row: Sequence[str], depth: int) -> tuple[str, str]:
        name, code = self.columns.cell(row, depth, "name"), self.columns.cell(row, depth, "code")
        if self.columns.is_combined(depth):
            name, code, _ratio, _weight = _split_combined(name)
        code = re.split(r"[.\-]", plain(code).upper().strip("()"))[-1]
        return "".join(name.split("\n")), code

    def _point_code(self, code: str) -> str:
        last = re.split(r"[.\-]", plain(code).upper())[-1]
        is_classic = self.builder.layout is OutlineLayout.CLASSIC
        return last.zfill(3) if is_classic and last.isdecimal() else last

    # --- shared ------------------------------------------------------------------------------------------------------

    def _parent(self) -> str | None:
        return self.path[-1] if self.path else None

    def _state_figures(self, key: str, depth: int, row: Sequence[str], number: int) -> None:
        scope = self.builder.scopes[key]
        ratio, weight = self.columns.cell(row, depth, "ratio"), self.columns.cell(row, depth, "weight")
        if self.columns.is_combined(depth):
            _name, _code, ratio, weight = _split_combined(self.columns.cell(row, depth, "name"))
        self.builder.state_ratio(scope, ratio, number)
        self.builder.state_weight(scope, self._percent(weight, number), number)

    def _percent(self, text: str, number: int) -> Decimal | None:
        value = read_percent(text) if text else None
        if text and value is None:
            self._refuse(error(N_("“%(text)s”不是 0 到 100 的数"), row=number, text=text[:40]))
        return value

    def _add_point(self, row: Sequence[str], number: int, code: str, name: str) -> None:
        if not self.path:
            self._refuse(error(N_("鉴定点“%(name)s”没有所属的鉴定范围"), row=number, name=name or code))
        elif not name:
            self._refuse(error(N_("鉴定点 %(code)s 没有名称"), row=number, code=code))
        else:
            score = self._percent(self.columns.cell(row, POINT, "score"), number)
            self.builder.point(self.path[-1], code, name, number, importance=self._importance(row, number), score=score)

    def _importance(self, row: Sequence[str], number: int) -> Importance:
        text = plain(self.columns.cell(row, POINT, "importance")).upper()
        if not text:
            self.n_without_importance += 1
            return self.default_importance
        if text not in _IMPORTANCE:
            self._refuse(error(N_("重要程度“%(text)s”应为 X、Y 或 Z"), row=number, text=text[:20]))
        return _IMPORTANCE.get(text, self.default_importance)

    def _refuse(self, finding: Finding) -> None:
        self.builder.findings.append(finding)


def _split_combined(text: str) -> tuple[str, str, str, str]:
    """Return name, code, ratio and weight that stand together in one cell: 职业守则 B (06:00:00) 2."""
    code = ratio = weight = ""
    name: list[str] = []
    for token in re.split(r"[\s·]+", plain(text)):
        if re.search(r"\d+:\d+:\d+", token):
            ratio = token
        elif name and not code and _CODE.match(token.upper()) and not token.isdecimal():
            code = token
        elif name and code and read_percent(token) is not None:
            weight = token
        elif token:
            name.append(token)
    return "".join(name), code, ratio, weight
