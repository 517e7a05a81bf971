"""Our own table layout: one item a row, readable by people, and exact by the column 附加信息."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from item_templates import registry
from item_templates.canonical import InvalidItemError, item_from_json, item_to_json
from item_templates.contract import CanonicalItem, ItemContent
from item_templates.markup import sanitise
from item_templates.rounding import decimal_text
from qbank.interchange.describing import read_rubric, read_score, rubric_text
from qbank.interchange.groups import parts_of
from qbank.interchange.hints import type_of_hint
from qbank.interchange.options import LETTERS

TYPE, STEM, ANSWER, EXPLANATION = "题型", "题干", "答案", "解析"
SCORE, DIFFICULTY, POINTS, RUBRIC, SOURCE, IDENTIFIER = "分值", "难度", "鉴定点", "评分标准", "来源", "编号"
GROUP, EXTRA = "组合题编号", "附加信息"
ITEM_SHEET, HELP_SHEET = "试题", "填写说明"
LEAST_OPTIONS = 6
CELL_OF_FIELD = {
    "type": TYPE, "stem": STEM, "key": ANSWER, "explanation": EXPLANATION, "score": SCORE, "difficulty": DIFFICULTY,
    "points": POINTS, "rubric": RUBRIC, "source": SOURCE, "id": IDENTIFIER,
}  # fmt: skip
PLAIN_CELLS = (ANSWER, POINTS, RUBRIC, SOURCE, IDENTIFIER)
Row = dict[str, str]


def headers(n_options: int, *, grouped: bool = False) -> list[str]:
    """Return the column heads for items with at most `n_options` options; `grouped` when some of them share a text."""
    options = [option_header(index) for index in range(max(n_options, LEAST_OPTIONS))]
    last = [SOURCE, IDENTIFIER, *([GROUP] if grouped else []), EXTRA]
    return [TYPE, STEM, *options, ANSWER, EXPLANATION, SCORE, DIFFICULTY, POINTS, RUBRIC, *last]


def option_header(index: int) -> str:
    """Return the head of an option column, such as 选项A."""
    return f"选项{LETTERS[index]}"


def item_row(item: CanonicalItem, *, shown: CanonicalItem | None = None, tidy: Callable[[str], str] = str) -> Row:
    """Return the cells of an item; what the readable cells cannot say exactly stands in 附加信息.

    `shown` is the item as a file format will show and give it back, where that differs from the item itself; `tidy`
    does the same for the cells of plain text.
    """
    row = _readable(shown or item)
    row |= {name: tidy(row[name]) for name in PLAIN_CELLS}
    wanted = item_to_json(item)
    read = _decode(row, {})
    got = item_to_json(read) if read else {}
    fields = {
        name: [_mark(row, name), value] for name, value in wanted.items() if name not in got or got[name] != value
    }
    row[EXTRA] = json.dumps({"v": 1, "fields": fields} if fields else {"v": 1}, ensure_ascii=False, sort_keys=True)
    return row


def item_rows(item: CanonicalItem) -> list[Row]:
    """Return the rows of an item: one, or that of the text of a testlet and one for each child."""
    return [item_row(part) | ({GROUP: whole} if whole else {}) for part, whole in parts_of(item)]


def exact_item(row: Mapping[str, str]) -> CanonicalItem | None:
    """Return the item of a row that `item_row` wrote and a person may have edited; None when it must be read freely."""
    try:
        extra = json.loads(row.get(EXTRA) or "null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(extra, dict) or extra.get("v") != 1:
        return None
    fields = extra.get("fields", {})
    return _decode(row, fields) if isinstance(fields, dict) else None


def _readable(item: CanonicalItem) -> Row:
    content = item.content
    item_type = registry.get(content.type)
    row = {
        TYPE: item_type.label,
        STEM: _cell(content.stem),
        ANSWER: _key_cell(content),
        EXPLANATION: _cell(content.explanation),
        SCORE: decimal_text(content.score),
        DIFFICULTY: str(item.difficulty or ""),
        POINTS: "；".join(item.points),
        RUBRIC: rubric_text(content.rubric),
        SOURCE: item.source,
        IDENTIFIER: item.id,
    }
    for index, choice in enumerate(content.choices[: len(LETTERS)]):
        row[option_header(index)] = _cell(choice.content)
    return row


def _key_cell(content: ItemContent) -> str:
    try:
        return registry.get(content.type).key_text(content)
    except (ValueError, TypeError, AttributeError, LookupError):
        return ""  # a draft with a key of the wrong shape: 附加信息 carries it


def _cell(text: str) -> str:
    """Return plain text where that reads back to the same HTML, else the HTML itself."""
    plain = html.unescape(text.replace("<br>", "\n"))
    return plain if cell_html(plain) == text else text


def cell_html(cell: str) -> str:
    """Return the HTML that a cell of our own layout means."""
    return sanitise(cell.replace("\r\n", "\n").replace("\n", "<br>"))


def _mark(row: Mapping[str, str], name: str) -> str:
    """Return a short digest of the cells that a person sees for a field, to notice that somebody changed them."""
    if name == "choices":
        seen = "\x1f".join(row.get(option_header(index), "") for index in range(len(LETTERS)))
    else:
        seen = row.get(CELL_OF_FIELD.get(name, ""), "")
    return hashlib.sha256(seen.strip().encode()).hexdigest()[:12]


def _decode(row: Mapping[str, str], fields: Mapping[str, Any]) -> CanonicalItem | None:
    """Return the item of the readable cells with the exact fields put over those that nobody changed."""
    item_type = type_of_hint(row.get(TYPE, ""))
    body = _body(row, item_type.name if item_type else "")
    for name, entry in fields.items():
        if isinstance(entry, list) and len(entry) == 2 and entry[0] == _mark(row, name):
            body[name] = entry[1]
    try:
        item = item_from_json({"type": "true_false", **body} if not body["type"] else body)
        return item if "key" in body else _with_key(item, row.get(ANSWER, ""))
    except (InvalidItemError, ValueError):
        return None


def _with_key(item: CanonicalItem, text: str) -> CanonicalItem:
    item_type = registry.get(item.content.type)
    key = item_type.parse_key(text, item.content) if text.strip() else None
    return replace(item, content=replace(item.content, key=key))


def _body(row: Mapping[str, str], type_name: str) -> dict[str, Any]:
    difficulty = row.get(DIFFICULTY, "").strip()
    options = [(LETTERS[i], row.get(option_header(i), "")) for i in range(len(LETTERS))]
    return {
        "id": row.get(IDENTIFIER, "").strip() or "?",
        "type": type_name,
        "stem": cell_html(row.get(STEM, "")),
        "choices": [{"id": letter, "content": cell_html(cell)} for letter, cell in options if cell.strip()],
        "explanation": cell_html(row.get(EXPLANATION, "")),
        "rubric": [dict(point) for point in read_rubric(row.get(RUBRIC, "")) or ()],
        "score": str(read_score(row.get(SCORE, "")) or 1),
        "difficulty": int(difficulty) if re.fullmatch("[1-5]", difficulty) else None,
        "points": [part for part in row.get(POINTS, "").split("；") if part],
        "source": row.get(SOURCE, ""),
    }


def option_count(items: Sequence[CanonicalItem]) -> int:
    """Return the largest number of options that the layout shows in columns of their own."""
    parts = (part for item in items for part, _ in parts_of(item))
    return min(len(LETTERS), max((len(part.content.choices) for part in parts), default=0))


def is_grouped(items: Sequence[CanonicalItem]) -> bool:
    """Say whether some of the items share a text, so that the layout needs a column for it."""
    return any(item.content.items for item in items)
