"""The numbered blanks on which certificates are printed."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class CertificateBlank(Base):
    """A blank that was used or spoiled; its serial stands once in an organisation, and a certificate has one good blank."""

    __tablename__ = "certificate_blanks"
    __table_args__ = (UniqueConstraint("organisation_id", "serial"),)
    certificate_blank_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    serial: Mapped[str] = mapped_column(String(32))
    certificate_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("certificates.certificate_id"), index=True, comment="none: spoiled before anything was printed"
    )
    used_by: Mapped[str] = mapped_column(String(100))
    used_at: Mapped[datetime]
    spoiled_reason: Mapped[str] = mapped_column(String(300), default="", server_default="", comment="empty: good")
    spoiled_by: Mapped[str] = mapped_column(String(100), default="", server_default="")
    spoiled_at: Mapped[datetime | None]
