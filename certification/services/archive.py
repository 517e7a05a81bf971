"""The five archive volumes of a batch, put together from its records; what is missing is listed by name."""

from __future__ import annotations

import datetime as dt
import io
import uuid
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from blueprints.public_evidence import act_label, load_form_evidence
from certification.documents.archive import ArchiveIndex, index_pdf, index_word
from certification.documents.rendering import roster_workbook
from certification.models import CertificationBatch, EvidencePack, ObjectionStatus, PackKind, ProofStatus, ResultRecord
from certification.repository import batches as batch_repository
from certification.repository import certificates as certificate_repository
from certification.repository import evidence as repository
from certification.repository import panels, proofs
from certification.repository import publicity as publicity_repository
from certification.repository import rosters as roster_repository
from certification.repository import scores as score_repository
from certification.repository import signing as key_repository
from certification.rules.archive import ArchivedFile, Expected, folder, missing_documents
from certification.rules.batch_states import STATE_LABELS
from certification.rules.pass_decision import MODE_LABELS, OUTCOME_LABELS, AssessmentMode
from certification.services import evidence, panel_documents, publicity
from certification.services.evidence_entries import PackScope
from certification.services.personal import read_number, seal
from certification.services.register import state_label as certificate_label
from certification.services.rosters import roster_rows
from certification.services.scores import entered_text
from certification.verifier import kaoku_verify
from exam_delivery.public_evidence import load_sessions_of_batch, load_sign_in
from kernel import audit
from kernel.canonical import digest_bytes
from kernel.clock import now, today
from kernel.db import new_id
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.jobs import enqueue
from kernel.jobs.models import Job
from kernel.national_id import ID_KIND_LABELS, SEX_LABELS, IdKind
from kernel.spreadsheets import Cell, TableSheet, write_table
from kernel.uow import UnitOfWork

JOB = "certification.archive"
OBJECTION_LABELS = {
    ObjectionStatus.OPEN: "待处理", ObjectionStatus.UPHELD: "成立", ObjectionStatus.REJECTED: "不成立",
}  # fmt: skip
PROOF_LABELS = {
    ProofStatus.SUBMITTED: "待他人核对", ProofStatus.CONFIRMED: "已核对采用", ProofStatus.REJECTED: "已退回",
}  # fmt: skip
FIXED = (1980, 1, 1, 0, 0, 0)
Cells = Sequence[Cell]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class MadeArchive:
    """A finished archive."""

    content: bytes
    files: tuple[ArchivedFile, ...]
    missing: tuple[Expected, ...]


@dataclass(slots=True)
class _Shelf:
    """The volumes being filled."""

    session: Session
    actor: Actor
    batch: CertificationBatch
    people: Sequence[ResultRecord]
    files: list[ArchivedFile] = field(default_factory=list)

    def put(self, volume: int, title: str, content: bytes, name: str, n_rows: int = 0) -> None:
        self.files.append(ArchivedFile(volume, title, name, content, n_rows, digest_bytes(content)))

    def table(self, volume: int, title: str, header: Sequence[str], rows: Sequence[Cells]) -> None:
        """Add a table; one without rows counts as missing."""
        if rows:
            content = write_table([TableSheet(title[:31], header, rows, title=title)])
            self.put(volume, title, content, f"{title}.xlsx", len(rows))


def request_archive(uow: UnitOfWork, batch_id: uuid.UUID) -> Job:
    """Publish the job that puts the volumes together; they name people, so both permissions are needed."""
    _check(uow.actor)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    audit.record(uow, "archive.request", "certification_batch", batch_id)
    return enqueue(uow, JOB, {"batch_id": str(batch_id)}, title=f"归档卷：{batch.name}")


def _check(actor: Actor) -> None:
    require(actor, Permission.EVIDENCE_MAKE)
    require(actor, Permission.PERSONAL_DATA_REVEAL)


def build_archive(
    session: Session, actor: Actor, batch_id: uuid.UUID, *, progress: Progress = lambda _percent: None
) -> MadeArchive:
    """Return the archive of a batch; nothing is stored."""
    _check(actor)
    batch = batch_repository.get_batch(session, batch_id, actor=actor)
    shelf = _Shelf(session, actor, batch, batch_repository.list_records(session, batch_id))
    for percent, fill in (
        (10, _registration),
        (20, _filing),
        (30, _course),
        (50, _results),
        (70, _pack),
        (85, _certificates),
    ):
        progress(percent)
        fill(shelf)
    missing = missing_documents({one.title: one for one in shelf.files})
    return MadeArchive(_zipped(shelf, missing), tuple(shelf.files), tuple(missing))


def _registration(shelf: _Shelf) -> None:
    header = ("准考证号", "姓名", "证件类型", "证件号码", "性别", "出生日期", "联系电话", "所在单位", "照片")
    rows = [_person_cells(one) for one in shelf.people]
    shelf.table(1, "报名与资格审核汇总表", header, rows)
    seats = load_sign_in(shelf.session, shelf.batch.organisation_id, shelf.batch.source_batch_id)
    names = {one.admission_number: one.name for one in shelf.people}
    admitted = [
        [one["admission_number"], names.get(one["admission_number"], ""), one["session"], one["room"], str(one["seat_number"] or "")]
        for one in seats
        if one["admission_number"]
    ]  # fmt: skip
    shelf.table(1, "审核通过人员名册", ("准考证号", "姓名", "场次", "考场", "座位"), admitted)


def _person_cells(one: ResultRecord) -> Cells:
    number = read_number(one, table="result_records", row_id=one.result_record_id)
    labels = {str(key): label for key, label in SEX_LABELS.items()}
    return [
        one.admission_number, one.name, ID_KIND_LABELS[IdKind(one.id_kind)], number, labels.get(one.sex, ""),
        str(one.birth_date or ""), one.phone, one.employer, "有" if one.has_photo else "缺",
    ]  # fmt: skip


def _filing(shelf: _Shelf) -> None:
    batch = shelf.batch
    filed = [
        one
        for one in roster_repository.list_filed_scopes(shelf.session, batch.organisation_id)
        if (one.occupation_code, one.level_code) == (batch.occupation_code, batch.level_code)
    ]
    rows = [
        [
            one.occupation_code,
            one.occupation_name,
            one.trade_name or "--",
            one.level_code,
            str(one.filed_on),
            one.filing_number,
        ]
        for one in filed
    ]
    shelf.table(2, "备案范围", ("职业编码", "职业", "工种", "等级代码", "备案日期", "备案文号"), rows)
    if batch.plan_filed_on:
        plan = [
            [
                batch.code,
                batch.name,
                str(batch.plan_filed_on),
                str(batch.evaluation_starts_on or ""),
                str(batch.n_registered),
            ]
        ]
        shelf.table(2, "评价计划备案情况", ("批次代码", "批次", "计划报备日期", "评价开始日期", "登记人数"), plan)


def _course(shelf: _Shelf) -> None:
    batch = shelf.batch
    sessions = load_sessions_of_batch(shelf.session, batch.organisation_id, batch.source_batch_id)
    rows = [
        [
            one["name"],
            _moment(one["starts_at"]),
            _moment(one["ends_at"]),
            str(one["duration_seconds"] // 60),
            str(len(one["form_ids"])),
        ]
        for one in sessions
    ]
    shelf.table(3, "场次安排", ("场次", "开始时间", "结束时间", "时长（分钟）", "试卷数"), rows)
    seats = load_sign_in(shelf.session, batch.organisation_id, batch.source_batch_id)
    texts, moments = (
        ("admission_number", "session", "room", "seat_number", "status_label"),
        ("signed_in_at", "started_at", "submitted_at"),
    )
    header = ("准考证号", "场次", "考场", "座位", "状态", "登录时间", "开始作答", "交卷时间", "作答题数")
    signed_in = [
        [*(_text(one[name]) for name in texts), *(_moment(one[name]) for name in moments), _text(one["n_answered"])]
        for one in seats
    ]
    shelf.table(3, "考生签到表", header, signed_in)
    shelf.table(3, "试卷封存与启用记录", ("试卷", "事项", "经办人", "时间", "说明"), _form_acts(shelf, sessions))
    incidents: list[Cells] = [
        [one["name"], i["kind_label"], i["text"], _moment(i["noted_at"])] for one in sessions for i in one["incidents"]
    ]
    shelf.table(3, "考场情况记录", ("场次", "种类", "情况", "时间"), incidents)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _moment(value: str | None) -> dt.datetime | None:
    """Return a moment of the evidence, which tells it as text."""
    return dt.datetime.fromisoformat(value) if value else None


def _form_acts(shelf: _Shelf, sessions: Sequence[dict[str, Any]]) -> list[Cells]:
    rows: list[Cells] = []
    for form_id in dict.fromkeys(key for one in sessions for key in one["form_ids"]):
        found = load_form_evidence(shelf.session, shelf.batch.organisation_id, uuid.UUID(form_id))
        if found:
            title = str(found.package["title"])
            rows += [
                [
                    title,
                    act_label(one["act"]),
                    str(one["decided_by_name"]),
                    _moment(one["decided_at"]),
                    str(one["comment"]),
                ]
                for one in found.decisions
            ]
            rows.append(
                [
                    title,
                    "作答部分校验值",
                    "",
                    _moment(found.package["sealed_at"]),
                    str(found.package["delivery_digest"]),
                ]
            )
    return rows


def _results(shelf: _Shelf) -> None:
    held = score_repository.current_scores(shelf.session, shelf.batch.certification_batch_id)
    known = {mode for scores in held.values() for mode in scores}
    modes = [mode for mode in AssessmentMode if mode in known or mode in publicity.LISTED_MODES]
    rows = [
        [one.admission_number, one.name]
        + [entered_text(row) if (row := held.get(one.result_record_id, {}).get(mode)) else "" for mode in modes]
        + [OUTCOME_LABELS[one.outcome]]
        for one in shelf.people
    ]
    shelf.table(4, "评价结果汇总表", ("准考证号", "姓名", *(MODE_LABELS[mode] for mode in modes), "结论"), rows)
    key = shelf.batch.certification_batch_id
    if publicity_repository.find_publicity(shelf.session, key):
        _name, content = publicity.publicity_pdf(shelf.session, key, actor=shelf.actor)
        shelf.put(4, "公示名单", content, "公示名单.pdf")
    objections = [
        [str(one.raised_on), one.raised_by, one.content, OBJECTION_LABELS[one.status], one.answer, one.settled_by]
        for one in publicity_repository.list_objections(shelf.session, key)
    ]
    shelf.table(4, "异议处理记录", ("提出日期", "提出人", "内容", "状态", "答复", "处理人"), objections)
    _panels(shelf)


def _panels(shelf: _Shelf) -> None:
    """Add the sheets of assessors' groups as they were signed, and the documents that were checked."""
    key = shelf.batch.certification_batch_id
    groups = panels.list_groups(shelf.session, key)
    tasks = panels.assessments_of_groups(shelf.session, [one.assessor_group_id for one in groups])
    for number, group in enumerate((one for one in groups if tasks[one.assessor_group_id]), start=1):
        _name, content = panel_documents.group_pdf(shelf.session, group.assessor_group_id, actor=shelf.actor)
        n_rows = len(tasks[group.assessor_group_id])
        shelf.put(4, f"考评组评定表（{group.name}）", content, f"考评组评定表{number}.pdf", n_rows)
    documents = [
        [record.admission_number, record.name, MODE_LABELS[one.mode], one.title, one.entered_by_name,
         one.decided_by_name, PROOF_LABELS[one.status], one.file_digest]
        for one, record in proofs.of_batch(shelf.session, key)
    ]  # fmt: skip
    if documents:
        header = ("准考证号", "姓名", "考核项目", "材料", "登记人", "核对人", "状态", "文件摘要")
        shelf.table(4, "材料评定登记表", header, documents)


def _pack(shelf: _Shelf) -> None:
    """Add the pack of evidence, with items only for those who may see them, and the program that verifies it."""
    if key_repository.find_signing_key(shelf.session, shelf.batch.organisation_id) is None:
        return
    scope = PackScope(is_personal=True, has_content=shelf.actor.may(Permission.FORM_READ))
    made = evidence.build_pack(shelf.session, shelf.actor, shelf.batch.certification_batch_id, None, scope)
    shelf.put(4, "考生作答记录（批次证据包）", made.content, "批次证据包.jsonl", made.n_entries)
    shelf.put(4, "证据包验证程序", Path(kaoku_verify.__file__).read_bytes(), "kaoku_verify.py")


def _certificates(shelf: _Shelf) -> None:
    key = shelf.batch.certification_batch_id
    roster = roster_rows(shelf.session, shelf.batch)
    if roster:
        shelf.put(5, "上报人员名册", roster_workbook(roster), "人员名册.xlsx", len(roster))
    rows = [
        [
            one.number,
            one.name,
            one.occupation_name,
            one.level_name,
            str(one.issued_on),
            certificate_label(one, today()),
            one.content_digest,
        ]
        for one in certificate_repository.list_batch_certificates(shelf.session, key)
    ]
    shelf.table(5, "证书数据确认表", ("证书编号", "姓名", "职业", "等级", "发证日期", "状态", "内容校验值"), rows)
    steps: list[Cells] = [
        [
            str(one.number),
            STATE_LABELS[one.before] if one.before else "",
            STATE_LABELS[one.after],
            one.actor_name,
            one.reason,
            one.at,
        ]
        for one in batch_repository.list_steps(shelf.session, key)
    ]
    shelf.table(5, "批次办理经过", ("序号", "从", "到", "经办人", "原因", "时间"), steps)


def _zipped(shelf: _Shelf, missing: Sequence[Expected]) -> bytes:
    batch = shelf.batch
    index = ArchiveIndex(
        body_name=get_organisation(shelf.session, batch.organisation_id).name, batch_name=batch.name,
        batch_code=batch.code, occupation=f"{batch.occupation_name} {batch.level_name}", n_registered=batch.n_registered,
        made_on=today(), made_by=shelf.actor.name, files=shelf.files, missing=missing,
    )  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("归档目录.pdf", FIXED), index_pdf(index))
        archive.writestr(zipfile.ZipInfo("归档目录.docx", FIXED), index_word(index))
        for volume in range(1, 6):
            archive.writestr(zipfile.ZipInfo(f"{folder(volume)}/", FIXED), b"")
        for one in shelf.files:
            archive.writestr(zipfile.ZipInfo(one.path, FIXED), one.content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def keep_archive(uow: UnitOfWork, job_id: uuid.UUID, made: MadeArchive, batch_id: uuid.UUID) -> EvidencePack:
    """Keep a finished archive encrypted beside the packs, and note it in the journal."""
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    key = new_id()
    row = EvidencePack(
        evidence_pack_id=key, organisation_id=batch.organisation_id, certification_batch_id=batch_id,
        result_record_id=None, job_id=job_id, kind=PackKind.ARCHIVE, file_name=f"归档_{batch.code}.zip",
        n_entries=len(made.files), n_bytes=len(made.content), is_personal=True,
        has_content=uow.actor.may(Permission.FORM_READ), content_digest=digest_bytes(made.content),
        ciphertext=seal(zlib.compress(made.content, 1), table=repository.TABLE, column="ciphertext", row_id=key),
        created_by=uow.actor.name[:100], created_at=now(),
    )  # fmt: skip
    uow.add(row)
    audit.record(
        uow, "archive.make", "certification_batch", batch_id,
        after={"digest": row.content_digest, "n_files": len(made.files), "n_missing": len(made.missing)},
    )  # fmt: skip
    return row
