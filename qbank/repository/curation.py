"""Finding tags, saved views and statistics inside the actor's walls."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from qbank.models.curation import CurationRun, ItemStatistics, ItemTag, SensitiveWord
from qbank.models.items import Item, ItemVersion
from qbank.repository.items import chunks, version_in_use
from qbank.rules.statistics import Carrier

MOST_TAGS = 500
MOST_FIGURES = 400


def tags_of(session: Session, item_ids: Sequence[uuid.UUID]) -> defaultdict[uuid.UUID, list[str]]:
    """Return the tags of items in alphabetical order; the caller has checked the items' walls."""
    found: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    for chunk in chunks(item_ids):
        query = select(ItemTag.item_id, ItemTag.tag).where(ItemTag.item_id.in_(chunk)).order_by(ItemTag.tag)
        for item_id, tag in session.execute(query):
            found[item_id].append(tag)
    return found


def list_tags(session: Session, *, actor: Actor) -> list[tuple[str, int]]:
    """Return the organisation's tags with how many items have them."""
    query = (
        select(ItemTag.tag, func.count())
        .where(ItemTag.organisation_id == actor.organisation)
        .group_by(ItemTag.tag)
        .order_by(ItemTag.tag)
        .limit(MOST_TAGS)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def latest_statistics(session: Session, item_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ItemStatistics]:
    """Return the newest figures of items, the larger sample of one day; the caller has checked the items' walls.

    The figures are of all carriers together. Those of versions that are neither in use nor worked on are left out: they
    speak of another content.
    """
    found: dict[uuid.UUID, ItemStatistics] = {}
    of_today = or_(
        ItemStatistics.item_version_id == Item.current_version_id, ItemStatistics.item_version_id == version_in_use()
    )
    for chunk in chunks(item_ids):
        query = (
            select(ItemStatistics)
            .join(Item, Item.item_id == ItemStatistics.item_id)
            .where(
                ItemStatistics.item_id.in_(chunk),
                ItemStatistics.carrier == Carrier.ALL,
                of_today,
                ItemStatistics.organisation_id == Item.organisation_id,
            )
        )
        for row in session.scalars(query.order_by(ItemStatistics.computed_on, ItemStatistics.n)):
            found[row.item_id] = row
    return found


def statistics_of(session: Session, item_id: uuid.UUID) -> Sequence[tuple[ItemStatistics, int]]:
    """Return all figures of one item with the numbers of their versions, newest first, carriers beside each other."""
    query = (
        select(ItemStatistics, ItemVersion.number)
        .join(ItemVersion, ItemVersion.item_version_id == ItemStatistics.item_version_id)
        .where(ItemStatistics.item_id == item_id, ItemStatistics.organisation_id == ItemVersion.organisation_id)
        .order_by(
            ItemStatistics.computed_on.desc(), ItemVersion.number.desc(), ItemStatistics.source, ItemStatistics.carrier
        )
        .limit(MOST_FIGURES)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def sensitive_words(session: Session, organisation_id: uuid.UUID) -> Sequence[SensitiveWord]:
    """Return the words that an organisation listed."""
    query = select(SensitiveWord).where(SensitiveWord.organisation_id == organisation_id)
    return session.scalars(query.order_by(SensitiveWord.word).limit(5_000)).all()


def get_word(session: Session, sensitive_word_id: uuid.UUID, *, actor: Actor) -> SensitiveWord:
    """Return a listed word; raises NotFoundError for those of others."""
    found = session.get(SensitiveWord, sensitive_word_id)
    if found is None or found.organisation_id != actor.organisation:
        raise NotFoundError(N_("词表中没有这个词，可能已被删除"))
    return found


def find_run(session: Session, standard_level_id: uuid.UUID, kind: str, *, actor: Actor) -> CurationRun | None:
    """Return the latest whole check of a level, if there was one."""
    query = select(CurationRun).where(
        CurationRun.organisation_id == actor.organisation,
        CurationRun.standard_level_id == standard_level_id,
        CurationRun.kind == kind,
    )
    return session.scalar(query)
