"""What is kept how long: what is due, orders to erase it, and the second person's word."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import ErasureOrder, ErasureState
from certification.pages.wording import Errors, act_and_return, field_errors, form_text
from certification.repository import retention as repository
from certification.rules.retention import KIND_LABELS, RetentionKind
from certification.services import retention as services
from kernel.db import db
from kernel.errors import InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_retention", __name__, url_prefix="/certification/retention")
STATE_LABELS = {
    ErasureState.PROPOSED: N_("待批准"),
    ErasureState.DONE: N_("已删除"),
    ErasureState.REJECTED: N_("未批准"),
}
STATE_KINDS = {ErasureState.PROPOSED: "warning", ErasureState.DONE: "success", ErasureState.REJECTED: "neutral"}


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """What is due, and the orders."""

    due: list[tuple[str, services.Due]]
    kinds: list[tuple[str, str]]
    orders: Sequence[ErasureOrder]
    may_write: bool
    user_id: uuid.UUID | None
    values: dict[str, str]
    errors: Errors = field(default_factory=dict)

    def kind_label(self, order: ErasureOrder) -> str:
        """Return what an order is about."""
        return str(_(KIND_LABELS[order.kind]))

    def state_label(self, order: ErasureOrder) -> str:
        """Return where an order stands."""
        return str(_(STATE_LABELS[order.state]))

    def state_kind(self, order: ErasureOrder) -> str:
        """Return the colour of where an order stands."""
        return STATE_KINDS[order.state]

    def waits_for_me(self, order: ErasureOrder) -> bool:
        """Whether this person may decide an order."""
        return self.may_write and order.state is ErasureState.PROPOSED and order.proposed_by != self.user_id


@bp.get("/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int]:
    """Show what is due and the orders."""
    return _page({})


def _page(values: dict[str, str], errors: Errors | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    due = [(_(KIND_LABELS[one.kind]), one) for one in services.find_due(session, actor)]
    kinds = [(one.kind.value, label) for label, one in due if one.n_records and not one.is_proposed]
    may_write = actor.may(Permission.CERTIFICATION_WRITE) and actor.may(Permission.PERSONAL_DATA_REVEAL)
    orders = repository.list_orders(session, actor.organisation)
    page = RetentionPage(due, kinds, orders, may_write, actor.user_id, values, errors or {})
    return render_page("certification/retention.html", page, status=422 if errors else 200)


@bp.post("/")
@requires(Permission.CERTIFICATION_WRITE)
def propose() -> tuple[str, int] | Response:
    """Propose to erase what is due of a kind."""
    kind = form_text("kind")
    if kind not in set(RetentionKind):
        raise NotFoundError(N_("请选择记录类别"))
    try:
        with unit_of_work(current_actor()) as uow:
            services.propose(uow, RetentionKind(kind), reason=form_text("reason"))
    except InvalidInputError as exc:
        return _page(request.form.to_dict(), field_errors(exc))
    return redirect_with_message(url_for("cert_retention.index"), _("已提出，等待另一人批准"))


@bp.post("/<uuid:order_id>")
@requires(Permission.CERTIFICATION_WRITE)
def decide(order_id: uuid.UUID) -> Response:
    """Carry an order out or refuse it."""
    is_approved = form_text("decision") == "approve"
    message = _("已按申请删除") if is_approved else _("已记为不批准")
    return act_and_return(
        url_for("cert_retention.index"), message,
        lambda uow: services.decide(uow, order_id, is_approved=is_approved, reason=form_text("decision_reason")),
    )  # fmt: skip
