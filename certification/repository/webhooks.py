"""Reading addresses and messages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certification.models import MessageState, WebhookEndpoint, WebhookMessage
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST = 200


def list_endpoints(
    session: Session, organisation_id: uuid.UUID, *, only_active: bool = False
) -> Sequence[WebhookEndpoint]:
    """Return the addresses of an organisation, by name."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.organisation_id == organisation_id)
    if only_active:
        query = query.where(WebhookEndpoint.is_active)
    return session.scalars(query.order_by(WebhookEndpoint.name, WebhookEndpoint.created_at).limit(MOST)).all()


def get_endpoint(session: Session, endpoint_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> WebhookEndpoint:
    """Return an address of the own organisation, or raise NotFoundError."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.webhook_endpoint_id == endpoint_id, WebhookEndpoint.organisation_id == actor.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("推送地址不存在"))
    return found


def list_messages(
    session: Session,
    organisation_id: uuid.UUID,
    *,
    endpoint_id: uuid.UUID | None = None,
    state: MessageState | None = None,
) -> Sequence[WebhookMessage]:
    """Return the newest messages of an organisation, of one address or in one state."""
    query = select(WebhookMessage).where(WebhookMessage.organisation_id == organisation_id)
    if endpoint_id is not None:
        query = query.where(WebhookMessage.webhook_endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(WebhookMessage.state == state)
    order = (WebhookMessage.created_at.desc(), WebhookMessage.webhook_message_id.desc())
    return session.scalars(query.order_by(*order).limit(MOST)).all()


def count_by_state(session: Session, organisation_id: uuid.UUID) -> dict[tuple[uuid.UUID, MessageState], int]:
    """Return how many messages of each address stand in each state."""
    query = (
        select(WebhookMessage.webhook_endpoint_id, WebhookMessage.state, func.count())
        .where(WebhookMessage.organisation_id == organisation_id)
        .group_by(WebhookMessage.webhook_endpoint_id, WebhookMessage.state)
    )
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def lock_message(session: Session, message_id: uuid.UUID, *, actor: Actor) -> WebhookMessage:
    """Return a message of the own organisation, locked, or raise NotFoundError."""
    query = select(WebhookMessage).where(
        WebhookMessage.webhook_message_id == message_id, WebhookMessage.organisation_id == actor.organisation
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("消息不存在"))
    return found


def list_due(session: Session, moment: datetime) -> Sequence[WebhookMessage]:
    """Return the messages of all organisations whose time has come: for the program's own duty."""
    query = select(WebhookMessage).where(WebhookMessage.state == MessageState.WAITING, WebhookMessage.due_at <= moment)
    return session.scalars(query.order_by(WebhookMessage.due_at).limit(MOST)).all()
