"""What a sealed form would carry for an item, for pages that show samples of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from item_templates import registry
from item_templates.contract import ItemContent, Json
from item_templates.findings import TranslatableValueError


def frozen_or_nothing(
    content: ItemContent | Mapping[str, Json], seed: int
) -> Sequence[ItemContent | Mapping[str, Json]]:
    """Return the contents that an item gives for a seed, none when it cannot give any; a delivery view gives itself.

    Examples
    --------
    >>> [one.type for one in frozen_or_nothing(ItemContent("true_false", "铁是金属。", key=True), 0)]
    ['true_false']
    """
    if isinstance(content, Mapping):
        return (content,)
    try:
        return registry.get(content.type).freeze(content, seed)
    except TranslatableValueError:
        return ()
