"""Finding correction cases, their steps, corrections and items in quarantine."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import Role
from qbank.models.corrections import CorrectionCase, CorrectionStep, ItemCorrection, ItemQuarantine, PublicReport
from qbank.models.items import Item, ItemVersion
from qbank.repository.standards import like_pattern
from qbank.rules.corrections import OPEN_STATES, CaseState, ReportSource

MAX_ROWS = 1000


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list of cases is narrowed by; without a state all open ones and the closed are shown."""

    search: str = ""
    state: CaseState | None = None
    source: ReportSource | None = None
    assigned_to: uuid.UUID | None = None
    item_id: uuid.UUID | None = None
    only_open: bool = False


def get_case(session: Session, case_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> CorrectionCase:
    """Return a case, after locking its row if asked; raises NotFoundError."""
    query = select(CorrectionCase).where(
        CorrectionCase.correction_case_id == case_id, CorrectionCase.organisation_id == actor.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("更正案不存在"))
    return found


def list_cases(
    session: Session, *, actor: Actor, wanted: CaseFilter, page: int = 1, per_page: int = 50
) -> tuple[list[tuple[CorrectionCase, str]], int]:
    """Return one page of cases with the codes of their items, the newest first, and the total."""
    query = _cases(actor, wanted)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    with_code = query.add_columns(Item.code).order_by(CorrectionCase.reported_at.desc())
    rows = session.execute(with_code.limit(per_page).offset((page - 1) * per_page))
    return [(row[0], row[1] or "") for row in rows], total


def _cases(actor: Actor, wanted: CaseFilter) -> Select[CorrectionCase]:
    query = (
        select(CorrectionCase)
        .outerjoin(Item, Item.item_id == CorrectionCase.item_id)
        .where(CorrectionCase.organisation_id == actor.organisation)
    )
    if wanted.search:
        pattern = like_pattern(wanted.search)
        columns = (CorrectionCase.code, CorrectionCase.text, CorrectionCase.place, Item.code)
        query = query.where(or_(*(column.ilike(pattern, escape="\\") for column in columns)))
    equal = {
        CorrectionCase.state: wanted.state,
        CorrectionCase.source: wanted.source,
        CorrectionCase.assigned_to: wanted.assigned_to,
        CorrectionCase.item_id: wanted.item_id,
    }
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    return query.where(CorrectionCase.state.in_(OPEN_STATES)) if wanted.only_open else query


def has_open_case(session: Session, item_version_id: uuid.UUID) -> bool:
    """Say whether somebody is at work on a case of this version."""
    query = select(CorrectionCase.correction_case_id).where(
        CorrectionCase.item_version_id == item_version_id, CorrectionCase.state.in_(OPEN_STATES)
    )
    return session.scalar(query.limit(1)) is not None


def count_cases(session: Session, *, actor: Actor, wanted: CaseFilter) -> int:
    """Return how many cases a filter finds."""
    return session.scalar(select(func.count()).select_from(_cases(actor, wanted).subquery())) or 0


def list_steps(session: Session, case_id: uuid.UUID) -> Sequence[CorrectionStep]:
    """Return the steps of a case, oldest first."""
    query = select(CorrectionStep).where(CorrectionStep.correction_case_id == case_id)
    return session.scalars(query.order_by(CorrectionStep.made_at, CorrectionStep.correction_step_id)).all()


def find_correction(session: Session, case_id: uuid.UUID) -> ItemCorrection | None:
    """Return the correction in which a case ended, if any."""
    return session.scalar(select(ItemCorrection).where(ItemCorrection.correction_case_id == case_id))


def find_same_correction(
    session: Session, item_id: uuid.UUID, old_version_id: uuid.UUID, new_version_id: uuid.UUID | None
) -> ItemCorrection | None:
    """Return the correction that already says the same of an item, if any."""
    query = select(ItemCorrection).where(
        ItemCorrection.item_id == item_id,
        ItemCorrection.old_version_id == old_version_id,
        ItemCorrection.new_version_id == new_version_id if new_version_id else ItemCorrection.new_version_id.is_(None),
    )
    return session.scalar(query.limit(1))


def list_corrections(
    session: Session, *, organisation_id: uuid.UUID, since: datetime | None
) -> Sequence[ItemCorrection]:
    """Return corrections from a moment on, oldest first."""
    query = select(ItemCorrection).where(ItemCorrection.organisation_id == organisation_id)
    if since is not None:
        query = query.where(ItemCorrection.corrected_at >= since)
    ordered = query.order_by(ItemCorrection.corrected_at, ItemCorrection.item_correction_id)
    return session.scalars(ordered.limit(MAX_ROWS)).all()


def find_item(session: Session, code: str, *, actor: Actor) -> Item | None:
    """Return the item of the organisation with a code, if any."""
    return session.scalar(
        select(Item).where(Item.organisation_id == actor.organisation, Item.code == code, Item.removed_at.is_(None))
    )


def find_version(session: Session, version_id: uuid.UUID) -> ItemVersion | None:
    """Return a version; the caller has checked the walls of its item."""
    return session.get(ItemVersion, version_id)


# --- quarantine ------------------------------------------------------------------------------------------------------


def find_quarantine(session: Session, item_id: uuid.UUID) -> ItemQuarantine | None:
    """Return an item's quarantine, if it is in one."""
    return session.get(ItemQuarantine, item_id)


def quarantined(
    session: Session, *, organisation_id: uuid.UUID, item_ids: Sequence[uuid.UUID] | None = None
) -> list[tuple[ItemQuarantine, str]]:
    """Return items in quarantine with their codes: all of an organisation, or those of some items."""
    query = (
        select(ItemQuarantine, Item.code)
        .join(Item, Item.item_id == ItemQuarantine.item_id)
        .where(ItemQuarantine.organisation_id == organisation_id)
        .order_by(Item.code)
    )
    wanted = set(item_ids) if item_ids is not None else None
    rows = session.execute(query.limit(MAX_ROWS))
    return [(row[0], row[1]) for row in rows if wanted is None or row[0].item_id in wanted]


# --- people and floods -----------------------------------------------------------------------------------------------


def list_editors(session: Session, *, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return who may be given a case, by name."""
    query = (
        select(User.user_id, User.name)
        .join(UserRole, UserRole.user_id == User.user_id)
        .where(User.organisation_id == actor.organisation, User.is_active, UserRole.role == Role.EDITOR)
        .order_by(User.name)
    )
    return [(row[0], row[1]) for row in session.execute(query.limit(500))]


def count_public_reports(session: Session, subject: str, *, since: datetime) -> int:
    """Forget old reports of the open form, and return how many a subject sent since a moment."""
    session.execute(delete(PublicReport).where(PublicReport.at < since))
    query = select(func.count()).where(PublicReport.subject == subject, PublicReport.at >= since)
    return session.scalar(query) or 0
