"""Candidates of a session without a registration photo: what the rules make of it, and what it is needed for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession
from exam_delivery.repository import candidates
from exam_delivery.rules import readiness_keys as keys
from exam_delivery.rules.door_photos import DoorPhotoRule
from exam_delivery.services import door_photos
from kernel import profiles
from kernel.i18n import N_
from kernel.identity.actor import Actor

MISSING = N_("缺报名照片 %(n)s 人")
MISSING_AT_DOOR = N_("缺报名照片 %(n)s 人；本场次入场时拍照，没有报名照片就只能与证件比对")


@dataclass(frozen=True, slots=True)
class PhotoGap:
    """How many have no photo, in words; `blocks` says that the readiness of rooms does not pass with it."""

    n: int
    message: str
    blocks: bool


def find_gap(session: Session, actor: Actor, row: ExamSession) -> PhotoGap | None:
    """Return what is missing; nothing where everybody has a photo or the rules do not ask."""
    policy = profiles.value(session, actor.organisation, keys.REGISTRATION_PHOTOS)
    if policy == keys.GATE_OFF:
        return None
    n = candidates.count_without_photo(session, row.exam_session_id, actor=actor)
    if not n:
        return None
    is_compared = door_photos.rule_for(session, row) is not DoorPhotoRule.OFF
    return PhotoGap(n, MISSING_AT_DOOR if is_compared else MISSING, blocks=policy == keys.PHOTOS_REQUIRED)
