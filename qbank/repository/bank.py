"""Rows for the report on a bank, approvals of banks, and the list of banks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from kernel.clock import day_of
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from qbank.models.approvals import BankApproval
from qbank.models.corrections import ItemQuarantine
from qbank.models.curation import CurationRun, ItemPair, ItemStatistics
from qbank.models.items import Item, ItemPoint, ItemVersion, ReviewDecision
from qbank.models.standards import AssessmentPoint
from qbank.rules.bank_approval import ApprovalState
from qbank.rules.bank_report import ItemRow
from qbank.rules.items import ItemStatus
from qbank.rules.pairs import PairOrigin, PairState


@dataclass(frozen=True, slots=True)
class LevelCount:
    """What the list of banks says of a level."""

    n_items: int
    n_in_use: int
    last_changed: datetime | None


def item_rows(session: Session, level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> list[ItemRow]:
    """Return every item with a first point in a level: its approved version's, else its current one's."""
    counting = func.coalesce(Item.approved_version_id, Item.current_version_id)
    reviewed = select(ReviewDecision.item_version_id).distinct().subquery()
    measured = select(ItemStatistics.item_version_id).where(ItemStatistics.n > 0).distinct().subquery()
    query = (
        select(
            Item, AssessmentPoint.full_code, ItemVersion.type, ItemVersion.difficulty, ItemVersion.created_at,
            reviewed.c.item_version_id, measured.c.item_version_id, ItemQuarantine.item_id,
        )
        .join(ItemVersion, ItemVersion.item_version_id == counting)
        .join(ItemPoint, and_(ItemPoint.item_version_id == counting, ItemPoint.position == 0))
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .outerjoin(reviewed, reviewed.c.item_version_id == counting)
        .outerjoin(measured, measured.c.item_version_id == counting)
        .outerjoin(ItemQuarantine, ItemQuarantine.item_id == Item.item_id)
        .where(
            Item.organisation_id == organisation_id,
            Item.removed_at.is_(None),
            AssessmentPoint.standard_level_id == level_id,
        )
        .order_by(Item.code)
    )  # fmt: skip
    return [
        _item_row(item, point, (kind, difficulty), created_at, (is_reviewed, is_measured, is_held))
        for item, point, kind, difficulty, created_at, is_reviewed, is_measured, is_held in session.execute(query)
    ]


def _item_row(
    item: Item,
    point: str,
    version: tuple[str, int | None],
    created_at: datetime,
    marks: tuple[object, object, object],
) -> ItemRow:
    is_in_use = item.approved_version_id is not None and item.status is not ItemStatus.RETIRED
    return ItemRow(
        code=item.code, type=version[0], difficulty=version[1], status=item.status,
        is_in_use=is_in_use and marks[2] is None, point=point, digest=item.content_digest,
        is_reviewed=marks[0] is not None, approved_on=day_of(created_at) if is_in_use else None, n_used=item.n_used,
        has_statistics=marks[1] is not None, is_quarantined=marks[2] is not None,
    )  # fmt: skip


def count_near_pairs(session: Session, level_id: uuid.UUID) -> int:
    """Return how many pairs of equal or near items of a level nobody has cleared up."""
    query = select(func.count()).where(
        ItemPair.standard_level_id == level_id,
        ItemPair.origin.in_([PairOrigin.EXACT, PairOrigin.NEAR]),
        ItemPair.state.in_([PairState.OPEN, PairState.DUPLICATE]),
    )
    return session.scalar(query) or 0


def curation_runs(session: Session, level_id: uuid.UUID) -> dict[str, CurationRun]:
    """Return the latest whole checks of a level by kind: rules of writing (lint), near-duplicates."""
    query = select(CurationRun).where(CurationRun.standard_level_id == level_id)
    return {run.kind: run for run in session.scalars(query)}


def level_counts(session: Session, *, actor: Actor) -> dict[uuid.UUID, LevelCount]:
    """Return items, items in use and the last change of every level with items."""
    in_use = and_(Item.approved_version_id.is_not(None), Item.status != ItemStatus.RETIRED)
    query = (
        select(
            Item.standard_level_id, func.count(), func.count().filter(in_use), func.max(Item.updated_at)
        )
        .where(Item.organisation_id == actor.organisation, Item.removed_at.is_(None))
        .group_by(Item.standard_level_id)
    )  # fmt: skip
    return {row[0]: LevelCount(row[1], row[2], row[3]) for row in session.execute(query)}


def type_counts(session: Session, *, actor: Actor) -> dict[uuid.UUID, dict[str, int]]:
    """Return items in use by type of every level."""
    query = (
        select(Item.standard_level_id, Item.type, func.count())
        .where(
            Item.organisation_id == actor.organisation,
            Item.removed_at.is_(None),
            Item.approved_version_id.is_not(None),
            Item.status != ItemStatus.RETIRED,
        )
        .group_by(Item.standard_level_id, Item.type)
    )
    found: dict[uuid.UUID, dict[str, int]] = {}
    for level_id, kind, n in session.execute(query):
        found.setdefault(level_id, {})[kind] = n
    return found


# --- approvals -------------------------------------------------------------------------------------------------------


def list_approvals(session: Session, level_id: uuid.UUID, *, actor: Actor) -> Sequence[BankApproval]:
    """Return the proposals for a level, newest first."""
    query = select(BankApproval).where(
        BankApproval.standard_level_id == level_id, BankApproval.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(BankApproval.proposed_at.desc()).limit(100)).all()


def standing_approval(session: Session, level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> BankApproval | None:
    """Return the approval under which a level's bank is in use, if any."""
    query = select(BankApproval).where(
        BankApproval.standard_level_id == level_id,
        BankApproval.organisation_id == organisation_id,
        BankApproval.state == ApprovalState.APPROVED,
    )
    return session.scalar(query.order_by(BankApproval.decided_at.desc()).limit(1))


def standing_approvals(session: Session, *, actor: Actor) -> dict[uuid.UUID, BankApproval]:
    """Return all approvals under which banks of the organisation are in use, by level."""
    query = select(BankApproval).where(
        BankApproval.organisation_id == actor.organisation, BankApproval.state == ApprovalState.APPROVED
    )
    return {row.standard_level_id: row for row in session.scalars(query.order_by(BankApproval.decided_at))}


def lock_approval(session: Session, approval_id: uuid.UUID, *, actor: Actor) -> BankApproval:
    """Return a proposal after locking its row; raises NotFoundError."""
    query = select(BankApproval).where(
        BankApproval.bank_approval_id == approval_id, BankApproval.organisation_id == actor.organisation
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("题库启用申请不存在"))
    return found


def count_proposed(session: Session, *, actor: Actor) -> int:
    """Return how many proposals of other people wait for a decision."""
    query = select(func.count()).where(
        BankApproval.organisation_id == actor.organisation,
        BankApproval.state == ApprovalState.PROPOSED,
        BankApproval.proposed_by.is_distinct_from(actor.user_id),
    )
    return session.scalar(query) or 0
