"""Tell a GIFT text from a list of items in another manner."""

from __future__ import annotations

import re

_ANSWERS = re.compile(r"(?<![\\{])\{\s*(?:[=~#]|%-?\d|(?:T|TRUE|F|FALSE)\s*[}#])", re.IGNORECASE)
_OPENING = re.compile(r"^\s*(?:::[^\n]*?::|\$CATEGORY:)", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*//[^\n]*$", re.MULTILINE)
_EMPTY = re.compile(r"(?<!\\)\{\s*\}\s*$", re.MULTILINE)
_FORMULA = re.compile(r"\\\((?:(?!\\[()]).)*\\\)", re.DOTALL)
SAMPLE_CHARS = 65536


def looks_like_gift(text: str) -> bool:
    """Say whether at least half of the paragraphs carry an answer block or a title as only GIFT has them."""
    plain = _FORMULA.sub("", _COMMENT.sub("", text[:SAMPLE_CHARS]))
    paragraphs = [one for one in re.split(r"\n\s*\n", plain) if one.strip()]
    marked = [bool(_ANSWERS.search(one) or _OPENING.match(one)) for one in paragraphs]
    is_certain = any(_ANSWERS.search(one) for one in paragraphs) or (any(marked) and bool(_EMPTY.search(plain)))
    return is_certain and sum(marked) * 2 >= len(paragraphs)
