"""Setting up assessors' groups: score sheets, members and a leader, and which candidates stand before which group."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import (
    Assessment,
    AssessmentState,
    AssessorGroup,
    AssessorMember,
    CertificationBatch,
    ResultRecord,
    ScoreSheetTemplate,
)
from certification.repository import batches as batch_repository
from certification.repository import panels as repository
from certification.repository import scores as score_repository
from certification.rules import keys, panel_scoring
from certification.rules.batch_states import BatchState
from certification.rules.panel_scoring import PANEL_MODES, PANEL_RATIO, Criterion
from certification.rules.pass_decision import AssessmentMode
from kernel import audit, conflicts, profiles
from kernel.clock import now
from kernel.conflicts import Conflict, CycleRole, Party, Severity
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

OPEN_STATES = frozenset({BatchState.RECEIVED, BatchState.CHECKED})
SHORTEST_REASON = 5


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What an officer fills in for a new group."""

    mode: AssessmentMode
    name: str
    place: str
    member_ids: Sequence[uuid.UUID]
    leader_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Assigned:
    """How many candidates a group was given, and which it may not assess because of whom."""

    n_assigned: int
    refused: tuple[Conflict, ...]


def candidate_party(record: ResultRecord) -> Party:
    """Return a candidate as the rules of recusal read one."""
    return Party(
        CycleRole.CANDIDATE, name=record.name, number_index=record.id_number_index, employer=record.employer,
        reference=str(record.result_record_id),
    )  # fmt: skip


def _parties(members: Sequence[AssessorMember]) -> list[Party]:
    return [Party(CycleRole.ASSESSOR, one.user_id, one.name) for one in members]


def save_template(
    uow: UnitOfWork, *, occupation_code: str, level_code: str, mode: AssessmentMode, name: str, text: str
) -> ScoreSheetTemplate:
    """Add a version of a score sheet; groups that are set up already keep the one they have."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    if mode not in PANEL_MODES:
        raise InvalidInputError(N_("这个考核项目不由考评组评分"))
    if not (occupation_code.strip() and level_code.strip() and name.strip()):
        raise InvalidInputError(N_("请填写职业编码、等级代码和评分表名称"))
    try:
        criteria = panel_scoring.read_criteria(text)
    except InvalidInputError as exc:
        exc.fields = {"text": [exc.message]}
        raise
    code, level = occupation_code.strip()[:32], level_code.strip()[:32]
    before = repository.find_template(uow.session, code, level, mode, actor=uow.actor)
    row = ScoreSheetTemplate(
        organisation_id=uow.actor.organisation, occupation_code=code, level_code=level, mode=mode,
        number=before.number + 1 if before else 1, name=name.strip()[:100],
        criteria=[one.as_json() for one in criteria], made_by=uow.actor.name[:100], made_at=now(),
    )  # fmt: skip
    uow.add(row)
    uow.flush()  # the audit names the row
    after = {"occupation": code, "level": level, "mode": mode.value, "number": row.number}
    audit.record(uow, "certification.score_sheet", "score_sheet_template", row.score_sheet_template_id, after=after)
    return row


def panel_modes(session: Session, batch: CertificationBatch) -> list[AssessmentMode]:
    """Return the components of the batch's level that groups may score."""
    rule = keys.pass_rule(profiles.values(session, batch.organisation_id), batch.level_code)
    required = {part.mode for part in rule.components}
    return [mode for mode in PANEL_MODES if mode in required]


def open_batch(uow: UnitOfWork, batch_id: uuid.UUID) -> CertificationBatch:
    """Return a batch locked for this transaction, or refuse one whose scores are locked."""
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in OPEN_STATES:
        raise ConflictError(N_("批次已判定，成绩已锁定；确需修改请由认定管理员退回修改"), error_code="scores_locked")
    return batch


def set_up(uow: UnitOfWork, batch_id: uuid.UUID, plan: GroupPlan) -> AssessorGroup:
    """Set up a group with the sheet and the rule that hold now.

    Raises
    ------
    InvalidInputError
        If the group is too small or even, has no leader among its members, or there is no sheet to score by.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = open_batch(uow, batch_id)
    values = profiles.values(uow.session, batch.organisation_id)
    names = dict(repository.list_assessors(uow.session, actor=uow.actor))
    members = [key for key in dict.fromkeys(plan.member_ids) if key in names]
    _check_plan(uow, batch, plan, members)
    panel_scoring.check_size(len(members), values)
    template, criteria = _criteria(uow, batch, plan.mode)
    group = AssessorGroup(
        organisation_id=batch.organisation_id, certification_batch_id=batch_id, mode=plan.mode,
        name=plan.name.strip()[:60], place=plan.place.strip()[:100],
        score_sheet_template_id=template.score_sheet_template_id if template else None,
        criteria=[one.as_json() for one in criteria],
        rule=panel_scoring.rule_from_profile(values, plan.mode).as_json(), leader_id=plan.leader_id,
        set_up_by=uow.actor.name[:100], set_up_at=now(),
    )  # fmt: skip
    uow.add(group)
    uow.flush()  # members point at it
    for key in members:
        uow.add(
            AssessorMember(
                organisation_id=batch.organisation_id, assessor_group_id=group.assessor_group_id, user_id=key,
                name=names[key][:100],
            )
        )  # fmt: skip
    after = {"mode": plan.mode.value, "name": group.name, "members": [str(key) for key in members]}
    audit.record(uow, "certification.assessor_group", "certification_batch", batch_id, after=after)
    return group


def _check_plan(uow: UnitOfWork, batch: CertificationBatch, plan: GroupPlan, members: Sequence[uuid.UUID]) -> None:
    if plan.mode not in panel_modes(uow.session, batch):
        raise InvalidInputError(N_("本等级没有这个由考评组评分的考核项目"))
    if not plan.name.strip():
        raise InvalidInputError(N_("请填写考评组名称"), fields={"name": [N_("请填写考评组名称")]})
    groups = repository.list_groups(uow.session, batch.certification_batch_id)
    if any((one.mode, one.name) == (plan.mode, plan.name.strip()[:60]) for one in groups):
        raise ConflictError(N_("本批次这个考核项目已有同名考评组"))
    if plan.leader_id not in members:
        raise InvalidInputError(N_("请从组员中指定组长"), fields={"leader": [N_("请从组员中指定组长")]})


def _criteria(
    uow: UnitOfWork, batch: CertificationBatch, mode: AssessmentMode
) -> tuple[ScoreSheetTemplate | None, tuple[Criterion, ...]]:
    """Return the sheet of the occupation and level; a comprehensive review without one has the rule profile's criteria."""
    template = repository.find_template(uow.session, batch.occupation_code, batch.level_code, mode, actor=uow.actor)
    if template is not None:
        return template, panel_scoring.criteria_of(template.criteria)
    if mode is AssessmentMode.COMPREHENSIVE_REVIEW:
        return None, panel_scoring.review_criteria(profiles.values(uow.session, batch.organisation_id))
    raise InvalidInputError(N_("这个职业和等级还没有评分表，请先在“评分表”中建立"))


def waiting_records(session: Session, batch: CertificationBatch, mode: AssessmentMode) -> list[ResultRecord]:
    """Return who has neither a group nor a score in a component, carried parts included."""
    key = batch.certification_batch_id
    taken = repository.grouped_places(session, key)
    held = score_repository.counting_scores(session, key)
    return [
        one
        for one in batch_repository.list_records(session, key)
        if (one.result_record_id, mode) not in taken and mode not in held.get(one.result_record_id, {})
    ]


def assign(uow: UnitOfWork, group_id: uuid.UUID, *, first: int, n_stations: int = 0) -> Assigned:
    """Give the next candidates of a batch to a group, numbered to workstations; related ones are left for another group."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    group = repository.get_group(uow.session, group_id, actor=uow.actor)
    batch = open_batch(uow, group.certification_batch_id)
    waiting = waiting_records(uow.session, batch, group.mode)
    members = repository.members_of(uow.session, [group_id])[group_id]
    found = _refusals(uow.session, batch, members, waiting)
    kept_apart = {one.second.reference for one in found}
    free = [one for one in waiting if str(one.result_record_id) not in kept_apart][: max(first, 0)]
    before = len(repository.assessments_of_groups(uow.session, [group_id])[group_id])
    for index, record in enumerate(free, start=before):
        uow.add(
            Assessment(
                organisation_id=batch.organisation_id, certification_batch_id=batch.certification_batch_id,
                assessor_group_id=group_id, result_record_id=record.result_record_id, mode=group.mode,
                workstation=f"{index % n_stations + 1:02d}" if n_stations > 0 else "",
            )
        )  # fmt: skip
    if free:
        after = {"n_assigned": len(free), "n_kept_apart": len(kept_apart)}
        audit.record(uow, "certification.assign_group", "assessor_group", group_id, after=after)
    return Assigned(len(free), tuple(found))


def _refusals(
    session: Session, batch: CertificationBatch, members: Sequence[AssessorMember], records: Sequence[ResultRecord]
) -> list[Conflict]:
    found = conflicts.find(session, batch.organisation_id, _parties(members), list(map(candidate_party, records)))
    return [one for one in found if one.severity is Severity.REFUSE]


def blocked(session: Session, batch: CertificationBatch) -> dict[uuid.UUID, Conflict]:
    """Return whom a member must keep away from after all, by the candidate's task: declared since, and not yet signed."""
    groups = repository.list_groups(session, batch.certification_batch_id)
    members = repository.members_of(session, [one.assessor_group_id for one in groups])
    tasks = repository.assessments_of_groups(session, [one.assessor_group_id for one in groups])
    found: dict[uuid.UUID, Conflict] = {}
    for key, rows in tasks.items():
        waiting = {str(r.result_record_id): a for a, r in rows if a.state is not AssessmentState.SIGNED}
        records = [r for a, r in rows if a.state is not AssessmentState.SIGNED]
        for one in _refusals(session, batch, members[key], records) if records else ():
            found.setdefault(waiting[one.second.reference].assessment_id, one)
    return found


def move(uow: UnitOfWork, assessment_id: uuid.UUID, group_id: uuid.UUID, *, reason: str) -> None:
    """Give a candidate to another group of the same component; what the first one gave stays as a record."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    task = repository.get_assessment(uow.session, assessment_id, actor=uow.actor)
    batch = open_batch(uow, task.certification_batch_id)
    task = repository.get_assessment(uow.session, assessment_id, actor=uow.actor, lock=True)
    group = repository.get_group(uow.session, group_id, actor=uow.actor)
    if (group.certification_batch_id, group.mode) != (task.certification_batch_id, task.mode):
        raise ConflictError(N_("只能调整到同一批次、同一考核项目的考评组"))
    if task.state is AssessmentState.SIGNED:
        raise ConflictError(N_("成绩已签字确认，不能再调整考评组；确需更正请重新评分"))
    if group_id == task.assessor_group_id:
        raise ConflictError(N_("考生已在这个考评组"))
    checked_reason(reason)
    record = batch_repository.get_record(uow.session, task.result_record_id, actor=uow.actor)
    members = repository.members_of(uow.session, [group_id])[group_id]
    conflicts.require_none(uow.session, batch.organisation_id, _parties(members), [candidate_party(record)])
    before = task.assessor_group_id
    task.assessor_group_id, task.state, task.round = group_id, AssessmentState.OPEN, task.round + 1
    task.round_reason = reason.strip()[:300]
    audit.record(
        uow, "certification.move_group", "assessment", assessment_id, before={"group": str(before)},
        after={"group": str(group_id)}, reason=reason.strip()[:300],
    )  # fmt: skip


def checked_reason(reason: str) -> str:
    """Return a reason that is long enough to be one; raises InvalidInputError under the field ``reason``."""
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明理由，至少 5 个字")
        raise InvalidInputError(message, fields={"reason": [message]})
    return reason.strip()[:300]


def is_crowded(session: Session, batch: CertificationBatch, n_candidates: int, n_members: int) -> bool:
    """Say whether a group has more candidates than the rule profile thinks right."""
    return n_candidates > n_members * int(profiles.value(session, batch.organisation_id, PANEL_RATIO))
