"""What steers assembly: answers gathered over sessions for the version in use, and parameters on one scale."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session

from kernel import audit, profiles
from kernel.uow import UnitOfWork
from qbank.models.statistics import ItemParameters, PooledFacility
from qbank.repository import statistics as repository
from qbank.repository.items import chunks
from qbank.rules.statistics import LEAST_ANSWERS, POOLED_FOR_FEW, Alike

DIGITS = 4


@dataclass(frozen=True, slots=True)
class ItemMeasure:
    """What is known of the version of an item that forms take today.

    `p_value` is None below the organisation's least number of answers, or the estimate that borrows from items alike
    (`is_pooled`) where its rules say so; `a`, `b` and `c` are None where the version is not on the level's scale. Answers
    to other versions are never counted; those on all carriers are.
    """

    item_version_id: uuid.UUID
    n: int
    p_value: float | None
    measured_on: date | None
    n_sources: int
    a: float | None = None
    b: float | None = None
    c: float | None = None
    is_pooled: bool = False


@dataclass(frozen=True, slots=True)
class PooledRow:
    """What the items alike and a version's own answers together say of its facility."""

    item_version_id: uuid.UUID
    n: int
    estimate: float
    low: float
    high: float
    own_share: float
    n_alike: int
    alike: Alike


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """Parameters of one version on the scale of its level."""

    item_version_id: uuid.UUID
    model: str
    a: float
    b: float
    c: float
    b_error: float | None
    n: int


def load_measures(
    session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, ItemMeasure]:
    """Return what is known of a level's items, by version."""
    found = {}
    for row, p_value, is_pooled in _measured(session, standard_level_id, organisation_id):
        found[row.item_version_id] = ItemMeasure(
            row.item_version_id, int(row.n), p_value, row.measured_on, row.n_sources, is_pooled=is_pooled
        )
    for key, known in repository.parameters(session, standard_level_id, organisation_id=organisation_id).items():
        own = found.get(key, ItemMeasure(key, 0, None, None, 0))
        found[key] = replace(own, a=known.a, b=known.b, c=known.c)
    return found


def _measured(
    session: Session, standard_level_id: uuid.UUID, organisation_id: uuid.UUID
) -> Iterator[tuple[repository.MeasureRow, float | None, bool]]:
    """Yield the answers to each version in use with its p-value, and whether that borrows from items alike."""
    least = int(profiles.value(session, organisation_id, LEAST_ANSWERS.name))
    may_borrow = profiles.value(session, organisation_id, POOLED_FOR_FEW.name)
    pooled = repository.pooled(session, standard_level_id, organisation_id=organisation_id) if may_borrow else {}
    for row in repository.measures(session, standard_level_id, organisation_id=organisation_id):
        own = pooled.get(row.item_version_id) if row.n < least else None
        value = row.right / row.n if row.n >= least else own.estimate if own else None
        yield row, None if value is None else round(value, DIGITS), own is not None


def proportions_correct(
    session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, float]:
    """Return the share of correct answers to the version in use, by item, where enough is known of it."""
    measured = _measured(session, standard_level_id, organisation_id)
    return {row.item_id: p_value for row, p_value, _is_pooled in measured if p_value is not None}


def record_pooled(
    uow: UnitOfWork, standard_level_id: uuid.UUID, rows: Sequence[PooledRow], *, computed_on: date
) -> int:
    """Put the pooled facilities of a level in the place of those before; return how many versions there are."""
    organisation_id = uow.actor.organisation
    known = repository.known_versions(uow.session, standard_level_id, organisation_id=organisation_id)
    kept = [row for row in rows if row.item_version_id in known]
    repository.remove_pooled(uow.session, standard_level_id, organisation_id=organisation_id)
    for row in kept:
        uow.add(
            PooledFacility(
                item_version_id=row.item_version_id, organisation_id=organisation_id,
                standard_level_id=standard_level_id, n=row.n, estimate=row.estimate, low=row.low, high=row.high,
                own_share=row.own_share, n_alike=row.n_alike, alike_by=row.alike, computed_on=computed_on,
            )
        )  # fmt: skip
    return len(kept)


def pooled_of_versions(
    session: Session, item_version_ids: Sequence[uuid.UUID], *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, PooledRow]:
    """Return the pooled facilities of some versions."""
    found: dict[uuid.UUID, PooledRow] = {}
    for chunk in chunks(item_version_ids):
        rows = repository.pooled_of_versions(session, list(chunk), organisation_id=organisation_id)
        for key, row in rows.items():
            found[key] = PooledRow(
                key, row.n, row.estimate, row.low, row.high, row.own_share, row.n_alike, Alike(row.alike_by)
            )
    return found


def record_parameters(
    uow: UnitOfWork, standard_level_id: uuid.UUID, rows: Sequence[ParameterRow], *, scale: str, computed_on: date
) -> int:
    """Put one calibration of a level in the place of the one before; return how many versions it has."""
    organisation_id = uow.actor.organisation
    known = repository.known_versions(uow.session, standard_level_id, organisation_id=organisation_id)
    kept = [row for row in rows if row.item_version_id in known]
    repository.remove_parameters(uow.session, standard_level_id, organisation_id=organisation_id)
    for row in kept:
        uow.add(
            ItemParameters(
                item_version_id=row.item_version_id, organisation_id=organisation_id,
                standard_level_id=standard_level_id, model=row.model, a=row.a, b=row.b, c=row.c, b_error=row.b_error,
                n=row.n, scale=scale[:120], computed_on=computed_on,
            )
        )  # fmt: skip
    if kept:
        after = {"versions": len(kept), "scale": scale[:120]}
        audit.record(uow, "item.parameters", "standard_level", standard_level_id, after=after)
    return len(kept)
