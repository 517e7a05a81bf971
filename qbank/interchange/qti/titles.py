"""The title that an item of ours gets in formats that ask for one."""

from __future__ import annotations

from item_templates.contract import ItemContent
from item_templates.markup import one_line

LENGTH = 60


def title_of(content: ItemContent) -> str:
    """Return the beginning of the stem on one line; the type's name where a stem shows no text."""
    text = one_line(content.stem)
    short = text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"
    return short.strip() or content.type
