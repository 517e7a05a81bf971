"""What the house may know of examination plans: when the plan that a batch carries out was filed."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import ExamBatch, ExamPlan


def find_filing_day(session: Session, organisation_id: uuid.UUID, exam_batch_id: uuid.UUID) -> dt.date | None:
    """Return the day on which the plan of a batch was filed.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : uuid.UUID
        Whose batch it is.
    exam_batch_id : uuid.UUID
        The batch of exam delivery.

    Returns
    -------
    datetime.date or None
        None where the batch has no plan, or a plan that is not filed yet.
    """
    query = select(ExamPlan.filed_on).join(ExamBatch, ExamBatch.exam_plan_id == ExamPlan.exam_plan_id)
    return session.scalar(
        query.where(ExamBatch.exam_batch_id == exam_batch_id, ExamBatch.organisation_id == organisation_id)
    )
