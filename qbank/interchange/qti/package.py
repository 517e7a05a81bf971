"""Reading QTI files: an item or a test that stands alone, or a package with its manifest."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lxml.etree import _Element

from kernel.i18n import N_
from qbank.interchange.guard import UnreadableFileError, check_package, check_size
from qbank.interchange.model import Notice, ReadResult
from qbank.interchange.qti.assessment import read_assessment
from qbank.interchange.qti.item import ReadItem, nothing_there, read_item
from qbank.interchange.qti.lom import Described, described, with_description
from qbank.interchange.qti.notes import local_path
from qbank.interchange.qti.recognise import MANIFEST, OLD, format_of_package, format_of_xml
from qbank.interchange.qti.tree import parse, text_of, xml_text

ZIP_HEAD = b"PK"
ITEM = re.compile(r"imsqti_(?:apip)?item", re.IGNORECASE)
TEST = re.compile(r"imsqti_(?:apip)?(?:test|section)", re.IGNORECASE)


def read_qti(data: bytes) -> ReadResult:
    """Return the records of a QTI file of any version; raises UnreadableFileError for what is none."""
    check_size(data)
    return _read_package(data) if data.startswith(ZIP_HEAD) else _read_file(data)


@dataclass(slots=True)
class Package:
    """The files of a package and what its manifest says of them."""

    files: Mapping[str, bytes]
    root: str = ""
    items: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    words: dict[str, Described] = field(default_factory=dict)

    def resolve(self, path: str) -> bytes | None:
        """Return a file by its path."""
        return self.files.get(path)


def _read_package(data: bytes) -> ReadResult:
    check_package(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [one for one in archive.infolist() if not one.is_dir()]
        files = {one.filename: archive.read(one) for one in entries}
    result = ReadResult(format=format_of_package(data))
    package = _open(files, result)
    for path in _in_order(package, result):
        _read_one(package, path, result)
    for path in package.old:
        _read_old(package, path, result)
    if not (result.records or result.skipped):
        raise UnreadableFileError("no_items", N_("QTI 包里没有找到试题"))
    return result


def _open(files: Mapping[str, bytes], result: ReadResult) -> Package:
    path = next((name for name in files if name == MANIFEST), "")
    path = path or next((name for name in files if name.rpartition("/")[2] == MANIFEST), "")
    package = Package(files, posixpath.dirname(path))
    if path:
        _read_manifest(package, parse(files[path]), result)
    if not (package.items or package.old):
        _find_items(package)
    return package


def _read_manifest(package: Package, manifest: _Element, result: ReadResult) -> None:
    for resource in manifest.iter("resource"):
        kind = resource.get("type", "")
        path = local_path(_address(resource), package.root)
        target = _shelf(package, kind)
        if target is None:
            continue
        if path not in package.files:
            message = N_("清单里的文件 %(name)s 不在包内，或路径不安全")
            code = "unsafe_path" if not path else "missing_file"
            notice = Notice(_address(resource)[:80], code, message % {"name": _address(resource)[:80]})
            (result.losses if target is package.tests else result.skipped).append(notice)
            continue
        target.append(path)
        package.words[path] = described(resource)


def _address(resource: _Element) -> str:
    inner = resource.find("file")
    return resource.get("href", "") or (inner.get("href", "") if inner is not None else "")


def _shelf(package: Package, kind: str) -> list[str] | None:
    if OLD.match(kind):
        return package.old
    if ITEM.match(kind):
        return package.items
    return package.tests if TEST.match(kind) else None


def _find_items(package: Package) -> None:
    """Take every item file of a package whose manifest names none."""
    for path, data in package.files.items():
        if not path.casefold().endswith(".xml") or path.rpartition("/")[2] == MANIFEST:
            continue
        head = data[:20_000].decode("utf-8", "replace")
        found = format_of_xml(head)
        if found == "qti12":
            package.old.append(path)
        elif found:
            is_item = re.search(r"<(?:[\w.-]+:)?(?:qti-assessment-item|assessmentItem)\b", head)
            (package.items if is_item else package.tests).append(path)


def _in_order(package: Package, result: ReadResult) -> list[str]:
    """Return the item files: in the order of the tests where there are any, the rest as the manifest has them."""
    found: list[str] = []
    for path in package.tests:
        root = _parsed(package.files[path], path, result)
        if root is None:
            continue
        folder = posixpath.dirname(path)
        found += [local_path(one.get("href", ""), folder) for one in root.iter("assessmentItemRef")]
        _lose_test(root, path, result)
    listed = dict.fromkeys([*(one for one in found if one in package.files), *package.items])
    return list(listed)


def _lose_test(root: _Element, path: str, result: ReadResult) -> None:
    """Name what a test says beyond its items."""
    message = N_("试卷结构（分卷、分节、时限、抽题规则）未导入，只导入其中的试题")
    result.losses.append(Notice(path, "qti_test_structure", message))
    if next(root.iter("weight"), None) is not None:
        result.losses.append(Notice(path, "qti_weight", N_("试卷中的分数权重（weight）未导入，请核对分值")))


def _parsed(data: bytes, path: str, result: ReadResult) -> _Element | None:
    """Return the root of one file of a package; a damaged one is a line of the report, a hostile one ends the reading."""
    try:
        return parse(data)
    except UnreadableFileError as error:
        if error.code != "damaged_file":
            raise
        result.skipped.append(Notice(path, error.code, error.message))
        return None


def _read_one(package: Package, path: str, result: ReadResult) -> None:
    root = _parsed(package.files[path], path, result)
    if root is None:
        return
    if root.tag == "questestinterop":
        package.old.append(path)
        return
    item = next(root.iter("assessmentItem"), None)
    if item is None:
        result.skipped.append(Notice(path, "qti_no_item", N_("文件里没有试题（assessmentItem）"), text_of(root)[:80]))
        return
    read = read_item(item, path, resolve=package.resolve, folder=posixpath.dirname(path))
    _add(result, [with_description(read, package.words.get(path))])


def _read_old(package: Package, path: str, result: ReadResult) -> None:
    root = _parsed(package.files[path], path, result)
    if root is not None:
        _add(result, read_assessment(root, path, resolve=package.resolve, folder=posixpath.dirname(path)))


def _read_file(data: bytes) -> ReadResult:
    found = format_of_xml(xml_text(data))
    if not found:
        raise UnreadableFileError("unsupported_format", N_("这个 XML 文件不是 QTI 试题"))
    root = parse(data)
    result = ReadResult(format=found)
    if found == "qti12":
        _add(result, read_assessment(root, "", resolve=nothing_there, folder=""))
    else:
        items = list(_items(root))
        _add(result, (read_item(one, f"item {number}", resolve=nothing_there) for number, one in enumerate(items, 1)))
        _lose_references(root, result)
    if not (result.records or result.skipped):
        raise UnreadableFileError("no_items", N_("QTI 文件里没有试题；试卷请连同试题打包成 zip 再导入"))
    return result


def _items(root: _Element) -> Iterable[_Element]:
    return root.iter("assessmentItem")


def _lose_references(root: _Element, result: ReadResult) -> None:
    message = N_("试题文件 %(name)s 不在手边，请连同试卷打包成 zip 再导入")
    for one in root.iter("assessmentItemRef"):
        name = one.get("href", "")[:80]
        result.skipped.append(Notice(name, "missing_file", message % {"name": name}))


def _add(result: ReadResult, items: Iterable[ReadItem]) -> None:
    for one in items:
        if one.record is not None:
            result.records.append(one.record)
        if one.skipped is not None:
            result.skipped.append(one.skipped)
        result.losses += one.losses
        result.warnings += one.warnings
