"""What the reading process is asked and what it answers, as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from kernel.i18n import N_
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.convert import read_items
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.interpret import excerpt
from qbank.interchange.model import ConversionReport, ConvertedItem, Notice
from qbank.interchange.pictures import MAX_PIXELS, MAX_TOTAL_PIXELS, pixel_count
from qbank.interchange.preview import sheets_of
from qbank.interchange.tables import Sheet


@dataclass(frozen=True, slots=True)
class Request:
    """One file to read: everything in it, or (`sheets`) its tables as they stand."""

    data: bytes
    name: str
    format: str | None = None
    mapping: Mapping[str, Any] | None = None
    sheets: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The report of a file, its tables, or the refusal to open it."""

    report: ConversionReport | None = None
    sheets: tuple[Sheet, ...] = ()
    error: Notice | None = None


def answer(request: bytes) -> bytes:
    """Return the answer to a packed request; the file that it holds is read here."""
    wanted = msgspec.msgpack.decode(request, type=Request)
    if wanted.sheets:
        return _sheets(wanted)
    mapping = ColumnMapping.from_json(wanted.mapping) if wanted.mapping else None
    report = read_items(wanted.data, wanted.name, wanted.format, mapping)
    return _packed(_without_floods(report))


def _without_floods(report: ConversionReport) -> ConversionReport:
    """Leave out items whose pictures would cost too much to decode, alone or all together; each is named."""
    total, kept = 0, []
    for one in report.items:
        counts = [pixel_count(data) for data in one.media.values()]
        if max(counts, default=0) > MAX_PIXELS or total + sum(counts) > MAX_TOTAL_PIXELS:
            message = N_("图片的像素太多，请缩小后再导入")
            notice = Notice(one.locator, "picture_too_large", message, excerpt(one.item.content.stem))
            report.skipped.append(notice)
        else:
            total += sum(counts)
            kept.append(one)
    report.items[:] = kept
    return report


def _sheets(wanted: Request) -> bytes:
    try:
        return msgspec.msgpack.encode(Answer(sheets=tuple(sheets_of(wanted.data, wanted.format or ""))))
    except UnreadableFileError as error:
        return msgspec.msgpack.encode(Answer(error=Notice("file", error.code, error.message)))


def _packed(report: ConversionReport) -> bytes:
    """Return the report as bytes; items whose texts or numbers no other program could take are named instead."""
    try:
        return msgspec.msgpack.encode(Answer(report))
    except (UnicodeEncodeError, OverflowError):
        report.items[:] = [one for one in report.items if _is_portable(one, report)]
        report.skipped[:] = [_tidied(notice) for notice in report.skipped]
        report.warnings[:] = [_tidied(notice) for notice in report.warnings]
        report.losses[:] = [_tidied(notice) for notice in report.losses]
        return msgspec.msgpack.encode(Answer(report))


def _is_portable(one: ConvertedItem, report: ConversionReport) -> bool:
    try:
        msgspec.msgpack.encode(one)
    except UnicodeEncodeError:
        message = N_("题目含有残缺的字符（半个代理对），请在原文件中改正后再导入")
        report.skipped.append(Notice(one.locator, "broken_text", message, excerpt(one.item.content.stem)))
    except OverflowError:
        message = N_("题目含有超出范围的整数，请在原文件中改正后再导入")
        report.skipped.append(Notice(one.locator, "number_too_large", message, excerpt(one.item.content.stem)))
    else:
        return True
    return False


def _tidied(notice: Notice) -> Notice:
    def clean(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    return replace(notice, message=clean(notice.message), excerpt=clean(notice.excerpt))


def pack(request: Request) -> bytes:
    """Return a request as bytes."""
    return msgspec.msgpack.encode(request)


def unpack(data: bytes) -> Answer:
    """Return the answer that bytes hold; raises ValueError for anything else."""
    return msgspec.msgpack.decode(data, type=Answer)
