"""What is written as QTI is read back to the same canonical items, in every version; an edit in the XML wins."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.canonical import item_to_json
from item_templates.contract import CanonicalItem
from qbank.interchange.convert import media_by_digest, read_items, write_items
from tests.qbank.interchange.interchange_items import example, items, picture, with_picture

VERSIONS = ("qti21", "qti22", "qti30")
TYPES = [one.name for one in registry.all_types()]
WRITTEN = [name for name in TYPES if name != "parametric"]


def pictures_of(name: str) -> dict[str, bytes]:
    data = registry.example_picture(registry.get(name)) if hasattr(registry, "example_picture") else _beside(name)
    return {hashlib.sha256(data).hexdigest(): data} if data else {}


def _beside(name: str) -> bytes | None:
    from importlib import resources

    found = resources.files("item_templates") / name / "example.png"
    return found.read_bytes() if found.is_file() else None


def read_back(item: CanonicalItem, version: str, media: Mapping[str, bytes]) -> CanonicalItem:
    data, losses = write_items([item], version, media)
    report = read_items(data, "a")
    assert (losses, report.error, report.skipped, report.losses) == ([], None, [], [])
    assert report.format == version
    return report.items[0].item


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", WRITTEN)
def test_the_example_of_every_type_comes_back_the_same(name: str, version: str) -> None:
    assert item_to_json(read_back(example(name), version, pictures_of(name))) == item_to_json(example(name))


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_any_text_in_any_place_comes_back_the_same(version: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(WRITTEN))
    item = data.draw(items(name))
    assert item_to_json(read_back(item, version, pictures_of(name))) == item_to_json(item)


def test_an_item_made_from_variables_is_left_out_and_named() -> None:
    data, losses = write_items([example("parametric"), example("true_false")], "qti21")
    assert [(one.locator, one.code) for one in losses] == [(f"item {example('parametric').id}", "item")]
    assert [one.item.id for one in read_items(data, "a").items] == [example("true_false").id]


def test_several_items_keep_their_order_and_ids_and_pictures() -> None:
    written, media = with_picture()
    listed = [*(example(name) for name in WRITTEN if name != "hotspot"), written]
    for version in VERSIONS:
        report = read_items(write_items(listed, version, media)[0], "a")
        assert [item_to_json(one.item) for one in report.items[:-1]] == [item_to_json(one) for one in listed[:-1]]
        assert media_by_digest(report) == media


def test_pictures_of_one_name_in_two_items_stay_apart() -> None:
    (one, first), (two, second) = with_picture(), with_picture(data=picture("blue"))
    data, losses = write_items([one, two], "qti30", first | second)
    report = read_items(data, "a")
    assert (losses, media_by_digest(report)) == ([], first | second)
    assert [item.item.content.media[0]["digest"] for item in report.items] == [*first, *second]


@pytest.mark.parametrize("name", ["m1", "a" * 64, "图 1".encode().hex() * 9, "x-0123456789ab", "media.v2"])
def test_a_picture_keeps_its_own_name(name: str) -> None:
    written, media = with_picture(name)
    report = read_items(write_items([written], "qti21", media)[0], "a")
    assert item_to_json(report.items[0].item) == item_to_json(written)
    assert dict(report.items[0].media) == {name: next(iter(media.values()))}


def test_a_picture_that_is_not_at_hand_is_named_when_written_and_when_read() -> None:
    written, _ = with_picture()
    data, losses = write_items([written], "qti22", {})
    assert [one.code for one in losses] == ["picture"]
    assert [one.code for one in read_items(data, "a").losses] == ["picture"]


def test_the_same_items_give_the_same_bytes() -> None:
    listed = [example(name) for name in ("single_choice", "fill_in")]
    assert write_items(listed, "qti30")[0] == write_items(listed, "qti30")[0]


def item_files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [name for name in WRITTEN if name != "hotspot"])
def test_an_item_file_taken_out_of_its_package_is_still_the_same_item(name: str, version: str) -> None:
    data = item_files(write_items([example(name)], version)[0])["items/item-00001.xml"]
    report = read_items(data, "question.xml")
    assert (report.format, report.losses) == (version, [])
    assert item_to_json(report.items[0].item) == item_to_json(example(name))


def without_ours(xml: bytes) -> bytes:
    return re.sub(rb"<\?kaoku-item .*?\?>", b"", xml, flags=re.DOTALL)


CARRIED_BY_QTI_ALONE = {
    "single_choice": {"type", "stem", "choices", "key", "score", "explanation"},
    "multiple_choice": {"type", "stem", "choices", "key", "score", "explanation", "scoring"},
    "true_false": {"type", "stem", "key", "score", "explanation"},
    "fill_in": {"type", "stem", "key", "score", "explanation"},
    "numeric": {"type", "stem", "key", "score", "explanation"},
    "matching": {"type", "stem", "choices", "targets", "key", "score", "explanation"},
    "ordering": {"type", "stem", "choices", "key", "score", "explanation"},
    "essay": {"type", "stem", "rubric", "score", "explanation"},
    "short_answer": {"stem", "rubric", "score", "explanation"},
    "calculation": {"stem", "rubric", "score", "explanation"},
    "testlet": {"type", "stem", "score", "explanation"},
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CARRIED_BY_QTI_ALONE)
def test_the_constructs_of_qti_alone_carry_the_item(name: str, version: str) -> None:
    xml = without_ours(item_files(write_items([example(name)], version)[0])["items/item-00001.xml"])
    report = read_items(xml, "a.xml")
    got, wanted = item_to_json(report.items[0].item), item_to_json(example(name))
    assert {field: got.get(field) for field in CARRIED_BY_QTI_ALONE[name]} == {
        field: wanted.get(field) for field in CARRIED_BY_QTI_ALONE[name]
    }


def test_every_type_that_is_written_says_what_qti_alone_carries_of_it() -> None:
    assert set(WRITTEN) == CARRIED_BY_QTI_ALONE.keys() | {"hotspot"}


def test_children_of_a_testlet_survive_in_the_constructs_of_qti_alone() -> None:
    xml = without_ours(item_files(write_items([example("testlet")], "qti22")[0])["items/item-00001.xml"])
    children = read_items(xml, "a.xml").items[0].item.content.items
    wanted = example("testlet").content.items
    assert [(one.stem, one.key, one.score) for one in children] == [(one.stem, one.key, one.score) for one in wanted]


def test_an_edit_of_the_stem_in_the_xml_wins_and_the_rest_stays() -> None:
    written = example("single_choice")
    xml = item_files(write_items([written], "qti21")[0])["items/item-00001.xml"].decode()
    edited = xml.replace("数字万用表", "指针万用表")
    item = read_items(edited, "a.xml") if isinstance(edited, bytes) else read_items(edited.encode(), "a.xml")
    got = item.items[0].item
    assert "指针万用表" in got.content.stem
    assert (got.points, got.difficulty, got.content.key) == (written.points, written.difficulty, written.content.key)


def test_an_edit_of_the_key_in_the_xml_wins_and_how_texts_are_compared_stays() -> None:
    written = example("fill_in")
    xml = item_files(write_items([written], "qti21")[0])["items/item-00001.xml"].decode()
    edited = xml.replace('mapKey="220"', 'mapKey="230"').replace("<value>220</value>", "<value>230</value>")
    got = read_items(edited.encode(), "a.xml").items[0].item.content
    assert got.key[1] == ["230"]
    assert got.scoring == written.content.scoring


def test_a_carried_key_that_was_edited_takes_what_hangs_together_with_it_along() -> None:
    xml = item_files(write_items([example("short_answer")], "qti21")[0])["items/item-00001.xml"].decode()
    right = "<correctResponse><value>断电</value></correctResponse></responseDeclaration>"
    assert 'baseType="string"/>' in xml
    got = read_items(xml.replace('baseType="string"/>', f'baseType="string">{right}').encode(), "a.xml").items[0].item
    assert (got.content.type, got.content.key) == ("short_answer", ["断电"])
    assert got.points == example("short_answer").points


@pytest.mark.parametrize(
    "text", ["{}", "[]", "nonsense", '{"stem":{"was":1}}', '{"key":{"was":"x","is":"Z"}}', "[" * 5000]
)
def test_a_damaged_extension_changes_nothing(text: str) -> None:
    xml = item_files(write_items([example("true_false")], "qti21")[0])["items/item-00001.xml"]
    broken = re.sub(rb"<\?kaoku-item .*?\?>", f"<?kaoku-item {text}?>".encode(), xml)
    item = read_items(broken, "a.xml").items[0].item
    assert (item.content.stem, item.content.key) == (example("true_false").content.stem, False)
