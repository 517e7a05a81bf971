"""Typing scores twice: each person types their own, equal ones count at once, differences are settled by a third person."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, ComponentScore, ResultRecord, ScoreEntry, ScoreOrigin
from certification.repository import batches as repository
from certification.repository import double_entry as entries
from certification.repository import scores as score_repository
from certification.rules.batch_states import BatchState
from certification.rules.double_entry import DOUBLE_ENTRY, EntryState, TypedScore, compare
from certification.rules.pass_decision import AssessmentMode, ResultState
from certification.rules.score_sheet import EnteredScore, read_score
from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

OPEN_STATES = frozenset({BatchState.RECEIVED, BatchState.CHECKED})
SHORTEST_REASON = 5
Place = tuple[uuid.UUID, AssessmentMode]


@dataclass(frozen=True, slots=True)
class Difference:
    """A score that two people typed differently."""

    record: ResultRecord
    mode: AssessmentMode
    entries: Sequence[ScoreEntry]


@dataclass(frozen=True, slots=True)
class DoubleState:
    """How far typing twice is in a batch, as one person sees it: their own entries only."""

    own: Mapping[Place, ScoreEntry]
    n_waiting: int
    differences: tuple[Difference, ...]


def is_double(session: Session, batch: CertificationBatch) -> bool:
    """Say whether the rule profile asks for two people to type each score."""
    return bool(profiles.value(session, batch.organisation_id, DOUBLE_ENTRY))


def state_of(session: Session, batch: CertificationBatch, user_id: uuid.UUID | None) -> DoubleState:
    """Return what somebody typed, how much waits for a second person, and where two differ."""
    key = batch.certification_batch_id
    held = score_repository.current_scores(session, key)
    people = {one.result_record_id: one for one in repository.list_records(session, key)}
    n_waiting, differences = 0, []
    known = entries.entries_by_place(session, key)
    for (record_id, mode), typed in known.items():
        if mode in held.get(record_id, {}):
            continue
        found = compare(list(map(_typed, typed)))
        n_waiting += found is EntryState.WAITING
        if found is EntryState.DIFFERENT:
            differences.append(Difference(people[record_id], mode, typed))
    own = {place: one for place, typed in known.items() for one in typed if one.entered_by == user_id}
    return DoubleState(own, n_waiting, tuple(sorted(differences, key=lambda one: one.record.admission_number)))


def _typed(entry: ScoreEntry) -> TypedScore:
    return TypedScore(entry.entered_by, entry.state, entry.score)


def save_entries(
    uow: UnitOfWork, batch: CertificationBatch, records: Sequence[ResultRecord], entered: Sequence[EnteredScore]
) -> int:
    """Keep what this person typed, and return how many entries were kept; those that two people typed alike count.

    A score that counts already is left alone: changing it is settled, not typed over. A third person types nothing.
    """
    by_number = {record.admission_number: record for record in records}
    known = entries.entries_by_place(uow.session, batch.certification_batch_id)
    held = score_repository.current_scores(uow.session, batch.certification_batch_id)
    n_kept = n_agreed = 0
    for score in entered:
        record = by_number[score.admission_number]
        typed = known.get((record.result_record_id, score.mode), [])
        others = [one for one in typed if one.entered_by != uow.actor.user_id]
        if score.mode in held.get(record.result_record_id, {}) or len(others) > 1:
            continue
        n_kept += 1
        own = _save_own(uow, record, score, next((one for one in typed if one not in others), None))
        if compare([*map(_typed, others), _typed(own)]) is EntryState.AGREED:
            names = "、".join([*(one.entered_by_name for one in others), own.entered_by_name])
            _count(uow, record, score, names)
            n_agreed += 1
    after = {"n_typed": n_kept, "n_agreed": n_agreed}
    audit.record(uow, "certification.double_entry", "certification_batch", batch.certification_batch_id, after=after)
    return n_kept


def _save_own(uow: UnitOfWork, record: ResultRecord, score: EnteredScore, own: ScoreEntry | None) -> ScoreEntry:
    if own is None:
        own = ScoreEntry(
            organisation_id=record.organisation_id, certification_batch_id=record.certification_batch_id,
            result_record_id=record.result_record_id, mode=score.mode, entered_by=uow.actor.user_id,
            entered_by_name=uow.actor.name[:100],
        )  # fmt: skip
        uow.add(own)
    own.state, own.score, own.entered_at = score.state, score.score, now()
    return own


def _count(uow: UnitOfWork, record: ResultRecord, score: EnteredScore, names: str) -> None:
    uow.add(
        ComponentScore(
            organisation_id=record.organisation_id, certification_batch_id=record.certification_batch_id,
            result_record_id=record.result_record_id, mode=score.mode, number=1, state=score.state, score=score.score,
            origin=ScoreOrigin.TYPED, entered_by=names[:100], entered_at=now(),
        )
    )  # fmt: skip


def settle(
    uow: UnitOfWork, batch_id: uuid.UUID, record_id: uuid.UUID, mode: AssessmentMode, *, text: str, reason: str
) -> None:
    """Decide a difference by the signed sheet; whoever typed one of the two does not.

    Raises
    ------
    ForbiddenError
        If the actor typed one of the two.
    ConflictError
        If there is no difference, or the batch is decided.
    InvalidInputError
        If the score or the reason is missing.
    """
    require(uow.actor, Permission.SKILL_SCORE_WRITE)
    batch = repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in OPEN_STATES:
        raise ConflictError(N_("批次已判定，成绩已锁定；确需修改请由认定管理员退回修改"))
    found = state_of(uow.session, batch, uow.actor.user_id).differences
    difference = next((one for one in found if one.record.result_record_id == record_id and one.mode is mode), None)
    if difference is None:
        raise ConflictError(N_("这个成绩没有需要裁定的不一致"))
    if any(one.entered_by == uow.actor.user_id for one in difference.entries):
        raise ForbiddenError(N_("两次录入不一致的成绩，由录入人以外的人核对原始评分表后裁定"))
    state, score = _checked(text, reason)
    settled = EnteredScore(difference.record.admission_number, mode, state, score)
    _count(uow, difference.record, settled, f"{uow.actor.name}（裁定）")
    audit.record(
        uow, "certification.settle_entry", "result_record", record_id, after={"mode": mode.value},
        reason=reason.strip()[:300],
    )  # fmt: skip


def _checked(text: str, reason: str) -> tuple[ResultState, Decimal | None]:
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明核对的依据，至少 5 个字")
        raise InvalidInputError(message, fields={"reason": [message]})
    read = read_score(text)
    if read is None:
        message = N_("请填写裁定的成绩")
        raise InvalidInputError(message, fields={"score": [message]})
    return read
