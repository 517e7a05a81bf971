"""A form and its key as Word files."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from blueprints.documents.layout import FormSheet, KeyPart, PrintedItem, PrintedPart
from blueprints.documents.runs import Block, Rich, Run
from blueprints.documents.word_page import set_up_page
from item_templates.formulas.omml import to_omml
from kernel.typesetting import picture_suffix

BODY_FONT = "宋体"
HEAD_FONT = "黑体"
AFTER_BORDERS = ("w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr", "w:sectPr")
"""What stands behind the borders among the settings of a paragraph."""
MARK_BOX = Mm(16)
WIDEST_PICTURE = Mm(90)
SUBJECT_SHARES = (0.14, 0.2, 0.14, 0.52)
SCORE_COLUMN = 20
READABLE = frozenset({"png", "jpg", "gif"})


def form_docx(sheet: FormSheet, parts: Sequence[PrintedPart], media: Mapping[str, bytes]) -> bytes:
    """Return a form in the official layout."""
    writer = _Writer(sheet, media, is_sealed=True)
    writer.form_head(parts)
    for part in parts:
        writer.part_heading(part.heading)
        for item, follower in zip_longest(part.items, part.items[1:]):
            writer.item(item, is_followed=follower is not None and follower.follows)
    return writer.bytes()


def key_docx(sheet: FormSheet, parts: Sequence[KeyPart], media: Mapping[str, bytes]) -> bytes:
    """Return the key and scoring standard of a form."""
    writer = _Writer(sheet, media, is_sealed=False)
    writer.titles("标准答案与评分标准")
    if sheet.order_code:
        writer.note(f"与{sheet.order_code} 的试卷配套")
    for part in parts:
        writer.heading(part.heading)
        writer.key_grid(part)
        for item in part.items:
            writer.key_item(item)
    return writer.bytes()


class _Writer:
    """One document being written."""

    def __init__(self, sheet: FormSheet, media: Mapping[str, bytes], *, is_sealed: bool) -> None:
        self._sheet = sheet
        self._media = media
        self._keeps = False
        self._width = sheet.page_size.column_width if is_sealed else sheet.page_size.open_column_width
        self._document = docx.Document()
        set_up_page(self._document, sheet, is_sealed=is_sealed)
        _font(self._document.styles["Normal"], BODY_FONT, 10.5)
        self._document.styles["Normal"].paragraph_format.space_after = Pt(4)
        self._document.core_properties.title = sheet.title
        self._document.core_properties.author = sheet.organisation

    def bytes(self) -> bytes:
        buffer = io.BytesIO()
        self._document.save(buffer)
        return buffer.getvalue()

    def titles(self, second: str = "") -> None:
        self._centred(self._sheet.organisation, 16)
        self._centred(self._sheet.title, 18)
        if second:
            self._centred(second, 14)

    def note(self, text: str) -> None:
        self._document.add_paragraph(text).alignment = WD_ALIGN_PARAGRAPH.CENTER

    def form_head(self, parts: Sequence[PrintedPart]) -> None:
        self.titles()
        sheet = self._sheet
        self._table(
            [["科目代码", sheet.occupation_code, "科目名称", f"{sheet.occupation}{sheet.level}"]], shares=SUBJECT_SHARES
        )
        self._centred("注　意　事　项", 12)
        for note in sheet.notes:
            self._document.add_paragraph(note)
        numerals = [part.numeral for part in parts]
        blank = [""] * (len(parts) + 1)
        self._table([["题　号", *numerals, "总　分"], ["得　分", *blank], ["评分人", *blank]])

    def heading(self, text: str) -> None:
        paragraph = self._document.add_paragraph()
        paragraph.paragraph_format.keep_with_next = True
        paragraph.paragraph_format.space_before = Pt(10)
        run = paragraph.add_run(text)
        run.bold = True
        _font(run, HEAD_FONT, 11)

    def part_heading(self, text: str) -> None:
        """Put the box for the marks of a part above its heading; both stay with the first item."""
        table = self._new_table(rows=2, cols=2, style="Table Grid", widths=(MARK_BOX, MARK_BOX))
        for column, label in enumerate(("得分", "评分人")):
            table.cell(0, column).text = label
            for row in range(2):
                cell = table.cell(row, column)
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
                cell.paragraphs[0].paragraph_format.keep_with_next = True
        self.heading(text)

    def item(self, item: PrintedItem, *, is_followed: bool = False) -> None:
        """Write an item; one that is followed by items of the same text stays on their page."""
        self._keeps = is_followed
        if item.shared:
            self._rich(item.shared_heading, item.shared, keep=True)
        tail = f"（{item.score} 分）" if item.score else ""
        has_more = bool(item.choices or item.n_lines)
        self._rich(f"{item.lead}{item.number}. ", item.stem, tail=tail, keep=has_more or self._keeps)
        if item.targets:
            self._pairs(item)
        else:
            self._choices(item)
        for _line in range(item.n_lines):
            _ruled(self._document.add_paragraph())
        self._keeps = False

    def _new_table(self, *, rows: int, cols: int, style: str | None = None, widths: Sequence[Mm] = ()) -> Any:
        """Add a table as wide as the column of text, or of some widths.

        Word takes two that touch for one, so a line of nothing keeps them apart.
        """
        body = self._document.element.body
        before = body[-2] if len(body) > 1 else None
        if before is not None and before.tag == qn("w:tbl"):
            spacer = self._document.add_paragraph()
            spacer.paragraph_format.keep_with_next = True
            spacer.paragraph_format.space_after = Pt(0)
            spacer.paragraph_format.line_spacing = Pt(2)
        table = self._document.add_table(rows=rows, cols=cols, style=style)
        table.autofit = False
        for column, width in zip(table.columns, widths or [Mm(self._width / cols)] * cols, strict=True):
            column.width = width
            for cell in column.cells:
                cell.width = width
        return table

    def _choices(self, item: PrintedItem) -> None:
        if not item.choices:
            return
        n_rows = -(-len(item.choices) // item.n_columns)
        table = self._new_table(rows=n_rows, cols=item.n_columns)
        for number, (key, text) in enumerate(item.choices):
            cell = table.cell(number // item.n_columns, number % item.n_columns)
            self._fill(cell, f"{key}. ", text, keep=self._keeps or number // item.n_columns < n_rows - 1)
        _keep_rows_whole(table)

    def _pairs(self, item: PrintedItem) -> None:
        n_rows = max(len(item.choices), len(item.targets))
        table = self._new_table(rows=n_rows, cols=2)
        for column, side in enumerate((item.choices, item.targets)):
            for number, (key, text) in enumerate(side):
                self._fill(table.cell(number, column), f"{key}. ", text, keep=self._keeps or number < n_rows - 1)
        _keep_rows_whole(table)

    def key_grid(self, part: KeyPart) -> None:
        for row in part.rows:
            numbers = ["题号", *(str(number) for number, _ in row)]
            self._table([numbers, ["答案", *(key for _, key in row)]])

    def key_item(self, item: Mapping[str, Any]) -> None:
        self._rich(f"{item['number']}.（{item['score']} 分）", item["answer"])
        if item["points"]:
            widths = (Mm(self._width - SCORE_COLUMN), Mm(SCORE_COLUMN))
            table = self._new_table(rows=1, cols=2, style="Table Grid", widths=widths)
            table.rows[0].cells[0].text, table.rows[0].cells[1].text = "评分要点", "分值"
            for text, score in item["points"]:
                cells = table.add_row().cells
                self._fill(cells[0], "", text)
                cells[1].text = score
        if item["explanation"].blocks:
            self._rich("解析：", item["explanation"])

    def _fill(self, cell: Any, lead: str, text: Rich, *, keep: bool = False) -> None:
        paragraph = cell.paragraphs[0]
        paragraph.add_run(lead)
        for number, block in enumerate(text.blocks):
            self._runs(paragraph if number == 0 else cell.add_paragraph(), _flat(block))
        for one in cell.paragraphs if keep else ():
            one.paragraph_format.keep_with_next = True

    def _rich(self, lead: str, text: Rich, *, tail: str = "", keep: bool = False) -> None:
        paragraph = self._document.add_paragraph(lead)
        paragraph.paragraph_format.keep_with_next = keep
        paragraph.paragraph_format.keep_together = True
        for number, block in enumerate(text.blocks):
            if block["k"] == "table":
                self._inner_table(block, keep=keep)
                continue
            if number:
                paragraph = self._document.add_paragraph()
                paragraph.paragraph_format.keep_with_next = keep
            self._runs(paragraph, block["runs"])
        if tail:
            paragraph.add_run(tail)

    def _inner_table(self, block: Block, *, keep: bool = False) -> None:
        table = self._new_table(rows=len(block["rows"]), cols=block["n"], style="Table Grid")
        for number, row in enumerate(block["rows"]):
            for column, cell in enumerate(row):
                paragraph = table.cell(number, column).paragraphs[0]
                paragraph.paragraph_format.keep_with_next = keep
                self._runs(paragraph, cell["runs"])

    def _runs(self, paragraph: Any, runs: Sequence[Run]) -> None:
        for run in runs:
            if run["k"] == "m":
                paragraph._p.append(to_omml(run["v"]))  # noqa: SLF001 - python-docx has no formulas of its own
            elif run["k"] == "img":
                self._picture(paragraph, run)
            else:
                _style(paragraph.add_run(run["v"]), run["s"])

    def _picture(self, paragraph: Any, run: Run) -> None:
        data = self._media.get(run["v"], b"")
        if not data or picture_suffix(data) not in READABLE:
            paragraph.add_run(f"（图：{run['alt']}）")
            return
        shape = paragraph.add_run().add_picture(io.BytesIO(data))
        if shape.width > WIDEST_PICTURE:
            shape.height = int(shape.height * WIDEST_PICTURE / shape.width)
            shape.width = WIDEST_PICTURE

    def _centred(self, text: str, size: float) -> None:
        paragraph = self._document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(text)
        run.bold = True
        _font(run, HEAD_FONT, size)

    def _table(self, rows: Sequence[Sequence[str]], *, shares: Sequence[float] = ()) -> None:
        widths = [Mm(self._width * share) for share in shares]
        table = self._new_table(rows=len(rows), cols=max(map(len, rows)), style="Table Grid", widths=widths)
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                cell = table.cell(number, column)
                cell.text = text
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
        self._document.add_paragraph().paragraph_format.space_after = Pt(0)


def _ruled(paragraph: Any) -> None:
    """Make an empty paragraph a line to write on."""
    paragraph.paragraph_format.line_spacing = Pt(20)
    paragraph.paragraph_format.space_after = Pt(0)
    borders = OxmlElement("w:pBdr")
    for name in ("bottom", "between"):
        edge = OxmlElement(f"w:{name}")
        for key, value in (("val", "single"), ("sz", "4"), ("space", "1"), ("color", "808080")):
            edge.set(qn(f"w:{key}"), value)
        borders.append(edge)
    paragraph._p.get_or_add_pPr().insert_element_before(borders, *AFTER_BORDERS)  # noqa: SLF001 - no borders in python-docx


def _flat(block: Block) -> list[Run]:
    """Return the runs of a block; a table inside an option stands cell after cell."""
    if block["k"] == "par":
        runs: list[Run] = block["runs"]
        return runs
    space = {"k": "t", "v": "　", "s": []}
    return [run for row in block["rows"] for cell in row for run in (*cell["runs"], space)]


def _font(target: Any, name: str, size: float) -> None:
    target.font.name = "Times New Roman"
    target.font.size = Pt(size)
    target.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _style(run: Any, styles: Sequence[str]) -> None:
    run.bold = "b" in styles or None
    run.italic = "i" in styles or None
    run.underline = "u" in styles or None
    run.font.subscript = "sub" in styles or None
    run.font.superscript = "sup" in styles or None


def _keep_rows_whole(table: Any) -> None:
    for row in table.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - no public way in python-docx
