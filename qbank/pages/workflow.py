"""The organisation's review as data: stages with settings, the table of transitions, versions, who is asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.conflicts import ConflictOfInterestError
from kernel.db import db
from kernel.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError
from kernel.http import MenuEntry, current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import ROLE_LABELS, Permission, Role
from kernel.identity.repository import user_names
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.items import WorkflowStage
from qbank.models.workflow import WorkflowDefinition
from qbank.pages.item_wording import Options, excerpt, int_or_none, type_label, uuid_or_none
from qbank.pages.wording import Errors, act_and_return, field_errors, form_text, refusal
from qbank.repository import items as items_repository
from qbank.repository import reminders as people_repository
from qbank.repository import reviews as repository
from qbank.repository.items import ItemFilter
from qbank.rules.items import ItemStatus
from qbank.rules.review import DECISION_LABELS, DEFAULT_STAGES, Decision
from qbank.rules.workflow import (
    DECIDING_ROLES,
    REQUIRED_LABELS,
    STAGE,
    TARGET_LABELS,
    VOTE_LABELS,
    RequiredField,
    StageOptions,
    StageRule,
    VoteRule,
    options_from_json,
    target_of,
)
from qbank.services import assignments as assignments_service
from qbank.services import workflows

bp = Blueprint("workflow", __name__, url_prefix="/workflow")
P = Permission
MENU = (
    MenuEntry(N_("标准与题库"), N_("审核流程"), "workflow.overview", (P.WORKFLOW_MANAGE,), icon="settings", order=80),
    MenuEntry(N_("标准与题库"), N_("审核分派"), "workflow.assignments", (P.ITEM_COMMISSION,), icon="users", order=45),
)
N_SHOWN = 200


@dataclass(frozen=True, slots=True)
class StageLine:
    """One stage with its settings in words."""

    stage: WorkflowStage
    role: str
    settings: list[str]
    targets: list[str]
    n_waiting: int


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """The version in force, its transitions, and the versions before it."""

    number: int
    stages: list[StageLine]
    decisions: list[str]
    n_older: int
    history: Sequence[WorkflowDefinition]
    names: dict[uuid.UUID, str]
    defaults: list[str]
    values: dict[str, str]
    errors: Errors


@dataclass(frozen=True, slots=True)
class StagePage:
    """The form of one stage."""

    stage_id: uuid.UUID
    rule: StageRule
    number: int
    roles: Options
    votes: Options
    required: Options
    targets: dict[str, Options]
    chosen: dict[str, str]
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssignmentLine:
    """An item under review with where it stands and who is asked."""

    item_id: uuid.UUID
    code: str
    stem: str
    type_label: str
    stage: str
    asked: str


@dataclass(frozen=True, slots=True)
class AssignmentsPage:
    """Items under review, and the people who may be asked to decide."""

    rows: list[AssignmentLine]
    reviewers: Options


@bp.get("/")
@requires(P.WORKFLOW_MANAGE)
def overview() -> tuple[str, int]:
    """Show the stages."""
    return _workflow({})


def _workflow(errors: Errors) -> tuple[str, int]:
    session, organisation_id = db.session(), current_actor().organisation
    definition = repository.current_definition(session, organisation_id)
    rows = repository.list_stages(session, organisation_id)
    rules, waiting = workflows.rules_of(session, rows), repository.count_waiting_by_stage(session, organisation_id)
    history = repository.list_definitions(session, organisation_id)
    here = {row.workflow_stage_id for row in rows}
    page = WorkflowPage(
        number=definition.number if definition else 0,
        stages=[_line(row, rules, place, waiting) for place, row in enumerate(rows)],
        decisions=[_(DECISION_LABELS[one]) for one in Decision],
        n_older=sum(n for stage_id, n in waiting.items() if stage_id not in here),
        history=history, names=user_names(session, [one.created_by for one in history if one.created_by]),
        defaults=[_(name) for name in DEFAULT_STAGES], values=request.form.to_dict() if errors else {}, errors=errors,
    )  # fmt: skip
    return render_page("qbank/reviews/workflow.html", page, status=422 if errors else 200)


def _line(row: WorkflowStage, rules: list[StageRule], place: int, waiting: dict[uuid.UUID, int]) -> StageLine:
    targets = [_target_label(target_of(rules, place, decision)) for decision in Decision]
    n_waiting = waiting.get(row.workflow_stage_id, 0)
    return StageLine(row, _(ROLE_LABELS[row.role]), _settings(options_from_json(row.options)), targets, n_waiting)


def _settings(options: StageOptions) -> list[str]:
    fields = "、".join(_(REQUIRED_LABELS[one]) for one in options.required)
    words = [
        (True, _(VOTE_LABELS[options.vote])),
        (options.days, _("期限 %(n)s 天", n=options.days)),
        (options.escalate_to, _("逾期升级到%(role)s", role=_(ROLE_LABELS[options.escalate_to or Role.EDITOR]))),
        (options.hides_author, _("隐去命题人")),
        (options.hides_votes, _("表决前隐去他人意见")),
        (fields, _("通过前须填：%(fields)s", fields=fields)),
        (not options.is_required, _("可跳过")),
    ]
    return [text for is_said, text in words if is_said]


def _target_label(target: str) -> str:
    return target.removeprefix(STAGE) if target.startswith(STAGE) else _(TARGET_LABELS[target])


def _base() -> int | None:
    return request.form.get("base", type=int)


def _quorum() -> int:
    return int_or_none(form_text("quorum"), 0, 99) or 0


def _publish(
    act: Callable[[UnitOfWork], object], message: str, fail: Callable[[Errors], tuple[str, int]]
) -> tuple[str, int] | Response:
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except InvalidInputError as exc:
        return fail(field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(url_for("workflow.overview"), refusal(exc), "danger")
    return redirect_with_message(url_for("workflow.overview"), message)


@bp.post("/")
@requires(P.WORKFLOW_MANAGE)
def add() -> tuple[str, int] | Response:
    """Add a stage."""
    stage, base = StageRule(form_text("name"), quorum=_quorum()), _base()
    return _publish(lambda uow: workflows.add_stage(uow, stage, base=base), _("审核环节已添加"), _workflow)


@bp.post("/start")
@requires(P.WORKFLOW_MANAGE)
def start() -> Response:
    """Take over the three usual stages."""
    return act_and_return(url_for("workflow.overview"), _("已启用默认流程"), workflows.ensure_default_workflow)


@bp.post("/reset")
@requires(P.WORKFLOW_MANAGE)
def reset() -> tuple[str, int] | Response:
    """Go back to the three usual stages."""
    base = _base()
    return _publish(lambda uow: workflows.reset_workflow(uow, base=base), _("已恢复默认流程"), _workflow)


@bp.get("/<uuid:stage_id>")
@requires(P.WORKFLOW_MANAGE)
def edit(stage_id: uuid.UUID) -> tuple[str, int]:
    """Show the form of a stage."""
    return _stage(stage_id, {})


def _stage(stage_id: uuid.UUID, errors: Errors) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    repository.get_stage(session, stage_id, actor=actor)
    rows = repository.list_stages(session, actor.organisation)
    rules = workflows.rules_of(session, rows)
    place = next((n for n, row in enumerate(rows) if row.workflow_stage_id == stage_id), None)
    if place is None:
        raise ConflictError(N_("审核流程刚被他人修改，请刷新后重试"))
    definition = repository.current_definition(session, actor.organisation)
    rule = _rule() if errors else rules[place]
    page = StagePage(
        stage_id=stage_id, rule=rule, number=definition.number if definition else 0,
        roles=[(role.value, _(ROLE_LABELS[role])) for role in DECIDING_ROLES],
        votes=[(one.value, _(label)) for one, label in VOTE_LABELS.items()],
        required=[(one.value, _(label)) for one, label in REQUIRED_LABELS.items()],
        targets=_target_options(rules, place), chosen={d.value: t for d, t in rule.targets.items()}, errors=errors,
    )  # fmt: skip
    return render_page("qbank/reviews/stage.html", page, status=422 if errors else 200)


def _target_options(rules: list[StageRule], place: int) -> dict[str, Options]:
    def named(keys: Sequence[str]) -> Options:
        return [(key, _target_label(key)) for key in keys]

    later = [STAGE + one.name for one in rules[place + 1 :]]
    earlier = [STAGE + one.name for one in rules[:place]]
    return {
        Decision.APPROVE.value: named(["next", *later, "approved"]),
        Decision.RETURN.value: named(["draft", *earlier]),
        Decision.REJECT.value: named(["retired", "draft"]),
    }


def _role_or_none(name: str) -> Role | None:
    text = form_text(name)
    return Role(text) if text in set(Role) else None


def _rule() -> StageRule:
    chosen = request.form.getlist("required")
    vote = form_text("vote")
    options = StageOptions(
        vote=VoteRule(vote) if vote in set(VoteRule) else VoteRule.UNANIMOUS,
        required=tuple(one for one in RequiredField if one.value in chosen),
        days=int_or_none(form_text("days"), 0, 999), escalate_to=_role_or_none("escalate_to"),
        hides_author="hides_author" in request.form, hides_votes="hides_votes" in request.form,
        is_required="is_optional" not in request.form,
    )  # fmt: skip
    rule = StageRule(form_text("name"), _role_or_none("role") or Role.REVIEWER, _quorum(), options)
    targets = {decision: form_text(f"on_{decision.value}") or usual for decision, usual in rule.targets.items()}
    return StageRule(rule.name, rule.role, rule.quorum, options, targets)


@bp.post("/<uuid:stage_id>")
@requires(P.WORKFLOW_MANAGE)
def update(stage_id: uuid.UUID) -> tuple[str, int] | Response:
    """Change a stage."""
    rule, base = _rule(), _base()

    def act(uow: UnitOfWork) -> object:
        return workflows.update_stage(uow, stage_id, rule, base=base)

    return _publish(act, _("审核环节已保存"), lambda errors: _stage(stage_id, errors))


@bp.post("/<uuid:stage_id>/move")
@requires(P.WORKFLOW_MANAGE)
def move(stage_id: uuid.UUID) -> tuple[str, int] | Response:
    """Exchange a stage with its neighbour."""
    up, base = form_text("direction") == "up", _base()
    return _publish(lambda uow: workflows.move_stage(uow, stage_id, up=up, base=base), _("顺序已调整"), _workflow)


@bp.post("/<uuid:stage_id>/remove")
@requires(P.WORKFLOW_MANAGE)
def remove(stage_id: uuid.UUID) -> tuple[str, int] | Response:
    """Take a stage out of the workflow."""
    base = _base()
    return _publish(lambda uow: workflows.remove_stage(uow, stage_id, base=base), _("审核环节已删除"), _workflow)


@bp.get("/assignments")
@requires(P.ITEM_COMMISSION)
def assignments() -> tuple[str, int]:
    """Show the items under review and who is asked to decide on them."""
    session, actor = db.session(), current_actor()
    wanted = ItemFilter(status=ItemStatus.IN_REVIEW)
    rows, _total = items_repository.list_items(session, actor=actor, wanted=wanted, per_page=N_SHOWN)
    asked = repository.assignments_of(session, [row.item for row in rows])
    names = user_names(session, [key for keys in asked.values() for key in keys])
    stages = repository.stages_by_id(session, {r.item.workflow_stage_id for r in rows if r.item.workflow_stage_id})
    lines = [
        AssignmentLine(
            row.item.item_id, row.item.code, excerpt(row.content), type_label(row.item.type),
            stages[row.item.workflow_stage_id].name if row.item.workflow_stage_id else "",
            "、".join(sorted(names.get(key, "") for key in asked[row.item.item_id])),
        )
        for row in rows
    ]  # fmt: skip
    people = people_repository.people_with_roles(session, actor.organisation, DECIDING_ROLES)
    reviewers = sorted(user_names(session, list(people)).items(), key=lambda pair: pair[1])
    page = AssignmentsPage(lines, [(str(key), name) for key, name in reviewers])
    return render_page("qbank/reviews/assignments.html", page)


@bp.post("/assignments")
@requires(P.ITEM_COMMISSION)
def assign() -> Response:
    """Ask people to decide on the selected items."""
    items = [key for key in map(uuid_or_none, request.form.getlist("selected")) if key]
    reviewers = [key for key in map(uuid_or_none, request.form.getlist("reviewers")) if key]
    address = url_for("workflow.assignments")
    try:
        with unit_of_work(current_actor()) as uow:
            n = assignments_service.assign_reviewers(uow, items, reviewers)
    except (ConflictError, ConflictOfInterestError, ForbiddenError, InvalidInputError) as exc:
        return redirect_with_message(address, _said(exc), "danger")
    return redirect_with_message(address, _("已分派 %(n)s 人次", n=n))


def _said(exc: DomainError) -> str:
    return refusal(exc)
