"""Giving a planned session its forms: people, rooms, seats and tickets need none, preparation does."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.repository import candidates, planning
from exam_delivery.rules.planning import SessionPlan
from exam_delivery.services import draw_commitments, forms, sessions
from exam_delivery.services.batches import MEND
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

ACT = "exam_session.choose_forms"
FROM_FORMS, KEPT = "forms", "kept"
"""Whose length holds where forms and session differ: what the forms suggest, or what the session has."""


@dataclass(frozen=True, slots=True)
class FormChoice:
    """The forms of a session as an officer chooses them, and whose length holds."""

    form_ids: tuple[str, ...] = ()
    form_set_id: str = ""
    standby_form_ids: tuple[str, ...] = ()
    length: str = ""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What another choice of forms brings with it."""

    message: str
    params: Mapping[str, object] = field(default_factory=dict)


def present_choice(row: ExamSession) -> FormChoice:
    """Return the forms that a session has."""
    plan = sessions.stored_plan(row)
    return FormChoice(plan.form_ids, plan.form_set_id, plan.standby_form_ids)


def why_fixed(row: ExamSession) -> str:
    """Return why the forms of a session cannot be chosen any more; empty as long as they can."""
    if row.cancelled_at is not None:
        return N_("场次已取消，不能选择试卷")
    if row.status is SessionStatus.PREPARED:
        return N_("考生试卷已经生成，不能换试卷；请先“撤销备考”，再选择试卷")
    if row.status is not SessionStatus.PLANNED:
        return N_("场次已开放，试卷不能再换；确需换卷，请启用备用卷")
    return ""


def choose_forms(uow: UnitOfWork, exam_session_id: uuid.UUID, choice: FormChoice, *, version: int) -> ExamSession:
    """Give a planned session its forms, or others; all else that was planned stays, but for the length where so chosen.

    Raises
    ------
    ConflictError
        If the session is prepared, open, over or cancelled, or somebody else saved it meanwhile.
    InvalidInputError
        If nothing is chosen, a form is of another level, or the lengths differ and nobody said which holds.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if reason := why_fixed(row):
        raise ConflictError(reason)
    if not choice.form_ids and not choice.form_set_id:
        raise InvalidInputError(MEND, fields={"form_ids": [N_("请至少选择一份封存试卷")]})
    plan = replace(
        sessions.stored_plan(row), form_ids=choice.form_ids, form_set_id=choice.form_set_id,
        standby_form_ids=choice.standby_form_ids,
    )  # fmt: skip
    return sessions.edit_session(uow, exam_session_id, _with_length(uow, row, plan, choice), version=version, act=ACT)


def _with_length(uow: UnitOfWork, row: ExamSession, plan: SessionPlan, choice: FormChoice) -> SessionPlan:
    """Return the plan with the length that holds; the end moves along where it was start plus length, and never cuts anybody short."""
    suggested = _suggested_minutes(uow.session, uow.actor, row, choice)
    if suggested <= {plan.duration_minutes} or choice.length == KEPT:
        return plan
    if choice.length != FROM_FORMS:
        problem = N_("试卷建议的时长与本场次的考试时长不一致，请选择按哪一个")
        raise InvalidInputError(MEND, fields={"length": [problem]})
    if len(suggested) > 1:
        raise InvalidInputError(
            MEND, fields={"length": [N_("所选试卷建议的时长各不相同，请改选时长相同的试卷，或保持场次的时长")]}
        )
    minutes, planned = suggested.pop(), dt.timedelta(seconds=row.duration_seconds)
    end = plan.begin + dt.timedelta(minutes=minutes)
    follows = row.ends_at == row.starts_at + planned
    return replace(plan, duration_minutes=minutes, ends_at=end if follows else max(end, row.ends_at))


def _suggested_minutes(session: Session, actor: Actor, row: ExamSession, choice: FormChoice) -> set[int]:
    """Return the lengths that the chosen forms suggest; those that the level does not have are refused elsewhere."""
    level = planning.get_batch(session, row.exam_batch_id, actor=actor).standard_level_id
    if choice.form_set_id:
        sets = forms.sealed_sets(session, actor, level)
        return {one.duration_minutes for one in sets if str(one.form_set_id) == choice.form_set_id}
    sealed = forms.sealed_forms(session, actor, level)
    return {one.duration_minutes for one in sealed if str(one.form_id) in choice.form_ids}


def list_consequences(session: Session, actor: Actor, row: ExamSession) -> Iterator[Consequence]:
    """Yield what was made already and does not change by itself when other forms or another length are chosen."""
    if row.form_ids:
        yield Consequence(N_("换下来的试卷不再为本场次保留"))
    if n_entries := len(draw_commitments.published_of(session, row).entries):
        yield Consequence(N_("已公布的 %(n)s 条抽题承诺不变；换了试卷要补充公布，写明原因"), {"n": n_entries})
    if n_documents := len(candidates.documents_of_session(session, row.exam_session_id, actor=actor)):
        yield Consequence(
            N_("已生成 %(n)s 份准考证或考场文件；改了考试时长，要重新生成、重新发给考生"), {"n": n_documents}
        )
