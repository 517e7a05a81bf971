"""What people keep of lists: views under a name, and each person's own columns."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class SavedView(Base):
    """视图: filters, order and columns of one list under a name; the owner may let the organisation use it."""

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("owner_id", "list_key", "name"),
        Index("ix_saved_views_organisation_id_list_key", "organisation_id", "list_key"),
    )
    saved_view_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisations.organisation_id"))
    owner_id: Mapped[uuid.UUID]
    list_key: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(40))
    parameters: Mapped[dict[str, Any]]
    is_shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class ListChoice(Base):
    """What one person chose for one list: columns (none: those of the house) and the view it opens with."""

    __tablename__ = "list_choices"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True)
    list_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    columns: Mapped[list[Any] | None]
    default_view_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("saved_views.saved_view_id", ondelete="SET NULL"), index=True
    )
