"""The children of a testlet as its authoring form sends them: each in the fields of its own type, behind a prefix."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest

from item_templates import forms, registry
from item_templates.contract import ItemContent, Json

MAX_CHILDREN = 20
ACT = "child"
"""A button of the form is called ``act`` and says ``child:add``, ``child:up:2``, ``child:down:2`` or ``child:remove:2``."""


def children_of_form(fields: forms.Fields, but: str) -> tuple[ItemContent, ...]:
    """Return the children that a form describes, after what its button asks for; `but` is the type that none may have."""
    names = ("child", "child_type", "child_scoring")
    rows = zip_longest(*(fields.get(name, ()) for name in names), fillvalue="")
    children = [_child(fields, *row) for row in rows if row[1] != but and _is_type(row[1])][:MAX_CHILDREN]
    return tuple(_after(forms.first(fields, "act"), children, forms.first(fields, "child_new_type"), but))


def _is_type(name: str) -> bool:
    return name in {one.name for one in registry.all_types()}


def _child(fields: forms.Fields, token: str, name: str, scoring: str) -> ItemContent:
    base = ItemContent(type=name, stem="", scoring=_scoring(scoring))
    return registry.get(name).from_form(own_fields(fields, f"items-{token}-"), base)


def own_fields(fields: forms.Fields, prefix: str) -> dict[str, Sequence[str]]:
    """Return the fields behind a prefix, under the names that they have in the form of their type.

    Examples
    --------
    >>> own_fields({"stem": ["材料"], "items-1-stem": ["题"]}, "items-1-")
    {'stem': ['题']}
    """
    return {name.removeprefix(prefix): values for name, values in fields.items() if name.startswith(prefix)}


def _scoring(text: str) -> dict[str, Json]:
    """Return the scoring rule that a child had when the form was opened, for what its form has no field for."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return dict(found) if isinstance(found, Mapping) else {}


def _after(act: str, children: list[ItemContent], new_type: str, but: str) -> list[ItemContent]:
    kind, _, rest = act.partition(":")
    verb, _, token = rest.partition(":")
    if kind != ACT:
        return children
    if verb == "add":
        may = new_type != but and _is_type(new_type) and len(children) < MAX_CHILDREN
        return [*children, ItemContent(type=new_type, stem="", score=Decimal(1))] if may else children
    place = int(token) - 1 if token.isdecimal() and len(token) < 4 else -1
    return moved(children, place, verb) if 0 <= place < len(children) else children


def moved(children: Sequence[ItemContent], place: int, verb: str) -> list[ItemContent]:
    """Return the children with one of them moved ``up`` or ``down``, or removed.

    Examples
    --------
    >>> one, two = ItemContent("essay", "甲"), ItemContent("essay", "乙")
    >>> [child.stem for child in moved([one, two], 1, "up")], [child.stem for child in moved([one, two], 0, "remove")]
    (['乙', '甲'], ['乙'])
    """
    rest = [child for number, child in enumerate(children) if number != place]
    if verb == "remove":
        return rest
    target = {"up": max(place - 1, 0), "down": place + 1}.get(verb, place)
    return [*rest[:target], children[place], *rest[target:]]
