"""Sealing a form: two documents, two keys, one row that never changes; and opening them again."""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import ExamForm, FormPackage
from blueprints.rules.packages import (
    FormHeader,
    SlotContent,
    build_delivery,
    build_scoring,
    delivery_slot,
    document_digest,
    shared_stimuli,
)
from blueprints.rules.sections import section_texts
from blueprints.services.bank import media_reader, slot_contents
from kernel import crypto
from kernel.canonical import canonical_json, digest_bytes
from kernel.clock import now
from kernel.crypto import SealBrokenError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork


class Part(enum.StrEnum):
    """The two parts of a package; the value names the purpose of the key that wraps its data key."""

    DELIVERY = "form-delivery"
    SCORING = "form-scoring"


def form_title(form: ExamForm) -> str:
    """Return the title that candidates and officers read."""
    return f"{form.name}（{form.label}卷）" if form.label else form.name


def package_of(uow: UnitOfWork, form: ExamForm) -> FormPackage:
    """Return a fresh package of a form whose slots are loaded: built, encrypted, not yet stored."""
    slots = slot_contents(uow.session, uow.actor, form)
    header = FormHeader(
        form.exam_form_id, form_title(form), form.occupation_name, form.level_name, form.total_score
    )  # fmt: skip
    delivery = build_delivery(header, section_texts(slots), slots, media_reader(uow.session, uow.actor))
    delivery_digest = document_digest(delivery)
    scoring = build_scoring(form.exam_form_id, delivery_digest, slots)
    package = FormPackage(
        organisation_id=form.organisation_id, exam_form_id=form.exam_form_id, title=form_title(form),
        delivery_digest=delivery_digest, scoring_digest=document_digest(scoring),
        sealed_by=uow.actor.user_id, sealed_at=now(),
    )  # fmt: skip
    package.delivery_ciphertext, package.delivery_key = _encrypt(package, Part.DELIVERY, delivery)
    package.scoring_ciphertext, package.scoring_key = _encrypt(package, Part.SCORING, scoring)
    return package


def open_part(session: Session, actor: Actor, form_id: uuid.UUID, part: Part) -> dict[str, Any]:
    """Return one document of a sealed form.

    Raises
    ------
    SealBrokenError
        If a single bit of ciphertext, key or digest was changed, or the row was put in another's place.
    """
    return open_package(repository.get_package(session, form_id, actor=actor), part)


def open_package(package: FormPackage, part: Part) -> dict[str, Any]:
    """Return one document of a package, as `open_part` does."""
    ciphertext, wrapped, digest = _stored(package, part)
    data_key = crypto.decrypt(crypto.purpose_key(part.value), wrapped, bound_to=f"key|{_place(package, part)}")
    plain = crypto.decrypt(data_key, ciphertext, bound_to=f"document|{_place(package, part)}")
    if digest_bytes(plain) != digest:
        raise SealBrokenError(N_("封存试卷的摘要与内容不符，请停止使用并报告"))
    document: dict[str, Any] = json.loads(plain)
    return document


def check_unchanged(session: Session, actor: Actor, form: ExamForm, slots: Sequence[SlotContent]) -> None:
    """Refuse slots that are not what was sealed, before anything is printed from them.

    Raises
    ------
    SealBrokenError
        With the numbers of the slots.
    """
    sealed = open_part(session, actor, form.exam_form_id, Part.DELIVERY)
    kept = {slot["slot"]: _shown(slot, sealed.get("stimuli", [])) for slot in sealed["slots"]}
    stimuli, shared = shared_stimuli(slots)
    fresh = {slot.slot: _shown(delivery_slot(slot) | shared.get(slot.slot, {}), stimuli) for slot in slots}
    if changed := sorted(number for number in kept | fresh if kept.get(number) != fresh.get(number)):
        numbers = "、".join(map(str, changed[:10]))
        raise SealBrokenError(N_("第 %(numbers)s 题与封存的内容不同，请停止使用这份试卷并报告管理员"), numbers=numbers)


def _shown(slot: Mapping[str, Any], stimuli: Sequence[str]) -> list[Any]:
    """Return what a candidate sees of a slot."""
    shared = stimuli[slot["stimulus"]] if "stimulus" in slot else ""
    return [shared, *(slot.get(name) for name in ("type", "stem", "choices", "targets", "score"))]


def _encrypt(package: FormPackage, part: Part, document: dict[str, Any]) -> tuple[bytes, bytes]:
    data_key, place = crypto.new_key(), _place(package, part)
    ciphertext = crypto.encrypt(data_key, canonical_json(document), bound_to=f"document|{place}")
    return ciphertext, crypto.encrypt(crypto.purpose_key(part.value), data_key, bound_to=f"key|{place}")


def _stored(package: FormPackage, part: Part) -> tuple[bytes, bytes, str]:
    if part is Part.DELIVERY:
        return package.delivery_ciphertext, package.delivery_key, package.delivery_digest
    return package.scoring_ciphertext, package.scoring_key, package.scoring_digest


def _place(package: FormPackage, part: Part) -> str:
    """Name organisation, form, part and digest, so that nothing sealed can be moved or exchanged."""
    return f"{part.value}|{package.organisation_id}|{package.exam_form_id}|{_stored_digest(package, part)}"


def _stored_digest(package: FormPackage, part: Part) -> str:
    return package.delivery_digest if part is Part.DELIVERY else package.scoring_digest
