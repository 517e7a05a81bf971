"""Traces of answering as tables for statistics; leads, and what people decide about them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models.forensics import ForensicLead
from exam_delivery.repository import forensics as repository
from exam_delivery.repository import planning
from exam_delivery.rules import keys
from exam_delivery.rules.forensics import SHORTEST_REASON, LeadKind, LeadState, check_decision, place_of_seat
from exam_delivery.rules.scoring import ScoringKey, score_attempt
from exam_delivery.services import scoring_keys
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

MOST_IN_KEY = 2
"""Attempts that are named in the key of a lead itself."""


@dataclass(frozen=True, slots=True)
class Trace:
    """How one candidate came to the answers.

    Attributes
    ----------
    room : str
        Where it was sat; pairs are compared inside a room.
    seconds : dict of int to float
        Time spent before each slot's changes arrived, by slot.
    n_changes, n_mended : int
        Answers that were changed after they were given, and those of them from wrong to right.
    place : tuple of int or None
        Row and column of the seat by the organisation's rule of seats, seen from the front; None without a seat.
    """

    room: str
    seconds: Mapping[int, float]
    n_changes: int
    n_mended: int
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class FoundLead:
    """What statistics found about some attempts, or about a version of an item.

    More than two attempts stand in the evidence, since a key of them all would be long; their digest is the key.
    """

    kind: LeadKind
    attempt_ids: tuple[uuid.UUID, ...]
    p_value: float
    evidence: Mapping[str, Any]
    item_version_id: uuid.UUID | None = None

    @property
    def subjects(self) -> str:
        """The attempts, or the version, as one key."""
        if self.item_version_id:
            return str(self.item_version_id)
        keys = " ".join(sorted(map(str, self.attempt_ids)))
        return keys if len(self.attempt_ids) <= MOST_IN_KEY else hashlib.sha256(keys.encode()).hexdigest()

    def kept_evidence(self) -> dict[str, Any]:
        """Return the evidence, with the attempts where the key does not name them."""
        if len(self.attempt_ids) <= MOST_IN_KEY:
            return dict(self.evidence)
        return {**self.evidence, "attempts": sorted(map(str, self.attempt_ids))}


def load_traces(
    session: Session, actor: Actor, attempts: Mapping[uuid.UUID, Sequence[uuid.UUID]]
) -> dict[uuid.UUID, Trace]:
    """Return the traces of some attempts, given by form; the number of queries does not grow with the forms."""
    all_keys = scoring_keys.load_keys(session, actor.organisation, list(attempts))
    forms = {one: form_id for form_id, some in attempts.items() for one in some}
    attempt_ids = list(forms)
    people = repository.load_people(session, attempt_ids, actor=actor)
    events = repository.load_events(session, attempt_ids)
    right: dict[uuid.UUID, dict[tuple[int, str], bool]] = {form_id: {} for form_id in attempts}
    rules = profiles.values(session, actor.organisation)
    in_a_row, is_snake = int(rules[keys.SEATS_IN_A_ROW]), bool(rules[keys.SEATS_SNAKE])
    return {
        one: replace(
            _trace(people[one].room, events[one], all_keys[forms[one]], right[forms[one]]),
            place=place_of_seat(people[one].seat_number, in_a_row, is_snake=is_snake),
        )
        for one in attempt_ids
        if one in people
    }


def load_earlier_shares(
    session: Session, actor: Actor, exam_session_id: uuid.UUID, attempt_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, float]:
    """Return the share of the full marks that candidates earned the last time before, by attempt; none for most."""
    row = planning.get_session(session, exam_session_id, actor=actor)
    return repository.earlier_shares(session, row, attempt_ids, actor=actor)


def _trace(
    room: str, events: Sequence[tuple[int, str, datetime]], key: ScoringKey, right: dict[tuple[int, str], bool]
) -> Trace:
    seconds: dict[int, float] = {}
    last: dict[int, str] = {}
    n_changes = n_mended = 0
    before: datetime | None = None
    for slot, response, moment in events:
        if before is not None:
            seconds[slot] = seconds.get(slot, 0.0) + (moment - before).total_seconds()
        before = moment
        if slot in last and last[slot] != response:
            n_changes += 1
            n_mended += _is_right(key, slot, response, right) and not _is_right(key, slot, last[slot], right)
        last[slot] = response
    return Trace(room, {slot: spent for slot, spent in seconds.items() if spent > 0}, n_changes, n_mended)


def _is_right(key: ScoringKey, slot: int, response: str, known: dict[tuple[int, str], bool]) -> bool:
    """Say whether a response earns full marks; equal responses are scored once."""
    if (slot, response) not in known:
        keyed = key.find(slot)
        alone = ScoringKey(key.key_version, (keyed,), key.amendments) if keyed else None
        result = score_attempt(alone, {slot: response}, {}) if alone else None
        known[slot, response] = bool(result and result.score is not None and result.score == result.max_score)
    return known[slot, response]


def store_leads(uow: UnitOfWork, exam_session_id: uuid.UUID, form_id: uuid.UUID, leads: Sequence[FoundLead]) -> int:
    """Keep the leads of a form that are not known yet; return how many are new."""
    row = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    known = repository.known_subjects(uow.session, exam_session_id)
    fresh = [lead for lead in leads if (lead.kind, lead.subjects) not in known]
    for lead in fresh:
        uow.add(
            ForensicLead(
                forensic_lead_id=new_id(), organisation_id=row.organisation_id, exam_session_id=exam_session_id,
                form_id=form_id, kind=lead.kind, subjects=lead.subjects, p_value=lead.p_value,
                evidence=lead.kept_evidence(), state=LeadState.OPEN, found_at=now(),
            )
        )  # fmt: skip
    if fresh:
        audit.record(uow, "forensics.find", "exam_session", exam_session_id, after={"leads": len(fresh)})
    return len(fresh)


def decide(
    uow: UnitOfWork, forensic_lead_id: uuid.UUID, state: LeadState, reason: str, *, version: int
) -> ForensicLead:
    """Say what a lead is worth, or open it again; the reason stays with it.

    Raises
    ------
    InvalidInputError
        If the reason is missing.
    ConflictError
        If somebody else decided meanwhile.
    """
    require(uow.actor, Permission.SUPERVISE)
    lead = repository.get_lead(uow.session, forensic_lead_id, actor=uow.actor, lock=True)
    if lead.version != version:
        raise ConflictError(N_("这条线索刚刚被别人处理过，请刷新后再看"))
    check_decision(lead.state, state)
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明依据，至少 5 个字")
        raise InvalidInputError(message, fields={"reason": [message]})
    before = lead.state
    lead.state, lead.reason = state, reason.strip()[:2000]
    is_open = state is LeadState.OPEN
    lead.decided_by, lead.decided_at = (None, None) if is_open else (uow.actor.user_id, now())
    audit.record(
        uow, "forensics.decide", "forensic_lead", forensic_lead_id,
        before={"state": before.value}, after={"state": state.value},
    )  # fmt: skip
    return lead
