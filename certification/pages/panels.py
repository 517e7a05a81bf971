"""Assessors' groups for certification officers: score sheets, groups of a batch, who stands before whom, how far it is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import (
    Assessment,
    AssessmentResult,
    AssessmentState,
    AssessorGroup,
    AssessorMember,
    ResultRecord,
    ScoreSheetTemplate,
)
from certification.pages.heads import BatchHead, batch_head
from certification.pages.wording import PDF, Errors, act_and_return, download, field_errors, form_text, said
from certification.repository import panels as repository
from certification.rules.panel_scoring import PANEL_MODES, criteria_of, sheet_text
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode
from certification.services import panel_changes, panel_documents, panel_groups, panel_sheets
from certification.services.panel_groups import GroupPlan
from certification.services.scores import text_of
from kernel.conflicts import Conflict, ConflictOfInterestError
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("cert_panels", __name__, url_prefix="/certification")
STATE_LABELS = {
    AssessmentState.OPEN: N_("评分中"),
    AssessmentState.DISPUTED: N_("有分歧，待组长合议"),
    AssessmentState.SIGNING: N_("待签字"),
    AssessmentState.SIGNED: N_("已签字确认"),
}
STATE_KINDS = {
    AssessmentState.OPEN: "info",
    AssessmentState.DISPUTED: "danger",
    AssessmentState.SIGNING: "warning",
    AssessmentState.SIGNED: "success",
}
EXAMPLE = "# 准备\n工具、材料齐全 | 20\n# 操作\n步骤规范 | 50\n质量符合要求 | 30\n违反安全规程 | -20"


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A candidate before a group, as an officer sees it: no single marks."""

    task: Assessment
    record: ResultRecord
    n_submitted: int
    result: AssessmentResult | None
    blocked: Conflict | None

    @property
    def result_text(self) -> str:
        """The group's result as people write it."""
        return text_of(self.result.state, self.result.score) if self.result else ""


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A group with its people and candidates."""

    group: AssessorGroup
    members: Sequence[AssessorMember]
    lines: Sequence[TaskLine]
    is_crowded: bool
    withdrawn: Sequence[AssessorMember] = ()
    others: Sequence[tuple[uuid.UUID, str]] = ()

    @property
    def names(self) -> list[tuple[uuid.UUID, str]]:
        """The present members, as a choice."""
        return [(one.user_id, one.name) for one in self.members]


@dataclass(frozen=True, slots=True)
class PanelsPage:
    """The groups of a batch."""

    head: BatchHead
    groups: Sequence[GroupLine]
    n_waiting: Mapping[AssessmentMode, int]
    modes: Mapping[AssessmentMode, str]
    people: Sequence[tuple[uuid.UUID, str]]
    may_change: bool
    state_labels: Mapping[AssessmentState, str]
    state_kinds: Mapping[AssessmentState, str]
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TemplatesPage:
    """The newest score sheets, and the form of a new version."""

    rows: Sequence[ScoreSheetTemplate]
    modes: Mapping[AssessmentMode, str]
    values: Mapping[str, str]
    errors: Errors


def mode_labels() -> dict[AssessmentMode, str]:
    """Return the components that groups score, in the reader's language."""
    return {mode: _(MODE_LABELS[mode]) for mode in PANEL_MODES}


@bp.get("/score-sheets")
@requires(Permission.CERTIFICATION_WRITE)
def templates() -> tuple[str, int]:
    """List the score sheets, with a form for a new version."""
    values = {"mode": AssessmentMode.SKILLS.value, "text": EXAMPLE}
    if key := request.args.get("from", type=uuid.UUID):
        known = repository.get_template(db.session(), key, actor=current_actor())
        values = {
            "occupation_code": known.occupation_code, "level_code": known.level_code, "mode": known.mode.value,
            "name": known.name, "text": sheet_text(criteria_of(known.criteria)),
        }  # fmt: skip
    return _templates(values, {})


def _templates(values: Mapping[str, str], errors: Errors) -> tuple[str, int]:
    rows = repository.newest_templates(db.session(), actor=current_actor())
    page = TemplatesPage(rows, mode_labels(), values, errors)
    return render_page("certification/panels/templates.html", page, status=422 if errors else 200)


@bp.post("/score-sheets")
@requires(Permission.CERTIFICATION_WRITE)
def save_template() -> tuple[str, int] | Response:
    """Save a version of a score sheet."""
    values = {name: request.form.get(name, "") for name in ("occupation_code", "level_code", "mode", "name", "text")}
    mode = AssessmentMode(values["mode"]) if values["mode"] in set(AssessmentMode) else AssessmentMode.THEORY
    try:
        with unit_of_work(current_actor()) as uow:
            row = panel_groups.save_template(
                uow, occupation_code=values["occupation_code"], level_code=values["level_code"], mode=mode,
                name=values["name"], text=values["text"],
            )  # fmt: skip
    except InvalidInputError as exc:
        return _templates(values, field_errors(exc))
    return redirect_with_message(url_for("cert_panels.templates"), _("评分表已保存，第 %(n)s 版", n=row.number))


@bp.get("/batches/<uuid:batch_id>/panels")
@requires(Permission.CERTIFICATION_READ)
def index(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show the groups of a batch."""
    return _groups(batch_id, {})


def _groups(batch_id: uuid.UUID, errors: Errors) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    head = batch_head(session, actor, batch_id, "panels")
    may_change = head.may_write and head.batch.state in panel_groups.OPEN_STATES
    modes = panel_groups.panel_modes(session, head.batch)
    people = repository.list_assessors(session, actor=actor) if may_change else []
    page = PanelsPage(
        head=head, groups=_lines(head, people),
        n_waiting={mode: len(panel_groups.waiting_records(session, head.batch, mode)) for mode in modes},
        modes={mode: label for mode, label in mode_labels().items() if mode in modes},
        people=people, may_change=may_change,
        state_labels={state: _(label) for state, label in STATE_LABELS.items()}, state_kinds=STATE_KINDS, errors=errors,
    )  # fmt: skip
    return render_page("certification/panels/groups.html", page, status=422 if errors else 200)


def _lines(head: BatchHead, people: Sequence[tuple[uuid.UUID, str]]) -> list[GroupLine]:
    session, key = db.session(), head.batch.certification_batch_id
    groups = repository.list_groups(session, key)
    keys = [one.assessor_group_id for one in groups]
    members, tasks = repository.members_of(session, keys), repository.assessments_of_groups(session, keys)
    everybody = repository.everybody_of(session, keys)
    counts, blocked = repository.count_submitted(session, key), panel_groups.blocked(session, head.batch)
    results = repository.results_of(session, [task.assessment_id for rows in tasks.values() for task, _r in rows])

    def line(task: Assessment, record: ResultRecord) -> TaskLine:
        found = [one for one in results.get(task.assessment_id, []) if one.round == task.round]
        n_in = counts.get((task.assessment_id, task.round), 0)
        return TaskLine(task, record, n_in, found[0] if found else None, blocked.get(task.assessment_id))

    return [
        GroupLine(
            group, members[group.assessor_group_id],
            [line(task, record) for task, record in tasks[group.assessor_group_id]],
            panel_groups.is_crowded(
                session, head.batch, len(tasks[group.assessor_group_id]), len(members[group.assessor_group_id])
            ),
            [one for one in everybody[group.assessor_group_id] if one.withdrawn_at],
            [one for one in people if one[0] not in {known.user_id for known in everybody[group.assessor_group_id]}],
        )
        for group in groups
    ]  # fmt: skip


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@bp.post("/batches/<uuid:batch_id>/panels")
@requires(Permission.CERTIFICATION_WRITE)
def set_up(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Set up a group."""
    mode = form_text("mode")
    members = [key for text in request.form.getlist("members") if (key := _key(text))]
    plan = GroupPlan(
        AssessmentMode(mode) if mode in set(AssessmentMode) else AssessmentMode.THEORY, form_text("name"),
        form_text("place"), members, _key(form_text("leader")),
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            panel_groups.set_up(uow, batch_id, plan)
    except InvalidInputError as exc:
        return _groups(batch_id, field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(_address(batch_id), said(exc.template, exc.context), "danger")
    return redirect_with_message(_address(batch_id), _("考评组已建立，请分配考生"))


def _address(batch_id: uuid.UUID) -> str:
    return url_for("cert_panels.index", batch_id=batch_id)


@bp.post("/panels/<uuid:group_id>/assign")
@requires(Permission.CERTIFICATION_WRITE)
def assign(group_id: uuid.UUID) -> Response:
    """Give candidates to a group."""
    group = repository.get_group(db.session(), group_id, actor=current_actor())
    address = _address(group.certification_batch_id)
    first, stations = request.form.get("first", 0, type=int), request.form.get("n_stations", 0, type=int)
    try:
        with unit_of_work(current_actor()) as uow:
            found = panel_groups.assign(uow, group_id, first=first, n_stations=stations)
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(address, said(exc.template, exc.context), "danger")
    told = _("已分配 %(n)s 名考生", n=found.n_assigned)
    if not found.refused:
        return redirect_with_message(address, told)
    apart = _("因回避没有分给这个组的：%(names)s", names="、".join(sorted({one.second.name for one in found.refused})))
    return redirect_with_message(address, f"{told}。{apart}", "warning")


@bp.post("/panels/<uuid:group_id>/replace")
@requires(Permission.CERTIFICATION_WRITE)
def replace(group_id: uuid.UUID) -> tuple[str, int] | Response:
    """Put another assessor in the place of one who dropped out."""
    group = repository.get_group(db.session(), group_id, actor=current_actor())
    batch_id = group.certification_batch_id
    leaving, joining, leader = (_key(form_text(name)) for name in ("leaving", "joining", "successor"))
    try:
        with unit_of_work(current_actor()) as uow:
            panel_changes.replace_member(
                uow, group_id, leaving=leaving, joining=joining, leader=leader, reason=form_text("reason")
            )
    except InvalidInputError as exc:
        return _groups(batch_id, field_errors(exc))
    except (ConflictError, ConflictOfInterestError) as exc:
        return redirect_with_message(_address(batch_id), said(exc.template, exc.context), "danger")
    return redirect_with_message(_address(batch_id), _("考评员已更换，未签字的考生由接替的考评员评分"))


@bp.post("/assessments/<uuid:assessment_id>/move")
@requires(Permission.CERTIFICATION_WRITE)
def move(assessment_id: uuid.UUID) -> Response:
    """Give a candidate to another group."""
    task = repository.get_assessment(db.session(), assessment_id, actor=current_actor())
    target, reason = _key(form_text("group")), form_text("reason")

    def act(uow: UnitOfWork) -> None:
        panel_groups.move(uow, assessment_id, target or task.assessor_group_id, reason=reason)

    address = _address(task.certification_batch_id)
    try:
        return act_and_return(address, _("已调整考评组"), act)
    except ConflictOfInterestError as exc:
        return redirect_with_message(address, said(exc.template, exc.context), "danger")


@bp.post("/assessments/<uuid:assessment_id>/again")
@requires(Permission.CERTIFICATION_WRITE)
def again(assessment_id: uuid.UUID) -> Response:
    """Let a group score a candidate again."""
    task = repository.get_assessment(db.session(), assessment_id, actor=current_actor())
    reason = form_text("reason")
    return act_and_return(
        _address(task.certification_batch_id), _("已开始重新评分，原评分保留"),
        lambda uow: panel_sheets.score_again(uow, assessment_id, reason=reason),
    )  # fmt: skip


@bp.get("/panels/<uuid:group_id>/sheets.pdf")
@requires(Permission.CERTIFICATION_READ)
def group_sheets(group_id: uuid.UUID) -> Response:
    """Download the sheets of a group's candidates."""
    name, content = panel_documents.group_pdf(db.session(), group_id, actor=current_actor())
    return download(name, content, PDF)
