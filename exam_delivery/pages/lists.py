"""The lists of exam delivery as they are described once: what their tables, column menus, views and exports are made of."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask_babel import gettext as _

from exam_delivery.models import (
    BatchStatus,
    Candidate,
    ExamBatch,
    ExamRoom,
    ExamSession,
    Registration,
    RegistrationStatus,
)
from exam_delivery.pages.labels import score_badge, session_badge
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.repository.scores import ScoreLine
from exam_delivery.services.reach import SEE_ALL
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.lists import Column, ListDescription, Order, declare_list
from kernel.spreadsheets import Cell


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as a row."""

    row: ExamSession
    batch: ExamBatch
    counts: SessionCounts

    @property
    def state(self) -> tuple[str, str]:
        """Its state as text and kind."""
        return session_badge(self.row)


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person of a batch or session as a row; nobody is told a seat that is sealed."""

    registration: Registration
    candidate: Candidate
    room: ExamRoom | None
    session: ExamSession | None
    is_sealed: bool

    @property
    def place(self) -> str:
        """The room with its site, empty where there is none."""
        return f"{self.room.site} {self.room.name}" if self.room else ""

    @property
    def number(self) -> str:
        """The seat's number in words, empty where there is none."""
        if not self.registration.seat_number:
            return ""
        return str(_("密封")) if self.is_sealed else f"{self.registration.seat_number:02d}"

    @property
    def seat(self) -> str:
        """Room and seat in words, empty where there is none."""
        return f"{self.room.name} {self.number}" if self.room else ""

    @property
    def state(self) -> tuple[str, str]:
        """The registration's state as text and kind."""
        return {
            RegistrationStatus.VOID: (_("取消成绩"), "danger"),
            RegistrationStatus.ABSENT: (_("缺考"), "neutral"),
        }.get(self.registration.status, (_("正常"), "success"))


@dataclass(frozen=True, slots=True)
class ResultLine:
    """A score as a row; `equated` is what counts instead of the raw score where forms were equated."""

    line: ScoreLine
    is_sealed: bool
    equated: Decimal | None

    @property
    def seat(self) -> int | None:
        """The seat, None as long as it is sealed."""
        return None if self.is_sealed else self.line.registration.seat_number

    @property
    def state(self) -> tuple[str, str]:
        """The line's state as text and kind."""
        return score_badge(self.line.state)

    @property
    def reason(self) -> str:
        """Why there is no score that counts, if there is a reason."""
        if self.line.state == "blocked" and self.line.record is not None:
            return self.line.record.reason or ""
        return (self.line.registration.void_reason or "") if self.line.state == "void" else ""


def _record(line: ResultLine, name: str) -> Cell:
    value: Cell = getattr(line.line.record, name, None)
    return value


def _photo(line: PersonLine) -> str:
    return str(_("有") if line.candidate.photo_digest else _("无"))


SESSIONS: ListDescription[SessionLine] = declare_list(
    ListDescription(
        key="sessions",
        title=N_("考试场次"),
        columns=(
            Column("starts", N_("开考时间"), lambda line: line.row.starts_at, is_sortable=True),
            Column("ends", N_("结束时间"), lambda line: line.row.ends_at, is_default=False, is_sortable=True),
            Column("name", N_("场次"), lambda line: line.row.name, is_fixed=True, is_sortable=True),
            Column("code", N_("批次编号"), lambda line: line.batch.code, is_default=False, is_sortable=True),
            Column("batch", N_("批次"), lambda line: line.batch.name, is_sortable=True),
            Column("level", N_("职业等级"), lambda line: f"{line.batch.occupation_name} {line.batch.level_name}"),
            Column(
                "minutes", N_("时长（分钟）"), lambda line: line.row.duration_seconds // 60, is_default=False,
                is_numeric=True, is_sortable=True,
            ),
            Column("people", N_("考生"), lambda line: line.counts.n_registered, is_numeric=True),
            Column("seated", N_("有座位"), lambda line: line.counts.n_seated, is_default=False, is_numeric=True),
            Column("prepared", N_("已备卷"), lambda line: line.counts.n_prepared, is_numeric=True),
            Column("submitted", N_("已交卷"), lambda line: line.counts.n_submitted, is_numeric=True),
            Column("absent", N_("缺考"), lambda line: line.counts.n_absent, is_default=False, is_numeric=True),
            Column("status", N_("状态"), lambda line: line.state[0]),
        ),
        filters=("status",),
        readers=(Permission.SESSION_READ,),
        sharers=(Permission.SESSION_WRITE, Permission.SESSION_CONTROL),
        order=Order("starts", is_descending=True),
    )
)  # fmt: skip


def _batch_state(batch: ExamBatch) -> str:
    return str(_("成绩已发布") if batch.status is BatchStatus.CLOSED else _("进行中"))


BATCHES: ListDescription[ExamBatch] = declare_list(
    ListDescription(
        key="batches",
        title=N_("考试批次"),
        columns=(
            Column("code", N_("编号"), lambda batch: batch.code, is_fixed=True, is_sortable=True),
            Column("name", N_("名称"), lambda batch: batch.name, is_sortable=True),
            Column("occupation_code", N_("职业编码"), lambda batch: batch.occupation_code, is_default=False),
            Column("occupation", N_("职业"), lambda batch: batch.occupation_name, is_sortable=True),
            Column("level", N_("等级"), lambda batch: batch.level_name, is_sortable=True),
            Column("status", N_("状态"), _batch_state, is_sortable=True),
            Column("created", N_("建立时间"), lambda batch: batch.created_at, is_sortable=True),
        ),
        filters=("q",),
        readers=(Permission.SESSION_READ,),
        sharers=(Permission.SESSION_WRITE, Permission.SESSION_CONTROL),
        order=Order("created", is_descending=True),
    )
)

_NAME: Column[PersonLine] = Column(
    "name", N_("姓名"), lambda line: line.candidate.name, is_fixed=True, is_sortable=True
)
_WHO: tuple[Column[PersonLine], ...] = (
    Column("number", N_("证件号码"), lambda line: line.candidate.id_number_mask),
    Column("employer", N_("单位"), lambda line: line.candidate.employer, is_sortable=True),
)
_ADMISSION: Column[PersonLine] = Column(
    "admission", N_("准考证号"), lambda line: line.registration.admission_number, is_sortable=True
)
_TIME: Column[PersonLine] = Column(
    "time", N_("时长倍数"), lambda line: line.registration.time_factor, is_default=False, is_numeric=True
)
_STATUS: Column[PersonLine] = Column("status", N_("状态"), lambda line: line.state[0])

PEOPLE: ListDescription[PersonLine] = declare_list(
    ListDescription(
        key="people",
        title=N_("考生"),
        columns=(
            _NAME,
            *_WHO,
            Column("session", N_("场次"), lambda line: line.session.name if line.session else _("未安排")),
            _ADMISSION,
            Column("seat", N_("座位"), lambda line: line.seat),
            Column("photo", N_("照片"), _photo),
            _TIME,
            _STATUS,
        ),
        filters=("q", "session", "photo"),
        readers=SEE_ALL,
        sharers=(Permission.SESSION_WRITE, Permission.SESSION_CONTROL),
        order=Order("admission"),
    )
)

SESSION_PEOPLE: ListDescription[PersonLine] = declare_list(
    ListDescription(
        key="session_people",
        title=N_("场次考生"),
        columns=(
            _ADMISSION,
            _NAME,
            *_WHO,
            Column("room", N_("考场"), lambda line: line.place),
            Column("seat", N_("座位"), lambda line: line.number, is_numeric=True),
            Column("photo", N_("照片"), _photo, is_default=False),
            _TIME,
            _STATUS,
        ),
        filters=("q", "photo"),
        readers=(Permission.SESSION_READ,),
        sharers=(Permission.SESSION_WRITE, Permission.SESSION_CONTROL),
        order=Order("admission"),
    )
)

SCORES: ListDescription[ResultLine] = declare_list(
    ListDescription(
        key="scores",
        title=N_("成绩"),
        columns=(
            Column(
                "admission", N_("准考证号"), lambda line: line.line.registration.admission_number, is_fixed=True,
                is_sortable=True,
            ),
            Column("name", N_("姓名"), lambda line: line.line.candidate.name, is_sortable=True),
            Column("number", N_("证件号码"), lambda line: line.line.candidate.id_number_mask, is_default=False),
            Column("employer", N_("单位"), lambda line: line.line.candidate.employer, is_default=False, is_sortable=True),
            Column("room", N_("考场"), lambda line: line.line.room.name if line.line.room else None),
            Column("seat", N_("座位"), lambda line: line.seat, is_numeric=True),
            Column("status", N_("状态"), lambda line: line.state[0]),
            Column("reason", N_("原因"), lambda line: line.reason, is_default=False),
            Column("score", N_("成绩"), lambda line: line.line.score, is_numeric=True, is_sortable=True),
            Column("equated", N_("等值后成绩"), lambda line: line.equated, is_default=False, is_numeric=True),
            Column("full", N_("满分"), lambda line: _record(line, "max_score"), is_numeric=True),
            Column("version", N_("评分版本"), lambda line: _record(line, "number"), is_numeric=True),
            Column(
                "submitted", N_("交卷时间"), lambda line: line.line.attempt.submitted_at if line.line.attempt else None,
                is_sortable=True,
            ),
        ),
        filters=("q", "state"),
        local_filters=("session",),
        readers=(Permission.SCORE_READ,),
        sharers=(Permission.SCORE_RELEASE, Permission.CERTIFICATION_WRITE),
        order=Order("admission"),
    )
)  # fmt: skip
