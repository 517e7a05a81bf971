"""What a blueprint's rules ask of items beyond the pool's own columns: reading, keys, and earlier forms."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository_versions as repository
from blueprints.assembly.blueprint import Blueprint, parse_blueprint
from blueprints.rules.profile import ANSWER_SECONDS, READING_SPEED
from blueprints.rules.sources import shared_banks
from blueprints.rules.timing import estimated_seconds, parse_seconds
from kernel import profiles
from kernel.identity.actor import Actor
from qbank.public_supply import load_readings

Facts = dict[uuid.UUID, dict[str, Any]]


def load_facts(
    session: Session,
    actor: Actor,
    standard_level_id: uuid.UUID,
    spec: Mapping[str, Any],
    types: Mapping[uuid.UUID, str],
    *,
    but: Collection[uuid.UUID] = (),
) -> Facts:
    """Return further attributes of pool items by item, only those that some rule looks at.

    Parameters
    ----------
    session, actor
        For reading.
    standard_level_id : UUID
        The level.
    spec : mapping
        Blueprint JSON.
    types : mapping
        Type of each item.
    but : collection of UUID
        Forms that do not count as earlier: those that are being worked on.
    """
    blueprint = parse_blueprint(spec)
    facts: Facts = {item_id: {} for item_id in types}
    if _reads(blueprint):
        _add_readings(session, actor, standard_level_id, types, facts, shares=shared_banks(spec))
    earlier = blueprint.limits.earlier
    last = max([earlier.last if earlier else 0, *(rule.forms for rule in blueprint.limits.coverage)])
    if last:
        _add_earlier(repository.last_sealed_forms(session, standard_level_id, last, but=but, actor=actor), facts)
    return facts


def _reads(blueprint: Blueprint) -> bool:
    limits = blueprint.limits
    return bool(limits.keys) or limits.characters is not None or limits.needs_seconds


def _add_readings(
    session: Session,
    actor: Actor,
    standard_level_id: uuid.UUID,
    types: Mapping[uuid.UUID, str],
    facts: Facts,
    *,
    shares: Collection[uuid.UUID],
) -> None:
    per_minute = float(profiles.value(session, actor.organisation, READING_SPEED.name))
    by_type = parse_seconds(str(profiles.value(session, actor.organisation, ANSWER_SECONDS.name)))
    for item_id, reading in load_readings(session, actor, standard_level_id, shares=shares).items():
        if item_id in facts:
            seconds = estimated_seconds(types[item_id], reading.n_characters, by_type, per_minute)
            facts[item_id] |= {"characters": reading.n_characters, "key": reading.key, "seconds": seconds}


def _add_earlier(forms: Sequence[Sequence[uuid.UUID]], facts: Facts) -> None:
    """Number the last sealed forms, 1 the latest, and tell each item in which of them it stood."""
    for number, items in enumerate(forms, 1):
        for item_id in items:
            if item_id in facts:
                facts[item_id]["earlier_forms"] = (*facts[item_id].get("earlier_forms", ()), number)
