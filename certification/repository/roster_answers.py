"""Reading rosters that came back as files."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from certification.models import AnswerFileStatus, RosterAnswerFile
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


def get_answer(session: Session, answer_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> RosterAnswerFile:
    """Return a returned file of the own organisation with its content, or raise NotFoundError."""
    query = select(RosterAnswerFile).where(
        RosterAnswerFile.roster_answer_file_id == answer_id,
        RosterAnswerFile.organisation_id == actor.organisation,
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query.options(undefer(RosterAnswerFile.ciphertext)))
    if found is None:
        raise NotFoundError(N_("退回名册文件不存在"))
    return found


def list_waiting(session: Session, submission_id: uuid.UUID) -> Sequence[RosterAnswerFile]:
    """Return the files of a round that wait for a decision, the newest first."""
    query = select(RosterAnswerFile).where(
        RosterAnswerFile.roster_submission_id == submission_id,
        RosterAnswerFile.status == AnswerFileStatus.PREVIEWED,
    )
    return session.scalars(query.order_by(RosterAnswerFile.uploaded_at.desc()).limit(20)).all()
