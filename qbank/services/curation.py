"""Tags, saved views and statistics of items."""

from __future__ import annotations

import re
import uuid
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, select

from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.curation import CurationRun, ItemStatistics, ItemTag
from qbank.models.items import Item, ItemVersion
from qbank.repository import curation as repository
from qbank.repository import items as item_repository
from qbank.repository import sharing
from qbank.rules.statistics import Carrier

MOST_TAGS_OF_ITEM = 20
_TAG = re.compile(r"[^\s,，;；、<>]{1,40}")


def read_tag(text: str) -> str:
    """Return a tag as it is kept; raises InvalidInputError when it is none."""
    tag = text.strip()
    if not _TAG.fullmatch(tag):
        message = N_("标签为 1～40 个字，不能含空格、逗号、顿号和分号")
        raise InvalidInputError(message, fields={"tag": [message]})
    return tag


def add_tag(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], tag: str) -> int:
    """Put a tag on items that the actor sees; return how many did not have it."""
    require(uow.actor, Permission.ITEM_WRITE)
    tag = read_tag(tag)
    items = item_repository.list_by_ids(uow.session, item_ids, actor=uow.actor)
    present = repository.tags_of(uow.session, [item.item_id for item in items])
    fresh = [item for item in items if tag not in present[item.item_id]]
    full = [item for item in fresh if len(present[item.item_id]) >= MOST_TAGS_OF_ITEM]
    if full:
        raise InvalidInputError(N_("试题 %(code)s 已有 %(n)s 个标签，不能再加"), code=full[0].code, n=MOST_TAGS_OF_ITEM)
    for item in fresh:
        uow.add(
            ItemTag(
                item_id=item.item_id, tag=tag, organisation_id=item.organisation_id,
                created_by=uow.actor.user_id, created_at=now(),
            )
        )  # fmt: skip
    _audit_tags(uow, "item.tag", fresh, tag)
    return len(fresh)


def remove_tag(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], tag: str) -> int:
    """Take a tag off items that the actor sees; return how many had it."""
    require(uow.actor, Permission.ITEM_WRITE)
    items = item_repository.list_by_ids(uow.session, item_ids, actor=uow.actor)
    present = repository.tags_of(uow.session, [item.item_id for item in items])
    tagged = [item for item in items if tag in present[item.item_id]]
    for chunk in item_repository.chunks([item.item_id for item in tagged]):
        uow.session.execute(delete(ItemTag).where(ItemTag.item_id.in_(chunk), ItemTag.tag == tag))
    _audit_tags(uow, "item.untag", tagged, tag)
    return len(tagged)


def _audit_tags(uow: UnitOfWork, act: str, items: Sequence[Item], tag: str) -> None:
    if items:
        after = {"tag": tag, "items": len(items), "codes": [item.code for item in items[:50]]}
        audit.record(uow, act, "organisation", uow.actor.organisation, after=after)


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """What an analysis found about one version; `source` names the session or analysis, `carrier` whose answers these are."""

    item_version_id: uuid.UUID
    source: str
    n: int
    computed_on: date
    proportion_correct: float | None = None
    item_total_r: float | None = None
    carrier: Carrier = Carrier.ALL


def record_statistics(uow: UnitOfWork, rows: Sequence[StatisticsRow]) -> int:
    """Keep figures of versions in place of those of the same source; return how many versions there were.

    The versions are the organisation's own, or stand in its sealed forms under an agreement: a row always tells by its
    organisation who did the asking.
    """
    asked = [row.item_version_id for row in rows]
    known = _own_versions(uow, asked)
    known |= sharing.sealed_versions(uow.session, asked, receiver_id=uow.actor.organisation)
    kept = [row for row in rows if row.item_version_id in known]
    present = _present(uow, kept)
    for row in kept:
        figures = present.pop((row.item_version_id, row.source, row.carrier), None)
        if figures is None:
            figures = ItemStatistics(
                item_statistics_id=new_id(), organisation_id=uow.actor.organisation,
                item_id=known[row.item_version_id], item_version_id=row.item_version_id, source=row.source[:120],
                carrier=row.carrier,
            )  # fmt: skip
            uow.add(figures)
        figures.n, figures.computed_on = row.n, row.computed_on
        figures.proportion_correct, figures.item_total_r = row.proportion_correct, row.item_total_r
    _remove_old(uow, present, {(row.item_version_id, row.source) for row in kept})
    if kept:
        after = {"versions": len(known), "sources": sorted({row.source for row in kept})[:20]}
        audit.record(uow, "item.statistics", "organisation", uow.actor.organisation, after=after)
    return len(known)


def _remove_old(
    uow: UnitOfWork,
    left: Mapping[tuple[uuid.UUID, str, Carrier], ItemStatistics],
    replaced: Container[tuple[uuid.UUID, str]],
) -> None:
    """Remove what an earlier analysis of a source said of carriers that the present one does not know."""
    for (item_version_id, source, _carrier), figures in left.items():
        if (item_version_id, source) in replaced:
            uow.session.delete(figures)


def _own_versions(uow: UnitOfWork, version_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    found: dict[uuid.UUID, uuid.UUID] = {}
    for chunk in item_repository.chunks(version_ids):
        query = select(ItemVersion.item_version_id, ItemVersion.item_id).where(
            ItemVersion.item_version_id.in_(chunk), ItemVersion.organisation_id == uow.actor.organisation
        )
        found.update((row[0], row[1]) for row in uow.session.execute(query))
    return found


def _present(uow: UnitOfWork, rows: Sequence[StatisticsRow]) -> dict[tuple[uuid.UUID, str, Carrier], ItemStatistics]:
    found = {}
    for chunk in item_repository.chunks(list({row.item_version_id for row in rows})):
        query = select(ItemStatistics).where(
            ItemStatistics.item_version_id.in_(chunk), ItemStatistics.organisation_id == uow.actor.organisation
        )
        found.update({(one.item_version_id, one.source, one.carrier): one for one in uow.session.scalars(query)})
    return found


def keep_run(
    uow: UnitOfWork, standard_level_id: uuid.UUID, kind: str, *, n_items: int, report: dict[str, Any]
) -> CurationRun:
    """Keep the report of a whole check of a level in place of the one before."""
    run = repository.find_run(uow.session, standard_level_id, kind, actor=uow.actor)
    if run is None:
        run = CurationRun(
            curation_run_id=new_id(), organisation_id=uow.actor.organisation, standard_level_id=standard_level_id,
            kind=kind,
        )  # fmt: skip
        uow.add(run)
    run.n_items, run.report, run.created_by, run.created_at = n_items, report, uow.actor.user_id, now()
    return run
