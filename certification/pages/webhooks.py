"""Messages to other systems: addresses, their secrets, what was delivered and what was not."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, current_app, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import MessageState, WebhookEndpoint, WebhookMessage
from certification.pages.wording import Errors, act_and_return, field_errors, form_text
from certification.repository import webhooks as repository
from certification.rules.webhooks import EVENT_LABELS, EventType
from certification.services import webhooks as services
from kernel.clock import now
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_webhooks", __name__, url_prefix="/certification/webhooks")
STATE_LABELS = {
    MessageState.WAITING: (N_("等待推送"), "info"),
    MessageState.DELIVERED: (N_("已送达"), "success"),
    MessageState.DEAD: (N_("未送达"), "danger"),
}


@dataclass(frozen=True, slots=True)
class EndpointLine:
    """An address with the number of its messages by state."""

    row: WebhookEndpoint
    events: list[str]
    n_delivered: int
    n_waiting: int
    n_dead: int
    overlap: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A message with its state in words."""

    row: WebhookMessage
    endpoint: str
    state_label: str
    state_kind: str

    @property
    def is_dead(self) -> bool:
        """Whether somebody has to look at it."""
        return self.row.state is MessageState.DEAD


@dataclass(frozen=True, slots=True)
class WebhooksPage:
    """Addresses, messages, and the form for one more address; a fresh secret stands here once."""

    endpoints: Sequence[EndpointLine]
    messages: Sequence[MessageLine]
    only_dead: bool
    choices: list[tuple[str, str]]
    values: dict[str, str]
    chosen: list[str]
    secret: str = ""
    secret_of: str = ""
    errors: Errors = field(default_factory=dict)


@bp.get("/")
@requires(Permission.CONNECTION_MANAGE)
def index() -> tuple[str, int]:
    """Show addresses and messages."""
    return _page()


def _page(
    values: dict[str, str] | None = None,
    errors: Errors | None = None,
    *,
    fresh: tuple[WebhookEndpoint, str] | None = None,
) -> tuple[str, int]:
    session, organisation_id = db.session(), current_actor().organisation
    rows = repository.list_endpoints(session, organisation_id)
    counts = repository.count_by_state(session, organisation_id)
    names = {row.webhook_endpoint_id: row.name for row in rows}
    only_dead = request.args.get("state") == MessageState.DEAD.value
    messages = repository.list_messages(session, organisation_id, state=MessageState.DEAD if only_dead else None)
    page = WebhooksPage(
        endpoints=[_endpoint_line(row, counts) for row in rows],
        messages=[_message_line(row, names) for row in messages], only_dead=only_dead,
        choices=[(kind.value, _(label)) for kind, label in EVENT_LABELS.items() if kind is not EventType.PING],
        values=values or {}, chosen=request.form.getlist("event_types"), secret=fresh[1] if fresh else "",
        secret_of=fresh[0].name if fresh else "", errors=errors or {},
    )  # fmt: skip
    return render_page("certification/webhooks.html", page, status=422 if errors else 200)


def _endpoint_line(row: WebhookEndpoint, counts: dict[tuple[uuid.UUID, MessageState], int]) -> EndpointLine:
    key = row.webhook_endpoint_id
    n_by_state = {state: counts.get((key, state), 0) for state in MessageState}
    return EndpointLine(
        row, [_(EVENT_LABELS[EventType(kind)]) for kind in row.event_types], n_by_state[MessageState.DELIVERED],
        n_by_state[MessageState.WAITING], n_by_state[MessageState.DEAD],
        row.previous_until if row.previous_until and row.previous_until > now() else None,
    )  # fmt: skip


def _message_line(row: WebhookMessage, names: dict[uuid.UUID, str]) -> MessageLine:
    label, kind = STATE_LABELS[row.state]
    return MessageLine(row, names.get(row.webhook_endpoint_id, ""), _(label), kind)


@bp.post("/")
@requires(Permission.CONNECTION_MANAGE)
def add() -> tuple[str, int]:
    """Add an address and show its secret, this once."""
    try:
        with unit_of_work(current_actor()) as uow:
            fresh = services.add_endpoint(
                uow, name=form_text("name"), url=form_text("url"), event_types=request.form.getlist("event_types"),
                may_be_private=bool(current_app.config["KAOKU"].webhook_private),
            )  # fmt: skip
    except InvalidInputError as exc:
        return _page(request.form.to_dict(), field_errors(exc))
    return _page(fresh=fresh)


@bp.post("/<uuid:endpoint_id>/secret")
@requires(Permission.CONNECTION_MANAGE)
def renew(endpoint_id: uuid.UUID) -> tuple[str, int]:
    """Give an address a new secret and show it, this once."""
    with unit_of_work(current_actor()) as uow:
        fresh = services.renew_secret(uow, endpoint_id, at_once=form_text("at_once") == "1")
    return _page(fresh=fresh)


@bp.post("/<uuid:endpoint_id>/switch")
@requires(Permission.CONNECTION_MANAGE)
def switch(endpoint_id: uuid.UUID) -> Response:
    """Stop or resume sending to an address."""
    is_active = form_text("active") == "yes"
    with unit_of_work(current_actor()) as uow:
        services.switch(uow, endpoint_id, is_active=is_active)
    return redirect_with_message(url_for("cert_webhooks.index"), _("推送已恢复") if is_active else _("推送已停用"))


@bp.post("/<uuid:endpoint_id>/ping")
@requires(Permission.CONNECTION_MANAGE)
def ping(endpoint_id: uuid.UUID) -> Response:
    """Send a test message."""
    return act_and_return(
        url_for("cert_webhooks.index"),
        _("测试消息已排队，几秒后刷新查看结果"),
        lambda uow: services.ping(uow, endpoint_id),
    )


@bp.post("/messages/<uuid:message_id>/again")
@requires(Permission.CONNECTION_MANAGE)
def again(message_id: uuid.UUID) -> Response:
    """Try a dead message from the beginning."""
    return act_and_return(
        url_for("cert_webhooks.index"), _("消息已重新排队"), lambda uow: services.send_again(uow, message_id)
    )
