"""Addresses that are told what happens, and the messages to them."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class MessageState(enum.StrEnum):
    """Where a message stands; a dead one waits for a person."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class WebhookEndpoint(Base):
    """推送地址: where an organisation's messages go, with the secret that signs them."""

    __tablename__ = "webhook_endpoints"
    webhook_endpoint_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    url: Mapped[str] = mapped_column(String(500))
    event_types: Mapped[list[Any]]
    secret_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, comment="signs too until then")
    previous_until: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class WebhookMessage(Base):
    """One message to one address: the bytes that are signed, and how the tries went."""

    __tablename__ = "webhook_messages"
    __table_args__ = (
        Index("ix_webhook_messages_state_due_at", "state", "due_at"),
        Index("ix_webhook_messages_endpoint_created_at", "webhook_endpoint_id", "created_at"),
    )
    webhook_message_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    webhook_endpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhook_endpoints.webhook_endpoint_id"))
    event_type: Mapped[str] = mapped_column(String(60))
    body: Mapped[str] = mapped_column(Text, comment="JSON as it is signed and sent; no personal data")
    state: Mapped[MessageState] = mapped_column(default=MessageState.WAITING)
    n_tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    last_status: Mapped[int | None]
    last_error: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
