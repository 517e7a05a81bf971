"""Planning sessions: times, forms, rooms and invigilators."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from exam_delivery.models import ExamSession, SessionRoom, SessionStatus
from exam_delivery.repository import attempts_planning, planning, readiness
from exam_delivery.rules.leaving import known_tools
from exam_delivery.rules.planning import SessionPlan, check_plan
from exam_delivery.services import collisions, forms, recusal, seat_seal
from exam_delivery.services.batches import MEND
from exam_delivery.services.versions import check_version
from kernel import audit
from kernel.clock import iso, now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

EDIT = "exam_session.edit"
FROZEN_WHEN_PREPARED = (
    "form_ids", "form_set_id", "shuffle_items", "shuffle_choices", "per_page", "name", "tools", "leave_limit",
)  # fmt: skip


def create_session(uow: UnitOfWork, exam_batch_id: uuid.UUID, plan: SessionPlan) -> ExamSession:
    """Create a session of a batch."""
    require(uow.actor, Permission.SESSION_WRITE)
    batch = planning.get_batch(uow.session, exam_batch_id, actor=uow.actor)
    _check(uow, batch.standard_level_id, plan)
    forms.refuse_old_edition(uow, batch.standard_level_id, plan.begin)
    row = ExamSession(
        exam_session_id=new_id(), organisation_id=uow.actor.organisation, exam_batch_id=exam_batch_id,
        status=SessionStatus.PLANNED, created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    _take_over(row, plan)
    uow.add(row)
    uow.flush()  # reservations of forms name the session
    forms.reserve(uow, row, before=[])
    audit.record(uow, "exam_session.create", "exam_session", row.exam_session_id, after=_facts(row))
    return row


def _check(uow: UnitOfWork, standard_level_id: uuid.UUID, plan: SessionPlan) -> None:
    sealed = forms.sealed_forms(uow.session, uow.actor, standard_level_id)
    sets = {str(one.form_set_id) for one in forms.sealed_sets(uow.session, uow.actor, standard_level_id)}
    problems = check_plan(plan, titles={str(form.form_id): form.title for form in sealed}, sets=sets)
    if problems:
        raise InvalidInputError(MEND, fields=problems)


def _take_over(row: ExamSession, plan: SessionPlan) -> None:
    row.name = plan.name
    _choose_forms(row, plan)
    row.opens_at, row.starts_at, row.ends_at = plan.opening, plan.begin, plan.end
    row.duration_seconds = (plan.duration_minutes or 0) * 60
    row.late_cutoff_minutes = plan.late_cutoff_minutes or 0
    row.earliest_submit_minutes = plan.earliest_submit_minutes or 0
    row.leave_limit = plan.leave_limit or 0
    row.per_page = plan.per_page
    row.shuffle_items, row.shuffle_choices = plan.shuffle_items, plan.shuffle_choices
    row.tools = known_tools(plan.tools)


def _choose_forms(row: ExamSession, plan: SessionPlan) -> None:
    """Take the forms over; those of a set that was chosen before stay until they are reserved anew."""
    chosen = uuid.UUID(plan.form_set_id) if plan.form_set_id else None
    if chosen is None or chosen != row.form_set_id:
        row.form_ids = list(plan.form_ids)
    row.form_set_id = chosen
    row.standby_form_ids = list(plan.standby_form_ids)


def _facts(row: ExamSession) -> dict[str, object]:
    return {
        "forms": list(row.form_ids) if row.form_set_id is None else f"form_set:{row.form_set_id}",
        "standby": list(row.standby_form_ids),
        "opens_at": iso(row.opens_at),
        "starts_at": iso(row.starts_at),
        "ends_at": iso(row.ends_at),
        "seconds": row.duration_seconds,
    }


def stored_plan(row: ExamSession) -> SessionPlan:
    """Return a session as its officer planned it."""
    entry = int((row.starts_at - row.opens_at).total_seconds() // 60)
    return SessionPlan(
        name=row.name, form_ids=() if row.form_set_id else tuple(row.form_ids),
        form_set_id=str(row.form_set_id or ""), starts_at=row.starts_at, ends_at=row.ends_at,
        duration_minutes=row.duration_seconds // 60, open_entry_minutes=entry,
        late_cutoff_minutes=row.late_cutoff_minutes, earliest_submit_minutes=row.earliest_submit_minutes,
        leave_limit=row.leave_limit, per_page=row.per_page, shuffle_items=row.shuffle_items,
        shuffle_choices=row.shuffle_choices, tools=tuple(row.tools), standby_form_ids=tuple(row.standby_form_ids),
    )  # fmt: skip


def edit_session(
    uow: UnitOfWork, exam_session_id: uuid.UUID, plan: SessionPlan, *, version: int, act: str = EDIT
) -> ExamSession:
    """Change a session that has not opened; times of prepared attempts change with it, in the same transaction."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    check_version(row.version, version)
    if row.status not in {SessionStatus.PLANNED, SessionStatus.PREPARED}:
        raise ConflictError(N_("场次已开放，时间和试卷不能再改；需要延时请到考场控制台"))
    batch = planning.get_batch(uow.session, row.exam_batch_id, actor=uow.actor)
    _check(uow, batch.standard_level_id, plan)
    before, frozen = _facts(row), _frozen(row)
    old_forms, was_sealed = forms.used_forms(row), seat_seal.is_sealed(row)
    times, had_forms = (row.opens_at, row.ends_at), bool(old_forms)
    if row.form_set_id is not None and not plan.form_set_id:
        forms.release_all(uow, row)
        old_forms = []
    _take_over(row, plan)
    if _frozen(row) != frozen and _is_made(uow, row):
        raise ConflictError(N_("考生试卷已经生成，名称、试卷、乱序和显示方式不能改；请先“撤销备考”"))
    if (row.opens_at, row.ends_at) != times:
        collisions.check_time(uow, row, with_people=row.status is SessionStatus.PREPARED)
    seat_seal.follow_times(uow, row, was_sealed=was_sealed)
    if not had_forms and forms.used_forms(row):
        forms.refuse_old_edition(uow, batch.standard_level_id, row.starts_at)
    uow.flush()  # attempts are re-timed from the session's new row
    attempts_planning.retime_waiting(uow.session, row)
    if row.form_set_id is None or row.status is SessionStatus.PLANNED:
        forms.reserve(uow, row, before=old_forms)
    audit.record(uow, act, "exam_session", exam_session_id, before=before, after=_facts(row))
    return row


def _is_made(uow: UnitOfWork, row: ExamSession) -> bool:
    """Say whether any candidate's form is made, also by a preparation that is under way or broke off."""
    if row.status is SessionStatus.PREPARED:
        return True
    return bool(attempts_planning.registration_ids_with_attempt(uow.session, row.exam_session_id))


def _frozen(row: ExamSession) -> tuple[object, ...]:
    duration = row.duration_seconds  # stands in the rendered form
    return (*(str(getattr(row, name)) for name in FROZEN_WHEN_PREPARED), duration)


def delete_session(uow: UnitOfWork, exam_session_id: uuid.UUID) -> None:
    """Delete a planned session without people."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.status is not SessionStatus.PLANNED:
        raise ConflictError(N_("只有编排中的场次可以删除"))
    if planning.count_people(uow.session, [exam_session_id]):
        raise ConflictError(N_("场次中已有考生，请先把考生移出再删除"))
    if row.form_set_id is not None:
        forms.release_all(uow, row)
        row.form_ids, row.form_set_id = [], None
    old_forms, row.form_ids, row.standby_form_ids = forms.used_forms(row), [], []
    forms.reserve(uow, row, before=old_forms)
    for used, _room in planning.rooms_of_session(uow.session, exam_session_id, actor=uow.actor):
        uow.session.delete(used)
    uow.flush()  # rooms go before the session they name
    readiness.forget_session(uow.session, exam_session_id)
    uow.session.delete(row)
    audit.record(uow, "exam_session.delete", "exam_session", exam_session_id)


def set_rooms(uow: UnitOfWork, exam_session_id: uuid.UUID, rooms: Mapping[uuid.UUID, Sequence[uuid.UUID]]) -> None:
    """Set which rooms a session uses and who invigilates in each; a person or room busy elsewhere is refused."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    present = {
        used.exam_room_id: used
        for used, _room in planning.rooms_of_session(uow.session, exam_session_id, actor=uow.actor)
    }
    if row.status is not SessionStatus.PLANNED and set(rooms) != set(present):
        raise ConflictError(N_("座位已经排定，考场不能增减；请先“撤销备考”。监考员仍可调整"))
    _check_rooms(uow, row, rooms)
    recusal.check_rooms(uow.session, uow.actor, row, rooms)
    for room_id in set(present) - set(rooms):
        uow.session.delete(present[room_id])
    for room_id, people in rooms.items():
        used = present.get(room_id) or _use_room(uow, row, room_id)
        used.invigilator_ids = [str(person) for person in people]
    after = {str(room): [str(person) for person in people] for room, people in rooms.items()}
    audit.record(uow, "exam_session.set_rooms", "exam_session", exam_session_id, after=after)


def _use_room(uow: UnitOfWork, row: ExamSession, room_id: uuid.UUID) -> SessionRoom:
    used = SessionRoom(exam_session_id=row.exam_session_id, exam_room_id=room_id, organisation_id=row.organisation_id)
    uow.add(used)
    return used


def _check_rooms(uow: UnitOfWork, row: ExamSession, rooms: Mapping[uuid.UUID, Sequence[uuid.UUID]]) -> None:
    known = {room.exam_room_id for room in planning.list_rooms(uow.session, actor=uow.actor)}
    people = {user.user_id: user.name for user in planning.list_invigilators(uow.session, actor=uow.actor)}
    if set(rooms) - known:
        raise InvalidInputError(N_("所选考场不存在，请刷新后重选"))
    chosen = [person for assigned in rooms.values() for person in assigned]
    if set(chosen) - set(people):
        raise InvalidInputError(N_("所选监考员不存在或没有监考角色，请刷新后重选"))
    twice = {person for person in chosen if chosen.count(person) > 1}
    if twice:
        raise InvalidInputError(
            N_("%(names)s 同时被安排在两个考场，请每人只选一个考场"), names="、".join(people[one] for one in twice)
        )
    collisions.check_rooms(uow, row, rooms)
