"""Certificates, their gap-free numbers, what happened to them, documents made in jobs, and public look-ups."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class CertificateState(enum.StrEnum):
    """What a certificate is worth."""

    VALID = "valid"
    HELD = "held"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"


class CertificateAct(enum.StrEnum):
    """What happened to a certificate."""

    NUMBERED = "numbered"
    ISSUED = "issued"
    PRINTED = "printed"
    HELD = "held"
    RELEASED = "released"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"


class CertificateCounter(Base):
    """The last serial used of one prefix, year and level; locked while numbers are given, so that none is left out."""

    __tablename__ = "certificate_counters"
    __table_args__ = (CheckConstraint("last_serial BETWEEN 0 AND 999999", name="last_serial"),)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"), primary_key=True)
    prefix: Mapped[str] = mapped_column(String(13), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level_code: Mapped[str] = mapped_column(String(1), primary_key=True, comment="position 16 of the number")
    last_serial: Mapped[int]


class Certificate(Base):
    """One certificate; it is public once `issued_at` is set. Texts are copies: a certificate never changes with its source."""

    __tablename__ = "certificates"
    __table_args__ = (
        Index("ix_certificates_organisation_id_issued_on", "organisation_id", "issued_on"),
        Index("ix_certificates_organisation_id_id_number_index", "organisation_id", "id_number_index"),
    )
    certificate_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result_records.result_record_id"), index=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    public_token: Mapped[str] = mapped_column(String(32), unique=True)
    state: Mapped[CertificateState] = mapped_column(default=CertificateState.VALID)
    state_reason: Mapped[str] = mapped_column(String(300), default="")
    superseded_by: Mapped[str | None] = mapped_column(String(32), comment="number of the certificate that replaces it")
    name: Mapped[str] = mapped_column(String(100))
    id_kind: Mapped[str] = mapped_column(String(32))
    id_number_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    id_number_index: Mapped[str] = mapped_column(String(64))
    id_number_mask: Mapped[str] = mapped_column(String(40))
    body_name: Mapped[str] = mapped_column(String(200))
    occupation_code: Mapped[str] = mapped_column(String(32))
    occupation_name: Mapped[str] = mapped_column(String(100))
    trade_name: Mapped[str] = mapped_column(String(100), default="")
    level_code: Mapped[str] = mapped_column(String(32))
    level_name: Mapped[str] = mapped_column(String(60))
    own_level_code: Mapped[str] = mapped_column(String(32), default="", server_default="", comment="of the enterprise")
    own_level_name: Mapped[str] = mapped_column(String(60), default="", server_default="")
    issued_on: Mapped[date]
    expires_on: Mapped[date | None] = mapped_column(comment="last day of validity; none: without end")
    issued_at: Mapped[datetime | None]
    content_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class CertificateEvent(Base):
    """Something that happened to a certificate: what, by whom, when and why."""

    __tablename__ = "certificate_events"
    certificate_event_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certificate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("certificates.certificate_id"), index=True)
    act: Mapped[CertificateAct]
    reason: Mapped[str] = mapped_column(String(300), default="")
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]


class CertificationDocument(Base):
    """A document that a job made, encrypted because it names people."""

    __tablename__ = "certification_documents"
    __table_args__ = (UniqueConstraint("job_id", "part"),)
    certification_document_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    job_id: Mapped[uuid.UUID]
    part: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(200))
    n_pages: Mapped[int]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    content_digest: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]


class CertificateLookup(Base):
    """Public look-ups of one address, counted some at a time and kept for minutes; the address only as a keyed index."""

    __tablename__ = "certificate_lookups"
    __table_args__ = (Index("ix_certificate_lookups_subject_at", "subject", "at"),)
    certificate_lookup_id: Mapped[UuidPk]
    subject: Mapped[str] = mapped_column(String(64))
    n_lookups: Mapped[int] = mapped_column(default=1, server_default="1", comment="how many the row stands for")
    at: Mapped[datetime]


make_append_only(CertificateEvent.__table__)
