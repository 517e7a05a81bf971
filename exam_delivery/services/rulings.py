"""Rulings about results: proposed with reason and evidence by one person, decided by another, reversed by an appeal.

While the scores are not released the session's state follows; afterwards the batch hands over a correction. The answers
and score versions stay as they were: a ruling says what counts, never what was written.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import Candidate, Registration, RegistrationStatus, ResultRuling, SessionStatus
from exam_delivery.repository import attempts_planning, candidates, planning
from exam_delivery.repository import rulings as repository
from exam_delivery.rules import rulings as rules
from exam_delivery.rules.rulings import RulingKind, RulingScope, RulingState
from exam_delivery.rules.states import FINISHED
from exam_delivery.services import personal, release, scoring
from exam_delivery.services.misconduct import DecidedCase, decided_misconduct
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE, now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SHORTEST_FACTS = 10
LONGEST_TEXT = 2000
MAX_SESSIONS = 60
ALREADY = N_("此人已有处理决定 %(code)s，请先办结")


@dataclass(frozen=True, slots=True)
class RulingProposal:
    """What is proposed about a registration; `evidence` is a file, name and bytes."""

    kind: str
    facts: str
    tier: int | None = None
    evidence: tuple[str, bytes] | None = None
    source_key: str | None = None


def propose(uow: UnitOfWork, registration_id: uuid.UUID, proposal: RulingProposal) -> ResultRuling:
    """Propose a ruling; nothing counts until another person has decided.

    Raises
    ------
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If a ruling about the same registration is open or in force.
    """
    require(uow.actor, Permission.SCORE_RELEASE)
    registration = candidates.get_registration(uow.session, registration_id, actor=uow.actor)
    n_before = repository.lock_numbers(uow.session, uow.actor.organisation)
    _check(uow, registration, proposal)
    ruling = _new_ruling(uow, registration, proposal, f"CL-{now().astimezone(OFFICIAL_ZONE).year}-{n_before + 1:05d}")
    uow.add(ruling)
    uow.flush()  # the audit names it
    after = {"code": ruling.code, "kind": ruling.kind.value, "tier": ruling.tier, "scope": ruling.scope.value}
    audit.record(uow, "ruling.propose", "result_ruling", ruling.result_ruling_id, after=after)
    return ruling


def cases_without_ruling(session: Session, actor: Actor) -> list[tuple[DecidedCase, Candidate]]:
    """Return the decided misconduct cases of sessions that are over and have no ruling yet, with the person."""
    sittings, _total = planning.list_sessions(session, actor=actor, statuses=sorted(FINISHED), per_page=MAX_SESSIONS)
    found = []
    for row, _batch in sittings:
        for case in decided_misconduct(session, row.exam_session_id):
            if not repository.has_source(session, case.source_key, actor=actor):
                registration = candidates.get_registration(session, case.registration_id, actor=actor)
                found.append((case, candidates.get_candidate(session, registration.candidate_id, actor=actor)))
    return found


def take_over(uow: UnitOfWork, registration_id: uuid.UUID) -> ResultRuling:
    """Propose the ruling that follows from a decided misconduct case; its decider counts as who proposed it.

    Raises
    ------
    ConflictError
        If there is no decided case, or it has its ruling.
    """
    require(uow.actor, Permission.SCORE_RELEASE)
    for case, _candidate in cases_without_ruling(uow.session, uow.actor):
        if case.registration_id == registration_id:
            facts = f"{case.facts}（违纪案 {case.code}，签字：{'、'.join(case.signed_by)}；认定：{case.reason}）"
            proposal = RulingProposal(RulingKind.MISCONDUCT.value, facts, case.tier, source_key=case.source_key)
            ruling = propose(uow, registration_id, proposal)
            ruling.proposed_by, ruling.proposed_by_name = case.decided_by, case.decided_by_name
            return ruling
    raise ConflictError(N_("没有等待处理决定的违纪案"))


def _check(uow: UnitOfWork, registration: Registration, proposal: RulingProposal) -> None:
    problems: dict[str, list[str]] = {}
    if proposal.kind not in set(RulingKind):
        problems["kind"] = [N_("请选择处理种类")]
    if proposal.kind == RulingKind.MISCONDUCT and proposal.tier not in rules.TIERS:
        problems["tier"] = [N_("违纪违规请选择类别")]
    if len(proposal.facts.strip()) < SHORTEST_FACTS:
        problems["facts"] = [N_("请写明事实和依据，至少 10 个字")]
    if proposal.kind == RulingKind.EXCUSED and _has_sat(uow.session, registration):
        problems["kind"] = [N_("此人参加了考试，不是缺考")]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)
    open_states = {RulingState.PROPOSED, RulingState.IN_FORCE}
    for other in repository.rulings_of(uow.session, registration.registration_id, actor=uow.actor):
        if other.state in open_states:
            raise ConflictError(ALREADY, code=other.code)


def _has_sat(session: Session, registration: Registration) -> bool:
    attempt = attempts_planning.find_attempt_of(session, registration.registration_id)
    return attempt is not None and attempt.started_at is not None


def _new_ruling(uow: UnitOfWork, registration: Registration, proposal: RulingProposal, code: str) -> ResultRuling:
    key, kind = new_id(), RulingKind(proposal.kind)
    tier = proposal.tier if kind is RulingKind.MISCONDUCT else None
    values = profiles.values(uow.session, uow.actor.organisation)
    found = rules.sanction(kind, tier, values, has_sat=_has_sat(uow.session, registration))
    name, data = proposal.evidence or ("", b"")
    return ResultRuling(
        result_ruling_id=key, organisation_id=registration.organisation_id, code=code, kind=kind, tier=tier,
        exam_batch_id=registration.exam_batch_id, registration_id=registration.registration_id,
        candidate_id=registration.candidate_id, scope=found.scope, bar_months=found.bar_months,
        facts=proposal.facts.strip()[:LONGEST_TEXT], evidence_name=name[:200], source_key=proposal.source_key,
        evidence_ciphertext=personal.seal_bytes(data, place=_place(key)) if data else None,
        state=RulingState.PROPOSED, proposed_by=uow.actor.user_id, proposed_by_name=uow.actor.name[:100],
        proposed_at=now(),
    )  # fmt: skip


def _place(ruling_id: uuid.UUID) -> str:
    return f"result_rulings|evidence|{ruling_id}"


def read_evidence(session: Session, actor: Actor, ruling_id: uuid.UUID) -> tuple[str, bytes] | None:
    """Return name and bytes of a ruling's evidence, None without."""
    require(actor, Permission.SCORE_RELEASE)
    name, sealed = repository.read_evidence(session, ruling_id, actor=actor)
    return (name, personal.open_bytes(sealed, place=_place(ruling_id))) if sealed else None


# --- decisions -------------------------------------------------------------------------------------------------------


def decide(uow: UnitOfWork, ruling_id: uuid.UUID, *, is_approved: bool, reason: str = "") -> ResultRuling:
    """Put a proposed ruling into force, or reject it with a reason.

    Raises
    ------
    ForbiddenError
        If the same person proposed it.
    """
    ruling = _lock(uow, ruling_id)
    rules.check_state(ruling.state, RulingState.IN_FORCE if is_approved else RulingState.REJECTED)
    if ruling.proposed_by == uow.actor.user_id:
        raise ForbiddenError(N_("处理决定须由提出人以外的人作出"))
    if not is_approved and len(reason.strip()) < SHORTEST_FACTS:
        message = N_("请写明理由，至少 10 个字")
        raise InvalidInputError(message, fields={"reason": [message]})
    ruling.decided_by, ruling.decided_by_name, ruling.decided_at = uow.actor.user_id, uow.actor.name[:100], now()
    ruling.decision_reason = reason.strip()[:LONGEST_TEXT]
    _set_state(uow, ruling, RulingState.IN_FORCE if is_approved else RulingState.REJECTED, reason)
    if is_approved:
        ruling.barred_until = rules.barred_until(now().astimezone(OFFICIAL_ZONE).date(), ruling.bar_months)
        _come_into_force(uow, ruling)
    return ruling


def withdraw(uow: UnitOfWork, ruling_id: uuid.UUID) -> ResultRuling:
    """Take back a proposal of one's own."""
    ruling = _lock(uow, ruling_id)
    rules.check_state(ruling.state, RulingState.WITHDRAWN)
    if ruling.proposed_by != uow.actor.user_id:
        raise ForbiddenError(N_("只有提出人可以撤回"))
    _set_state(uow, ruling, RulingState.WITHDRAWN, "")
    return ruling


def reverse(uow: UnitOfWork, ruling_id: uuid.UUID, *, reason: str) -> ResultRuling:
    """Reverse a ruling because an appeal against it was upheld; the registration is what it was before."""
    ruling = _lock(uow, ruling_id)
    rules.check_state(ruling.state, RulingState.REVERSED)
    ruling.reversed_by_name, ruling.reversed_at = uow.actor.name[:100], now()
    ruling.reversal_reason = reason.strip()[:LONGEST_TEXT]
    _set_state(uow, ruling, RulingState.REVERSED, reason)
    if ruling.scope is not RulingScope.NOTHING and ruling.status_before is not None:
        registration = candidates.get_registration(uow.session, ruling.registration_id, actor=uow.actor)
        registration.status, registration.void_reason = ruling.status_before, ""
        _follow_up(uow, registration)
    return ruling


def _lock(uow: UnitOfWork, ruling_id: uuid.UUID) -> ResultRuling:
    require(uow.actor, Permission.SCORE_RELEASE)
    return repository.get_ruling(uow.session, ruling_id, actor=uow.actor, lock=True)


def _set_state(uow: UnitOfWork, ruling: ResultRuling, state: RulingState, reason: str) -> None:
    before, ruling.state = ruling.state, state
    audit.record(
        uow, f"ruling.{state.value}", "result_ruling", ruling.result_ruling_id, before={"state": before.value},
        after={"code": ruling.code, "state": state.value}, reason=reason.strip()[:300],
    )  # fmt: skip


def _come_into_force(uow: UnitOfWork, ruling: ResultRuling) -> None:
    registration = candidates.get_registration(uow.session, ruling.registration_id, actor=uow.actor)
    ruling.status_before = registration.status
    if ruling.scope is RulingScope.NOTHING:
        return
    registration.status = RegistrationStatus.VOID
    registration.void_reason = f"{ruling.code} {rules.KIND_LABELS[ruling.kind]}"[:300]
    _follow_up(uow, registration)


def _follow_up(uow: UnitOfWork, registration: Registration) -> None:
    """Let the session's scoring state follow, or hand a correction over when the scores were released."""
    uow.flush()  # states and releases are read by SQL
    if registration.exam_session_id is None:
        return
    row = planning.lock_session(uow.session, registration.exam_session_id, actor=uow.actor)
    if row.status is SessionStatus.RELEASED:
        release.release_correction(uow, registration.exam_batch_id)
    else:
        scoring.settle(uow, row.exam_session_id)


def barred_people(session: Session, actor: Actor, id_number_indexes: Sequence[str]) -> dict[str, ResultRuling]:
    """Return the rulings that keep people from registering today, by the keyed index of their number."""
    return repository.bars(session, actor.organisation, id_number_indexes, now().astimezone(OFFICIAL_ZONE).date())
