"""The key by which a form is scored now: its sealed scoring part and the amendments of applied key-change cases."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import KeyChange
from exam_delivery.repository import key_changes as repository
from exam_delivery.rules.amendments import Amendment
from exam_delivery.rules.scoring import ScoringKey, parse_scoring
from exam_delivery.services import form_sets, forms
from item_templates.contract import ItemContent
from kernel.crypto import decrypt, encrypt, purpose_key

PURPOSE = "form-scoring"


def load_key(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> ScoringKey:
    """Return the key of a form with everything that was decided about it."""
    sealed = parse_scoring(forms.open_scoring(session, organisation_id, form_id))
    applied = repository.applied_changes(session, form_id, organisation_id=organisation_id)
    return sealed.amended(*map(amendment_of, applied))


def load_keys(
    session: Session, organisation_id: uuid.UUID, form_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, ScoringKey]:
    """Return the keys of many forms, as `load_key` gives each, with few queries."""
    applied = repository.applied_to_forms(session, form_ids, organisation_id=organisation_id)
    known: dict[str, ItemContent] = {}
    return {
        form_id: parse_scoring(document, known).amended(*map(amendment_of, applied.get(form_id, ())))
        for form_id, document in form_sets.open_scorings(session, organisation_id, form_ids)
    }


def amendment_of(change: KeyChange) -> Amendment:
    """Return what a case does to the key."""
    return Amendment(
        change.slot, change.policy, open_new_key(change), change.is_harmless, frozenset(change.sessions),
        frozenset(change.rooms),
    )  # fmt: skip


def seal_new_key(key_change_id: uuid.UUID, key: Any) -> bytes:
    """Return a new key as it is kept."""
    return encrypt(purpose_key(PURPOSE), json.dumps(key, ensure_ascii=False).encode(), bound_to=_place(key_change_id))


def open_new_key(change: KeyChange) -> Any:
    """Return the new key of a case, None where its policy needs none."""
    if change.key_ciphertext is None:
        return None
    return json.loads(decrypt(purpose_key(PURPOSE), change.key_ciphertext, bound_to=_place(change.key_change_id)))


def _place(key_change_id: uuid.UUID) -> str:
    return f"key_changes|key|{key_change_id}"
