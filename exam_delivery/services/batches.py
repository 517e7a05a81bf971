"""Making and changing batches and rooms."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from exam_delivery.models import BatchStatus, ExamBatch, ExamRoom
from exam_delivery.repository import candidates, planning
from exam_delivery.rules import keys
from exam_delivery.services.batch_plans import PlanChoice, choose_plan
from exam_delivery.services.forms import LevelChoice, levels_of_batches
from exam_delivery.services.versions import check_version
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

MEND = N_("请改正标出的内容后重新保存")


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch as an officer plans it; `accepts_outside` says that the plan need not name its occupation and level."""

    code: str
    name: str
    standard_level_id: str = ""
    exam_plan_id: str = ""
    accepts_outside: bool = False


def create_batch(uow: UnitOfWork, plan: BatchPlan) -> ExamBatch:
    """Create a batch for an occupation and level; its forms may be sealed, and chosen, later."""
    require(uow.actor, Permission.SESSION_WRITE)
    levels = {str(one.standard_level_id): one for one in levels_of_batches(uow.session, uow.actor)}
    problems = _batch_problems(uow, plan, except_batch=None)
    level = levels.get(plan.standard_level_id)
    if level is None:
        problems["standard_level_id"] = [N_("请选择职业和等级；没有可选项时，请先由题库管理员建立职业标准")]
    choice = choose_plan(uow, plan.exam_plan_id, level, accepts_outside=plan.accepts_outside)
    problems |= choice.problems
    if problems or level is None:
        raise InvalidInputError(MEND, fields=problems)
    batch = _new_batch(uow, plan, level)
    batch.exam_plan_id = choice.exam_plan_id
    uow.add(batch)
    audit.record(uow, "exam_batch.create", "exam_batch", batch.exam_batch_id, after=_facts(batch, choice))
    return batch


def _facts(batch: ExamBatch, choice: PlanChoice) -> dict[str, object]:
    facts: dict[str, object] = {"code": batch.code}
    if choice.exam_plan_id:
        facts |= {"exam_plan_id": str(choice.exam_plan_id), "is_outside_plan": choice.is_outside}
    return facts


def _new_batch(uow: UnitOfWork, plan: BatchPlan, level: LevelChoice) -> ExamBatch:
    return ExamBatch(
        exam_batch_id=new_id(), organisation_id=uow.actor.organisation, code=plan.code, name=plan.name,
        standard_level_id=level.standard_level_id, occupation_code=level.occupation_code,
        occupation_name=level.occupation_name, level_code=level.level_code, level_name=level.level_name,
        status=BatchStatus.PLANNED, created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip


def edit_batch(uow: UnitOfWork, exam_batch_id: uuid.UUID, plan: BatchPlan, *, version: int) -> ExamBatch:
    """Change a batch's code and name; its level is fixed."""
    require(uow.actor, Permission.SESSION_WRITE)
    batch = planning.get_batch(uow.session, exam_batch_id, actor=uow.actor)
    check_version(batch.version, version)
    problems = _batch_problems(uow, plan, except_batch=exam_batch_id)
    choice = choose_plan(
        uow, plan.exam_plan_id, batch, present=batch.exam_plan_id, accepts_outside=plan.accepts_outside
    )
    if problems := {**problems, **choice.problems}:
        raise InvalidInputError(MEND, fields=problems)
    before = {"code": batch.code} | ({"exam_plan_id": str(batch.exam_plan_id)} if batch.exam_plan_id else {})
    batch.code, batch.name, batch.exam_plan_id = plan.code, plan.name, choice.exam_plan_id
    audit.record(uow, "exam_batch.edit", "exam_batch", exam_batch_id, before=before, after=_facts(batch, choice))
    return batch


def delete_batch(uow: UnitOfWork, exam_batch_id: uuid.UUID) -> None:
    """Delete a batch that has neither sessions nor people."""
    require(uow.actor, Permission.SESSION_WRITE)
    batch = planning.get_batch(uow.session, exam_batch_id, actor=uow.actor)
    has_people = candidates.registrations_of_batch(uow.session, exam_batch_id, actor=uow.actor)
    if has_people or planning.sessions_of_batch(uow.session, exam_batch_id, actor=uow.actor):
        raise ConflictError(N_("批次中已有场次或考生，不能删除"))
    uow.session.delete(batch)
    audit.record(uow, "exam_batch.delete", "exam_batch", exam_batch_id, before={"code": batch.code})


def _batch_problems(uow: UnitOfWork, plan: BatchPlan, *, except_batch: uuid.UUID | None) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if not 1 <= len(plan.code) <= 40 or not plan.code.isascii() or not plan.code.isprintable():
        problems["code"] = [N_("请填写批次编号：字母、数字或短横线，不超过 40 位")]
    elif _is_code_taken(uow, plan.code, except_batch):
        problems["code"] = [N_("这个批次编号已被使用，请换一个")]
    if not 1 <= len(plan.name) <= 200:
        problems["name"] = [N_("请填写批次名称，不超过 200 字")]
    return problems


def _is_code_taken(uow: UnitOfWork, code: str, except_batch: uuid.UUID | None) -> bool:
    found = planning.find_batch_by_code(uow.session, code, actor=uow.actor)
    return found is not None and found.exam_batch_id != except_batch


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """A room as an officer describes it."""

    site: str
    name: str
    capacity: int | None
    is_active: bool = True
    is_separate: bool = False


def save_room(uow: UnitOfWork, exam_room_id: uuid.UUID | None, plan: RoomPlan) -> ExamRoom:
    """Create a room, or change one."""
    require(uow.actor, Permission.SESSION_WRITE)
    if problems := _room_problems(uow, exam_room_id, plan):
        raise InvalidInputError(MEND, fields=problems)
    room = planning.get_room(uow.session, exam_room_id, actor=uow.actor) if exam_room_id else _new_room(uow)
    room.site, room.name, room.capacity, room.is_active = plan.site, plan.name, plan.capacity or 1, plan.is_active
    room.is_separate = plan.is_separate
    act = "exam_room.edit" if exam_room_id else "exam_room.create"
    after = {"capacity": room.capacity, "is_active": room.is_active, "is_separate": room.is_separate}
    audit.record(uow, act, "exam_room", room.exam_room_id, after=after)
    return room


def _new_room(uow: UnitOfWork) -> ExamRoom:
    room = ExamRoom(exam_room_id=new_id(), organisation_id=uow.actor.organisation)
    uow.add(room)
    return room


def _room_problems(uow: UnitOfWork, exam_room_id: uuid.UUID | None, plan: RoomPlan) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    limit = profiles.value(uow.session, uow.actor.organisation, keys.ROOM_SIZE)
    if not 1 <= len(plan.site) <= 100:
        problems["site"] = [N_("请填写考点名称，不超过 100 字")]
    if not 1 <= len(plan.name) <= 60:
        problems["name"] = [N_("请填写考场名称，不超过 60 字")]
    if plan.capacity is None or not 1 <= plan.capacity <= limit:
        problems["capacity"] = [N_("座位数应为正整数，且不超过规则方案中每个考场的人数上限")]
    if not problems:
        same = planning.find_room(uow.session, plan.site, plan.name, actor=uow.actor)
        if same is not None and same.exam_room_id != exam_room_id:
            problems["name"] = [N_("这个考点已有同名考场")]
    return problems
