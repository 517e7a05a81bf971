"""Write items as a Word document in our own labelled form: printable, edited by experts, read back exactly."""

from __future__ import annotations

import html
import io
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.image.exceptions import UnrecognizedImageError
from docx.image.image import Image
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from item_templates import registry
from item_templates.canonical import item_from_json
from item_templates.contract import CanonicalItem
from item_templates.formulas.omml import to_omml
from item_templates.formulas.parser import FormulaError, parse_formula
from item_templates.formulas.pieces import normal_text
from item_templates.formulas.tree import Row
from kernel.i18n import N_
from qbank.interchange.docx_text import MEDIA_PREFIX
from qbank.interchange.html_lines import TableCell, table_cells
from qbank.interchange.labelled import FORM_MARK, Paragraph, form_paragraphs, heading, whole_paragraphs
from qbank.interchange.lines import CONTINUED, Line
from qbank.interchange.model import Notice
from qbank.interchange.origins import PART, origins_xml
from qbank.interchange.pictures import as_png

TITLE = N_("试题")
TEMPLATE_TITLE = N_("试题模板")
INSTRUCTIONS = N_("填写说明")
INSTRUCTION_LINES = (
    N_("· 按题型分节；每题依次写题号和题干、选项（每行一个，A. B. C.）、答案和其他各行，不需要的行可以删去。"),
    N_("· 单选题写一个字母，多选题写几个字母（如 AC），判断题写 √ 或 ×。"),
    N_("· 填空题在题干中用 {{1}}、{{2}} 或 ____ 标出空；各空的答案以；分隔，同一空的几种写法以 | 分隔。"),
    N_("· 简答题、论述题的评分标准每行写一个要点，行末写分值，例如 说明原理（2分）。"),
    N_("· 组合题先写“材料：”和材料，其后按序号写各小题，每小题写明题型一行；小题到下一个“材料：”或下一节为止。"),
    N_("· 公式写在 \\( 和 \\) 之间，也可以用 Word 自带的公式；图片插入到所在的题干或选项中。"),
    N_("· 难度写 1（易）到 5（难）；鉴定点写代码，几个代码以；分隔。"),
    N_("· 修改已有试题时请保留编号一行；其后的隐藏文字用于核对，请勿改动。"),
)
EXAMPLES = N_("示例")
SONG, FANG, HEI = "宋体", "仿宋", "黑体"
GREY = RGBColor(0x66, 0x66, 0x66)
MAX_PICTURE_CM = 12
_INLINE = re.compile(r"(<sub>.*?</sub>|<sup>.*?</sup>|<img [^>]*>|\\\(.*?\\\))", re.DOTALL)
_IMG = re.compile(r'<img src="media:([^"]*)"(?: alt="([^"]*)")?>')


def write_docx(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return the document and what it could not carry; `media` holds the pictures by digest."""
    writer = _Writer(TITLE)
    for item in items:
        writer.take_pictures(item, media)
    writer.instructions(with_examples=False)
    for paragraph in form_paragraphs(items, formulas=normal_text):
        writer.write(paragraph)
    writer.note_origins(items)
    return writer.save(), writer.losses


def write_template() -> bytes:
    """Return the empty document that authors fill in: instructions, one example a type, a section for each type."""
    writer = _Writer(TEMPLATE_TITLE)
    writer.instructions(with_examples=True)
    for section, item_type in enumerate(registry.all_types(), 1):
        writer.write(heading(section, item_type.name))
        writer.write(Paragraph("stem", "1. ", Line("", "")))
    return writer.save()


class _Writer:
    """Puts paragraphs into one document, with Chinese fonts and the pictures that they name."""

    def __init__(self, title: str) -> None:
        self._document = docx.Document()
        self._pictures: dict[str, tuple[str, bytes]] = {}
        self.losses: list[Notice] = []
        self._set_up(title)

    def _set_up(self, title: str) -> None:
        properties = self._document.core_properties
        properties.keywords, properties.title, properties.author = FORM_MARK, title, ""
        properties.comments = ""
        section = self._document.sections[0]
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = Cm(2.6)
        section.top_margin = section.bottom_margin = Cm(2.4)
        _set_font(self._document.styles["Normal"], SONG, 10.5)
        _set_font(self._document.styles["Heading 1"], HEI, 14)
        spacing = self._document.styles["Normal"].paragraph_format
        spacing.space_after, spacing.line_spacing = Pt(2), 1.25
        head = self._document.add_paragraph()
        head.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _set_font(head.add_run(title), HEI, 18)

    def take_pictures(self, item: CanonicalItem, media: Mapping[str, bytes]) -> None:
        """Remember the pictures of an item; ids of different items may be the same, so the digest decides."""
        for medium in item.content.media:
            name, digest = str(medium.get("id")), str(medium.get("digest"))
            data = self._holdable(item, name, media.get(digest))
            known = self._pictures.get(name)
            if data is None or (known and known[0] != digest):
                message = N_("图片 %(name)s 不能写入 Word，只写出了它的位置") % {"name": name}
                self.losses.append(Notice(f"item {item.id}", "picture", message))
            else:
                self._pictures[name] = (digest, data)

    def _holdable(self, item: CanonicalItem, name: str, data: bytes | None) -> bytes | None:
        """Return a picture in a format that Word shows; one that was encoded anew is named."""
        if data is None or _can_hold(data):
            return data
        encoded = as_png(data)
        if encoded is not None:
            message = N_("图片 %(name)s 的格式 Word 不支持，已转为 PNG") % {"name": name}
            self.losses.append(Notice(f"item {item.id}", "picture_format", message))
        return encoded

    def instructions(self, *, with_examples: bool) -> None:
        """Write what an author needs to know, in a part that readers pass over."""
        for index, text in enumerate((INSTRUCTIONS, *INSTRUCTION_LINES)):
            run = self._document.add_paragraph().add_run(text)
            _set_font(run, FANG, 10.5)
            run.font.bold = index == 0
            run.font.color.rgb = GREY
        for item_type in registry.all_types() if with_examples else ():
            self._example(item_type.name, item_type.label)

    def _example(self, name: str, label: str) -> None:
        item = _example_item(name)
        if item is None:
            return
        run = self._document.add_paragraph().add_run(f"{EXAMPLES}（{label}）")
        _set_font(run, FANG, 10.5)
        run.font.bold = True
        for paragraph in whole_paragraphs(item, 1):
            if paragraph.kind != "extra":
                self.write(paragraph, font=FANG)

    def write(self, paragraph: Paragraph, *, font: str = SONG) -> None:
        """Write one paragraph of the form."""
        if paragraph.line.block:
            self._table(table_cells(paragraph.line.text))
            return
        style = "Heading 1" if paragraph.kind == "heading" else None
        target = self._document.add_paragraph(style=style)
        if paragraph.kind in ("option", "more", "field", "extra"):
            target.paragraph_format.left_indent = Cm(0.75)
        if paragraph.kind == "stem":
            target.paragraph_format.space_before = Pt(8)
        if paragraph.kind not in ("heading", "more"):
            target.paragraph_format.keep_with_next = paragraph.kind != "extra"
        _set_font(target.add_run(paragraph.label), font, 10.5) if paragraph.label else None
        if paragraph.kind == "extra":
            _set_font(target.add_run(html.unescape(paragraph.line.text)), font, None)
            _hide(target)
        else:
            self._line(target, paragraph.line, font if style is None else HEI)

    def _line(self, target: Any, line: Line, font: str) -> None:
        edges = sorted({0, len(line.text), *(m.start for m in line.marks), *(m.end for m in line.marks)})
        for start, end in itertools.pairwise(edges):
            tags = {mark.tag for mark in line.marks if mark.start <= start and end <= mark.end}
            self._pieces(target, line.text[start:end], tags, font)

    def _pieces(self, target: Any, text: str, tags: set[str], font: str) -> None:
        for piece in _INLINE.split(text):
            picture = _IMG.fullmatch(piece)
            if picture:
                self._picture(target, picture[1], html.unescape(picture[2] or ""))
            elif formula := _formula(piece):
                target._p.append(to_omml(formula))  # noqa: SLF001 - python-docx has no formulas of its own
            elif piece:
                run = target.add_run(html.unescape(re.sub(r"</?su[bp]>", "", piece)))
                _set_font(run, font, None)
                if piece.startswith(("<sub>", "<sup>")):
                    setattr(run.font, "subscript" if piece.startswith("<sub>") else "superscript", True)
                run.font.bold, run.font.italic = "strong" in tags or None, "em" in tags or None
                run.font.underline = "u" in tags or None

    def _picture(self, target: Any, name: str, alt: str) -> None:
        held = self._pictures.get(name)
        if held is None:
            target.add_run(f"[{name}]")
            return
        shape = target.add_run().add_picture(io.BytesIO(held[1]))
        if shape.width > Cm(MAX_PICTURE_CM):
            shape.height = int(shape.height * Cm(MAX_PICTURE_CM) / shape.width)
            shape.width = Cm(MAX_PICTURE_CM)
        properties = shape._inline.docPr  # noqa: SLF001 - python-docx has no other way to name a picture
        properties.set("name", MEDIA_PREFIX + name)
        properties.set("descr", alt)

    def _table(self, rows: Sequence[Sequence[TableCell]]) -> None:
        width = max((cell.column + cell.span for row in rows for cell in row), default=0)
        if not width:
            return
        table = self._document.add_table(rows=len(rows), cols=width, style="Table Grid")
        ends = [0] * len(rows)
        for number, row in enumerate(rows):
            for cell in row:
                self._cell(table, number, cell)
                for down in range(number, number + cell.rows):
                    ends[down] = max(ends[down], cell.column + cell.span)
        for target, end in zip(table.rows, ends, strict=True):
            _cut_row(target, end)

    def _cell(self, table: Any, number: int, cell: TableCell) -> None:
        place = table.cell(number, cell.column)
        if cell.span > 1 or cell.rows > 1:
            place = place.merge(table.cell(number + cell.rows - 1, cell.column + cell.span - 1))
        for index, line in enumerate(cell.lines):
            self._line(place.paragraphs[0] if index == 0 else place.add_paragraph(), line, SONG)

    def note_origins(self, items: Sequence[CanonicalItem]) -> None:
        """Keep beside the text which versions of which items of the bank it was written from."""
        content = origins_xml(items)
        if content is not None:
            part = Part(PackURI(PART), "application/xml", content, self._document.part.package)
            self._document.part.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_XML)

    def save(self) -> bytes:
        """Return the bytes of the document."""
        buffer = io.BytesIO()
        self._document.save(buffer)
        return buffer.getvalue()


def _formula(piece: str) -> Row | None:
    """Return the tree of a formula that Word can set; None for other text, and where a word joiner must survive."""
    if not piece.startswith("\\(") or CONTINUED in piece:
        return None
    try:
        tree = parse_formula(html.unescape(piece[2:-2]))
    except FormulaError:
        return None
    return tree if tree.parts else None


def _set_font(target: Any, east_asian: str, size: float | None) -> None:
    """Set the Chinese font, which Word keeps apart from the Latin one."""
    target.font.name = "Times New Roman"
    fonts = target.element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), east_asian)
    if size is not None:
        target.font.size = Pt(size)
    if hasattr(target, "base_style"):
        target.font.color.rgb = RGBColor(0, 0, 0)


def _cut_row(row: Any, end: int) -> None:
    """Take out the cells of a row behind a column, so that a short row stays short."""
    column = 0
    for element in list(row._tr.tc_lst):  # noqa: SLF001 - python-docx has no way to end a row early
        start, column = column, column + element.grid_span
        if start >= end:
            row._tr.remove(element)  # noqa: SLF001 - see above


def _hide(paragraph: Any) -> None:
    for run in paragraph.runs:
        run.font.hidden, run.font.size = True, Pt(6)


def _can_hold(data: bytes) -> bool:
    try:
        Image.from_blob(data)
    except (UnrecognizedImageError, ValueError, KeyError, IndexError, OSError, EOFError):
        return False
    return True


def _example_item(name: str) -> CanonicalItem | None:
    try:
        return item_from_json(json.loads(registry.example_text(registry.get(name))))
    except OSError:
        return None
