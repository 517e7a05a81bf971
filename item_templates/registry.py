"""The item types there are: every folder of this package with a ``type.py`` that holds ``TYPE``."""

from __future__ import annotations

import functools
import importlib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

from item_templates.contract import ItemType

FOLDER = Path(__file__).parent
Page = Literal["item", "review", "edit"]


class UnknownItemTypeError(LookupError):
    """No folder provides an item type of this name."""


@functools.cache
def _types() -> Mapping[str, ItemType]:
    found = [_load(path.parent.name) for path in FOLDER.glob("*/type.py")]
    return MappingProxyType({one.name: one for one in sorted(found, key=lambda one: (one.position, one.name))})


def _load(folder: str) -> ItemType:
    return cast("ItemType", importlib.import_module(f"item_templates.{folder}.type").TYPE)


def all_types() -> list[ItemType]:
    """Return every item type in the order in which lists show them."""
    return list(_types().values())


def get(name: str) -> ItemType:
    """Return the item type of a registry name.

    Parameters
    ----------
    name : str
        Such as ``single_choice``.

    Returns
    -------
    ItemType

    Raises
    ------
    UnknownItemTypeError
        If no folder provides it.

    Examples
    --------
    >>> get("single_choice").label
    '单项选择题'
    """
    try:
        return _types()[name]
    except KeyError as exc:
        raise UnknownItemTypeError(name) from exc


@functools.lru_cache(4096)
def find_by_alias(text: str) -> ItemType | None:
    """Return the item type that a heading, sheet name or type column means, or None.

    The text may carry numbering and decoration: the longest alias that stands in it wins, and when two types tie it
    is not certain what is meant.

    Parameters
    ----------
    text : str
        Such as ``一、单项选择题（每题 1 分）``, ``判断`` or ``Multiple-Choice``.

    Returns
    -------
    ItemType or None

    Examples
    --------
    >>> find_by_alias("二、多选题（共 20 题）").name
    'multiple_choice'
    >>> find_by_alias("前言") is None
    True
    """
    wanted = _alias_form(text)
    lengths = {one.name: _longest_alias(one, wanted) for one in all_types()}
    best = max(lengths.values(), default=0)
    winners = [name for name, length in lengths.items() if length == best and best > 0]
    return get(winners[0]) if len(winners) == 1 else None


def _longest_alias(item_type: ItemType, wanted: str) -> int:
    names = [item_type.name, item_type.label, *item_type.aliases]
    forms = (_alias_form(name) for name in names)
    return max((len(form) for form in forms if _stands_in(form, wanted)), default=0)


def _stands_in(form: str, wanted: str) -> bool:
    """Latin aliases must be the whole text: ``order`` stands in many words; Chinese ones may stand in a heading."""
    return form == wanted if form.isascii() else form in wanted


@functools.lru_cache(4096)
def _alias_form(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def template_name(item_type: ItemType, page: Page) -> str:
    """Return the name under which the template loader knows a page of an item type.

    Examples
    --------
    >>> template_name(get("single_choice"), "review")
    'item_templates/single_choice/review.html'
    """
    return f"item_templates/{item_type.name}/{page}.html"


def example_text(item_type: ItemType) -> str:
    """Return the JSON text of the type's example item."""
    return _folder_file(item_type, "example.json")


def guide_text(item_type: ItemType) -> str:
    """Return the author's guide of the type, Markdown in Chinese."""
    return _folder_file(item_type, "guide.md")


def _folder_file(item_type: ItemType, name: str) -> str:
    return FOLDER.joinpath(item_type.name, name).read_text(encoding="utf-8")
