"""Letters about parts that stay valid: what was passed, until when it counts, and what is to be sat again."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, ResultRecord
from certification.repository import batches as repository
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.part_scores import PART_RETAKES
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, plain_number
from certification.services import part_scores
from exam_delivery.public_letters import Letter, letter_docx, letter_pdf
from kernel import audit, profiles
from kernel.clock import today
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.uow import UnitOfWork

FORMATS = {"docx": letter_docx, "pdf": letter_pdf}
TITLE = "单科合格成绩保留通知书"


def part_letter(session: Session, actor: Actor, record_id: uuid.UUID) -> Letter:
    """Return the letter about the parts that somebody who failed keeps.

    Raises
    ------
    ConflictError
        If nothing is kept.
    """
    require(actor, Permission.CERTIFICATION_WRITE)
    record = repository.get_record(session, record_id, actor=actor)
    batch = repository.get_batch(session, record.certification_batch_id, actor=actor)
    kept = part_scores.kept_until(session, batch, record)
    if not kept or batch.organisation_id != actor.organisation:
        raise ConflictError(N_("这名考生没有可保留的单科合格成绩"))
    values = profiles.values(session, batch.organisation_id)
    again = [p.mode for p in keys.pass_rule(values, batch.level_code).components if p.mode not in kept]
    return Letter(
        organisation=get_organisation(session, batch.organisation_id).name, title=TITLE, number=f"批次 {batch.code}",
        addressee=record.name, paragraphs=_paragraphs(batch, record, again, int(values[PART_RETAKES])),
        facts=_facts(session, record, kept), signed_on=today(),
        notes=("保留期内只须参加未合格科目的考核；逾期未合格的，各科须重新参加。",),
    )  # fmt: skip


def _paragraphs(
    batch: CertificationBatch, record: ResultRecord, again: list[AssessmentMode], n_retakes: int
) -> tuple[str, ...]:
    trade = f"（{batch.trade_name}）" if batch.trade_name else ""
    sat = f"您参加了{batch.name}{batch.occupation_name}{trade}{batch.level_name}的评价，准考证号 {record.admission_number}。"
    rest = "、".join(MODE_LABELS[mode] for mode in again)
    way = f"未合格科目：{rest}。在下列期限内可以补考 {n_retakes} 次，报名时请注明补考科目。"
    return (f"{sat}本次评价结论为不合格，下列科目已经合格，成绩予以保留。", way)


def _facts(session: Session, record: ResultRecord, kept: dict[AssessmentMode, dt.date]) -> tuple[tuple[str, str], ...]:
    newest = score_repository.current_scores(session, record.certification_batch_id)[record.result_record_id]
    facts = []
    for mode, end in sorted(kept.items()):
        score = newest[mode].score
        told = "合格" if score is None else f"{plain_number(score)} 分，合格"
        facts.append((MODE_LABELS[mode], f"{told}，保留至 {end.year} 年 {end.month} 月 {end.day} 日"))
    return tuple(facts)


def make_letter(uow: UnitOfWork, record_id: uuid.UUID, file_type: str) -> tuple[str, bytes]:
    """Return name and content of the letter as a file; handing it out is in the journal."""
    letter = part_letter(uow.session, uow.actor, record_id)
    record = repository.get_record(uow.session, record_id, actor=uow.actor)
    audit.record(uow, "certification.part_letter", "result_record", record_id, after={"file_type": file_type})
    return f"{TITLE}_{record.admission_number}.{file_type}", FORMATS[file_type](letter)
