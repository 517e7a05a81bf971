"""Tables of exam blueprints, assembly runs, forms and sealed packages."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blueprints.rules.states import BlueprintStatus, ChangeKind, FormAct, FormStatus, RunStatus
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk

ORGANISATION = "organisations.organisation_id"


class ExamBlueprint(Base):
    """组卷蓝图: what a form of one level must contain; `spec` is the blueprint JSON of the outside interface."""

    __tablename__ = "exam_blueprints"
    __table_args__ = (
        CheckConstraint("(status = 'draft') = (published_at IS NULL)", name="published_unless_draft"),
        Index("ix_exam_blueprints_organisation_id_status", "organisation_id", "status"),
    )
    exam_blueprint_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(index=True)
    occupation_code: Mapped[str] = mapped_column(String(16))
    occupation_name: Mapped[str] = mapped_column(String(60))
    level_code: Mapped[str] = mapped_column(String(12))
    level_name: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    spec: Mapped[dict[str, Any]]
    n_items: Mapped[int]
    total_score: Mapped[Decimal | None]
    duration_minutes: Mapped[int]
    status: Mapped[BlueprintStatus] = mapped_column(default=BlueprintStatus.DRAFT)
    copied_from_id: Mapped[uuid.UUID | None]
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class AssemblyRun(Base):
    """组卷: one draw from the pool; the blueprint as it was, the seed and the pool's digest make it repeatable."""

    __tablename__ = "assembly_runs"
    __table_args__ = (
        CheckConstraint("n_forms >= 1", name="n_forms_positive"),
        Index("ix_assembly_runs_organisation_id_created_at", "organisation_id", "created_at"),
    )
    assembly_run_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    exam_blueprint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_blueprints.exam_blueprint_id"), index=True)
    standard_level_id: Mapped[uuid.UUID]
    blueprint_name: Mapped[str] = mapped_column(String(120))
    spec: Mapped[dict[str, Any]] = mapped_column(comment="the blueprint as it was when the run began")
    n_forms: Mapped[int]
    max_overlap: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)
    time_limit_seconds: Mapped[int]
    status: Mapped[RunStatus] = mapped_column(default=RunStatus.WAITING)
    pool_digest: Mapped[str] = mapped_column(String(64), default="")
    n_pool: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    job_id: Mapped[uuid.UUID | None]
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    trial_of_id: Mapped[uuid.UUID | None] = mapped_column(comment="the refused run whose way out this one tries")
    relaxation_index: Mapped[int | None] = mapped_column(comment="which of its ways out; the blueprint is as it was")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class ExamForm(Base):
    """试卷: the items of one form on its way to being sealed."""

    __tablename__ = "exam_forms"
    __table_args__ = (
        UniqueConstraint("assembly_run_id", "label"),
        Index("ix_exam_forms_organisation_id_status", "organisation_id", "status"),
    )
    exam_form_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    assembly_run_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("assembly_runs.assembly_run_id"), index=True)
    exam_blueprint_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("exam_blueprints.exam_blueprint_id"))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(index=True)
    occupation_code: Mapped[str] = mapped_column(String(16))
    occupation_name: Mapped[str] = mapped_column(String(60))
    level_code: Mapped[str] = mapped_column(String(12))
    level_name: Mapped[str] = mapped_column(String(40))
    edition_label: Mapped[str] = mapped_column(String(40), default="")
    name: Mapped[str] = mapped_column(String(120))
    label: Mapped[str] = mapped_column(String(8), comment="A, B … among parallel forms")
    duration_minutes: Mapped[int]
    total_score: Mapped[Decimal]
    n_slots: Mapped[int]
    status: Mapped[FormStatus] = mapped_column(default=FormStatus.DRAFT)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(comment="set by every step, so that the version counts swaps as well")
    submitted_by: Mapped[uuid.UUID | None]
    approved_by: Mapped[uuid.UUID | None]
    replaces_form_id: Mapped[uuid.UUID | None] = mapped_column(comment="the sealed form whose place this one takes")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    slots: Mapped[list[FormSlot]] = relationship(
        back_populates="form", lazy="raise", order_by="FormSlot.slot", cascade="all, delete-orphan"
    )


class FormSlot(Base):
    """题位: one place of a form; what assembly knows of the item is kept as it was when the item was chosen."""

    __tablename__ = "form_slots"
    __table_args__ = (
        UniqueConstraint("exam_form_id", "slot"),
        UniqueConstraint("exam_form_id", "item_id"),
        CheckConstraint("slot >= 1", name="slot_from_one"),
        CheckConstraint("score >= 0", name="score_range"),
        Index("ix_form_slots_item_id", "item_id"),
    )
    form_slot_id: Mapped[UuidPk]
    exam_form_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_forms.exam_form_id"), index=True)
    slot: Mapped[int]
    section: Mapped[int] = mapped_column(comment="from 0, in the blueprint's order of types")
    item_id: Mapped[uuid.UUID]
    item_version_id: Mapped[uuid.UUID]
    item_code: Mapped[str] = mapped_column(String(60))
    type: Mapped[str] = mapped_column(String(32))
    point: Mapped[str] = mapped_column(String(60))
    importance: Mapped[str] = mapped_column(String(1), default="")
    difficulty: Mapped[int | None]
    score: Mapped[Decimal]
    is_locked: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="hand work and sweeps leave it"
    )

    form: Mapped[ExamForm] = relationship(back_populates="slots", lazy="raise")


class FormChange(Base):
    """One change of a draft by hand: the places as they were and as they became, so that it can be undone; only added."""

    __tablename__ = "form_changes"
    __table_args__ = (UniqueConstraint("exam_form_id", "number"),)
    form_change_id: Mapped[UuidPk]
    exam_form_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_forms.exam_form_id"))
    number: Mapped[int] = mapped_column(comment="from 1 in each form")
    kind: Mapped[ChangeKind]
    before: Mapped[list[Any]]
    after: Mapped[list[Any]]
    undoes: Mapped[int | None] = mapped_column(comment="the number of the change that this one takes back")
    form_version: Mapped[int] = mapped_column(comment="of the form that the change was made on")
    changed_by: Mapped[uuid.UUID | None]
    changed_by_name: Mapped[str] = mapped_column(String(100))
    changed_at: Mapped[datetime]


class FormDecision(Base):
    """One step of a form: who did what, when and why; only ever added."""

    __tablename__ = "form_decisions"
    form_decision_id: Mapped[UuidPk]
    exam_form_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_forms.exam_form_id"), index=True)
    act: Mapped[FormAct]
    comment: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100))
    decided_at: Mapped[datetime]


class FormPackage(Base):
    """封存卷包: the two documents of a form, each encrypted under a key of its own; never changed, never deleted."""

    __tablename__ = "form_packages"
    form_package_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    exam_form_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_forms.exam_form_id"), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    delivery_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    delivery_key: Mapped[bytes] = mapped_column(LargeBinary, comment="wrapped by the installation's delivery key")
    delivery_digest: Mapped[str] = mapped_column(String(64))
    scoring_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    scoring_key: Mapped[bytes] = mapped_column(LargeBinary, comment="wrapped by the installation's scoring key")
    scoring_digest: Mapped[str] = mapped_column(String(64))
    sealed_by: Mapped[uuid.UUID | None]
    sealed_at: Mapped[datetime]


class FormReservation(Base):
    """A sitting that counts on a sealed form; as long as there is one, the form cannot be withdrawn."""

    __tablename__ = "form_reservations"
    __table_args__ = (UniqueConstraint("exam_form_id", "reference"),)
    form_reservation_id: Mapped[UuidPk]
    exam_form_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_forms.exam_form_id"), index=True)
    reference: Mapped[str] = mapped_column(String(80), comment="who counts on it, such as exam_session:<id>")
    reserved_at: Mapped[datetime]


make_append_only(FormChange.__table__)
make_append_only(FormDecision.__table__)
make_append_only(FormPackage.__table__)
