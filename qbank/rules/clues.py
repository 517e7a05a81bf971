"""Items that give each other away: a stem that states another item's key, and stems of one point that are alike."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from item_templates.contract import ItemContent
from qbank.rules.search import bare

SHORTEST_KEY = 4
MOST_STEMS_OF_A_KEY = 6
"""A key that stands in more stems than this is a word of the trade and gives nothing away."""
LEAST_SHARED = 0.3
"""Share of the asking stem's character pairs that the other stem must have, so that both speak of the same thing."""
LEAST_STEM_SIMILARITY = 75
SHORTEST_STEM = 8
MOST_REPEATS_OF_A_STEM = 3
"""A stem that stands over more items than this (下列说法正确的是) is a frame."""
MOST_ITEMS_OF_A_POINT = 400
_HAN = re.compile(r"[㐀-鿿]")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the search for clues needs of an item: its stem, the words of its key, and its point."""

    stem: str
    key: str
    point: str


@dataclass(frozen=True, slots=True)
class Clue:
    """The stem of `teller` holds the key of `asker`, both places of a list."""

    teller: int
    asker: int
    words: str


@dataclass(frozen=True, slots=True)
class StemPair:
    """Two items of one point whose stems are alike."""

    first: int
    second: int
    similarity: int


def asked(content: ItemContent, point: str) -> Asked:
    """Return what the search needs of an item; items without a single key in words have none."""
    return Asked(bare(content.stem), _key_words(content), point)


def _key_words(content: ItemContent) -> str:
    words = ""
    if content.choices and isinstance(content.key, str):
        words = next((bare(one.content) for one in content.choices if one.id == content.key), "")
    elif content.type == "fill_in" and isinstance(content.key, list) and len(content.key) == 1:
        accepted = content.key[0]
        words = bare(str(accepted[0])) if isinstance(accepted, list) and accepted else ""
    return words if len(_HAN.findall(words)) >= SHORTEST_KEY else ""


def clues(items: Sequence[Asked]) -> list[Clue]:
    """Return the pairs of which one stem states the other's key and both speak of the same thing.

    Examples
    --------
    >>> one = Asked("三相异步电动机的过载保护一般采用", "热继电器", "A")
    >>> other = Asked("热继电器用作三相异步电动机的过载保护", "", "A")
    >>> clues([one, other])
    [Clue(teller=1, asker=0, words='热继电器')]
    """
    tellers = _stems_that_begin(items)
    found = []
    for number, item in enumerate(items):
        if not item.key:
            continue
        stems = [n for n in tellers.get(item.key[:SHORTEST_KEY], ()) if n != number and item.key in items[n].stem]
        if len(stems) > MOST_STEMS_OF_A_KEY or item.key in item.stem:
            continue
        found += [Clue(n, number, item.key) for n in stems if _speaks_of(items[n].stem, item)]
    return found


def _stems_that_begin(items: Sequence[Asked]) -> dict[str, list[int]]:
    """Return the stems that hold the beginning of any key."""
    wanted = {item.key[:SHORTEST_KEY] for item in items if item.key}
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        runs = {item.stem[n : n + SHORTEST_KEY] for n in range(len(item.stem) - SHORTEST_KEY + 1)}
        for run in runs & wanted:
            found[run].append(number)
    return found


def _speaks_of(stem: str, item: Asked) -> bool:
    rest = _pairs(stem.replace(item.key, "\n"))
    wanted = _pairs(item.stem)
    return bool(wanted) and len(wanted & rest) / len(wanted) >= LEAST_SHARED


def _pairs(text: str) -> set[str]:
    return {text[n : n + 2] for n in range(len(text) - 1) if "\n" not in text[n : n + 2]}


def like_stems(items: Sequence[Asked]) -> list[StemPair]:
    """Return the pairs of items of one point whose stems are alike; stems that frame many items do not count."""
    repeats = Counter(item.stem for item in items)
    by_point: defaultdict[str, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        if item.point and len(item.stem) >= SHORTEST_STEM and repeats[item.stem] <= MOST_REPEATS_OF_A_STEM:
            by_point[item.point].append(number)
    return [pair for numbers in by_point.values() for pair in _like_within(items, numbers[:MOST_ITEMS_OF_A_POINT])]


def _like_within(items: Sequence[Asked], numbers: Sequence[int]) -> Iterator[StemPair]:
    stems = [items[n].stem for n in numbers]
    ratios = process.cdist(stems, stems, scorer=fuzz.ratio, score_cutoff=LEAST_STEM_SIMILARITY)
    for row in range(len(numbers)):
        for column in range(row + 1, len(numbers)):
            if ratios[row, column]:
                yield StemPair(numbers[row], numbers[column], round(float(ratios[row, column])))
