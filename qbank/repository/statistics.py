"""Figures of item versions: gathered version by version, never over versions."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, delete, func, select
from sqlalchemy.orm import Session

from qbank.models.corrections import CorrectionCase
from qbank.models.curation import ItemStatistics
from qbank.models.items import Item, ItemPoint, ItemVersion
from qbank.models.standards import AssessmentPoint
from qbank.models.statistics import ItemParameters, PooledFacility
from qbank.repository.items import chunks, version_in_use
from qbank.rules.corrections import ReportSource
from qbank.rules.statistics import Carrier

MOST_ROWS = 200_000


class MeasureRow(NamedTuple):
    """The answers to the version in use, over all its sources and carriers."""

    item_id: uuid.UUID
    item_version_id: uuid.UUID
    n: int
    right: float
    measured_on: date
    n_sources: int


class HistoryRow(NamedTuple):
    """What one source found about one version; `is_in_use` tells whether forms take that version today."""

    item_id: uuid.UUID
    code: str
    item_version_id: uuid.UUID
    number: int
    is_in_use: bool
    source: str
    n: int
    computed_on: date
    proportion_correct: float | None
    item_total_r: float | None
    carrier: Carrier = Carrier.ALL


class KindRow(NamedTuple):
    """By what the version in use of an item is like others; `difficulty` is None where nobody judged it."""

    item_version_id: uuid.UUID
    point: str
    type: str
    difficulty: int | None


def _of_level(standard_level_id: uuid.UUID) -> Select[Any]:
    """Return the versions that have a point in a level."""
    return (
        select(ItemPoint.item_version_id)
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(AssessmentPoint.standard_level_id == standard_level_id)
    )


def measures(session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> list[MeasureRow]:
    """Return the answers to the versions in use of a level's items."""
    version = ItemStatistics.item_version_id
    query = (
        select(
            ItemStatistics.item_id, version, func.sum(ItemStatistics.n),
            func.sum(ItemStatistics.n * ItemStatistics.proportion_correct), func.max(ItemStatistics.computed_on),
            func.count(),
        )
        .join(Item, Item.item_id == ItemStatistics.item_id)
        .where(
            ItemStatistics.organisation_id == organisation_id, version == version_in_use(),
            ItemStatistics.proportion_correct.is_not(None), ItemStatistics.n > 0,
            ItemStatistics.carrier == Carrier.ALL, version.in_(_of_level(standard_level_id)),
        )
        .group_by(ItemStatistics.item_id, version)
    )  # fmt: skip
    return [MeasureRow(*row) for row in session.execute(query)]


def remove_other_figures(
    session: Session, organisation_id: uuid.UUID, sources: str, kept: Collection[tuple[uuid.UUID, str]]
) -> int:
    """Take away the figures of all sources that begin alike but those of some versions; return how many there were."""
    query = select(ItemStatistics.item_statistics_id, ItemStatistics.item_version_id, ItemStatistics.source).where(
        ItemStatistics.organisation_id == organisation_id, ItemStatistics.source.startswith(sources, autoescape=True)
    )
    session.flush()
    old = [row[0] for row in session.execute(query) if (row[1], row[2]) not in kept]
    for chunk in chunks(old):
        gone = delete(ItemStatistics).where(ItemStatistics.item_statistics_id.in_(chunk))
        session.execute(gone.execution_options(synchronize_session="fetch"))
    return len(old)


def parameters(
    session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, ItemParameters]:
    """Return the parameters of a level's versions, by version."""
    query = select(ItemParameters).where(
        ItemParameters.organisation_id == organisation_id, ItemParameters.standard_level_id == standard_level_id
    )
    return {row.item_version_id: row for row in session.scalars(query)}


def remove_parameters(session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> None:
    """Take all parameters of a level away; the caller puts the new ones in their place."""
    session.execute(
        delete(ItemParameters).where(
            ItemParameters.organisation_id == organisation_id, ItemParameters.standard_level_id == standard_level_id
        )
    )


def kinds(session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> list[KindRow]:
    """Return first point, type and expert difficulty of the versions in use of a level's items."""
    of_item = and_(ItemPoint.item_id == Item.item_id, ItemPoint.item_version_id == version_in_use())
    query = (
        select(ItemVersion.item_version_id, AssessmentPoint.full_code, ItemVersion.type, ItemVersion.difficulty)
        .select_from(Item)
        .join(ItemVersion, ItemVersion.item_version_id == version_in_use())
        .join(ItemPoint, and_(of_item, ItemPoint.position == 0))
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(Item.organisation_id == organisation_id, AssessmentPoint.standard_level_id == standard_level_id)
    )
    return [KindRow(*row) for row in session.execute(query)]


def pooled(
    session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, PooledFacility]:
    """Return the pooled facilities of a level's versions, by version."""
    query = select(PooledFacility).where(
        PooledFacility.organisation_id == organisation_id, PooledFacility.standard_level_id == standard_level_id
    )
    return {row.item_version_id: row for row in session.scalars(query)}


def pooled_of_versions(
    session: Session, item_version_ids: list[uuid.UUID], *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, PooledFacility]:
    """Return the pooled facilities of some versions of the organisation."""
    query = select(PooledFacility).where(
        PooledFacility.organisation_id == organisation_id, PooledFacility.item_version_id.in_(item_version_ids)
    )
    return {row.item_version_id: row for row in session.scalars(query)}


def remove_pooled(session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> None:
    """Take all pooled facilities of a level away; the caller puts the new ones in their place."""
    session.execute(
        delete(PooledFacility).where(
            PooledFacility.organisation_id == organisation_id, PooledFacility.standard_level_id == standard_level_id
        )
    )


def known_versions(session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the versions of the organisation that have a point in a level."""
    query = select(ItemVersion.item_version_id).where(
        ItemVersion.organisation_id == organisation_id, ItemVersion.item_version_id.in_(_of_level(standard_level_id))
    )
    return set(session.scalars(query))


def history(
    session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID, carrier: Carrier = Carrier.ALL
) -> list[HistoryRow]:
    """Return the figures of a level's versions on one carrier or all together, old versions too, by item, version and day."""
    query = (
        select(
            ItemStatistics.item_id, Item.code, ItemStatistics.item_version_id, ItemVersion.number,
            ItemStatistics.item_version_id == version_in_use(), ItemStatistics.source, ItemStatistics.n,
            ItemStatistics.computed_on, ItemStatistics.proportion_correct, ItemStatistics.item_total_r,
            ItemStatistics.carrier,
        )
        .join(Item, Item.item_id == ItemStatistics.item_id)
        .join(ItemVersion, ItemVersion.item_version_id == ItemStatistics.item_version_id)
        .where(
            ItemStatistics.organisation_id == organisation_id, ItemStatistics.carrier == carrier,
            ItemStatistics.item_version_id.in_(_of_level(standard_level_id)),
        )
        .order_by(Item.code, ItemVersion.number, ItemStatistics.computed_on)
        .limit(MOST_ROWS)
    )  # fmt: skip
    return [HistoryRow._make(row)._replace(is_in_use=bool(row[4])) for row in session.execute(query)]


def carriers(session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> dict[Carrier, int]:
    """Return the carriers on which a level's items were answered, with the number of figures of each."""
    query = (
        select(ItemStatistics.carrier, func.count())
        .where(
            ItemStatistics.organisation_id == organisation_id, ItemStatistics.carrier != Carrier.ALL,
            ItemStatistics.item_version_id.in_(_of_level(standard_level_id)),
        )
        .group_by(ItemStatistics.carrier)
    )  # fmt: skip
    return {row[0]: row[1] for row in session.execute(query)}


def cases_by_statistics(
    session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID, limit: int
) -> list[tuple[CorrectionCase, str]]:
    """Return the correction cases that statistics opened about a level's items, the latest first, with item codes."""
    query = (
        select(CorrectionCase, Item.code)
        .join(Item, Item.item_id == CorrectionCase.item_id)
        .where(
            CorrectionCase.organisation_id == organisation_id, CorrectionCase.source == ReportSource.STAFF,
            CorrectionCase.reported_by.is_(None), CorrectionCase.item_version_id.in_(_of_level(standard_level_id)),
        )
        .order_by(CorrectionCase.reported_at.desc(), CorrectionCase.code.desc())
        .limit(limit)
    )  # fmt: skip
    return [(row[0], row[1]) for row in session.execute(query)]


def codes_of_versions(
    session: Session, item_version_ids: list[uuid.UUID], *, organisation_id: uuid.UUID
) -> list[tuple[uuid.UUID, str, int, uuid.UUID]]:
    """Return version, item code, version number and item of some versions of the organisation."""
    query = (
        select(ItemVersion.item_version_id, Item.code, ItemVersion.number, Item.item_id)
        .join(Item, Item.item_id == ItemVersion.item_id)
        .where(ItemVersion.item_version_id.in_(item_version_ids), Item.organisation_id == organisation_id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]
