"""Uploaded materials: checked by content, encrypted at rest, given back as a download only."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Protocol

from certification.rules.materials import MIMES, material_kind
from certification.services.personal import seal, unseal

COLUMN = "file_ciphertext"


@dataclass(frozen=True, slots=True)
class UploadedMaterial:
    """A file as it was uploaded."""

    name: str
    data: bytes


class KeptMaterial(Protocol):
    """A row that holds an encrypted file."""

    file_name: str
    file_kind: str
    file_ciphertext: bytes


def material_fields(file: UploadedMaterial, *, table: str, row_id: uuid.UUID) -> dict[str, object]:
    """Return the columns that keep a file; raises InvalidInputError for one that may not be uploaded."""
    kind = material_kind(file.name, file.data)
    return {
        "file_name": file.name[:200],
        "file_kind": kind,
        "file_digest": hashlib.sha256(file.data).hexdigest(),
        "file_ciphertext": seal(file.data, table=table, column=COLUMN, row_id=row_id),
    }


def read_material(row: KeptMaterial, *, table: str, row_id: uuid.UUID) -> tuple[str, bytes, str]:
    """Return name, content and media type of a kept file."""
    return row.file_name, unseal(row.file_ciphertext, table=table, column=COLUMN, row_id=row_id), MIMES[row.file_kind]
