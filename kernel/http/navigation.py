"""What a component adds to the left menu and to the home pages."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.identity.permissions import Permission


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of the left menu, shown to holders of any of the permissions.

    `group` and `label` are Chinese message ids; `endpoint` is a Flask endpoint without arguments; `order` sorts entries
    inside their group (groups keep the order of the way from standard to certificate).
    """

    group: str
    label: str
    endpoint: str
    permissions: tuple[Permission, ...]
    icon: str = "dot"
    order: int = 50


@dataclass(frozen=True, slots=True)
class Todo:
    """Something that waits for this person: `count` things, said in `label`, found at `href`."""

    label: str
    count: int
    href: str
    detail: str = ""
    severity: str = "info"


@dataclass(frozen=True, slots=True)
class SearchHit:
    """Something that the search over everything found; `group` says of what kind it is, already translated."""

    group: str
    label: str
    href: str
    detail: str = ""
