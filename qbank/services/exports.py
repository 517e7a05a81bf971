"""Items of the bank as files."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from item_templates.contract import CanonicalItem
from kernel import audit
from kernel.disk import require_room
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.interchange.convert import FORMATS, write_items
from qbank.interchange.model import Notice
from qbank.interchange.origins import VERSION_MARK
from qbank.models.items import Item
from qbank.repository import items as repository
from qbank.repository import media as media_repository
from qbank.repository.items import ItemFilter
from qbank.rules.marks import marks_as_columns
from qbank.services.items import content_of
from qbank.services.media import media_folder

MAX_PICTURE_TOTAL = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file to hand out, and what its format could not carry."""

    data: bytes
    mime: str
    extension: str
    n_items: int
    losses: list[Notice]


def export_items(uow: UnitOfWork, wanted: ItemFilter, *, fmt: str) -> ExportedFile:
    """Write everything a filter finds as a file, keys included; the audit keeps who, how many and in which format."""
    require(uow.actor, Permission.ITEM_EXPORT)
    require_room()
    chosen = FORMATS.get(fmt)
    if chosen is None or not chosen.writer:
        raise InvalidInputError(N_("不支持写出格式 %(format)s"), format=fmt)
    ids = repository.list_item_ids(uow.session, actor=uow.actor, wanted=wanted)
    items = repository.list_by_ids(uow.session, ids, actor=uow.actor)
    canonical = canonical_items(uow.session, items)
    data, losses = write_items(canonical, fmt, _pictures(uow.session, uow.actor.organisation, canonical))
    after = {"format": fmt, "items": len(items), "filter": _words(wanted)}
    audit.record(uow, "item.export", "organisation", uow.actor.organisation, after=after)
    return ExportedFile(data, chosen.mime, chosen.extension, len(items), losses)


def canonical_items(session: Session, items: Sequence[Item]) -> list[CanonicalItem]:
    """Return items as files carry them: codes as ids, current versions as contents, their numbers for the way back."""
    version_ids = [item.current_version_id for item in items]
    versions = repository.get_versions(session, version_ids)
    points = repository.points_of_versions(session, version_ids)
    return [
        CanonicalItem(
            id=item.code,
            content=content_of(versions[item.current_version_id]),
            points=tuple(point.full_code for point in points[item.current_version_id]),
            difficulty=item.difficulty,
            source=item.source,
            metadata={
                **item.extra,
                **marks_as_columns(item.cognitive, is_trial=item.is_trial),
                VERSION_MARK: str(versions[item.current_version_id].number),
            },
        )
        for item in items
    ]


def _pictures(session: Session, organisation_id: uuid.UUID, items: Sequence[CanonicalItem]) -> dict[str, bytes]:
    """Return the pictures that the items show, by digest; a file that is gone is left out and named as a loss."""
    digests = list({str(medium["digest"]) for item in items for medium in item.content.media})
    rows = media_repository.find_media(session, digests, organisation_id=organisation_id)
    if sum(row.n_bytes for row in rows.values()) > MAX_PICTURE_TOTAL:
        raise InvalidInputError(N_("所选试题的图片超过 200 MB，请缩小筛选范围，分批导出"))
    paths = {digest: media_folder() / digest for digest in rows}
    return {digest: path.read_bytes() for digest, path in paths.items() if path.is_file()}


def _words(wanted: ItemFilter) -> dict[str, str]:
    """Return the filter as the audit keeps it; what was searched for may be an item's text and stays out."""
    named = {
        "level": wanted.standard_level_id,
        "scope": wanted.scope,
        "type": wanted.type,
        "status": wanted.status.value if wanted.status else None,
        "difficulty": wanted.difficulty,
        "author": wanted.author_id,
    }
    return {name: str(value) for name, value in named.items() if value}
