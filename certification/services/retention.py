"""Erasing by rule: what is due, an order by one person, and the erasing on another's word in one transaction.

What is erased names people: names, numbers, contacts, photos, and files that carry them. What proves stays: scores, decisions,
numbers, certificates, steps and the journal; the orders themselves are kept and stand in the journal.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session

from certification.models import (
    CertificationDocument,
    ErasureOrder,
    ErasureState,
    EvidencePack,
    ResultRecord,
)
from certification.repository import retention as repository
from certification.rules.retention import RetentionKind, kept_until
from certification.services.personal import seal
from exam_delivery import public_retention as exam_delivery
from kernel import audit, profiles
from kernel.canonical import digest
from kernel.clock import OFFICIAL_ZONE, now, today
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

ERASED_NAME = "（已删除）"
SHORTEST_REASON = 5
CHUNK = 500
_EMPTY = ("sex", "phone", "email", "employer", "years_in_occupation", "position")
_NOTHING = ("birth_date", "joined_on", "is_own_employee", "photo_ciphertext")


@dataclass(frozen=True, slots=True)
class Due:
    """What is due of one kind: none where the rule keeps it for good."""

    kind: RetentionKind
    kept_until: dt.date | None
    n_records: int
    is_proposed: bool


def find_due(session: Session, actor: Actor) -> list[Due]:
    """Return by kind what one order could erase today."""
    require(actor, Permission.CERTIFICATION_READ)
    values = profiles.values(session, actor.organisation)
    waiting = {o.kind for o in repository.list_orders(session, actor.organisation) if o.state is ErasureState.PROPOSED}
    found = []
    for kind in RetentionKind:
        day = kept_until(kind, today(), values)
        keys = _keys(session, actor, kind, day) if day else []
        found.append(Due(kind, day, len(keys), kind in waiting))
    return found


def _keys(session: Session, actor: Actor, kind: RetentionKind, day: dt.date) -> list[uuid.UUID]:
    moment = dt.datetime.combine(day, dt.time(), tzinfo=OFFICIAL_ZONE)
    return repository.due_keys(session, kind, actor.organisation, moment)


def _digest(kind: RetentionKind, keys: Sequence[uuid.UUID]) -> str:
    return digest([kind.value, *sorted(map(str, keys))])


def propose(uow: UnitOfWork, kind: RetentionKind, *, reason: str) -> ErasureOrder:
    """Propose to erase what is due of a kind.

    Raises
    ------
    ConflictError
        If nothing is due, or an order of the kind waits already.
    InvalidInputError
        If the reason is missing.
    """
    _require(uow.actor)
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明删除依据，至少 5 个字")
        raise InvalidInputError(message, fields={"reason": [message]})
    due = next(one for one in find_due(uow.session, uow.actor) if one.kind is kind)
    if due.is_proposed:
        raise ConflictError(N_("这类记录已有待批准的删除申请"))
    if due.kept_until is None or not due.n_records:
        raise ConflictError(N_("这类记录没有到期的，不需要删除"))
    keys = _keys(uow.session, uow.actor, kind, due.kept_until)
    order = ErasureOrder(
        erasure_order_id=new_id(), organisation_id=uow.actor.organisation, kind=kind, kept_until=due.kept_until,
        n_records=len(keys), records_digest=_digest(kind, keys), reason=reason.strip()[:300],
        state=ErasureState.PROPOSED, proposed_by=uow.actor.user_id, proposed_by_name=uow.actor.name[:100],
        proposed_at=now(),
    )  # fmt: skip
    uow.add(order)
    _note(uow, order, "retention.propose", order.reason)
    return order


def _require(actor: Actor) -> None:
    require(actor, Permission.CERTIFICATION_WRITE)
    require(actor, Permission.PERSONAL_DATA_REVEAL)


def _note(uow: UnitOfWork, order: ErasureOrder, act: str, reason: str) -> None:
    facts = {
        "kind": order.kind.value, "kept_until": order.kept_until.isoformat(), "n_records": order.n_records,
        "records_digest": order.records_digest,
    }  # fmt: skip
    audit.record(uow, act, "erasure_order", order.erasure_order_id, after=facts, reason=reason or None)


def decide(uow: UnitOfWork, order_id: uuid.UUID, *, is_approved: bool, reason: str = "") -> ErasureOrder:
    """Carry an order out at once, or refuse it with a reason.

    Raises
    ------
    ForbiddenError
        If the same person proposed it.
    ConflictError
        If it is decided already, or no longer the same records are due.
    """
    _require(uow.actor)
    order = repository.lock_order(uow.session, order_id, actor=uow.actor)
    if order.state is not ErasureState.PROPOSED:
        raise ConflictError(N_("这份删除申请已经处理过"))
    if order.proposed_by == uow.actor.user_id:
        raise ForbiddenError(N_("删除须由提出人以外的人批准"))
    if not is_approved and len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明不批准的理由，至少 5 个字")
        raise InvalidInputError(message, fields={"decision_reason": [message]})
    order.state = ErasureState.DONE if is_approved else ErasureState.REJECTED
    order.decided_by, order.decided_by_name, order.decided_at = uow.actor.user_id, uow.actor.name[:100], now()
    order.decision_reason = reason.strip()[:300]
    if is_approved:
        _erase(uow, order)
    _note(uow, order, f"retention.{order.state.value}", order.decision_reason)
    return order


def _erase(uow: UnitOfWork, order: ErasureOrder) -> None:
    keys = _keys(uow.session, uow.actor, order.kind, order.kept_until)
    if _digest(order.kind, keys) != order.records_digest:
        raise ConflictError(N_("到期的记录与申请时不同，没有删除；请不批准这份申请，再重新提出"))
    ERASERS[order.kind](uow, keys)


def _erase_people(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    for record in repository.people(uow.session, keys):
        _erase_person(record)
    for objection in repository.objections_of(uow.session, keys):
        objection.raised_by, objection.content = ERASED_NAME, ERASED_NAME


def _erase_person(record: ResultRecord) -> None:
    """Take what names the person; the row stays, so that balance, scores and decisions keep their place."""
    key = record.result_record_id
    record.name, record.id_number_mask = ERASED_NAME, "—"
    record.id_number_ciphertext = seal(b"", table="result_records", column="id_number_ciphertext", row_id=key)
    record.id_number_index = f"{repository.ERASED}{key.hex}"
    for name in _EMPTY:
        setattr(record, name, "")
    for name in _NOTHING:
        setattr(record, name, None)
    record.has_photo, record.erased_at = False, now()


def _erase_photos(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    for record in repository.people(uow.session, keys):
        record.photo_ciphertext, record.has_photo = None, False


def _erase_documents(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        uow.session.execute(
            delete(CertificationDocument).where(CertificationDocument.certification_document_id.in_(some))
        )


def _erase_packs(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        uow.session.execute(delete(EvidencePack).where(EvidencePack.evidence_pack_id.in_(some)))


def _erase_proofs(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    """Take the files; what they gave, who checked them and their digests stay."""
    for row in repository.proofs(uow.session, keys):
        key = row.component_proof_id
        row.file_ciphertext = seal(b"", table="component_proofs", column="file", row_id=key)
        row.file_name, row.file_kind, row.facts = ERASED_NAME, "", {}


def _erase_seniors(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    """Take what names the applicants, with their materials; the application and its history keep their place."""
    for row in repository.applications(uow.session, keys):
        key = row.senior_application_id
        row.name, row.id_number_mask = ERASED_NAME, "—"
        row.id_number_ciphertext = seal(b"", table="senior_applications", column="id_number_ciphertext", row_id=key)
        row.id_number_index = f"{repository.ERASED}{key.hex}"
        row.sex = row.phone = row.employer = row.position = row.current_certificate = row.achievements = ""
        row.birth_date = row.joined_on = None
    repository.forget_applications(uow.session, keys, ERASED_NAME)


ERASERS: Mapping[RetentionKind, Callable[[UnitOfWork, Sequence[uuid.UUID]], None]] = {
    RetentionKind.PEOPLE: _erase_people,
    RetentionKind.PHOTOS: _erase_photos,
    RetentionKind.DOCUMENTS: _erase_documents,
    RetentionKind.PACKS: _erase_packs,
    RetentionKind.PROOFS: _erase_proofs,
    RetentionKind.SENIORS: _erase_seniors,
    RetentionKind.CANDIDATES: exam_delivery.erase_candidates,
    RetentionKind.EXAM_PHOTOS: exam_delivery.erase_photos,
    RetentionKind.EXAM_DOCUMENTS: exam_delivery.erase_documents,
}
