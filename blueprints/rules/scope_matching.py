"""Which range of another outline stands for a range of this one: by the names on the way to it, then by name, then by likeness."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

LIKE_ENOUGH = 0.7
_NOISE = re.compile(r"[\s（）()、，,·《》“”\"'-]|知识|要求|基本")


@dataclass(frozen=True, slots=True)
class NamedScope:
    """A range: its code, its name, how deep it lies, and the code of what holds it."""

    code: str
    name: str
    depth: int
    parent: str | None


def match_scopes(old: Sequence[NamedScope], new: Sequence[NamedScope]) -> dict[str, str]:
    """Return the code in the new outline by the code in the old one; what has no counterpart is left out.

    Parameters
    ----------
    old, new : sequence of NamedScope
        Both outlines, parents before children.
    """
    found: dict[str, str] = {}
    for scope in old:
        taken = set(found.values())
        holder = found.get(scope.parent) if scope.parent else None
        inside = [one for one in new if one.parent == holder and one.code not in taken]
        target = None if scope.parent and holder is None else _best(inside, scope)
        if target is None:
            target = _only_of_name(scope, [one for one in new if one.depth == scope.depth and one.code not in taken])
        if target is not None:
            found[scope.code] = target
    return found


def _best(candidates: Sequence[NamedScope], scope: NamedScope) -> str | None:
    same = [one for one in candidates if _bare(one.name) == _bare(scope.name)]
    if same:
        return same[0].code
    likely = max(candidates, key=lambda one: _likeness(one, scope), default=None)
    return likely.code if likely is not None and _likeness(likely, scope) >= LIKE_ENOUGH else None


def _only_of_name(scope: NamedScope, candidates: Sequence[NamedScope]) -> str | None:
    counts = Counter(_bare(one.name) for one in candidates)
    return next(
        (one.code for one in candidates if _bare(one.name) == _bare(scope.name) and counts[_bare(one.name)] == 1), None
    )


def _likeness(first: NamedScope, second: NamedScope) -> float:
    return SequenceMatcher(None, _bare(first.name), _bare(second.name)).ratio()


def same_name(first: str, second: str) -> bool:
    """Say whether two names mean the same range: blanks, brackets and words like 知识 do not count.

    Examples
    --------
    >>> same_name("电工基础知识", "电工 基础"), same_name("安全生产", "电工基础")
    (True, False)
    """
    return _bare(first) == _bare(second)


def _bare(name: str) -> str:
    return _NOISE.sub("", name) or name
