"""Hostile files, made in memory: what each is called, its bytes, and what must come of it."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from docx import Document

from qbank.interchange import guard
from qbank.interchange.model import ConversionReport
from tests.qbank.interchange import test_guard as office
from tests.qbank.interchange.interchange_items import choice_json, workbook

Check = Callable[[ConversionReport], bool]
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
    + "]>"
)
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"A" * 50_000}">]>'
FILE_ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
HTTP_ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "http://192.0.2.1/x">]>'
PARAMETER_ENTITY = '<!DOCTYPE x [<!ENTITY % e SYSTEM "http://192.0.2.1/x.dtd"> %e;]>'


def picture_head(width: int, height: int) -> bytes:
    """Return a PNG that says how large it is and holds hardly anything."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = b"IDAT" + zlib.compress(b"")
    chunks = b"".join(
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in (head, rows, b"IEND")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


PIXEL_FLOOD = picture_head(60_000, 60_000)


@dataclass(frozen=True)
class Hostile:
    """One file: refused with one of `codes`, or read so that `check` holds."""

    name: str
    make: Callable[[], bytes | str]
    codes: frozenset[str] = frozenset()
    check: Check | None = None
    file: str = "题目.xlsx"

    def data(self) -> bytes:
        made = self.make()
        return made.encode() if isinstance(made, str) else made


def refused(name: str, make: Callable[[], bytes | str], *codes: str, file: str = "题目.xlsx") -> Hostile:
    return Hostile(name, make, frozenset(codes), file=file)


def read(name: str, make: Callable[[], bytes | str], check: Check, file: str = "题目.txt") -> Hostile:
    return Hostile(name, make, check=check, file=file)


# --- makers ----------------------------------------------------------------------------------------------------------


def docx(
    *, text: str = "1. 红色表示（A）。\nA. 禁止\nB. 指令", parts: dict[str, bytes] | None = None, inject: str = ""
) -> bytes:
    """Return a Word file, with parts added or a declaration put into its document part."""
    document, buffer = Document(), io.BytesIO()
    for line in text.split("\n"):
        document.add_paragraph(line)
    document.save(buffer)
    out = io.BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if inject and name == "word/document.xml":
                data = data.replace(b"?>", b"?>" + inject.encode(), 1)
            if name not in (parts or {}):
                new.writestr(name, data)
        for name, data in (parts or {}).items():
            new.writestr(name, data)
    return out.getvalue()


def word_body(body: str) -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    return f'<?xml version="1.0"?><w:document {space}><w:body>{body}</w:body></w:document>'.encode()


def nested_tables(depth: int) -> str:
    return "<w:tbl><w:tr><w:tc>" * depth + "<w:p><w:r><w:t>x</w:t></w:r></w:p>" + "</w:tc></w:tr></w:tbl>" * depth


def relations(kind: str, target: str) -> bytes:
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    office_kind = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"
    one = f'<Relationship Id="rId99" Type="{office_kind}" Target="{target}" TargetMode="External"/>'
    return f'<?xml version="1.0"?><Relationships xmlns="{space}">{one}</Relationships>'.encode()


def moodle(body: str = "", *, head: str = "", stem: str = "铁是金属。") -> str:
    right = '<answer fraction="100"><text>true</text></answer>'
    text = f"<questiontext format='html'><text><![CDATA[{stem}]]></text>{body}</questiontext>"
    return f'<?xml version="1.0"?>{head}<quiz><question type="truefalse">{text}{right}</question></quiz>'


def moodle_picture(data: bytes, name: str = "a.png") -> str:
    encoded = base64.b64encode(data).decode()
    return moodle(
        f'<file name="{name}" encoding="base64">{encoded}</file>', stem=f'看图<img src="@@PLUGINFILE@@/{name}">'
    )


def many_pictures(number: int, width: int, height: int) -> str:
    one = moodle_picture(picture_head(width, height))
    return one.replace("</quiz>", one[one.index("<question") : one.index("</quiz>")] * (number - 1) + "</quiz>")


def encrypted_zip() -> bytes:
    data = bytearray(office.rezip())
    for head, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(head)
        while place >= 0:
            data[place + flag] |= 1
            place = data.find(head, place + 4)
    return bytes(data)


def zip_of(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def bomb_in_bomb(depth: int = 6) -> bytes:
    data = zip_of({"a.bin": b"0" * 1_000_000})
    for _ in range(depth):
        data = zip_of({f"{number}.zip": data for number in range(8)})
    return data


def sheet_patch(old: bytes, new: bytes) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(office.GOOD)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(old, new, 1))
    return buffer.getvalue()


def wide_row(columns: int) -> bytes:
    cells = b"".join(b'<c t="inlineStr"><is><t>x</t></is></c>' for _ in range(columns))
    return sheet_patch(b"</sheetData>", b'<row r="3">' + cells + b"</row></sheetData>")


def many_rows(rows: int) -> bytes:
    body = b"".join(b'<row r="%d"><c t="inlineStr"><is><t>x</t></is></c></row>' % number for number in range(3, rows))
    return sheet_patch(b"</sheetData>", body + b"</sheetData>")


def items_json(**changes: object) -> str:
    return choice_json(**changes).decode()


def raw_json(stem: str) -> str:
    """Return an item whose stem stands in the JSON as it is given, and a good one."""
    first = '{"id": "1", "type": "true_false", "key": true, "stem": "STEM"}'.replace("STEM", stem)
    return f'{{"items": [{first}, {{"id": "2", "type": "true_false", "key": true, "stem": "铁是金属。"}}]}}'


def ole(word: str) -> bytes:
    return guard.OLE_HEAD + b"\0" * 512 + word.encode("utf-16-le") + b"\0" * 512


def noise(n_bytes: int) -> bytes:
    return random.Random(7).randbytes(n_bytes)


# --- checks ----------------------------------------------------------------------------------------------------------


def texts(report: ConversionReport) -> str:
    return json.dumps(report.to_json(), ensure_ascii=False) + repr([one.item for one in report.items])


def is_clean(report: ConversionReport) -> bool:
    shown = repr([one.item.content for one in report.items]).casefold()
    return not any(word in shown for word in ("<script", "onerror", "javascript:", "<svg", "<iframe", "<math"))


def is_bounded(report: ConversionReport) -> bool:
    return report.found < 50_000


def has_one(report: ConversionReport) -> bool:
    return len(report.items) == 1


def keeps_nothing_outside(report: ConversionReport) -> bool:
    return "root:" not in texts(report) and not any(one.media for one in report.items)


def loses_picture(report: ConversionReport) -> bool:
    return has_one(report) and not report.items[0].media and "picture" in {one.code for one in report.losses}


def keeps_the_good_one(code: str) -> Check:
    return lambda report: len(report.items) == 1 and [one.code for one in report.skipped] == [code]


REDOS = ("（" * 60_000, "A." * 40_000, "_" * 80_000, "1." * 40_000, " " * 200_000 + "x", "答案：" * 30_000,
         "（ A ）" * 20_000, "\\(" * 40_000, "&#x" * 40_000, "<a " * 40_000, "A、B、" * 25_000)  # fmt: skip

CORPUS: list[Hostile] = [
    # archives
    refused("docx: one letter 32 million times", lambda: docx(parts={"word/document.xml": b"A" * 32_000_000}), "unpacks_too_large"),
    refused("xlsx: one letter 32 million times", lambda: office.rezip({"xl/worksheets/b.xml": b"A" * 32_000_000}), "unpacks_too_large"),
    refused("xlsx: picture that unpacks a hundredfold", lambda: office.rezip({"xl/media/a.bin": b"0" * 9_000_000}), "unpacks_too_large"),
    refused("archives in archives in archives", bomb_in_bomb, "unsupported_format", "nested_archive", file="a.zip"),
    refused("workbook with an archive inside", lambda: office.rezip({"xl/a.zip": bomb_in_bomb(2)}), "nested_archive"),
    refused("document with a workbook inside", lambda: docx(parts={"word/embeddings/a.xlsx": office.GOOD}), "nested_archive"),
    refused("50,000 empty entries", lambda: office.rezip({f"xl/{n}": b"" for n in range(50_000)}), "too_many_entries"),
    refused("size that lies", office.with_lying_header, "damaged_file", "unpacks_too_large"),
    refused("two parts of one name", office.with_duplicate, "duplicate_entries"),
    refused("names that differ in case", lambda: office.rezip({"XL/workbook.XML": b"x"}), "duplicate_entries"),
    refused("path that climbs", lambda: docx(parts={"../../../etc/cron.d/x": b"x"}), "unsafe_path"),
    refused("absolute path", lambda: docx(parts={"/etc/passwd": b"x"}), "unsafe_path"),
    refused("backslash path", lambda: docx(parts={"a\\..\\..\\w": b"x"}), "unsafe_path"),
    refused("drive letter", lambda: docx(parts={"C:\\x": b"x"}), "unsafe_path"),
    refused("path of thirty folders", lambda: docx(parts={"a/" * 30 + "x": b"x"}), "unsafe_path"),
    refused("symbolic link", office.with_symlink, "unsafe_path"),
    refused("encrypted archive", encrypted_zip, "encrypted_file"),
    refused("archive cut off", lambda: docx()[:-200], "damaged_file"),
    refused("archive with broken contents", lambda: office.GOOD[:900] + noise(400) + office.GOOD[1300:], "damaged_file"),
    refused("head of an archive and noise", lambda: b"PK\x03\x04" + noise(5000), "damaged_file"),
    refused("archive of something else", lambda: zip_of({"readme.txt": b"x"}), "unsupported_format"),
    refused("gzip bomb", lambda: gzip.compress(b"0" * 10_000_000), "unsupported_format", "unknown_encoding"),
    # XML
    refused("docx: billion laughs", lambda: docx(inject=LAUGHS), "doctype_refused"),
    refused("docx: file entity", lambda: docx(inject=FILE_ENTITY), "doctype_refused"),
    refused("docx: network entity", lambda: docx(inject=HTTP_ENTITY), "doctype_refused"),
    refused("xlsx: quadratic blow-up", lambda: office.rezip(patch={"xl/sharedStrings.xml": QUADRATIC.encode()}), "doctype_refused"),
    refused("xlsx: entity in UTF-16", lambda: office.rezip({"xl/a.xml": FILE_ENTITY.encode("utf-16")}), "doctype_refused"),
    refused("xlsx: entity in a relationship", lambda: office.rezip(patch={"xl/_rels/workbook.xml.rels": HTTP_ENTITY.encode()}), "doctype_refused"),
    refused("moodle: billion laughs", lambda: moodle(head=LAUGHS, stem="&j;"), "doctype_refused", file="a.xml"),
    refused("moodle: file entity", lambda: moodle(head=FILE_ENTITY), "doctype_refused", file="a.xml"),
    refused("moodle: parameter entity", lambda: moodle(head=PARAMETER_ENTITY), "doctype_refused", file="a.xml"),
    refused("moodle: external document type", lambda: moodle(head='<!DOCTYPE quiz SYSTEM "http://192.0.2.1/a">'), "doctype_refused", file="a.xml"),
    refused("moodle: entity in UTF-16", lambda: moodle(head=FILE_ENTITY).encode("utf-16"), "doctype_refused", "damaged_file", file="a.xml"),
    refused("moodle: ten thousand levels", lambda: moodle("<a>" * 10_000 + "</a>" * 10_000), "damaged_file", "nested_too_deep", file="a.xml"),
    refused("moodle: two hundred levels", lambda: moodle("<a>" * 200 + "</a>" * 200), "nested_too_deep", file="a.xml"),
    refused("moodle: cut off", lambda: moodle()[:-9], "damaged_file", file="a.xml"),
    refused("moodle: unknown entity", lambda: moodle("&nope;"), "damaged_file", file="a.xml"),
    refused("QTI: file entity", lambda: FILE_ENTITY + "<assessmentItem>&e;</assessmentItem>", "doctype_refused", "unsupported_format", file="a.xml"),
    refused("SVG with a script", lambda: "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "unsupported_format", file="a.svg"),
    refused("web page", lambda: "<!DOCTYPE html><html><script>alert(1)</script></html>", "unsupported_format", file="a.html"),
    read("moodle: XInclude", lambda: moodle('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>'), keeps_nothing_outside),
    read("moodle: schema on the network", lambda: moodle().replace("<quiz>", '<quiz xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://192.0.2.1/a.xsd">'), has_one),
    read("moodle: 100,000 attributes", lambda: moodle("<a " + " ".join(f"a{n}='1'" for n in range(100_000)) + "/>"), is_bounded),
    # office
    refused("docx: macro", lambda: docx(parts={"word/vbaProject.bin": b"x"}), "macro_file"),
    refused("xlsx: control", lambda: office.rezip({"xl/activeX/activeX1.bin": b"x"}), "macro_file"),
    refused("encrypted document", lambda: ole("EncryptedPackage"), "encrypted_file", file="a.docx"),
    refused("Word 97 document", lambda: ole("WordDocument"), "converter_missing", "damaged_file", file="a.doc"),
    refused("Excel 97 head and noise", lambda: ole("Workbook") + noise(9000), "damaged_file", file="a.xls"),
    refused("other OLE file", lambda: ole("PowerPoint Document"), "unsupported_format", file="a.ppt"),
    refused("xlsx: a cell in the last corner", lambda: sheet_patch(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'), "too_many_rows"),
    refused("xlsx: 60,000 rows", lambda: many_rows(60_000), "too_many_rows"),
    read("xlsx: 16,000 columns", lambda: wide_row(16_000), is_bounded, "a.xlsx"),
    read("docx: remote template", lambda: docx(parts={"word/_rels/settings.xml.rels": relations("attachedTemplate", "http://192.0.2.1/a.dotm")}), has_one),
    read("xlsx: remote drawing", lambda: office.rezip({"xl/worksheets/_rels/sheet1.xml.rels": relations("drawing", "http://192.0.2.1/d.xml")}), keeps_nothing_outside),
    read("docx: two thousand tables in each other", lambda: docx(parts={"word/document.xml": word_body(nested_tables(2_000))}), is_bounded),
    read("docx: sixty tables in each other", lambda: docx(parts={"word/document.xml": word_body(nested_tables(60))}), is_bounded),
    read("xlsx: formulas", lambda: workbook({"单选": [["题干", "选项A", "选项B", "答案"], ["=cmd|'/c calc'!A0", "@SUM(1)", "+1+1", "A"]]}), is_bounded),
    # tables and texts
    refused("100 MB on one line", lambda: b"A" * 104_857_600, "file_too_large", file="a.txt"),
    read("CSV: a million columns", lambda: "题干,答案\n" + "," * 1_000_000 + "\n", is_bounded, "a.csv"),
    read("CSV: a field that never closes", lambda: '题干,答案\n"' + "铁" * 1_500_000, is_bounded, "a.csv"),
    refused("CSV: 200,000 rows", lambda: "题干,答案\n" + "铁是金属。,对\n" * 200_000, "too_many_rows", file="a.csv"),
    read("text: 3 MB on one line", lambda: "1. " + "铁" * 1_000_000, is_bounded),
    *(read(f"text: expressions that run back, {number}", lambda one=one: f"1. {one}\nA. 甲\nB. 乙\n答案：A\n", is_bounded) for number, one in enumerate(REDOS)),
    read("CSV: expressions that run back", lambda: "题干,选项,答案\n" + "".join(f'"{one[:30_000]}","{one[:30_000]}",A\n' for one in REDOS), is_bounded, "a.csv"),
    read("GIFT: braces without end", lambda: "::a::" + "{=" * 60_000, is_bounded),
    read("GIFT: 50,000 answers", lambda: "::a:: 甲 {" + "~乙" * 50_000 + "=丙}", is_bounded),
    read("Aiken: 50,000 options", lambda: "题\n" + "A. 甲\n" * 50_000 + "ANSWER: A\n", is_bounded),
    read("script in HTML", lambda: raw_json("<script>alert(1)</script><img src=x onerror=alert(1)>铁"), is_clean),
    read("HTML that changes when it is cleaned", lambda: raw_json("<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>铁"), is_clean),
    read("100,000 tables in each other", lambda: raw_json("<table><tr><td>" * 100_000 + "铁"), is_bounded),
    read("override of the writing direction", lambda: raw_json("铁\u202e是\u202d金属\u2066。"), is_bounded),
    read("NUL inside a JSON text", lambda: raw_json("铁\\u0000是金属"), lambda report: "\x00" not in repr([one.item.content.stem for one in report.items])),
    read("half a character in JSON", lambda: raw_json("铁\\ud83d"), keeps_the_good_one("broken_text")),
    read("half a character in an id", lambda: items_json(id="x").replace('"x"', '"\\udc00"'), lambda report: [one.code for one in report.skipped] == ["broken_text"]),
    read("integer of four hundred digits", lambda: items_json(metadata={"n": 1}).replace('"n": 1', f'"n": {"9" * 400}'), lambda report: [one.code for one in report.skipped] == ["number_too_large"]),
    read("score with a huge exponent", lambda: items_json(score="1e999999"), lambda report: report.found == 1 and not report.items),
    refused("JSON a hundred thousand levels deep", lambda: "[" * 100_000 + "]" * 100_000, "nested_too_deep", file="a.json"),
    refused("JSON of five thousand digits", lambda: '{"items": [' + "9" * 5_000 + "]}", "damaged_file", file="a.json"),
    refused("JSON cut off", lambda: items_json()[:-30], "damaged_file", file="a.json"),
    refused("NUL bytes", lambda: b"\x00" * 10_000, "unsupported_format", "unknown_encoding", file="a.txt"),
    refused("noise", lambda: noise(50_000), "unsupported_format", "unknown_encoding", file="a.txt"),
    refused("program", lambda: b"\x7fELF\x02\x01\x01" + noise(9_000), "unsupported_format", "unknown_encoding", file="a.csv"),
    refused("empty file", lambda: b"", "empty_file"),
    read("byte order mark alone", lambda: b"\xef\xbb\xbf", lambda report: not report.items),
    # polyglots and pictures
    refused("PDF that is an archive too", lambda: b"%PDF-1.7\n" + office.GOOD, "unsupported_format", file="a.docx"),
    refused("GIF that is a script too", lambda: b"GIF89a/*" + b"\x00" * 20 + b"*/=1;alert(1)", "unsupported_format", file="a.txt"),
    refused("picture of 3.6 billion points", lambda: PIXEL_FLOOD, "unsupported_format", file="a.png"),
    read("moodle: picture of 3.6 billion points", lambda: moodle_picture(PIXEL_FLOOD), lambda report: [one.code for one in report.skipped] == ["picture_too_large"]),
    read("moodle: forty pictures of 39 million points", lambda: many_pictures(40, 6240, 6250), lambda report: len(report.items) == 15 and len(report.skipped) == 25),
    read("moodle: SVG with a script as picture", lambda: moodle_picture(b"<svg><script>alert(1)</script></svg>", "a.svg"), loses_picture),
    read("moodle: picture that is no Base64", lambda: moodle('<file name="a.png" encoding="base64">%%%</file>', stem='铁<img src="@@PLUGINFILE@@/a.png">'), loses_picture),
    read("moodle: picture of a name that climbs", lambda: moodle_picture(b"\x89PNG\r\n\x1a\n", "../../x.png"), is_bounded),
    read("workbook that is called a text", lambda: office.GOOD, has_one, "a.txt"),
    read("JSON that is called a document", items_json, has_one, "a.docx"),
]  # fmt: skip
