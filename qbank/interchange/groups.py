"""Items that share a text: files hold the text and its items one after the other, a testlet holds them inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from item_templates import registry
from item_templates.contract import CanonicalItem, Interaction
from kernel.i18n import N_
from qbank.interchange.hints import type_of_hint
from qbank.interchange.model import ConvertedItem, Notice, RawRecord
from qbank.interchange.reading import SkippedRecord

Converted = tuple[ConvertedItem, list[Notice]]


@dataclass(slots=True)
class Group:
    """A record of its own, or one whose text others share: those follow as `parts`."""

    record: RawRecord
    parts: list[RawRecord] = field(default_factory=list)


def gather(records: Sequence[RawRecord]) -> tuple[list[Group], list[RawRecord]]:
    """Return the records with the parts of each, and parts that name a text which is not there.

    A name means the text above that bears it, and only where there is none the first one below.
    """
    groups = [Group(record) for record in records if not record.group or is_shared(record)]
    own = {id(group.record): group for group in groups}
    by_name = {name: group for group in reversed(groups) if is_shared(group.record) for name in names_of(group.record)}
    orphans = []
    for record in records:
        if is_shared(record):
            by_name |= dict.fromkeys(names_of(record), own[id(record)])
        elif record.group in by_name:
            by_name[record.group].parts.append(record)
        elif record.group:
            orphans.append(record)
    return groups, orphans


def is_shared(record: RawRecord) -> bool:
    """Say whether a record is the text of a testlet."""
    found = registry.get(record.item.content.type) if record.item else type_of_hint(record.type_hint)
    return found is not None and found.interaction is Interaction.COMPOSITE


def names_of(record: RawRecord) -> list[str]:
    """Return the names by which parts may speak of a text: its id, or the place where it stands."""
    name = record.item.id if record.item else record.identifier
    return [name.strip() or place_name(record.locator), place_name(record.locator)]


def place_name(locator: str) -> str:
    """Return the name of a text that has no id."""
    return f"@{locator}"


def parts_of(item: CanonicalItem) -> list[tuple[CanonicalItem, str]]:
    """Return what a file writes for an item, one entry after the other: the text of a testlet, then its children.

    Each comes with the id of the testlet that it is a part of, empty for what stands by itself.
    """
    if not item.content.items:
        return [(item, "")]
    own = (replace(item, content=replace(item.content, items=())), "")
    children = enumerate(item.content.items, 1)
    return [own, *((CanonicalItem(f"{item.id}.{number}", child), item.id) for number, child in children)]


def put_together(group: Group, whole: Converted, convert: Callable[[RawRecord], Converted]) -> Converted:
    """Return the testlet of a text and its parts; raises SkippedRecord when one of the parts is no item."""
    found, notices = whole
    media = dict(found.media)
    listed = list(found.item.content.media)
    children = []
    for number, record in enumerate(group.parts, 1):
        try:
            part, more = convert(record)
        except SkippedRecord as skip:
            message = N_("第 %(n)s 小题：%(reason)s") % {"n": number, "reason": skip.message}
            raise SkippedRecord(skip.code, message) from skip
        children.append(replace(part.item.content, media=()))
        listed += [one for one in part.item.content.media if one not in listed]
        media |= part.media
        notices += more
    score = sum((child.score for child in children), Decimal(0))
    content = replace(found.item.content, items=tuple(children), score=score, media=tuple(listed))
    return replace(found, item=replace(found.item, content=content), media=media), notices
