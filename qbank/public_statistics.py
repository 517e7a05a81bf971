"""What analyses may keep in the bank and read from it: answers by version, parameters by level, their history."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.repository import statistics as repository
from qbank.repository.items import chunks
from qbank.repository.statistics import HistoryRow as HistoryRow
from qbank.repository.statistics import KindRow as KindRow
from qbank.rules.corrections import STATE_LABELS, CaseState
from qbank.rules.statistics import ALIKE_LABELS as ALIKE_LABELS
from qbank.rules.statistics import CARRIER_LABELS as CARRIER_LABELS
from qbank.rules.statistics import Alike as Alike
from qbank.rules.statistics import Carrier as Carrier
from qbank.services import statistics as services
from qbank.services.curation import StatisticsRow
from qbank.services.statistics import ItemMeasure as ItemMeasure
from qbank.services.statistics import ParameterRow as ParameterRow
from qbank.services.statistics import PooledRow as PooledRow


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """A correction case that statistics opened; `state` is a message id."""

    correction_case_id: uuid.UUID
    code: str
    item_code: str
    text: str
    evidence: str
    state: str
    is_open: bool
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class VersionName:
    """How people name one version of an item."""

    item_id: uuid.UUID
    code: str
    number: int


def load_measures(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> dict[uuid.UUID, ItemMeasure]:
    """Return what is known of the versions in use of a level's items, by version.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ, BLUEPRINT_READ or STATISTICS_READ; sees the own organisation only.
    standard_level_id : UUID
        The level.

    Returns
    -------
    dict of UUID to ItemMeasure
        Answers to other versions of an item are never counted.
    """
    _require(actor, Permission.STATISTICS_READ, Permission.ITEM_READ, Permission.BLUEPRINT_READ)
    return services.load_measures(session, standard_level_id, organisation_id=actor.organisation)


def forget_other_figures(uow: UnitOfWork, sources: str, kept: Sequence[StatisticsRow]) -> int:
    """Take away what earlier analyses said that the present one does not say again; return how many figures there were.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of the analysis.
    sources : str
        How the names of the analysis's sources begin, such as ``exam_session:<id>:``.
    kept : sequence of StatisticsRow
        What the present analysis says: versions and sources that stay.
    """
    named = {(row.item_version_id, row.source[:120]) for row in kept}
    return repository.remove_other_figures(uow.session, uow.actor.organisation, sources, named)


def record_parameters(
    uow: UnitOfWork, standard_level_id: uuid.UUID, rows: Sequence[ParameterRow], *, scale: str, computed_on: date
) -> int:
    """Put one calibration of a level in the place of the one before; return how many versions it has.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of the analysis.
    standard_level_id : UUID
        The level; versions without a point in it are left out.
    rows : sequence of ParameterRow
        All on one scale.
    scale : str
        The analysis whose candidates define the scale.
    computed_on : date
    """
    return services.record_parameters(uow, standard_level_id, rows, scale=scale, computed_on=computed_on)


def load_history(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, *, carrier: Carrier = Carrier.ALL
) -> list[HistoryRow]:
    """Return the figures of a level's versions, old versions too, each with its source, number of answers and day.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STATISTICS_READ or ITEM_READ; sees the own organisation only.
    standard_level_id : UUID
        The level.
    carrier : Carrier
        Whose answers; by default those of all carriers together. Figures of several carriers are never joined here.
    """
    _require(actor, Permission.STATISTICS_READ, Permission.ITEM_READ)
    return repository.history(session, standard_level_id, organisation_id=actor.organisation, carrier=carrier)


def list_carriers(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[Carrier]:
    """Return the carriers on which a level's items were answered, the most used first.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STATISTICS_READ or ITEM_READ; sees the own organisation only.
    standard_level_id : UUID
        The level.
    """
    _require(actor, Permission.STATISTICS_READ, Permission.ITEM_READ)
    found = repository.carriers(session, standard_level_id, organisation_id=actor.organisation)
    return sorted(found, key=lambda one: (-found[one], one.value))


def list_kinds(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[KindRow]:
    """Return by what the versions in use of a level's items are alike: first point, type and expert difficulty.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STATISTICS_READ or ITEM_READ; sees the own organisation only.
    standard_level_id : UUID
        The level.
    """
    _require(actor, Permission.STATISTICS_READ, Permission.ITEM_READ)
    return repository.kinds(session, standard_level_id, organisation_id=actor.organisation)


def record_pooled(
    uow: UnitOfWork, standard_level_id: uuid.UUID, rows: Sequence[PooledRow], *, computed_on: date
) -> int:
    """Put the pooled facilities of a level in the place of those before; return how many versions there are.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of the analysis.
    standard_level_id : UUID
        The level; versions without a point in it are left out.
    rows : sequence of PooledRow
    computed_on : date
    """
    return services.record_pooled(uow, standard_level_id, rows, computed_on=computed_on)


def load_pooled(session: Session, actor: Actor, item_version_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, PooledRow]:
    """Return the facilities of some versions that borrow from items alike; none below five answers of their own.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STATISTICS_READ or ITEM_READ; sees the own organisation only.
    item_version_ids : sequence of UUID
    """
    _require(actor, Permission.STATISTICS_READ, Permission.ITEM_READ)
    return services.pooled_of_versions(session, item_version_ids, organisation_id=actor.organisation)


def list_cases(session: Session, actor: Actor, standard_level_id: uuid.UUID, *, limit: int = 50) -> list[CaseInfo]:
    """Return the correction cases that statistics opened about a level's items, the latest first.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STATISTICS_READ or ITEM_READ; sees the own organisation only.
    standard_level_id : UUID
        The level.
    limit : int
    """
    _require(actor, Permission.STATISTICS_READ, Permission.ITEM_READ)
    rows = repository.cases_by_statistics(session, standard_level_id, organisation_id=actor.organisation, limit=limit)
    return [
        CaseInfo(
            case.correction_case_id, case.code, code, case.text, case.evidence, STATE_LABELS[case.state],
            case.state not in (CaseState.DECIDED, CaseState.CLOSED), case.reported_at,
        )
        for case, code in rows
    ]  # fmt: skip


def name_versions(
    session: Session, actor: Actor, item_version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, VersionName]:
    """Return codes and version numbers of some versions of the actor's organisation.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STATISTICS_READ or ITEM_READ.
    item_version_ids : sequence of UUID
        Those of other organisations are left out.
    """
    _require(actor, Permission.STATISTICS_READ, Permission.ITEM_READ)
    found = {}
    for chunk in chunks(item_version_ids):
        rows = repository.codes_of_versions(session, list(chunk), organisation_id=actor.organisation)
        found.update({key: VersionName(item_id, code, number) for key, code, number, item_id in rows})
    return found


def _require(actor: Actor, *permissions: Permission) -> None:
    if not any(actor.may(permission) for permission in permissions):
        require(actor, permissions[0])
