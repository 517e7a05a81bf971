"""Identity numbers: encrypted at rest, found by a keyed index, shown masked."""

from __future__ import annotations

import uuid

from exam_delivery.models import Candidate
from kernel import crypto
from kernel.national_id import IdKind, mask_id, normalise_id


def seal_number(candidate_id: uuid.UUID, number: str) -> bytes:
    """Return the encrypted number, bound to its row."""
    return crypto.encrypt(crypto.purpose_key("personal-data"), number.encode(), bound_to=_place(candidate_id))


def read_number(candidate: Candidate) -> str:
    """Return the plain number; callers audit the reading or are jobs that must have it."""
    key = crypto.purpose_key("personal-data")
    place = _place(candidate.candidate_id)
    return crypto.decrypt(key, candidate.id_number_ciphertext, bound_to=place).decode()


def number_index(kind: IdKind | str, number: str) -> str:
    """Return the keyed index by which a person is found again."""
    return crypto.blind_index(crypto.purpose_key("personal-index"), str(kind), number)


def sign_in_index(admission_number: str, number: str) -> str:
    """Return the keyed index of what a candidate types to sign in."""
    key = crypto.purpose_key("personal-index")
    return crypto.blind_index(key, "sign-in", admission_number, normalise_id(number))


def set_number(candidate: Candidate, kind: IdKind, number: str) -> None:
    """Store a number in all three shapes: ciphertext, index, mask."""
    candidate.id_kind = kind.value
    candidate.id_number_ciphertext = seal_number(candidate.candidate_id, number)
    candidate.id_number_index = number_index(kind, number)
    candidate.id_number_mask = mask_id(number)


def seal_bytes(data: bytes, *, place: str) -> bytes:
    """Return encrypted bytes of a file that holds personal data."""
    return crypto.encrypt(crypto.purpose_key("personal-data"), data, bound_to=place)


def open_bytes(envelope: bytes, *, place: str) -> bytes:
    """Return the plain bytes of an encrypted file."""
    return crypto.decrypt(crypto.purpose_key("personal-data"), envelope, bound_to=place)


def _place(candidate_id: uuid.UUID) -> str:
    return f"candidates|id_number_ciphertext|{candidate_id}"
