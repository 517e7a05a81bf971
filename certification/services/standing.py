"""What certification knows about an attempt's score: whether it passes, and which certificate rests on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from certification.models import Certificate
from certification.repository import certificates as repository
from certification.rules import keys
from certification.rules.pass_decision import AssessmentMode, rounded_score
from certification.services import enterprise_levels, register
from kernel import profiles
from kernel.clock import today
from kernel.identity.actor import Actor


def theory_passes(session: Session, organisation_id: uuid.UUID, level_code: str) -> Callable[[Decimal], bool]:
    """Return what says whether a theory score of a level reaches the pass mark; a level without theory always does."""
    certified = enterprise_levels.certified_level(session, organisation_id, level_code)
    rule = keys.pass_rule(profiles.values(session, organisation_id), certified)
    mark = next((part.pass_mark for part in rule.components if part.mode is AssessmentMode.THEORY), Decimal(0))
    return lambda score: rounded_score(score, rule.rounding_unit) >= mark


def state_words(row: Certificate) -> str:
    """Return what a certificate is worth today, in words to translate."""
    return register.state_label(row, today())


def certificates_of_attempts(
    session: Session, actor: Actor, attempt_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Certificate]:
    """Return the newest certificate that rests on each of some attempts of the actor's organisation."""
    return repository.newest_of_attempts(session, attempt_ids, organisation_id=actor.organisation)
