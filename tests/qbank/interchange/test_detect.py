"""The format comes from the content, the encoding is found and said."""

from __future__ import annotations

import pytest

from qbank.interchange.convert import read_items
from qbank.interchange.detect import decode_text, detect_format
from tests.qbank.interchange.interchange_items import choice_json, workbook

TABLE = "题干,选项A,选项B,答案\n红色表示（ ）。,禁止,指令,A\n"


@pytest.mark.parametrize("name", ["a.txt", "a.docx", "a", "a.xls"])
def test_the_name_does_not_decide(name: str) -> None:
    assert detect_format(workbook({"s": [["题干", "答案"]]}), name) == "xlsx"
    assert detect_format(choice_json(), name) == "json"
    assert detect_format(TABLE.encode(), name) == "csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_tables_are_read_in_every_usual_encoding(encoding: str) -> None:
    report = read_items(TABLE.replace("\n", "\r\n").encode(encoding), "题.csv")
    assert [one.item.content.stem for one in report.items] == ["红色表示（ ）。"]


def test_an_unusual_encoding_is_reported() -> None:
    warnings = read_items(TABLE.encode("gbk"), "题.csv").warnings
    assert [(one.code, "gb18030" in one.message) for one in warnings] == [("encoding", True)]


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_other_delimiters_are_found(delimiter: str) -> None:
    assert len(read_items(TABLE.replace(",", delimiter).encode(), "题.csv").items) == 1


def test_a_list_of_items_with_commas_is_text_and_no_table() -> None:
    text = "1. 红色表示（ ），绿色表示（ ）。\nA. 禁止\nB. 指令\n答案：A\n"
    assert detect_format(text.encode(), "a.csv.txt") == "text"


def test_the_encoding_of_text_is_named() -> None:
    assert decode_text("电压".encode("gbk")).encoding == "gb18030"
    assert decode_text("电压".encode()).encoding == "utf-8"
