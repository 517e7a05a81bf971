"""The demonstration's organisation and staff."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kernel.db import db
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.identity.repository import find_organisation_by_code, find_user_by_name
from kernel.identity.services import actor_of_user, create_organisation, create_user
from kernel.uow import unit_of_work

FOLDER = Path(__file__).resolve().parent
CODE = "DEMO"
CERTIFICATE_PREFIX = "S000011999001"


@cache
def read_people() -> dict[str, Any]:
    """Return the demonstration's candidates and staff."""
    body: dict[str, Any] = json.loads((FOLDER / "people.json").read_text(encoding="utf-8"))
    return body


@dataclass(frozen=True, slots=True)
class Staff:
    """The demonstration's people by sign-in name, as actors."""

    organisation: Organisation

    def actor(self, role: Role, number: int = 1) -> Actor:
        """Return the n-th person with a role."""
        names = [one["username"] for one in read_people()["staff"] if one["role"] == role]
        user = find_user_by_name(db.session(), names[number - 1])
        if user is None:
            raise LookupError(names[number - 1])
        return actor_of_user(user)


def find_staff() -> Staff | None:
    """Return the demonstration's people when they have been loaded."""
    organisation = find_organisation_by_code(db.session(), CODE)
    return Staff(organisation) if organisation else None


def load_people(password: str) -> Staff:
    """Create the organisation and one person or more for every role, all with the same password."""
    with unit_of_work(system_actor(name="kaoku demo")) as uow:
        organisation = create_organisation(
            uow,
            code=CODE,
            name="演示职业技能评价中心",
            kind=OrganisationKind.SOCIAL,
            certificate_prefix=CERTIFICATE_PREFIX,
        )
        for one in read_people()["staff"]:
            role = Role(one["role"])
            home = None if role is Role.PLATFORM_ADMIN else organisation.organisation_id
            uow.actor = system_actor(home, name="kaoku demo")
            create_user(
                uow, username=one["username"], name=one["name"], roles=[role], organisation_id=home, password=password
            )
    return Staff(organisation)
