"""Messages to other systems: addresses with their secrets, messages written with the act, tries as durable jobs."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from certification.models import MessageState, WebhookEndpoint, WebhookMessage
from certification.repository import webhooks as repository
from certification.rules.webhooks import (
    OVERLAP_HOURS,
    EventType,
    check_address,
    delay_after,
    new_secret,
    signature,
)
from kernel import audit, crypto, profiles
from kernel.clock import iso, now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.uow import UnitOfWork

JOB = "certification.webhook"
PURPOSE = "webhook-secret"
GONE = 410


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes over the wire."""

    url: str
    body: str
    headers: dict[str, str]


def add_endpoint(
    uow: UnitOfWork, *, name: str, url: str, event_types: Sequence[str], may_be_private: bool
) -> tuple[WebhookEndpoint, str]:
    """Add an address and return it with its secret, which is never shown again.

    Raises
    ------
    InvalidInputError
        If the name is missing, nothing was chosen, or the address cannot be one.
    """
    require(uow.actor, Permission.CONNECTION_MANAGE)
    check_address(url, may_be_private=may_be_private)
    chosen = [one.value for one in EventType if one.value in event_types and one is not EventType.PING]
    problems = {field: [message] for field, message, is_bad in (
        ("name", N_("请填写名称"), not name.strip()), ("event_types", N_("请至少选择一种消息"), not chosen),
    ) if is_bad}  # fmt: skip
    if problems:
        raise InvalidInputError(next(iter(problems.values()))[0], fields=problems)
    key, secret = new_id(), new_secret()
    row = WebhookEndpoint(
        webhook_endpoint_id=key, organisation_id=uow.actor.organisation, name=name.strip()[:100], url=url,
        event_types=chosen, secret_ciphertext=_seal(key, secret), is_active=True, created_by=uow.actor.name[:100],
        created_at=now(),
    )  # fmt: skip
    uow.add(row)
    audit.record(uow, "webhook.add", "webhook_endpoint", key, after={"name": row.name, "event_types": chosen})
    return row, secret


def renew_secret(uow: UnitOfWork, endpoint_id: uuid.UUID, *, at_once: bool = False) -> tuple[WebhookEndpoint, str]:
    """Give an address a new secret; the old one signs beside it for some hours, so that no message is refused meanwhile.

    `at_once` is for a secret that leaked: the old one signs nothing any more, and neither does one that was in its hours.
    """
    row = _own(uow, endpoint_id)
    hours = int(profiles.value(uow.session, uow.actor.organisation, OVERLAP_HOURS))
    overlaps = bool(hours) and not at_once
    row.previous_secret_ciphertext = row.secret_ciphertext if overlaps else None
    row.previous_until = now() + dt.timedelta(hours=hours) if overlaps else None
    secret = new_secret()
    row.secret_ciphertext = _seal(endpoint_id, secret)
    after = {"previous_until": iso(row.previous_until) if row.previous_until else None}
    audit.record(uow, "webhook.renew_secret", "webhook_endpoint", endpoint_id, after=after)
    return row, secret


def switch(uow: UnitOfWork, endpoint_id: uuid.UUID, *, is_active: bool) -> WebhookEndpoint:
    """Stop or resume sending to an address; what happens meanwhile is not sent later."""
    row = _own(uow, endpoint_id)
    row.is_active = is_active
    audit.record(uow, "webhook.switch", "webhook_endpoint", endpoint_id, after={"is_active": is_active})
    return row


def ping(uow: UnitOfWork, endpoint_id: uuid.UUID) -> WebhookMessage:
    """Send a message to one address that says nothing but that it works."""
    row = _own(uow, endpoint_id)
    if not row.is_active:
        raise ConflictError(N_("这个推送地址已停用"))
    return _message(uow, row, EventType.PING, {"name": row.name})


def _own(uow: UnitOfWork, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    require(uow.actor, Permission.CONNECTION_MANAGE)
    return repository.get_endpoint(uow.session, endpoint_id, actor=uow.actor, lock=True)


def announce(uow: UnitOfWork, organisation_id: uuid.UUID, kind: EventType, data: Mapping[str, Any]) -> int:
    """Write a message to everybody who wants to hear of it, in the transaction of the act; return how many."""
    wanting = [
        row
        for row in repository.list_endpoints(uow.session, organisation_id, only_active=True)
        if kind.value in row.event_types
    ]
    for row in wanting:
        _message(uow, row, kind, data)
    return len(wanting)


def _message(uow: UnitOfWork, endpoint: WebhookEndpoint, kind: EventType, data: Mapping[str, Any]) -> WebhookMessage:
    body = {"type": kind.value, "timestamp": iso(now()), "data": data}
    row = WebhookMessage(
        webhook_message_id=new_id(), organisation_id=endpoint.organisation_id,
        webhook_endpoint_id=endpoint.webhook_endpoint_id, event_type=kind.value,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")), state=MessageState.WAITING, due_at=now(),
        created_at=now(),
    )  # fmt: skip
    uow.add(row)
    return row


def send_again(uow: UnitOfWork, message_id: uuid.UUID) -> WebhookMessage:
    """Let a dead message be tried from the beginning, under the same id.

    Raises
    ------
    ConflictError
        If it is not dead.
    """
    require(uow.actor, Permission.CONNECTION_MANAGE)
    row = repository.lock_message(uow.session, message_id, actor=uow.actor)
    if row.state is not MessageState.DEAD:
        raise ConflictError(N_("这条消息不需要重发"))
    row.state, row.n_tries, row.due_at = MessageState.WAITING, 0, now()
    audit.record(uow, "webhook.send_again", "webhook_message", message_id)
    return row


# --- tries -----------------------------------------------------------------------------------------------------------


def publish_due(uow: UnitOfWork) -> int:
    """Publish a job for each message whose time has come; again changes nothing until that try is over."""
    due = repository.list_due(uow.session, now())
    for row in due:
        payload = {"message_id": str(row.webhook_message_id), "organisation_id": str(row.organisation_id)}
        unique = f"webhook:{row.webhook_message_id}:{row.n_tries}:{row.due_at.timestamp()}"
        enqueue(uow, JOB, payload, title=f"推送 {row.event_type}", unique_key=unique)
    return len(due)


def parcel_of(session: Session, message: WebhookMessage) -> Parcel | None:
    """Return a message signed for this moment; none when its address was stopped."""
    endpoint = session.get_one(WebhookEndpoint, message.webhook_endpoint_id)
    if not endpoint.is_active:
        return None
    key, moment = f"msg_{message.webhook_message_id.hex}", int(now().timestamp())
    signatures = [signature(secret, key, moment, message.body) for secret in _secrets(endpoint)]
    headers = {"webhook-id": key, "webhook-timestamp": str(moment), "webhook-signature": " ".join(signatures)}
    return Parcel(endpoint.url, message.body, headers)


def _secrets(endpoint: WebhookEndpoint) -> Iterator[str]:
    """Yield the secrets that sign now: the newest, and the one before it while its hours last."""
    sealed = [endpoint.secret_ciphertext]
    if endpoint.previous_secret_ciphertext and endpoint.previous_until and now() < endpoint.previous_until:
        sealed.append(endpoint.previous_secret_ciphertext)
    place = _place(endpoint.webhook_endpoint_id)
    for envelope in sealed:
        yield crypto.decrypt(crypto.purpose_key(PURPOSE), envelope, bound_to=place).decode()


def note_try(uow: UnitOfWork, message_id: uuid.UUID, *, status: int | None, error: str, is_ok: bool) -> WebhookMessage:
    """Keep how a try went: delivered, another try later, or dead; 410 stops the address, as the specification asks."""
    row = repository.lock_message(uow.session, message_id, actor=uow.actor)
    row.n_tries += 1
    row.last_status, row.last_error = status, error[:300]
    if is_ok:
        row.state, row.delivered_at = MessageState.DELIVERED, now()
        return row
    wait = delay_after(row.n_tries)
    if status == GONE:
        uow.session.get_one(WebhookEndpoint, row.webhook_endpoint_id).is_active = False
    if wait is None or status == GONE:
        row.state = MessageState.DEAD
    else:
        row.due_at = now() + wait
    return row


def _seal(endpoint_id: uuid.UUID, secret: str) -> bytes:
    return crypto.encrypt(crypto.purpose_key(PURPOSE), secret.encode(), bound_to=_place(endpoint_id))


def _place(endpoint_id: uuid.UUID) -> str:
    return f"webhook_endpoints|secret|{endpoint_id}"
