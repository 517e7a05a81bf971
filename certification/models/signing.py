"""Signing keys of organisations, statements signed with them, and packs of evidence."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class PackKind(enum.StrEnum):
    """What a pack is about."""

    CANDIDATE = "candidate"
    BATCH = "batch"
    ARCHIVE = "archive"


class SigningKey(Base):
    """签名密钥: an Ed25519 key pair of an organisation; the highest number signs, all that are trusted verify."""

    __tablename__ = "signing_keys"
    __table_args__ = (UniqueConstraint("organisation_id", "number"),)
    signing_key_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    number: Mapped[int]
    kid: Mapped[str] = mapped_column(String(64), unique=True, comment="thumbprint of the public key, RFC 7638")
    public_key: Mapped[str] = mapped_column(String(64), comment="x of the JWK")
    private_ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(comment="not trusted any more: it may have leaked")
    revoked_by: Mapped[str] = mapped_column(String(100), default="")
    revoked_reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class CertificateStatement(Base):
    """What an organisation signed about a certificate; the newest of a certificate goes onto its e-certificate."""

    __tablename__ = "certificate_statements"
    certificate_statement_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certificate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("certificates.certificate_id"), index=True)
    kid: Mapped[str] = mapped_column(String(64), index=True)
    statement: Mapped[str] = mapped_column(Text, comment="compact JWS")
    signed_at: Mapped[datetime]


class EvidencePack(Base):
    """证据包 or 归档卷: a file that a job made, compressed and encrypted because it may name people."""

    __tablename__ = "evidence_packs"
    __table_args__ = (UniqueConstraint("job_id", "file_name"),)
    evidence_pack_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("result_records.result_record_id"), index=True
    )
    job_id: Mapped[uuid.UUID]
    kind: Mapped[PackKind]
    file_name: Mapped[str] = mapped_column(String(200))
    n_entries: Mapped[int]
    n_bytes: Mapped[int]
    is_personal: Mapped[bool] = mapped_column(comment="names and numbers stand in it unmasked")
    has_content: Mapped[bool] = mapped_column(comment="items and keys stand in it, not their digests alone")
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    content_digest: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]


make_append_only(CertificateStatement.__table__)
