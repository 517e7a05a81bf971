"""What blueprints and forms need of the bank."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints.assembly.pool import PoolItem
from blueprints.models import ExamForm, FormSlot
from blueprints.rules.codes import engine_code
from blueprints.rules.freezing import freeze_item, freeze_seed
from blueprints.rules.packages import ReadMedia, SlotContent
from blueprints.rules.profile import MULTIPLE_METHOD, with_default_method
from blueprints.rules.sources import shared_banks
from blueprints.services.pool_facts import load_facts
from item_templates.contract import ItemContent
from kernel import profiles
from kernel.identity.actor import Actor
from qbank import public as qbank
from qbank.public_sharing import load_shared_pool, owners_of


@dataclass(frozen=True)
class Pool:
    """The items in use of a level, as assembly sees them and by their id; `owners` names those that another one shares."""

    items: tuple[PoolItem, ...]
    entries: Mapping[str, qbank.PoolEntry]
    owners: Mapping[str, uuid.UUID] = field(default_factory=dict)


def load_pool(
    session: Session,
    actor: Actor,
    standard_level_id: uuid.UUID,
    spec: Mapping[str, Any] | None = None,
    *,
    but: Collection[uuid.UUID] = (),
    is_own: bool = False,
) -> Pool:
    """Return the pool of a level.

    Parameters
    ----------
    session, actor
        For reading.
    standard_level_id : UUID
        The level.
    spec : mapping, optional
        A blueprint JSON: what its rules ask of items, such as their keys or earlier forms, is looked up as well.
    but : collection of UUID
        Forms that do not count as earlier.
    is_own : bool
        Leave out what other organisations share. Otherwise it comes from the banks that the blueprint names; without a
        blueprint, from all.
    """
    entries = {entry.item_id: entry for entry in qbank.load_pool(session, actor, standard_level_id)}
    chosen = () if is_own else shared_banks(spec) if spec is not None else None
    shared = load_shared_pool(session, actor, standard_level_id, chosen)
    owners = {str(one.item_id): owner for owner, part in shared.items() for one in part}
    entries |= {entry.item_id: entry for part in shared.values() for entry in part}
    types = {item_id: entry.type for item_id, entry in entries.items()}
    facts = load_facts(session, actor, standard_level_id, spec, types, but=but) if spec else {}
    items = tuple(_pool_item(entry, facts.get(item_id, {})) for item_id, entry in entries.items())
    return Pool(items, {str(item_id): entry for item_id, entry in entries.items()}, owners)


def _pool_item(entry: qbank.PoolEntry, facts: Mapping[str, Any]) -> PoolItem:
    measure = entry.measure
    return PoolItem(
        id=str(entry.item_id), type=entry.type, point=engine_code(entry.point), importance=str(entry.importance.value),
        difficulty=entry.difficulty, score=entry.score, p_value=measure.p_value if measure else None,
        a=measure.a if measure else None, b=measure.b if measure else None, c=measure.c if measure else None,
        n_used=entry.n_used, last_used=entry.last_used, enemies=tuple(str(one) for one in entry.enemies),
        cognitive=entry.cognitive, pretest=entry.is_trial, **facts,
    )  # fmt: skip


def own_items(session: Session, actor: Actor, item_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of some items that are the organisation's own: of shared ones no wording shows outside a form."""
    return {item_id for item_id, owner in owners_of(session, item_ids).items() if owner == actor.organisation}


def slot_contents(session: Session, actor: Actor, form: ExamForm) -> list[SlotContent]:
    """Return the slots of a form, in order and frozen as sealing freezes them; `form` has its places loaded.

    An item may fill several slots, numbered through; each names its item's place.
    """
    contents = qbank.load_contents(session, actor, [slot.item_version_id for slot in form.slots])
    word = profiles.value(session, form.organisation_id, MULTIPLE_METHOD.name)
    ready = {key: with_default_method(entry.content, word) for key, entry in contents.items()}
    frozen = [one for slot in form.slots for one in _frozen(form, slot, ready[slot.item_version_id])]
    return [replace(one, slot=number) for number, one in enumerate(frozen, 1)]


def _frozen(form: ExamForm, slot: FormSlot, content: ItemContent) -> list[SlotContent]:
    seed = freeze_seed(form.exam_form_id, slot.slot, slot.item_version_id)
    return [
        SlotContent(
            slot=0, section=slot.section, item_id=slot.item_id, item_version_id=slot.item_version_id, point=slot.point,
            score=part.score, content=part.content, place=slot.slot, part=part.part, seed=seed, item_type=content.type,
        )
        for part in freeze_item(content, seed, slot.score)
    ]  # fmt: skip


def authors_of(session: Session, actor: Actor, form: ExamForm) -> set[uuid.UUID]:
    """Return who wrote the items of a form."""
    contents = qbank.load_contents(session, actor, [slot.item_version_id for slot in form.slots])
    return {item.author_id for item in contents.values() if item.author_id}


def media_reader(session: Session, actor: Actor) -> ReadMedia:
    """Return what gives the bytes and type of a medium of the actor's organisation."""
    return lambda media_id: qbank.read_media(session, actor.organisation, media_id)


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """A scope of an outline for tables: `code` as assembly reads it, `label` as people do."""

    code: str
    label: str
    name: str
    depth: int
    weight_percent: Decimal | None
    n_points: int

    @property
    def title(self) -> str:
        """Code and name."""
        return f"{self.label} {self.name}"


def scope_lines(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[ScopeLine]:
    """Return all scopes of a level's outline, in order."""
    return [
        ScopeLine(
            engine_code(scope.full_code),
            scope.full_code,
            scope.name,
            scope.depth,
            scope.weight_percent,
            sum(scope.importance_counts),
        )
        for scope in qbank.outline(session, actor, standard_level_id).walk()
    ]
