"""The lists of batches and sessions as workbooks: what a filter shows, without anybody's personal data; audited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from exam_delivery.models import BatchStatus, ExamBatch, ExamSession, SessionStatus
from exam_delivery.repository import planning, plans
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.rules.states import label_of
from kernel import audit
from kernel.clock import now
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Cell, TableSheet, write_table
from kernel.uow import UnitOfWork

R = TypeVar("R")
MOST = 5_000
BATCH_HEADINGS = (
    "批次编号", "批次名称", "职业编码", "职业", "等级", "考试计划", "场次数", "报名人数", "参考人数", "状态", "建立时间",
)  # fmt: skip
SESSION_HEADINGS = (
    "开放登录", "开考时间", "结束时间", "场次", "批次编号", "批次名称", "职业", "等级", "时长（分钟）", "考生", "有座位",
    "已备卷", "已交卷", "缺考", "状态",
)  # fmt: skip
BATCH_STATES = {BatchStatus.PLANNED: "进行中", BatchStatus.CLOSED: "成绩已发布"}
CANCELLED = "已取消"


def export_batches(uow: UnitOfWork, text: str) -> bytes:
    """Return the batches that a search finds, newest first.

    Raises
    ------
    InvalidInputError
        If it finds more than a workbook should hold.
    """
    require(uow.actor, Permission.SESSION_READ)
    rows = _few(planning.list_batches(uow.session, actor=uow.actor, text=text, per_page=MOST))
    keys = [row.exam_batch_id for row in rows]
    people = plans.count_people(uow.session, keys)
    sessions = planning.sessions_of_batches(uow.session, keys, actor=uow.actor)
    titles = plans.titles_of(uow.session, {row.exam_plan_id for row in rows if row.exam_plan_id}, actor=uow.actor)
    cells = [
        _batch_row(
            row, titles.get(row.exam_plan_id, "") if row.exam_plan_id else "", len(_held(sessions[row.exam_batch_id])),
            people.get(row.exam_batch_id, (0, 0)),
        )
        for row in rows
    ]  # fmt: skip
    audit.record(
        uow, "exam_batch.export_list", "organisation", uow.actor.organisation, after={"q": text, "n": len(rows)}
    )
    return write_table([TableSheet("考试批次", BATCH_HEADINGS, cells)])


def _few(found: tuple[Sequence[R], int]) -> Sequence[R]:
    rows, total = found
    if total > MOST:
        raise InvalidInputError(N_("筛选结果超过 %(n)s 条，请缩小范围后再导出"), n=f"{MOST:,}")
    return rows


def _held(sessions: Sequence[ExamSession]) -> list[ExamSession]:
    return [one for one in sessions if one.cancelled_at is None]


def _batch_row(batch: ExamBatch, plan: str, n_sessions: int, people: tuple[int, int]) -> list[Cell]:
    return [
        batch.code, batch.name, batch.occupation_code, batch.occupation_name, batch.level_name, plan, n_sessions, *people,
        BATCH_STATES[batch.status], batch.created_at,
    ]  # fmt: skip


def export_sessions(uow: UnitOfWork, statuses: Sequence[SessionStatus]) -> bytes:
    """Return the sessions in some states (all where none is given), latest start first.

    Raises
    ------
    InvalidInputError
        If there are more than a workbook should hold.
    """
    require(uow.actor, Permission.SESSION_READ)
    rows = _few(planning.list_sessions(uow.session, actor=uow.actor, statuses=statuses, per_page=MOST))
    counts = planning.count_people(uow.session, [row.exam_session_id for row, _batch in rows])
    cells = [_session_row(row, batch, counts.get(row.exam_session_id, SessionCounts())) for row, batch in rows]
    told = {"statuses": [one.value for one in statuses], "n": len(rows)}
    audit.record(uow, "exam_session.export_list", "organisation", uow.actor.organisation, after=told)
    return write_table([TableSheet("考试场次", SESSION_HEADINGS, cells)])


def _session_row(row: ExamSession, batch: ExamBatch, counts: SessionCounts) -> list[Cell]:
    state = CANCELLED if row.cancelled_at else label_of(row.status, row.starts_at, now())
    return [
        row.opens_at, row.starts_at, row.ends_at, row.name, batch.code, batch.name, batch.occupation_name,
        batch.level_name, row.duration_seconds // 60, counts.n_registered, counts.n_seated, counts.n_prepared,
        counts.n_submitted, counts.n_absent, state,
    ]  # fmt: skip
