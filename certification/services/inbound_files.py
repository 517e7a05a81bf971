"""Component results from outside as a file: read, complained about row by row, and taken in the way that HTTP is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, ScoreDelivery, ScoreDeliveryState
from certification.repository import batches as batch_repository
from certification.repository import inbound as repository
from certification.repository import scores as score_repository
from certification.rules.inbound import LONGEST_ID
from certification.rules.inbound_sheet import placed, read_results, result_header
from certification.rules.pass_decision import AssessmentMode
from certification.services import inbound, senders
from certification.services.inbound import BadRowsError, Parcel, Received
from certification.services.scores import entered_text
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Sheet, TableSheet, write_table
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class ResultFile:
    """An uploaded file with what the officer says of it; `external_id` is the number that the other side gave it."""

    file_name: str
    digest: str
    source: str
    external_id: str = ""
    is_correction: bool = False


def own_batch(session: Session, batch_id: uuid.UUID, *, actor: Actor) -> CertificationBatch:
    """Return a batch of the own organisation, or raise NotFoundError."""
    require(actor, Permission.CERTIFICATION_WRITE)
    batch = batch_repository.get_batch(session, batch_id, actor=actor)
    if batch.organisation_id != actor.organisation:
        raise NotFoundError(N_("认定批次不存在"))
    return batch


def template(session: Session, batch_id: uuid.UUID, *, actor: Actor) -> tuple[CertificationBatch, bytes]:
    """Return the sheet to fill in with the candidates of a batch; scores that stand are left out."""
    batch = own_batch(session, batch_id, actor=actor)
    header = result_header(inbound.sent_modes(session, batch))
    rows = [
        [record.admission_number, record.name, *("" for _title in header[2:])]
        for record in batch_repository.list_records(session, batch_id)
    ]
    return batch, write_table([TableSheet("外部成绩", header, rows, title=f"{batch.name} 外部成绩报送表"[:200])])


def receive_file(uow: UnitOfWork, batch_id: uuid.UUID, file: ResultFile, sheets: Sequence[Sheet]) -> Received:
    """Keep a file's results for the second look; the same file, or the same id with it, changes nothing.

    Raises
    ------
    BadRowsError
        With every cell that cannot be taken; then nothing is kept.
    ConflictError
        If the id was used for another file, or the batch is decided.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    system = senders.source_of_files(uow, file.source)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)  # after the system, as in `receive`
    known = repository.find_file(uow.session, batch_id, file.digest)
    if known is not None and known.state is not ScoreDeliveryState.REJECTED:
        return Received(known, is_new=False)
    names = {one.admission_number: one.name for one in batch_repository.list_records(uow.session, batch_id)}
    read = read_results(sheets, names=names, modes=inbound.sent_modes(uow.session, batch))
    rows = [list(cell.values) for cell in read.cells]
    if read.problems:  # all there is to mend is told at once
        found = inbound.find_problems(
            uow.session, batch, system.sending_system_id, rows, is_correction=file.is_correction
        )
        told = [*read.problems, *(placed(one, read.cells) for one in found)]
        raise BadRowsError(sorted(told, key=lambda one: (one.row, one.column)))
    key = _checked_id(file.external_id) or _own_id(uow.session, system.sending_system_id, file.digest)
    parcel = Parcel(key, file.digest, batch_id, rows, file.is_correction, file.file_name)
    try:
        return inbound.receive(uow, system.sending_system_id, parcel)
    except BadRowsError as exc:
        raise BadRowsError([placed(one, read.cells) for one in exc.problems]) from exc


def _checked_id(text: str) -> str:
    plain = text.strip()
    if len(plain) > LONGEST_ID or not plain.isprintable():
        message = N_("批号最多 %(n)s 个字，不能有换行")
        raise InvalidInputError(message, fields={"external_id": [message % {"n": LONGEST_ID}]}, n=LONGEST_ID)
    return plain


def _own_id(session: Session, system_id: uuid.UUID, digest: str) -> str:
    """Return an id for a file without one: another one each time the same file comes again after a refusal."""
    return f"file:{digest}:{repository.count_files(session, system_id, digest)}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a waiting delivery beside what stands now; `before` is empty where nothing stands."""

    number: str
    name: str
    mode: AssessmentMode
    text: str
    before: str

    @property
    def is_same(self) -> bool:
        """Whether it changes nothing."""
        return self.before == self.text


@dataclass(frozen=True, slots=True)
class Preview:
    """What taking a delivery in would do, and how many of the batch it says nothing about."""

    findings: tuple[Finding, ...]
    n_unnamed: int

    @property
    def n_new(self) -> int:
        """How many results are the first of their place."""
        return sum(not one.before for one in self.findings)

    @property
    def n_changed(self) -> int:
        """How many results replace another one."""
        return sum(bool(one.before) and not one.is_same for one in self.findings)


def preview(session: Session, delivery: ScoreDelivery) -> Preview:
    """Return what a waiting delivery would change."""
    key = delivery.certification_batch_id
    records = {one.admission_number: one for one in batch_repository.list_records(session, key)}
    held = score_repository.current_scores(session, key)
    findings = []
    for number, mode_code, text in delivery.rows:
        record, mode = records.get(number), AssessmentMode(mode_code)
        score = held.get(record.result_record_id, {}).get(mode) if record else None
        findings.append(Finding(number, record.name if record else "", mode, text, entered_text(score)))
    return Preview(tuple(findings), len(records.keys() - {one.number for one in findings}))
