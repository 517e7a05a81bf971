"""What candidates themselves agreed to, and the places of their credentials in the published status lists."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from certification.rules.consents import ConsentAct, ConsentPurpose
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class CandidateConsent(Base):
    """同意记录: what somebody agreed to or took back, in which words, when and from where; the newest of a purpose holds."""

    __tablename__ = "candidate_consents"
    __table_args__ = (Index("ix_candidate_consents_organisation_id_candidate_id", "organisation_id", "candidate_id"),)
    candidate_consent_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    candidate_id: Mapped[uuid.UUID] = mapped_column(comment="the person of exam delivery")
    purpose: Mapped[ConsentPurpose]
    act: Mapped[ConsentAct]
    text_version: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text, comment="the words that the person had before them")
    address: Mapped[str] = mapped_column(String(64), comment="from where")
    device: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime]


class CredentialEntry(Base):
    """The place of a certificate in its organisation's status lists; given once, never used for another certificate."""

    __tablename__ = "credential_entries"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("number >= 0", name="number_not_negative"),
    )
    credential_entry_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certificate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("certificates.certificate_id"), unique=True)
    number: Mapped[int]
    created_at: Mapped[datetime]


make_append_only(CandidateConsent.__table__)
make_append_only(CredentialEntry.__table__)

__all__ = ["CandidateConsent", "ConsentAct", "ConsentPurpose", "CredentialEntry"]
