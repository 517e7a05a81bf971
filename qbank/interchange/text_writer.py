"""Write items as plain text in our own labelled form, readable by people and read back exactly."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence

from item_templates.contract import CanonicalItem
from kernel.i18n import N_
from qbank.interchange.html_lines import plain_table
from qbank.interchange.labelled import FORM_MARK, Paragraph, form_paragraphs
from qbank.interchange.lines import from_plain, render_marks
from qbank.interchange.model import Notice


def write_text(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return the text file (UTF-8) and what it could not carry: pictures are named in it, not contained."""
    del media
    lines = [f"# {FORM_MARK}", *_lines(items)]
    message = N_("纯文本不能包含图片 %(name)s，只写出了它的名称")
    losses = [
        Notice(f"item {item.id}", "picture", message % {"name": medium.get("id")})
        for item in items
        for medium in item.content.media
    ]
    return ("\n".join(lines) + "\n").encode(), losses


def _lines(items: Sequence[CanonicalItem]) -> Iterator[str]:
    for paragraph in form_paragraphs(items):
        if paragraph.kind in ("heading", "stem"):
            yield ""
        yield paragraph.label + _written(paragraph)


def _written(paragraph: Paragraph) -> str:
    """Return the line as people write it; as HTML only where that would be read as something else."""
    line = paragraph.line
    text = plain_table(line.text) if line.block else render_marks(line.text, line.marks)
    plain = html.unescape(text)
    return plain if from_plain(plain) == text and "\n" not in plain else text
