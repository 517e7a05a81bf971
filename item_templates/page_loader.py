"""Where a Jinja environment finds the templates of item types."""

from __future__ import annotations

from jinja2 import BaseLoader, FileSystemLoader, PrefixLoader

from item_templates.registry import FOLDER


def loader() -> BaseLoader:
    """Return the loader for names such as ``item_templates/single_choice/item.html``.

    Examples
    --------
    >>> "item_templates/single_choice/item.html" in loader().list_templates()
    True
    """
    return PrefixLoader({"item_templates": FileSystemLoader(FOLDER)})
