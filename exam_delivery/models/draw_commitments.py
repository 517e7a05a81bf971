"""What was published of the draws of a session's forms, and the seeds that were told afterwards; both only ever added."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.draw_commitments import EntryKind
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class DrawCommitment(Base):
    """抽题承诺: what the public was told of one draw for a session; stays although the session is deleted."""

    __tablename__ = "draw_commitments"
    __table_args__ = (
        UniqueConstraint("exam_session_id", "number"),
        CheckConstraint("(assembly_run_id IS NULL) = (nonce_ciphertext IS NULL)", name="nonce_of_a_draw"),
        Index("ix_draw_commitments_organisation_id_published_at", "organisation_id", "published_at"),
    )
    draw_commitment_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(comment="no foreign key: what was published outlives a session")
    number: Mapped[int] = mapped_column(comment="from 1 in each session")
    kind: Mapped[EntryKind]
    content: Mapped[dict[str, Any]] = mapped_column(comment="exactly what was published")
    digest: Mapped[str] = mapped_column(String(64), comment="of the content")
    assembly_run_id: Mapped[uuid.UUID | None] = mapped_column(index=True, comment="none for forms taken in whole")
    form_ids: Mapped[list[Any]]
    nonce_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, comment="opens the commitment to the seed")
    published_by: Mapped[uuid.UUID | None] = mapped_column(comment="none: by itself, as the rule profile says")
    published_at: Mapped[datetime]


class DrawReveal(Base):
    """公开种子: seed and nonce of a published draw, told after the exam."""

    __tablename__ = "draw_reveals"
    draw_commitment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("draw_commitments.draw_commitment_id"), primary_key=True
    )
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"), index=True)
    seed: Mapped[int] = mapped_column(BigInteger)
    nonce: Mapped[str] = mapped_column(String(64))
    form_ids: Mapped[list[Any]] = mapped_column(comment="every form that the seed tells; none is sat any more")
    reason: Mapped[str] = mapped_column(String(300), default="")
    revealed_by: Mapped[uuid.UUID | None]
    revealed_at: Mapped[datetime]


for _model in (DrawCommitment, DrawReveal):
    make_append_only(_model.__table__)
