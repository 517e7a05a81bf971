"""Where the keys of a set stand: a position that is keyed too often or too seldom can be guessed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import chdtrc

from item_templates import registry
from item_templates.contract import Interaction, ItemContent
from kernel.i18n import N_
from qbank.rules.findings import Finding as SetFinding
from qbank.rules.findings import Severity, warning

FEWEST_ITEMS = 20
LEAST_CERTAINTY = 0.01
"""A set is named when chance alone would give so uneven a spread less often than this."""
RUN_BEYOND_CHANCE = 4
"""How many more neighbours than chance lets expect may share a key."""


@dataclass(frozen=True, slots=True)
class KeySpread:
    """How often each position is keyed in the items of one shape, and how likely chance alone does that."""

    shape: str
    counts: tuple[tuple[str, int], ...]
    probability: float
    longest_run: int

    @property
    def n(self) -> int:
        """Number of items."""
        return sum(count for _position, count in self.counts)

    @property
    def is_uneven(self) -> bool:
        """Whether the spread is worth a word."""
        return self.n >= FEWEST_ITEMS and self.probability < LEAST_CERTAINTY

    @property
    def has_long_run(self) -> bool:
        """Whether more neighbours share a key than chance lets expect: about log n of them, to the base of positions."""
        expected = math.log(max(2, self.n)) / math.log(len(self.counts))
        return self.n >= FEWEST_ITEMS and self.longest_run > expected + RUN_BEYOND_CHANCE


def spreads(contents: Sequence[ItemContent]) -> list[KeySpread]:
    """Return the spread of keys over the positions, for single choices by number of options and for judgements."""
    groups: dict[str, list[str]] = {}
    for content in contents:
        place = position(content)
        if place is not None:
            groups.setdefault(place[0], []).append(place[1])
    return [_spread(shape, places) for shape, places in sorted(groups.items())]


def position(content: ItemContent) -> tuple[str, str] | None:
    """Return the shape of an item and where its key stands, None for items without a single position.

    Examples
    --------
    >>> position(ItemContent("true_false", "甲。", key=True))
    ('true_false', '√')
    """
    interaction = registry.get(content.type).interaction
    if interaction is Interaction.TRUE_FALSE and isinstance(content.key, bool):
        return "true_false", "√" if content.key else "×"
    if interaction is not Interaction.CHOICE or not isinstance(content.key, str):
        return None
    ids = [one.id for one in content.choices]
    if content.key not in ids or len(ids) < 2:
        return None
    return f"choice_{len(ids)}", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[ids.index(content.key) % 26]


def _spread(shape: str, places: Sequence[str]) -> KeySpread:
    names = "√×" if shape == "true_false" else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: int(shape.rpartition("_")[2])]
    counted = Counter(places)
    expected = len(places) / len(names)
    statistic = sum((counted[name] - expected) ** 2 / expected for name in names)
    probability = float(chdtrc(len(names) - 1, statistic))
    return KeySpread(shape, tuple((name, counted[name]) for name in names), probability, longest_run(places))


def longest_run(places: Sequence[str]) -> int:
    """Return how many neighbours at most have the same key.

    Examples
    --------
    >>> longest_run("ABBBC")
    3
    """
    longest = run = 0
    previous = None
    for place in places:
        run = run + 1 if place == previous else 1
        longest, previous = max(longest, run), place
    return longest


def findings(contents: Sequence[ItemContent]) -> list[SetFinding]:
    """Return what a set of items says about the places of its keys."""
    found = []
    for one in spreads(contents):
        shown = "，".join(f"{name} {count}" for name, count in one.counts)
        if one.is_uneven and one.shape == "true_false":
            found.append(warning(N_("%(n)s 道判断题的答案分布不均：%(shown)s"), n=one.n, shown=shown))
        elif one.is_uneven:
            found.append(warning(N_("%(n)s 道单选题的答案位置分布不均：%(shown)s"), n=one.n, shown=shown))
        if one.has_long_run:
            found.append(warning(N_("有连续 %(n)s 题答案相同"), n=one.longest_run))
    return found


TITLE = N_("答案位置分布")
EXPLANATION = N_(
    "一组单选题的答案应大致均匀地落在各个位置，判断题的对错应大致相当（错略多于对）。分布不均时，考生可以押位置。选项可以打乱的题由系统打乱，仍应避免原题偏在一处。"
)
BAD = N_("100 道单选题中答案为 A 的 61 道、B 的 20 道、C 的 12 道、D 的 7 道。")
GOOD = N_("100 道单选题中答案为 A、B、C、D 的各 22～28 道。")
SEVERITY = Severity.WARNING
ID = "key_balance"
