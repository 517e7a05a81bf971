"""Rosters: the file is kept encrypted between preview and import; every bad row is named before anything is stored."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Candidate,
    ExamBatch,
    Registration,
    RegistrationStatus,
    ResultRuling,
    RosterUpload,
    RosterUploadStatus,
)
from exam_delivery.repository import candidates as repository
from exam_delivery.repository import planning, rulings
from exam_delivery.rules import keys
from exam_delivery.rules import roster_columns as columns
from exam_delivery.rules.eligibility import parse_ways
from exam_delivery.rules.roster import MAX_ROWS, Problem, RosterContext, RosterRow, read_rows
from exam_delivery.rules.roster_columns import ColumnPlan, find_columns
from exam_delivery.services import personal
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE, now, today
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.national_id import ID_KIND_LABELS, mask_id
from kernel.spreadsheets import Sheet, TableSheet, read_table, write_table
from kernel.uow import UnitOfWork

RESIT_PREFIX = "BK"
"""Admission numbers of those who resit other parts than theory begin so."""


@dataclass(frozen=True, slots=True)
class RosterPreview:
    """A roster as it would be imported."""

    rows: tuple[RosterRow, ...]
    unknown: tuple[str, ...]

    @property
    def valid(self) -> tuple[RosterRow, ...]:
        """Rows that may be imported."""
        return tuple(row for row in self.rows if row.is_valid)

    @property
    def bad(self) -> tuple[RosterRow, ...]:
        """Rows that must be mended."""
        return tuple(row for row in self.rows if not row.is_valid)


def template_file() -> bytes:
    """Return our own roster template with a sheet that explains each column."""
    notes = [
        ("姓名", "必填。与证件一致。"),
        ("证件类型", "不填即为居民身份证。可填：" + "、".join(ID_KIND_LABELS.values()) + "。"),
        ("证件号码", "必填。请保持文本格式，末位 X 用大写。"),
        ("性别、出生日期", "可不填，由身份证号码得出；填写时与号码核对。"),
        ("手机号码", "11 位手机号。"),
        (
            "补考科目",
            "只补考一部分的考生填写：理论知识、操作技能、综合评审；不填即全部都考。不补考理论知识的，不编排场次和座位。",
        ),
        ("加时系数", "经批准延长时间的考生填写，如 1.5 表示时长为 1.5 倍；其他考生留空。"),
        ("其余各列", "随考生资料保存，用于名册上报。"),
    ]
    sheets = [
        TableSheet("考生名单", columns.TEMPLATE_HEADINGS, ()),
        TableSheet("填写说明", ("列", "说明"), notes, widths=(18, 70)),
    ]
    return write_table(sheets)


def upload_roster(
    uow: UnitOfWork, exam_batch_id: uuid.UUID, data: bytes, *, file_name: str, exam_session_id: uuid.UUID | None,
    sheets: Sequence[Sheet] | None = None,
) -> RosterUpload:  # fmt: skip
    """Keep an uploaded roster, its sheets read already or not; a file without the needed columns is refused at once."""
    require(uow.actor, Permission.SESSION_WRITE)
    batch = planning.get_batch(uow.session, exam_batch_id, actor=uow.actor)
    if exam_session_id:
        _check_session(uow, batch, exam_session_id)
    preview = make_preview(uow.session, uow.actor, batch, data if sheets is None else sheets)
    key = new_id()
    upload = RosterUpload(
        roster_upload_id=key, organisation_id=uow.actor.organisation, exam_batch_id=exam_batch_id,
        exam_session_id=exam_session_id, file_name=file_name[:200],
        ciphertext=personal.seal_bytes(data, place=_place(key)), status=RosterUploadStatus.PREVIEWED,
        n_rows=len(preview.rows), created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    uow.add(upload)
    after = {"rows": len(preview.rows), "bad": len(preview.bad)}
    audit.record(uow, "roster.upload", "exam_batch", exam_batch_id, after=after)
    return upload


def _check_session(uow: UnitOfWork, batch: ExamBatch, exam_session_id: uuid.UUID) -> None:
    row = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    if row.exam_batch_id != batch.exam_batch_id or row.status != "planned":
        raise ConflictError(N_("只能导入到本批次“编排中”的场次，或先不分场次"))


def _place(roster_upload_id: uuid.UUID) -> str:
    return f"roster_uploads|ciphertext|{roster_upload_id}"


def preview_upload(session: Session, actor: Actor, upload: RosterUpload) -> RosterPreview:
    """Return the preview of a kept upload, as things stand now."""
    require(actor, Permission.SESSION_WRITE)
    if upload.ciphertext is None:
        raise ConflictError(N_("这份名单已经处理完毕；需要再次导入请重新上传"))
    batch = planning.get_batch(session, upload.exam_batch_id, actor=actor)
    data = personal.open_bytes(upload.ciphertext, place=_place(upload.roster_upload_id))
    return make_preview(session, actor, batch, data)


def make_preview(session: Session, actor: Actor, batch: ExamBatch, data: bytes | Sequence[Sheet]) -> RosterPreview:
    """Read a roster and hold it against itself, the batch and the people known."""
    sheet, plan = _roster_sheet(read_table(data) if isinstance(data, bytes) else data)
    values = profiles.values(session, actor.organisation)
    context = RosterContext(
        today(), batch.occupation_name, batch.level_code, batch.level_name, values[keys.MINIMUM_AGE],
        parse_ways(values[keys.ELIGIBILITY]), refuses_ineligible=values[keys.ELIGIBILITY_REFUSES],
        refuses_certificates=values[keys.HELD_CERTIFICATE_REFUSES],
    )  # fmt: skip
    rows = read_rows(sheet, plan, context)
    if not rows:
        raise InvalidInputError(N_("名单中没有考生，请在表头下逐行填写后重新上传"))
    if len(rows) > MAX_ROWS:
        raise InvalidInputError(
            N_("名单有 %(n)s 行，一次最多 %(limit)s 行，请拆分后再上传"), n=len(rows), limit=MAX_ROWS
        )
    return RosterPreview(tuple(_against_known(session, actor, batch, rows)), plan.unknown)


def _roster_sheet(sheets: Sequence[Sheet]) -> tuple[Sheet, ColumnPlan]:
    for sheet in sheets:
        if not sheet.is_hidden and (plan := find_columns(sheet.rows)):
            return sheet, plan
    wanted = "、".join(columns.LABELS[name] for name in columns.REQUIRED)
    raise InvalidInputError(N_("没有找到表头：前 10 行中应有一行含有“%(wanted)s”，请使用模板填写"), wanted=wanted)


def _against_known(session: Session, actor: Actor, batch: ExamBatch, rows: Sequence[RosterRow]) -> Sequence[RosterRow]:
    indexes = {row.number: personal.number_index(row.id_kind, row.id_number) for row in rows if row.id_number}
    known = repository.find_candidates_by_index(session, set(indexes.values()), actor=actor)
    registered = repository.candidate_ids_of_batch(session, batch.exam_batch_id, actor=actor)
    barred = rulings.bars(session, actor.organisation, list(indexes.values()), now().astimezone(OFFICIAL_ZONE).date())
    found = []
    for row in rows:
        index = indexes.get(row.number, "")
        found.append(_against_person(row, known.get(index), registered).with_problems(_bar(barred.get(index))))
    return found


def _bar(ruling: ResultRuling | None) -> list[Problem]:
    """Return why somebody may not register yet: a ruling about misconduct keeps them out for some months."""
    if ruling is None or ruling.barred_until is None:
        return []
    values = {"code": ruling.code, "date": ruling.barred_until.isoformat()}
    message = N_("此人因违纪（处理决定 %(code)s）到 %(date)s 为止不得报考，请删去这一行")
    return [Problem(columns.LABELS[columns.ID_NUMBER], message, values)]


def _against_person(row: RosterRow, person: Candidate | None, registered: set[uuid.UUID]) -> RosterRow:
    if person is None:
        return row
    problems = []
    if person.candidate_id in registered:
        problems.append(Problem(columns.LABELS[columns.ID_NUMBER], N_("此人已在本批次报名，请删去这一行")))
    elif row.name and person.name != row.name:
        message = N_("这个证件号码在系统中的姓名是“%(name)s”，请核对姓名和号码")
        problems.append(Problem(columns.LABELS[columns.NAME], message, {"name": person.name}))
    return row.with_problems(problems)


def import_roster(uow: UnitOfWork, upload: RosterUpload, *, only_valid: bool) -> int:
    """Register the valid rows of an upload, or nobody when all must be valid; return how many."""
    preview = preview_upload(uow.session, uow.actor, upload)
    if preview.bad and not only_valid:
        raise ConflictError(N_("名单中有 %(n)s 行需要改正，没有导入任何人"), n=len(preview.bad))
    if not preview.valid:
        raise ConflictError(N_("名单中没有可以导入的行"))
    register_rows(uow, upload.exam_batch_id, preview.valid, exam_session_id=upload.exam_session_id)
    upload.status, upload.ciphertext, upload.n_imported = RosterUploadStatus.IMPORTED, None, len(preview.valid)
    after = {"imported": len(preview.valid), "skipped": len(preview.bad)}
    audit.record(uow, "roster.import", "exam_batch", upload.exam_batch_id, after=after)
    return len(preview.valid)


def discard_roster(uow: UnitOfWork, upload: RosterUpload) -> None:
    """Forget an upload without importing it."""
    require(uow.actor, Permission.SESSION_WRITE)
    upload.status, upload.ciphertext = RosterUploadStatus.DISCARDED, None
    audit.record(uow, "roster.discard", "exam_batch", upload.exam_batch_id)


def register_rows(
    uow: UnitOfWork, exam_batch_id: uuid.UUID, rows: Sequence[RosterRow], *, exam_session_id: uuid.UUID | None
) -> list[uuid.UUID]:
    """Add people and registrations in bulk; return the registrations in the order of the rows."""
    indexes = [personal.number_index(row.id_kind, row.id_number) for row in rows]
    known = repository.find_candidates_by_index(uow.session, indexes, actor=uow.actor)
    people: list[dict[str, Any]] = []
    registrations: list[dict[str, Any]] = []
    keys_in_order = sorted(new_id() for _row in rows)  # numbers follow the order of the roster
    for key, row, index in zip(keys_in_order, rows, indexes, strict=True):
        person = known.get(index)
        candidate_id = person.candidate_id if person else new_id()
        if person is None:
            people.append(_person(uow, candidate_id, row, index))
        else:
            _refresh(person, row)
        sitting = exam_session_id if row.takes_theory else None
        registrations.append(_registration(uow, key, exam_batch_id, candidate_id, row) | {"exam_session_id": sitting})
    _number_resits(uow, registrations)
    uow.flush()  # known people first: their registrations follow by bulk statements
    if people:
        uow.session.execute(insert(Candidate), people)
    uow.session.execute(insert(Registration), registrations)
    return [one["registration_id"] for one in registrations]


def _number_resits(uow: UnitOfWork, registrations: Sequence[dict[str, Any]]) -> None:
    """Number those who sit no theory: no session gives them an admission number, and their score sheets need one."""
    resits = [one for one in registrations if not one["takes_theory"]]
    if not resits:
        return
    prefix = f"{RESIT_PREFIX}{now().astimezone(OFFICIAL_ZONE):%y%m%d}"
    used = repository.numbers_with_prefix(uow.session, prefix)
    first = max((int(number[len(prefix) :]) for number, _owner in used), default=0) + 1
    for sequence, one in enumerate(resits, start=first):
        one["admission_number"] = f"{prefix}{sequence:04d}"


def _person(uow: UnitOfWork, candidate_id: uuid.UUID, row: RosterRow, index: str) -> dict[str, Any]:
    return {
        "candidate_id": candidate_id,
        "organisation_id": uow.actor.organisation,
        "name": row.name,
        "id_kind": row.id_kind.value,
        "id_number_ciphertext": personal.seal_number(candidate_id, row.id_number),
        "id_number_index": index,
        "id_number_mask": mask_id(row.id_number),
        "sex": row.sex,
        "birth_date": row.birth_date,
        "phone": row.phone,
        "employer": row.employer,
        "photo_digest": None,
        "extra": dict(row.extra),
        "created_at": now(),
    }


def _refresh(person: Candidate, row: RosterRow) -> None:
    """Take over what a new registration says about a person that is known; empty cells change nothing."""
    person.phone = row.phone or person.phone
    person.employer = row.employer or person.employer
    person.extra = {**person.extra, **row.extra}


def _registration(
    uow: UnitOfWork, registration_id: uuid.UUID, exam_batch_id: uuid.UUID, candidate_id: uuid.UUID, row: RosterRow
) -> dict[str, Any]:
    return {
        "registration_id": registration_id,
        "organisation_id": uow.actor.organisation,
        "exam_batch_id": exam_batch_id,
        "candidate_id": candidate_id,
        "admission_number": None,
        "sign_in_index": None,
        "exam_room_id": None,
        "seat_number": None,
        "time_factor": row.time_factor,
        "takes_theory": row.takes_theory,
        "status": RegistrationStatus.ADMITTED,
        "void_reason": "",
        "created_by": uow.actor.user_id,
        "created_at": now(),
    }
