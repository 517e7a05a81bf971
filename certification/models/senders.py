"""Systems that send results in, and what each of them sent."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class ScoreDeliveryState(enum.StrEnum):
    """What became of a delivery: until a person has looked it changes no score."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class SendingSystem(Base):
    """来源系统: a system that may send component results of this organisation's batches, with the secret it signs with."""

    __tablename__ = "sending_systems"
    sending_system_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    secret_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, comment="holds too until then")
    previous_until: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class ScoreDelivery(Base):
    """One delivery of component results: the rows as they came, the answer that was given, and who took it up."""

    __tablename__ = "score_deliveries"
    __table_args__ = (
        UniqueConstraint("sending_system_id", "webhook_id"),
        Index("ix_score_deliveries_organisation_id_received_at", "organisation_id", "received_at"),
    )
    score_delivery_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    sending_system_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sending_systems.sending_system_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    webhook_id: Mapped[str] = mapped_column(String(128))
    body_digest: Mapped[str] = mapped_column(String(64))
    rows: Mapped[list[Any]] = mapped_column(
        comment="[admission number, component, text]; no names, no identity numbers"
    )
    answer: Mapped[dict[str, Any]] = mapped_column(comment="what the sender was answered, and is answered again")
    file_name: Mapped[str] = mapped_column(
        String(200), default="", server_default="", comment="of an uploaded file; empty for a signed message"
    )
    uploaded_by: Mapped[str] = mapped_column(
        String(100), default="", server_default="", comment="who uploaded the file"
    )
    uploader_id: Mapped[uuid.UUID | None] = mapped_column(comment="who uploaded the file; somebody else confirms")
    is_correction: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="replaces what the same system sent before"
    )
    state: Mapped[ScoreDeliveryState] = mapped_column(default=ScoreDeliveryState.WAITING)
    n_saved: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]
    settled_by: Mapped[str] = mapped_column(String(100), default="")
    settled_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
