"""The text index of items: keeping it in step, and asking it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    column,
    false,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from item_templates.contract import ItemContent
from qbank.models.curation import ItemSearch
from qbank.models.items import Item
from qbank.repository.standards import like_pattern
from qbank.rules.search import fingerprint, pair_body, phrase_query, search_words, split_body, wanted_pairs

MANY_MATCHES = 2_000
"""From here on SQLite walks the list in its order and asks of each item whether it matches."""
_FTS = table("item_search_fts", column("rowid"))


def is_sqlite(session: Session) -> bool:
    """Say which of the two indexes there is."""
    return session.get_bind().dialect.name == "sqlite"


def index_body(session: Session, search_text: str) -> str:
    """Return an item's folded text as this database indexes it."""
    return split_body(search_text) if is_sqlite(session) else pair_body(search_text)


def insert_rows(session: Session, rows: Sequence[tuple[dict[str, Any], ItemContent]]) -> None:
    """Index new items; each row is the item's own row as it is inserted."""
    values = [
        {
            "item_id": row["item_id"],
            "organisation_id": row["organisation_id"],
            "fingerprint": fingerprint(content),
            "body": index_body(session, row["search_text"]),
        }
        for row, content in rows
    ]
    session.execute(insert(ItemSearch), values)


def reindex(session: Session, item: Item, content: ItemContent) -> None:
    """Bring the index of an item in step with its current version."""
    row = session.scalar(select(ItemSearch).where(ItemSearch.item_id == item.item_id))
    if row is None:
        row = ItemSearch(item_id=item.item_id, organisation_id=item.organisation_id)
        session.add(row)
    row.fingerprint, row.body = fingerprint(content), index_body(session, item.search_text)


def matches(session: Session, search: str) -> ColumnElement[bool]:
    """Return the condition that every word stands in the item's text, or the whole in its code."""
    words = search_words(search)
    code = Item.code.ilike(like_pattern(search.strip()), escape="\\")
    if not words:
        return code
    if is_sqlite(session):
        found = _matches_sqlite(session, phrase_query(words))
    else:
        found = and_(*(_matches_postgresql(word) for word in words))
    return or_(found, code) if looks_like_code(search) else found


def looks_like_code(search: str) -> bool:
    """Say whether a search may mean an item's code: those hold no Chinese and at least a digit or letter.

    Examples
    --------
    >>> looks_like_code("6-31-01-03-4"), looks_like_code("变频器")
    (True, False)
    """
    return search.isascii() and any(sign.isalnum() for sign in search)


def _matches_sqlite(session: Session, phrase: str) -> ColumnElement[bool]:
    """Few matches are looked up; of many, each item of the list is asked."""
    if not phrase.replace('"', "").strip():
        return false()
    rows = select(_FTS.c.rowid).where(literal_column("item_search_fts").op("MATCH")(phrase))
    if (session.scalar(select(func.count()).select_from(rows.limit(MANY_MATCHES).subquery())) or 0) < MANY_MATCHES:
        found = select(ItemSearch.item_id).where(ItemSearch.item_search_id.in_(rows))
        return Item.item_id.in_(found)
    number = select(ItemSearch.item_search_id).where(ItemSearch.item_id == Item.item_id).scalar_subquery()
    return number.in_(rows)


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
    for start in range(0, len(wanted), 500):
        query = (
            select(ItemSearch.fingerprint, Item.item_id, Item.code)
            .join(Item, Item.item_id == ItemSearch.item_id)
            .where(
                ItemSearch.organisation_id == organisation_id,
                ItemSearch.fingerprint.in_(wanted[start : start + 500]),
                Item.removed_at.is_(None),
            )
            .order_by(Item.code)
        )
        for row in session.execute(query):
            found.setdefault(row[0], []).append((row[1], row[2]))
    return found
