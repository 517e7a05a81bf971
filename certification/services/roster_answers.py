"""Rosters that the reviewing centre gave back as files: compared with what was sent, previewed, taken over or dropped.

Nothing of a person is changed by such a file: fields that are sent back are kept as returns, and somebody mends the data.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import AnswerFileStatus, CertificationBatch, ResultRecord, RosterAnswerFile, RosterStatus
from certification.repository import batches as batch_repository
from certification.repository import roster_answers as repository
from certification.repository import rosters as roster_repository
from certification.rules.roster_answers import RosterAnswer, SheetRows, compare, differences_as_returns
from certification.rules.roster_layouts import RosterLayout, layout_of, shipped_layouts
from certification.services import rosters
from certification.services.personal import read_number, seal, unseal
from certification.services.rosters import ReturnedField
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.national_id import normalise_id
from kernel.spreadsheets import Sheet, read_table
from kernel.uow import UnitOfWork

TABLE = "roster_answer_files"
SETTLED = N_("这个退回文件已经处理过")
NOT_WAITING = N_("名册不在审核中，没有等待结果的上报")


@dataclass(frozen=True, slots=True)
class LoadedAnswer:
    """A returned file beside what was sent, with the people in the order in which they were sent."""

    file: RosterAnswerFile
    batch: CertificationBatch
    layout: RosterLayout
    answer: RosterAnswer
    people: tuple[ResultRecord | None, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """The roster that waits for an answer, read back from the file that was kept."""

    submission_id: uuid.UUID
    batch: CertificationBatch
    layout: RosterLayout
    sheet: SheetRows


def sent_roster(session: Session, actor: Actor, batch_id: uuid.UUID) -> Sent:
    """Return the roster of a batch that is under review.

    Raises
    ------
    ConflictError
        If none waits for an answer.
    """
    require(actor, Permission.CERTIFICATION_WRITE)
    batch = batch_repository.get_batch(session, batch_id, actor=actor)
    rounds = roster_repository.list_submissions(session, batch_id)
    if batch.organisation_id != actor.organisation or not rounds or rounds[0].status is not RosterStatus.SUBMITTED:
        raise ConflictError(NOT_WAITING)
    return _sent(session, actor, rounds[0].roster_submission_id, batch)


def _sent(session: Session, actor: Actor, submission_id: uuid.UUID, batch: CertificationBatch) -> Sent:
    row = roster_repository.get_submission(session, submission_id, actor=actor)
    content = unseal(row.workbook_ciphertext, table=rosters.TABLE, column="workbook_ciphertext", row_id=submission_id)
    rows = read_table(content)[0].rows
    own = rosters.layout_for(session, batch.organisation_id)
    layout, header = layout_of(rows, [own, *(one for one in shipped_layouts().values() if one.code != own.code)])
    return Sent(submission_id, batch, layout, SheetRows(rows, header))


def compare_sheets(sent: Sent, sheets: Sequence[Sheet]) -> RosterAnswer:
    """Return what a returned workbook says; its roster is the first sheet with the headings.

    Raises
    ------
    InvalidInputError
        If no sheet has the headings that were sent, or it has no row.
    """
    for sheet in sheets:
        try:
            _layout, header = layout_of(sheet.rows, [sent.layout])
        except InvalidInputError:
            continue
        answer = compare(sent.sheet, SheetRows(sheet.rows, header), sent.layout)
        if not answer.lines and not answer.problems:
            break
        return answer
    raise InvalidInputError(
        N_("文件中没有与上报名册列名相同的表，或表中没有人员；请上传鉴定中心退回的原文件"),
        fields={"file": [N_("文件中没有与上报名册列名相同的表，或表中没有人员；请上传鉴定中心退回的原文件")]},
    )


def keep(uow: UnitOfWork, sent: Sent, answer: RosterAnswer, *, file_name: str, data: bytes) -> RosterAnswerFile:
    """Keep a returned file for its preview; nothing of it counts yet."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    key = new_id()
    row = RosterAnswerFile(
        roster_answer_file_id=key, organisation_id=uow.actor.organisation, roster_submission_id=sent.submission_id,
        file_name=file_name[:200], content_digest=hashlib.sha256(data).hexdigest(),
        ciphertext=seal(data, table=TABLE, column="ciphertext", row_id=key), n_rows=len(answer.lines),
        n_returned=answer.n_returned, n_differences=answer.n_differences, uploaded_by=uow.actor.name[:100],
        uploaded_at=now(),
    )  # fmt: skip
    uow.add(row)
    after = {"n_rows": row.n_rows, "n_returned": row.n_returned, "digest": row.content_digest}
    audit.record(uow, "certification.answer_upload", TABLE, key, after=after)
    return row


def load(session: Session, actor: Actor, answer_id: uuid.UUID) -> LoadedAnswer:
    """Return a returned file that waits for a decision, compared anew.

    Raises
    ------
    ConflictError
        If it was decided about already, and is gone.
    """
    require(actor, Permission.CERTIFICATION_WRITE)
    row = repository.get_answer(session, answer_id, actor=actor)
    if row.ciphertext is None:
        raise ConflictError(SETTLED)
    submission = roster_repository.get_submission(session, row.roster_submission_id, actor=actor)
    batch = batch_repository.get_batch(session, submission.certification_batch_id, actor=actor)
    sent = _sent(session, actor, row.roster_submission_id, batch)
    data = unseal(row.ciphertext, table=TABLE, column="ciphertext", row_id=answer_id)
    return LoadedAnswer(row, batch, sent.layout, compare_sheets(sent, read_table(data)), _people(session, sent))


def _people(session: Session, sent: Sent) -> tuple[ResultRecord | None, ...]:
    """Return the people of a roster in the order in which they were sent, by their numbers."""
    records = batch_repository.list_records(session, sent.batch.certification_batch_id)
    by_number = {read_number(one, table="result_records", row_id=one.result_record_id): one for one in records}
    place = sent.layout.index_of("id_number")
    heading = sent.sheet.rows[sent.sheet.header_index].index(sent.layout.header[place])
    rows = [row for row in sent.sheet.rows[sent.sheet.header_index + 1 :] if any(row)]
    return tuple(by_number.get(normalise_id(row[heading])) for row in rows)


def apply(uow: UnitOfWork, loaded: LoadedAnswer, *, with_differences: bool) -> int:
    """Take over what a file sends back, as if it had been typed, and return how many fields; the file leaves.

    Raises
    ------
    ConflictError
        If it was decided about meanwhile, or holds problems.
    InvalidInputError
        If it sends nothing back.
    """
    row = _settle(uow, loaded.file.roster_answer_file_id, AnswerFileStatus.APPLIED)
    if loaded.answer.problems:
        raise ConflictError(N_("文件中有 %(n)s 处问题，不能登记；请核对后重新上传"), n=len(loaded.answer.problems))
    returned = [
        ReturnedField(item.field_name, item.reason_code, person.admission_number, item.note)
        for line in loaded.answer.lines
        if (person := loaded.people[line.sent_index]) is not None
        for item in (*line.returned, *(differences_as_returns(line) if with_differences else ()))
    ]
    rosters.return_roster(uow, loaded.batch.certification_batch_id, returned)
    audit.record(
        uow, "certification.answer_apply", TABLE, row.roster_answer_file_id, after={"n_returned": len(returned)}
    )
    return len(returned)


def discard(uow: UnitOfWork, answer_id: uuid.UUID) -> RosterAnswerFile:
    """Drop a returned file without taking anything over."""
    row = _settle(uow, answer_id, AnswerFileStatus.DISCARDED)
    audit.record(uow, "certification.answer_discard", TABLE, answer_id)
    return row


def _settle(uow: UnitOfWork, answer_id: uuid.UUID, status: AnswerFileStatus) -> RosterAnswerFile:
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.get_answer(uow.session, answer_id, actor=uow.actor, lock=True)
    if row.status is not AnswerFileStatus.PREVIEWED:
        raise ConflictError(SETTLED)
    row.status, row.ciphertext = status, None
    row.settled_by, row.settled_at = uow.actor.name[:100], now()
    return row
