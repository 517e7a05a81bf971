"""Adding a user from the command line."""

from __future__ import annotations

from kernel.db import db
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.identity.repository import find_organisation_by_code
from kernel.identity.services import create_user
from kernel.uow import unit_of_work


def add_user(username: str, role_names: tuple[str, ...], organisation_code: str | None) -> str:
    """Create a user and return the one-time password."""
    unknown = [name for name in role_names if name not in {r.value for r in Role}]
    if unknown:
        raise InvalidInputError(
            N_("没有这些角色：%(names)s。可用：%(known)s"), names="、".join(unknown), known="、".join(sorted(Role))
        )
    organisation_id = None
    if organisation_code:
        organisation = find_organisation_by_code(db.session(), organisation_code)
        if organisation is None:
            raise NotFoundError(N_("没有代码为 %(code)s 的机构"), code=organisation_code)
        organisation_id = organisation.organisation_id
    with unit_of_work(system_actor(organisation_id, name="kaoku user add")) as uow:
        roles = [Role(name) for name in role_names]
        return create_user(uow, username=username, name=username, roles=roles, organisation_id=organisation_id)[1]
