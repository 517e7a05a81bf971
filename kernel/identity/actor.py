"""Who acts, as every service sees it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from kernel.errors import ForbiddenError
from kernel.i18n import N_
from kernel.identity.permissions import ROLE_PERMISSIONS, Permission, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a job or the public, with the organisation whose walls hold.

    `organisation_id` is None for the platform administrator and for anonymous visitors: they own no organisation's rows.
    """

    user_id: uuid.UUID | None
    organisation_id: uuid.UUID | None
    name: str
    permissions: frozenset[Permission] = frozenset()
    roles: frozenset[Role] = frozenset()
    request_id: str = ""
    session_id: uuid.UUID | None = None
    must_change_password: bool = False

    def may(self, permission: Permission) -> bool:
        """Say whether the actor holds a permission."""
        return permission in self.permissions

    @property
    def organisation(self) -> uuid.UUID:
        """The actor's organisation; raises ForbiddenError for those who have none."""
        if self.organisation_id is None:
            raise ForbiddenError(N_("此操作须由机构人员进行，请用机构账号登录"))
        return self.organisation_id


ANONYMOUS = Actor(user_id=None, organisation_id=None, name="anonymous")


def system_actor(organisation_id: uuid.UUID | None = None, name: str = "system") -> Actor:
    """Return the actor of jobs and commands: it holds every permission inside one organisation."""
    return Actor(user_id=None, organisation_id=organisation_id, name=name, permissions=frozenset(Permission))


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return the union of the permissions of some roles."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))


def require(actor: Actor, permission: Permission) -> None:
    """Refuse an actor who lacks the permission; the first line of every service.

    Raises
    ------
    ForbiddenError
        With the permission's name in the context.
    """
    if permission not in actor.permissions:
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"), permission=permission.value)
