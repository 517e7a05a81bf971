"""Who relies on an outline: components announce themselves, so that nothing relied upon is taken away."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from kernel.errors import ConflictError
from kernel.i18n import N_
from qbank.repository import items as item_repository
from qbank.repository import standards as repository


@dataclass(frozen=True, slots=True)
class ReferenceSource:
    """A kind of thing that relies on outlines; `label` is its Chinese name.

    `count_by_level` counts what forbids to withdraw a level's outline; `count_by_points` counts what forbids to delete
    some points. Leave out what does not apply.
    """

    label: str
    count_by_level: Callable[[Session, uuid.UUID], int] | None = None
    count_by_points: Callable[[Session, Sequence[uuid.UUID]], int] | None = None


ITEMS = ReferenceSource(N_("试题"), count_by_points=item_repository.count_items_of_points)
_SOURCES: dict[str, ReferenceSource] = {ITEMS.label: ITEMS}


def register_reference_source(source: ReferenceSource) -> None:
    """Announce a kind of thing that relies on outlines; a second one of the same label replaces the first."""
    _SOURCES[source.label] = source


def check_level_is_free(session: Session, level_id: uuid.UUID) -> None:
    """Refuse to change a level's outline that something relies on; raises ConflictError."""
    for source in _SOURCES.values():
        if source.count_by_level and (n := source.count_by_level(session, level_id)):
            raise ConflictError(N_("细目表已被 %(n)s 个%(label)s引用，不能退回草稿"), n=n, label=source.label)


def check_level_is_unused(session: Session, level_id: uuid.UUID) -> None:
    """Refuse to delete a level that has items or that something else relies on; raises ConflictError."""
    check_level_is_free(session, level_id)
    if n := repository.count_items_of_level(session, level_id):
        raise ConflictError(N_("该等级下还有 %(n)s 道试题，不能删除"), n=n)


def check_points_are_free(session: Session, point_ids: Sequence[uuid.UUID]) -> None:
    """Refuse to delete points that something relies on; raises ConflictError."""
    for source in _SOURCES.values():
        if point_ids and source.count_by_points and (n := source.count_by_points(session, point_ids)):
            raise ConflictError(
                N_("要删除的鉴定点已被 %(n)s 个%(label)s引用，请先把它们改到其他鉴定点"), n=n, label=source.label
            )
