"""Scoring in a group: each assessor alone, then the group's result, what the leader resolves, signatures, corrections."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

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
    ComponentScore,
    ResultRecord,
    ScoreOrigin,
)
from certification.repository import batches as batch_repository
from certification.repository import panels as repository
from certification.repository import scores as score_repository
from certification.rules import panel_scoring
from certification.rules.panel_scoring import Criterion, criteria_of, rule_of
from certification.rules.pass_decision import ResultState, rounded_score
from certification.rules.score_sheet import read_score
from certification.services.panel_groups import OPEN_STATES, candidate_party, checked_reason, open_batch
from kernel import audit, conflicts
from kernel.clock import now
from kernel.conflicts import CycleRole, Party
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

MAX_MINUTES = 2000


@dataclass(frozen=True, slots=True)
class Typed:
    """What an assessor's page holds, with the round and the revision that it was opened with."""

    marks: Sequence[str]
    comment: str = ""
    is_absent: bool = False
    vote: bool | None = None
    round: int = 1
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a member sees of one candidate; other people's sheets only when all are in."""

    task: Assessment
    group: AssessorGroup
    batch: CertificationBatch
    record: ResultRecord
    members: Sequence[AssessorMember]
    criteria: tuple[Criterion, ...]
    own: AssessorSheet | None
    sheets: Sequence[AssessorSheet]
    results: Sequence[AssessmentResult]
    signatures: Sequence[AssessmentSignature]
    n_submitted: int
    is_open: bool
    is_leader: bool


def member_group(session: Session, task: Assessment, actor: Actor) -> tuple[AssessorGroup, list[AssessorMember]]:
    """Return the group of a candidate and its members, for one of them; nobody else comes near the sheets."""
    group = repository.get_group(session, task.assessor_group_id, actor=actor)
    members = repository.members_of(session, [group.assessor_group_id])[group.assessor_group_id]
    if actor.user_id not in {one.user_id for one in members}:
        raise ForbiddenError(N_("您不是这个考评组的成员"))
    return group, members


def open_desk(session: Session, assessment_id: uuid.UUID, *, actor: Actor) -> Desk:
    """Return what a member needs to score a candidate.

    Raises
    ------
    ForbiddenError
        If the actor is no member, or must keep away from the candidate (ConflictOfInterestError).
    """
    require(actor, Permission.SKILL_SCORE_WRITE)
    task = repository.get_assessment(session, assessment_id, actor=actor)
    group, members = member_group(session, task, actor)
    record = batch_repository.get_record(session, task.result_record_id, actor=actor)
    keep_away(session, actor, record)
    batch = batch_repository.get_batch(session, task.certification_batch_id, actor=actor)
    sheets = repository.sheets_of(session, task)
    results = repository.results_of(session, [assessment_id]).get(assessment_id, [])
    current = [one for one in results if one.round == task.round][:1]
    signatures = repository.signatures_of(session, [one.assessment_result_id for one in current])
    return Desk(
        task=task, group=group, batch=batch, record=record, members=members, criteria=criteria_of(group.criteria),
        own=next((one for one in sheets if one.user_id == actor.user_id), None),
        sheets=sheets if task.state is not AssessmentState.OPEN else (), results=results,
        signatures=signatures[current[0].assessment_result_id] if current else (),
        n_submitted=sum(one.submitted_at is not None for one in sheets), is_open=batch.state in OPEN_STATES,
        is_leader=actor.user_id == group.leader_id,
    )  # fmt: skip


def keep_away(session: Session, actor: Actor, record: ResultRecord) -> None:
    """Refuse an assessor whom a rule of recusal keeps away from a candidate."""
    party = Party(CycleRole.ASSESSOR, actor.user_id, actor.name)
    conflicts.require_none(session, record.organisation_id, [party], [candidate_party(record)])


def _mine(uow: UnitOfWork, assessment_id: uuid.UUID) -> tuple[Assessment, AssessorGroup, list[AssessorMember]]:
    """Return a candidate locked, for one of the group's members who need not keep away, while scores may change."""
    require(uow.actor, Permission.SKILL_SCORE_WRITE)
    task = repository.get_assessment(uow.session, assessment_id, actor=uow.actor, lock=True)
    group, members = member_group(uow.session, task, uow.actor)
    batch = batch_repository.get_batch(uow.session, task.certification_batch_id, actor=uow.actor)
    if batch.state not in OPEN_STATES:
        raise ConflictError(N_("批次已判定，成绩已锁定；确需修改请由认定管理员退回修改"), error_code="scores_locked")
    keep_away(uow.session, uow.actor, batch_repository.get_record(uow.session, task.result_record_id, actor=uow.actor))
    return task, group, members


def save_sheet(uow: UnitOfWork, assessment_id: uuid.UUID, typed: Typed) -> AssessorSheet:
    """Keep what an assessor typed so far; sending the same twice changes nothing, an older page overwrites nothing.

    Raises
    ------
    ConflictError
        If another window saved something else meanwhile, the sheet is handed in, or a new round has begun.
    """
    task, group, _members = _mine(uow, assessment_id)
    return _keep(uow, task, group, typed)


def _keep(uow: UnitOfWork, task: Assessment, group: AssessorGroup, typed: Typed) -> AssessorSheet:
    criteria = criteria_of(group.criteria)
    marks = [text.strip()[:6] for text in typed.marks][: len(criteria)]
    marks += [""] * (len(criteria) - len(marks))
    if typed.round != task.round:
        raise ConflictError(N_("这名考生已开始新一轮评分，请刷新页面"), error_code="new_round")
    errors = panel_scoring.mark_errors(criteria, marks, is_complete=False)
    if errors:
        raise InvalidInputError(N_("有 %(n)s 项评分填写有误，请改正"), fields=errors, n=len(errors))
    sheet = _own_sheet(uow, task)
    fresh = (marks, typed.comment.strip()[:500], typed.is_absent, typed.vote)
    if sheet.revision and fresh == (sheet.marks, sheet.comment, sheet.is_absent, sheet.vote):
        return sheet
    if sheet.submitted_at is not None:
        raise ConflictError(N_("评分表已提交，不能再改；确需更正请由组长组织重新评分"), error_code="sheet_submitted")
    if sheet.revision != typed.revision:
        raise ConflictError(N_("另一个窗口已保存了不同的评分，请刷新页面核对"), error_code="sheet_changed")
    sheet.marks, sheet.comment, sheet.is_absent, sheet.vote = fresh
    sheet.total = None if typed.is_absent else panel_scoring.sheet_total(criteria, marks)
    sheet.revision, sheet.saved_at = sheet.revision + 1, now()
    return sheet


def _own_sheet(uow: UnitOfWork, task: Assessment) -> AssessorSheet:
    sheets = repository.sheets_of(uow.session, task)
    own = next((one for one in sheets if one.user_id == uow.actor.user_id), None)
    if own is None:
        own = AssessorSheet(
            organisation_id=task.organisation_id, assessment_id=task.assessment_id, round=task.round,
            user_id=uow.actor.user_id, name=uow.actor.name[:100], marks=[], revision=0, saved_at=now(),
        )  # fmt: skip
        uow.add(own)
    return own


def submit_sheet(uow: UnitOfWork, assessment_id: uuid.UUID, typed: Typed) -> Assessment:
    """Hand a sheet in; the last one of the group makes the result, or the dispute that its leader resolves."""
    task, group, members = _mine(uow, assessment_id)
    sheet = _keep(uow, task, group, typed)
    if sheet.submitted_at is not None:
        return task
    criteria, rule = criteria_of(group.criteria), rule_of(group.rule)
    errors = {} if sheet.is_absent else panel_scoring.mark_errors(criteria, sheet.marks, is_complete=True)
    if rule.vote_percent and not sheet.is_absent and sheet.vote is None:
        errors["vote"] = [N_("请表决")]
    if errors:
        raise InvalidInputError(N_("评分表还有 %(n)s 项没有填好"), fields=errors, n=len(errors))
    sheet.submitted_at = now()
    uow.flush()  # the count below is done by SQL
    audit.record(uow, "certification.hand_in_sheet", "assessment", assessment_id, after={"round": task.round})
    handed_in = [one for one in repository.sheets_of(uow.session, task) if one.submitted_at is not None]
    if len(handed_in) == len(members):
        _conclude(uow, task, group, handed_in)
    return task


def _conclude(uow: UnitOfWork, task: Assessment, group: AssessorGroup, sheets: Sequence[AssessorSheet]) -> None:
    """Make the group's result when all sheets are in."""
    rule = rule_of(group.rule)
    totals = [one.total for one in sheets if one.total is not None]
    if not totals:
        _result(uow, task, ResultState.ABSENT, None, method="absent")
        return
    outcome = panel_scoring.group_outcome(totals, rule)
    if len(totals) < len(sheets) or (outcome.is_disputed and not rule.vote_percent):
        task.state = AssessmentState.DISPUTED
    elif rule.vote_percent:
        n_for = sum(bool(one.vote) for one in sheets)
        passes = panel_scoring.is_carried(n_for, len(sheets), rule.vote_percent)
        state, score = (ResultState.RECOGNISED, None) if passes else (ResultState.SCORED, Decimal(0))
        _result(uow, task, state, score, method="vote", n_for=n_for)
    else:
        _result(uow, task, ResultState.SCORED, outcome.score, method="trimmed" if rule.is_trimmed else "mean")


def _result(
    uow: UnitOfWork, task: Assessment, state: ResultState, score: Decimal | None, *, method: str, reason: str = "",
    n_for: int | None = None,
) -> None:  # fmt: skip
    before = repository.results_of(uow.session, [task.assessment_id]).get(task.assessment_id, [])
    uow.add(
        AssessmentResult(
            organisation_id=task.organisation_id, assessment_id=task.assessment_id,
            number=before[0].number + 1 if before else 1, round=task.round, state=state, score=score, method=method,
            reason=reason, n_for=n_for, decided_by=uow.actor.name[:100], decided_at=now(),
        )
    )  # fmt: skip
    task.state = AssessmentState.SIGNING


def resolve(uow: UnitOfWork, assessment_id: uuid.UUID, *, text: str, reason: str) -> None:
    """Let the leader enter what the group agreed on after talking about a dispute: between its lowest and highest mark.

    Raises
    ------
    ForbiddenError
        If somebody else than the leader tries.
    ConflictError
        If nothing is disputed.
    InvalidInputError
        If the score lies outside what the assessors gave, or the reason is missing.
    """
    task, group, _members = _mine(uow, assessment_id)
    _leader_only(uow, group)
    if task.state is not AssessmentState.DISPUTED:
        raise ConflictError(N_("这名考生的评分没有需要合议的分歧"))
    checked = checked_reason(reason)
    read = read_score(text)
    totals = [one.total for one in repository.sheets_of(uow.session, task) if one.total is not None]
    if read is None or read[0] not in {ResultState.SCORED, ResultState.ABSENT}:
        raise InvalidInputError(N_("请填写合议的成绩，或“缺考”"), fields={"score": [N_("请填写合议的成绩，或“缺考”")]})
    state, score = read
    if score is not None:
        if not min(totals) <= score <= max(totals):
            message = N_("合议的成绩应在各考评员评分的最低分与最高分之间")
            raise InvalidInputError(message, fields={"score": [message]})
        score = rounded_score(score, rule_of(group.rule).unit)
    _result(uow, task, state, score, method="resolved", reason=checked)
    audit.record(uow, "certification.resolve_group", "assessment", assessment_id, reason=checked)


def _leader_only(uow: UnitOfWork, group: AssessorGroup) -> None:
    if uow.actor.user_id != group.leader_id:
        raise ForbiddenError(N_("由考评组组长办理"))


def score_again(uow: UnitOfWork, assessment_id: uuid.UUID, *, reason: str) -> None:
    """Begin a new round for a reason: every assessor's sheet opens again with what stood in it, the old ones stay.

    The leader does it while the group is at it; once everybody has signed, a certification officer.
    """
    task = repository.get_assessment(uow.session, assessment_id, actor=uow.actor)
    open_batch(uow, task.certification_batch_id)
    task = repository.get_assessment(uow.session, assessment_id, actor=uow.actor, lock=True)
    group = repository.get_group(uow.session, task.assessor_group_id, actor=uow.actor)
    if task.state is AssessmentState.OPEN:
        raise ConflictError(N_("这名考生还在评分，不需要重新评分"))
    if task.state is AssessmentState.SIGNED:
        require(uow.actor, Permission.CERTIFICATION_WRITE)
    elif not uow.actor.may(Permission.CERTIFICATION_WRITE):
        _leader_only(uow, group)
    checked = checked_reason(reason)
    members = repository.members_of(uow.session, [group.assessor_group_id])[group.assessor_group_id]
    begin_round(uow, task, {one.user_id for one in members}, reason=checked, is_kept_in=False)
    audit.record(uow, "certification.score_again", "assessment", assessment_id, reason=checked)


def begin_round(
    uow: UnitOfWork, task: Assessment, user_ids: Collection[uuid.UUID], *, reason: str, is_kept_in: bool
) -> None:
    """Let some members go on in a new round with what stood in their sheets; the old round stays as it was.

    `is_kept_in` says whether what they handed in counts as handed in again.
    """
    for old in repository.sheets_of(uow.session, task):
        if old.user_id in user_ids:
            uow.add(
                AssessorSheet(
                    organisation_id=old.organisation_id, assessment_id=old.assessment_id, round=task.round + 1,
                    user_id=old.user_id, name=old.name, marks=list(old.marks), comment=old.comment,
                    is_absent=old.is_absent, vote=old.vote, total=old.total, revision=1, saved_at=now(),
                    submitted_at=old.submitted_at if is_kept_in else None,
                )
            )  # fmt: skip
    task.round, task.round_reason, task.state = task.round + 1, reason[:300], AssessmentState.OPEN


def sign(uow: UnitOfWork, assessment_id: uuid.UUID, *, number: int) -> bool:
    """Sign the result that was shown; the last signature makes it the candidate's score. Returns whether it did.

    Raises
    ------
    ConflictError
        If the result is another one by now, or there is none to sign.
    """
    task = repository.get_assessment(uow.session, assessment_id, actor=uow.actor)
    open_batch(uow, task.certification_batch_id)
    task, _group, members = _mine(uow, assessment_id)
    newest = repository.results_of(uow.session, [assessment_id]).get(assessment_id, [])[:1]
    if task.state is not AssessmentState.SIGNING or not newest or newest[0].number != number:
        raise ConflictError(N_("考评组成绩刚有变化，请核对后再签字"))
    result = newest[0]
    signed = {
        one.user_id
        for one in repository.signatures_of(uow.session, [result.assessment_result_id])[result.assessment_result_id]
    }
    if uow.actor.user_id not in signed:
        uow.add(
            AssessmentSignature(
                organisation_id=task.organisation_id, assessment_result_id=result.assessment_result_id,
                user_id=uow.actor.user_id, name=uow.actor.name[:100], signed_at=now(),
            )
        )  # fmt: skip
        audit.record(uow, "certification.sign_group", "assessment", assessment_id, after={"number": number})
    if signed | {uow.actor.user_id} < {one.user_id for one in members}:
        return False
    task.state = AssessmentState.SIGNED
    _count(uow, task, result, members)
    return True


def _count(uow: UnitOfWork, task: Assessment, result: AssessmentResult, members: Sequence[AssessorMember]) -> None:
    """Make the signed result the candidate's score, as a new version where there was one."""
    held = score_repository.current_scores(uow.session, task.certification_batch_id)
    before = held.get(task.result_record_id, {}).get(task.mode)
    if before is not None and (before.state, before.score) == (result.state, result.score):
        return
    uow.add(
        ComponentScore(
            organisation_id=task.organisation_id, certification_batch_id=task.certification_batch_id,
            result_record_id=task.result_record_id, mode=task.mode, number=before.number + 1 if before else 1,
            state=result.state, score=result.score, origin=ScoreOrigin.PANEL,
            entered_by="、".join(one.name for one in members)[:100], entered_at=now(),
        )
    )  # fmt: skip


def write_minutes(uow: UnitOfWork, assessment_id: uuid.UUID, text: str, *, seen: str) -> None:
    """Keep the minutes of a defence: what was asked and answered; the leader writes them until everybody has signed."""
    task, group, _members = _mine(uow, assessment_id)
    _leader_only(uow, group)
    if task.state is AssessmentState.SIGNED:
        raise ConflictError(N_("成绩已签字确认，记录不能再改"))
    if task.minutes != _lines(seen):
        raise ConflictError(N_("答辩记录刚在另一个窗口改过，请刷新页面核对"))
    task.minutes = _lines(text)


def _lines(text: str) -> str:
    """Return a text as it is kept: browsers send other ends of lines."""
    return "\n".join(text.strip().splitlines())[:MAX_MINUTES]
