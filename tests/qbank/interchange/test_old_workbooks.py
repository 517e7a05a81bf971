"""Excel 97-2003: numbers that are shown as percentages are read as shown."""

from __future__ import annotations

import random

import pytest

from qbank.interchange.convert import read_items
from qbank.interchange.xls_cells import xls_percent_cells
from qbank.interchange.xlsx_reader import xls_sheets
from tests.qbank.interchange.old_workbooks import old_workbook

HEAD = ["题型", "题干", "选项A", "选项B", "选项C", "答案"]
ROWS = [
    HEAD,
    ["单选题", "水泥用量应为（ ）。", (0.25, "0%"), (0.5, "0.00%"), (1, "0%;[Red]-0%"), "A"],
    ["单选题", "系数为（ ）。", 0.25, (0.5, "0.00"), (3, '"比例"0'), "B"],
]


@pytest.mark.parametrize("size", [0, 6000], ids=["in small sectors", "in sectors"])
def test_percentages_are_read_as_shown(size):
    (sheet,) = xls_sheets(old_workbook(ROWS, size=size))
    assert sheet.rows[1][2:5] == ["25%", "50%", "100%"]
    assert sheet.rows[2][2:5] == ["0.25", "0.5", "3"]


def test_they_become_the_options_of_an_item():
    report = read_items(old_workbook(ROWS), "题目.xls")
    assert report.error is None
    assert [one.content for one in report.items[0].item.content.choices] == ["25%", "50%", "100%"]


def test_a_damaged_file_has_no_percentages_and_does_no_harm():
    whole, rng = old_workbook(ROWS, size=6000), random.Random(5)
    for _ in range(300):
        torn = bytearray(whole[: rng.randrange(1, len(whole))])
        for _ in range(rng.randrange(20)):
            torn[rng.randrange(len(torn))] = rng.randrange(256)
        assert isinstance(xls_percent_cells(bytes(torn)), dict)
