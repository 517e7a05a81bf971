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
from qbank.models.items import Item, WorkflowStage
from qbank.pages.item_detail import ItemPage, item_page
from qbank.pages.item_wording import Options, excerpt, level_options, type_label, uuid_or_none
from qbank.pages.wording import Errors, field_errors, form_text, refusal
from qbank.repository import items as items_repository
from qbank.repository import reviews as repository
from qbank.repository.items import ItemFilter
from qbank.rules.items import ItemStatus
from qbank.rules.review import DECISION_LABELS, Decision
from qbank.services import disclosures
from qbank.services import review_desk as desk_services
from qbank.services import reviews as services

FEW_LOOKS = 100
"""Fewer looks at keys left today are said before they run out."""

bp = Blueprint("reviews", __name__, url_prefix="/reviews")

MENU = (
    MenuEntry(
        N_("标准与题库"), N_("审题台"), "reviews.index", (Permission.ITEM_REVIEW,), icon="check-circle", order=30
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
    n_left: int | None

    @property
    def is_nearly_used_up(self) -> bool:
        """Say whether the day's looks at keys may end before the work does."""
        return self.n_left is not None and self.n_left < FEW_LOOKS

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


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return what waits in review: items for a reviewer, returned items for their author."""
    if actor.organisation_id is None:
        return []
    found = []
    if actor.may(Permission.ITEM_REVIEW):
        n = desk_services.count_queue(session, actor)
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
    rows = desk_services.queue(session, actor, standard_level_id=uuid_or_none(level))
    versions = items_repository.get_versions(session, [row.item.current_version_id for row in rows])
    page = QueuePage(
        rows=[
            QueueLine(row, excerpt(versions[row.item.current_version_id].content), type_label(row.item.type))
            for row in rows
        ],
        n_waiting=desk_services.count_queue(session, actor),
        levels=level_options(session, actor),
        level=level,
        n_left=disclosures.left_today(session, actor),
    )
    return render_page("qbank/reviews/queue.html", page)


@bp.get("/next")
@requires(Permission.ITEM_REVIEW)
def next_item() -> Response:
    """Go to the oldest item that waits for this reviewer."""
    return _to_next(request.args.get("level", ""))


def _to_next(level: str) -> Response:
    rows = desk_services.queue(db.session(), current_actor(), standard_level_id=uuid_or_none(level), limit=1)
    if rows:
        return redirect(url_for("reviews.desk", item_id=rows[0].item.item_id, level=level or None), code=303)
    return redirect(url_for("reviews.index", level=level or None), code=303)


@bp.get("/<uuid:item_id>")
@requires(Permission.ITEM_REVIEW)
def desk(item_id: uuid.UUID) -> tuple[str, int]:
    """Show an item as the candidate sees it; one's own is refused, with the reason."""
    return _desk(item_id)


def _stages_of(item: Item) -> Sequence[WorkflowStage]:
    """Return the stages of the version of the workflow under which an item is reviewed."""
    if item.workflow_stage_id is None:
        return []
    stage = repository.get_stage(db.session(), item.workflow_stage_id, actor=current_actor())
    return repository.stages_of_definition(db.session(), stage.workflow_definition_id)


def _desk(item_id: uuid.UUID, *, errors: Errors | None = None, refused: str = "") -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    item = items_repository.get_item(session, item_id, actor=actor)
    stages = _stages_of(item)
    found = desk_services.refusal_for(session, actor, item)
    if not isinstance(found, ConflictOfInterestError):
        disclosures.disclose(session, actor, item, item.current_version_id, way="review")
    message = refused or (refusal(found) if found else "")
    place = next((n for n, one in enumerate(stages, 1) if one.workflow_stage_id == item.workflow_stage_id), 0)
    page = DeskPage(
        item_page=item_page(item, "content"),
        n_waiting=desk_services.count_queue(session, actor),
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
