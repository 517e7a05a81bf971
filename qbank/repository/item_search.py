"""The text index of items: keeping it in step, and asking it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    column,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from item_templates.contract import ItemContent
from qbank.models.curation import ItemSearch
from qbank.models.items import Item
from qbank.repository.standards import like_pattern
from qbank.rules.search import fingerprint, pair_body, phrase_query, search_words, split_body, wanted_pairs

FEW_MATCHES = 1_000
"""Up to here SQLite looks up each match; beyond, it reads the list in its order and asks whether an item is among them."""
MANY_MATCHES = 20_000
"""From here on, the numbers of the matches are not even carried to the program."""
_FTS = table("item_search_fts", column("rowid"), column("body"))


def is_sqlite(session: Session) -> bool:
    """Say which of the two indexes there is."""
    return session.get_bind().dialect.name == "sqlite"


def insert_rows(session: Session, rows: Sequence[tuple[dict[str, Any], ItemContent]]) -> None:
    """Index new items; each row is the item's own row as it is inserted."""
    sqlite = is_sqlite(session)
    values = [
        {
            "item_id": row["item_id"],
            "organisation_id": row["organisation_id"],
            "fingerprint": fingerprint(content),
            "body": None if sqlite else pair_body(row["search_text"]),
        }
        for row, content in rows
    ]
    session.execute(insert(ItemSearch), values)
    if sqlite:
        _insert_texts(session, {row["item_id"]: row["search_text"] for row, _content in rows})


def _insert_texts(session: Session, texts: dict[uuid.UUID, str]) -> None:
    numbers: list[dict[str, Any]] = []
    for chunk in _portions(list(texts)):
        query = select(ItemSearch.item_search_id, ItemSearch.item_id).where(ItemSearch.item_id.in_(chunk))
        numbers += [{"rowid": row[0], "body": split_body(texts[row[1]])} for row in session.execute(query)]
    session.execute(insert(_FTS), numbers)


def _portions(values: Sequence[Any], size: int = 500) -> list[Sequence[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def reindex(session: Session, item: Item, content: ItemContent) -> None:
    """Bring the index of an item in step with its current version."""
    row = session.scalar(select(ItemSearch).where(ItemSearch.item_id == item.item_id))
    if row is None:
        values = {"item_id": item.item_id, "organisation_id": item.organisation_id, "search_text": item.search_text}
        insert_rows(session, [(values, content)])
        return
    row.fingerprint = fingerprint(content)
    if is_sqlite(session):
        changed = update(_FTS).where(_FTS.c.rowid == row.item_search_id).values(body=split_body(item.search_text))
        session.execute(changed)
    else:
        row.body = pair_body(item.search_text)


@dataclass(frozen=True, slots=True)
class Match:
    """The condition that an item matches, and the matches themselves when they are so few that they are looked up."""

    condition: ColumnElement[bool]
    listed: tuple[uuid.UUID, ...] | None = None

    @property
    def is_few(self) -> bool:
        """Whether the matches are listed one by one."""
        return self.listed is not None


def matches(session: Session, search: str, *, organisation_id: uuid.UUID) -> Match:
    """Return the condition that every word stands in the item's text, or the whole in its code."""
    words = search_words(search)
    code = _code_holds(session, search.strip())
    if not words:
        return Match(code)
    if is_sqlite(session):
        found = _matches_sqlite(session, phrase_query(words), organisation_id)
    else:
        found = Match(and_(*(_matches_postgresql(word) for word in words)))
    return _or_code(session, found, code, organisation_id) if looks_like_code(search) else found


def _code_holds(session: Session, search: str) -> ColumnElement[bool]:
    """Return the condition on an item's code; SQLite's LIKE does not tell capitals from small letters anyway."""
    pattern = like_pattern(search)
    if is_sqlite(session):
        return Item.code.like(pattern, escape="\\")
    return Item.code.ilike(pattern, escape="\\")


def _or_code(session: Session, found: Match, code: ColumnElement[bool], organisation_id: uuid.UUID) -> Match:
    """Return a match that a code satisfies too; a few are looked up together, once for the page and its count."""
    condition = or_(found.condition, code)
    query = select(Item.item_id).where(Item.organisation_id == organisation_id, Item.removed_at.is_(None), condition)
    named = session.scalars(query.limit(FEW_MATCHES + 1)).all()
    return Match(condition) if len(named) > FEW_MATCHES else _listed(named)


def _listed(item_ids: Sequence[uuid.UUID]) -> Match:
    return Match(Item.item_id.in_(item_ids), tuple(item_ids))


def looks_like_code(search: str) -> bool:
    """Say whether a search may mean an item's code: those hold digits and no Chinese.

    Examples
    --------
    >>> looks_like_code("6-31-01-03-4"), looks_like_code("PLC"), looks_like_code("变频器")
    (True, False, False)
    """
    return search.isascii() and any(sign.isdigit() for sign in search)


def _matches_sqlite(session: Session, phrase: str, organisation_id: uuid.UUID) -> Match:
    """Return the condition in the shape that is quickest for the number of matches."""
    rows = select(_FTS.c.rowid).where(literal_column("item_search_fts").op("MATCH")(phrase))
    numbers = session.scalars(rows.limit(MANY_MATCHES)).all()
    if len(numbers) <= FEW_MATCHES:
        return _listed(_items_of(session, numbers, organisation_id))
    number = select(ItemSearch.item_search_id).where(ItemSearch.item_id == Item.item_id).scalar_subquery()
    if len(numbers) < MANY_MATCHES:
        listed = func.json_each(json.dumps(numbers)).table_valued("value")
        return Match(number.in_(select(listed.c.value)))
    return Match(number.in_(rows))


def _items_of(session: Session, numbers: Sequence[int], organisation_id: uuid.UUID) -> list[uuid.UUID]:
    found: list[uuid.UUID] = []
    for portion in _portions(numbers):
        query = select(ItemSearch.item_id).where(
            ItemSearch.item_search_id.in_(portion), ItemSearch.organisation_id == organisation_id
        )
        found += session.scalars(query)
    return found


def _matches_postgresql(word: str) -> ColumnElement[bool]:
    entries = func.string_to_array(ItemSearch.body, " ", type_=ARRAY(Text))
    found = select(ItemSearch.item_id).where(entries.contains(literal(wanted_pairs(word), ARRAY(Text))))
    in_index: ColumnElement[bool] = Item.item_id.in_(found)
    if len(word) <= 2:
        return in_index
    return and_(in_index, Item.search_text.like(like_pattern(word), escape="\\"))


def find_by_fingerprints(
    session: Session, organisation_id: uuid.UUID, prints: Sequence[str]
) -> dict[str, list[tuple[uuid.UUID, str]]]:
    """Return, of some fingerprints, the items of the organisation that have them, with their codes."""
    found: dict[str, list[tuple[uuid.UUID, str]]] = {}
    wanted = list(dict.fromkeys(prints))
    for portion in _portions(wanted):
        query = (
            select(ItemSearch.fingerprint, Item.item_id, Item.code)
            .join(Item, Item.item_id == ItemSearch.item_id)
            .where(
                ItemSearch.organisation_id == organisation_id,
                ItemSearch.fingerprint.in_(portion),
                Item.removed_at.is_(None),
            )
            .order_by(Item.code)
        )
        for row in session.execute(query):
            found.setdefault(row[0], []).append((row[1], row[2]))
    return found
