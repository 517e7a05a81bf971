"""What a printed form says, before any format: titles, notes, parts, items with their options in columns, the key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from blueprints.documents.page_size import A4, PageSize
from blueprints.documents.runs import Rich, rich
from blueprints.rules.packages import SlotContent, score_text
from blueprints.rules.sections import Section, sections_of
from item_templates import registry
from item_templates.contract import ItemContent
from item_templates.formulas.pieces import readable
from item_templates.markup import plain_text

COLUMN_CHOICES = (4, 2, 1)
BRACKETS = re.compile(r"[（(][\s　\u00a0_]*[)）]")
ANSWER_LINES = {"short_answer": 5, "calculation": 10, "essay": 14}
KEYS_PER_ROW = 10
NUMBERED = frozenset({"single_choice", "multiple_choice", "true_false"})


@dataclass(frozen=True, slots=True)
class FormSheet:
    """What stands around the items."""

    organisation: str
    occupation: str
    occupation_code: str
    level: str
    label: str
    edition: str
    duration_minutes: int
    total_score: str
    trace: str = ""
    page_size: PageSize = A4
    watermark: str = ""
    order_code: str = ""
    """Stands on the form and on its key, so that people see which key belongs to which order of options."""
    printed_at: datetime | None = None
    """With it the PDF is one for keeping (PDF/A): a character that no font has refuses the whole file."""

    @property
    def foot(self) -> str:
        """What stands at the foot of every page beside its number."""
        return " ".join(filter(None, [self.order_code, self.trace]))

    @property
    def title(self) -> str:
        """The second title line."""
        which = f"（{self.label}卷）" if self.label else ""
        return f"{self.occupation}{self.level}理论知识试卷{which}"

    @property
    def notes(self) -> list[str]:
        """The notes to candidates."""
        year = re.fullmatch(r"(\d{4})(年?版)?", self.edition)
        edition = f"{year[1]}年版" if year else self.edition
        return [
            f"1. 本试卷依据{edition}《{self.occupation}》职业标准命制，考试时间：{self.duration_minutes} 分钟，满分 {self.total_score} 分。",
            "2. 请首先按要求在试卷的指定位置填写准考证号、姓名和单位名称。",
            "3. 请仔细阅读各部分的答题要求，在规定的位置填写答案。",
            "4. 不要在试卷上乱写乱画，不要填写无关的内容。",
        ]


@dataclass(frozen=True, slots=True)
class PrintedItem:
    """One item as it is printed: number, text, options, how many stand in a line, lines to write on."""

    number: int
    stem: Rich
    choices: tuple[tuple[str, Rich], ...]
    targets: tuple[tuple[str, Rich], ...]
    n_columns: int
    lead: str
    n_lines: int
    score: str
    shared: Rich | None = None
    shared_heading: str = ""
    """The text that this item and the next ones share stands before the first of them, with the numbers it is for."""
    follows: bool = False
    """Whether it shares the text that stands before an earlier item."""


@dataclass(frozen=True, slots=True)
class PrintedPart:
    """One part of a form."""

    heading: str
    numeral: str
    items: tuple[PrintedItem, ...]


def printed_parts(slots: Sequence[SlotContent], page_size: PageSize = A4) -> list[PrintedPart]:
    """Return the parts of a form, ready to be set on pages of a size."""
    return [
        _part(section, [slot for slot in slots if slot.section == section.number], page_size.line_units)
        for section in sections_of(slots)
    ]


def _part(section: Section, slots: Sequence[SlotContent], line_units: int) -> PrintedPart:
    groups = [list(run) for _, run in groupby(slots, key=lambda slot: (slot.place or slot.slot, slot.content.stimulus))]
    rows = [([_item(slot, section, line_units) for slot in group], group) for group in groups]
    items = [item for made, group in rows for item in _with_shared(made, group)]
    return PrintedPart(section.printed_heading, section.numeral, tuple(items))


def _with_shared(items: Sequence[PrintedItem], slots: Sequence[SlotContent]) -> list[PrintedItem]:
    """Put the text that slots share before the first of them."""
    first, *rest = items
    if not slots[0].content.stimulus:
        return [first, *rest]
    numbers = f"第{first.number}题~第{items[-1].number}题" if rest else f"第{first.number}题"
    shown = replace(first, shared=rich(slots[0].content.stimulus), shared_heading=f"阅读材料，回答{numbers}。")
    return [shown, *(replace(one, follows=True) for one in rest)]


def _item(slot: SlotContent, section: Section, line_units: int) -> PrintedItem:
    content = slot.content
    choices = tuple((choice.id, rich(choice.content)) for choice in content.choices)
    is_judged = content.type == "true_false"
    stem = content.stem
    if content.type in {"single_choice", "multiple_choice"}:
        stem = BRACKETS.sub("（　　）", stem) if BRACKETS.search(stem) else f"{stem}（　　）"
    return PrintedItem(
        number=slot.slot, stem=rich(stem), choices=choices,
        targets=tuple((target.id, rich(target.content)) for target in content.targets),
        n_columns=columns_for(content, choices, line_units), lead="（　　）" if is_judged else "",
        n_lines=ANSWER_LINES.get(content.type, 0), score="" if section.each is not None else score_text(slot.score),
    )  # fmt: skip


def columns_for(content: ItemContent, choices: Sequence[tuple[str, Rich]], line_units: int = A4.line_units) -> int:
    """Return how many options stand in one line: four, two or one, by the longest."""
    if len(choices) < 2 or any(len(text.blocks) > 1 for _, text in choices):
        return 1
    if any(text.has_picture for _, text in choices):
        return 2
    longest = max(width(plain_text(choice.content)) + len(choice.id) + 2 for choice in content.choices)
    return next((n for n in COLUMN_CHOICES if longest <= line_units // n - 2), 1)


def width(text: str) -> int:
    r"""Return the width of a text in half characters; a formula takes what it takes on one line.

    Examples
    --------
    >>> width("电阻R"), width(r"\(\Omega\)")
    (5, 1)
    """
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in readable(text))


@dataclass(frozen=True, slots=True)
class KeyPart:
    """The key of one part: a grid of letters, or items with answer, scoring points and explanation."""

    heading: str
    rows: tuple[tuple[tuple[int, str], ...], ...]
    items: tuple[dict[str, Any], ...]


def key_parts(slots: Sequence[SlotContent]) -> list[KeyPart]:
    """Return the key and scoring standard of a form."""
    return [
        _key_part(section, [slot for slot in slots if slot.section == section.number]) for section in sections_of(slots)
    ]


def _key_part(section: Section, slots: Sequence[SlotContent]) -> KeyPart:
    heading = f"{section.numeral}、{section.label}（{section.range_text}，{section.score_text}）"
    if section.type in NUMBERED:
        pairs = [(slot.slot, key_text(slot.content)) for slot in slots]
        rows = tuple(tuple(pairs[start : start + KEYS_PER_ROW]) for start in range(0, len(pairs), KEYS_PER_ROW))
        return KeyPart(heading, rows, ())
    return KeyPart(heading, (), tuple(_key_item(slot) for slot in slots))


def _key_item(slot: SlotContent) -> dict[str, Any]:
    content = slot.content
    return {
        "number": slot.slot,
        "answer": rich(key_text(content).replace("<", "&lt;")),
        "points": [(rich(str(point["text"]).replace("<", "&lt;")), str(point["score"])) for point in content.rubric],
        "explanation": rich(content.explanation),
        "score": score_text(slot.score),
    }


def key_text(content: ItemContent) -> str:
    """Return the key of an item as people write it."""
    return registry.get(content.type).key_text(content)


def unknown_formulas(parts: Sequence[PrintedPart]) -> list[int]:
    """Return the numbers of items with a formula that is printed as source."""
    return [item.number for part in parts for item in part.items if any(text.unknown for text in texts_of(item))]


def texts_of(item: PrintedItem) -> list[Rich]:
    """Return all texts of an item."""
    shared = [item.shared] if item.shared else []
    return [*shared, item.stem, *(text for _, text in (*item.choices, *item.targets))]
