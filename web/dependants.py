"""Who builds on outlines without knowing the bank: here a higher component is announced to it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from exam_delivery import public_sessions as exam_delivery
from kernel.i18n import N_
from kernel.identity.actor import Actor
from qbank.public_changes import Affected, Dependant, register_dependant


def find_sessions(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Sequence[Affected]:
    """Return the exam sessions of a level that have not ended."""
    return [
        Affected(N_("考试场次"), one.title, one.state, "exam_sessions.detail", {"exam_session_id": one.exam_session_id})
        for one in exam_delivery.list_open_sessions(session, actor, standard_level_id)
    ]


register_dependant(Dependant("exam_delivery", find=find_sessions))
