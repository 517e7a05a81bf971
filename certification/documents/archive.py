"""The table of contents of a batch's archive, as PDF to sign and as Word to go on with."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, RGBColor

from certification.documents.rendering import chinese_date
from certification.rules.archive import VOLUMES, ArchivedFile, Expected
from kernel.typesetting import render_pdf

_TEMPLATE = Path(__file__).with_name("archive_index.typ")
OUTSIDE = "（系统外保存，请补入）"
BODY_FONT, HEAD_FONT = "宋体", "黑体"
MARGIN = 20
WIDTHS = (12, 52, 58, 14, 34)
"""Widths of the columns in millimetres; together what the margins leave."""
HEAD = ("序号", "文件", "文件名", "条数", "校验值（前 16 位）")


@dataclass(frozen=True, slots=True)
class ArchiveIndex:
    """What stands in the archive of a batch, and what it lacks."""

    body_name: str
    batch_name: str
    batch_code: str
    occupation: str
    n_registered: int
    made_on: dt.date
    made_by: str
    files: Sequence[ArchivedFile]
    missing: Sequence[Expected]

    def volumes(self) -> list[dict[str, Any]]:
        """Return the volumes as tables read them."""
        return [self._volume(number) for number in range(1, len(VOLUMES) + 1)]

    def _volume(self, number: int) -> dict[str, Any]:
        files = [
            {"title": one.title, "name": one.name, "n_rows": str(one.n_rows or ""), "digest": one.digest[:16]}
            for one in self.files
            if one.volume == number
        ]
        lacking = [one.title + (OUTSIDE if one.is_outside else "") for one in self.missing if one.volume == number]
        return {"title": f"第{number}卷　{VOLUMES[number - 1]}", "files": files, "missing": lacking}


def index_pdf(index: ArchiveIndex) -> bytes:
    """Return the table of contents as PDF."""
    return render_pdf(_TEMPLATE, {**_facts(index), "volumes": index.volumes()})


def _facts(index: ArchiveIndex) -> dict[str, Any]:
    return {
        "body_name": index.body_name, "batch_name": index.batch_name, "batch_code": index.batch_code,
        "occupation": index.occupation, "n_registered": index.n_registered, "made_on": chinese_date(index.made_on),
        "made_by": index.made_by,
    }  # fmt: skip


def index_word(index: ArchiveIndex) -> bytes:
    """Return the table of contents as Word."""
    document = docx.Document()
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(MARGIN)
    for style in ("Normal", "Heading 1", "Heading 2"):
        _set_font(document.styles[style], BODY_FONT if style == "Normal" else HEAD_FONT)
    document.core_properties.title, document.core_properties.author = "归档卷内目录", index.body_name
    document.add_heading("职业技能等级认定归档目录", level=1)
    labels = ("评价机构", "批次", "批次代码", "职业等级", "登记人数", "整理日期", "整理人")
    for label, value in zip(labels, _facts_in_order(index), strict=True):
        document.add_paragraph(f"{label}：{value}")
    for volume in index.volumes():
        document.add_heading(volume["title"], level=2)
        rows = [list(HEAD)]
        rows += [[str(n), f["title"], f["name"], f["n_rows"], f["digest"]] for n, f in enumerate(volume["files"], 1)]
        _add_table(document, rows)
        if volume["missing"]:
            document.add_paragraph("尚缺：" + "；".join(volume["missing"]))
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _set_font(style: Any, name: str) -> None:
    style.font.name, style.font.color.rgb = "Times New Roman", RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), name)


def _add_table(document: Any, rows: Sequence[Sequence[str]]) -> None:
    """Add a table of fixed widths whose head is repeated and whose rows stay whole."""
    table = document.add_table(rows=len(rows), cols=len(HEAD), style="Table Grid")
    table.autofit = False
    for column, width in zip(table.columns, WIDTHS, strict=True):
        column.width = Mm(width)
    for number, (row, texts) in enumerate(zip(table.rows, rows, strict=True)):
        properties = row._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx knows neither
        properties.append(OxmlElement("w:cantSplit"))
        if number == 0:
            properties.append(OxmlElement("w:tblHeader"))
        for cell, text, width in zip(row.cells, texts, WIDTHS, strict=True):
            cell.width, cell.text = Mm(width), text


def _facts_in_order(index: ArchiveIndex) -> list[str]:
    facts = _facts(index)
    names = ("body_name", "batch_name", "batch_code", "occupation", "n_registered", "made_on", "made_by")
    return [str(facts[name]) for name in names]
