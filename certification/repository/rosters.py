"""Reading rosters that were sent, what came back, and the organisation's filing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from certification.models import FiledScope, RosterReturn, RosterSubmission
from certification.repository.access import visible_organisations
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


def list_submissions(session: Session, batch_id: uuid.UUID) -> Sequence[RosterSubmission]:
    """Return the rounds of a batch, the newest first, without their files."""
    query = select(RosterSubmission).where(RosterSubmission.certification_batch_id == batch_id)
    return session.scalars(query.order_by(RosterSubmission.round.desc()).limit(200)).all()


def get_submission(session: Session, submission_id: uuid.UUID, *, actor: Actor) -> RosterSubmission:
    """Return a round with its file, or raise NotFoundError."""
    query = select(RosterSubmission).where(
        RosterSubmission.roster_submission_id == submission_id,
        RosterSubmission.organisation_id.in_(visible_organisations(session, actor)),
    )
    found = session.scalar(query.options(undefer(RosterSubmission.workbook_ciphertext)))
    if found is None:
        raise NotFoundError(N_("名册上报记录不存在"))
    return found


def list_returns(session: Session, submission_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[RosterReturn]]:
    """Return what came back, by round."""
    query = select(RosterReturn).where(RosterReturn.roster_submission_id.in_(submission_ids))
    found: dict[uuid.UUID, list[RosterReturn]] = {}
    for row in session.scalars(query.order_by(RosterReturn.roster_return_id)):
        found.setdefault(row.roster_submission_id, []).append(row)
    return found


def list_filed_scopes(session: Session, organisation_id: uuid.UUID) -> Sequence[FiledScope]:
    """Return what an organisation has filed, by occupation and level."""
    query = select(FiledScope).where(FiledScope.organisation_id == organisation_id)
    return session.scalars(
        query.order_by(FiledScope.occupation_code, FiledScope.trade_name, FiledScope.level_code).limit(5000)
    ).all()


def get_filed_scope(session: Session, filed_scope_id: uuid.UUID, *, actor: Actor) -> FiledScope:
    """Return an entry of the own filing, or raise NotFoundError."""
    found = session.get(FiledScope, filed_scope_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise NotFoundError(N_("备案记录不存在"))
    return found
