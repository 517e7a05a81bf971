"""What waits for an assessor: the candidates of their groups, each with what is to be done."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import (
    Assessment,
    AssessmentState,
    AssessorGroup,
    AssessorSheet,
    CertificationBatch,
    ResultRecord,
)
from certification.repository import panels as repository
from certification.services.panel_groups import OPEN_STATES
from kernel.i18n import N_
from kernel.identity.actor import Actor

TO_SCORE, DRAFT, HANDED_IN = N_("待评分"), N_("评分中，未提交"), N_("已提交，等其他考评员")
TO_RESOLVE, DISPUTED = N_("待您组织合议"), N_("有分歧，待组长合议")
TO_SIGN, SIGNED, DONE = N_("待您签字"), N_("您已签字"), N_("已签字确认")
KINDS = {
    TO_SCORE: "info", DRAFT: "warning", HANDED_IN: "neutral", TO_RESOLVE: "danger", DISPUTED: "neutral",
    TO_SIGN: "warning", SIGNED: "neutral", DONE: "success",
}  # fmt: skip
WAITING = frozenset({TO_SCORE, DRAFT, TO_RESOLVE, TO_SIGN})


@dataclass(frozen=True, slots=True)
class WorkLine:
    """A candidate, and what the assessor has to do; `label` is a message id."""

    task: Assessment
    record: ResultRecord
    label: str

    @property
    def kind(self) -> str:
        """The colour of the label."""
        return KINDS[self.label]


@dataclass(frozen=True, slots=True)
class MyGroup:
    """A group of the assessor."""

    group: AssessorGroup
    batch: CertificationBatch
    lines: Sequence[WorkLine]


def groups_of_mine(session: Session, actor: Actor) -> list[MyGroup]:
    """Return the groups of an assessor, each candidate with what is to be done."""
    groups = repository.groups_of(session, actor=actor)
    tasks = repository.assessments_of_groups(session, [group.assessor_group_id for group, _batch in groups])
    keys = [task.assessment_id for rows in tasks.values() for task, _record in rows]
    own = repository.own_sheets(session, keys, actor=actor)
    signed = _signed(session, keys, actor)
    return [
        MyGroup(
            group, batch,
            [
                WorkLine(task, record, _label(task, group, own, actor, has_signed=task.assessment_id in signed))
                for task, record in tasks[group.assessor_group_id]
            ],
        )
        for group, batch in groups
    ]  # fmt: skip


def _signed(session: Session, keys: Sequence[uuid.UUID], actor: Actor) -> set[uuid.UUID]:
    newest = {key: results[0] for key, results in repository.results_of(session, keys).items()}
    found = repository.signatures_of(session, [one.assessment_result_id for one in newest.values()])
    return {
        key
        for key, one in newest.items()
        if actor.user_id in {signature.user_id for signature in found[one.assessment_result_id]}
    }


def _label(
    task: Assessment,
    group: AssessorGroup,
    own: dict[tuple[uuid.UUID, int], AssessorSheet],
    actor: Actor,
    *,
    has_signed: bool,
) -> str:
    if task.state is AssessmentState.SIGNED:
        return DONE
    if task.state is AssessmentState.SIGNING:
        return SIGNED if has_signed else TO_SIGN
    if task.state is AssessmentState.DISPUTED:
        return TO_RESOLVE if group.leader_id == actor.user_id else DISPUTED
    sheet = own.get((task.assessment_id, task.round))
    if sheet is None:
        return TO_SCORE
    return DRAFT if sheet.submitted_at is None else HANDED_IN


def count_waiting(session: Session, actor: Actor) -> int:
    """Return how many candidates wait for an assessor in batches whose scores are open."""
    return sum(
        line.label in WAITING
        for one in groups_of_mine(session, actor)
        if one.batch.state in OPEN_STATES
        for line in one.lines
    )
