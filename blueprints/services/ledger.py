"""The ledger of exposure: which items were met in which forms, sessions and sites, by how many and when; and its caps.

Items of a shared bank count over all organisations that take of it: their owner sees every use, a receiver its own, and the
caps of either side hold for what both have used.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from blueprints import repository_uses as uses
from blueprints.models import ExamForm, FormSlot
from blueprints.rules.exposure import (
    CANDIDATES_IN_REGION,
    MOST_AT_SITE,
    MOST_CANDIDATES,
    MOST_IN_REGION,
    Cap,
    Caps,
    Exposure,
    Reached,
    Use,
    exposures,
    reached_caps,
)
from blueprints.rules.profile import COOLDOWN_DAYS
from blueprints.services import circle
from blueprints.services.bank import Pool
from blueprints.services.circle import Circle
from blueprints.services.sittings import FormSitting, sittings_of
from kernel import profiles
from kernel.clock import today
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require, system_actor
from kernel.identity.permissions import Permission
from qbank.public_sharing import Member, list_receivers, organisation_names, owners_of, resting_items

FEWEST_TO_CHOOSE = 2


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What the ledger is narrowed to; empty values leave it open."""

    text: str = ""
    site: str = ""
    since: date | None = None
    until: date | None = None
    state: str = ""
    organisation: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One item with its exposure; `rests` until its cool-down is over; `reached` are the caps that bar it."""

    item_id: uuid.UUID
    code: str
    type: str
    point: str
    exposure: Exposure
    rests: bool
    reached: tuple[Reached, ...] = ()

    @property
    def is_capped(self) -> bool:
        """Say whether a cap bars the item."""
        return bool(self.reached)


@dataclass(frozen=True, slots=True)
class ItemUse:
    """One line of an item's own ledger: form, place, session, site, day and candidates.

    `organisation` names another one that used the item; of its form and session nothing more is shown.
    """

    form: ExamForm
    slot: FormSlot
    sitting: FormSitting
    organisation: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows that a filter leaves, the most exposed first, and the sites, regions and organisations to choose from.

    `unplaced` are the sites whose region nobody has said; `is_regional` says whether the organisation caps by region.
    """

    rows: list[LedgerRow]
    sites: list[str]
    n_items: int
    n_candidates: int
    organisations: dict[uuid.UUID, str] = field(default_factory=dict)
    regions: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    is_regional: bool = False


def read_ledger(session: Session, actor: Actor, standard_level_id: uuid.UUID, narrowed: LedgerFilter) -> Ledger:
    """Return the ledger of a level: its own forms, and the forms of others that hold its items."""
    require(actor, Permission.BLUEPRINT_READ)
    members = circle.members_of(session, actor, standard_level_id)
    around = circle.read_circle(session, actor, standard_level_id, members)
    known = [*around.own, *around.owned_by(actor.organisation)]
    holding = uses.holding(known)
    every = [use for use in circle.uses_of(session, around.organisations) if use.form_id in holding]
    found = exposures([use for use in every if _within(use, narrowed)], holding)
    facts = {row.item_id: row for row in known}
    barred = _over_caps(session, actor, members, around)
    rests = _rests_until(session, actor)
    rows = [
        LedgerRow(
            item_id, facts[item_id].item_code, facts[item_id].type, facts[item_id].point, exposure,
            bool(exposure.last and rests and exposure.last > rests), tuple(sorted(barred.get(item_id, ()))),
        )
        for item_id, exposure in found.items()
    ]  # fmt: skip
    kept = [row for row in rows if _matches(row, narrowed)]
    kept.sort(key=lambda row: (-row.exposure.n_candidates, row.code))
    n_candidates = sum(use.n_candidates for use in every if _within(use, narrowed))
    sites = sorted({use.site for use in every if use.site})
    return Ledger(
        kept, sites, len(found), n_candidates, _names(session, every), sorted({use.place for use in every if use.place}),
        sorted({use.site for use in every if use.site and not use.region}),
        _caps(session, actor.organisation).are_regional,
    )  # fmt: skip


def _names(session: Session, every: Sequence[Use]) -> dict[uuid.UUID, str]:
    """Return the names of the organisations with uses; empty when there is one only."""
    ids = {use.organisation_id for use in every if use.organisation_id is not None}
    return organisation_names(session, ids) if len(ids) > 1 else {}


def _rests_until(session: Session, actor: Actor) -> date | None:
    """Return the last day on which a use no longer keeps an item at rest; None when nothing rests."""
    days = int(profiles.value(session, actor.organisation, COOLDOWN_DAYS.name))
    return today() - timedelta(days=days) if days else None


def _within(use: Use, narrowed: LedgerFilter) -> bool:
    return (
        (not narrowed.site or use.site == narrowed.site)
        and (not narrowed.region or use.place == narrowed.region)
        and (not narrowed.organisation or str(use.organisation_id) == narrowed.organisation)
        and (narrowed.since is None or use.day >= narrowed.since)
        and (narrowed.until is None or use.day <= narrowed.until)
    )


def _matches(row: LedgerRow, narrowed: LedgerFilter) -> bool:
    text = narrowed.text.casefold()
    if text and text not in row.code.casefold() and not row.point.casefold().startswith(text):
        return False
    return {"rests": row.rests, "capped": row.is_capped}.get(narrowed.state, True)


def _caps(session: Session, organisation_id: uuid.UUID) -> Caps:
    values = profiles.values(session, organisation_id)
    names = (MOST_CANDIDATES.name, MOST_AT_SITE.name, MOST_IN_REGION.name, CANDIDATES_IN_REGION.name)
    return Caps(*(int(values[name]) for name in names))


def capped_items(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, regions: Collection[str] = ()
) -> frozenset[str]:
    """Return the ids of items that may not be taken today: over a cap, or at rest by the rule of the one who shares them.

    No sitting is looked up while nothing is capped. `regions` as for `held_back`.
    """
    return frozenset(held_back(session, actor, standard_level_id, regions))


def held_back(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, regions: Collection[str] = ()
) -> dict[str, list[Reached]]:
    """Return why each of the items that `capped_items` names may not be taken.

    Caps of a region or a site count only where the forms are to be sat: in `regions`, or else in those that the
    organisation's rule profile names; everywhere when it names none.
    """
    members = circle.members_of(session, actor, standard_level_id)
    owners = {member.owner_id for member in members} - {actor.organisation}
    barred: dict[uuid.UUID, list[Reached]] = {}
    if owners:
        resting = resting_items(session, actor, standard_level_id, _resting_since(session, owners))
        barred = {item_id: [Reached(Cap.REST)] for item_id in resting}
    if any(not _caps(session, one).are_open for one in (actor.organisation, *owners)):
        around = circle.read_circle(session, actor, standard_level_id, members)
        places = _places(session, actor, around, regions)
        for item_id, reached in _over_caps(session, actor, members, around, places).items():
            barred.setdefault(item_id, []).extend(reached)
    return {str(item_id): reached for item_id, reached in barred.items()}


def _resting_since(session: Session, owners: Iterable[uuid.UUID]) -> dict[uuid.UUID, date]:
    found = {}
    for owner in owners:
        days = int(profiles.value(session, owner, COOLDOWN_DAYS.name))
        if days:
            found[owner] = today() - timedelta(days=days)
    return found


def draw_regions(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> dict[str, list[str]]:
    """Return the regions that a draw may be made for, with their sites; empty where no cap of a place tells them apart."""
    found: dict[str, list[str]] = {}
    for site, region in circle.regions_of(session, actor.organisation).items():
        found.setdefault(region, []).append(site)
    if len(found) < FEWEST_TO_CHOOSE:
        return {}
    owners = {member.owner_id for member in circle.members_of(session, actor, standard_level_id)}
    caps = (_caps(session, one) for one in {actor.organisation, *owners})
    return dict(sorted(found.items())) if any(one.are_of_places for one in caps) else {}


def _places(session: Session, actor: Actor, around: Circle, regions: Collection[str]) -> frozenset[str] | None:
    """Return the places for which forms are drawn; None stands for everywhere."""
    if regions:
        return frozenset(regions)
    named = frozenset(circle.regions_of(session, actor.organisation).values())
    if not named:
        return None
    own = {form_id: owner for form_id, owner in around.organisations.items() if owner == actor.organisation}
    return named | {use.place for use in circle.uses_of(session, own) if not use.region}


def _over_caps(
    session: Session, actor: Actor, members: Sequence[Member], around: Circle, places: frozenset[str] | None = None
) -> dict[uuid.UUID, list[Reached]]:
    """Return the items over the organisation's caps, and those that others share over their owner's, at some places."""
    caps = {one: _caps(session, one) for one in {actor.organisation, *(member.owner_id for member in members)}}
    if all(one.are_open for one in caps.values()):
        return {}
    placed = [*around.own, *around.others]
    holding, day = uses.holding(placed), today()
    every = circle.uses_of(session, around.organisations)
    found = reached_caps(every, holding, caps.pop(actor.organisation), day, places)
    owners = owners_of(session, {one.item_id for one in placed}) if caps else {}
    for owner, own in caps.items():
        for item_id, reached in reached_caps(every, holding, own, day, places).items() if not own.are_open else ():
            if owners.get(item_id) == owner:
                found[item_id] = sorted({*found.get(item_id, ()), *reached})
    return found


def within_caps(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, pool: Pool, regions: Collection[str] = ()
) -> Pool:
    """Return a pool whose items are within the caps; `entries` keeps all, so that the difference can be told."""
    barred = capped_items(session, actor, standard_level_id, regions)
    if not barred:
        return pool
    return replace(pool, items=tuple(item for item in pool.items if item.id not in barred))


def why_held_back(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, pool: Pool, regions: Collection[str] = ()
) -> list[tuple[Reached, int]]:
    """Return by cap and place how many items of a pool may not be taken, the most first; `n` of the caps is left out."""
    counts = Counter(
        replace(one, n=0)
        for item_id, reached in held_back(session, actor, standard_level_id, regions).items()
        if item_id in pool.entries
        for one in reached
    )
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def item_uses(session: Session, actor: Actor, item_id: uuid.UUID) -> list[ItemUse]:
    """Return every use of an item, the latest first; of an item of one's own also where others used it.

    Raises
    ------
    NotFoundError
        If no form ever held it that this organisation may know of.
    """
    require(actor, Permission.BLUEPRINT_READ)
    found, is_known = _uses_in(session, actor, item_id)
    if owners_of(session, [item_id]).get(item_id) == actor.organisation:
        receivers = list_receivers(session, actor)
        names = organisation_names(session, receivers)
        for receiver in receivers:
            theirs, is_theirs = _uses_in(session, system_actor(receiver), item_id, names[receiver])
            found, is_known = found + theirs, is_known or is_theirs
    if not is_known:
        raise NotFoundError(N_("这道题还没有进入过试卷"))
    return sorted(found, key=lambda use: use.sitting.starts_at, reverse=True)


def _uses_in(session: Session, actor: Actor, item_id: uuid.UUID, organisation: str = "") -> tuple[list[ItemUse], bool]:
    """Return an item's uses within one organisation, and whether any of its forms holds it."""
    forms = uses.forms_ever_holding(session, item_id, actor=actor)
    sittings = sittings_of(session, actor.organisation, [form.exam_form_id for form in forms])
    regions = circle.regions_of(session, actor.organisation)
    found = [
        ItemUse(
            form,
            next(slot for slot in form.slots if slot.item_id == item_id),
            one,
            organisation,
            regions.get(one.site, ""),
        )
        for form in forms
        for one in sittings.get(form.exam_form_id, ())
        if one.n_started or not organisation
    ]
    return found, bool(forms) and (bool(found) or not organisation)
