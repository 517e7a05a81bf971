"""Narrowing a list of items by tags, flags, statistics and use."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, exists, or_, select

from qbank.models.curation import ItemPair, ItemStatistics, ItemTag, LintWaiver
from qbank.models.items import Item, ItemPoint
from qbank.rules.item_flags import ItemFlag
from qbank.rules.pairs import PairState


def conditions(
    *, flag: ItemFlag | None = None, tag: str = "", has_statistics: bool = False, used_since: date | None = None
) -> list[ColumnElement[bool]]:
    """Return the conditions of what was asked for."""
    found: list[ColumnElement[bool]] = []
    if flag is not None:
        found.append(_flagged(flag))
    if tag.strip():
        tagged = select(ItemTag.item_id).where(
            ItemTag.organisation_id == Item.organisation_id, ItemTag.tag == tag.strip()
        )
        found.append(Item.item_id.in_(tagged.correlate(Item)))
    if has_statistics:
        found.append(exists().where(ItemStatistics.item_id == Item.item_id))
    if used_since is not None:
        found.append(Item.last_used_on >= used_since)
    return found


def _flagged(flag: ItemFlag) -> ColumnElement[bool]:
    if flag is ItemFlag.REVISION:
        return (Item.approved_version_id.is_not(None)) & (Item.approved_version_id != Item.current_version_id)
    if flag is ItemFlag.NO_POINT:
        return ~exists().where(ItemPoint.item_version_id == Item.current_version_id)
    if flag is ItemFlag.NO_DIFFICULTY:
        return Item.difficulty.is_(None)
    if flag is ItemFlag.NEVER_USED:
        return Item.n_used == 0
    if flag is ItemFlag.WAIVED:
        return exists().where(LintWaiver.item_id == Item.item_id, LintWaiver.withdrawn_at.is_(None))
    here = or_(ItemPair.first_item_id == Item.item_id, ItemPair.second_item_id == Item.item_id)
    return exists().where(here, ItemPair.state == PairState.OPEN)
