"""Tables out and in: texts stay texts, numbers stay faithful, hostile files stay harmless."""

import datetime as dt
import io
import resource
import struct
import zipfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel import confined
from kernel.confined import ReadLimits
from kernel.errors import InvalidInputError
from kernel.spreadsheets import TableLimits, TableSheet, clean_text, column_letter, read_table, write_table


def book_of(*rows, title="Sheet1"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_identity_numbers_formulas_and_leading_zeros_stay_text():
    rows = [("演示", "11010519491231002X"), ("=1+1", "007"), ("@SUM(A1)", "https://example.invalid")]
    data = write_table([TableSheet("名册", ("姓名", "证件号"), rows)])
    (sheet,) = read_table(data)
    assert sheet.rows == (("姓名", "证件号"), *rows)
    assert sheet.problems == ()
    cells = openpyxl.load_workbook(io.BytesIO(data)).active
    assert {cells["A3"].data_type, cells["A4"].data_type} == {"s"}


def test_a_titled_sheet_freezes_below_its_header():
    data = write_table([TableSheet("名册", ("甲", "乙"), [("1", "2")], title="演示名册")])
    active = openpyxl.load_workbook(io.BytesIO(data)).active
    assert active.freeze_panes == "A3"
    assert read_table(data)[0].rows == (("演示名册",), ("甲", "乙"), ("1", "2"))


def test_numbers_and_dates_are_written_as_such_and_read_faithfully():
    row = (
        1,
        2.5,
        Decimal("86.50"),
        dt.date(2026, 11, 22),
        dt.datetime(2026, 11, 22, 14, 30, tzinfo=dt.UTC),
        None,
        "尾",
    )
    (sheet,) = read_table(write_table([TableSheet("s", ("a",) * 7, [row])]))
    assert sheet.rows[1] == ("1", "2.5", "86.5", "2026-11-22", "2026-11-22 22:30:00", "", "尾")


def test_a_number_too_long_for_a_numeric_cell_is_written_as_text():
    (sheet,) = read_table(write_table([TableSheet("s", ("a", "b"), [(110105194912310021, Decimal("NaN"))])]))
    assert sheet.rows[1] == ("110105194912310021", "NaN")


def test_an_identity_number_in_a_numeric_cell_is_reported():
    (sheet,) = read_table(book_of(["证件号", "电话"], [110105194912310021, 13800000000]))
    assert "E" not in sheet.rows[1][0].upper()
    assert sheet.rows[1][1] == "13800000000"
    (problem,) = sheet.problems
    assert (problem.row, problem.column) == (2, "A")
    assert "文本格式" in problem.message


def test_binary_fractions_read_as_people_typed_them():
    (sheet,) = read_table(book_of([0.1 + 0.2, 1e-7, 59.5, True]))
    assert sheet.rows[0] == ("0.3", "0.0000001", "59.5", "TRUE")


def test_rows_keep_the_numbers_excel_shows():
    (sheet,) = read_table(book_of([], [], [None, " 演示\u3000"], []))
    assert sheet.rows == ((), (), ("", "演示"))


def test_the_same_table_gives_the_same_bytes():
    sheets = [TableSheet("s", ("a",), [("1",)])]
    assert write_table(sheets) == write_table(sheets)


def test_a_text_longer_than_a_cell_is_refused_with_its_place():
    with pytest.raises(InvalidInputError, match="第 2 行 A 列"):
        write_table([TableSheet("s", ("a",), [("长" * 32_768,)])])


@pytest.mark.parametrize(
    ("data", "fragment"),
    [
        (b"", "空的"),
        (b"PK\x03\x04 not a zip", "损坏"),
        (b"\xd0\xcf\x11\xe0 not a workbook", "损坏"),
        (b"\x00\x01\x02binary", "不是表格"),
    ],
)
def test_what_is_not_a_table_is_refused_kindly(data, fragment):
    with pytest.raises(InvalidInputError, match=fragment):
        read_table(data)


def test_too_many_bytes_rows_columns_or_sheets_are_refused():
    data = book_of(*[["甲", "乙", "丙"]] * 5)
    for limits in (TableLimits(n_bytes=100), TableLimits(n_rows=4), TableLimits(n_columns=2), TableLimits(n_sheets=0)):
        with pytest.raises(InvalidInputError):
            read_table(data, limits=limits)
    with pytest.raises(InvalidInputError, match="CSV"):
        read_table(b"a,b\nc,d\n", limits=TableLimits(n_rows=1))


def rewritten(data, part, old, new):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(old, new) if name == part else content)
    return out.getvalue()


def test_two_far_corners_do_not_exhaust_memory():
    data = rewritten(book_of(["a", "b"]), "xl/worksheets/sheet1.xml", b'r="B1"', b'r="XFD1048576"')
    with pytest.raises(InvalidInputError):
        read_table(data)


def test_a_sheet_that_unpacks_to_gigabytes_is_refused():
    bomb = rewritten(book_of(["a"]), "xl/worksheets/sheet1.xml", b"<t>a</t>", b"<t>" + b"x" * 120_000_000 + b"</t>")
    assert len(bomb) < 1_000_000
    narrow = ReadLimits(memory_mb=150)
    assert read_table(book_of(["a"]), cost=narrow)[0].rows == (("a",),)
    with pytest.raises(InvalidInputError, match="展开后过大"):
        read_table(bomb, cost=narrow)
    with pytest.raises(InvalidInputError, match="展开后过大"):
        read_table(bomb, limits=TableLimits(n_unpacked_bytes=100_000_000))


def test_an_archive_of_thousands_of_parts_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n in range(2_001):
            archive.writestr(f"xl/worksheets/{n}.xml", b"")
    with pytest.raises(InvalidInputError, match="展开后过大"):
        read_table(out.getvalue())


def test_a_huge_sheet_ends_at_the_processor_time_and_at_the_size_of_the_answer():
    row = b'<row><c t="inlineStr"><is><t>a</t></is></c></row>'
    huge = rewritten(book_of(["a"]), "xl/worksheets/sheet1.xml", b"</sheetData>", row * 110_000 + b"</sheetData>")
    roomy = TableLimits(n_rows=1_000_000)
    started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for cost in (ReadLimits(answer_bytes=100_000), ReadLimits(cpu_seconds=1, answer_bytes=100_000)):
        with pytest.raises(InvalidInputError, match="展开后过大"):
            read_table(huge, limits=roomy, cost=cost)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - started < 10
    with pytest.raises(InvalidInputError, match="110001 行"):
        read_table(huge)


def test_the_reading_process_knows_no_secret_of_ours(monkeypatch):
    monkeypatch.setenv("KAOKU_SECRET_KEY", "x" * 40)
    assert not [name for name in confined._environment(Path("/tmp")) if name.startswith("KAOKU_SECRET")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_is_read_in_every_usual_encoding(encoding):
    (sheet,) = read_table('姓名,备注\r\n"张, 演示", 007 \r\n'.encode(encoding))
    assert sheet.rows == (("姓名", "备注"), ("张, 演示", "007"))


def encrypted_container():
    """Return the smallest compound file with the stream in which Office keeps an encrypted workbook."""
    free, end, fat = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<109I", 0, *[free] * 108)
    allocation = struct.pack("<128I", fat, end, *[free] * 126)

    def entry(name, kind, child):
        text = (name + "\0").encode("utf-16-le")
        links = struct.pack("<III", free, free, child)
        tail = bytes(36) + struct.pack("<IQ", end, 0)
        return text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1) + links + tail

    entries = [entry("Root Entry", 5, 1), entry("EncryptedPackage", 2, free), bytes(128), bytes(128)]
    return header + allocation + b"".join(entries)


def test_bytes_in_no_known_encoding_and_unpaired_quotes_are_refused():
    with pytest.raises(InvalidInputError, match="编码"):
        read_table(b"\xff\xff\xff,\x80")
    with pytest.raises(InvalidInputError, match="引号"):
        read_table(b'a,"' + b"x" * 200_000)


def test_a_workbook_with_a_password_is_refused_with_the_way_out():
    with pytest.raises(InvalidInputError, match="取消密码"):
        read_table(encrypted_container())


def test_column_letters_follow_excel():
    assert [column_letter(i) for i in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


CELL_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(CELL_TEXT, min_size=1, max_size=4), min_size=1, max_size=6))
def test_every_text_survives_the_way_out_and_in(rows):
    header = ("a", "b", "c", "d")
    (sheet,) = read_table(write_table([TableSheet("s", header, rows)]))
    expected = [tuple(clean_text(cell) for cell in row) for row in rows]
    read = [row + ("",) * (len(expected[i]) - len(row)) for i, row in enumerate(sheet.rows[1:])]
    read += [("",) * len(row) for row in expected[len(read) :]]
    assert read == expected


def test_a_wide_table_is_read_on_paper_numbers_whole_and_texts_on_as_many_lines_as_they_need():
    text, number = "演示海洋石油化工装备与新能源智能制造技术评价中心" * 2, "S000011999001261000123"
    header = [*(f"列{i}" for i in range(18)), "证书编号", "备注"]
    wide = TableSheet("宽表", header, [[*[text] * 18, number, "一行\n二行"]] * 3)
    narrow = TableSheet("窄表", ("姓名", "证书编号"), [("演示", number)])
    given = TableSheet("定宽", ("甲", "乙"), [("短", "说明文字" * 20)], widths=(10, 40))
    book = openpyxl.load_workbook(io.BytesIO(write_table([wide, narrow, given])))
    assert [sheet.page_setup.paperSize for sheet in book] == [8, 9, 9]
    assert [sheet.page_setup.orientation for sheet in book] == ["landscape", "portrait", "portrait"]
    for sheet in book:
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.oddFooter.center.text == "第 &P 页 共 &N 页"
    widths = [book["宽表"].column_dimensions[column_letter(i)].width for i in range(20)]
    assert sum(widths) < 330
    assert widths[18] >= len(number)
    lines = -(-2 * len(text) // (widths[0] - 1))
    assert book["宽表"].row_dimensions[2].height >= 15 * lines
    assert book["窄表"].row_dimensions[2].height is None
    assert book["定宽"].row_dimensions[2].height >= 60
