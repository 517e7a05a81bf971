"""Items that were damaged in any way cost themselves, never the file they stand in and never an exception."""

from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from qbank.interchange.convert import read_items, write_items
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.qti.package import read_qti
from tests.qbank.interchange.interchange_items import example
from tests.qbank.interchange.qti.qti_files import equal, old_file, old_item, package, when
from tests.qbank.interchange.qti.test_qti_12 import STEM, fib, lid
from tests.qbank.interchange.qti.test_qti_interactions import MATCHING, composite
from tests.qbank.interchange.qti.test_qti_packages import GOOD
from tests.qbank.interchange.qti.test_qti_round_trips import item_files, without_ours

NAMES = ("single_choice", "multiple_choice", "fill_in", "numeric", "matching", "ordering", "essay", "testlet")
FILES = [without_ours(item_files(write_items([example(name)], "qti30")[0])["items/item-00001.xml"]) for name in NAMES]
FILES += [composite().encode(), MATCHING.encode()]
FILES += [
    old_file(old_item(STEM + lid("铁", "铜", cardinality=one), when(equal("101")))).encode()
    for one in ("Single", "Multiple")
]
FILES += [old_file(old_item(STEM + fib(kind=one), when(equal("3.5")))).encode() for one in ("String", "Decimal")]
VALUES = [
    "",
    "x",
    "-1",
    "0",
    "9" * 30,
    "1e999",
    "NaN",
    "A B",
    "B B",
    "multiple",
    "ordered",
    "point",
    "RESPONSE",
    "1,2",
    "٣",
    "../../x",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    root = etree.fromstring(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 4))):
        element = draw(st.sampled_from([one for one in root.iter(etree.Element) if one is not root] or [root]))
        kind = draw(st.sampled_from(["attribute", "drop attribute", "drop", "double", "text"]))
        name = draw(st.sampled_from(sorted(map(str, element.attrib)))) if element.attrib else ""
        if kind == "attribute" and name:
            element.set(name, draw(st.sampled_from(VALUES)))
        elif kind == "drop attribute" and name:
            del element.attrib[name]
        elif kind == "drop" and element.getparent() is not None:
            element.getparent().remove(element)
        elif kind == "double" and element.getparent() is not None:
            element.getparent().insert(0, copy.deepcopy(element))
        else:
            element.text = draw(st.sampled_from(VALUES))
    return etree.tostring(root)


@given(damaged())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_item_is_read_or_named_and_nothing_else_happens(data: bytes) -> None:
    try:
        found = read_qti(data)
    except UnreadableFileError:
        return
    assert "damaged_item" not in [one.code for one in found.skipped]
    report = read_items(data, "a.xml")
    assert report.error is None
    assert report.found == len(found.records) + len(found.skipped)


@given(damaged())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_other_items_of_a_package_are_read_all_the_same(data: bytes) -> None:
    report = read_items(package({"items/a.xml": GOOD, "items/b.xml": data}), "a.zip")
    assert report.error is None
    assert "选哪一项？" in [one.item.content.stem for one in report.items]
