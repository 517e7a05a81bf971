"""Tables of agreements by which one organisation lets another draw forms from its bank."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk
from qbank.rules.sharing import ShareState

ORGANISATION = "organisations.organisation_id"
LEVEL = "standard_levels.standard_level_id"
LIVE = text("state IN ('offered', 'active')")


class BankShare(Base):
    """题库共享: the owner offers the bank of one level to another organisation, which accepts it for a level of its own."""

    __tablename__ = "bank_shares"
    __table_args__ = (
        CheckConstraint("organisation_id <> receiver_id", name="two_organisations"),
        CheckConstraint("starts_on <= ends_on", name="dates_in_order"),
        CheckConstraint("state NOT IN ('active', 'ended') OR receiver_level_id IS NOT NULL", name="accepted_has_level"),
        Index(
            "ux_bank_shares_live", "standard_level_id", "receiver_id", unique=True, sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        Index("ix_bank_shares_organisation_id", "organisation_id"),
        Index("ix_bank_shares_receiver_id", "receiver_id", "receiver_level_id"),
    )  # fmt: skip
    bank_share_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION), comment="the owner of the items")
    receiver_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(LEVEL), comment="the owner's")
    receiver_level_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(LEVEL), comment="chosen on accepting")
    includes_trials: Mapped[bool] = mapped_column(default=False, server_default=false(), comment="试测 items as well")
    purpose: Mapped[str] = mapped_column(String(300))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    state: Mapped[ShareState] = mapped_column(default=ShareState.OFFERED)
    offered_by: Mapped[uuid.UUID | None]
    offered_by_name: Mapped[str] = mapped_column(String(100))
    offered_at: Mapped[datetime]
    answered_by: Mapped[uuid.UUID | None]
    answered_by_name: Mapped[str] = mapped_column(String(100), default="")
    answered_at: Mapped[datetime | None]
    ended_by: Mapped[uuid.UUID | None]
    ended_by_name: Mapped[str] = mapped_column(String(100), default="")
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class SharedItem(Base):
    """An item that stands in a sealed form of a receiver, which goes on reading it to print, mark and explain that form."""

    __tablename__ = "shared_items"
    __table_args__ = (Index("ix_shared_items_item_id", "item_id"),)
    receiver_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION), primary_key=True)
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("items.item_id"), primary_key=True)
    bank_share_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("bank_shares.bank_share_id"), index=True)
    sealed_at: Mapped[datetime]
