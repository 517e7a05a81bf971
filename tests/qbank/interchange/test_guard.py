"""Hostile and damaged files cost a clear error, before any parser opens them."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
import zlib

import pytest

from qbank.interchange import guard
from qbank.interchange.convert import read_items
from qbank.interchange.guard import Limits, UnreadableFileError, check_office_zip
from tests.qbank.interchange.interchange_items import workbook

GOOD = workbook({"单选": [["题干", "选项A", "选项B", "答案"], ["红色表示（ ）。", "禁止", "指令", "A"]]})
ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def rezip(extra: dict[str, bytes] | None = None, patch: dict[str, bytes] | None = None) -> bytes:
    """Return the good workbook with parts added, or with text put behind the XML declaration of a part."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if patch and name in patch:
                data = data.replace(b"?>", b"?>" + patch[name], 1)
            new.writestr(name, data)
        for name, data in (extra or {}).items():
            new.writestr(name, data)
    return buffer.getvalue()


def with_duplicate() -> bytes:
    buffer = io.BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("xl/workbook.xml", b"<x/>")
    return buffer.getvalue()


def with_symlink() -> bytes:
    buffer = io.BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as archive:
        entry = zipfile.ZipInfo("xl/link.xml")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


def with_many_entries() -> bytes:
    return rezip({f"xl/e{number}": b"" for number in range(2_100)})


def with_lying_header() -> bytes:
    """Return an archive whose directory declares ten bytes for a part of fifty million."""
    raw = b"0" * 50_000_000
    name = b"xl/media/big.bin"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(raw) + packer.flush()
    crc = zlib.crc32(raw[:10])
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, crc, len(packed), 10, len(name), 0) + name + packed
    head = struct.pack(
        "<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0, crc, len(packed), 10, len(name), 0, 0, 0, 0, 0, 0
    )
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(head) + len(name), len(local), 0)
    return local + head + name + end


def _other_archive(name: str = "readme.txt") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


HOSTILE = [
    ("external entity in a sheet", lambda: rezip(patch={"xl/worksheets/sheet1.xml": ENTITY.encode()}), "doctype_refused"),
    ("entity in a relationship part", lambda: rezip(patch={"xl/_rels/workbook.xml.rels": ENTITY.encode()}), "doctype_refused"),
    ("entity in UTF-16", lambda: rezip({"xl/a.xml": ENTITY.encode("utf-16")}), "doctype_refused"),
    ("lower-case doctype", lambda: rezip({"xl/a.xml": b"<!doctype x><x/>"}), "doctype_refused"),
    ("one letter 250 million times", lambda: rezip({"xl/worksheets/b.xml": b"A" * 31_000_000}), "unpacks_too_large"),
    ("ratio", lambda: rezip({"xl/media/b.bin": b"A" * 3_000_000}), "unpacks_too_large"),
    ("2100 entries", with_many_entries, "too_many_entries"),
    ("two parts of one name", with_duplicate, "duplicate_entries"),
    ("names that differ in case alone", lambda: rezip({"XL/Workbook.xml": b"<x/>"}), "duplicate_entries"),
    ("path that climbs", lambda: rezip({"../../x.xml": b"<x/>"}), "unsafe_path"),
    ("absolute path", lambda: rezip({"/abs.xml": b"<x/>"}), "unsafe_path"),
    ("backslash path", lambda: rezip({"a\\..\\..\\w.xml": b"<x/>"}), "unsafe_path"),
    ("drive letter", lambda: rezip({"C:x.xml": b"<x/>"}), "unsafe_path"),
    ("deep path", lambda: rezip({"/".join("abcdefghijklmnop") + ".xml": b"<x/>"}), "unsafe_path"),
    ("symbolic link", with_symlink, "unsafe_path"),
    ("macro", lambda: rezip({"xl/vbaProject.bin": b"x"}), "macro_file"),
    ("control", lambda: rezip({"xl/activeX/activeX1.bin": b"x"}), "macro_file"),
    ("archive inside", lambda: rezip({"xl/embeddings/a.xlsx": GOOD}), "nested_archive"),
    ("declared size that lies", with_lying_header, "damaged_file"),
    ("cut off", lambda: GOOD[: len(GOOD) // 2], "damaged_file"),
    ("head of an archive alone", lambda: b"PK\x03\x04", "damaged_file"),
    ("nothing", lambda: b"", "empty_file"),
    ("encrypted workbook", lambda: guard.OLE_HEAD + b"\0" * 512 + "EncryptedPackage".encode("utf-16-le"), "encrypted_file"),
    ("old Excel head alone", lambda: guard.OLE_HEAD + b"\0" * 512 + "Workbook".encode("utf-16-le"), "damaged_file"),
    ("archive of something else", _other_archive, "unsupported_format"),
    ("PDF", lambda: b"%PDF-1.7 " + GOOD, "unsupported_format"),
    ("picture", lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "unsupported_format"),
    ("binary rubbish", lambda: bytes(range(1, 256)) * 40, "unknown_encoding"),
    ("JSON nested ten thousand deep", lambda: b"[" * 10_000 + b"]" * 10_000, "nested_too_deep"),
    ("JSON nested sixty deep", lambda: b'{"items":' + b"[" * 60 + b"]" * 60 + b"}", "nested_too_deep"),
    ("JSON cut off", lambda: b'[{"question": "a"', "damaged_file"),
    ("JSON with NaN", lambda: b'{"items": [NaN]}', "damaged_file"),
    ("JSON without items", lambda: b'{"a": 1}', "no_items"),
    ("XML with entities", lambda: b"<?xml version='1.0'?>" + ENTITY.encode(), "unsupported_format"),
    ("QTI package", lambda: _other_archive("imsmanifest.xml"), "unsupported_format"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "code"), [(make, code) for _, make, code in HOSTILE], ids=[name for name, _, _ in HOSTILE]
)
def test_a_hostile_file_is_refused_with_its_reason(make: object, code: str) -> None:
    report = read_items(make(), "x.xlsx")
    assert report.error is not None
    assert report.error.code == code
    assert report.found == 0


def test_the_file_that_the_hostile_ones_are_made_of_is_good() -> None:
    assert len(read_items(rezip(), "x.xlsx").items) == 1


def test_a_macro_file_stays_refused_when_somebody_names_the_format() -> None:
    report = read_items(rezip({"xl/vbaProject.bin": b"x"}), "x.xlsx", fmt="xlsx")
    assert report.error is not None
    assert report.error.code == "macro_file"


def test_a_bomb_is_counted_while_it_unpacks_not_by_its_word() -> None:
    with pytest.raises(UnreadableFileError) as caught:
        check_office_zip(with_lying_header(), Limits(unpacked_bytes=5))
    assert caught.value.code in {"unpacks_too_large", "damaged_file"}


def test_a_sheet_with_one_cell_in_the_last_corner_reserves_nothing() -> None:
    far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"</sheetData>", far))
    report = read_items(buffer.getvalue(), "x.xlsx")
    assert report.error is not None
    assert report.error.code == "too_many_rows"


def test_more_rows_than_the_limit_are_refused() -> None:
    data = workbook({"判断": [["题干", "答案"], *([f"第{number}题", "对"] for number in range(20_100))]})
    report = read_items(data, "x.xlsx")
    assert report.error is not None
    assert report.error.code == "too_many_rows"


def test_external_targets_are_not_followed() -> None:
    relation = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId9" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/drawing" TargetMode="External" '
        b'Target="http://192.0.2.1/drawing.xml"/></Relationships>'
    )
    report = read_items(rezip({"xl/worksheets/_rels/sheet1.xml.rels": relation}), "x.xlsx")
    assert len(report.items) == 1
    assert not report.items[0].media


def test_every_error_says_in_chinese_what_to_do() -> None:
    for _, make, _ in HOSTILE[:5]:
        report = read_items(make(), "x")
        assert report.error is not None
        assert any("\u4e00" <= sign <= "\u9fff" for sign in report.error.message)
        assert json.dumps(report.to_json(), ensure_ascii=False)
