"""Declared relations between people."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.conflicts.rules import Relation, RelationKind, RelationStatus
from kernel.db import Base, UuidPk


class ConflictRelation(Base):
    """利害关系: what a member of staff, or an administrator, says about a person and somebody else.

    The other one is a member of staff, a candidate (by the keyed index of the identity number, which itself is not kept,
    or by name and employer), or everybody of an employer.
    """

    __tablename__ = "conflict_relations"
    __table_args__ = (
        CheckConstraint(
            "other_user_id IS NOT NULL OR other_index <> '' OR other_employer <> ''", name="other_one_is_known"
        ),
        CheckConstraint("since IS NULL OR until IS NULL OR since <= until", name="since_before_until"),
        Index("ix_conflict_relations_organisation_id_person_id", "organisation_id", "person_id"),
        Index("ix_conflict_relations_organisation_id_other_user_id", "organisation_id", "other_user_id"),
    )
    conflict_relation_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"))
    kind: Mapped[RelationKind]
    other_user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.user_id"))
    other_index: Mapped[str] = mapped_column(String(64), default="", comment="keyed index of an identity number")
    other_mask: Mapped[str] = mapped_column(String(40), default="")
    other_name: Mapped[str] = mapped_column(String(60), default="")
    other_employer: Mapped[str] = mapped_column(String(200), default="")
    since: Mapped[date | None]
    until: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(300), default="")
    status: Mapped[RelationStatus] = mapped_column(default=RelationStatus.DECLARED)
    declared_by: Mapped[uuid.UUID | None]
    declared_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    def as_relation(self) -> Relation:
        """Return the row as the rules read it."""
        return Relation(
            kind=self.kind, person_id=self.person_id, other_user_id=self.other_user_id, other_index=self.other_index,
            other_name=self.other_name, other_employer=self.other_employer, since=self.since, until=self.until,
            relation_id=self.conflict_relation_id,
        )  # fmt: skip
