"""Letters to candidates as Word and PDF, laid out as official letters are: A4, 仿宋 三号, the title centred, signed below."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.text.paragraph import Paragraph

from kernel.typesetting import render_pdf

TEMPLATE = Path(__file__).with_name("letter.typ")
BODY_SIZE, TITLE_SIZE, SMALL_SIZE = Pt(16), Pt(22), Pt(14)
BODY_FONT, TITLE_FONT = "仿宋", "黑体"
LINE = Pt(28)
COLUMNS = (Cm(4), Cm(11.6))
FIXED_TIME = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter says; texts stand as they shall appear."""

    organisation: str
    title: str
    number: str
    addressee: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    signed_on: dt.date
    notes: tuple[str, ...] = ()

    @property
    def date_text(self) -> str:
        """The day as letters write it.

        Examples
        --------
        >>> Letter("甲", "乙", "", "丙", (), (), dt.date(2026, 3, 5)).date_text
        '2026年3月5日'
        """
        return f"{self.signed_on.year}年{self.signed_on.month}月{self.signed_on.day}日"


def letter_pdf(letter: Letter) -> bytes:
    """Return a letter as PDF; the same letter gives the same bytes."""
    fields = {field.name: getattr(letter, field.name) for field in dataclasses.fields(letter)}
    return render_pdf(TEMPLATE, fields | {"signed_on": letter.date_text})


def letter_docx(letter: Letter) -> bytes:
    """Return a letter as a Word file."""
    document = docx.Document()
    _set_page(document, letter)
    _line(document, letter.title, font=TITLE_FONT, size=TITLE_SIZE, align=WD_ALIGN_PARAGRAPH.CENTER)
    _line(document, letter.number, size=SMALL_SIZE, align=WD_ALIGN_PARAGRAPH.CENTER)
    _line(document, f"{letter.addressee}：")
    for text in letter.paragraphs:
        _line(document, text, is_indented=True)
    if letter.facts:
        _table(document, letter.facts)
    for text in letter.notes:
        _line(document, text, is_indented=True)
    _line(document, "")
    for text in (letter.organisation, letter.date_text):
        _line(document, text, align=WD_ALIGN_PARAGRAPH.RIGHT)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _set_page(document: Document, letter: Letter) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin, section.bottom_margin = Cm(3.7), Cm(3.5)
    section.left_margin, section.right_margin = Cm(2.8), Cm(2.6)
    properties = document.core_properties
    properties.title, properties.author = letter.title, letter.organisation
    properties.created = properties.modified = FIXED_TIME


def _line(
    document: Document,
    text: str,
    *,
    font: str = BODY_FONT,
    size: Pt = BODY_SIZE,
    align: WD_ALIGN_PARAGRAPH | None = None,
    is_indented: bool = False,
) -> None:
    paragraph = document.add_paragraph()
    if align is not None:
        paragraph.alignment = align
    layout = paragraph.paragraph_format
    layout.line_spacing, layout.space_after = LINE, Pt(0)
    if is_indented:
        layout.first_line_indent = size * 2
    _write(paragraph, text, font, size)


def _write(paragraph: Paragraph, text: str, font: str, size: Pt) -> None:
    run = paragraph.add_run(text)
    run.font.size, run.font.name = size, font
    run.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def _table(document: Document, facts: Sequence[tuple[str, str]]) -> None:
    table = document.add_table(rows=0, cols=len(COLUMNS))
    table.style, table.autofit = "Table Grid", False
    for column, width in zip(table.columns, COLUMNS, strict=True):
        column.width = width
    for texts in facts:
        row = table.add_row()
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - no public way in python-docx
        for cell, text, width in zip(row.cells, texts, COLUMNS, strict=True):
            cell.width = width
            _write(cell.paragraphs[0], text, BODY_FONT, SMALL_SIZE)
