"""How much of the bank those who write items may see: an organisation's rule, turned into permissions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kernel.i18n import N_
from kernel.identity.permissions import Permission, Role
from kernel.profiles.registry import RuleKey, declare

AUTHORS_READ_BANK_KEY = "qbank.wall.authors_read_bank"
EXPERTS_SEE_OWN_KEY = "qbank.wall.experts_see_own"
EXPERTS = frozenset({Role.AUTHOR, Role.REVIEWER})

declare(
    RuleKey(
        AUTHORS_READ_BANK_KEY,
        default=False,
        label=N_("命题专家可以查看整个题库（否则只看自己的试题和任务）"),
        basis=N_("命题与题库管理分离"),
    ),
    RuleKey(
        EXPERTS_SEE_OWN_KEY,
        default=False,
        label=N_("兼任审题的命题专家只看自己的试题和正在审核的试题"),
        basis=N_("命题与题库管理分离"),
    ),
)


def within_walls(
    held: frozenset[Permission], roles: Collection[Role], values: Mapping[str, Any]
) -> frozenset[Permission]:
    """Return a person's permissions as the organisation's rules about experts leave them."""
    if Role.AUTHOR not in roles:
        return held
    if values[AUTHORS_READ_BANK_KEY]:
        return held | {Permission.ITEM_READ}
    if values[EXPERTS_SEE_OWN_KEY] and set(roles) <= EXPERTS:
        return held - {Permission.ITEM_READ}
    return held
