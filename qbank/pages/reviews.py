"""The review desk, and the stages that an organisation keeps."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.conflicts import ConflictOfInterestError
from kernel.db import db
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.http import MenuEntry, Todo, current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.items import WorkflowStage
from qbank.pages.item_detail import ItemPage, item_page
from qbank.pages.item_wording import Options, excerpt, int_or_none, level_options, type_label, uuid_or_none
from qbank.pages.wording import Errors, act_and_return, field_errors, form_text, form_version, refusal
from qbank.repository import items as items_repository
from qbank.repository import reviews as repository
from qbank.repository.items import ItemFilter
from qbank.rules.items import ItemStatus
from qbank.rules.review import DECISION_LABELS, DEFAULT_STAGES, Decision
from qbank.services import reviews as services

bp = Blueprint("reviews", __name__, url_prefix="/reviews")
workflow_bp = Blueprint("workflow", __name__, url_prefix="/workflow")

MENU = (
    MenuEntry(
        N_("标准与题库"), N_("审题台"), "reviews.index", (Permission.ITEM_REVIEW,), icon="check-circle", order=30
    ),
    MenuEntry(
        N_("标准与题库"), N_("审核流程"), "workflow.overview", (Permission.WORKFLOW_MANAGE,), icon="settings", order=80
    ),
)


@dataclass(frozen=True, slots=True)
class QueueLine:
    """An item that waits, as a row of the desk's list."""

    row: repository.QueueRow
    stem: str
    type_label: str


@dataclass(frozen=True, slots=True)
class QueuePage:
    """What waits for this reviewer, the oldest first."""

    rows: list[QueueLine]
    n_waiting: int
    levels: Options
    level: str

    @property
    def next_href(self) -> str:
        """The address of the oldest item."""
        return url_for("reviews.next_item", level=self.level)


@dataclass(frozen=True, slots=True)
class DeskPage:
    """One item on the desk, or the reason why this person may not decide on it."""

    item_page: ItemPage
    n_waiting: int
    stages: list[str]
    stage_number: int
    refusal: str
    level: str
    may_decide: bool
    is_barred: bool = False
    comment: str = ""
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """The stages of an organisation's review."""

    stages: Sequence[WorkflowStage]
    n_waiting: dict[uuid.UUID, int]
    defaults: list[str]
    values: dict[str, str]
    errors: Errors


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return what waits in review: items for a reviewer, returned items for their author."""
    if actor.organisation_id is None:
        return []
    found = []
    if actor.may(Permission.ITEM_REVIEW):
        n = _count(session, actor)
        found.append(Todo(_("待审试题"), n, url_for("reviews.index"), _("按提交时间先后审核")))
    if actor.may(Permission.ITEM_WRITE) and actor.user_id:
        wanted = ItemFilter(author_id=actor.user_id, is_returned=True, status=ItemStatus.DRAFT)
        n = items_repository.count_items(session, actor=actor, wanted=wanted)
        href = url_for("items.index", returned=1, author=actor.user_id)
        found.append(Todo(_("退回给我的试题"), n, href, _("按审题意见修改后重新提交"), "warning"))
    return found


@bp.get("/")
@requires(Permission.ITEM_REVIEW)
def index() -> tuple[str, int]:
    """List what waits for this reviewer."""
    session, actor = db.session(), current_actor()
    level = request.args.get("level", "")
    rows = _queue(session, actor, level)
    versions = items_repository.get_versions(session, [row.item.current_version_id for row in rows])
    page = QueuePage(
        rows=[
            QueueLine(row, excerpt(versions[row.item.current_version_id].content), type_label(row.item.type))
            for row in rows
        ],
        n_waiting=_count(session, actor),
        levels=level_options(session, actor),
        level=level,
    )
    return render_page("qbank/reviews/queue.html", page)


@bp.get("/next")
@requires(Permission.ITEM_REVIEW)
def next_item() -> Response:
    """Go to the oldest item that waits for this reviewer."""
    return _to_next(request.args.get("level", ""))


def _queue(session: Session, actor: Actor, level: str, limit: int = 50) -> list[repository.QueueRow]:
    return repository.queue(
        session, actor=actor, one_stage=services.is_one_stage(session, actor),
        barred=services.barred_authors(session, actor), standard_level_id=uuid_or_none(level), limit=limit,
    )  # fmt: skip


def _count(session: Session, actor: Actor) -> int:
    one_stage = services.is_one_stage(session, actor)
    barred = services.barred_authors(session, actor)
    return repository.count_queue(session, actor=actor, one_stage=one_stage, barred=barred)


def _to_next(level: str) -> Response:
    rows = _queue(db.session(), current_actor(), level, limit=1)
    if rows:
        return redirect(url_for("reviews.desk", item_id=rows[0].item.item_id, level=level or None), code=303)
    return redirect(url_for("reviews.index", level=level or None), code=303)


@bp.get("/<uuid:item_id>")
@requires(Permission.ITEM_REVIEW)
def desk(item_id: uuid.UUID) -> tuple[str, int]:
    """Show an item as the candidate sees it; one's own is refused, with the reason."""
    return _desk(item_id)


def _desk(item_id: uuid.UUID, *, errors: Errors | None = None, refused: str = "") -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    item = items_repository.get_item(session, item_id, actor=actor)
    stages = repository.list_stages(session, actor.organisation)
    found = services.refusal_for(session, actor, item)
    message = refused or (refusal(found) if found else "")
    place = next((n for n, one in enumerate(stages, 1) if one.workflow_stage_id == item.workflow_stage_id), 0)
    page = DeskPage(
        item_page=item_page(item, "content"),
        n_waiting=_count(session, actor),
        stages=[one.name for one in stages],
        stage_number=place,
        refusal=message,
        level=request.args.get("level", ""),
        may_decide=not message and item.status is ItemStatus.IN_REVIEW,
        is_barred=isinstance(found, ConflictOfInterestError),
        comment=form_text("comment"),
        errors=errors or {},
    )
    return render_page("qbank/reviews/desk.html", page, status=403 if message else 422 if errors else 200)


@bp.post("/<uuid:item_id>")
@requires(Permission.ITEM_REVIEW)
def decide(item_id: uuid.UUID) -> tuple[str, int] | Response:
    """Record the decision and go on to the next item."""
    decision, version_id = form_text("decision"), uuid_or_none(form_text("item_version_id"))
    if decision not in set(Decision) or version_id is None:
        return _desk(item_id, errors={"": [_("请选择审核结论")]})
    try:
        with unit_of_work(current_actor()) as uow:
            services.decide(
                uow, item_id, item_version_id=version_id, decision=Decision(decision), comment=form_text("comment")
            )
    except InvalidInputError as exc:
        return _desk(item_id, errors=field_errors(exc))
    except ForbiddenError as exc:
        return _desk(item_id, refused=refusal(exc))
    message = _("已记录：%(decision)s", decision=_(DECISION_LABELS[Decision(decision)]))
    return redirect_with_message(_to_next(request.args.get("level", "")).location, message)


# --- the workflow ----------------------------------------------------------------------------------------------------


@workflow_bp.get("/")
@requires(Permission.WORKFLOW_MANAGE)
def overview() -> tuple[str, int]:
    """Show the stages."""
    return _workflow({})


def _workflow(errors: Errors) -> tuple[str, int]:
    session, organisation_id = db.session(), current_actor().organisation
    page = WorkflowPage(
        stages=repository.list_stages(session, organisation_id),
        n_waiting=repository.count_waiting_by_stage(session, organisation_id),
        defaults=[_(name) for name in DEFAULT_STAGES],
        values=request.form.to_dict() if errors else {},
        errors=errors,
    )
    return render_page("qbank/reviews/workflow.html", page, status=422 if errors else 200)


def _quorum() -> int:
    return int_or_none(form_text("quorum"), 0, 99) or 0


@workflow_bp.post("/")
@requires(Permission.WORKFLOW_MANAGE)
def add() -> tuple[str, int] | Response:
    """Add a stage."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.add_stage(uow, name=form_text("name"), quorum=_quorum())
    except InvalidInputError as exc:
        return _workflow(field_errors(exc))
    return redirect_with_message(url_for("workflow.overview"), _("审核环节已添加"))


@workflow_bp.post("/start")
@requires(Permission.WORKFLOW_MANAGE)
def start() -> Response:
    """Take over the three usual stages."""
    return act_and_return(url_for("workflow.overview"), _("已启用默认流程"), services.ensure_default_workflow)


@workflow_bp.post("/<uuid:stage_id>")
@requires(Permission.WORKFLOW_MANAGE)
def update(stage_id: uuid.UUID) -> Response:
    """Rename a stage or change its quorum."""
    try:
        return act_and_return(
            url_for("workflow.overview"),
            _("审核环节已保存"),
            lambda uow: services.update_stage(
                uow, stage_id, version=form_version() or 0, name=form_text("name"), quorum=_quorum()
            ),
        )
    except InvalidInputError as exc:
        return redirect_with_message(url_for("workflow.overview"), refusal(exc), "danger")


@workflow_bp.post("/<uuid:stage_id>/move")
@requires(Permission.WORKFLOW_MANAGE)
def move(stage_id: uuid.UUID) -> Response:
    """Exchange a stage with its neighbour."""
    up = form_text("direction") == "up"
    message = _("顺序已调整")
    return act_and_return(url_for("workflow.overview"), message, lambda uow: services.move_stage(uow, stage_id, up=up))


@workflow_bp.post("/<uuid:stage_id>/remove")
@requires(Permission.WORKFLOW_MANAGE)
def remove(stage_id: uuid.UUID) -> Response:
    """Take a stage out of the workflow."""
    message = _("审核环节已删除")
    return act_and_return(url_for("workflow.overview"), message, lambda uow: services.remove_stage(uow, stage_id))
