"""Declaring relations, deciding on them, and checking people against each other."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from kernel import audit, crypto, profiles
from kernel.clock import now, today
from kernel.conflicts import repository
from kernel.conflicts.models import ConflictRelation
from kernel.conflicts.rules import (
    COOLING_KEY,
    COUNTING,
    Conflict,
    CycleRole,
    Party,
    RelationKind,
    RelationStatus,
    Severity,
    conflicts,
)
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_user
from kernel.national_id import IdKind, check_id_number, mask_id
from kernel.uow import UnitOfWork


class ConflictOfInterestError(ForbiddenError):
    """A rule of recusal forbids it; `rule` in the context names which."""

    code = "conflict_of_interest"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What somebody declares: the kind, the other one by whatever is known, and since when until when."""

    kind: RelationKind
    other_user_id: uuid.UUID | None = None
    other_number: str = ""
    other_name: str = ""
    other_employer: str = ""
    since: date | None = None
    until: date | None = None
    note: str = ""


def declare_relation(
    uow: UnitOfWork, declaration: Declaration, *, person_id: uuid.UUID | None = None
) -> ConflictRelation:
    """Declare a relation of one's own, or, as an administrator, of somebody else; it counts at once."""
    if uow.actor.user_id is None:
        raise ForbiddenError(N_("申报须由本机构人员进行"))
    person = person_id or uow.actor.user_id
    if person != uow.actor.user_id:
        require(uow.actor, Permission.USER_MANAGE)
        get_user(uow.session, person, actor=uow.actor)
    _check(uow, declaration, person)
    index, mask = _number(declaration.other_number)
    is_administrator = uow.actor.may(Permission.USER_MANAGE) and person != uow.actor.user_id
    row = ConflictRelation(
        organisation_id=uow.actor.organisation, person_id=person, kind=declaration.kind,
        other_user_id=declaration.other_user_id, other_index=index, other_mask=mask,
        other_name=declaration.other_name.strip()[:60], other_employer=declaration.other_employer.strip()[:200],
        since=declaration.since, until=declaration.until, note=declaration.note.strip()[:300],
        status=RelationStatus.CONFIRMED if is_administrator else RelationStatus.DECLARED,
        declared_by=uow.actor.user_id, declared_at=now(),
    )  # fmt: skip
    uow.add(row)
    uow.flush()  # the audit names the row
    after = {"kind": row.kind.value, "status": row.status.value, "person": str(person)}
    audit.record(uow, "conflict.declare", "conflict_relation", row.conflict_relation_id, after=after)
    return row


def _check(uow: UnitOfWork, declaration: Declaration, person: uuid.UUID) -> None:
    if declaration.other_user_id is not None:
        get_user(uow.session, declaration.other_user_id, actor=uow.actor)
        if declaration.other_user_id == person:
            _refuse("other_user", N_("不能申报与自己的关系；本人报考请选“本人”并填写证件号码"))
    elif not declaration.other_number.strip() and not declaration.other_employer.strip():
        _refuse("other_number", N_("请选择本机构人员，或填写对方的证件号码，或填写对方的姓名和单位"))
    if declaration.kind is RelationKind.SELF and not declaration.other_number.strip():
        _refuse("other_number", N_("申报本人报考时请填写自己的证件号码"))
    if declaration.kind in {RelationKind.KIN, RelationKind.TEACHER} and not _is_one_person(declaration):
        _refuse("other_name", N_("亲属和师生关系须指明对方：本机构人员、证件号码，或姓名和单位"))
    if declaration.since and declaration.until and declaration.since > declaration.until:
        _refuse("until", N_("结束日期不能早于开始日期"))


def _is_one_person(declaration: Declaration) -> bool:
    named = declaration.other_name.strip() and declaration.other_employer.strip()
    return bool(declaration.other_user_id or declaration.other_number.strip() or named)


def _refuse(name: str, message: str) -> None:
    raise InvalidInputError(message, fields={name: [message]})


def _number(text: str) -> tuple[str, str]:
    """Return the keyed index of an identity number, as candidates are found by, and its mask."""
    if not text.strip():
        return "", ""
    checked = check_id_number(IdKind.RESIDENT_ID, text, today=today())
    if checked.errors:
        _refuse("other_number", checked.errors[0])
    key = crypto.purpose_key("personal-index")
    return crypto.blind_index(key, IdKind.RESIDENT_ID.value, checked.normalised), mask_id(checked.normalised)


def decide_relation(
    uow: UnitOfWork, relation_id: uuid.UUID, *, version: int, is_true: bool, reason: str = ""
) -> ConflictRelation:
    """Confirm a declaration, or say for a reason that it does not hold; nobody decides on their own."""
    require(uow.actor, Permission.USER_MANAGE)
    row = repository.get_relation(uow.session, relation_id, actor=uow.actor)
    if row.person_id == uow.actor.user_id:
        raise ForbiddenError(N_("自己的申报须由其他管理员确认"), error_code="own_declaration")
    if row.version != version:
        raise ConflictError(N_("申报刚被他人处理，请刷新后重试"))
    if row.status not in COUNTING:
        raise ConflictError(N_("申报已撤回或已作结论"))
    if not is_true and not reason.strip():
        _refuse("reason", N_("请写明关系不成立的理由"))
    row.status = RelationStatus.CONFIRMED if is_true else RelationStatus.REJECTED
    row.decided_by, row.decided_at, row.decision_reason = uow.actor.user_id, now(), reason.strip()[:300]
    after = {"status": row.status.value}
    audit.record(uow, "conflict.decide", "conflict_relation", relation_id, after=after, reason=reason.strip() or None)
    return row


def withdraw_relation(uow: UnitOfWork, relation_id: uuid.UUID, *, reason: str) -> ConflictRelation:
    """Take back a declaration of one's own that nobody has confirmed yet; a confirmed one only an administrator ends."""
    row = repository.get_relation(uow.session, relation_id, actor=uow.actor)
    is_manager = uow.actor.may(Permission.USER_MANAGE) and row.person_id != uow.actor.user_id
    if row.status is not RelationStatus.DECLARED and not is_manager:
        raise ConflictError(N_("已确认的关系须由管理员撤销"))
    if not reason.strip():
        _refuse("reason", N_("请写明撤回的理由"))
    row.status, row.decision_reason = RelationStatus.WITHDRAWN, reason.strip()[:300]
    row.decided_by, row.decided_at = uow.actor.user_id, now()
    audit.record(uow, "conflict.withdraw", "conflict_relation", relation_id, reason=reason.strip())
    return row


def find(
    session: Session,
    organisation_id: uuid.UUID,
    firsts: Sequence[Party],
    seconds: Sequence[Party],
    *,
    on: date | None = None,
) -> list[Conflict]:
    """Return every conflict between two groups of people under the organisation's rules, the grave ones first."""
    values = profiles.values(session, organisation_id)
    day = on or today()
    users = {party.user_id for party in (*firsts, *seconds) if party.user_id is not None}
    rows = repository.counting_relations(session, organisation_id, users)
    relations = [row.as_relation() for row in rows]
    holding = [one for one in relations if one.holds(day, values[COOLING_KEY])]
    found = conflicts(firsts, seconds, holding, values)
    return sorted(found, key=lambda one: (one.severity is not Severity.REFUSE, one.rule.rule_id))


def require_none(
    session: Session,
    organisation_id: uuid.UUID,
    firsts: Sequence[Party],
    seconds: Sequence[Party],
    *,
    on: date | None = None,
) -> list[Conflict]:
    """Raise ConflictOfInterestError for the first conflict that a rule refuses; return those that only warn."""
    found = find(session, organisation_id, firsts, seconds, on=on)
    for one in found:
        if one.severity is Severity.REFUSE:
            raise ConflictOfInterestError(one.rule.explanation, **one.context)
    return found


def is_related(session: Session, organisation_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Say whether any relation that counts names a member of staff; of others no rule needs to be asked."""
    return bool(repository.counting_relations(session, organisation_id, {user_id}))


def related_users(session: Session, organisation_id: uuid.UUID, party: Party, role: CycleRole) -> set[uuid.UUID]:
    """Return the members of staff from whom a party must stay away when they hold a role; for lists of work."""
    if party.user_id is None:
        return set()
    rows = repository.counting_relations(session, organisation_id, {party.user_id})
    others = {row.other_user_id for row in rows} | {row.person_id for row in rows}
    parties = [Party(role, user_id) for user_id in others - {None, party.user_id}]
    found = find(session, organisation_id, [party], parties)
    return {one.second.user_id for one in found if one.severity is Severity.REFUSE and one.second.user_id}


CandidateSource = Callable[[Session, uuid.UUID, uuid.UUID], list[Party]]
_CANDIDATES: dict[str, CandidateSource] = {}


def register_candidates(name: str, source: CandidateSource) -> None:
    """Announce who knows the candidates of a form: `source(session, organisation_id, form_id)`."""
    _CANDIDATES[name] = source


def candidates_of_form(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> list[Party]:
    """Return the candidates who are to sit a form, as far as any component knows."""
    return [party for source in _CANDIDATES.values() for party in source(session, organisation_id, form_id)]
