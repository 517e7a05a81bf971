"""What other components may use of the bank's changes: editions, wrong items, approvals of banks.

Blueprints announce themselves as dependants of outlines and ask here what holds; reports of wrong items come in here from
exam rooms and markers; rescoring reads the corrections.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.repository import corrections as correction_repository
from qbank.repository import editions as edition_repository
from qbank.rules.corrections import ReportSource as ReportSource
from qbank.services import corrections as correction_services
from qbank.services.bank_report import refuse_unapproved as refuse_unapproved
from qbank.services.bank_report import unapproved_policy as unapproved_policy
from qbank.services.corrections import Report as Report
from qbank.services.dependants import Affected as Affected
from qbank.services.dependants import Capacity as Capacity
from qbank.services.dependants import Dependant as Dependant
from qbank.services.dependants import Draft as Draft
from qbank.services.dependants import EditionChange as EditionChange
from qbank.services.dependants import register_dependant as register_dependant
from qbank.services.edition_apply import EditionState as EditionState
from qbank.services.edition_apply import edition_state as edition_state
from qbank.services.edition_apply import refuse_old_edition as refuse_old_edition


def find_outside_edition(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, item_version_ids: Sequence[uuid.UUID]
) -> list[str]:
    """Return the codes of items whose version has no point in a level's edition: no form may hold them.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Sees the own organisation only.
    standard_level_id : UUID
        The level of the form.
    item_version_ids : sequence of UUID
        What the form holds.
    """
    return edition_repository.codes_outside(session, standard_level_id, item_version_ids, actor=actor)


def report_error(uow: UnitOfWork, report: Report) -> str:
    """Open a correction case for a report from an exam room, a marker or staff; return the case's code.

    Parameters
    ----------
    uow : UnitOfWork
        The actor invigilates, marks, or reads items or scores.
    report : Report
        Source, text, and what is known of item, version and place.
    """
    return correction_services.report_error(uow, report).code


def report_by_statistics(uow: UnitOfWork, reports: Sequence[Report]) -> int:
    """Open a correction case for each version that statistics hold to be wrong; return how many were opened.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction that keeps the statistics.
    reports : sequence of Report
        With `item_version_id`; versions of other organisations and versions with an open case are left out.
    """
    return correction_services.report_by_statistics(uow, reports)


@dataclass(frozen=True, slots=True)
class CorrectionInfo:
    """A correction that took effect: `new_version_id` is None for a retirement, `change` names what changed."""

    item_correction_id: uuid.UUID
    item_id: uuid.UUID
    old_version_id: uuid.UUID
    new_version_id: uuid.UUID | None
    change: str
    case_code: str
    corrected_at: datetime


def list_corrections(session: Session, actor: Actor, since: datetime | None = None) -> list[CorrectionInfo]:
    """Return the corrections of items of the actor's organisation, oldest first; rescoring works through them.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ, SCORE_READ or SCORE_RELEASE.
    since : datetime, optional
        Only corrections from this moment on.

    Returns
    -------
    list of CorrectionInfo
        At most a thousand; go on from the last one's `corrected_at`.
    """
    if not any(actor.may(p) for p in (Permission.ITEM_READ, Permission.SCORE_READ, Permission.SCORE_RELEASE)):
        require(actor, Permission.ITEM_READ)
    rows = correction_repository.list_corrections(session, organisation_id=actor.organisation, since=since)
    return [
        CorrectionInfo(
            row.item_correction_id, row.item_id, row.old_version_id, row.new_version_id, row.change,
            str(row.details.get("case", "")), row.corrected_at,
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class QuarantineInfo:
    """An item that no new form may take."""

    item_id: uuid.UUID
    code: str
    reason: str
    since: datetime


def find_quarantined(
    session: Session, actor: Actor, item_ids: Sequence[uuid.UUID] | None = None
) -> dict[uuid.UUID, QuarantineInfo]:
    """Return the items in quarantine: all of the actor's organisation, or those among some items."""
    rows = correction_repository.quarantined(session, organisation_id=actor.organisation, item_ids=item_ids)
    return {held.item_id: QuarantineInfo(held.item_id, code, held.reason, held.set_at) for held, code in rows}
