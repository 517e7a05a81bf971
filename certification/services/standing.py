"""What certification knows about an attempt's score: whether it passes, and which certificate rests on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from certification.models import Certificate
from certification.repository import batches
from certification.repository import certificates as repository
from certification.rules import keys
from certification.rules.pass_decision import OUTCOME_LABELS, AssessmentMode, rounded_score
from certification.services import decisions, enterprise_levels, register
from kernel import profiles
from kernel.clock import today
from kernel.identity.actor import Actor


def theory_passes(session: Session, organisation_id: uuid.UUID, level_code: str) -> Callable[[Decimal], bool]:
    """Return what says whether a theory score of a level reaches the pass mark; a level without theory always does."""
    certified = enterprise_levels.certified_level(session, organisation_id, level_code)
    rule = keys.pass_rule(profiles.values(session, organisation_id), certified)
    mark = next((part.pass_mark for part in rule.components if part.mode is AssessmentMode.THEORY), Decimal(0))
    return lambda score: rounded_score(score, rule.rounding_unit) >= mark


def try_scores(session: Session, actor: Actor, scores: Mapping[uuid.UUID, Decimal]) -> dict[uuid.UUID, tuple[str, str]]:
    """Return the decision about each known attempt's candidate, as it is and with another theory score, in words to translate.

    The other components and the weighted total count as they would in a decision; attempts that were never handed over are left out.
    """
    found: dict[uuid.UUID, tuple[str, str]] = {}
    for batch, records in batches.batches_of_attempts(
        session, list(scores), organisation_id=actor.organisation
    ).items():
        wanted = {one: scores[one.attempt_id] for one in records if one.attempt_id is not None}
        for record, (before, after) in decisions.try_theory(session, batch, wanted).items():
            if record.attempt_id is not None:
                found[record.attempt_id] = OUTCOME_LABELS[before], OUTCOME_LABELS[after]
    return found


def state_words(row: Certificate) -> str:
    """Return what a certificate is worth today, in words to translate."""
    return register.state_label(row, today())


def certificates_of_attempts(
    session: Session, actor: Actor, attempt_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Certificate]:
    """Return the newest certificate that rests on each of some attempts of the actor's organisation."""
    return repository.newest_of_attempts(session, attempt_ids, organisation_id=actor.organisation)
