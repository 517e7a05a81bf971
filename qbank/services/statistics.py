"""What steers assembly: answers gathered over sessions for the version in use, and parameters on one scale."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from kernel import audit, profiles
from kernel.uow import UnitOfWork
from qbank.models.statistics import ItemParameters
from qbank.repository import statistics as repository
from qbank.rules.statistics import LEAST_ANSWERS

DIGITS = 4


@dataclass(frozen=True, slots=True)
class ItemMeasure:
    """What is known of the version of an item that forms take today.

    `p_value` is None below the organisation's least number of answers; `a`, `b` and `c` where the version is not on the
    level's scale. Answers to other versions are never counted.
    """

    item_version_id: uuid.UUID
    n: int
    p_value: float | None
    measured_on: date | None
    n_sources: int
    a: float | None = None
    b: float | None = None
    c: float | None = None


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
    least = int(profiles.value(session, organisation_id, LEAST_ANSWERS.name))
    found = {
        row.item_version_id: ItemMeasure(
            row.item_version_id, int(row.n), round(row.right / row.n, DIGITS) if row.n >= least else None,
            row.measured_on, row.n_sources,
        )
        for row in repository.measures(session, standard_level_id, organisation_id=organisation_id)
    }  # fmt: skip
    for key, row in repository.parameters(session, standard_level_id, organisation_id=organisation_id).items():
        own = found.get(key)
        n, p_value, day, n_sources = (own.n, own.p_value, own.measured_on, own.n_sources) if own else (0, None, None, 0)
        found[key] = ItemMeasure(key, n, p_value, day, n_sources, row.a, row.b, row.c)
    return found


def proportions_correct(
    session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, float]:
    """Return the share of correct answers to the version in use, by item, where there are enough of them."""
    least = int(profiles.value(session, organisation_id, LEAST_ANSWERS.name))
    rows = repository.measures(session, standard_level_id, organisation_id=organisation_id)
    return {row.item_id: round(row.right / row.n, DIGITS) for row in rows if row.n >= least}


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
