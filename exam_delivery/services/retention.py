"""Forgetting people: the row stays, so that answers, scores and statistics keep their place, and names nobody any more."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from exam_delivery.models import Candidate
from exam_delivery.repository import retention as repository
from exam_delivery.services import personal
from kernel.uow import UnitOfWork

ERASED_NAME = "（已删除）"


def parts(keys: Sequence[uuid.UUID]) -> Iterator[Sequence[uuid.UUID]]:
    """Yield keys some at a time: a statement takes only so many."""
    for start in range(0, len(keys), repository.CHUNK):
        yield keys[start : start + repository.CHUNK]


def erase_candidates(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    """Take what names some people, with their photos, devices, requests' own words and letters."""
    for some in parts(keys):
        for row in repository.lock_candidates(uow.session, some):
            _erase(row)
        repository.forget_places(uow.session, some, ERASED_NAME)
        repository.delete_photos(uow.session, some)


def _erase(row: Candidate) -> None:
    row.name, row.id_number_mask, row.sex, row.phone, row.employer = ERASED_NAME, "—", "", "", ""
    row.id_number_ciphertext = personal.seal_number(row.candidate_id, "")
    row.id_number_index = f"{repository.ERASED}{row.candidate_id.hex}"
    row.birth_date, row.photo_digest, row.extra = None, None, {}


def erase_photos(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    """Delete the photos of some people."""
    for some in parts(keys):
        for row in repository.lock_candidates(uow.session, some):
            row.photo_digest = None
        repository.delete_photos(uow.session, some)


def erase_documents(uow: UnitOfWork, keys: Sequence[uuid.UUID]) -> None:
    """Delete printed documents."""
    for some in parts(keys):
        repository.delete_documents(uow.session, some)
