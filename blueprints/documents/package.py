"""A form as data: a QTI test with its items, a workbook, or JSON; who took it and when is written into each."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml.etree import _Element

from blueprints.documents.layout import FormSheet, key_text
from blueprints.rules.packages import score_text
from item_templates import registry
from item_templates.contract import CanonicalItem
from item_templates.formulas.pieces import readable
from item_templates.markup import plain_text
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.spreadsheets import Cell, TableSheet, write_table
from qbank.interchange.convert import write_items
from qbank.interchange.qti.build import element, serialise
from qbank.interchange.qti.names import VERSIONS, Version

FORMAT = "kaoku-form/1"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MANIFEST, TEST = "imsmanifest.xml", "test.xml"
EPOCH = (2020, 1, 1, 0, 0, 0)
COLUMNS = ("题号", "部分", "试题编号", "题型", "鉴定点", "难度", "分值", "题干", "选项", "答案", "解析")
Made = tuple[bytes, str, str]


@dataclass(frozen=True, slots=True)
class FormItem:
    """An item in its place: the part of the form, its first and last number, and the item with the form's marks."""

    section: int
    section_title: str
    first: int
    last: int
    item: CanonicalItem

    @property
    def numbers(self) -> str:
        """The numbers that candidates see."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def package_file(sheet: FormSheet, items: Sequence[FormItem], media: Mapping[str, bytes], file_format: str) -> Made:
    """Return a form in a format as bytes, media type and end of the file's name."""
    if file_format == "xlsx":
        return _workbook(sheet, items), XLSX, ".xlsx"
    if file_format == "json":
        return _json(sheet, items, media), "application/json", ".json"
    return qti_test(sheet, items, media, file_format), "application/zip", f"-{file_format}.zip"


def qti_test(sheet: FormSheet, items: Sequence[FormItem], media: Mapping[str, bytes], file_format: str) -> bytes:
    """Return a QTI package: the items, a test that puts them in order, and both in the manifest.

    Raises
    ------
    InvalidInputError
        If the format cannot carry one of the items; a test with a hole would be another test.
    """
    version = VERSIONS[file_format]
    data, losses = write_items([one.item for one in items], file_format, media)
    files = _unpacked(data)
    names = [f"items/item-{number:05}.xml" for number in range(1, len(items) + 1)]
    missing = [one.numbers for one, name in zip(items, names, strict=True) if name not in files]
    if missing:
        reasons = "；".join(dict.fromkeys(notice.message for notice in losses))
        raise InvalidInputError(
            N_("第 %(numbers)s 题不能写成 QTI：%(reasons)s"), numbers="、".join(missing), reasons=reasons
        )
    files[TEST] = serialise(_test(sheet, list(zip(items, names, strict=True))), version)
    files[MANIFEST] = _with_test(files[MANIFEST], version, sheet, len(items))
    return _packed(files)


def _test(sheet: FormSheet, placed: Sequence[tuple[FormItem, str]]) -> _Element:
    parts = []
    for number in dict.fromkeys(one.section for one, _name in placed):
        here = [(one, name) for one, name in placed if one.section == number]
        title = here[0][0].section_title
        references = [
            element("assessmentItemRef", {"identifier": _identifier(name), "href": name}) for _one, name in here
        ]
        attributes = {"identifier": f"section-{number + 1}", "title": title, "visible": "true"}
        parts.append(element("assessmentSection", attributes, references))
    part = element(
        "testPart", {"identifier": "part-1", "navigationMode": "nonlinear", "submissionMode": "simultaneous"}, parts
    )
    seconds = str(sheet.duration_minutes * 60)
    attributes = {"identifier": "kaoku-form", "title": sheet.title, "toolName": "Kaoku"}
    return element("assessmentTest", attributes, [element("timeLimits", {"maxTime": seconds}), part])


def _identifier(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".xml")


def _with_test(manifest: bytes, version: Version, sheet: FormSheet, n_items: int) -> bytes:
    """Put the test before the items, and a note of who took the package."""
    root = etree.fromstring(manifest, etree.XMLParser(resolve_entities=False, no_network=True))
    namespace = etree.QName(root).namespace
    root.insert(0, etree.Comment(_comment(sheet)))
    resources = root.find(f"{{{namespace}}}resources")
    if resources is None:
        raise ValueError("a package without resources")
    kind = version.resource.replace("_item_", "_test_")
    test = etree.Element(f"{{{namespace}}}resource", identifier="test", type=kind, href=TEST)
    etree.SubElement(test, f"{{{namespace}}}file", href=TEST)
    for number in range(1, n_items + 1):
        etree.SubElement(test, f"{{{namespace}}}dependency", identifierref=f"item-{number:05}")
    resources.insert(0, test)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _comment(sheet: FormSheet) -> str:
    text = " ".join(filter(None, [sheet.watermark, sheet.trace]))
    return f" {text} ".replace("--", "- -")


def _unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files, key=lambda name: (name != MANIFEST, name)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _json(sheet: FormSheet, items: Sequence[FormItem], media: Mapping[str, bytes]) -> bytes:
    data, _losses = write_items([one.item for one in items], "json", media)
    sections = [
        {
            "title": next(one.section_title for one in items if one.section == number),
            "items": [one.item.id for one in items if one.section == number],
        }
        for number in dict.fromkeys(one.section for one in items)
    ]
    document: dict[str, Any] = {
        "format": FORMAT, "title": sheet.title, "organisation": sheet.organisation, "occupation": sheet.occupation,
        "occupation_code": sheet.occupation_code, "level": sheet.level, "edition": sheet.edition,
        "duration_minutes": sheet.duration_minutes, "total_score": sheet.total_score,
        "watermark": sheet.watermark, "trace": sheet.trace, "sections": sections,
    }  # fmt: skip
    return json.dumps(document | json.loads(data), ensure_ascii=False, indent=1).encode() + b"\n"


def _workbook(sheet: FormSheet, items: Sequence[FormItem]) -> bytes:
    facts: list[list[Cell]] = [
        ["试卷", sheet.title], ["机构", sheet.organisation], ["职业", f"{sheet.occupation} {sheet.occupation_code}"],
        ["等级", sheet.level], ["标准版本", sheet.edition], ["考试时间（分钟）", sheet.duration_minutes],
        ["总分", sheet.total_score], ["导出", sheet.trace], ["标记", sheet.watermark],
    ]  # fmt: skip
    title = " ".join(filter(None, [sheet.title, sheet.watermark]))
    rows = [_row(one) for one in items]
    return write_table(
        [TableSheet("试卷信息", ["项目", "内容"], facts), TableSheet("试题", COLUMNS, rows, title=title)]
    )


def _row(one: FormItem) -> list[Cell]:
    item, content = one.item, one.item.content
    children = "\n".join(f"（{n}）{_plain(child.stem)}\n{_options(child)}" for n, child in enumerate(content.items, 1))
    keys = "；".join(key_text(child) for child in content.items) or key_text(content)
    return [
        one.numbers, one.section_title, item.id, registry.get(content.type).label, "；".join(item.points),
        item.difficulty, score_text(content.score), "\n".join(filter(None, [_plain(content.stem), children])),
        _options(content), keys, _plain(content.explanation),
    ]  # fmt: skip


def _options(content: Any) -> str:
    return "\n".join(f"{part.id}. {_plain(part.content)}" for part in (*content.choices, *content.targets))


def _plain(html: str) -> str:
    return readable(plain_text(html))
