"""The text index of items: keeping it in step, and asking it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
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

FEW_MATCHES = 2_000
"""Up to here SQLite looks up each match; beyond, it reads the list's index and asks whether an item is among them."""
MANY_MATCHES = 20_000
"""From here on, it does not even gather them, but asks the text index item by item in the order of the list."""
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
    """Say whether a search may mean an item's code: those hold digits and no Chinese.

    Examples
    --------
    >>> looks_like_code("6-31-01-03-4"), looks_like_code("PLC"), looks_like_code("变频器")
    (True, False, False)
    """
    return search.isascii() and any(sign.isdigit() for sign in search)


def _matches_sqlite(session: Session, phrase: str) -> ColumnElement[bool]:
    """Return the condition in the shape that is quickest for the number of matches."""
    rows = select(_FTS.c.rowid).where(literal_column("item_search_fts").op("MATCH")(phrase))
    n = session.scalar(select(func.count()).select_from(rows.limit(MANY_MATCHES).subquery())) or 0
    found = select(ItemSearch.item_id).where(ItemSearch.item_search_id.in_(rows))
    if n <= FEW_MATCHES:
        return Item.item_id.in_(found)
    if n < MANY_MATCHES:
        return literal_column("+items.item_id", Item.item_id.type).in_(found)  # the sign keeps it from being looked up
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
