"""Certificates as Word: the same texts in the same order as on the PDF, A4, 仿宋, one page a certificate.

Fonts are named, never embedded: Word and WPS take the machine's own 仿宋 and 黑体. A Word file can be changed by whoever
has it, so it carries no signed statement; e-certificates are PDF only.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from math import ceil

import docx
from docx.document import Document
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.section import Section
from docx.shared import Length, Mm, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph
from PIL import Image, ImageOps

from certification.documents.certificate_layout import CertificateLayout, Line, certificate_layout
from certification.documents.model import CertificateSheet
from certification.documents.rendering import require_printable_number
from kernel.disk import require_room
from kernel.qr import qr_png
from kernel.typesetting import printable_photo

BODY_FONT, LABEL_FONT = "仿宋", "黑体"
MUTED = RGBColor(0x52, 0x60, 0x6D)
FRAME_COLOUR, LINE_COLOUR, WATERMARK_COLOUR = "2F5D8C", "9AA5B1", "E3E8EE"
PHOTO_WIDTH, PHOTO_HEIGHT, QR_WIDTH = Mm(30), Mm(42), Mm(30)
COLUMNS = (Mm(34), Mm(6), Mm(34), Mm(76))
"""Photo and code, the gap, what a line is called, what it says."""
TEXT_WIDTH, MIDDLE_MM = Mm(150), 88
VALUE_CHARACTERS, STATEMENT_CHARACTERS = 17, 30
"""How many Chinese characters go on a line of a value and of the statement."""
_OUTLINE = f'<a:ln {nsdecls("a")} w="7620"><a:solidFill><a:srgbClr val="{LINE_COLOUR}"/></a:solidFill></a:ln>'
CENTRE, RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
_EPOCH = (1980, 1, 1, 0, 0, 0)


def certificates_docx(sheets: Sequence[CertificateSheet], *, created_at: dt.datetime) -> bytes:
    """Return certificates as one Word file, one A4 page each, in the order given; the same sheets give the same bytes.

    Raises
    ------
    InvalidInputError
        If there are none or too many.
    """
    require_printable_number(sheets)
    require_room()
    layouts = [certificate_layout(sheet) for sheet in sheets]
    document = docx.Document()
    _describe(document, layouts[0], created_at)
    for index, (sheet, layout) in enumerate(zip(sheets, layouts, strict=True)):
        section = document.sections[0] if index == 0 else document.add_section(WD_SECTION.NEW_PAGE)
        _set_page(section, layout, is_first=index == 0)
        _write_certificate(document, sheet, layout)
    stream = io.BytesIO()
    document.save(stream)
    return _without_times(stream.getvalue())


def _describe(document: Document, layout: CertificateLayout, created_at: dt.datetime) -> None:
    properties = document.core_properties
    properties.title, properties.author = layout.title, layout.issuer[:255]
    properties.created = properties.modified = created_at.astimezone(dt.UTC)
    plain = document.styles["Normal"]
    plain.font.name, plain.font.size = BODY_FONT, Pt(12)
    plain.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), BODY_FONT)


def _without_times(content: bytes) -> bytes:
    """Return a packed file whose entries bear no time of day."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, _EPOCH), old.read(name), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


# --- the page --------------------------------------------------------------------------------------------------------


def _set_page(section: Section, layout: CertificateLayout, *, is_first: bool) -> None:
    """Set paper, margins and frame, and what stands in head and foot of this page alone."""
    if is_first:
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(30)
        section.top_margin, section.bottom_margin = Mm(32), Mm(24)
        section.header_distance, section.footer_distance = Mm(12), Mm(17)
        section._sectPr.get_or_add_pgMar().addnext(_frame())  # noqa: SLF001 - page borders have no other door
    section.header.is_linked_to_previous = section.footer.is_linked_to_previous = False
    if layout.watermark:
        section.header.paragraphs[0].add_run()._r.append(_watermark(layout.watermark))  # noqa: SLF001 - as above
    foot = section.footer.paragraphs[0]
    foot.paragraph_format.tab_stops.clear_all()
    foot.paragraph_format.tab_stops.add_tab_stop(TEXT_WIDTH, WD_TAB_ALIGNMENT.RIGHT)
    serial = f"\t{layout.print_serial}" if layout.print_serial else ""
    _write(foot, "　　".join(layout.query_addresses) + serial, font=LABEL_FONT, size=Pt(8.5), is_muted=True)
    _border(foot, "top")


def _frame() -> BaseOxmlElement:
    sides = "".join(
        f'<w:{side} w:val="thickThinSmallGap" w:sz="18" w:space="24" w:color="{FRAME_COLOUR}"/>'
        for side in ("top", "left", "bottom", "right")
    )
    return parse_xml(f'<w:pgBorders {nsdecls("w")} w:offsetFrom="page">{sides}</w:pgBorders>')


def _watermark(text: str) -> BaseOxmlElement:
    place = (
        "position:absolute;width:400pt;height:100pt;rotation:328;z-index:-251658752;"
        "mso-position-horizontal:center;mso-position-horizontal-relative:page;"
        "mso-position-vertical:center;mso-position-vertical-relative:page"
    )
    picture = parse_xml(
        f'<w:pict {nsdecls("w")} xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">'
        '<v:shapetype id="_x0000_t136" coordsize="21600,21600" o:spt="136" adj="10800" path="m@7,l@8,m@5,21600l@6,21600e">'
        '<v:path textpathok="t" o:connecttype="rect"/><v:textpath on="t" fitshape="t"/></v:shapetype>'
        f'<v:shape type="#_x0000_t136" style="{place}" fillcolor="#{WATERMARK_COLOUR}" stroked="f">'
        f'<v:textpath style="font-family:{LABEL_FONT};font-size:1pt"/></v:shape></w:pict>'
    )
    (path,) = picture.xpath("./*[local-name()='shape']/*[local-name()='textpath']")
    path.set("string", text)
    return picture


# --- one certificate -------------------------------------------------------------------------------------------------


def _write_certificate(document: Document, sheet: CertificateSheet, layout: CertificateLayout) -> None:
    wide = not layout.is_bilingual
    title = _paragraph(document, "", size=Pt(30), align=CENTRE)
    _write(title, layout.title, font=LABEL_FONT, size=Pt(30), spacing=Pt(5))
    if layout.title_english:
        _paragraph(document, layout.title_english, size=Pt(11), align=CENTRE, is_muted=True)
    statement = _paragraph(document, layout.statement, size=Pt(14), before=Mm(12 if wide else 5), line=1.6)
    statement.paragraph_format.first_line_indent = Pt(28)
    if layout.statement_english:
        _paragraph(document, layout.statement_english, size=Pt(9), is_muted=True, before=Mm(1))
    _paragraph(document, "", size=Pt(4), before=Mm(8 if wide else 2))
    _middle(document, sheet, layout)
    _issuer(document, layout)


def _middle(document: Document, sheet: CertificateSheet, layout: CertificateLayout) -> None:
    """Set photo and code on the left, the lines on the right."""
    table = document.add_table(rows=len(layout.lines), cols=len(COLUMNS))
    table.autofit = False
    for column, width in zip(table.columns, COLUMNS, strict=True):
        column.width = width
    for row, line in zip(table.rows, layout.lines, strict=True):
        row.height, row.height_rule = Mm(MIDDLE_MM / len(layout.lines)), WD_ROW_HEIGHT_RULE.AT_LEAST
        for cell, width in zip(row.cells, COLUMNS, strict=True):
            cell.width = width
        _fill_line(row.cells[2], row.cells[3], line)
    _side(table.cell(0, 0).merge(table.cell(len(layout.lines) - 1, 0)), sheet, layout)


def _fill_line(label: _Cell, value: _Cell, line: Line) -> None:
    for cell, text, english in ((label, line.label, line.label_english), (value, line.value, line.value_english)):
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.BOTTOM
        _write(cell.paragraphs[0], text, size=Pt(12))
        last = cell.paragraphs[0]
        if english:
            last = cell.add_paragraph()
            _write(last, english, font=LABEL_FONT, size=Pt(8), is_muted=True)
        for paragraph in cell.paragraphs:
            paragraph.paragraph_format.space_after = Pt(0)
        if cell is value:
            _border(last, "bottom")


def _side(cell: _Cell, sheet: CertificateSheet, layout: CertificateLayout) -> None:
    photo = _fitted(sheet.photo)
    frame = cell.paragraphs[0] if photo else _photo_place(cell, layout)
    if photo:
        outline = frame.add_run().add_picture(io.BytesIO(photo), PHOTO_WIDTH, PHOTO_HEIGHT)
        (shape,) = outline._inline.xpath(".//pic:spPr")  # noqa: SLF001 - outlines of pictures have no other door
        shape.append(parse_xml(_OUTLINE))
    code = cell.add_paragraph()
    code.paragraph_format.space_before, code.paragraph_format.space_after = Mm(4), Pt(0)
    picture = code.add_run().add_picture(io.BytesIO(qr_png(sheet.verify_address)), QR_WIDTH, QR_WIDTH)
    picture._inline.docPr.set("descr", sheet.verify_address)  # noqa: SLF001 - what the code says, for those who hear it
    note = cell.add_paragraph()
    _write(note, layout.qr_note, font=LABEL_FONT, size=Pt(8), is_muted=True)
    for paragraph in (frame, code, note):
        paragraph.alignment = CENTRE


def _photo_place(cell: _Cell, layout: CertificateLayout) -> Paragraph:
    """Set an empty frame of the photo's size and return the paragraph in it."""
    place = cell.add_table(rows=1, cols=1)
    place.style = "Table Grid"
    place.rows[0].height, place.rows[0].height_rule = PHOTO_HEIGHT, WD_ROW_HEIGHT_RULE.EXACTLY
    inner = place.cell(0, 0)
    inner.width, inner.vertical_alignment = PHOTO_WIDTH, WD_CELL_VERTICAL_ALIGNMENT.CENTER
    _write(inner.paragraphs[0], "\n".join(layout.no_photo), size=Pt(9), is_muted=True)
    blank = cell.paragraphs[0]
    blank._p.getparent().remove(blank._p)  # noqa: SLF001 - the empty line above the frame
    first: Paragraph = inner.paragraphs[0]
    return first


def _fitted(photo: bytes | None) -> bytes | None:
    """Return a photo cut to the shape of its place, None where there is none or it cannot be printed."""
    plain = printable_photo(photo) if photo else None
    if plain is None:
        return None
    with Image.open(io.BytesIO(plain)) as picture:
        size = (picture.width, round(picture.width * PHOTO_HEIGHT / PHOTO_WIDTH))
        fitted = ImageOps.fit(picture, size)
    stream = io.BytesIO()
    fitted.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def _issuer(document: Document, layout: CertificateLayout) -> None:
    lines = [_paragraph(document, layout.issuer, size=Pt(13), before=Mm(_room_above_issuer(layout)))]
    if layout.issuer_english:
        lines.append(_paragraph(document, layout.issuer_english, size=Pt(9), is_muted=True))
    lines.append(_paragraph(document, layout.seal, size=Pt(10)))
    day = _paragraph(document, layout.issued_on, size=Pt(12), before=Mm(1))
    if layout.issued_on_english:
        _write(day, "　" + layout.issued_on_english, font=LABEL_FONT, size=Pt(9), is_muted=True)
    lines.append(day)
    if layout.expires_on:
        lines.append(_paragraph(document, layout.expires_on, size=Pt(10)))
    for paragraph in lines:
        paragraph.alignment, paragraph.paragraph_format.left_indent = CENTRE, Mm(32)


def _room_above_issuer(layout: CertificateLayout) -> int:
    """Return the millimetres left above the issuer: long texts take them, so that a certificate stays on its page."""
    more = sum(max(0, ceil(len(line.value) / VALUE_CHARACTERS) - 2) for line in layout.lines)
    more += max(0, ceil(len(layout.statement) / STATEMENT_CHARACTERS) - 3) + len(layout.issuer) // STATEMENT_CHARACTERS
    return max(1, (20 if layout.is_bilingual else 28) - 8 * more)


# --- paragraphs ------------------------------------------------------------------------------------------------------


def _paragraph(
    document: Document, text: str, *, size: Length, font: str = "", align: WD_ALIGN_PARAGRAPH | None = None,
    is_muted: bool = False, before: Length | None = None, line: float = 1.15,
) -> Paragraph:  # fmt: skip
    paragraph = document.add_paragraph()
    layout = paragraph.paragraph_format
    layout.space_before, layout.space_after, layout.line_spacing = before or Pt(0), Pt(0), line
    if align is not None:
        paragraph.alignment = align
    _write(paragraph, text, font=font or (LABEL_FONT if is_muted else BODY_FONT), size=size, is_muted=is_muted)
    return paragraph


def _write(
    paragraph: Paragraph, text: str, *, size: Length, font: str = BODY_FONT, is_muted: bool = False,
    spacing: Length | None = None,
) -> None:  # fmt: skip
    run = paragraph.add_run(text)
    run.font.size, run.font.name = size, font
    properties = run.element.get_or_add_rPr()
    properties.get_or_add_rFonts().set(qn("w:eastAsia"), font)
    if is_muted:
        run.font.color.rgb = MUTED
    if spacing is not None:
        wide = parse_xml(f'<w:spacing {nsdecls("w")} w:val="{round(spacing.pt * 20)}"/>')
        properties.insert_element_before(wide, "w:w", "w:kern", "w:position", "w:sz")


def _border(paragraph: Paragraph, side: str) -> None:
    properties = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - borders of paragraphs have no other door
    box = properties.find(qn("w:pBdr"))
    if box is None:
        box = parse_xml(f"<w:pBdr {nsdecls('w')}/>")
        properties.insert_element_before(box, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    box.append(parse_xml(f'<w:{side} {nsdecls("w")} w:val="single" w:sz="4" w:space="3" w:color="{LINE_COLOUR}"/>'))
