"""Tables of occupations, standards, editions, levels, weight tables and content outlines."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kernel.db import Base, UuidPk
from qbank.rules.outline import Importance
from qbank.rules.standards import EditionStatus, OutlineLayout, OutlineStatus, StandardKind

ORGANISATION = "organisations.organisation_id"


class Occupation(Base):
    """One occupation of the shipped dictionary, shared by all organisations."""

    __tablename__ = "occupations"
    occupation_id: Mapped[UuidPk]
    code: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(60), index=True)
    category: Mapped[str] = mapped_column(String(60))
    major_code: Mapped[str] = mapped_column(String(4), index=True)
    mid_code: Mapped[str] = mapped_column(String(8))
    mid_name: Mapped[str] = mapped_column(String(60))
    minor_code: Mapped[str] = mapped_column(String(12))
    minor_name: Mapped[str] = mapped_column(String(60))
    is_digital: Mapped[bool] = mapped_column(default=False)
    is_green: Mapped[bool] = mapped_column(default=False)
    edition: Mapped[str] = mapped_column(String(20))
    work_types: Mapped[str] = mapped_column(String(200), default="")
    source_check: Mapped[str] = mapped_column(String(120))


class OccupationalStandard(Base):
    """A standard of one occupation or post, as an organisation keeps it."""

    __tablename__ = "occupational_standards"
    __table_args__ = (UniqueConstraint("organisation_id", "code"),)
    occupational_standard_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[StandardKind]
    occupation_code: Mapped[str] = mapped_column(String(16), default="")
    occupation_name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    editions: Mapped[list[StandardEdition]] = relationship(back_populates="standard", lazy="raise")


class StandardEdition(Base):
    """One edition of a standard, with its levels."""

    __tablename__ = "standard_editions"
    __table_args__ = (UniqueConstraint("occupational_standard_id", "label"),)
    standard_edition_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    occupational_standard_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("occupational_standards.occupational_standard_id")
    )
    label: Mapped[str] = mapped_column(String(40))
    effective_on: Mapped[date | None]
    status: Mapped[EditionStatus] = mapped_column(default=EditionStatus.CURRENT)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    standard: Mapped[OccupationalStandard] = relationship(back_populates="editions", lazy="joined", innerjoin=True)
    levels: Mapped[list[StandardLevel]] = relationship(back_populates="edition", lazy="raise")


class StandardLevel(Base):
    """One level of an edition: the key that items, blueprints, sessions and certificates carry."""

    __tablename__ = "standard_levels"
    __table_args__ = (
        UniqueConstraint("standard_edition_id", "level_code"),
        Index("ix_standard_levels_organisation_id_status", "organisation_id", "status"),
    )
    standard_level_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_edition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("standard_editions.standard_edition_id"))
    level_code: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(40))
    maps_to: Mapped[str | None] = mapped_column(String(1), comment="national level of a custom one")
    rank: Mapped[int] = mapped_column(default=0, comment="1 lowest to 5 highest")
    layout: Mapped[OutlineLayout] = mapped_column(default=OutlineLayout.CLASSIC)
    status: Mapped[OutlineStatus] = mapped_column(default=OutlineStatus.DRAFT)
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    edition: Mapped[StandardEdition] = relationship(back_populates="levels", lazy="joined", innerjoin=True)

    @property
    def is_published(self) -> bool:
        """Say whether the outline may be relied upon."""
        return self.status is OutlineStatus.PUBLISHED


class WeightRow(Base):
    """One row of a level's weight table."""

    __tablename__ = "weight_rows"
    __table_args__ = (
        UniqueConstraint("standard_level_id", "function_name", "name"),
        CheckConstraint("theory_percent >= 0 AND theory_percent <= 100", name="theory_range"),
        CheckConstraint("skill_percent >= 0 AND skill_percent <= 100", name="skill_range"),
    )
    weight_row_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("standard_levels.standard_level_id"))
    position: Mapped[int]
    scope_code: Mapped[str] = mapped_column(String(20), default="")
    function_name: Mapped[str] = mapped_column(String(100), default="", comment="职业功能, empty for a row of its own")
    name: Mapped[str] = mapped_column(String(100))
    theory_percent: Mapped[Decimal | None]
    skill_percent: Mapped[Decimal | None]


class AssessmentScope(Base):
    """A range of a content outline; a weight is stated where nothing below has one, all others are sums."""

    __tablename__ = "assessment_scopes"
    __table_args__ = (
        UniqueConstraint("standard_level_id", "parent_id", "code"),
        CheckConstraint("depth >= 1 AND depth <= 3", name="depth_range"),
        CheckConstraint("(depth = 1) = (parent_id IS NULL)", name="root_depth"),
        CheckConstraint("weight_percent >= 0 AND weight_percent <= 100", name="weight_range"),
    )
    assessment_scope_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("standard_levels.standard_level_id"), index=True)
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("assessment_scopes.assessment_scope_id"), index=True)
    depth: Mapped[int]
    code: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(200))
    weight_percent: Mapped[Decimal | None]
    position: Mapped[int]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class AssessmentPoint(Base):
    """An assessment point (鉴定点): the smallest thing an item can ask for."""

    __tablename__ = "assessment_points"
    __table_args__ = (
        UniqueConstraint("standard_level_id", "full_code"),
        CheckConstraint("score >= 0", name="score_range"),
    )
    assessment_point_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("standard_levels.standard_level_id"))
    assessment_scope_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("assessment_scopes.assessment_scope_id"), index=True
    )
    code: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(200))
    importance: Mapped[Importance]
    score: Mapped[Decimal | None] = mapped_column(comment="marks of the point where the outline gives them")
    full_code: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
