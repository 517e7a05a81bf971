"""The ledger of exposure: which items were met in which forms, sessions and sites, by how many and when; and its caps."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session

from blueprints import repository_uses as uses
from blueprints.models import ExamForm, FormSlot
from blueprints.rules.exposure import MOST_AT_SITE, MOST_CANDIDATES, Caps, Exposure, Use, exposures, over_caps
from blueprints.rules.profile import COOLDOWN_DAYS
from blueprints.services.bank import Pool
from blueprints.services.sittings import FormSitting, sittings_of
from kernel import profiles
from kernel.clock import now
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What the ledger is narrowed to; empty values leave it open."""

    text: str = ""
    site: str = ""
    since: date | None = None
    until: date | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One item with its exposure; `rests` until its cool-down is over, `is_capped` while a cap bars it."""

    item_id: uuid.UUID
    code: str
    type: str
    point: str
    exposure: Exposure
    rests: bool
    is_capped: bool


@dataclass(frozen=True, slots=True)
class ItemUse:
    """One line of an item's own ledger: form, place, session, site, day and candidates."""

    form: ExamForm
    slot: FormSlot
    sitting: FormSitting


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows that a filter leaves, the most exposed first, and the sites to choose from."""

    rows: list[LedgerRow]
    sites: list[str]
    n_items: int
    n_candidates: int


def read_ledger(session: Session, actor: Actor, standard_level_id: uuid.UUID, narrowed: LedgerFilter) -> Ledger:
    """Return the ledger of a level."""
    require(actor, Permission.BLUEPRINT_READ)
    known = uses.items_of_sealed_forms(session, standard_level_id, actor=actor)
    holding = uses.holding(known)
    every = _uses(session, actor, list(holding))
    sites = sorted({use.site for use in every})
    shown = [use for use in every if _within(use, narrowed)]
    found = exposures(shown, holding)
    today = now().date()
    capped = over_caps(every, holding, _caps(session, actor), today)
    days = int(profiles.value(session, actor.organisation, COOLDOWN_DAYS.name))
    facts = {row.item_id: row for row in known}
    rows = [
        LedgerRow(
            item_id, facts[item_id].item_code, facts[item_id].type, facts[item_id].point, exposure,
            bool(days and exposure.last and (today - exposure.last).days < days), item_id in capped,
        )
        for item_id, exposure in found.items()
    ]  # fmt: skip
    kept = [row for row in rows if _matches(row, narrowed)]
    kept.sort(key=lambda row: (-row.exposure.n_candidates, row.code))
    return Ledger(kept, [site for site in sites if site], len(found), sum(use.n_candidates for use in shown))


def _uses(session: Session, actor: Actor, form_ids: Sequence[uuid.UUID]) -> list[Use]:
    found = sittings_of(session, actor.organisation, form_ids)
    return [
        Use(one.form_id, one.session_id, one.site, one.starts_at.date(), one.n_started)
        for sittings in found.values()
        for one in sittings
        if one.n_started
    ]


def _within(use: Use, narrowed: LedgerFilter) -> bool:
    return (
        (not narrowed.site or use.site == narrowed.site)
        and (narrowed.since is None or use.day >= narrowed.since)
        and (narrowed.until is None or use.day <= narrowed.until)
    )


def _matches(row: LedgerRow, narrowed: LedgerFilter) -> bool:
    text = narrowed.text.casefold()
    if text and text not in row.code.casefold() and not row.point.casefold().startswith(text):
        return False
    return {"rests": row.rests, "capped": row.is_capped}.get(narrowed.state, True)


def _caps(session: Session, actor: Actor) -> Caps:
    values = profiles.values(session, actor.organisation)
    return Caps(int(values[MOST_CANDIDATES.name]), int(values[MOST_AT_SITE.name]))


def capped_items(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> frozenset[str]:
    """Return the ids of items that a cap of the rule profile bars today; nothing is looked up while nothing is capped."""
    caps = _caps(session, actor)
    if caps.are_open:
        return frozenset()
    holding = uses.holding(uses.items_of_sealed_forms(session, standard_level_id, actor=actor))
    found = over_caps(_uses(session, actor, list(holding)), holding, caps, now().date())
    return frozenset(map(str, found))


def within_caps(session: Session, actor: Actor, standard_level_id: uuid.UUID, pool: Pool) -> Pool:
    """Return a pool whose items are within the caps; `entries` keeps all, so that the difference can be told."""
    barred = capped_items(session, actor, standard_level_id)
    if not barred:
        return pool
    return replace(pool, items=tuple(item for item in pool.items if item.id not in barred))


def item_uses(session: Session, actor: Actor, item_id: uuid.UUID) -> list[ItemUse]:
    """Return every use of an item, the latest first.

    Raises
    ------
    NotFoundError
        If no form of the organisation ever held it.
    """
    require(actor, Permission.BLUEPRINT_READ)
    forms = uses.forms_ever_holding(session, item_id, actor=actor)
    if not forms:
        raise NotFoundError(N_("这道题还没有进入过试卷"))
    sittings = sittings_of(session, actor.organisation, [form.exam_form_id for form in forms])
    found = [
        ItemUse(form, next(slot for slot in form.slots if slot.item_id == item_id), one)
        for form in forms
        for one in sittings.get(form.exam_form_id, ())
    ]
    return sorted(found, key=lambda use: use.sitting.starts_at, reverse=True)
