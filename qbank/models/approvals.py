"""Table of approvals that put a level's bank into use."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk
from qbank.rules.bank_approval import ApprovalState


class BankApproval(Base):
    """A proposal to put a bank into use with the report it rests on, and the second person's decision."""

    __tablename__ = "bank_approvals"
    __table_args__ = (
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="two_people"),
        Index("ix_bank_approvals_standard_level_id_proposed_at", "standard_level_id", "proposed_at"),
        Index("ix_bank_approvals_organisation_id_state", "organisation_id", "state"),
    )
    bank_approval_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("standard_levels.standard_level_id"))
    state: Mapped[ApprovalState] = mapped_column(default=ApprovalState.PROPOSED)
    report: Mapped[dict[str, Any]]
    report_digest: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(String(500), default="")
    proposed_by: Mapped[uuid.UUID | None]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(String(500), default="")
    ended_by: Mapped[uuid.UUID | None] = mapped_column(comment="who took the bank out of use again")
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
