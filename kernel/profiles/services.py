"""Reading the values that hold, and publishing a new version."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel import audit
from kernel.clock import now, today
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.profiles.models import RuleProfile
from kernel.profiles.registry import all_keys
from kernel.uow import UnitOfWork


def find_profile(session: Session, organisation_id: uuid.UUID, *, on: date | None = None) -> RuleProfile | None:
    """Return the version that holds on a day (default today), or None when all defaults hold."""
    day = on or today()
    query = (
        select(RuleProfile)
        .where(RuleProfile.organisation_id == organisation_id, RuleProfile.effective_on <= day)
        .order_by(RuleProfile.effective_on.desc(), RuleProfile.number.desc())
        .limit(1)
    )
    return session.scalar(query)


def list_profiles(session: Session, organisation_id: uuid.UUID) -> Sequence[RuleProfile]:
    """Return all versions, newest first."""
    query = select(RuleProfile).where(RuleProfile.organisation_id == organisation_id)
    return session.scalars(query.order_by(RuleProfile.number.desc()).limit(200)).all()


def values(session: Session, organisation_id: uuid.UUID, *, on: date | None = None) -> dict[str, Any]:
    """Return every key's value that holds on a day."""
    profile = find_profile(session, organisation_id, on=on)
    overrides = profile.overrides if profile else {}
    return {name: overrides.get(name, key.default) for name, key in all_keys().items()}


def value(session: Session, organisation_id: uuid.UUID, name: str, *, on: date | None = None) -> Any:
    """Return one key's value that holds on a day; KeyError for an undeclared key."""
    profile = find_profile(session, organisation_id, on=on)
    default = all_keys()[name].default
    return profile.overrides.get(name, default) if profile else default


def publish(uow: UnitOfWork, overrides: Mapping[str, Any], *, effective_on: date, note: str = "") -> RuleProfile:
    """Publish a new version for the actor's organisation; only values that differ from the default are kept."""
    require(uow.actor, Permission.PROFILE_MANAGE)
    known = all_keys()
    if unknown := set(overrides) - set(known):
        raise InvalidInputError(N_("未知的规则项：%(names)s"), names="、".join(sorted(unknown)))
    checked = {name: known[name].check(v) for name, v in overrides.items()}
    complete = {name: checked.get(name, key.default) for name, key in known.items()}
    for key in known.values():
        key.check_among(complete)
    kept = {name: v for name, v in checked.items() if v != known[name].default}
    organisation_id = uow.actor.organisation
    latest = next(iter(list_profiles(uow.session, organisation_id)), None)
    row = RuleProfile(
        organisation_id=organisation_id,
        number=latest.number + 1 if latest else 1,
        effective_on=effective_on,
        overrides=kept,
        note=note[:300],
        created_by=uow.actor.user_id,
        created_at=now(),
    )
    uow.add(row)
    audit.record(
        uow, "profile.publish", "rule_profile", f"{organisation_id}/{row.number}",
        before=latest.overrides if latest else {}, after=kept,
    )  # fmt: skip
    return row
