"""Pairs of two columns as JSON and as text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from item_templates.contract import Json

_BETWEEN_PAIRS = re.compile(r"[;,、\s]+")
_JOINS = re.compile(r"\s*(?::|—+|→|->|-)\s*")
_EQUALS = re.compile(r"\s*=\s*")

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
    >>> read_pairs("ａ=1; B=3", ["A", "B"], ["1", "2", "3"]), read_pairs("A=9", ["A"], ["1"])
    ([('A', '1'), ('B', '3')], None)
    """
    lefts, rights = _folded(left), _folded(right)
    plain = unicodedata.normalize("NFKC", text).strip()
    joined = (_EQUALS if "=" in plain else _JOINS).sub("=", plain.casefold())
    found = []
    for part in filter(None, _BETWEEN_PAIRS.split(joined)):
        one, two = _ends(part, lefts)
        if one not in lefts or two not in rights:
            return None
        found.append((lefts[one], rights[two]))
    return found if found and len(set(found)) == len(found) else None


def _ends(part: str, lefts: dict[str, str]) -> tuple[str, str]:
    one, joint, two = part.partition("=")
    return (part[0], part[1:]) if not joint and part[0] in lefts else (one, two)


def _folded(ids: Sequence[str]) -> dict[str, str]:
    return {unicodedata.normalize("NFKC", one).casefold(): one for one in ids}
