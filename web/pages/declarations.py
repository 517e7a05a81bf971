"""Declarations of relations: one's own, and the administrator's list of all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.conflicts import repository, services
from kernel.conflicts.models import ConflictRelation
from kernel.conflicts.repository import RelationFilter, RelationRow
from kernel.conflicts.rules import COUNTING, RELATION_LABELS, STATUS_LABELS, RelationKind, RelationStatus
from kernel.conflicts.services import Declaration
from kernel.db import db
from kernel.errors import ConflictError, DomainError, InvalidInputError
from kernel.http import (
    MenuEntry,
    Paging,
    Todo,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work
from web.errors import error_message
from web.forms import date_or_none, field_messages, uuid_or_none

bp = Blueprint("declarations", __name__, url_prefix="/declarations")
P = Permission
STAFF = (P.STANDARD_READ, P.SESSION_READ, P.RESPONSE_MARK, P.SKILL_SCORE_WRITE, P.CERTIFICATION_READ)
STATUS_KINDS = {
    RelationStatus.DECLARED: "info",
    RelationStatus.CONFIRMED: "success",
    RelationStatus.REJECTED: "neutral",
    RelationStatus.WITHDRAWN: "neutral",
}
MENU = (MenuEntry(N_("工作台"), N_("回避申报"), "declarations.index", STAFF, icon="shield", order=80),)
Options = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RelationLine:
    """One declaration as a row, with what this person may do about it."""

    row: RelationRow
    kind: str
    other: str
    status: tuple[str, str]
    may_decide: bool
    may_withdraw: bool


@dataclass(frozen=True, slots=True)
class DeclarationsPage:
    """Declarations with the form for another one."""

    rows: Sequence[RelationLine]
    paging: Paging
    href: Callable[[int], str]
    kinds: Options
    statuses: Options
    staff: Options
    is_manager: bool
    status: str
    kind: str
    values: dict[str, str]
    errors: dict[str, list[str]]


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return the declarations that wait for an administrator."""
    if actor.organisation_id is None or not actor.may(P.USER_MANAGE):
        return []
    count = repository.count_undecided(session, actor=actor)
    href = url_for("declarations.index", status=RelationStatus.DECLARED.value)
    return [Todo(_("待确认的回避申报"), count, href, _("未确认前已按申报回避"))]


@bp.get("/")
@requires(*STAFF)
def index() -> tuple[str, int]:
    """List declarations: one's own, or all of the organisation for those who manage its people."""
    return _page({})


def _page(errors: dict[str, list[str]]) -> tuple[str, int]:
    session, actor, paging = db.session(), current_actor(), paging_from_request()
    status, kind = request.args.get("status", ""), request.args.get("kind", "")
    wanted = RelationFilter(
        status=RelationStatus(status) if status in set(RelationStatus) else None,
        kind=RelationKind(kind) if kind in set(RelationKind) else None,
    )
    rows, total = repository.list_relations(
        session, actor=actor, wanted=wanted, page=paging.page, per_page=paging.per_page
    )
    page = DeclarationsPage(
        rows=[_line(actor, row) for row in rows], paging=paging.of(total),
        href=lambda number: url_for("declarations.index", status=status, kind=kind, page=number),
        kinds=[(one.value, _(label)) for one, label in RELATION_LABELS.items()],
        statuses=[(one.value, _(label)) for one, label in STATUS_LABELS.items()],
        staff=[(str(key), name) for key, name in repository.list_staff(session, actor=actor)],
        is_manager=actor.may(P.USER_MANAGE), status=status, kind=kind,
        values=request.form.to_dict() if errors else {}, errors=errors,
    )  # fmt: skip
    return render_page("declarations/list.html", page, status=422 if errors else 200)


def _line(actor: Actor, row: RelationRow) -> RelationLine:
    one = row.relation
    is_own = one.person_id == actor.user_id
    parts = [row.other_name, one.other_mask, one.other_employer]
    return RelationLine(
        row=row, kind=_(RELATION_LABELS[one.kind]), other=" ".join(part for part in parts if part),
        status=(_(STATUS_LABELS[one.status]), STATUS_KINDS[one.status]),
        may_decide=actor.may(P.USER_MANAGE) and not is_own and one.status is RelationStatus.DECLARED,
        may_withdraw=_may_withdraw(actor, one, is_own=is_own),
    )  # fmt: skip


def _may_withdraw(actor: Actor, one: ConflictRelation, *, is_own: bool) -> bool:
    if is_own:
        return one.status is RelationStatus.DECLARED
    return actor.may(P.USER_MANAGE) and one.status in COUNTING


@bp.post("/")
@requires(*STAFF)
def declare() -> tuple[str, int] | Response:
    """Declare a relation."""
    kind = request.form.get("kind", "")
    if kind not in set(RelationKind):
        return _page({"kind": [_("请选择关系")]})
    text = {
        name: request.form.get(name, "").strip() for name in ("other_number", "other_name", "other_employer", "note")
    }
    declaration = Declaration(
        RelationKind(kind), other_user_id=uuid_or_none(request.form.get("other_user", "")), **text,
        since=date_or_none(request.form.get("since", "")), until=date_or_none(request.form.get("until", "")),
    )  # fmt: skip
    person = uuid_or_none(request.form.get("person", ""))
    return _do(lambda uow: services.declare_relation(uow, declaration, person_id=person), _("申报已保存，即时生效"))


@bp.post("/<uuid:relation_id>/decide")
@requires(P.USER_MANAGE)
def decide(relation_id: uuid.UUID) -> tuple[str, int] | Response:
    """Confirm a declaration or say that it does not hold."""
    version = request.form.get("version", 0, type=int)
    is_true, reason = request.form.get("act") == "confirm", request.form.get("reason", "")

    def act(uow: UnitOfWork) -> object:
        return services.decide_relation(uow, relation_id, version=version, is_true=is_true, reason=reason)

    return _do(act, _("已确认") if is_true else _("已标为不成立"))


@bp.post("/<uuid:relation_id>/withdraw")
@requires(*STAFF)
def withdraw(relation_id: uuid.UUID) -> tuple[str, int] | Response:
    """Take a declaration back."""
    reason = request.form.get("reason", "")
    return _do(lambda uow: services.withdraw_relation(uow, relation_id, reason=reason), _("申报已撤回"))


def _do(act: Callable[[UnitOfWork], object], message: str) -> tuple[str, int] | Response:
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except InvalidInputError as exc:
        return _page(field_messages(exc))
    except ConflictError as exc:
        return redirect_with_message(url_for("declarations.index"), _said(exc), "danger")
    return redirect_with_message(url_for("declarations.index"), message)


def _said(exc: DomainError) -> str:
    return error_message(exc)
