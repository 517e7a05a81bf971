"""An organisation's own workflow: versions of its definition, and the acts that make the next version."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.items import WorkflowStage
from qbank.models.workflow import WorkflowDefinition, WorkflowTransition
from qbank.repository import reviews as repository
from qbank.rules.review import Decision
from qbank.rules.workflow import (
    NEXT,
    STAGE,
    StageRule,
    default_stages,
    options_from_json,
    problems,
    renamed,
    target_of,
    without_references,
)


def ensure_default_workflow(uow: UnitOfWork) -> Sequence[WorkflowStage]:
    """Return the organisation's stages; an organisation without any gets 初审, 复审, 终审."""
    stages = repository.list_stages(uow.session, uow.actor.organisation)
    return stages or _store(uow, default_stages(), note=N_("默认流程"))


def stage_names(session: Session, organisation_id: uuid.UUID) -> list[str]:
    """Return what an item that is submitted today has to pass, in order; the usual stages where none were kept yet."""
    stages = repository.list_stages(session, organisation_id)
    return [stage.name for stage in stages or default_stages()]


def load(session: Session, organisation_id: uuid.UUID) -> list[StageRule]:
    """Return the workflow in force as an administrator writes it."""
    return rules_of(session, repository.list_stages(session, organisation_id))


def rules_of(session: Session, stages: Sequence[WorkflowStage]) -> list[StageRule]:
    """Return the stages of one version as an administrator writes them."""
    names = {stage.workflow_stage_id: stage.name for stage in stages}
    ways = repository.transitions_of(session, list(names))
    found = []
    for place, stage in enumerate(stages):
        targets = {
            decision: _written(way, names, stages, place)
            for (stage_id, decision), way in ways.items()
            if stage_id == stage.workflow_stage_id
        }
        rule = StageRule(stage.name, stage.role, stage.quorum, options_from_json(stage.options))
        found.append(replace(rule, targets=dict(rule.targets) | targets))
    return found


def _written(way: WorkflowTransition, names: dict[uuid.UUID, str], stages: Sequence[WorkflowStage], place: int) -> str:
    target = STAGE + names[way.to_stage_id] if way.to_stage_id else way.target
    plain = [StageRule(stage.name) for stage in stages]
    is_usual = way.decision is Decision.APPROVE and target == target_of(plain, place, Decision.APPROVE)
    return NEXT if is_usual else target


def publish(uow: UnitOfWork, stages: Sequence[StageRule], *, base: int | None, note: str = "") -> WorkflowDefinition:
    """Make a sound list of stages the next version; items under review finish under the version they started with.

    Raises
    ------
    InvalidInputError
        If a stage cannot be reached, a state cannot lead into the bank, or a required stage can be passed by.
    ConflictError
        If `base` is not the number of the version in force: somebody published meanwhile.
    """
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    current = repository.current_definition(uow.session, uow.actor.organisation)
    if base is not None and base != (current.number if current else 0):
        raise ConflictError(N_("审核流程刚被他人修改，请刷新后重试"))
    clean = [replace(one, name=one.name.strip()) for one in stages]
    for message, context in problems(clean):
        raise InvalidInputError(message, fields={_field_of(message): [message % context]}, **context)
    fresh = _store(uow, clean, note=note)
    found = repository.current_definition(uow.session, fresh[0].organisation_id)
    if found is None:
        raise LookupError("the definition that was just stored")
    return found


_FIELDS = {"名称": "name", "同名": "name", "人数": "quorum"}


def _field_of(message: str) -> str:
    return next((name for word, name in _FIELDS.items() if word in message), "")


def _store(uow: UnitOfWork, stages: Sequence[StageRule], *, note: str) -> list[WorkflowStage]:
    organisation_id = uow.actor.organisation
    current = repository.current_definition(uow.session, organisation_id)
    if current is not None:
        current.is_current = False
    number = current.number + 1 if current else 1
    definition = WorkflowDefinition(
        workflow_definition_id=new_id(), organisation_id=organisation_id, number=number, is_current=True,
        note=note[:200], created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    uow.add(definition)
    rows = [_row(definition, position, one) for position, one in enumerate(stages, start=1)]
    for row in rows:
        uow.add(row)
    uow.flush()  # transitions and items refer to the stages
    _store_transitions(uow, stages, rows)
    after = {"number": number, "stages": [one.name for one in stages]}
    object_id = definition.workflow_definition_id
    audit.record(uow, "workflow.publish", "workflow_definition", object_id, after=after, reason=note or None)
    return rows


def _row(definition: WorkflowDefinition, position: int, one: StageRule) -> WorkflowStage:
    return WorkflowStage(
        workflow_stage_id=new_id(), organisation_id=definition.organisation_id, position=position, name=one.name,
        role=one.role, quorum=one.quorum, is_active=True, options=one.options.to_json(),
        workflow_definition_id=definition.workflow_definition_id,
    )  # fmt: skip


def _store_transitions(uow: UnitOfWork, stages: Sequence[StageRule], rows: Sequence[WorkflowStage]) -> None:
    ids = {STAGE + row.name: row.workflow_stage_id for row in rows}
    for place, row in enumerate(rows):
        for decision in Decision:
            target = target_of(stages, place, decision)
            uow.add(
                WorkflowTransition(
                    workflow_stage_id=row.workflow_stage_id, decision=decision,
                    target="stage" if target in ids else target, to_stage_id=ids.get(target),
                )
            )  # fmt: skip
    uow.flush()  # decisions of the same act read them


def _place(session: Session, actor: Actor, stage_id: uuid.UUID) -> tuple[list[StageRule], int]:
    rows = repository.list_stages(session, actor.organisation)
    place = next((n for n, row in enumerate(rows) if row.workflow_stage_id == stage_id), None)
    if place is None:
        repository.get_stage(session, stage_id, actor=actor)
        raise ConflictError(N_("审核流程刚被他人修改，请刷新后重试"))
    return rules_of(session, rows), place


def add_stage(uow: UnitOfWork, stage: StageRule, *, base: int | None = None) -> WorkflowDefinition:
    """Add a stage after the last one."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    ensure_default_workflow(uow)
    stages = load(uow.session, uow.actor.organisation)
    return publish(uow, [*stages, stage], base=base, note=N_("添加“%(name)s”") % {"name": stage.name.strip()})


def update_stage(
    uow: UnitOfWork, stage_id: uuid.UUID, stage: StageRule, *, base: int | None = None
) -> WorkflowDefinition:
    """Change a stage: name, who decides, votes, settings, transitions."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    stages, place = _place(uow.session, uow.actor, stage_id)
    old, name = stages[place].name, stage.name.strip()
    stages[place] = stage
    return publish(uow, renamed(stages, old, name), base=base, note=N_("修改“%(name)s”") % {"name": name})


def remove_stage(uow: UnitOfWork, stage_id: uuid.UUID, *, base: int | None = None) -> WorkflowDefinition:
    """Take a stage out for items that are submitted from now on; the last one stays."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    stages, place = _place(uow.session, uow.actor, stage_id)
    gone = stages.pop(place)
    if not stages:
        raise ConflictError(N_("至少保留一个审核环节"))
    kept = without_references(stages, gone.name)
    return publish(uow, kept, base=base, note=N_("删除“%(name)s”") % {"name": gone.name})


def move_stage(uow: UnitOfWork, stage_id: uuid.UUID, *, up: bool, base: int | None = None) -> WorkflowDefinition | None:
    """Exchange a stage with its neighbour."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    stages, place = _place(uow.session, uow.actor, stage_id)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(stages):
        return None
    stages[place], stages[other] = stages[other], stages[place]
    return publish(uow, stages, base=base, note=N_("调整“%(name)s”的顺序") % {"name": stages[other].name})


def reset_workflow(uow: UnitOfWork, *, base: int | None = None) -> WorkflowDefinition:
    """Go back to the usual way: 初审, 复审, 终审, 入库."""
    return publish(uow, default_stages(), base=base, note=N_("恢复默认流程"))
