"""Tell what a file is from its content, and turn its bytes into text."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass

import charset_normalizer

from kernel.i18n import N_
from qbank.interchange.aiken.reader import looks_like_aiken
from qbank.interchange.gift.recognise import looks_like_gift
from qbank.interchange.guard import OLE_HEAD, UnreadableFileError, check_size
from qbank.interchange.xml_tree import root_name

ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
DELIMITERS = ",\t;|"
FORM_LINE = "# kaoku-items-"
TEXT_CONTROLS = set(range(0x20)) - {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1A, 0x1B}


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Text of a file and the encoding it was found in."""

    text: str
    encoding: str


def detect_format(data: bytes, name: str = "") -> str:
    """Return the format name of INTERFACE.md; the file's name only decides between text and csv when both fit."""
    check_size(data)
    if data.startswith(ZIP_HEADS):
        return _detect_zip(data)
    if data.startswith(OLE_HEAD):
        return _detect_ole(data)
    if data.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf")):
        raise UnreadableFileError(
            "unsupported_format", N_("这是图片、PDF 或压缩包，不是题目文件；请上传 Excel、Word、CSV、文本或 JSON")
        )
    return _detect_text(decode_text(data).text, name)


def _detect_zip(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [entry.filename for entry in archive.infolist()[:5000]]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UnreadableFileError("damaged_file", N_("文件已损坏，无法打开，请用原软件另存一份再上传")) from error
    for prefix, format_name in (("xl/", "xlsx"), ("word/", "docx")):
        if any(name.startswith(prefix) for name in names):
            return format_name
    if found := _detect_package(data):
        return found
    raise UnreadableFileError("unsupported_format", N_("压缩包里没有 Word、Excel 文档或 QTI 试题，请直接上传题目文件"))


def _detect_package(data: bytes) -> str:
    from qbank.interchange.qti.recognise import format_of_package

    try:
        return format_of_package(data)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise UnreadableFileError("damaged_file", N_("文件已损坏，无法打开，请用原软件另存一份再上传")) from error


def _detect_ole(data: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise UnreadableFileError("encrypted_file", N_("文件已加密，请取消密码后再上传"))
    if "Workbook".encode("utf-16-le") in data or "Book".encode("utf-16-le") in data:
        return "xls"
    if "WordDocument".encode("utf-16-le") in data:
        return "doc"
    raise UnreadableFileError("unsupported_format", N_("无法识别这个旧版 Office 文件，请另存为 xlsx 或 docx 再上传"))


def _detect_text(text: str, name: str) -> str:
    head = text.lstrip()
    if head.startswith(("[", "{")) and looks_like_json(head):
        return "json"
    if root_name(head) == "quiz":
        return "moodle-xml"
    if re.match(r"<\?xml|<!DOCTYPE|<!--|<[A-Za-z][\w-]*[\s:>]", head):
        return _detect_xml(head)
    if looks_like_table(text, prefer=name.casefold().endswith((".csv", ".tsv"))):
        return "csv"
    return _manner_of_list(text)


def _detect_xml(text: str) -> str:
    from qbank.interchange.qti.recognise import format_of_xml

    if found := format_of_xml(text):
        return found
    raise UnreadableFileError("unsupported_format", N_("这个 XML 文件不是 QTI 或 Moodle 试题，无法读取"))


def _manner_of_list(text: str) -> str:
    """Return which manner of writing lists of items a plain text has; in doubt the free Chinese one."""
    if text.startswith(FORM_LINE):
        return "text"
    if looks_like_gift(text):
        return "gift"
    return "aiken" if looks_like_aiken(text) else "text"


def looks_like_json(text: str) -> bool:
    """Say whether the text is JSON, or broken JSON that no other format could be."""
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return bool(re.match(r'\s*(\[\s*)?\{\s*"', text))
    return True


def looks_like_table(text: str, *, prefer: bool = False) -> bool:
    """Say whether every line has the same number of cells under one delimiter and a header names a stem."""
    from qbank.interchange.columns import names_stem

    delimiter = sniff_delimiter(text)
    if not delimiter:
        return False
    rows = [row for row in csv.reader(io.StringIO(text[:65536]), delimiter=delimiter) if any(row)]
    if any(names_stem(cell) for row in rows[:5] for cell in row):
        return True
    widths = [len(row) for row in rows[:-1] or rows]
    return prefer and bool(widths) and min(widths) >= 2


def sniff_delimiter(text: str) -> str:
    """Return the delimiter that splits the first lines into the most columns, or an empty string."""
    sample = text[:65536]
    best, best_score = "", 1.0
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if any(row)][:50]
        except csv.Error:
            continue
        widths = sorted(len(row) for row in rows)
        score = float(widths[len(widths) // 2]) if widths else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def decode_text(data: bytes) -> DecodedText:
    """Return the text of bytes in UTF-8, UTF-16 or GBK; refuses binary content."""
    for bom, encoding in BOMS:
        if data.startswith(bom):
            return _decode_as(data, encoding)
    if b"\x00" in data[:4096]:
        return _decode_utf16_without_bom(data)
    for encoding in ("utf-8", "gb18030"):
        try:
            return _checked(data.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
    best = charset_normalizer.from_bytes(data[:262144]).best()
    if best is None:
        raise UnreadableFileError("unknown_encoding", N_("无法识别文件的文字编码，请另存为 UTF-8 再上传"))
    return _decode_as(data, best.encoding)


def _decode_as(data: bytes, encoding: str) -> DecodedText:
    try:
        return _checked(data.decode(encoding), encoding.removesuffix("-sig"))
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableFileError("unknown_encoding", N_("无法识别文件的文字编码，请另存为 UTF-8 再上传")) from error


def _decode_utf16_without_bom(data: bytes) -> DecodedText:
    head = data[:4096]
    odd, even = head[1::2].count(0), head[::2].count(0)
    return _decode_as(data, "utf-16-le" if odd >= even else "utf-16-be")


def _checked(text: str, encoding: str) -> DecodedText:
    text = text.removeprefix("\ufeff")
    controls = sum(ord(char) in TEXT_CONTROLS for char in text[:65536])
    if controls > len(text[:65536]) // 200:
        raise UnreadableFileError("unsupported_format", N_("文件不是文本，无法识别其格式"))
    return DecodedText(text, encoding)
