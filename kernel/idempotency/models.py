"""The answers that are kept for a day, so that an act asked for again is answered and not done again."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class KeptAnswer(Base):
    """What was answered to a request with an idempotency key, written in the transaction of its act.

    `key_digest` covers organisation, person, endpoint and key; `request_digest` covers address and content. Both are keyed
    digests and `envelope` is encrypted: a request may hold a password, an answer a name.
    """

    __tablename__ = "kept_answers"
    key_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation_id: Mapped[uuid.UUID | None]
    user_id: Mapped[uuid.UUID | None]
    endpoint: Mapped[str] = mapped_column(String(120))
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    envelope: Mapped[bytes] = mapped_column(LargeBinary, comment="headers, body and messages, encrypted")
    created_at: Mapped[datetime] = mapped_column(index=True)
