"""One canonical item as an item file of any version, with what QTI has no place for carried beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal

from lxml.etree import _Element

from item_templates.contract import CanonicalItem, ItemContent
from item_templates.rounding import decimal_text
from kernel.i18n import N_
from qbank.interchange.model import Notice
from qbank.interchange.qti import residue
from qbank.interchange.qti import rules_out as rules
from qbank.interchange.qti.build import XML_LANG, element, leaf, serialise
from qbank.interchange.qti.desk import Desk, Part
from qbank.interchange.qti.flow import PART, STEM
from qbank.interchange.qti.found import encode_id
from qbank.interchange.qti.images import size_of
from qbank.interchange.qti.item import read_item
from qbank.interchange.qti.markup_out import Address, blocks, inline
from qbank.interchange.qti.names import Version
from qbank.interchange.qti.notes import Resolve, local_path
from qbank.interchange.qti.scoring import CUSTOM_SCORING
from qbank.interchange.qti.titles import title_of
from qbank.interchange.qti.tree import parse
from qbank.interchange.qti.write_parts import write_part

SCORE = "SCORE"
FEEDBACK, NEVER = "FEEDBACK", "NEVER"


@dataclass(frozen=True, slots=True)
class Written:
    """An item file, or None, and what it cannot say."""

    data: bytes | None
    losses: list[Notice]


def write_item(item: CanonicalItem, version: Version, *, address: Address, resolve: Resolve, folder: str) -> Written:
    """Return the file of an item; `address` names its pictures, `resolve` and `folder` find them again to check it."""
    locator = f"item {item.id}"
    parts = _parts(item.content, Pictures(address, _sizer(address, resolve, folder)))
    if parts is None:
        message = N_("这种题型没有对应的 QTI 交互，本题未写出")
        return Written(None, [Notice(locator, "item", message)])
    root = _assemble(item, parts, version, address)
    read = read_item(parse(serialise(deepcopy(root), version)), locator, resolve=resolve, folder=folder)
    if read.record is None or read.record.item is None:
        reason = read.skipped.message if read.skipped else ""
        return Written(
            None, [Notice(locator, "item", N_("本题写成 QTI 后不能读回，未写出：%(reason)s") % {"reason": reason})]
        )
    residue.attach(root, residue.difference(item, read.record.item))
    losses = []
    if any(one.code == CUSTOM_SCORING for one in read.losses):
        message = N_("QTI 不能完全表达本题的评分方式：其他系统会按最接近的规则评分，本系统读回时不变")
        losses.append(Notice(locator, "scoring", message))
    return Written(serialise(root, version), losses)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Addresses and sizes of an item's pictures, by media id."""

    address: Address
    size: Callable[[str], tuple[int, int] | None]


def _sizer(address: Address, resolve: Resolve, folder: str) -> Callable[[str], tuple[int, int] | None]:
    def size(name: str) -> tuple[int, int] | None:
        data = resolve(local_path(address(name), folder))
        return size_of(data) if data else None

    return size


def _parts(content: ItemContent, pictures: Pictures) -> list[Part] | None:
    """Return the parts of a content: one, or one for each child; None when one of them cannot be written."""
    if not content.items:
        one = write_part(content, Desk("RESPONSE", SCORE, pictures.address, pictures.size))
        return None if one is None else [one]
    desks = [
        Desk(f"RESPONSE_P{n}", f"{SCORE}_P{n}", pictures.address, pictures.size)
        for n in range(1, len(content.items) + 1)
    ]
    parts = [_child(child, desk) for child, desk in zip(content.items, desks, strict=True)]
    written = [part for part in parts if part is not None]
    return written if len(written) == len(parts) else None


def _child(content: ItemContent, desk: Desk) -> Part | None:
    """Return a child with rules of its own; templates speak of a whole item."""
    part = None if content.items else write_part(content, desk)
    if part is not None and part.template:
        part.rules = _child_rules(part, desk, content)
        part.template = ""
    return part


def _child_rules(part: Part, desk: Desk, content: ItemContent) -> list[_Element]:
    return rules.template_rules(part.template, desk.response, desk.outcome) if content.key is not None else []


def _assemble(item: CanonicalItem, parts: Sequence[Part], version: Version, address: Address) -> _Element:
    content = item.content
    attributes = {
        "identifier": encode_id(item.id),
        "title": title_of(content),
        XML_LANG: "zh-CN",
        "adaptive": "false",
        "timeDependent": "false",
        "toolName": "Kaoku",
    }
    root = element("assessmentItem", attributes, [one for part in parts for one in part.declarations])
    root.extend(_outcomes(content, parts))
    root.append(_body(content, parts, address))
    processing = _processing(content, parts, version)
    if processing is not None:
        root.append(processing)
    if content.explanation:
        shown = {"outcomeIdentifier": FEEDBACK, "identifier": NEVER, "showHide": "hide"}
        root.append(element("modalFeedback", shown, inline(content.explanation, address)))
    return root


def _outcomes(content: ItemContent, parts: Sequence[Part]) -> list[_Element]:
    found = [_float(SCORE, Decimal(0), content.score), _float("MAXSCORE", content.score)]
    if content.items:
        found += [_float(f"{SCORE}_P{n}", Decimal(0)) for n in range(1, len(parts) + 1)]
    if content.explanation:
        kind = {"identifier": FEEDBACK, "cardinality": "single", "baseType": "identifier"}
        found.append(element("outcomeDeclaration", kind))
    return found


def _float(name: str, default: Decimal, maximum: Decimal | None = None) -> _Element:
    attributes = {"identifier": name, "cardinality": "single", "baseType": "float"}
    if maximum is not None:
        attributes["normalMaximum"] = decimal_text(maximum)
    value = element("defaultValue", None, [leaf("value", decimal_text(default))])
    return element("outcomeDeclaration", attributes, [value])


def _body(content: ItemContent, parts: Sequence[Part], address: Address) -> _Element:
    if not content.items:
        return element("itemBody", None, parts[0].body)
    shared = element("div", {"class": STEM}, blocks(content.stem, address))
    return element("itemBody", None, [shared, *(element("div", {"class": PART}, part.body) for part in parts)])


def _processing(content: ItemContent, parts: Sequence[Part], version: Version) -> _Element | None:
    if not content.items:
        one = parts[0]
        if one.template:
            end = ".xml" if version.is_kebab else ""
            return element("responseProcessing", {"template": f"{version.templates}{one.template}{end}"})
        return element("responseProcessing", None, one.rules) if one.rules else None
    steps = [rule for part in parts for rule in part.rules]
    names = [f"{SCORE}_P{n}" for n in range(1, len(parts) + 1)]
    return element("responseProcessing", None, [*steps, rules.set_score(SCORE, rules.total(names))])
