"""The page of a printed Word file: size, margins, columns, the sealed line in the header, watermark, page numbers."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docx.enum.section import WD_ORIENTATION
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt

from blueprints.documents.layout import FormSheet
from blueprints.documents.page_size import PageSize

TWIPS_PER_MM = 56.7
LONGEST_FOOT = 40
"""Characters beside the page numbers; longer ones are set smaller."""
SEAL_FROM_EDGE = 5
SEAL_SPARE = 30
SEAL_WIDTHS = (14, 9)
SEAL_TEXT = (
    "单位名称：＿＿＿＿＿＿＿＿＿＿　　考生姓名：＿＿＿＿＿＿＿　　准考证号：＿＿＿＿＿＿＿＿＿＿",
    "………………………密………………………封………………………线………………………",
)
_VML = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'


def set_up_page(document: Any, sheet: FormSheet, *, is_sealed: bool) -> None:
    """Give a new document the page of a form (`is_sealed`) or of its key."""
    size, page = sheet.page_size, document.sections[0]
    page.orientation = WD_ORIENTATION.LANDSCAPE if size.width > size.height else WD_ORIENTATION.PORTRAIT
    page.page_width, page.page_height = Mm(size.width), Mm(size.height)
    page.left_margin = Mm(size.inside if is_sealed else size.outside)
    page.right_margin = Mm(size.outside)
    page.top_margin, page.bottom_margin = Mm(size.top), Mm(size.bottom)
    page.header_distance = page.footer_distance = Mm(8)
    _columns(page, size)
    document.settings.odd_and_even_pages_header_footer = True
    if is_sealed:
        _mirror_margins(document)
        _seal(page.header, size)
    for header in (page.header, page.even_page_header):
        _watermark(header, sheet.watermark)
    left = sheet.title if is_sealed else "机密　启用前"
    for footer in (page.footer, page.even_page_footer):
        _foot(footer.paragraphs[0], left, sheet.foot)


def _columns(page: Any, size: PageSize) -> None:
    found = page._sectPr.find(qn("w:cols"))  # noqa: SLF001 - python-docx knows no columns
    columns = found if found is not None else page._sectPr.makeelement(qn("w:cols"), {})  # noqa: SLF001
    columns.set(qn("w:num"), str(size.n_columns))
    columns.set(qn("w:space"), str(_twips(size.gutter)))
    if found is None:
        page._sectPr.append(columns)  # noqa: SLF001


def _mirror_margins(document: Any) -> None:
    settings = document.settings.element
    zoom = settings.find(qn("w:zoom"))
    settings.insert(0 if zoom is None else list(settings).index(zoom) + 1, OxmlElement("w:mirrorMargins"))


def _twips(millimetres: float) -> int:
    return round(millimetres * TWIPS_PER_MM)


def _seal(header: Any, size: PageSize) -> None:
    """Put the sealed line into a header: a table at the edge of the page, its text from bottom to top."""
    cells = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{_twips(width)}" w:type="dxa"/><w:textDirection w:val="btLr"/><w:vAlign w:val="center"/></w:tcPr>'
        f'<w:p><w:pPr><w:spacing w:before="0" w:after="0"/><w:jc w:val="center"/></w:pPr>'
        f'<w:r><w:rPr><w:rFonts w:eastAsia="宋体"/><w:sz w:val="20"/></w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p></w:tc>'
        for width, text in zip(SEAL_WIDTHS, SEAL_TEXT, strict=True)
    )
    grid = "".join(f'<w:gridCol w:w="{_twips(width)}"/>' for width in SEAL_WIDTHS)
    height = _twips(size.height - SEAL_SPARE)
    table = parse_xml(
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblpPr w:leftFromText="0" w:rightFromText="0" w:vertAnchor="page" w:horzAnchor="page"'
        f' w:tblpX="{_twips(SEAL_FROM_EDGE)}" w:tblpY="{_twips(SEAL_SPARE / 2)}"/><w:tblW w:w="{_twips(sum(SEAL_WIDTHS))}" w:type="dxa"/>'
        f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>'
        f'<w:tr><w:trPr><w:trHeight w:val="{height}" w:hRule="exact"/></w:trPr>{cells}</w:tr></w:tbl>'
    )
    header.is_linked_to_previous = False
    header._element.insert(0, table)  # noqa: SLF001 - python-docx has no floating tables


def _watermark(header: Any, words: str) -> None:
    """Write words across the page in grey, the way Word's own watermarks are made."""
    header.is_linked_to_previous = False
    if not words:
        return
    style = (
        "position:absolute;margin-left:0;margin-top:0;width:440pt;height:36pt;rotation:325;z-index:-251658752;"
        "mso-position-horizontal:center;mso-position-horizontal-relative:margin;"
        "mso-position-vertical:center;mso-position-vertical-relative:margin"
    )
    shape = parse_xml(
        f"<w:r {nsdecls('w')} {_VML}><w:pict>"
        '<v:shapetype id="_x0000_t136" coordsize="21600,21600" o:spt="136" adj="10800" path="m@7,l@8,m@5,21600l@6,21600e">'
        '<v:formulas><v:f eqn="sum #0 0 10800"/><v:f eqn="prod #0 2 1"/><v:f eqn="sum 21600 0 @1"/><v:f eqn="sum 0 0 @2"/>'
        '<v:f eqn="sum 21600 0 @3"/><v:f eqn="if @0 @3 0"/><v:f eqn="if @0 21600 @1"/><v:f eqn="if @0 0 @2"/>'
        '<v:f eqn="if @0 @4 21600"/></v:formulas><v:path textpathok="t"/><v:textpath on="t" fitshape="t"/></v:shapetype>'
        f'<v:shape id="kaoku-watermark" type="#_x0000_t136" style="{style}" fillcolor="#d5dae0" stroked="f">'
        f'<v:textpath style="font-family:&quot;黑体&quot;;font-size:1pt" string={quoteattr(words)}/></v:shape></w:pict></w:r>'
    )
    header.paragraphs[0]._p.append(shape)  # noqa: SLF001


def _foot(paragraph: Any, left: str, right: str) -> None:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    size = Pt(9) if len(left + right) <= LONGEST_FOOT else Pt(7)
    paragraph.add_run(f"{left}　　第 ")
    _field(paragraph, "PAGE", size)
    paragraph.add_run(" 页 共 ")
    _field(paragraph, "NUMPAGES", size)
    paragraph.add_run(f" 页　　{right}")
    for run in paragraph.runs:
        run.font.size = size


def _field(paragraph: Any, name: str, size: Pt) -> None:
    """Add a field whose value Word computes."""
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    run: Any = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = "1"
    run.append(text)
    run.get_or_add_rPr().get_or_add_sz().val = size
    field.append(run)
    paragraph._p.append(field)  # noqa: SLF001
