"""Find item types by the words that files use for them; files repeat few words many times."""

from __future__ import annotations

import functools

from item_templates import registry
from item_templates.contract import ItemType


@functools.lru_cache(maxsize=1024)
def type_of_hint(text: str) -> ItemType | None:
    """Return the item type that a heading, sheet name or type column means, or None."""
    return registry.find_by_alias(text) if text.strip() else None
