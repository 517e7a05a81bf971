"""Identity numbers and documents that name people: encrypted at rest, bound to their row."""

from __future__ import annotations

import uuid
from typing import Protocol

from kernel import crypto
from kernel.national_id import mask_id, normalise_id


class NumberedPerson(Protocol):
    """A row that holds an identity number in its three shapes."""

    id_kind: str
    id_number_ciphertext: bytes
    id_number_index: str
    id_number_mask: str


def seal(data: bytes, *, table: str, column: str, row_id: uuid.UUID) -> bytes:
    """Return bytes encrypted for one place."""
    return crypto.encrypt(crypto.purpose_key("personal-data"), data, bound_to=f"{table}|{column}|{row_id}")


def unseal(envelope: bytes, *, table: str, column: str, row_id: uuid.UUID) -> bytes:
    """Return the plain bytes of one place."""
    return crypto.decrypt(crypto.purpose_key("personal-data"), envelope, bound_to=f"{table}|{column}|{row_id}")


def number_index(kind: str, number: str) -> str:
    """Return the keyed index by which a person is found again."""
    return crypto.blind_index(crypto.purpose_key("personal-index"), kind, normalise_id(number))


def number_fields(kind: str, number: str, *, table: str, row_id: uuid.UUID) -> dict[str, object]:
    """Return the columns that keep a number: ciphertext, index and mask."""
    plain = normalise_id(number)
    return {
        "id_kind": kind,
        "id_number_ciphertext": seal(plain.encode(), table=table, column="id_number_ciphertext", row_id=row_id),
        "id_number_index": number_index(kind, plain),
        "id_number_mask": mask_id(plain),
    }


def read_number(person: NumberedPerson, *, table: str, row_id: uuid.UUID) -> str:
    """Return the plain number; callers audit the reading or produce a document that must carry it."""
    envelope = person.id_number_ciphertext
    return unseal(envelope, table=table, column="id_number_ciphertext", row_id=row_id).decode()
