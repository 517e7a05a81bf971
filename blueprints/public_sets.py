"""What sittings may use of sets of forms: one form for each candidate, and which sealed forms others have replaced."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository_sealed as sealed
from blueprints import repository_sets as stored
from blueprints.public import SealedForm
from blueprints.rules.states import FormStatus
from blueprints.services.sealing import Part, form_title, open_package
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

MOST_SETS = 200


@dataclass(frozen=True, slots=True)
class SealedSet:
    """A sealed set: what it is for and how many forms it has, never what stands in them."""

    form_set_id: uuid.UUID
    name: str
    standard_level_id: uuid.UUID
    occupation_name: str
    level_name: str
    n_forms: int
    n_slots: int
    total_score: Decimal
    duration_minutes: int


def list_sealed_sets(session: Session, actor: Actor, *, standard_level_id: uuid.UUID | None = None) -> list[SealedSet]:
    """Return the sealed sets of the actor's organisation, newest first, all or those of a level."""
    rows, _total = stored.list_sets(
        session, actor=actor, status=FormStatus.SEALED, standard_level_id=standard_level_id, limit=MOST_SETS
    )
    return [
        SealedSet(
            row.form_set_id, row.name, row.standard_level_id, row.occupation_name, row.level_name, row.n_forms,
            row.n_slots, row.total_score, row.duration_minutes,
        )
        for row in rows
    ]  # fmt: skip


def live_forms(session: Session, actor: Actor, form_set_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the forms of a set that may be given to candidates: sealed, and replaced by no other sealed form."""
    return stored.live_forms(session, stored.get_set(session, form_set_id, actor=actor).form_set_id)


def lock_set(uow: UnitOfWork, form_set_id: uuid.UUID) -> None:
    """Hold a set until the transaction ends, so that no two sittings give away the same form."""
    stored.lock_set(uow.session, form_set_id, actor=uow.actor)


def reserve_set(uow: UnitOfWork, form_set_id: uuid.UUID, *, reference: str) -> list[uuid.UUID]:
    """Note that a sitting counts on the forms of a sealed set, and return them; what it counted on before is given up.

    Parameters
    ----------
    uow : UnitOfWork
        Of the act that plans or prepares the sitting.
    form_set_id : UUID
        A sealed set of the actor's organisation.
    reference : str
        Who counts on it, such as ``exam_session:<id>``.
    """
    row = stored.lock_set(uow.session, form_set_id, actor=uow.actor)
    if row.status is not FormStatus.SEALED:
        raise ConflictError(N_("卷组“%(name)s”没有封存或已撤回，不能用于考试"), name=row.name)
    forms = stored.live_forms(uow.session, form_set_id)
    stored.reserve_forms(uow.session, forms, reference, now())
    return forms


def release_all(uow: UnitOfWork, *, reference: str) -> None:
    """Give up every form that a sitting counted on."""
    stored.reserve_forms(uow.session, (), reference, now())


def list_set_forms(session: Session, actor: Actor) -> list[SealedForm]:
    """Return every sealed form that belongs to a set of the actor's organisation."""
    return [
        SealedForm(
            form_id=form.exam_form_id, package_id=package_id, title=form_title(form), label=form.label,
            occupation_code=form.occupation_code, occupation_name=form.occupation_name, level_code=form.level_code,
            level_name=form.level_name, standard_level_id=form.standard_level_id, total_score=form.total_score,
            n_slots=form.n_slots, duration_minutes=form.duration_minutes, delivery_digest=digest,
            blueprint_id=form.exam_blueprint_id,
        )
        for form, package_id, digest in stored.sealed_members(session, actor=actor)
    ]  # fmt: skip


def replaced_forms(session: Session, actor: Actor, form_ids: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, str, str]]:
    """Return those of some sealed forms whose place another sealed form has taken: key, own title, the other's title."""
    return [
        (form.exam_form_id, form_title(form), form_title(other))
        for form, other in stored.replaced_forms(session, list(form_ids), actor=actor)
    ]


def forms_holding(
    session: Session, actor: Actor, form_ids: Collection[uuid.UUID], item_version_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return those of some forms of the actor's organisation in which a version of an item stands.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Sees the own organisation only.
    form_ids : collection of UUID
        Forms of any state.
    item_version_id : UUID
        The version.
    """
    return stored.forms_holding(session, list(form_ids), item_version_id, actor=actor)


def sets_of_forms(
    session: Session, actor: Actor, form_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """Return the set that forms belong to, key and name by form, those that took another's place among them.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Sees the own organisation only.
    form_ids : sequence of UUID
        Forms; those of no set are left out.
    """
    return sealed.sets_of(session, form_ids, actor=actor)


def open_scorings(
    session: Session, actor: Actor, form_ids: Sequence[uuid.UUID]
) -> Iterator[tuple[uuid.UUID, dict[str, Any]]]:
    """Yield the scoring documents of many sealed forms with few queries, for programs alone.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        A program, no person: people open forms one by one, audited, by `blueprints.public.open_scoring`.
    form_ids : sequence of UUID
        Forms of the actor's organisation; those that are not sealed are left out.

    Raises
    ------
    ForbiddenError
        For a person.
    SealBrokenError
        If anything of a document was changed since sealing.
    """
    if actor.user_id is not None:
        raise ForbiddenError(N_("启封试卷须留下审计记录，请在事务中进行"))
    for form_id, package in sealed.packages(session, form_ids, actor=actor).items():
        yield form_id, open_package(package, Part.SCORING)
