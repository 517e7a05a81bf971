"""What our writers write, our readers read back to the same canonical items."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.canonical import item_to_json
from item_templates.contract import CanonicalItem
from qbank.interchange.convert import media_by_digest, read_items, write_items
from qbank.interchange.csv_reader import guard_cell, unguard_cell
from qbank.interchange.xlsx_writer import write_template
from tests.qbank.interchange.interchange_items import example, example_media, items, picture, with_picture

FORMATS = ("json", "xlsx", "csv")
ALL_FORMATS = (*FORMATS, "docx", "text")
TYPES = [one.name for one in registry.all_types()]


def read_back(written: CanonicalItem, fmt: str, media: Mapping[str, bytes] | None = None) -> CanonicalItem:
    data, losses = write_items([written], fmt, media)
    report = read_items(data, f"a.{fmt}")
    assert {one.code for one in losses} <= ({"picture"} if written.content.media else set())
    assert report.error is None
    assert [one.message for one in report.skipped] == []
    assert report.format == fmt
    return report.items[0].item


@pytest.mark.parametrize("fmt", ALL_FORMATS)
@pytest.mark.parametrize("name", TYPES)
def test_the_example_of_every_type_comes_back_the_same(name: str, fmt: str) -> None:
    assert item_to_json(read_back(example(name), fmt, example_media(name))) == item_to_json(example(name))


@pytest.mark.parametrize("fmt", FORMATS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_any_text_in_any_place_comes_back_the_same(fmt: str, data: st.DataObject) -> None:
    written = data.draw(st.sampled_from(TYPES).flatmap(items))
    assert item_to_json(read_back(written, fmt)) == item_to_json(written)


def test_several_items_keep_their_order_and_ids() -> None:
    written = [example(name) for name in TYPES]
    for fmt in FORMATS:
        report = read_items(write_items(written, fmt)[0], "a")
        assert [one.item.id for one in report.items] == [one.id for one in written]


@pytest.mark.parametrize("fmt", ["json", "xlsx"])
def test_pictures_travel_with_their_item(fmt: str) -> None:
    written, media = with_picture()
    report = read_items(write_items([written], fmt, media)[0], "a")
    assert item_to_json(report.items[0].item) == item_to_json(written)
    assert media_by_digest(report) == media


def test_csv_names_the_picture_that_it_cannot_carry() -> None:
    written, media = with_picture()
    data, losses = write_items([written], "csv", media)
    assert [one.code for one in losses] == ["picture"]
    assert item_to_json(read_items(data, "a.csv").items[0].item) == item_to_json(written)


def test_a_picture_that_is_not_at_hand_is_named() -> None:
    written, _ = with_picture(data=picture("blue"))
    for fmt in ("json", "xlsx"):
        assert [one.code for one in write_items([written], fmt, {})[1]] == ["picture"]


def test_an_edit_in_the_exported_sheet_wins_over_the_hidden_exact_value() -> None:
    written = example("single_choice")
    data, _ = write_items([written], "csv")
    edited = data.decode("utf-8-sig").replace(written.content.choices[0].content, "改过的选项", 1)
    item = read_items(edited.encode(), "a.csv").items[0].item
    assert "改过的选项" in [one.content for one in item.content.choices]
    assert item.content.key == written.content.key


def test_a_row_that_a_person_adds_to_an_exported_sheet_is_read_freely() -> None:
    data, _ = write_items([example("true_false")], "csv")
    added = "判断题,1．电流的单位是安培。（√）" + "," * 30
    report = read_items(data + added.encode() + b"\r\n", "a.csv")
    assert [one.item.content.stem for one in report.items][1] == "电流的单位是安培。（　）"
    assert report.items[1].item.content.key is True


def test_the_empty_template_reads_as_a_file_without_items() -> None:
    report = read_items(write_template(), "模板.xlsx")
    assert (report.error, report.found, report.warnings) == (None, 0, [])


@given(st.text("=+-@\t\r ＝＋'a\n", max_size=6))
def test_the_formula_guard_of_csv_is_reversible(cell: str) -> None:
    assert unguard_cell(guard_cell(cell)) == cell


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "＝1", " =1", "\n=1"])
def test_cells_that_a_spreadsheet_would_calculate_are_guarded(cell: str) -> None:
    assert guard_cell(cell).startswith("'")


def test_an_item_too_long_for_a_cell_is_left_out_of_excel_and_named() -> None:
    report = read_items(
        '{"items": [{"id": "长", "type": "true_false", "key": true, "stem": "%s"}]}'.encode()
        % ("长" * 40_000).encode(),
        "a",
    )
    data, losses = write_items([one.item for one in report.items], "xlsx")
    assert [(one.locator, one.code) for one in losses] == [("item 长", "item")]
    assert read_items(data, "a.xlsx").found == 0
