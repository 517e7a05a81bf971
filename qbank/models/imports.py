"""What an organisation remembers about the files it imports."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk
from qbank.models.items import ORGANISATION


class ImportMapping(Base):
    """What the columns mean in files of one shape, as somebody of the organisation said it last."""

    __tablename__ = "import_mappings"
    __table_args__ = (UniqueConstraint("organisation_id", "shape"),)
    import_mapping_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    shape: Mapped[str] = mapped_column(String(64), comment="digest of the sheets' names and heads")
    file_name: Mapped[str] = mapped_column(String(200), comment="the file for which it was said")
    mapping: Mapped[dict[str, Any]]
    n_used: Mapped[int] = mapped_column(default=0)
    changed_by: Mapped[uuid.UUID | None]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
