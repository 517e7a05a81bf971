"""What statistics over several sessions may read: the analyses of a level, session by session."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, SessionAnalysis
from exam_delivery.repository import analyses as repository
from exam_delivery.repository import planning
from exam_delivery.repository.analyses import AnalysedLevel as AnalysedLevel
from exam_delivery.repository.analyses import FormTrend as FormTrend
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission

MOST = 400
"""Analyses of one level that a calculation looks at: years of sessions."""


def level_of_session(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> uuid.UUID:
    """Return the level that the candidates of a session are examined for.

    Raises
    ------
    NotFoundError
        If there is no such session in the actor's organisation.
    """
    row = planning.get_session(session, exam_session_id, actor=actor)
    return planning.get_batch(session, row.exam_batch_id, actor=actor).standard_level_id


def list_analysed_levels(session: Session, actor: Actor) -> list[AnalysedLevel]:
    """Return the levels of which sessions of the actor's organisation have been analysed.

    Raises
    ------
    ForbiddenError
        Without STATISTICS_READ.
    """
    require(actor, Permission.STATISTICS_READ)
    return repository.analysed_levels(session, actor=actor)


def list_trends(session: Session, actor: Actor, standard_level_id: uuid.UUID, *, limit: int = MOST) -> list[FormTrend]:
    """Return what the newest analyses of a level's sessions say of whole forms, the latest session first.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STATISTICS_READ; sees the own organisation only.
    standard_level_id : UUID
    limit : int
    """
    require(actor, Permission.STATISTICS_READ)
    return repository.trends_of_level(session, standard_level_id, actor=actor, limit=limit)


def list_level_analyses(
    session: Session, actor: Actor, standard_level_id: uuid.UUID
) -> list[tuple[ExamSession, SessionAnalysis]]:
    """Return the newest analyses of a level's sessions, the earliest session first.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STATISTICS_READ; sees the own organisation only.
    standard_level_id : UUID
    """
    require(actor, Permission.STATISTICS_READ)
    return repository.newest_of_level(session, standard_level_id, actor=actor, limit=MOST)
