"""Letting answers count that came by a rescue file or too late: one way, whoever decided it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamSession, SessionStatus
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import merging as repository
from exam_delivery.rules.merging import GivenAnswer
from exam_delivery.rules.receipts import is_answered, make_receipt
from exam_delivery.services.reach import check_seat_in_reach
from exam_delivery.services.scoring import SCORABLE, enqueue_scoring
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def open_seat(session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, actor: Actor) -> Attempt:
    """Return the attempt of a candidate in the actor's reach; raises NotFoundError."""
    require(actor, Permission.SESSION_INVIGILATE)
    check_seat_in_reach(session, exam_session_id, registration_id, actor=actor)
    seat = attempts_repository.get_seat(session, registration_id, actor=actor)
    attempt = session.get(Attempt, seat.attempt_id) if seat.attempt_id else None
    if attempt is None:
        raise NotFoundError(N_("考生还没有备卷，请联系考务管理员"))
    return attempt


def count(uow: UnitOfWork, attempt: Attempt, answers: Sequence[GivenAnswer], at: datetime) -> None:
    """Let answers count: the states advance, and the receipt of one who has handed in covers them too."""
    if not answers:
        return
    for answer in answers:
        repository.advance(uow.session, attempt.attempt_id, answer, at)
        uow.flush()  # the next answer may be of the same slot
    responses = attempts_repository.responses_of(uow.session, [attempt.attempt_id])[attempt.attempt_id]
    attempt.n_answered = sum(map(is_answered, responses.values()))
    if attempt.submitted_at is not None:
        number = attempts_repository.admission_numbers(uow.session, [attempt])[attempt.registration_id]
        attempt.receipt = make_receipt(responses, number, attempt.submitted_at)


def count_late(
    uow: UnitOfWork, attempt: Attempt, sitting: ExamSession, answers: Sequence[GivenAnswer], at: datetime
) -> None:
    """Let answers count that were decided about after the end; a session that was scored is scored again."""
    count(uow, attempt, answers, at)
    if sitting.status in SCORABLE:
        enqueue_scoring(uow, sitting)


def check_countable(attempt: Attempt) -> None:
    """Refuse to let answers of a voided attempt count."""
    if attempt.registration_id is None:
        raise ConflictError(N_("这份作答已因换卷作废，迟到的答案只能留作证据，请裁定为不计入"))


def check_unreleased(sitting: ExamSession) -> None:
    """Refuse a decision about answers once results are out."""
    if sitting.status is SessionStatus.RELEASED:
        raise ConflictError(N_("成绩已发布，请通过成绩复核处理；迟到的答案仍然保存"))


def check_reason(reason: str) -> None:
    """Refuse a decision without words."""
    if not reason.strip():
        raise InvalidInputError(N_("请写明裁定的理由"), fields={"reason": [N_("请写明裁定的理由")]})
