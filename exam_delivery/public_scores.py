"""What statistics about a form may know of its marks."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from exam_delivery.repository import form_scores


def form_scores_without_names(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> list[float]:
    """Return the marks of all scored attempts at a form in an organisation.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose walls hold.
    form_id : UUID

    Returns
    -------
    list of float
        One for each handed-in attempt of an admitted candidate that is wholly scored; no order, no keys.
    """
    return form_scores.scores_of_form(session, organisation_id, form_id)
