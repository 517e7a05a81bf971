"""Reading score sheets, assessors' groups, the candidates before them, and what they gave; inside the walls."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certification.models import (
    Assessment,
    AssessmentResult,
    AssessmentSignature,
    AssessmentState,
    AssessorGroup,
    AssessorMember,
    AssessorSheet,
    CertificationBatch,
    ResultRecord,
    ScoreSheetTemplate,
)
from certification.rules.pass_decision import AssessmentMode
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import ROLE_PERMISSIONS, Permission

ASSESSING_ROLES = tuple(role for role, may in ROLE_PERMISSIONS.items() if Permission.SKILL_SCORE_WRITE in may)


def newest_templates(session: Session, *, actor: Actor) -> list[ScoreSheetTemplate]:
    """Return the newest score sheet of every occupation, level and component."""
    query = select(ScoreSheetTemplate).where(ScoreSheetTemplate.organisation_id == actor.organisation)
    ordered = query.order_by(
        ScoreSheetTemplate.occupation_code, ScoreSheetTemplate.level_code, ScoreSheetTemplate.mode,
        ScoreSheetTemplate.number,
    )  # fmt: skip
    newest = {(one.occupation_code, one.level_code, one.mode): one for one in session.scalars(ordered.limit(2000))}
    return list(newest.values())


def find_template(
    session: Session, occupation_code: str, level_code: str, mode: AssessmentMode, *, actor: Actor
) -> ScoreSheetTemplate | None:
    """Return the newest score sheet of one component of an occupation and level, if there is one."""
    query = select(ScoreSheetTemplate).where(
        ScoreSheetTemplate.organisation_id == actor.organisation, ScoreSheetTemplate.occupation_code == occupation_code,
        ScoreSheetTemplate.level_code == level_code, ScoreSheetTemplate.mode == mode,
    )  # fmt: skip
    return session.scalar(query.order_by(ScoreSheetTemplate.number.desc()).limit(1))


def get_template(session: Session, template_id: uuid.UUID, *, actor: Actor) -> ScoreSheetTemplate:
    """Return a score sheet of the organisation, or raise NotFoundError."""
    found = session.get(ScoreSheetTemplate, template_id)
    if found is None or found.organisation_id != actor.organisation:
        raise NotFoundError(N_("评分表不存在"))
    return found


def list_assessors(session: Session, *, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return the active people who may assess, by name."""
    query = (
        select(User.user_id, User.name)
        .join(UserRole, UserRole.user_id == User.user_id)
        .where(User.organisation_id == actor.organisation, User.is_active.is_(True), UserRole.role.in_(ASSESSING_ROLES))
        .distinct()
        .order_by(User.name)
        .limit(500)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def list_groups(session: Session, batch_id: uuid.UUID) -> Sequence[AssessorGroup]:
    """Return the groups of a batch."""
    query = select(AssessorGroup).where(AssessorGroup.certification_batch_id == batch_id)
    return session.scalars(query.order_by(AssessorGroup.mode, AssessorGroup.name)).all()


def get_group(session: Session, group_id: uuid.UUID, *, actor: Actor) -> AssessorGroup:
    """Return a group of the actor's own organisation, or raise NotFoundError."""
    found = session.get(AssessorGroup, group_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise NotFoundError(N_("考评组不存在"))
    return found


def groups_of(session: Session, *, actor: Actor) -> list[tuple[AssessorGroup, CertificationBatch]]:
    """Return the groups that the actor is a member of, the newest first."""
    query = (
        select(AssessorGroup, CertificationBatch)
        .join(AssessorMember, AssessorMember.assessor_group_id == AssessorGroup.assessor_group_id)
        .join(CertificationBatch, CertificationBatch.certification_batch_id == AssessorGroup.certification_batch_id)
        .where(
            AssessorGroup.organisation_id == actor.organisation,
            AssessorMember.user_id == actor.user_id,
            AssessorMember.withdrawn_at.is_(None),
        )
        .order_by(AssessorGroup.set_up_at.desc())
        .limit(100)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def members_of(session: Session, group_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[AssessorMember]]:
    """Return the present members of some groups, by name."""
    everybody = everybody_of(session, group_ids)
    return {key: [one for one in rows if one.withdrawn_at is None] for key, rows in everybody.items()}


def everybody_of(session: Session, group_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[AssessorMember]]:
    """Return who is or was a member of some groups, by name."""
    query = select(AssessorMember).where(AssessorMember.assessor_group_id.in_(group_ids)).order_by(AssessorMember.name)
    found: dict[uuid.UUID, list[AssessorMember]] = {key: [] for key in group_ids}
    for one in session.scalars(query):
        found[one.assessor_group_id].append(one)
    return found


def list_assessments(session: Session, batch_id: uuid.UUID) -> list[tuple[Assessment, ResultRecord]]:
    """Return the candidates of a batch who stand before a group, by admission number."""
    query = (
        select(Assessment, ResultRecord)
        .join(ResultRecord, ResultRecord.result_record_id == Assessment.result_record_id)
        .where(Assessment.certification_batch_id == batch_id)
        .order_by(ResultRecord.admission_number, Assessment.mode)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def assessments_of_groups(
    session: Session, group_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[Assessment, ResultRecord]]]:
    """Return the candidates of some groups."""
    keys = list(group_ids)
    query = (
        select(Assessment, ResultRecord)
        .join(ResultRecord, ResultRecord.result_record_id == Assessment.result_record_id)
        .where(Assessment.assessor_group_id.in_(keys))
        .order_by(Assessment.workstation, ResultRecord.admission_number)
    )
    found: dict[uuid.UUID, list[tuple[Assessment, ResultRecord]]] = {key: [] for key in keys}
    for assessment, record in session.execute(query):
        found[assessment.assessor_group_id].append((assessment, record))
    return found


def grouped_places(session: Session, batch_id: uuid.UUID) -> set[tuple[uuid.UUID, AssessmentMode]]:
    """Return which components of which candidates a group scores."""
    query = select(Assessment.result_record_id, Assessment.mode).where(Assessment.certification_batch_id == batch_id)
    return {(row[0], row[1]) for row in session.execute(query)}


def count_unfinished(session: Session, batch_id: uuid.UUID) -> int:
    """Return how many candidates a group has begun to settle, or to score again, without all signatures."""
    begun = Assessment.state.in_((AssessmentState.DISPUTED, AssessmentState.SIGNING)) | (
        (Assessment.state == AssessmentState.OPEN) & (Assessment.round > 1)
    )
    query = select(func.count()).where(Assessment.certification_batch_id == batch_id, begun)
    return session.scalar(query) or 0


def get_assessment(session: Session, assessment_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> Assessment:
    """Return a candidate before a group of the own organisation, locked for the transaction when asked for."""
    query = select(Assessment).where(
        Assessment.assessment_id == assessment_id, Assessment.organisation_id == actor.organisation_id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("考评任务不存在"))
    return found


def sheets_of(session: Session, assessment: Assessment) -> Sequence[AssessorSheet]:
    """Return what the assessors gave in the present round, by name."""
    query = select(AssessorSheet).where(
        AssessorSheet.assessment_id == assessment.assessment_id, AssessorSheet.round == assessment.round
    )
    return session.scalars(query.order_by(AssessorSheet.name).execution_options(populate_existing=True)).all()


def own_sheets(
    session: Session, assessment_ids: Collection[uuid.UUID], *, actor: Actor
) -> dict[tuple[uuid.UUID, int], AssessorSheet]:
    """Return the actor's own sheets by candidate and round."""
    query = select(AssessorSheet).where(
        AssessorSheet.assessment_id.in_(assessment_ids), AssessorSheet.user_id == actor.user_id
    )
    return {(one.assessment_id, one.round): one for one in session.scalars(query)}


def count_submitted(session: Session, batch_id: uuid.UUID) -> dict[tuple[uuid.UUID, int], int]:
    """Return how many sheets are handed in, by candidate and round."""
    query = (
        select(AssessorSheet.assessment_id, AssessorSheet.round, func.count())
        .join(Assessment, Assessment.assessment_id == AssessorSheet.assessment_id)
        .where(Assessment.certification_batch_id == batch_id, AssessorSheet.submitted_at.is_not(None))
        .group_by(AssessorSheet.assessment_id, AssessorSheet.round)
    )
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def results_of(session: Session, assessment_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[AssessmentResult]]:
    """Return the results of some candidates, the newest first."""
    query = select(AssessmentResult).where(AssessmentResult.assessment_id.in_(assessment_ids))
    found: dict[uuid.UUID, list[AssessmentResult]] = {}
    for one in session.scalars(query.order_by(AssessmentResult.number.desc())):
        found.setdefault(one.assessment_id, []).append(one)
    return found


def signatures_of(session: Session, result_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[AssessmentSignature]]:
    """Return the signatures under some results, in the order of signing."""
    query = select(AssessmentSignature).where(AssessmentSignature.assessment_result_id.in_(result_ids))
    found: dict[uuid.UUID, list[AssessmentSignature]] = {key: [] for key in result_ids}
    for one in session.scalars(query.order_by(AssessmentSignature.signed_at)):
        found[one.assessment_result_id].append(one)
    return found
