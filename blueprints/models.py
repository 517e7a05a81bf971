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
    Numeric,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blueprints.models_sets import FormSet as FormSet
from blueprints.models_versions import BlueprintDecision as BlueprintDecision
from blueprints.models_versions import BlueprintVersion as BlueprintVersion
from blueprints.rules.releases import ReleasePart, ReleaseState
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
    version_number: Mapped[int] = mapped_column(default=0, server_default="0", comment="of the newest numbered version")
    approved_at: Mapped[datetime | None]
    editors: Mapped[list[Any]] = mapped_column(
        default=list, server_default="[]", comment="who changed the draft since its last version"
    )
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
    blueprint_version: Mapped[int | None] = mapped_column(comment="none for a trial with a draft")
    relaxation_index: Mapped[int | None] = mapped_column(comment="which of its ways out; the blueprint is as it was")
    is_on_the_fly: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="one form for each candidate, use of items bounded"
    )
    max_rate: Mapped[Decimal | None] = mapped_column(
        Numeric(6, 5), comment="the largest share of the forms that may hold one item, where the draw names it"
    )
    regions: Mapped[list[Any]] = mapped_column(
        default=list, server_default="[]", comment="where its forms are sat; none: the organisation's own regions"
    )
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class AssemblyPool(Base):
    """留存题库: the pool that draws were made from, once for each digest; no wording of items."""

    __tablename__ = "assembly_pools"
    __table_args__ = (UniqueConstraint("organisation_id", "digest"),)
    assembly_pool_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    digest: Mapped[str] = mapped_column(String(64), comment="assembly_runs.pool_digest of the draws made from it")
    n_items: Mapped[int]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary, comment="the pool file, compressed and encrypted")
    kept_at: Mapped[datetime]


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
    form_set_id: Mapped[uuid.UUID | None] = mapped_column(
        index=True, comment="the set it belongs to: one form a candidate"
    )
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


class FormPrint(Base):
    """印制件: a file made of a form by a job, encrypted until it is purged; only who asked for it may take it."""

    __tablename__ = "form_prints"
    __table_args__ = (Index("ix_form_prints_purge_after", "purge_after"),)
    form_print_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    exam_form_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_forms.exam_form_id"), index=True)
    document: Mapped[str] = mapped_column(String(20))
    file_format: Mapped[str] = mapped_column(String(10))
    page_size: Mapped[str] = mapped_column(String(8))
    file_name: Mapped[str] = mapped_column(String(200))
    mime: Mapped[str] = mapped_column(String(100))
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, comment="empty once purged")
    digest: Mapped[str] = mapped_column(String(64))
    n_bytes: Mapped[int]
    is_secret: Mapped[bool] = mapped_column(comment="made of a form that nobody may know yet")
    job_id: Mapped[uuid.UUID | None]
    created_by: Mapped[uuid.UUID | None]
    created_by_name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    purge_after: Mapped[datetime]
    purged_at: Mapped[datetime | None]
    n_taken: Mapped[int] = mapped_column(default=0)


class KeyCustodian(Base):
    """密钥保管人: a person whom the organisation names to open what is sealed, always together with another."""

    __tablename__ = "key_custodians"
    __table_args__ = (UniqueConstraint("organisation_id", "user_id"),)
    key_custodian_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    user_id: Mapped[uuid.UUID]
    user_name: Mapped[str] = mapped_column(String(100))
    appointed_by: Mapped[uuid.UUID | None]
    appointed_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class FormRelease(Base):
    """启封: one custodian asks to open a part of a sealed form, another confirms in time; the row keeps both."""

    __tablename__ = "form_releases"
    __table_args__ = (
        CheckConstraint(
            "state <> 'confirmed' OR (decided_by IS NOT NULL AND decided_by <> requested_by)", name="two_persons"
        ),
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided_has_time"),
        Index("ix_form_releases_organisation_id_requested_at", "organisation_id", "requested_at"),
    )
    form_release_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    exam_form_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_forms.exam_form_id"), index=True)
    part: Mapped[ReleasePart]
    reason: Mapped[str] = mapped_column(Text)
    is_early: Mapped[bool] = mapped_column(comment="break-glass: the administrators are alarmed")
    state: Mapped[ReleaseState] = mapped_column(default=ReleaseState.WAITING)
    requested_by: Mapped[uuid.UUID]
    requested_by_name: Mapped[str] = mapped_column(String(100))
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(comment="until when the second person may confirm")
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    valid_until: Mapped[datetime | None] = mapped_column(comment="empty: as long as the form is in use")
    noted_by: Mapped[uuid.UUID | None] = mapped_column(comment="the administrator who took note of an early opening")
    noted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


make_append_only(FormChange.__table__)
make_append_only(FormDecision.__table__)
make_append_only(FormPackage.__table__)
