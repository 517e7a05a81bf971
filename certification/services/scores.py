"""Skill and review scores that people enter: typed in a table or imported from a sheet; locked by the decision."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, ComponentScore, ResultRecord, ScoreOrigin
from certification.repository import batches as repository
from certification.repository import panels
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import AssessmentMode, ResultState, plain_number
from certification.rules.score_sheet import (
    ENTERED_MODES,
    EnteredScore,
    SheetProblem,
    read_score,
    read_sheet,
    sheet_header,
)
from certification.services import double_entry
from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Sheet, TableSheet, read_table, write_table
from kernel.uow import UnitOfWork

OPEN_STATES = frozenset({BatchState.RECEIVED, BatchState.CHECKED})


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What a sheet gave; with problems nothing was saved."""

    n_saved: int
    n_unchanged: int
    n_empty: int
    problems: tuple[SheetProblem, ...]


def entered_modes(session: Session, batch: CertificationBatch) -> list[AssessmentMode]:
    """Return the components of the batch's level that people enter."""
    rule = keys.pass_rule(profiles.values(session, batch.organisation_id), batch.level_code)
    required = {part.mode for part in rule.components}
    return [mode for mode in ENTERED_MODES if mode in required]


def wanted_modes(session: Session, batch: CertificationBatch) -> list[AssessmentMode]:
    """Return the components of the batch's level that do not come from the theory examination."""
    rule = keys.pass_rule(profiles.values(session, batch.organisation_id), batch.level_code)
    return [part.mode for part in rule.components if part.mode is not AssessmentMode.THEORY]


def score_template(session: Session, batch_id: uuid.UUID, *, actor: Actor) -> bytes:
    """Return the sheet to fill in: admission numbers, names, masked numbers, and what is entered already."""
    require(actor, Permission.SKILL_SCORE_WRITE)
    batch = repository.get_batch(session, batch_id, actor=actor)
    modes = entered_modes(session, batch)
    scores = score_repository.current_scores(session, batch_id)
    rows = [
        [record.admission_number, record.name, record.id_number_mask, *_texts(scores, record, modes)]
        for record in repository.list_records(session, batch_id)
    ]
    return write_table([TableSheet("技能成绩", sheet_header(modes), rows, title=f"{batch.name} 技能成绩登记表"[:200])])


def _texts(scores: score_repository.ScoresOfBatch, record: ResultRecord, modes: Sequence[AssessmentMode]) -> list[str]:
    held = scores.get(record.result_record_id, {})
    return [entered_text(held.get(mode)) for mode in modes]


def entered_text(score: ComponentScore | None) -> str:
    """Return a component's result as a person types it."""
    return "" if score is None else text_of(score.state, score.score)


def text_of(state: ResultState, score: Decimal | None) -> str:
    """Return a result as a person types it."""
    words = {ResultState.ABSENT: "缺考", ResultState.VOID: "作废", ResultState.RECOGNISED: "认可"}
    return words.get(state, "") if score is None else plain_number(score)


def import_scores(uow: UnitOfWork, batch_id: uuid.UUID, data: bytes | Sequence[Sheet]) -> ImportOutcome:
    """Take the scores of a filled-in template, read already or not; one bad row, and nothing is saved."""
    batch = _open_batch(uow, batch_id)
    records = repository.list_records(uow.session, batch_id)
    names = {record.admission_number: record.name for record in records}
    sheets = read_table(data) if isinstance(data, bytes) else data
    sheet = read_sheet(sheets[0].rows, names=names, modes=entered_modes(uow.session, batch))
    if sheet.problems:
        return ImportOutcome(0, 0, sheet.n_empty, sheet.problems)
    if not sheet.scores:
        raise InvalidInputError(N_("表格中没有任何成绩，请填写后再导入"))
    grouped = _grouped_numbers(uow.session, batch_id, records)
    free = [one for one in sheet.scores if (one.admission_number, one.mode) not in grouped]
    n_saved = _save(uow, batch, records, free, ScoreOrigin.IMPORTED)
    return ImportOutcome(n_saved, len(sheet.scores) - n_saved, sheet.n_empty, ())


def _grouped_numbers(
    session: Session, batch_id: uuid.UUID, records: Sequence[ResultRecord]
) -> set[tuple[str, AssessmentMode]]:
    """Return which scores an assessors' group gives: nobody types or imports those."""
    numbers = {one.result_record_id: one.admission_number for one in records}
    return {(numbers[key], mode) for key, mode in panels.grouped_places(session, batch_id)}


def type_scores(uow: UnitOfWork, batch_id: uuid.UUID, typed: Mapping[tuple[uuid.UUID, AssessmentMode], str]) -> int:
    """Save scores typed in the table and return how many changed; an empty field changes nothing.

    Raises
    ------
    InvalidInputError
        With the message of each bad field under ``<mode>-<record id>``.
    """
    batch = _open_batch(uow, batch_id)
    records = {r.result_record_id: r for r in repository.list_records(uow.session, batch_id)}
    allowed = set(entered_modes(uow.session, batch))
    grouped = panels.grouped_places(uow.session, batch_id)
    entered, errors = [], {}
    for (record_id, mode), text in typed.items():
        if record_id not in records or mode not in allowed or (record_id, mode) in grouped:
            continue
        try:
            read = read_score(text)
        except InvalidInputError as error:
            errors[f"{mode.value}-{record_id}"] = [error.message]
        else:
            entered += [EnteredScore(records[record_id].admission_number, mode, *read)] if read else []
    if errors:
        raise InvalidInputError(N_("有 %(n)s 个成绩填写有误，请改正后再保存"), fields=errors, n=len(errors))
    return _save(uow, batch, list(records.values()), entered, ScoreOrigin.TYPED)


def count_missing(session: Session, batch: CertificationBatch) -> int:
    """Return how many scores are still to be entered."""
    modes = wanted_modes(session, batch)
    held = score_repository.counting_scores(session, batch.certification_batch_id)
    n_entered = sum(mode in scores for scores in held.values() for mode in modes)
    return batch.n_registered * len(modes) - n_entered


def mark_missing_absent(uow: UnitOfWork, batch_id: uuid.UUID) -> int:
    """Enter everybody without a score as absent, and return how many."""
    batch = _open_batch(uow, batch_id)
    records = repository.list_records(uow.session, batch_id)
    held = score_repository.counting_scores(uow.session, batch_id)
    grouped = panels.grouped_places(uow.session, batch_id)
    missing = [
        EnteredScore(record.admission_number, mode, ResultState.ABSENT, None)
        for record in records
        for mode in entered_modes(uow.session, batch)
        if mode not in held.get(record.result_record_id, {}) and (record.result_record_id, mode) not in grouped
    ]
    return _save(uow, batch, records, missing, ScoreOrigin.TYPED)


def _open_batch(uow: UnitOfWork, batch_id: uuid.UUID) -> CertificationBatch:
    require(uow.actor, Permission.SKILL_SCORE_WRITE)
    batch = repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in OPEN_STATES:
        raise ConflictError(N_("批次已判定，成绩已锁定；确需修改请由认定管理员退回修改"), error_code="scores_locked")
    return batch


def _save(
    uow: UnitOfWork,
    batch: CertificationBatch,
    records: Sequence[ResultRecord],
    entered: Sequence[EnteredScore],
    origin: ScoreOrigin,
) -> int:
    if double_entry.is_double(uow.session, batch):
        return double_entry.save_entries(uow, batch, records, entered)
    by_number = {record.admission_number: record for record in records}
    held = score_repository.current_scores(uow.session, batch.certification_batch_id)
    n_saved = 0
    for score in entered:
        record = by_number[score.admission_number]
        before = held.get(record.result_record_id, {}).get(score.mode)
        if before is not None and (before.state, before.score) == (score.state, score.score):
            continue
        uow.add(_version(uow, record, score, number=before.number + 1 if before else 1, origin=origin))
        n_saved += 1
    if n_saved:
        after = {"n_saved": n_saved, "origin": origin.value}
        audit.record(uow, "certification.scores", "certification_batch", batch.certification_batch_id, after=after)
    return n_saved


def _version(
    uow: UnitOfWork, record: ResultRecord, score: EnteredScore, *, number: int, origin: ScoreOrigin
) -> ComponentScore:
    return ComponentScore(
        organisation_id=record.organisation_id,
        certification_batch_id=record.certification_batch_id,
        result_record_id=record.result_record_id,
        mode=score.mode,
        number=number,
        state=score.state,
        score=score.score,
        origin=origin,
        entered_by=uow.actor.name[:100],
        entered_at=now(),
    )
