"""Small Word documents for tests, built paragraph by paragraph."""

from __future__ import annotations

import io
from collections.abc import Sequence

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image

LEVELS = {
    "decimal": ("decimal", "%1．"),
    "letters": ("upperLetter", "（%1）"),
    "comma_letters": ("upperLetter", "%1、"),
    "chinese": ("chineseCounting", "%1、"),
    "points": ("decimal", "%1)"),
}


class WordFile:
    """A document under construction; `listed` numbers a paragraph automatically."""

    def __init__(self) -> None:
        self.document = docx.Document()
        self._numbering = self.document.part.numbering_part.element
        self._lists: dict[tuple[str, int], int] = {}

    def lines(self, *texts: str) -> WordFile:
        for text in texts:
            self.document.add_paragraph(text)
        return self

    def listed(self, kind: str, text: str, *, group: int = 0) -> WordFile:
        paragraph = self.document.add_paragraph(text)
        properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_ilvl().val = 0
        properties.get_or_add_numId().val = self._list(kind, group)
        return self

    def _list(self, kind: str, group: int) -> int:
        if (kind, group) not in self._lists:
            number = 900 + len(self._lists)
            form, text = LEVELS[kind]
            abstract = parse_xml(
                f'<w:abstractNum {nsdecls("w")} w:abstractNumId="{number}"><w:lvl w:ilvl="0"><w:start w:val="1"/>'
                f'<w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl></w:abstractNum>'
            )
            self._numbering.insert(0, abstract)
            self._numbering.append(
                parse_xml(f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="{number}"/></w:num>')
            )
            self._lists[kind, group] = number
        return self._lists[kind, group]

    def runs(self, *pieces: tuple[str, str]) -> WordFile:
        """Add a paragraph of runs; the second part names sub, sup, bold or underline."""
        paragraph = self.document.add_paragraph()
        for text, style in pieces:
            run = paragraph.add_run(text)
            run.font.subscript = True if style == "sub" else None
            if style == "sup":
                run.font.superscript = True
            run.bold = style == "bold" or None
            run.underline = style == "underline" or None
        return self

    def formula(self, before: str, omml: str) -> WordFile:
        paragraph = self.document.add_paragraph(before)
        space = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
        paragraph._p.append(parse_xml(f"<m:oMath {space}>{omml}</m:oMath>"))
        return self

    def table(self, *rows: Sequence[str]) -> WordFile:
        table = self.document.add_table(rows=len(rows), cols=len(rows[0]))
        for row, cells in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
        return self

    def picture(self, text: str, data: bytes) -> WordFile:
        paragraph = self.document.add_paragraph(text)
        paragraph.add_run().add_picture(io.BytesIO(data))
        return self

    def data(self) -> bytes:
        buffer = io.BytesIO()
        self.document.save(buffer)
        return buffer.getvalue()


def png(colour: str = "red") -> bytes:
    """Return a small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (12, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()
