"""答题卡: an answer sheet for scanning. Every place is computed here in millimetres, printed there, and told to the scanner."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from blueprints.documents.layout import FormSheet
from blueprints.documents.pdf import sheet_data
from blueprints.rules.packages import SlotContent
from blueprints.rules.sections import Section, sections_of
from kernel.typesetting import render_pdf

FORMAT = "kaoku-scan-sheet/1"
WIDTH, HEIGHT = 210.0, 297.0
LEFT, RIGHT, TOP, BOTTOM = 13.0, 197.0, 24.0, 276.0
CORNER, CORNER_EDGE = 6.0, 8.0
PAGE_BITS = 4
GRID_Y, GRID_PITCH, GRID_ROW = 44.0, 6.0, 5.0
MOST_DIGITS = 13
"""So many columns of the admission number stand beside the fields for name and unit."""
BUBBLE_WIDTH, BUBBLE_HEIGHT = 4.6, 2.9
PITCH, ROW, NUMBER_WIDTH, COLUMN_GAP = 6.4, 5.4, 8.0, 2.5
BLOCK, BLOCK_GAP, PART_GAP = 5, 3.0, 2.0
FIRST_ITEM_Y = 110.0
LABEL_HEIGHT = 6.0
MARKS_OF_TRUTH = (("√", "true"), ("×", "false"))
BOX_HEIGHTS = {"fill_in": 9.0, "numeric": 9.0, "short_answer": 44.0, "calculation": 66.0, "essay": 116.0}
PLAIN_BOX = 11.0
STATES = (("缺考", "absent"), ("违纪", "violation"))
_TEMPLATE = Path(__file__).with_name("scan_sheet.typ")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a place of a page: `kind` is corner, bubble, box or text; lengths in millimetres from the upper left."""

    page: int
    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str = ""
    slot: int = 0
    value: str = ""


@dataclass(slots=True)
class ScanSheet:
    """All marks of a sheet, and how far down the last page is used."""

    digits: int
    marks: list[Mark] = field(default_factory=list)
    page: int = 1
    y: float = FIRST_ITEM_Y

    @property
    def grid_x(self) -> float:
        """Where the columns of the admission number begin."""
        return RIGHT - self.digits * GRID_PITCH

    def put(self, kind: str, x: float, y: float, size: tuple[float, float], **more: Any) -> None:
        """Add a mark to the current page."""
        self.marks.append(Mark(self.page, kind, round(x, 2), round(y, 2), *size, **more))

    def room(self, height: float) -> None:
        """Go to a new page when there is no room for something of this height."""
        if self.y + height > BOTTOM:
            self.page, self.y = self.page + 1, TOP
            self._corners()

    def begin(self) -> None:
        """Put what stands on the first page above the items."""
        self._corners()
        for place in range(self.digits):
            x = self.grid_x + place * GRID_PITCH
            self.put("box", x, GRID_Y, (GRID_PITCH, 6.5))
            for digit in range(10):
                y = GRID_Y + 8.5 + digit * GRID_ROW
                name = {"text": str(digit), "value": f"digit-{place + 1}-{digit}"}
                self.put("bubble", x + (GRID_PITCH - BUBBLE_WIDTH) / 2, y, (BUBBLE_WIDTH, BUBBLE_HEIGHT), **name)
        for place, (label, value) in enumerate(STATES):
            x = LEFT + 2 + place * 24
            self.put("text", x, 99.0, (12.0, 4.0), text=label)
            self.put("bubble", x + 12, 99.5, (BUBBLE_WIDTH, BUBBLE_HEIGHT), value=value)

    def _corners(self) -> None:
        size = (CORNER, CORNER)
        far_x, far_y = WIDTH - CORNER_EDGE - CORNER, HEIGHT - CORNER_EDGE - CORNER
        for x, y in ((CORNER_EDGE, CORNER_EDGE), (far_x, CORNER_EDGE), (CORNER_EDGE, far_y), (far_x, far_y)):
            self.put("corner", x, y, size)
        for bit in range(PAGE_BITS):
            if self.page >> bit & 1:
                self.put("corner", WIDTH / 2 + bit * 7, CORNER_EDGE + 1, (4.0, 3.0), value=f"page-bit-{bit}")


def lay_out(slots: Sequence[SlotContent], *, digits: int = 12) -> ScanSheet:
    """Return the marks of the answer sheet of a form; `slots` as they are printed."""
    sheet = ScanSheet(digits)
    sheet.begin()
    for section in sections_of(slots):
        here = [slot for slot in slots if slot.section == section.number]
        _section(sheet, section, here)
    return sheet


def _section(sheet: ScanSheet, section: Section, slots: Sequence[SlotContent]) -> None:
    bubbled = [slot for slot in slots if bubbles_of(slot)]
    boxed = [slot for slot in slots if not bubbles_of(slot)]
    label = f"{section.numeral}、{section.label}（{section.range_text}）"
    sheet.room(LABEL_HEIGHT + (BLOCK * ROW if bubbled else BOX_HEIGHTS.get(boxed[0].content.type, PLAIN_BOX)))
    sheet.put("text", LEFT, sheet.y, (RIGHT - LEFT, 4.0), text=label)
    sheet.y += LABEL_HEIGHT
    _bubble_blocks(sheet, bubbled)
    for slot in boxed:
        _box(sheet, slot)
    sheet.y += PART_GAP


def bubbles_of(slot: SlotContent) -> list[tuple[str, str]]:
    """Return what can be filled in for a slot as (shown, value); empty where something is to be written."""
    content = slot.content
    if content.type == "true_false":
        return list(MARKS_OF_TRUTH)
    if content.type in {"single_choice", "multiple_choice", "hotspot"}:
        return [(choice.id, choice.id) for choice in content.choices]
    return []


def _bubble_blocks(sheet: ScanSheet, slots: Sequence[SlotContent]) -> None:
    """Put items in blocks of five below each other, as many blocks beside each other as the widest item lets."""
    if not slots:
        return
    most = max(len(bubbles_of(slot)) for slot in slots)
    width = NUMBER_WIDTH + most * PITCH + COLUMN_GAP
    n_columns = max(1, int((RIGHT - LEFT + COLUMN_GAP) / width))
    blocks = [slots[start : start + BLOCK] for start in range(0, len(slots), BLOCK)]
    for start in range(0, len(blocks), n_columns):
        sheet.room(BLOCK * ROW)
        band = blocks[start : start + n_columns]
        for column, block in enumerate(band):
            for row, slot in enumerate(block):
                _bubble_row(sheet, slot, LEFT + column * width, sheet.y + row * ROW)
        sheet.y += len(band[0]) * ROW + BLOCK_GAP


def _bubble_row(sheet: ScanSheet, slot: SlotContent, x: float, y: float) -> None:
    sheet.put("number", x, y, (NUMBER_WIDTH - 2, BUBBLE_HEIGHT), text=str(slot.slot), slot=slot.slot)
    for place, (shown, value) in enumerate(bubbles_of(slot)):
        left = x + NUMBER_WIDTH + place * PITCH
        sheet.put("bubble", left, y, (BUBBLE_WIDTH, BUBBLE_HEIGHT), text=shown, slot=slot.slot, value=value)


def _box(sheet: ScanSheet, slot: SlotContent) -> None:
    height = BOX_HEIGHTS.get(slot.content.type, PLAIN_BOX)
    if slot.content.type == "fill_in":
        height *= max(1, slot.content.n_blanks)
    sheet.room(height)
    sheet.put(
        "box", LEFT, sheet.y, (RIGHT - LEFT, height), text=f"{slot.slot}.", slot=slot.slot, value=slot.content.type
    )
    sheet.y += height + 2


def scan_sheet_pdf(sheet: FormSheet, laid_out: ScanSheet) -> bytes:
    """Return the answer sheet as PDF."""
    pages = [[asdict(mark) for mark in laid_out.marks if mark.page == page] for page in range(1, laid_out.page + 1)]
    data = sheet_data(sheet) | {"pages": pages, "grid_x": laid_out.grid_x, "grid_y": GRID_Y}
    return render_pdf(_TEMPLATE, data, created_at=sheet.printed_at, archival=sheet.printed_at is not None)


def scan_sheet_map(sheet: FormSheet, laid_out: ScanSheet, choices: Mapping[int, Mapping[str, str]]) -> bytes:
    """Return the places as JSON for a scanner; `choices` tells for each slot which option a printed letter stands for."""
    document = {
        "format": FORMAT,
        "title": sheet.title,
        "order_code": sheet.order_code,
        "unit": "mm",
        "page": {"width": WIDTH, "height": HEIGHT, "count": laid_out.page},
        "digits": laid_out.digits,
        "marks": [_place(mark, choices) for mark in laid_out.marks if mark.kind in {"corner", "bubble", "box"}],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _place(mark: Mark, choices: Mapping[int, Mapping[str, str]]) -> dict[str, Any]:
    place: dict[str, Any] = {key: value for key, value in asdict(mark).items() if value not in {"", 0} or key == "page"}
    if mark.kind == "bubble" and mark.slot:
        place["response"] = choices.get(mark.slot, {}).get(mark.value, mark.value)
    return place
