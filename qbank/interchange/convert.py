"""Read and write item files of every format that works; bad input costs a report with an error, never an exception."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from item_templates.contract import CanonicalItem
from kernel.i18n import N_
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.detect import decode_text, detect_format
from qbank.interchange.guard import UnreadableFileError, check_office_zip, check_size
from qbank.interchange.interpret import interpret
from qbank.interchange.model import ConversionReport, Notice, ReadResult

Writer = Callable[[Sequence[CanonicalItem], Mapping[str, bytes]], tuple[bytes, list[Notice]]]


class UnsupportedFormatError(ValueError):
    """A format that is unknown, or that cannot be written."""


OFFICE_ZIPS = frozenset({"docx", "xlsx"})


@dataclass(frozen=True, slots=True)
class Format:
    """One file format: `reader` and `writer` name a function ``module:function`` of this package."""

    name: str
    label: str
    extension: str
    mime: str
    reader: str
    writer: str = ""
    takes: str = "bytes"

    def read(self, data: bytes, mapping: ColumnMapping | None) -> ReadResult:
        """Return what the format's reader finds."""
        function = _load(self.reader)
        if self.name in OFFICE_ZIPS:
            check_office_zip(data)
        if self.takes == "columns":
            return cast("ReadResult", function(data, mapping))
        if self.takes == "text":
            check_size(data)
            return cast("ReadResult", function(decode_text(data).text))
        return cast("ReadResult", function(data))


OFFICE = "application/vnd.openxmlformats-officedocument"
FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format("xlsx", N_("Excel 工作簿"), ".xlsx", f"{OFFICE}.spreadsheetml.sheet", "xlsx_reader:read_xlsx", "xlsx_writer:write_xlsx", "columns"),
        Format("xls", N_("Excel 97-2003 工作簿"), ".xls", "application/vnd.ms-excel", "xlsx_reader:read_xls", "", "columns"),
        Format("docx", N_("Word 文档"), ".docx", f"{OFFICE}.wordprocessingml.document", "docx_reader:read_docx", "docx_writer:write_docx"),
        Format("doc", N_("Word 97-2003 文档"), ".doc", "application/msword", "docx_reader:read_doc"),
        Format("csv", N_("CSV 表格"), ".csv", "text/csv", "csv_reader:read_csv", "csv_writer:write_csv", "columns"),
        Format("text", N_("纯文本"), ".txt", "text/plain", "text_reader:read_text", "text_writer:write_text", "text"),
        Format("json", N_("JSON（规范格式）"), ".json", "application/json", "json_reader:read_json", "json_writer:write_json"),
        Format("moodle-xml", N_("Moodle XML"), ".xml", "application/xml", "moodle.reader:read_moodle", "moodle.writer:write_moodle"),
        Format("gift", N_("GIFT 文本"), ".txt", "text/plain", "gift.reader:read_gift", "gift.writer:write_gift", "text"),
        Format("aiken", N_("Aiken 文本"), ".txt", "text/plain", "aiken.reader:read_aiken", "aiken.writer:write_aiken", "text"),
        Format("qti21", N_("QTI 2.1 试题包"), ".zip", "application/zip", "qti.package:read_qti", "qti.package_writer:write_qti21"),
        Format("qti22", N_("QTI 2.2 试题包"), ".zip", "application/zip", "qti.package:read_qti", "qti.package_writer:write_qti22"),
        Format("qti30", N_("QTI 3.0 试题包"), ".zip", "application/zip", "qti.package:read_qti", "qti.package_writer:write_qti30"),
        Format("qti12", N_("QTI 1.2 试题文件"), ".xml", "application/xml", "qti.package:read_qti"),
    )
}  # fmt: skip


def _load(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    return cast("Callable[..., Any]", getattr(importlib.import_module(f"qbank.interchange.{module}"), function))


def readable_formats() -> list[str]:
    """Return the names of the formats that can be read."""
    return list(FORMATS)


def writable_formats() -> list[str]:
    """Return the names of the formats that can be written."""
    return [one.name for one in FORMATS.values() if one.writer]


def read_items(
    data: bytes, name: str, fmt: str | None = None, mapping: ColumnMapping | None = None
) -> ConversionReport:
    """Return the report of reading one file; what cannot be read at all has an `error` and no items."""
    found = fmt or ""
    try:
        found = fmt or detect_format(data, name)
        return interpret(_readable(found).read(data, mapping), source=name)
    except UnreadableFileError as error:
        return _unreadable(name, found, error.code, error.message)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a foreign file must cost a clear error, whatever a parser trips over
        return _unreadable(name, found, "damaged_file", N_("文件内容损坏或不符合其格式，无法读取"))


def _readable(fmt: str) -> Format:
    if fmt not in FORMATS:
        raise UnreadableFileError("unsupported_format", N_("不支持读取格式 %(format)s") % {"format": fmt})
    return FORMATS[fmt]


def _unreadable(name: str, fmt: str, code: str, message: str) -> ConversionReport:
    return ConversionReport(source=name, format=fmt, error=Notice("file", code, message))


def write_items(
    items: Sequence[CanonicalItem], fmt: str, media: Mapping[str, bytes] | None = None
) -> tuple[bytes, list[Notice]]:
    """Return a file of the items and what it could not carry; `media` holds the pictures by digest."""
    chosen = FORMATS.get(fmt)
    if chosen is None or not chosen.writer:
        raise UnsupportedFormatError(N_("不支持写出格式 %(format)s") % {"format": fmt})
    writer = cast("Writer", _load(chosen.writer))
    return writer(items, media or {})


def media_by_digest(report: ConversionReport) -> dict[str, bytes]:
    """Return the pictures of all items of a report by digest, as `write_items` takes them."""
    return {
        str(medium["digest"]): one.media[medium["id"]]
        for one in report.items
        for medium in one.item.content.media
        if medium["id"] in one.media
    }


def to_report(reports: Iterable[ConversionReport]) -> dict[str, Any]:
    """Return the JSON report of one file, or of several with their totals."""
    bodies = [report.to_json() for report in reports]
    if len(bodies) == 1:
        return bodies[0]
    counted = ("skipped", "losses", "warnings")
    totals: dict[str, int] = {name: sum(body[name] for body in bodies) for name in ("found", "converted")}
    totals |= {name: sum(len(body[name]) for body in bodies) for name in counted}
    totals["errors"] = sum("error" in body for body in bodies)
    return {"files": bodies, "totals": totals}
