"""Read a foreign file in a process of its own, whose memory, time and output are bounded."""

from __future__ import annotations

from pathlib import Path

from kernel.confined import Bound, ReadingEndedError, ReadLimits, ask_confined
from qbank.interchange import wire
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.guard import UnreadableFileError, check_size
from qbank.interchange.model import ConversionReport, Notice
from qbank.interchange.progress import Told, from_file
from qbank.interchange.tables import Sheet
from qbank.interchange.word97 import convert_word97, is_word97

__all__ = ["ReadLimits", "read_limited", "sheets_limited"]


def read_limited(
    data: bytes,
    name: str,
    fmt: str | None = None,
    mapping: ColumnMapping | None = None,
    *,
    limits: ReadLimits | None = None,
    told: Told | None = None,
) -> ConversionReport:
    """Return what `convert.read_items` says of a file; one that is too much for the limits costs an error alone.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for the report.
    fmt : str, optional
        Its format; found from the content when missing.
    mapping : ColumnMapping, optional
        What the columns of a table mean.
    limits : ReadLimits, optional
        Those of the settings when missing.
    told : callable, optional
        Is told while the reading goes on how many of how many records are done.

    Returns
    -------
    ConversionReport
        With an `error` when the file could not be read within the limits.
    """
    try:
        check_size(data)
        if is_word97(data) and fmt in {None, "doc"}:
            return _read_word97(data, name, limits, told)
        request = wire.Request(data, _portable(name), fmt, mapping.to_json() if mapping else None)
        found = _ask(request, limits or ReadLimits.from_settings(), told).report
    except UnreadableFileError as error:
        return ConversionReport(name, fmt or "", error=Notice("file", error.code, error.message))
    return found or ConversionReport(name, fmt or "", error=_died())


def _read_word97(data: bytes, name: str, limits: ReadLimits | None, told: Told | None) -> ConversionReport:
    """Let a program of the system turn the document into a format of ours first: it needs more than the reader may have."""
    converted = convert_word97(data)
    report = read_limited(converted.data, name, converted.format, limits=limits, told=told)
    report.format = "doc"
    report.warnings.insert(0, converted.notice)
    return report


def sheets_limited(data: bytes, fmt: str, *, limits: ReadLimits | None = None) -> list[Sheet]:
    """Return the sheets of a table file; raises UnreadableFileError when it is none, or too much for the limits."""
    check_size(data)
    found = _ask(wire.Request(data, "", fmt, sheets=True), limits or ReadLimits.from_settings())
    if found.error:
        raise UnreadableFileError(found.error.code, found.error.message)
    return list(found.sheets)


def _portable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def _ask(request: wire.Request, limits: ReadLimits, told: Told | None = None) -> wire.Answer:
    try:
        found = ask_confined(
            "qbank.interchange.child",
            wire.pack(request),
            limits,
            look=lambda out: _pass_on(Path(f"{out}.progress"), told),
        )
    except ReadingEndedError as error:
        raise UnreadableFileError(error.bound.value, error.message) from error
    return wire.unpack(found)


def _pass_on(path: Path, told: Told | None) -> None:
    found = from_file(path) if told is not None else None
    if found is not None and told is not None:
        told(*found)


def _died() -> Notice:
    return Notice("file", Bound.DIED.value, ReadingEndedError(Bound.DIED, ReadLimits()).message)
