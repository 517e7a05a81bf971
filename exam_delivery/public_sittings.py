"""Where and when people sat, for early warnings: the address of the last device, the site, begin and end."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamRoom, Registration

CHUNK = 500


@dataclass(frozen=True, slots=True)
class SittingInfo:
    """One sitting that began; `address` is empty where the device is not known."""

    attempt_id: uuid.UUID
    address: str
    site: str
    started_at: dt.datetime
    ended_at: dt.datetime | None


def find_sittings(
    session: Session, organisation_id: uuid.UUID, attempt_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, SittingInfo]:
    """Return the sittings that began among some attempts of an organisation."""
    found: dict[uuid.UUID, SittingInfo] = {}
    for start in range(0, len(attempt_ids), CHUNK):
        query = (
            select(Attempt.attempt_id, Attempt.device, ExamRoom.site, Attempt.started_at, Attempt.submitted_at)
            .join(Registration, Registration.registration_id == Attempt.registration_id)
            .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
            .where(
                Attempt.attempt_id.in_(attempt_ids[start : start + CHUNK]),
                Attempt.organisation_id == organisation_id,
                Attempt.started_at.is_not(None),
            )
        )
        for key, device, site, started_at, ended_at in session.execute(query):
            if started_at is not None:
                found[key] = SittingInfo(key, device.partition(" ")[0], site or "", started_at, ended_at)
    return found
