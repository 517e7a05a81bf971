"""What Moodle's formats have no field for and carry as tags: 难度:3, 鉴定点:A-A-001, 来源:…, 题型:…, 分值:2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from item_templates import registry
from item_templates.contract import CanonicalItem, ItemType, Json
from item_templates.rounding import decimal_text
from qbank.interchange.describing import read_score

MAX_TAG_CHARS = 50
POINT, DIFFICULTY, SOURCE, TYPE, SCORE = "鉴定点", "难度", "来源", "题型", "分值"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f<>`]|\s{2,}|^\s|\s$")


@dataclass(slots=True)
class Described:
    """What the tags of one question say."""

    points: list[str] = field(default_factory=list)
    difficulty: int | None = None
    source: str = ""
    item_type: ItemType | None = None
    score: Decimal | None = None
    tags: list[str] = field(default_factory=list)


def write_tags(item: CanonicalItem, *, default_type: str, with_score: bool = False) -> list[str]:
    """Return the tags of an item; what does not fit into a tag of Moodle is left out."""
    wanted = [f"{POINT}:{code}" for code in item.points]
    if item.difficulty:
        wanted.append(f"{DIFFICULTY}:{item.difficulty}")
    if item.source:
        wanted.append(f"{SOURCE}:{item.source}")
    if item.content.type != default_type:
        wanted.append(f"{TYPE}:{registry.get(item.content.type).label}")
    if with_score and item.content.score != 1:
        wanted.append(f"{SCORE}:{decimal_text(item.content.score)}")
    own = item.metadata.get("tags")
    wanted += [one for one in own if isinstance(one, str)] if isinstance(own, list) else []
    return [tag for tag in wanted if len(tag) <= MAX_TAG_CHARS and not _UNSAFE.search(tag)]


def read_tags(tags: Iterable[str]) -> Described:
    """Return what tags say; a tag without a known name stays a tag."""
    found = Described()
    for tag in tags:
        name, _, value = tag.partition(":")
        if not (value and _take(found, name, value)):
            found.tags.append(tag)
    return found


def _take(found: Described, name: str, value: str) -> bool:
    if name == POINT:
        found.points.append(value)
    elif name == DIFFICULTY and value in {"1", "2", "3", "4", "5"}:
        found.difficulty = int(value)
    elif name == SOURCE:
        found.source = value
    elif name == TYPE and registry.find_by_alias(value):
        found.item_type = registry.find_by_alias(value)
    elif name == SCORE and read_score(value):
        found.score = read_score(value)
    else:
        return False
    return True


def metadata_with_tags(metadata: Mapping[str, Json], tags: Sequence[str]) -> dict[str, Json]:
    """Return metadata with the tags that mean nothing to us, if there are any."""
    return {**metadata, **({"tags": list(tags)} if tags else {})}
