"""Who saw an item with its key before it was released to the public."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk
from qbank.models.items import ITEM, ORGANISATION


class ItemDisclosure(Base):
    """One person saw one version with its key on one day; the first way on that day is named. Rows are never changed."""

    __tablename__ = "item_disclosures"
    __table_args__ = (
        UniqueConstraint("user_id", "item_version_id", "seen_on"),
        Index("ix_item_disclosures_item_id_seen_at", "item_id", "seen_at"),
        Index("ix_item_disclosures_organisation_id_seen_at", "organisation_id", "seen_at"),
    )
    item_disclosure_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM))
    item_version_id: Mapped[uuid.UUID]
    user_id: Mapped[uuid.UUID]
    user_name: Mapped[str] = mapped_column(String(100))
    way: Mapped[str] = mapped_column(String(20), comment="page, review, editor, difference, drawer or api")
    seen_on: Mapped[date]
    seen_at: Mapped[datetime]


make_append_only(ItemDisclosure.__table__)
