"""Tables in a Word document: options laid out in cells, key tables, item lists in columns, tables that belong to a stem."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lxml.etree import _Element

from qbank.interchange import grammar
from qbank.interchange.answer_lists import is_answer_list
from qbank.interchange.docx_text import Parts, paragraph_line, split_line
from qbank.interchange.html_lines import MOST_SPANNED
from qbank.interchange.lines import BLANKS, Line, to_plain
from qbank.interchange.model import RawRecord
from qbank.interchange.numbering import W, value
from qbank.interchange.option_lines import option_head

Cell = list[Line]
_KEY = re.compile(r"^[A-Ha-h]{1,8}$|^(?:√|×|对|错|正确|错误|T|F)$")
COLUMNS = {
    "stem": ("题干", "题目", "试题", "题目内容", "试题内容", "试题题干", "问题"),
    "answer": ("答案", "正确答案", "参考答案", "标准答案", "题目答案"),
    "type_hint": ("题型", "试题类型", "题目类型", "类型"),
    "options": ("选项", "备选项", "备选答案", "题目选项", "答案选项"),
    "explanation": ("解析", "答案解析", "试题解析"),
    "score": ("分值", "分数"),
    "difficulty": ("难度", "难易度", "难度等级"),
    "points": ("鉴定点", "考核点", "知识点", "鉴定点代码"),
    "identifier": ("编号", "试题编号"),
    "source": ("出处", "来源"),
}


def read_cells(table: _Element, parts: Parts, locator: str) -> list[list[Cell]]:
    """Return the rows of a table; every cell is the list of its non-empty lines."""
    return [
        [_cell_lines(cell, parts, f"{locator} row {index}") for cell in row.findall(f"{W}tc")]
        for index, row in enumerate(table.findall(f"{W}tr"), 1)
    ]


def _cell_lines(cell: _Element, parts: Parts, locator: str) -> Cell:
    lines: Cell = []
    for paragraph in cell.iter(f"{W}p"):
        lines += split_line(paragraph_line(paragraph, parts, locator))
    return lines


def _text(cell: Cell) -> str:
    return to_plain(" ".join(line.text for line in cell)).strip(BLANKS)


def flat_lines(rows: Sequence[Sequence[Cell]]) -> list[Line] | None:
    """Return a layout table's cells as lines of the list it stands in; None when it is a real table.

    Options laid out in cells, key tables, and a single cell used as a frame are layout.
    """
    cells = [cell for row in rows for cell in row if cell]
    if len(cells) == 1:
        return cells[0]
    heads = [option_head(cell[0].text) for cell in cells]
    if cells and all(head and head.style != "weak" for head in heads):
        return [line for cell in cells for line in cell]
    return _key_lines(rows)


def _key_lines(rows: Sequence[Sequence[Cell]]) -> list[Line] | None:
    """Return a table of numbers and keys as answer lines: numbers above or beside their keys, or 1.A in each cell."""
    texts = [[_text(cell) for cell in row] for row in rows]
    cells = [text for row in texts for text in row if text]
    if (
        cells
        and all(is_answer_list(f"{text} 0.A") for text in cells if text not in ("题号", "答案"))
        and len(cells) > 1
    ):
        joined = " ".join(text for text in cells if text not in ("题号", "答案"))
        return (
            [Line(rows[0][0][0].locator if rows[0] and rows[0][0] else "", joined)] if is_answer_list(joined) else None
        )
    pairs = _pairs_across(texts) or _pairs_down(texts)
    if len(pairs) < 2:
        return None
    locator = next(line.locator for row in rows for cell in row for line in cell)
    return [Line(locator, " ".join(f"{number}.{key}" for number, key in pairs))]


def _pairs_across(texts: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for upper, lower in zip(texts[::2], texts[1::2], strict=False):
        numbers, keys = _without_word(upper, "题号"), _without_word(lower, "答案")
        if len(texts) % 2 or len(numbers) != len(keys):
            return []
        for number, key in zip(numbers, keys, strict=True):
            if number.isdigit() and _KEY.match(key):
                pairs.append((number, key))
            elif number or key:
                return []
    return pairs


def _pairs_down(texts: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    body = [row for row in texts if row and not any(cell in ("题号", "序号", "答案") for cell in row)]
    pairs: list[tuple[str, str]] = []
    for row in body:
        if len(row) % 2:
            return []
        for number, key in zip(row[::2], row[1::2], strict=True):
            if number.isdigit() and _KEY.match(key):
                pairs.append((number, key))
            elif number or key:
                return []
    return pairs


def _without_word(row: Sequence[str], word: str) -> list[str]:
    return list(row[1:]) if row and row[0].strip(":：") in (word, "序号", "") else list(row)


def item_records(rows: Sequence[Sequence[Cell]]) -> list[RawRecord] | None:
    """Return the records of a table whose head row names item columns; None for any other table."""
    if len(rows) < 2:
        return None
    columns = _columns([_text(cell) for cell in rows[0]])
    if "stem" not in columns.values() or "answer" not in columns.values():
        return None
    return [_record(row, columns) for row in rows[1:] if any(row)]


def _columns(head: Sequence[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for index, text in enumerate(head):
        name = re.sub(r"[\s*＊()（）]", "", text)
        option = re.fullmatch(r"(?:选项|备选项)?([A-H])(?:选项)?", name)
        field = next((field for field, words in COLUMNS.items() if name in words), "")
        if option:
            found[index] = f"option {option[1]}"
        elif field and field not in found.values():
            found[index] = field
    return found


def _record(row: Sequence[Cell], columns: dict[int, str]) -> RawRecord:
    record = RawRecord(next(line.locator for cell in row for line in cell))
    for index, name in columns.items():
        cell = row[index] if index < len(row) else []
        content = "<br>".join(line.html() for line in cell)
        record.media += [entry for line in cell for entry in line.media]
        if name.startswith("option ") and content:
            record.options.append((name[-1], content))
        elif name == "options":
            record.stem += f"\n{_joined(cell)}" if cell else ""
        elif name == "stem":
            record.stem = content + record.stem
        elif not name.startswith("option "):
            setattr(record, name, content if name in ("answer", "explanation") else to_plain(content))
    return record


def _joined(cell: Cell) -> str:
    return "\n".join(line.html() for line in cell)


def is_score_table(rows: Sequence[Sequence[Cell]]) -> bool:
    """Say whether a table is the scoring sheet of a practical exercise."""
    head = " ".join(_text(cell) for row in rows[:2] for cell in row)
    return sum(word in head for word in ("考核内容", "考核要点", "配分", "评分标准", "扣分", "得分", "评分要素")) >= 2


def html_table(table: _Element, rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table as plain HTML: rows, cells, and cells that span columns or rows."""
    grid = [_row_places(row) for row in table.findall(f"{W}tr")]
    body = []
    for number, (row, places) in enumerate(zip(rows, grid, strict=True)):
        cells = [
            f"<td{_spans(grid, number, place)}>{'<br>'.join(line.html() for line in cell)}</td>"
            for cell, place in zip(row, places, strict=True)
            if not (place.goes_on and _starts_above(grid, number, place))
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><tbody>{''.join(body)}</tbody></table>"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a cell of a document's table stands: first column, width, and whether it goes on from the row above."""

    column: int
    width: int
    merge: str

    @property
    def goes_on(self) -> bool:
        return self.merge == "continue"


def _row_places(row: _Element) -> list[_Place]:
    places: list[_Place] = []
    column = 0
    for cell in row.findall(f"{W}tc"):
        width = value(cell.find(f"{W}tcPr/{W}gridSpan")) or "1"
        merge = cell.find(f"{W}tcPr/{W}vMerge")
        n = int(width) if width.isdigit() and 0 < int(width) < MOST_SPANNED else 1
        places.append(_Place(column, n, "" if merge is None else value(merge) or "continue"))
        column += n
    return places


def _at(grid: Sequence[Sequence[_Place]], number: int, place: _Place) -> _Place | None:
    if not 0 <= number < len(grid):
        return None
    return next((one for one in grid[number] if (one.column, one.width) == (place.column, place.width)), None)


def _starts_above(grid: Sequence[Sequence[_Place]], number: int, place: _Place) -> bool:
    above = _at(grid, number - 1, place)
    if above is None or not above.merge:
        return False
    return above.merge == "restart" or _starts_above(grid, number - 1, place)


def _spans(grid: Sequence[Sequence[_Place]], number: int, place: _Place) -> str:
    n_rows = 1
    while place.merge == "restart" and (below := _at(grid, number + n_rows, place)) is not None and below.goes_on:
        n_rows += 1
    words = f' colspan="{place.width}"' if place.width > 1 else ""
    return words + (f' rowspan="{n_rows}"' if n_rows > 1 else "")


def names_items(rows: Sequence[Sequence[Cell]]) -> bool:
    """Say whether the cells hold numbered stems, so that the table is only a frame around an ordinary list."""
    lines = [line for row in rows for cell in row for line in cell]
    numbered = sum(bool(grammar.read_number(line.text)) for line in lines)
    optioned = sum(bool(option_head(line.text)) for line in lines)
    return numbered > 0 and optioned >= 2 and all(len([c for c in row if c]) <= 1 for row in rows)
