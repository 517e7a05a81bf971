"""Items in Word documents: our template, and lists as they are typed and copied in practice."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from lxml import etree
from lxml.etree import _Element

from kernel.i18n import N_
from qbank.interchange.detect import decode_text
from qbank.interchange.docx_tables import (
    Cell,
    flat_lines,
    html_table,
    is_score_table,
    item_records,
    names_items,
    read_cells,
)
from qbank.interchange.docx_text import Parts, paragraph_line, picture_name, split_line
from qbank.interchange.guard import UnreadableFileError, check_office_zip
from qbank.interchange.item_cutter import cut_lines
from qbank.interchange.labelled import FORM_MARK
from qbank.interchange.lines import BLANKS, CONTINUED, Line
from qbank.interchange.model import Notice, RawRecord, ReadResult
from qbank.interchange.numbering import Numbering, W
from qbank.interchange.origins import NAMESPACE, note_origins, read_origins
from qbank.interchange.text_reader import read_text
from qbank.interchange.word97 import convert_word97

REL = "{http://schemas.openxmlformats.org/package/2006/relationships}"
DAMAGED = N_("Word 文件已损坏或不是 .docx 文档，请用 Word 或 WPS 另存为 .docx 后再上传")
LOST = {
    "text_box": N_("文本框里的文字未读入，请把文字移到正文"),
    "embedded_object": N_("嵌入的公式或对象只读入其图片；可编辑的公式请用 Word 自带公式重写"),
    "external_picture": N_("图片未嵌入文档（链接或缺失），未读入"),
    "symbol": N_("有符号字体的字符无法识别，显示为 □"),
}


def read_docx(data: bytes) -> ReadResult:
    """Return the records in a Word document; raises UnreadableFileError when it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _Document(archive).read()
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError, NotImplementedError, RuntimeError, OSError) as error:
        raise UnreadableFileError("damaged_file", DAMAGED) from error


def read_doc(data: bytes) -> ReadResult:
    """Return the records of a Word 97-2003 document by way of a program of the system; raises UnreadableFileError."""
    converted = convert_word97(data)
    if converted.format == "docx":
        check_office_zip(converted.data)
        result = read_docx(converted.data)
    else:
        result = read_text(decode_text(converted.data).text)
    result.format = "doc"
    result.warnings.insert(0, converted.notice)
    return result


def _parse(content: bytes) -> _Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(content, parser)
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableFileError("damaged_file", DAMAGED)
    return root


class _Document:
    """One open document: walks the body in order and hands its lines to the cutter."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        self._main = self._main_part()
        self._numbering = Numbering(self._beside("numbering.xml"), self._beside("styles.xml"))
        self._parts = Parts(self._pictures())
        self._lines: list[Line] = []
        self._records: list[RawRecord] = []
        self._warnings: list[Notice] = []
        self._n_paragraphs = 0
        self._n_tables = 0
        self._blank = False
        self._origins = self._read_origins()
        marked = "docProps/core.xml" in self._names and FORM_MARK.encode() in archive.read("docProps/core.xml")
        self._own = marked or bool(self._origins)

    def read(self) -> ReadResult:
        """Return what the document holds."""
        body = _parse(self._archive.read(self._main)).find(f"{W}body")
        if body is None:
            raise UnreadableFileError("damaged_file", DAMAGED)
        self._blocks(body)
        result = cut_lines(self._lines, "docx", exact=self._own)
        result.records += self._records
        note_origins(result.records, self._origins)
        result.warnings = self._warnings + result.warnings
        for name, count in Counter(self._parts.lost).items():
            message = LOST[name] + (f"（{count}）" if count > 1 else "")
            result.losses.append(Notice("", name, message))
        return result

    def _main_part(self) -> str:
        if "word/document.xml" in self._names:
            return "word/document.xml"
        found = sorted(name for name in self._names if name.startswith("word/document") and name.endswith(".xml"))
        if not found:
            raise UnreadableFileError("damaged_file", DAMAGED)
        return found[0]

    def _read_origins(self) -> dict[str, str]:
        """Return version numbers by item code, wherever a word processor has put our part."""
        parts = [name for name in self._names if name.startswith("customXml/") and name.endswith(".xml")]
        found: dict[str, str] = {}
        for name in sorted(parts):
            content = self._archive.read(name)
            found |= read_origins(_parse(content)) if NAMESPACE.encode() in content else {}
        return found

    def _beside(self, name: str) -> _Element | None:
        path = posixpath.join(posixpath.dirname(self._main), name)
        return _parse(self._archive.read(path)) if path in self._names else None

    def _pictures(self) -> dict[str, tuple[str, bytes]]:
        folder, base = posixpath.split(self._main)
        path = f"{folder}/_rels/{base}.rels"
        if path not in self._names:
            return {}
        pictures = {}
        for relation in _parse(self._archive.read(path)).iter(f"{REL}Relationship"):
            target = relation.get("Target", "")
            part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            is_picture = relation.get("Type", "").endswith("/image") and relation.get("TargetMode") != "External"
            if is_picture and part in self._names:
                pictures[relation.get("Id", "")] = (picture_name(part), self._archive.read(part))
        return pictures

    def _blocks(self, parent: _Element) -> None:
        for element in parent:
            if element.tag == f"{W}p":
                self._paragraph(element)
            elif element.tag == f"{W}tbl":
                self._table(element)
            elif element.tag in (f"{W}sdt", f"{W}sdtContent", f"{W}ins", f"{W}smartTag", f"{W}customXml"):
                self._blocks(element)

    def _paragraph(self, paragraph: _Element) -> None:
        self._n_paragraphs += 1
        label = self._numbering.label(paragraph)
        line = paragraph_line(paragraph, self._parts, f"paragraph {self._n_paragraphs}")
        if not line.text.strip(BLANKS):
            self._blank = True
            return
        if label and not line.text.startswith(CONTINUED):
            line = _with_label(line.cut(0), label)
        for part in split_line(replace(line, blank_before=self._blank)):
            self._lines.append(part)
        self._blank = False

    def _table(self, table: _Element) -> None:
        self._n_tables += 1
        locator = f"table {self._n_tables}"
        rows = read_cells(table, self._parts, locator)
        if self._own:
            self._lines.append(_table_line(table, rows, locator))
            return
        if not any(cell for row in rows for cell in row):
            return
        if is_score_table(rows):
            message = N_("实操评分表不是试题，未导入")
            self._warnings.append(Notice(locator, "scoring_table", message))
            return
        records = item_records(rows)
        if records is not None:
            self._records += records
            return
        flat = [line for row in rows for cell in row for line in cell] if names_items(rows) else flat_lines(rows)
        if flat is not None:
            self._lines += flat
            return
        self._lines.append(_table_line(table, rows, locator))


def _table_line(table: _Element, rows: Sequence[Sequence[Cell]], locator: str) -> Line:
    media = tuple(entry for row in rows for cell in row for line in cell for entry in line.media)
    return Line(locator, html_table(table, rows), media=media, block=True)


def _with_label(line: Line, label: str) -> Line:
    """Return the line with its automatic label written in front."""
    shift = len(label)
    marks = tuple(replace(mark, start=mark.start + shift, end=mark.end + shift) for mark in line.marks)
    return replace(line, text=label + line.text, marks=marks, automatic=True)
