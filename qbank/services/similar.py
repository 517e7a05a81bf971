"""The items of the bank that are like one item, or like those of a file."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from item_templates.contract import ItemContent
from kernel.identity.actor import Actor
from qbank.models.items import Item
from qbank.repository import item_search, pairs
from qbank.repository.items import visible_among
from qbank.rules.items import search_text
from qbank.rules.search import fingerprint
from qbank.rules.similarity import LEAST_SIMILARITY, comparable, differs_in_numbers_alone, near_pairs, ratio
from qbank.services import similar_index

MOST_CANDIDATES = 400


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """An item of the bank that is like another; `is_exact` when only signs, blanks or the order of options differ."""

    item: Item
    similarity: int
    is_exact: bool = False
    differs_in_numbers: bool = False


def similar_items(
    session: Session, actor: Actor, content: ItemContent, *, item_id: uuid.UUID | None = None, limit: int = 5
) -> list[SimilarItem]:
    """Return the visible items most like a content; `item_id` is its own item, which is left out.

    Those that somebody found different are left out.
    """
    text = search_text(content)
    wanted, own_print = comparable(text), fingerprint(content)
    if len(wanted) < 4:
        return []
    found = similar_index.find_candidates(session, actor.organisation, wanted)[:MOST_CANDIDATES]
    exact = item_search.find_by_fingerprints(session, actor.organisation, [own_print]).get(own_print, [])
    same = {key for key, _code in exact}
    skipped = pairs.different_from(session, item_id) | {item_id} if item_id else set()
    query = select(Item).where(*visible_among(actor, [*found, *same]))
    rated = [
        SimilarItem(
            item,
            100 if item.item_id in same else ratio(wanted, comparable(item.search_text)),
            item.item_id in same,
            differs_in_numbers_alone(wanted, comparable(item.search_text)),
        )
        for item in session.scalars(query)
        if item.item_id not in skipped
    ]
    near = [one for one in rated if one.similarity >= LEAST_SIMILARITY]
    return sorted(near, key=lambda one: (-one.similarity, one.item.code))[:limit]


@dataclass(frozen=True, slots=True)
class FileMatch:
    """What an item of a file is like: a code of the bank, or the place of another item of the file."""

    place: int
    similarity: int
    is_exact: bool
    code: str = ""
    other_place: int | None = None


def similar_in_file(
    session: Session, actor: Actor, contents: Sequence[ItemContent], *, standard_level_id: uuid.UUID
) -> dict[int, FileMatch]:
    """Return, by place, what each item of a file is most like: an item of the level, or one earlier in the file.

    The contents are those of the file in its order; items that are like nothing are left out.
    """
    rows = pairs.texts_of_level(session, standard_level_id, actor=actor)
    prints = [fingerprint(content) for content in contents]
    texts = [comparable(search_text(content)) for content in contents]
    codes = {row.fingerprint: row.code for row in reversed(rows) if row.fingerprint}
    best = dict(_exact(prints, codes))
    known = [comparable(row.search_text) for row in rows]
    for pair in near_pairs([*texts, *known], n_new=len(texts)):
        place = max(pair.first, pair.second) if pair.second < len(texts) else pair.first
        best.setdefault(place, _near_match(pair.first, pair.second, pair.similarity, rows, len(texts)))
    return best


def _exact(prints: Sequence[str], codes: dict[str, str]) -> list[tuple[int, FileMatch]]:
    seen: dict[str, int] = {}
    found = []
    for place, own in enumerate(prints):
        if own in codes:
            found.append((place, FileMatch(place, 100, is_exact=True, code=codes[own])))
        elif own in seen:
            found.append((place, FileMatch(place, 100, is_exact=True, other_place=seen[own])))
        seen.setdefault(own, place)
    return found


def _near_match(first: int, second: int, similarity: int, rows: Sequence[pairs.TextRow], n_new: int) -> FileMatch:
    if second < n_new:
        return FileMatch(second, similarity, is_exact=False, other_place=first)
    return FileMatch(first, similarity, is_exact=False, code=rows[second - n_new].code)
