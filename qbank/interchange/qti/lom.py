"""What a manifest says about an item: difficulty, keywords and source, in LOM."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lxml.etree import _Element

from item_templates.contract import CanonicalItem
from qbank.interchange.qti.item import ReadItem
from qbank.interchange.qti.tree import text_of

DIFFICULTIES = ("very easy", "easy", "medium", "difficult", "very difficult")


@dataclass(frozen=True, slots=True)
class Described:
    """Difficulty 1 to 5 or None."""

    difficulty: int | None = None


def described(resource: _Element) -> Described:
    """Return what the metadata of a resource say."""
    for difficulty in resource.iter("difficulty"):
        word = text_of(difficulty.find("value")) or text_of(difficulty)
        if word.casefold() in DIFFICULTIES:
            return Described(DIFFICULTIES.index(word.casefold()) + 1)
    return Described()


def with_description(read: ReadItem, words: Described | None) -> ReadItem:
    """Return a read item with what the manifest adds and the item file itself does not say."""
    item: CanonicalItem | None = read.record.item if read.record else None
    if read.record is None or item is None or words is None or item.difficulty is not None:
        return read
    record = replace(read.record, item=replace(item, difficulty=words.difficulty))
    return replace(read, record=record)
