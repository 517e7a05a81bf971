"""Key-change cases: a doubt about a sealed key, what is proposed, who decided, and what it did."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.amendments import ChangeSource, ChangeState, KeyPolicy
from kernel.db import Base, UuidPk


class KeyChange(Base):
    """One case about one slot of one form. The new key is encrypted; the sealed form itself never changes.

    Where the item stands in several forms of the same sessions, the case has a row for each: the first leads, the others
    name it and share its state, so that they are decided and applied together.
    """

    __tablename__ = "key_changes"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        UniqueConstraint("form_id", "number"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint("(state = 'applied') = (number IS NOT NULL)", name="applied_has_number"),
        Index("ix_key_changes_form_id_state", "form_id", "state"),
        Index("ix_key_changes_lead_id", "lead_id"),
    )
    key_change_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    code: Mapped[str] = mapped_column(String(20))
    lead_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("key_changes.key_change_id"),
        comment="the row that leads a case over several forms; empty for itself",
    )
    form_id: Mapped[uuid.UUID]
    slot: Mapped[int]
    number: Mapped[int | None] = mapped_column(comment="order of amendments of the form, from 1, given when applied")
    source: Mapped[ChangeSource]
    policy: Mapped[KeyPolicy]
    is_harmless: Mapped[bool]
    sessions: Mapped[list[Any]] = mapped_column(comment="keys of the sessions it is about; empty for all")
    rooms: Mapped[list[Any]] = mapped_column(comment="keys of the rooms it is about; empty for all")
    key_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[ChangeState] = mapped_column(default=ChangeState.PROPOSED)
    effects_digest: Mapped[str] = mapped_column(String(64), default="", comment="what the second person approved")
    effects: Mapped[dict[str, Any]] = mapped_column(comment="counts when it was applied; empty before")
    proposed_by: Mapped[uuid.UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(Text, default="")
    applied_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    @property
    def case_code(self) -> str:
        """The code of the case, whichever of its forms the row is about."""
        return self.code.partition("/")[0]
