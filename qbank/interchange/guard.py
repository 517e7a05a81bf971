"""Refuse hostile or damaged office files before any parser opens them."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kernel.i18n import N_

OLE_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
XML_SUFFIXES = (".xml", ".rels", ".vml")
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one uploaded file may ask for; everything beyond is refused."""

    file_bytes: int = 20 * 1024 * 1024
    unpacked_bytes: int = 200 * 1024 * 1024
    xml_part_bytes: int = 30 * 1024 * 1024
    picture_bytes: int = 5 * 1024 * 1024
    entries: int = 2_000
    ratio: int = 100
    ratio_free_bytes: int = 1024 * 1024
    path_depth: int = 12
    rows: int = 20_000
    columns: int = 60
    cell_chars: int = 32_767
    json_depth: int = 40


LIMITS = Limits()
PACKAGE_LIMITS = Limits(entries=20_000)
"""A content package holds a file for each item."""


class UnreadableFileError(Exception):
    """A file that cannot be read at all; `code` and `message` become the report's error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_size(data: bytes, limits: Limits = LIMITS) -> None:
    """Refuse an empty file and one above the upload limit."""
    if not data:
        raise UnreadableFileError("empty_file", N_("文件是空的，请重新导出后再上传"))
    if len(data) > limits.file_bytes:
        raise UnreadableFileError("file_too_large", N_("文件超过 20 MB，请拆分后分批导入"))


def check_office_zip(data: bytes, limits: Limits = LIMITS) -> None:
    """Refuse a docx or xlsx file that is damaged, oversized when unpacked, or carries macros or entities."""
    _check_zip(data, limits, refuse_doctype)


def check_package(data: bytes, limits: Limits = PACKAGE_LIMITS) -> None:
    """Refuse a content package as `check_office_zip` does, but let an XML part say a bare ``<!DOCTYPE name>``."""
    _check_zip(data, limits, refuse_entities)


def _check_zip(data: bytes, limits: Limits, refuse: Callable[[bytes], None]) -> None:
    check_size(data, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries, limits)
            _check_contents(archive, entries, len(data), limits, refuse)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnreadableFileError("damaged_file", N_("文件已损坏或加密，无法打开，请用原软件另存一份再上传")) from error
    except ValueError as error:
        raise UnreadableFileError("damaged_file", N_("文件已损坏，无法打开，请用原软件另存一份再上传")) from error


def _check_entries(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(entries) > limits.entries:
        raise UnreadableFileError("too_many_entries", N_("文件内部条目过多，已拒绝打开"))
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        if name.casefold() in seen:
            raise UnreadableFileError("duplicate_entries", N_("文件内部有重名条目，已拒绝打开"))
        seen.add(name.casefold())
        _check_name(name, limits)
        _check_entry(entry)


def _check_name(name: str, limits: Limits) -> None:
    parts = re.split(r"[/\\]", name)
    leads_out = ".." in parts or name.startswith(("/", "\\")) or ":" in name or "\x00" in name
    if leads_out or len(parts) > limits.path_depth:
        raise UnreadableFileError("unsafe_path", N_("文件内部含有不安全的路径，已拒绝打开"))


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnreadableFileError("unsafe_path", N_("文件内部含有符号链接，已拒绝打开"))
    if entry.flag_bits & 0x1:
        raise UnreadableFileError("encrypted_file", N_("文件已加密，请取消密码后再上传"))
    name = entry.filename.casefold()
    if name.rpartition("/")[2].startswith("vbaproject") or "/activex/" in f"/{name}":
        raise UnreadableFileError("macro_file", N_("文件含有宏或控件，请另存为不含宏的 docx 或 xlsx 再上传"))
    if name.endswith((".zip", ".docx", ".xlsx", ".docm", ".xlsm", ".7z", ".rar")):
        raise UnreadableFileError("nested_archive", N_("文件内部还嵌有压缩包或文档，已拒绝打开"))


def _check_contents(
    archive: zipfile.ZipFile,
    entries: list[zipfile.ZipInfo],
    packed_bytes: int,
    limits: Limits,
    refuse: Callable[[bytes], None],
) -> None:
    total = 0
    for entry in entries:
        is_xml = entry.filename.casefold().endswith(XML_SUFFIXES)
        kept = bytearray()
        size = 0
        for chunk in _chunks(archive, entry):
            size += len(chunk)
            total += len(chunk)
            _check_total(total, packed_bytes, limits)
            if is_xml:
                kept += chunk
                _check_xml_size(size, limits)
        if is_xml:
            refuse(bytes(kept))


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(entry) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _check_total(total: int, packed_bytes: int, limits: Limits) -> None:
    inflated = total > limits.ratio_free_bytes and total > packed_bytes * limits.ratio
    if total > limits.unpacked_bytes or inflated:
        raise UnreadableFileError("unpacks_too_large", N_("文件解压后过大，已拒绝打开"))


def _check_xml_size(size: int, limits: Limits) -> None:
    if size > limits.xml_part_bytes:
        raise UnreadableFileError("unpacks_too_large", N_("文件内部的一个部分过大，已拒绝打开"))


def refuse_doctype(part: bytes) -> None:
    """Refuse an XML part of an office file that carries a document type or entities."""
    text = part
    if part[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in part[:64]:
        text = part.replace(b"\x00", b"")
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise UnreadableFileError("doctype_refused", N_("文件内部含有外部实体声明，已拒绝打开"))


def refuse_entities(part: bytes) -> None:
    """Refuse an XML part that declares anything or names a document type elsewhere; a bare DOCTYPE may stand."""
    text = part.replace(b"\x00", b"") if part[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in part[:64] else part
    if re.search(
        rb"<!\s*(?:ENTITY|ELEMENT|ATTLIST|NOTATION)\b|<!\s*DOCTYPE[^>]*(?:\[|\bSYSTEM\b|\bPUBLIC\b)",
        text,
        re.IGNORECASE,
    ):
        raise UnreadableFileError("doctype_refused", N_("文件内部含有外部实体声明，已拒绝打开"))
