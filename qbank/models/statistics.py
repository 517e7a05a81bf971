"""Parameters of item versions on the one scale of their level, and facilities that borrow from items alike."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class ItemParameters(Base):
    """What calibration says of one version; all rows of a level stand on one scale and are replaced together."""

    __tablename__ = "item_parameters"
    __table_args__ = (
        Index("ix_item_parameters_standard_level_id", "standard_level_id"),
        CheckConstraint("n > 0", name="n_positive"),
        CheckConstraint("a > 0", name="a_positive"),
        CheckConstraint("c >= 0 AND c < 1", name="c_range"),
    )
    item_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("item_versions.item_version_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("standard_levels.standard_level_id"))
    model: Mapped[str] = mapped_column(String(20))
    a: Mapped[float]
    b: Mapped[float]
    c: Mapped[float]
    b_error: Mapped[float | None]
    n: Mapped[int] = mapped_column(comment="responses of all calibrations together")
    scale: Mapped[str] = mapped_column(String(120), comment="the analysis whose candidates have mean 0 and deviation 1")
    computed_on: Mapped[date]


class PooledFacility(Base):
    """Facility of a version that borrows from items alike; all rows of a level are replaced together."""

    __tablename__ = "pooled_facilities"
    __table_args__ = (
        Index("ix_pooled_facilities_standard_level_id", "standard_level_id"),
        CheckConstraint("n > 0", name="n_positive"),
        CheckConstraint("0 <= low AND low <= estimate AND estimate <= high AND high <= 1", name="estimate_in_interval"),
        CheckConstraint("own_share BETWEEN 0 AND 1", name="own_share_range"),
    )
    item_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("item_versions.item_version_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("standard_levels.standard_level_id"))
    n: Mapped[int] = mapped_column(comment="own responses, all carriers and sources together")
    estimate: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    own_share: Mapped[float] = mapped_column(comment="how much of the estimate is the version's own answers")
    n_alike: Mapped[int] = mapped_column(comment="items of the group, this one included")
    alike_by: Mapped[str] = mapped_column(String(20), comment="the closest that the items of the group share")
    computed_on: Mapped[date]
