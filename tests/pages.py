"""What a page says to its reader: never look for a short number among tokens and addresses, where chance may put one."""

from __future__ import annotations

from lxml import html


def words(page: str) -> str:
    """Return the text of a page without its markup, scripts and styles."""
    tree = html.document_fromstring(page)
    for unread in tree.xpath("//script | //style | //template"):
        unread.drop_tree()
    return str(tree.text_content())
