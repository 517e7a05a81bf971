"""Component results that another system sends: taken exactly once, looked at by a person, then part of the batch."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from certification.models import (
    CertificationBatch,
    ComponentScore,
    ResultRecord,
    ScoreDelivery,
    ScoreDeliveryState,
    ScoreOrigin,
    SendingSystem,
)
from certification.repository import batches as batch_repository
from certification.repository import inbound as repository
from certification.repository import panels
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.competition import rank_rules
from certification.rules.inbound import (
    AUTOMATIC,
    SECOND_PERSON,
    SENT_MODES,
    Envelope,
    Held,
    Places,
    is_signed,
    read_rows,
)
from certification.rules.pass_decision import AssessmentMode
from certification.rules.score_sheet import EnteredScore, SheetProblem
from certification.services import senders
from certification.services.scores import OPEN_STATES
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError, UnauthenticatedError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a system sent, by a checked signature or in a file: the id it gave, the digest of the body, batch and rows.

    A correction replaces what the same system sent before, and always waits for a person's look, as a file does.
    """

    webhook_id: str
    body_digest: str
    batch_id: uuid.UUID
    rows: Rows
    is_correction: bool = False
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a delivery; `is_new` is false when it had come before."""

    delivery: ScoreDelivery
    is_new: bool

    @property
    def answer(self) -> dict[str, Any]:
        """What the sender is answered, now and again."""
        return self.delivery.answer


class BadRowsError(InvalidInputError):
    """Rows of a delivery that a batch cannot take; nothing of the delivery was kept."""

    def __init__(self, problems: Sequence[SheetProblem]) -> None:
        super().__init__(N_("有 %(n)s 行不能接收，整批没有保存"), n=len(problems))
        self.problems = tuple(problems)


def check_signature(session: Session, system_id: uuid.UUID, envelope: Envelope, body: bytes) -> Actor:
    """Return the sending system as who acts.

    Raises
    ------
    UnauthenticatedError
        The same for an unknown system, one that was ended, a wrong signature and a message that is too old.
    """
    row = session.get(SendingSystem, system_id)
    try:
        is_good = row is not None and is_signed(envelope, body.decode(), senders.secrets_of(row), now())
    except UnicodeDecodeError:
        is_good = False
    if row is None or not is_good:
        raise UnauthenticatedError(N_("签名不符：请核对来源系统、密钥和时钟"), error_code="bad_signature")
    allowed = frozenset({Permission.SKILL_SCORE_WRITE})
    return Actor(user_id=None, organisation_id=row.organisation_id, name=row.name, permissions=allowed)


def digest_of(body: bytes) -> str:
    """Return the digest by which a message that comes again is known."""
    return sha256(body).hexdigest()


def receive(uow: UnitOfWork, system_id: uuid.UUID, parcel: Parcel) -> Received:
    """Keep a delivery, whichever way it came; the same delivery again changes nothing and is answered alike.

    Raises
    ------
    ConflictError
        If the id was used for another body, or the batch is decided.
    NotFoundError
        If the organisation has no such batch.
    BadRowsError
        With every row that cannot be taken; then nothing is kept.
    """
    require(uow.actor, Permission.SKILL_SCORE_WRITE)
    system = repository.lock_system(uow.session, system_id, actor=uow.actor)  # one delivery of a system at a time
    known = repository.find_delivery(uow.session, system_id, parcel.webhook_id)
    if known is not None:
        if known.body_digest != parcel.body_digest:
            raise ConflictError(N_("这个 webhook-id 或批号已用于另一份内容"), error_code="delivery_changed")
        return Received(known, is_new=False)
    batch = _open_batch(uow, parcel.batch_id)
    read, problems = read_rows(parcel.rows, _places(uow.session, batch, system_id, is_correction=parcel.is_correction))
    if problems:
        raise BadRowsError(problems)
    row = _delivery(uow, system, batch, parcel)
    uow.add(row)
    is_automatic = not (parcel.file_name or parcel.is_correction) and bool(
        profiles.value(uow.session, batch.organisation_id, AUTOMATIC)
    )
    row.answer = {
        "delivery_id": str(row.score_delivery_id), "n_rows": len(parcel.rows),
        "state": (ScoreDeliveryState.ACCEPTED if is_automatic else ScoreDeliveryState.WAITING).value,
    }  # fmt: skip
    audit.record(
        uow, "certification.inbound", "certification_batch", batch.certification_batch_id,
        after={
            "sender": system.name, "n_rows": len(parcel.rows), "body_digest": parcel.body_digest,
            "is_file": bool(parcel.file_name), "is_correction": parcel.is_correction,
        },
    )  # fmt: skip
    if is_automatic:
        _take(uow, batch, row, read, system.name)
    return Received(row, is_new=True)


def _delivery(uow: UnitOfWork, system: SendingSystem, batch: CertificationBatch, parcel: Parcel) -> ScoreDelivery:
    by_hand = bool(parcel.file_name)
    return ScoreDelivery(
        score_delivery_id=new_id(), organisation_id=system.organisation_id,
        sending_system_id=system.sending_system_id, certification_batch_id=batch.certification_batch_id,
        webhook_id=parcel.webhook_id, body_digest=parcel.body_digest, rows=parcel.rows,
        state=ScoreDeliveryState.WAITING, n_saved=0, received_at=now(), is_correction=parcel.is_correction,
        file_name=parcel.file_name[:200], uploaded_by=uow.actor.name[:100] if by_hand else "",
        uploader_id=uow.actor.user_id if by_hand else None,
    )  # fmt: skip


def _open_batch(uow: UnitOfWork, batch_id: uuid.UUID) -> CertificationBatch:
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in OPEN_STATES:
        raise ConflictError(N_("批次已判定，成绩已锁定；确需修改请由认定管理员退回修改"), error_code="scores_locked")
    return batch


def sent_modes(session: Session, batch: CertificationBatch) -> list[AssessmentMode]:
    """Return the components of the batch's level that may come from outside, routes included."""
    rule = keys.pass_rule(profiles.values(session, batch.organisation_id), batch.level_code)
    wanted = {part.mode for part in rule.components} | rule.routes
    return [mode for mode in SENT_MODES if mode in wanted]


def find_problems(
    session: Session, batch: CertificationBatch, system_id: uuid.UUID, rows: Rows, *, is_correction: bool
) -> list[SheetProblem]:
    """Return what is wrong with results that a system would send for a batch; nothing is kept."""
    return read_rows(rows, _places(session, batch, system_id, is_correction=is_correction))[1]


def _places(session: Session, batch: CertificationBatch, system_id: uuid.UUID, *, is_correction: bool) -> Places:
    key = batch.certification_batch_id
    numbers = {one.result_record_id: one.admission_number for one in batch_repository.list_records(session, key)}
    own = repository.delivery_ids(session, system_id, key)
    held: dict[tuple[str, AssessmentMode], Held] = {}
    sent: set[tuple[str, AssessmentMode]] = set()
    for record_id, scores in score_repository.current_scores(session, key).items():
        for mode, score in scores.items():
            held[numbers[record_id], mode] = (score.state, score.score)
            if score.score_delivery_id in own:
                sent.add((numbers[record_id], mode))
    closed = {(numbers[record_id], mode) for record_id, mode in panels.grouped_places(session, key)}
    ranks = rank_rules(profiles.values(session, batch.organisation_id))
    return Places(
        set(numbers.values()), sent_modes(session, batch), held, closed, sent, is_correction, ranks, batch.level_code
    )


# --- the second look -------------------------------------------------------------------------------------------------


def accept(uow: UnitOfWork, delivery_id: uuid.UUID) -> int:
    """Take a waiting delivery into its batch and return how many scores were new; all of it or nothing.

    Raises
    ------
    ConflictError
        If somebody settled it before, the batch is decided, or a row no longer fits.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = _waiting(uow, delivery_id)
    if not may_confirm(uow.session, uow.actor, row):
        raise ConflictError(N_("上传文件的人不能自己确认，请由另一名认定管理员核对"), error_code="own_upload")
    batch = _open_batch(uow, row.certification_batch_id)
    places = _places(uow.session, batch, row.sending_system_id, is_correction=row.is_correction)
    read, problems = read_rows(row.rows, places)
    if problems:
        message = N_("第 %(row)s 行已不能接收：%(problem)s")
        raise ConflictError(message, row=problems[0].row, problem=str(problems[0]))
    system = uow.session.get_one(SendingSystem, row.sending_system_id)
    return _take(uow, batch, row, read, f"{system.name}、{uow.actor.name}")


def may_confirm(session: Session, actor: Actor, row: ScoreDelivery) -> bool:
    """Say whether somebody may confirm a delivery: by rule not one's own upload."""
    is_own = row.uploader_id is not None and row.uploader_id == actor.user_id
    return not (is_own and bool(profiles.value(session, row.organisation_id, SECOND_PERSON)))


def reject(uow: UnitOfWork, delivery_id: uuid.UUID, *, reason: str) -> ScoreDelivery:
    """Put a waiting delivery aside with a reason; it changes no score."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = _waiting(uow, delivery_id)
    if not reason.strip():
        raise InvalidInputError(N_("请填写不接收的原因"), fields={"reason": [N_("请填写不接收的原因")]})
    row.reason = reason.strip()[:300]
    _settle(uow, row, ScoreDeliveryState.REJECTED)
    return row


def _waiting(uow: UnitOfWork, delivery_id: uuid.UUID) -> ScoreDelivery:
    row = repository.lock_delivery(uow.session, delivery_id, actor=uow.actor)
    if row.state is not ScoreDeliveryState.WAITING:
        raise ConflictError(N_("送来的这批成绩已经处理过"))
    return row


def _take(
    uow: UnitOfWork, batch: CertificationBatch, row: ScoreDelivery, read: Sequence[EnteredScore], names: str
) -> int:
    key = batch.certification_batch_id
    records = {one.admission_number: one for one in batch_repository.list_records(uow.session, key)}
    held = score_repository.current_scores(uow.session, key)
    for score in read:
        record = records[score.admission_number]
        before = held.get(record.result_record_id, {}).get(score.mode)
        if before is None or (before.state, before.score) != (score.state, score.score):
            number = before.number + 1 if before else 1
            uow.add(_version(record, score, number=number, names=names, delivery_id=row.score_delivery_id))
            row.n_saved += 1
    _settle(uow, row, ScoreDeliveryState.ACCEPTED)
    return row.n_saved


def _version(
    record: ResultRecord, score: EnteredScore, *, number: int, names: str, delivery_id: uuid.UUID
) -> ComponentScore:
    return ComponentScore(
        organisation_id=record.organisation_id, certification_batch_id=record.certification_batch_id,
        result_record_id=record.result_record_id, mode=score.mode, number=number, state=score.state, score=score.score,
        origin=ScoreOrigin.IMPORTED, entered_by=names[:100], entered_at=now(), score_delivery_id=delivery_id,
    )  # fmt: skip


def _settle(uow: UnitOfWork, row: ScoreDelivery, state: ScoreDeliveryState) -> None:
    row.state, row.settled_by, row.settled_at = state, uow.actor.name[:100], now()
    audit.record(
        uow, "certification.inbound_settled", "certification_batch", row.certification_batch_id,
        after={"state": state.value, "n_saved": row.n_saved, "body_digest": row.body_digest},
    )  # fmt: skip
