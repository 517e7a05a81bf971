"""What QTI has no place for, carried beside it: a processing instruction ``kaoku-item`` inside our own item files.

It holds, for each field that the constructs of QTI alone would bring back differently, the digest of what they bring back
and the exact value. A field that somebody changed in the XML no longer has that digest: then the XML counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree
from lxml.etree import _Element

from item_templates.canonical import InvalidItemError, item_from_json, item_to_json
from item_templates.contract import CanonicalItem, Json
from kernel.canonical import digest
from qbank.interchange.qti.tree import PI_TARGET

LONGEST = 1_000_000
TOGETHER = ("type", "choices", "targets", "key", "scoring", "items", "parameters")
"""Fields that have a meaning only together: one of them changed in the XML, and none is restored."""


def difference(wanted: CanonicalItem, got: CanonicalItem) -> dict[str, Json]:
    """Return what has to be carried so that `got` becomes `wanted` again."""
    right, read = item_to_json(wanted), item_to_json(got)
    names = right.keys() | read.keys()
    return {
        name: {"was": _digest(read.get(name)), "is": right.get(name)}
        for name in sorted(names)
        if right.get(name) != read.get(name)
    }


def _digest(value: Json) -> str:
    return digest({"value": value})[:16]


def attach(root: _Element, fields: Mapping[str, Json]) -> None:
    """Put a difference into an item file."""
    if fields:
        text = json.dumps(fields, ensure_ascii=True, separators=(",", ":"), sort_keys=True).replace(">", "\\u003e")
        root.append(etree.ProcessingInstruction(PI_TARGET, text))


def restore(item: CanonicalItem, root: _Element) -> CanonicalItem:
    """Return the item with the fields that its file carries, as far as nobody changed them in the XML."""
    carried = _carried(root)
    if not carried:
        return item
    read = item_to_json(item)
    changed = {name for name, one in carried.items() if _digest(read.get(name)) != one["was"]}
    if changed & set(TOGETHER):
        changed |= set(TOGETHER)
    exact = {name: one["is"] for name, one in carried.items() if name not in changed}
    merged = {name: value for name, value in (read | exact).items() if value is not None or name == "key"}
    try:
        return item_from_json(merged)
    except (InvalidItemError, RecursionError):
        return item


def _carried(root: _Element) -> dict[str, dict[str, Any]]:
    instructions: Iterable[Any] = root.iterchildren(etree.PI)
    for one in instructions:
        if one.target == PI_TARGET and one.text and len(one.text) <= LONGEST:
            return _fields(one.text)
    return {}


def _fields(text: str) -> dict[str, dict[str, Any]]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    return {name: one for name, one in body.items() if isinstance(one, dict) and {"was", "is"} <= one.keys()}
