"""Deciding who has passed, by the rule profile."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, PassDecisionRecord, ResultRecord
from certification.repository import batches as repository
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import (
    AssessmentMode,
    ComponentResult,
    PassDecision,
    PassOutcome,
    PassRule,
    ResultState,
    decide,
    pass_rule_from_profile,
)
from certification.services import batches, part_scores
from kernel import audit, profiles
from kernel.clock import now
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def decide_batch(uow: UnitOfWork, batch_id: uuid.UUID) -> batches.Balance:
    """Decide every candidate of a checked batch, lock the scores, and return the balance."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    profile = keys.pass_profile(
        profiles.values(uow.session, batch.organisation_id), batch.level_code, batch.occupation_code
    )
    rule = pass_rule_from_profile(profile)
    numbers = score_repository.current_decisions(uow.session, batch_id)
    scores = score_repository.counting_scores(uow.session, batch_id)
    carried = part_scores.reasons_of(uow.session, batch_id)
    for record in repository.list_records(uow.session, batch_id):
        decision = _decide_one(rule, scores, record)
        record.outcome = decision.outcome
        previous = numbers.get(record.result_record_id)
        uow.add(_row(uow, record, decision, profile, number=previous.number + 1 if previous else 1, carried=carried))
    batches.advance(uow, batch, BatchState.DECIDED)
    balance = batches.balance_of(uow.session, batch)
    after = {outcome.value: number for outcome, number in balance.outcomes.items()}
    audit.record(uow, "certification.decide", "certification_batch", batch_id, after=after)
    return balance


def decide_again(
    uow: UnitOfWork, batch: CertificationBatch, records: Sequence[ResultRecord]
) -> list[tuple[ResultRecord, PassDecision]]:
    """Add a decision about some candidates after their scores were corrected; their outcome is left to the caller."""
    profile = keys.pass_profile(
        profiles.values(uow.session, batch.organisation_id), batch.level_code, batch.occupation_code
    )
    rule = pass_rule_from_profile(profile)
    numbers = score_repository.current_decisions(uow.session, batch.certification_batch_id)
    scores = score_repository.counting_scores(uow.session, batch.certification_batch_id)
    carried = part_scores.reasons_of(uow.session, batch.certification_batch_id)
    found = []
    for record in records:
        decision = _decide_one(rule, scores, record)
        previous = numbers.get(record.result_record_id)
        uow.add(_row(uow, record, decision, profile, number=previous.number + 1 if previous else 1, carried=carried))
        found.append((record, decision))
    return found


def _decide_one(rule: PassRule, scores: score_repository.ScoresOfBatch, record: ResultRecord) -> PassDecision:
    return decide(rule, _results(rule, scores, record))


def _results(rule: PassRule, scores: score_repository.ScoresOfBatch, record: ResultRecord) -> list[ComponentResult]:
    required = {part.mode for part in rule.components} | rule.routes
    held = scores.get(record.result_record_id, {})
    return [ComponentResult(m, s.state, s.score) for m, s in held.items() if m in required]


def try_theory(
    session: Session, batch: CertificationBatch, records: Mapping[ResultRecord, Decimal]
) -> dict[ResultRecord, tuple[PassOutcome, PassOutcome]]:
    """Return what the rules of today say of some candidates as they are, and with another theory score; nothing is kept."""
    rule = rule_of(session, batch)
    scores = score_repository.counting_scores(session, batch.certification_batch_id)
    found = {}
    for record, theory in records.items():
        results = _results(rule, scores, record)
        renewed = [replace(one, score=theory) if _is_theory(one) else one for one in results]
        found[record] = decide(rule, results).outcome, decide(rule, renewed).outcome
    return found


def _is_theory(result: ComponentResult) -> bool:
    return result.mode is AssessmentMode.THEORY and result.state is ResultState.SCORED


def _row(
    uow: UnitOfWork,
    record: ResultRecord,
    decision: PassDecision,
    profile: dict[str, Any],
    *,
    number: int,
    carried: Mapping[uuid.UUID, list[list[Any]]],
) -> PassDecisionRecord:
    return PassDecisionRecord(
        organisation_id=record.organisation_id,
        certification_batch_id=record.certification_batch_id,
        result_record_id=record.result_record_id,
        number=number,
        outcome=decision.outcome,
        reasons=[
            *([r.about, r.code, r.message, dict(r.values)] for r in decision.reasons),
            *carried.get(record.result_record_id, ()),
        ],
        rule=profile,
        decided_by=uow.actor.name[:100],
        decided_at=now(),
    )


def rule_of(session: Session, batch: CertificationBatch) -> PassRule:
    """Return the rule that holds for a batch today."""
    return keys.pass_rule(profiles.values(session, batch.organisation_id), batch.level_code, batch.occupation_code)
