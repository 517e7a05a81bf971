"""Score sheets and minutes of assessors' groups as PDF, for the group's members and the certification office."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from certification.documents.assessor_sheet import AssessorSheetPage, assessor_sheets_pdf
from certification.models import (
    Assessment,
    AssessmentResult,
    AssessmentState,
    AssessorGroup,
    AssessorMember,
    AssessorSheet,
    CertificationBatch,
    ResultRecord,
)
from certification.repository import batches as batch_repository
from certification.repository import panels as repository
from certification.repository import proofs
from certification.rules.panel_scoring import Criterion, criteria_of
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, plain_number
from certification.services.panel_sheets import keep_away, member_group
from certification.services.scores import text_of
from kernel.clock import OFFICIAL_ZONE
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation

METHODS = {
    "mean": "（各考评员评分的平均分）",
    "trimmed": "（去掉最高分和最低分后的平均分）",
    "resolved": "（组长组织合议）",
    "vote": "（表决）",
    "absent": "",
}
BLANK = "　　　　　"


@dataclass(frozen=True, slots=True)
class _Context:
    """What all sheets of a group share."""

    session: Session
    body_name: str
    batch: CertificationBatch
    group: AssessorGroup
    members: Sequence[AssessorMember]
    everybody: Sequence[AssessorMember]
    criteria: tuple[Criterion, ...]


def sheet_pdf(session: Session, assessment_id: uuid.UUID, *, actor: Actor) -> tuple[str, bytes]:
    """Return one candidate's sheet with its file name; marks stand in it once all are in."""
    task = repository.get_assessment(session, assessment_id, actor=actor)
    record = batch_repository.get_record(session, task.result_record_id, actor=actor)
    if not actor.may(Permission.CERTIFICATION_READ):
        member_group(session, task, actor)
        keep_away(session, actor, record)
    context = _context(session, repository.get_group(session, task.assessor_group_id, actor=actor), actor)
    page = _page(context, task, record)
    return f"{page.title}_{record.admission_number}.pdf", assessor_sheets_pdf([page])


def group_pdf(session: Session, group_id: uuid.UUID, *, actor: Actor) -> tuple[str, bytes]:
    """Return the sheets of all candidates of a group, for the certification office."""
    group = repository.get_group(session, group_id, actor=actor)
    rows = repository.assessments_of_groups(session, [group_id])[group_id]
    if not rows:
        raise ConflictError(N_("考评组还没有考生"))
    context = _context(session, group, actor)
    pages = [_page(context, task, record) for task, record in rows]
    return f"{pages[0].title}_{group.name}.pdf", assessor_sheets_pdf(pages)


def _context(session: Session, group: AssessorGroup, actor: Actor) -> _Context:
    batch = batch_repository.get_batch(session, group.certification_batch_id, actor=actor)
    everybody = repository.everybody_of(session, [group.assessor_group_id])[group.assessor_group_id]
    ordered = sorted(everybody, key=lambda one: one.user_id != group.leader_id)
    present = [one for one in ordered if one.withdrawn_at is None]
    name = get_organisation(session, batch.organisation_id).name
    return _Context(session, name, batch, group, present, ordered, criteria_of(group.criteria))


def _page(context: _Context, task: Assessment, record: ResultRecord) -> AssessorSheetPage:
    is_shown = task.state is not AssessmentState.OPEN
    sheets = {one.user_id: one for one in repository.sheets_of(context.session, task)} if is_shown else {}
    found = repository.results_of(context.session, [task.assessment_id]).get(task.assessment_id, [])
    result = next((one for one in found if one.round == task.round), None)
    if task.state is AssessmentState.SIGNED:  # who decided signs here, also when another took the place later
        context = replace(context, members=[one for one in context.everybody if one.user_id in sheets])
    group, is_review = context.group, task.mode is AssessmentMode.COMPREHENSIVE_REVIEW
    return AssessorSheetPage(
        title="综合评审记录" if is_review else f"{MODE_LABELS[task.mode]}成绩评定表", body_name=context.body_name,
        facts=_facts(context, task, record), members=[one.name for one in context.members],
        rows=[_row(context, index, one, sheets) for index, one in enumerate(context.criteria)],
        totals=[_total(sheets.get(one.user_id)) for one in context.members],
        votes=[_vote(sheets.get(one.user_id)) for one in context.members] if group.rule["vote_percent"] else [],
        notes=_notes(context, sheets, result), minutes=task.minutes,
        result=text_of(result.state, result.score) if result else "", method=_method(result),
        signatures=_signatures(context, result),
    )  # fmt: skip


def _facts(context: _Context, task: Assessment, record: ResultRecord) -> list[tuple[str, str]]:
    batch, group = context.batch, context.group
    facts = [
        ("姓名", record.name), ("准考证号", record.admission_number), ("证件号码", record.id_number_mask),
        ("职业等级", f"{batch.occupation_name} {batch.level_name}"), ("批次", batch.name),
        ("考评组", f"{group.name} {group.place}".strip()), ("工位", task.workstation or "--"),
        ("评分次数", f"第 {task.round} 次" + (f"（{task.round_reason}）" if task.round_reason else "")),
    ]  # fmt: skip
    titles = [
        one.title
        for one in proofs.of_record(context.session, record.result_record_id)
        if task.mode is AssessmentMode.COMPREHENSIVE_REVIEW and one.mode is task.mode
    ]
    return [*facts, *(("论文", title) for title in titles)]


def _row(context: _Context, index: int, one: Criterion, sheets: dict[uuid.UUID, AssessorSheet]) -> list[str]:
    points = f"-{plain_number(one.points)}" if one.is_deduction else plain_number(one.points)
    weight = f" × {plain_number(one.weight * 100)}%" if one.weight != 1 else ""
    given = [sheets[member.user_id].marks if member.user_id in sheets else [] for member in context.members]
    return [one.part, one.text, points + weight, *(marks[index] if index < len(marks) else "" for marks in given)]


def _total(sheet: AssessorSheet | None) -> str:
    if sheet is None or sheet.submitted_at is None:
        return ""
    return "缺考" if sheet.total is None else plain_number(sheet.total)


def _vote(sheet: AssessorSheet | None) -> str:
    return {True: "同意", False: "不同意", None: ""}[sheet.vote if sheet else None]


def _notes(context: _Context, sheets: dict[uuid.UUID, AssessorSheet], result: AssessmentResult | None) -> list[str]:
    notes = [f"{one.name}：{one.comment}" for one in sheets.values() if one.comment]
    if result is not None and result.n_for is not None:
        share = context.group.rule["vote_percent"]
        notes.append(f"表决：{result.n_for} 票同意，共 {len(sheets)} 票；须占 {share}% 以上通过。")
    notes += [
        f"考评员更换：{one.withdrawn_at.astimezone(OFFICIAL_ZONE):%Y-%m-%d %H:%M} {one.name} 退出，由 {one.replaced_by} 接替"
        f"（{one.withdrawn_reason}）"
        for one in context.everybody
        if one.withdrawn_at
    ]
    if result is not None and result.reason:
        notes.append(f"合议理由：{result.reason}")
    return notes


def _method(result: AssessmentResult | None) -> str:
    return METHODS.get(result.method, "") if result else ""


def _signatures(context: _Context, result: AssessmentResult | None) -> list[tuple[str, str]]:
    key = result.assessment_result_id if result else None
    signed = {
        one.user_id: one.signed_at.astimezone(OFFICIAL_ZONE).strftime("%Y-%m-%d %H:%M 系统签字")
        for one in (repository.signatures_of(context.session, [key])[key] if key else ())
    }
    return [
        (one.name + ("（组长）" if one.user_id == context.group.leader_id else ""), signed.get(one.user_id, BLANK))
        for one in context.members
    ]
