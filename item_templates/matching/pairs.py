"""Pairs of two columns as JSON and as text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from item_templates.contract import Json

_BETWEEN_PAIRS = re.compile(r"\s*[;；,，、\n]+\s*|\s+(?=\S+\s*[=:：—→-])")
_INSIDE = re.compile(r"\s*(?:=|:|：|—+|→|->|-)\s*")

Pair = tuple[str, str]


def pairs_of(value: Json) -> list[Pair] | None:
    """Return JSON pairs, None for any other shape.

    Examples
    --------
    >>> pairs_of([["A", "1"], ["B", "3"]]), pairs_of(["A"])
    ([('A', '1'), ('B', '3')], None)
    """
    if not isinstance(value, list | tuple):
        return None
    if not all(isinstance(one, list | tuple) and len(one) == 2 for one in value):
        return None
    if not all(isinstance(end, str) for one in value for end in one):
        return None
    return [(one[0], one[1]) for one in value]


def read_pairs(text: str, left: Sequence[str], right: Sequence[str]) -> list[Pair] | None:
    """Return the pairs of a text such as ``A=1;B=3`` or ``A-1、B-3``; None when it is not certain what they are.

    Parameters
    ----------
    text : str
        Pairs in any separation.
    left, right : sequence of str
        Ids of the two columns.

    Returns
    -------
    list of (left id, right id) or None

    Examples
    --------
    >>> read_pairs("ａ=1; B-3", ["A", "B"], ["1", "2", "3"]), read_pairs("A=9", ["A"], ["1"])
    ([('A', '1'), ('B', '3')], None)
    """
    lefts, rights = _folded(left), _folded(right)
    found = []
    for part in _BETWEEN_PAIRS.split(unicodedata.normalize("NFKC", text).strip().strip(";")):
        ends = _ends(part.strip().casefold(), lefts)
        if ends is None or ends[0] not in lefts or ends[1] not in rights:
            return None
        found.append((lefts[ends[0]], rights[ends[1]]))
    return found if found and len(set(found)) == len(found) else None


def _ends(part: str, lefts: dict[str, str]) -> tuple[str, str] | None:
    pieces = _INSIDE.split(part)
    if len(pieces) == 2:
        return pieces[0], pieces[1]
    if len(pieces) == 1 and len(part) >= 2 and part[0] in lefts:
        return part[0], part[1:].strip()
    return None


def _folded(ids: Sequence[str]) -> dict[str, str]:
    return {unicodedata.normalize("NFKC", one).casefold(): one for one in ids}
