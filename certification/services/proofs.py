"""Documents behind components: one person enters what a document gives, a second one checks it, and then it counts."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy.orm import Session

from certification.models import (
    CertificationBatch,
    ComponentProof,
    ComponentScore,
    ProofStatus,
    ResultRecord,
    ScoreOrigin,
)
from certification.repository import batches as batch_repository
from certification.repository import panels, proofs
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.competition import grants, rank_rules
from certification.rules.pass_decision import AssessmentMode, ResultState
from certification.rules.score_sheet import read_score
from certification.services.panel_groups import open_batch
from certification.services.panel_sheets import keep_away, member_group
from certification.services.personal import seal, unseal
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.typesetting import picture_suffix
from kernel.uow import UnitOfWork

TABLE = "component_proofs"
MAX_BYTES = 20 * 1024 * 1024
SCORED_MODES = frozenset({AssessmentMode.WORK_PERFORMANCE, AssessmentMode.PROCESS})
PROOF_MODES = (
    AssessmentMode.WORK_PERFORMANCE, AssessmentMode.PROCESS, AssessmentMode.COMPREHENSIVE_REVIEW,
    AssessmentMode.DIRECT_RECOGNITION, AssessmentMode.COMPETITION,
)  # fmt: skip
SHORTEST_REASON = 5


@dataclass(frozen=True, slots=True)
class ProofForm:
    """What somebody enters with a document."""

    admission_number: str
    mode: AssessmentMode
    title: str
    score: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def proof_modes(session: Session, batch: CertificationBatch) -> list[AssessmentMode]:
    """Return the components and routes of the batch's level that rest on documents."""
    rule = keys.pass_rule(profiles.values(session, batch.organisation_id), batch.level_code)
    known = {part.mode for part in rule.components} | rule.routes
    return [mode for mode in PROOF_MODES if mode in known]


def file_kind(data: bytes) -> str:
    """Return what a file is by its content: pdf, docx, or a picture; raises InvalidInputError for anything else."""
    if len(data) > MAX_BYTES:
        _refuse("file", N_("文件不能超过 20 MB"))
    if data.startswith(b"%PDF-"):
        return "pdf"
    if suffix := picture_suffix(data):
        return suffix
    if data.startswith(b"PK") and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if "word/document.xml" in packed.namelist():
                return "docx"
    _refuse("file", N_("请上传 PDF、Word（docx）或图片文件"))
    return ""


def _refuse(name: str, message: str) -> None:
    raise InvalidInputError(message, fields={name: [message]})


def submit_proof(uow: UnitOfWork, batch_id: uuid.UUID, form: ProofForm, *, name: str, data: bytes) -> ComponentProof:
    """Keep a document with what it is to give; nothing counts before a second person has checked it."""
    require(uow.actor, Permission.SKILL_SCORE_WRITE)
    kind = file_kind(data)
    batch = open_batch(uow, batch_id)
    if form.mode not in proof_modes(uow.session, batch):
        _refuse("mode", N_("本等级没有这个凭材料评定的考核项目"))
    if not form.title.strip():
        _refuse("title", N_("请填写材料名称"))
    record = _record(uow, batch, form.admission_number)
    keep_away(uow.session, uow.actor, record)
    state, score = _claim(uow, batch, record, form)
    key = new_id()
    row = ComponentProof(
        component_proof_id=key, organisation_id=batch.organisation_id, certification_batch_id=batch_id,
        result_record_id=record.result_record_id, mode=form.mode, title=form.title.strip()[:200],
        facts={name: text.strip()[:120] for name, text in form.facts.items() if text.strip()}, claim=state,
        score=score, file_name=name[:200], file_kind=kind, file_digest=hashlib.sha256(data).hexdigest(),
        file_ciphertext=seal(data, table=TABLE, column="file", row_id=key), entered_by=uow.actor.user_id,
        entered_by_name=uow.actor.name[:100], entered_at=now(),
    )  # fmt: skip
    uow.add(row)
    uow.flush()  # the audit names the row
    after = {"mode": form.mode.value, "digest": row.file_digest}
    audit.record(uow, "certification.enter_proof", "component_proof", key, after=after)
    return row


def _record(uow: UnitOfWork, batch: CertificationBatch, admission_number: str) -> ResultRecord:
    records = batch_repository.list_records(uow.session, batch.certification_batch_id)
    found = next((one for one in records if one.admission_number == admission_number.strip()), None)
    if found is None:
        message = N_("本批次没有这个准考证号")
        raise InvalidInputError(message, fields={"admission_number": [message]})
    return found


def _claim(
    uow: UnitOfWork, batch: CertificationBatch, record: ResultRecord, form: ProofForm
) -> tuple[ResultState, Decimal | None]:
    """Return what a document gives: a score, recognition, or nothing of its own (a thesis, or what a group scores)."""
    grouped = panels.grouped_places(uow.session, batch.certification_batch_id)
    is_grouped = (record.result_record_id, form.mode) in grouped
    if form.mode is AssessmentMode.COMPREHENSIVE_REVIEW or is_grouped:
        return ResultState.PENDING, None
    if form.mode in SCORED_MODES:
        try:
            read = read_score(form.score)
        except InvalidInputError as exc:
            exc.fields = {"score": [exc.message]}
            raise
        if read is None:
            _refuse("score", N_("请填写成绩"))
        return read or (ResultState.PENDING, None)
    if form.mode is AssessmentMode.COMPETITION:
        _check_rank(uow, batch, form)
    return ResultState.RECOGNISED, None


def _check_rank(uow: UnitOfWork, batch: CertificationBatch, form: ProofForm) -> None:
    rank, kind = form.facts.get("rank", "").strip(), form.facts.get("contest", "").strip()
    if not form.facts.get("certificate", "").strip():
        _refuse("certificate", N_("请填写获奖证书编号"))
    if not rank.isdecimal() or not kind:
        _refuse("rank", N_("请填写竞赛类别和名次"))
    rules = rank_rules(profiles.values(uow.session, batch.organisation_id))
    if grants(rules, kind, int(rank), batch.level_code) is None:
        message = N_("按规则方案，%(kind)s第 %(rank)s 名不能认定本等级")
        raise InvalidInputError(message, kind=kind, rank=rank, error_code="rank_gives_nothing")


def decide_proof(uow: UnitOfWork, proof_id: uuid.UUID, *, version: int, is_true: bool, reason: str = "") -> None:
    """Confirm a document, so that it counts, or reject it for a reason; never one's own.

    Raises
    ------
    ForbiddenError
        If the actor entered it.
    ConflictError
        If it was decided or changed meanwhile, or the batch is locked.
    """
    require(uow.actor, Permission.SKILL_SCORE_WRITE)
    row = proofs.get_proof(uow.session, proof_id, actor=uow.actor)
    open_batch(uow, row.certification_batch_id)
    row = proofs.get_proof(uow.session, proof_id, actor=uow.actor, lock=True)
    if row.entered_by == uow.actor.user_id:
        raise ForbiddenError(N_("材料由登记人以外的人核对"))
    if row.status is not ProofStatus.SUBMITTED or row.version != version:
        raise ConflictError(N_("材料刚被他人处理，请刷新后重试"))
    if not is_true and len(reason.strip()) < SHORTEST_REASON:
        _refuse("reason", N_("请写明理由，至少 5 个字"))
    record = batch_repository.get_record(uow.session, row.result_record_id, actor=uow.actor)
    keep_away(uow.session, uow.actor, record)
    row.status = ProofStatus.CONFIRMED if is_true else ProofStatus.REJECTED
    row.decided_by, row.decided_by_name, row.decided_at = uow.actor.user_id, uow.actor.name[:100], now()
    row.reason = reason.strip()[:300]
    if is_true and row.claim is not ResultState.PENDING:
        _count(uow, row)
    audit.record(
        uow, "certification.decide_proof", "component_proof", proof_id, after={"status": row.status.value},
        reason=row.reason or None,
    )  # fmt: skip


def _count(uow: UnitOfWork, row: ComponentProof) -> None:
    if (row.result_record_id, row.mode) in panels.grouped_places(uow.session, row.certification_batch_id):
        raise ConflictError(N_("这个考核项目已由考评组评分，材料不再给出成绩；请说明理由后退回"))
    held = score_repository.current_scores(uow.session, row.certification_batch_id)
    before = held.get(row.result_record_id, {}).get(row.mode)
    uow.add(
        ComponentScore(
            organisation_id=row.organisation_id, certification_batch_id=row.certification_batch_id,
            result_record_id=row.result_record_id, mode=row.mode, number=before.number + 1 if before else 1,
            state=row.claim, score=row.score, origin=ScoreOrigin.PROOF,
            entered_by=f"{row.entered_by_name}、{row.decided_by_name}"[:100], entered_at=now(),
        )
    )  # fmt: skip


def read_file(session: Session, proof_id: uuid.UUID, *, actor: Actor) -> tuple[str, bytes]:
    """Return a document with its name, for officers, the two who handle it, and members of the candidate's group."""
    row = proofs.get_proof(session, proof_id, actor=actor)
    if not actor.may(Permission.CERTIFICATION_READ):
        require(actor, Permission.SKILL_SCORE_WRITE)
        if row.mode is AssessmentMode.COMPREHENSIVE_REVIEW and row.entered_by != actor.user_id:
            _member_only(session, row, actor)
        keep_away(session, actor, batch_repository.get_record(session, row.result_record_id, actor=actor))
    if not row.file_kind:
        raise NotFoundError(N_("这份材料已按保存期限删除"))
    return row.file_name, unseal(row.file_ciphertext, table=TABLE, column="file", row_id=proof_id)


def _member_only(session: Session, row: ComponentProof, actor: Actor) -> None:
    """Refuse a thesis to anybody who does not sit in the review's group."""
    tasks = [
        task
        for task, record in panels.list_assessments(session, row.certification_batch_id)
        if record.result_record_id == row.result_record_id and task.mode is row.mode
    ]
    if not tasks:
        raise ForbiddenError(N_("论文只供评审组和认定管理员阅读"))
    member_group(session, tasks[0], actor)


def count_waiting(session: Session, actor: Actor, batch_id: uuid.UUID) -> int:
    """Return how many documents of a batch wait for somebody else than the one who entered them."""
    return sum(
        one.status is ProofStatus.SUBMITTED and one.entered_by != actor.user_id
        for one, _record in proofs.of_batch(session, batch_id)
    )
