"""Misconduct cases: written down in the room, signed by two with their own passwords, decided by an exam officer.

The case says what was seen and what the officer found; what it does to a score is a ruling of its own (`rulings`), which takes
a decided case over by `decided_misconduct`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import MisconductCase, MisconductSignature
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import misconduct as repository
from exam_delivery.repository.misconduct import CaseRow
from exam_delivery.rules.misconduct import (
    BREACH_LABELS,
    LONGEST_TEXT,
    N_SIGNATURES,
    SHORTEST_FACTS,
    Breach,
    CaseState,
    check_step,
    facts_digest,
)
from exam_delivery.rules.rulings import TIERS
from exam_delivery.services.reach import check_seat_in_reach, rooms_in_reach
from exam_delivery.services.room_acts import make_incident
from exam_delivery.services.signing import check_may_sign
from kernel import audit
from kernel.clock import OFFICIAL_ZONE, now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """What an invigilator writes down about a candidate."""

    breach: str
    facts: str
    statement: str = ""
    is_statement_refused: bool = False
    incident_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class DecidedCase:
    """A decided case, as rulings about results take it over; `source_key` names it once."""

    misconduct_case_id: uuid.UUID
    source_key: str
    code: str
    registration_id: uuid.UUID
    breach: str
    tier: int
    facts: str
    statement: str
    signed_by: tuple[str, ...]
    decided_by: uuid.UUID | None
    decided_by_name: str
    decided_at: dt.datetime
    reason: str


def propose(
    uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, draft: CaseDraft
) -> MisconductCase:
    """Open a case about a candidate in the actor's reach; it counts for nothing until two have signed it.

    Raises
    ------
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If the candidate has an open or decided case already.
    """
    require(uow.actor, Permission.SESSION_INVIGILATE)
    check_seat_in_reach(uow.session, exam_session_id, registration_id, actor=uow.actor)
    registration = attempts_repository.lock_registration(uow.session, registration_id, actor=uow.actor)
    if other := repository.open_case_of(uow.session, registration_id):
        raise ConflictError(N_("此考生已有违纪案 %(code)s"), code=other.code)
    _check(draft)
    case = MisconductCase(
        misconduct_case_id=new_id(), organisation_id=uow.actor.organisation, code=_next_code(uow),
        exam_session_id=exam_session_id, registration_id=registration_id, exam_room_id=registration.exam_room_id,
        incident_id=draft.incident_id, proposed_by=uow.actor.user_id, proposed_by_name=uow.actor.name[:100],
        proposed_at=now(), state=CaseState.PROPOSED,
    )  # fmt: skip
    _write(case, draft)
    uow.add(case)
    uow.flush()  # the audit names it
    _note(uow, case, f"{case.code} {BREACH_LABELS[case.breach]}")
    _record(uow, case, "propose", breach=case.breach.value)
    return case


def amend(uow: UnitOfWork, misconduct_case_id: uuid.UUID, draft: CaseDraft) -> MisconductCase:
    """Write a case anew, for instance with the candidate's statement, as long as nobody has signed it."""
    case = _in_reach(uow, misconduct_case_id)
    if case.state is not CaseState.PROPOSED or repository.signatures_of(uow.session, [case.misconduct_case_id]):
        raise ConflictError(N_("违纪案已有人签字，不能再改；写错了请撤回重写"))
    _check(draft)
    _write(case, draft)
    _record(uow, case, "amend", breach=case.breach.value)
    return case


def _check(draft: CaseDraft) -> None:
    problems: dict[str, list[str]] = {}
    if draft.breach not in set(Breach):
        problems["breach"] = [N_("请选择违纪情形")]
    if len(draft.facts.strip()) < SHORTEST_FACTS:
        problems["facts"] = [N_("请写明经过和证据，至少 10 个字")]
    if not draft.statement.strip() and not draft.is_statement_refused:
        problems["statement"] = [N_("请记下考生的陈述，或勾选“考生拒绝陈述”")]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)


def _write(case: MisconductCase, draft: CaseDraft) -> None:
    case.breach, case.facts = Breach(draft.breach), draft.facts.strip()[:LONGEST_TEXT]
    case.statement = draft.statement.strip()[:LONGEST_TEXT]
    case.is_statement_refused = draft.is_statement_refused and not case.statement


def _next_code(uow: UnitOfWork) -> str:
    year = now().astimezone(OFFICIAL_ZONE).year
    since = dt.datetime(year, 1, 1, tzinfo=OFFICIAL_ZONE)
    return f"WJ-{year}-{repository.count_since(uow.session, since, actor=uow.actor) + 1:05d}"


def digest_of(case: MisconductCase) -> str:
    """Return the digest of what is signed."""
    return facts_digest(
        registration=str(case.registration_id), breach=case.breach.value, facts=case.facts, statement=case.statement,
        is_refused=case.is_statement_refused,
    )  # fmt: skip


def sign(uow: UnitOfWork, misconduct_case_id: uuid.UUID, *, signer: Actor) -> MisconductCase:
    """Put a signature under a case; the second one, by another person, confirms it."""
    case = _in_reach(uow, misconduct_case_id)
    check_step(case.state, CaseState.CONFIRMED)
    check_may_sign(uow.session, case.exam_session_id, [case.exam_room_id] if case.exam_room_id else [], signer=signer)
    signed = repository.signatures_of(uow.session, [case.misconduct_case_id])[case.misconduct_case_id]
    if signer.user_id is None or signer.user_id in {one.user_id for one in signed}:
        raise ConflictError(N_("这个人已经签过字，须由另一名监考员签字"))
    uow.add(
        MisconductSignature(
            misconduct_case_id=case.misconduct_case_id, user_id=signer.user_id, user_name=signer.name[:100],
            facts_digest=digest_of(case), signed_at=now(),
        )
    )  # fmt: skip
    if len(signed) + 1 >= N_SIGNATURES:
        case.state = CaseState.CONFIRMED
        _note(uow, case, f"{case.code} 两人已签字")
    _record(uow, case, "sign", signer=str(signer.user_id), digest=digest_of(case))
    return case


def withdraw(uow: UnitOfWork, misconduct_case_id: uuid.UUID, *, reason: str) -> MisconductCase:
    """Take a case back before two have signed it."""
    case = _in_reach(uow, misconduct_case_id)
    check_step(case.state, CaseState.WITHDRAWN)
    case.state, case.decision_reason = CaseState.WITHDRAWN, _reason(reason)
    _note(uow, case, f"{case.code} 撤回：{case.decision_reason}")
    _record(uow, case, "withdraw")
    return case


def decide(uow: UnitOfWork, misconduct_case_id: uuid.UUID, *, tier: int | None, reason: str) -> MisconductCase:
    """Find misconduct of a tier in a case that two have signed, or dismiss it with None.

    Raises
    ------
    ForbiddenError
        If the same person opened or signed the case.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    case = repository.lock_case(uow.session, misconduct_case_id, actor=uow.actor)
    check_step(case.state, CaseState.DECIDED)
    signed = repository.signatures_of(uow.session, [case.misconduct_case_id])[case.misconduct_case_id]
    if uow.actor.user_id in {case.proposed_by, *(one.user_id for one in signed)}:
        raise ForbiddenError(N_("违纪案须由提出和签字以外的人决定"))
    if tier is not None and tier not in TIERS:
        raise InvalidInputError(N_("请选择违纪类别"), fields={"tier": [N_("请选择违纪类别")]})
    case.state = CaseState.DISMISSED if tier is None else CaseState.DECIDED
    case.tier, case.decision_reason = tier, _reason(reason)
    case.decided_by, case.decided_by_name, case.decided_at = uow.actor.user_id, uow.actor.name[:100], now()
    _note(uow, case, f"{case.code} {case.decision_reason}")
    _record(uow, case, "decide" if tier else "dismiss", tier=tier)
    return case


def _reason(text: str) -> str:
    if len(text.strip()) < SHORTEST_FACTS:
        message = N_("请写明理由，至少 10 个字")
        raise InvalidInputError(message, fields={"reason": [message]})
    return text.strip()[:LONGEST_TEXT]


def _in_reach(uow: UnitOfWork, misconduct_case_id: uuid.UUID) -> MisconductCase:
    require(uow.actor, Permission.SESSION_INVIGILATE)
    case = repository.lock_case(uow.session, misconduct_case_id, actor=uow.actor)
    check_seat_in_reach(uow.session, case.exam_session_id, case.registration_id, actor=uow.actor)
    return case


def _note(uow: UnitOfWork, case: MisconductCase, text: str) -> None:
    seat = attempts_repository.get_seat(uow.session, case.registration_id, actor=uow.actor)
    uow.add(make_incident(uow, case.exam_session_id, seat.attempt_id, kind="misconduct", text=text, at=now()))


def _record(uow: UnitOfWork, case: MisconductCase, step: str, **after: object) -> None:
    facts = {"code": case.code, "state": case.state.value} | after
    audit.record(uow, f"misconduct.{step}", "misconduct_case", case.misconduct_case_id, after=facts)


def view_case(
    session: Session, misconduct_case_id: uuid.UUID, *, actor: Actor
) -> tuple[CaseRow, Sequence[MisconductSignature]]:
    """Return a case with its signatures to an exam officer or to who looks after the room."""
    row = repository.get_case(session, misconduct_case_id, actor=actor)
    case = row[0]
    reach = {room.exam_room_id for room in rooms_in_reach(session, case.exam_session_id, actor=actor)}
    if not actor.may(Permission.SESSION_WRITE) and row[1].exam_room_id not in reach:
        raise NotFoundError(N_("违纪案不存在"))
    return row, repository.signatures_of(session, [misconduct_case_id])[misconduct_case_id]


def decided_misconduct(session: Session, exam_session_id: uuid.UUID) -> list[DecidedCase]:
    """Return the decided misconduct cases of a session, for the rulings that follow from them."""
    cases = repository.decided_of_session(session, exam_session_id)
    signed = repository.signatures_of(session, [case.misconduct_case_id for case in cases])
    return [
        DecidedCase(
            misconduct_case_id=case.misconduct_case_id, source_key=f"misconduct:{case.misconduct_case_id}",
            code=case.code, registration_id=case.registration_id, breach=case.breach.value, tier=case.tier,
            facts=case.facts, statement=case.statement,
            signed_by=tuple(one.user_name for one in signed[case.misconduct_case_id]),
            decided_by=case.decided_by, decided_by_name=case.decided_by_name, decided_at=case.decided_at,
            reason=case.decision_reason,
        )
        for case in cases
        if case.tier is not None and case.decided_at is not None
    ]  # fmt: skip
