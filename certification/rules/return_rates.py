"""How often rosters come back, by evaluating body, field and round: tallies, shares and their order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from certification.rules.roster_returns import RETURN_FIELDS, RETURN_REASONS

WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Tally:
    """Rosters that were answered in a group of rounds; whoever stands in two of them counts twice, as two reports."""

    key: str
    label: str
    n_rosters: int = 0
    n_returned: int = 0
    n_people: int = 0
    n_people_returned: int = 0
    n_items: int = 0

    @property
    def roster_share(self) -> float | None:
        """Return the share of rosters that came back, None without any."""
        return share(self.n_returned, self.n_rosters)

    @property
    def people_share(self) -> float | None:
        """Return the share of reported people of whom something came back, None without any."""
        return share(self.n_people_returned, self.n_people)


@dataclass(frozen=True, slots=True)
class FieldTally:
    """What came back of one field: items, the people concerned, and the items by reason."""

    name: str
    label: str
    n_items: int
    n_people: int
    n_reported: int
    n_all_items: int
    reasons: tuple[tuple[str, int], ...] = field(default=())

    @property
    def people_share(self) -> float | None:
        """Return the people concerned as a share of the people reported."""
        return share(self.n_people, self.n_reported)

    @property
    def item_share(self) -> float | None:
        """Return the items as a share of all that came back."""
        return share(self.n_items, self.n_all_items)


def share(part: int, whole: int) -> float | None:
    """Return a share in per cent, None where there is nothing to take it of.

    Examples
    --------
    >>> share(1, 4), share(0, 3), share(0, 0)
    (25.0, 0.0, None)
    """
    return 100 * part / whole if whole else None


def total_of(tallies: Sequence[Tally], label: str) -> Tally:
    """Return the sum of tallies that have no roster in common.

    Examples
    --------
    >>> total_of([Tally("a", "甲", 2, 1, 30, 3, 4), Tally("b", "乙", 1, 0, 10)], "合计")
    Tally(key='', label='合计', n_rosters=3, n_returned=1, n_people=40, n_people_returned=3, n_items=4)
    """
    return Tally(
        "", label, sum(one.n_rosters for one in tallies), sum(one.n_returned for one in tallies),
        sum(one.n_people for one in tallies), sum(one.n_people_returned for one in tallies),
        sum(one.n_items for one in tallies),
    )  # fmt: skip


def field_tallies(items: Mapping[tuple[str, str], int], people: Mapping[str, int], n_reported: int) -> list[FieldTally]:
    """Return the tallies by field from items by field and reason and people by field, the most items first.

    Examples
    --------
    >>> found = field_tallies({("name", "format"): 2, ("name", "missing"): 3, ("whole", "other"): 1}, {"name": 4}, 10)
    >>> [(one.name, one.n_items, one.people_share, one.reasons[0][1]) for one in found]
    [('name', 5, 40.0, 3), ('whole', 1, 0.0, 1)]
    """
    n_all = sum(items.values())
    by_field: dict[str, list[tuple[str, int]]] = {}
    for (name, reason), number in items.items():
        by_field.setdefault(name, []).append((RETURN_REASONS.get(reason, reason), number))
    found = [
        FieldTally(
            name, RETURN_FIELDS.get(name, name), sum(number for _reason, number in reasons), people.get(name, 0),
            n_reported, n_all, tuple(sorted(reasons, key=lambda pair: (-pair[1], pair[0]))),
        )
        for name, reasons in by_field.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.n_items, one.name))


def reason_tallies(items: Mapping[tuple[str, str], int]) -> list[tuple[str, int]]:
    """Return how many items came back for which reason, the most first.

    Examples
    --------
    >>> reason_tallies({("name", "format"): 2, ("phone", "format"): 1, ("name", "missing"): 1})
    [('格式不符', 3), ('缺项', 1)]
    """
    counts: dict[str, int] = {}
    for (_name, reason), number in items.items():
        label = RETURN_REASONS.get(reason, reason)
        counts[label] = counts.get(label, 0) + number
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
