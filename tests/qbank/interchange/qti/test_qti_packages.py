"""Packages: what the manifest and the tests in them say, what is missing, and what is hostile."""

from __future__ import annotations

import base64
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from qbank.interchange.command import convert
from qbank.interchange.convert import media_by_digest, read_items
from qbank.interchange.guard import Limits, UnreadableFileError, check_package
from qbank.interchange.model import ConversionReport
from tests.qbank.interchange.interchange_items import choice_json, picture
from tests.qbank.interchange.qti.qti_files import (
    MATCH,
    as_version,
    choices,
    item,
    manifest_of,
    old_file,
    package,
    read,
    response,
)

GOOD = item(response("single", "identifier", "B"), choices("A", "B"))


def named(name: str, text: str = GOOD) -> str:
    return text.replace('identifier="q1"', f'identifier="{name}"').replace("选哪一项", f"题目{name}")


def ids(report: ConversionReport) -> list[str]:
    return [one.item.id for one in report.items]


@pytest.mark.parametrize("version", ["qti21", "qti22", "qti30"])
def test_a_package_is_recognised_by_its_content_and_read_in_the_order_of_its_manifest(version: str) -> None:
    files = {f"items/{name}.xml": as_version(named(name), version) for name in ("z", "a", "m")}
    report = read(
        package(files, version=version.replace("qti", "").replace("2", "2p", 1).replace("30", "3p0")), "x.bin"
    )
    assert (report.format, ids(report), report.losses) == (version, ["z", "a", "m"], [])
    assert [one.locator for one in report.items] == ["items/z.xml", "items/a.xml", "items/m.xml"]


def test_a_test_gives_the_order_of_its_items_and_its_structure_is_named() -> None:
    test = (
        '<assessmentTest xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="t" title="t"><testPart identifier="p">'
        '<assessmentSection identifier="s" title="s"><assessmentItemRef identifier="b" href="items/b.xml">'
        '<weight identifier="W" value="2"/></assessmentItemRef><assessmentItemRef identifier="a" href="items/a.xml"/>'
        "</assessmentSection></testPart></assessmentTest>"
    )
    resources = "".join(f'<resource identifier="{n}" type="imsqti_item_xmlv2p1" href="items/{n}.xml"/>' for n in "abc")
    resources += '<resource identifier="t" type="imsqti_test_xmlv2p1" href="t.xml"/>'
    files = {f"items/{n}.xml": named(n) for n in "abc"} | {"t.xml": test}
    report = read(package(files, manifest_of(resources)))
    assert ids(report) == ["b", "a", "c"]
    assert [(one.locator, one.code) for one in report.losses] == [
        ("t.xml", "qti_test_structure"),
        ("t.xml", "qti_weight"),
    ]


def test_a_test_that_stands_alone_names_the_items_it_lacks() -> None:
    test = (
        '<assessmentTest xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="t" title="t">'
        '<assessmentItemRef identifier="a" href="a.xml"/></assessmentTest>'
    )
    report = read(test)
    assert [(one.locator, one.code) for one in report.skipped] == [("a.xml", "missing_file")]


def test_pictures_come_along_from_beside_the_item_or_from_inside_it() -> None:
    data = picture()
    inside = f"data:image/png;base64,{base64.b64encode(picture('blue')).decode()}"
    body = f'<p>看图<img src="../media/图%201.png" alt="电路"/><img src="{inside}" alt="蓝"/></p>' + choices(
        "A", "B", prompt=""
    )
    report = read(package({"items/a.xml": item(response("single", "identifier", "A"), body), "media/图 1.png": data}))
    content = report.items[0].item.content
    assert [(one["mime"], one["alt"]) for one in content.media] == [("image/png", "电路"), ("image/png", "蓝")]
    assert content.stem == '看图<img src="media:1" alt="电路"><img src="media:picture" alt="蓝">'
    assert set(media_by_digest(report).values()) == {data, picture("blue")}


@pytest.mark.parametrize(
    "address",
    ["../../../etc/passwd", "/etc/passwd", "http://example.org/a.png", "file:///etc/passwd", "missing.png", "text.png"],
)
def test_a_picture_that_leads_out_or_is_none_is_a_loss(address: str) -> None:
    body = f'<p>看图<img src="{address}" alt="x"/></p>' + choices("A", "B", prompt="")
    files = {"items/a.xml": item(response("single", "identifier", "A"), body), "items/text.png": b"no picture"}
    report = read(package(files))
    assert [one.code for one in report.losses] == ["picture"]
    assert report.items[0].item.content.stem == "看图"


def test_shared_text_comes_from_its_own_file() -> None:
    stimulus = (
        '<assessmentStimulus xmlns="http://www.imsglobal.org/xsd/imsqti_v2p2" identifier="s" title="s"><stimulusBody>'
        "<p>共用材料。</p></stimulusBody></assessmentStimulus>"
    )
    reference = '<assessmentStimulusRef identifier="s" href="../{}.xml"/><itemBody>'
    good = named("a").replace("<itemBody>", reference.format("s"))
    lost = named("b").replace("<itemBody>", reference.format("missing"))
    report = read(package({"items/a.xml": good, "items/b.xml": lost, "s.xml": stimulus}))
    assert [one.item.content.stem for one in report.items] == ["<p>共用材料。</p><p>题目a？</p>", "题目b？"]
    assert [(one.locator, one.code) for one in report.losses] == [("items/b.xml", "qti_stimulus")]


def test_a_zip_without_manifest_gives_the_items_in_it() -> None:
    report = read(package({"one.xml": named("a"), "two/b.xml": named("b"), "note.xml": "<note/>"}, ""))
    assert (report.format, sorted(ids(report))) == ("qti21", ["a", "b"])


def test_a_damaged_item_is_one_line_of_the_report_and_the_rest_is_read() -> None:
    report = read(package({"items/a.xml": named("a"), "items/b.xml": "<assessmentItem", "items/c.xml": "<x/>"}))
    assert ids(report) == ["a"]
    assert [(one.locator, one.code) for one in report.skipped] == [
        ("items/b.xml", "damaged_file"),
        ("items/c.xml", "qti_no_item"),
    ]


def test_a_file_that_the_manifest_names_in_vain_is_listed() -> None:
    resources = "".join(
        f'<resource identifier="r{n}" type="imsqti_item_xmlv2p1" href="{href}"/>'
        for n, href in enumerate(["items/a.xml", "items/none.xml", "../../etc/passwd"])
    )
    report = read(package({"items/a.xml": named("a")}, manifest_of(resources)))
    assert [(one.locator, one.code) for one in report.skipped] == [
        ("items/none.xml", "missing_file"),
        ("../../etc/passwd", "unsafe_path"),
    ]


def test_difficulty_of_the_manifest_is_taken_over() -> None:
    lom = "<metadata><lom xmlns='http://ltsc.ieee.org/xsd/LOM'><educational><difficulty><value>difficult</value></difficulty></educational></lom></metadata>"
    resources = f'<resource identifier="r" type="imsqti_item_xmlv2p1" href="items/a.xml">{lom}</resource>'
    assert read(package({"items/a.xml": named("a")}, manifest_of(resources))).items[0].item.difficulty == 4


ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
HOSTILE_XML = {
    "an outside entity": ENTITY + GOOD.replace("选哪一项", "&e;"),
    "an entity bomb": BOMB + GOOD.replace("选哪一项", "&b;"),
    "a document type elsewhere": '<!DOCTYPE questestinterop SYSTEM "http://example.org/x.dtd">' + GOOD,
    "a public document type": '<!DOCTYPE x PUBLIC "-//X//EN" "http://example.org/x.dtd">' + GOOD,
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://example.org/x.dtd"> %p;]>' + GOOD,
    "an attribute list": '<!DOCTYPE x [<!ATTLIST x y CDATA "z">]>' + GOOD,
}


@pytest.mark.parametrize("name", HOSTILE_XML)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_declarations_are_refused_in_files_and_in_packages(name: str, encoding: str) -> None:
    data = HOSTILE_XML[name].encode(encoding)
    for whole in (data, package({"items/a.xml": data})):
        report = read_items(whole, "a")
        assert report.error is not None
        assert (report.error.code, report.found) == ("doctype_refused", 0)


def test_a_bare_document_type_is_read() -> None:
    assert ids(read(f"<!DOCTYPE assessmentItem>{GOOD}")) == ["q1"]
    assert ids(read(package({"items/a.xml": f"<?xml version='1.0'?><!DOCTYPE assessmentItem>{GOOD}"}))) == ["q1"]


def zipped(*entries: tuple[str, bytes], mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return buffer.getvalue()


MANIFEST = (
    "imsmanifest.xml",
    manifest_of('<resource identifier="r" type="imsqti_item_xmlv2p1" href="a.xml"/>').encode(),
)
ITEM = ("a.xml", GOOD.encode())
HOSTILE_ZIPS = {
    "a path that leads out": (zipped(MANIFEST, ITEM, ("../../x.xml", b"<x/>")), "unsafe_path"),
    "an absolute path": (zipped(MANIFEST, ITEM, ("/etc/x.xml", b"<x/>")), "unsafe_path"),
    "a backslash path": (zipped(MANIFEST, ITEM, ("a\\..\\..\\x.xml", b"<x/>")), "unsafe_path"),
    "a link": (zipped(MANIFEST, ITEM, mode=0o120777), "unsafe_path"),
    "two manifests": (zipped(MANIFEST, ("IMSMANIFEST.XML", b"<x/>"), ITEM), "duplicate_entries"),
    "an archive inside": (zipped(MANIFEST, ITEM, ("x.zip", b"PK")), "nested_archive"),
    "zeros that unpack for ever": (zipped(MANIFEST, ITEM, ("x.bin", b"\0" * 30_000_000)), "unpacks_too_large"),
    "a damaged manifest": (zipped(("imsmanifest.xml", b"<manifest imsqti"), ITEM), "damaged_file"),
    "no item at all": (zipped(("imsmanifest.xml", b"<manifest><x>imsqti</x></manifest>")), "no_items"),
    "a manifest that nests for ever": (
        zipped(("imsmanifest.xml", b"<imsqti>" + b"<a>" * 9000 + b"</a>" * 9000), ITEM),
        "damaged_file",
    ),
    "a cut file": (zipped(MANIFEST, ITEM)[:-40], "damaged_file"),
}


@pytest.mark.parametrize("name", HOSTILE_ZIPS)
def test_a_hostile_package_is_refused_with_its_reason(name: str) -> None:
    data, code = HOSTILE_ZIPS[name]
    tracemalloc.start()
    report = read_items(data, "a.zip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.error is not None
    assert (report.error.code, report.found) == (code, 0)
    assert peak < 60_000_000


def test_a_package_with_too_many_entries_is_refused_at_once() -> None:
    with pytest.raises(UnreadableFileError) as refusal:
        check_package(zipped(MANIFEST, *((f"f{n}", b"") for n in range(11))), Limits(entries=10))
    assert refusal.value.code == "too_many_entries"


def test_an_item_that_nests_for_ever_is_refused() -> None:
    deep = GOOD.replace("选项A", "<b>" * 150 + "x" + "</b>" * 150)
    report = read_items(deep.encode(), "a.xml")
    assert report.error is not None
    assert report.error.code == "nested_too_deep"


def test_rules_that_are_endless_are_not_carried_out() -> None:
    rule = '<setOutcomeValue identifier="SCORE"><baseValue baseType="float">1</baseValue></setOutcomeValue>'
    text = item(
        response("single", "identifier", "B"),
        choices("A", "B"),
        f"<responseProcessing>{rule * 3000}</responseProcessing>",
    )
    assert [one.code for one in read(text).losses] == ["qti_custom_scoring"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_encodings_are_understood(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{ {"utf-8-sig": "utf-8"}.get(encoding, encoding) }"?>{GOOD}'
    assert read(declared.encode(encoding)).items[0].item.content.stem == "选哪一项？"


def test_another_format_is_no_qti() -> None:
    for text in ("<html><body/></html>", "<?xml version='1.0'?><rss/>"):
        report = read_items(text.encode(), "a.xml")
        assert report.error is not None
        assert report.error.code == "unsupported_format"


def test_the_version_is_told_from_the_content() -> None:
    assert read(as_version(GOOD, "qti22")).format == "qti22"
    assert read(old_file("<item ident='1'/>")).format == "qti12"
    prefixed = GOOD.replace("<assessmentItem xmlns=", "<q:assessmentItem xmlns:q=").replace(
        "</assessmentItem>", "</q:assessmentItem>"
    )
    assert read_items(prefixed.encode(), "a").format == "qti21"


def run(*arguments: object) -> int:
    return CliRunner().invoke(convert, [str(one) for one in arguments]).exit_code


@pytest.mark.parametrize("version", ["qti21", "qti22", "qti30"])
def test_the_command_converts_there_and_back(tmp_path: Path, version: str) -> None:
    (tmp_path / "a.json").write_bytes(choice_json())
    assert run(tmp_path / "a.json", "--to", version, "--out", tmp_path / "p.zip") == 0
    assert run(tmp_path / "p.zip", "--to", "json", "--out", tmp_path / "b.json", "--report", tmp_path / "r.json") == 0
    assert (
        read_items((tmp_path / "b.json").read_bytes(), "b").items[0].item
        == read_items(choice_json(), "a").items[0].item
    )
    assert f'"format": "{version}"' in (tmp_path / "r.json").read_text("utf-8")


def test_one_item_is_written_as_an_item_file_where_xml_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(choice_json())
    assert run(tmp_path / "a.json", "--to", "qti30", "--out", tmp_path / "a.xml") == 0
    assert b"<qti-assessment-item " in (tmp_path / "a.xml").read_bytes()
    assert run(tmp_path / "a.xml", "--to", "json", "--out", tmp_path / "b.json") == 0
    assert (
        read_items((tmp_path / "b.json").read_bytes(), "b").items[0].item
        == read_items(choice_json(), "a").items[0].item
    )


def test_the_command_reports_what_it_could_not_take(tmp_path: Path) -> None:
    slider = item(
        response("single", "float", "1"), '<p>拖</p><sliderInteraction responseIdentifier="RESPONSE"/>', MATCH
    )
    (tmp_path / "a.zip").write_bytes(package({"items/a.xml": named("a"), "items/b.xml": slider}))
    assert run(tmp_path / "a.zip", "--to", "json", "--out", tmp_path / "b.json", "--report", tmp_path / "r.json") == 1
    assert '"code": "qti_slider_interaction"' in (tmp_path / "r.json").read_text("utf-8")
