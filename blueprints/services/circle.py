"""The forms in which items of a shared bank stand, over every organisation that shares it or takes of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints import repository_uses as uses
from blueprints.repository_uses import PlacedItem
from blueprints.rules.exposure import SITE_REGIONS, Use, parse_regions
from blueprints.services.sittings import sittings_of
from kernel import profiles
from kernel.clock import day_of
from kernel.identity.actor import Actor, system_actor
from qbank.public_sharing import Member, list_members, owners_of


@dataclass(frozen=True)
class Circle:
    """Items in sealed forms: the level's own forms, and the forms of others that hold items of a common bank.

    `organisations` tells whose each form is, `owners` whose each item in others' forms is.
    """

    own: list[PlacedItem]
    others: list[PlacedItem]
    organisations: dict[uuid.UUID, uuid.UUID]
    owners: dict[uuid.UUID, uuid.UUID]

    def owned_by(self, organisation_id: uuid.UUID) -> list[PlacedItem]:
        """Return the items of one organisation in the forms of others."""
        return [one for one in self.others if self.owners.get(one.item_id) == organisation_id]


def read_circle(session: Session, actor: Actor, standard_level_id: uuid.UUID, members: Iterable[Member]) -> Circle:
    """Return the sealed forms of a level with those of the other members that hold items of the banks they share."""
    own = uses.items_of_sealed_forms(session, standard_level_id, actor=actor)
    organisations = {one.exam_form_id: actor.organisation for one in own}
    shared: dict[tuple[uuid.UUID, uuid.UUID], set[uuid.UUID]] = {}
    for member in members:
        if (member.organisation_id, member.standard_level_id) != (actor.organisation, standard_level_id):
            key = (member.organisation_id, member.standard_level_id)
            shared.setdefault(key, set()).add(member.owner_id)
    found = {
        key: uses.items_of_sealed_forms(session, key[1], actor=system_actor(key[0])) for key in shared
    }  # fmt: skip
    owners = owners_of(session, {one.item_id for placed in found.values() for one in placed})
    others = []
    for key, placed in found.items():
        kept = [one for one in placed if owners.get(one.item_id) in shared[key]]
        organisations |= {one.exam_form_id: key[0] for one in kept}
        others += kept
    return Circle(own, others, organisations, owners)


def members_of(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[Member]:
    """Return who takes items of the banks that a level shares or draws on; empty where nothing is shared."""
    return list_members(session, actor, standard_level_id)


def uses_of(session: Session, organisations: dict[uuid.UUID, uuid.UUID]) -> list[Use]:
    """Return the sittings that began of some forms, each within the walls of the organisation whose form it is."""
    return list(_uses(session, organisations))


def regions_of(session: Session, organisation_id: uuid.UUID) -> dict[str, str]:
    """Return the region of each site that an organisation's rule profile names."""
    return parse_regions(str(profiles.value(session, organisation_id, SITE_REGIONS.name)))


def _uses(session: Session, organisations: dict[uuid.UUID, uuid.UUID]) -> Iterator[Use]:
    by_organisation: dict[uuid.UUID, list[uuid.UUID]] = {}
    for form_id, organisation_id in organisations.items():
        by_organisation.setdefault(organisation_id, []).append(form_id)
    for organisation_id, form_ids in by_organisation.items():
        regions = regions_of(session, organisation_id)
        for sittings in sittings_of(session, organisation_id, form_ids).values():
            for one in sittings:
                if one.n_started:
                    day = day_of(one.starts_at)
                    region = regions.get(one.site, "")
                    yield Use(one.form_id, one.session_id, one.site, day, one.n_started, organisation_id, region)
