"""Figures about certified people that leave the house: small cells are withheld, so that nobody can be told from a count. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

SMALLEST_CELL = "certification.talent_smallest_cell"

declare(
    RuleKey(SMALLEST_CELL, 3, N_("人才库统计中人数少于此数的格不显示（0 为全部显示）"), "3–10", minimum=0, maximum=100)
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of a table of counts; `n_people` is None where it is withheld."""

    label: str
    n_people: int | None
    n_certificates: int | None

    @property
    def is_withheld(self) -> bool:
        """Whether the counts are withheld."""
        return self.n_people is None


def withhold(rows: Sequence[tuple[str, int, int]], smallest: int) -> list[Cell]:
    """Return the lines of a table with the small cells withheld, and a second one where one alone could be reckoned back.

    A single withheld cell follows from the total and the other cells; the smallest of the others is withheld with it.

    Examples
    --------
    >>> [cell.n_people for cell in withhold([("甲", 50, 50), ("乙", 2, 2), ("丙", 9, 10)], 3)]
    [50, None, None]
    >>> [cell.n_people for cell in withhold([("甲", 50, 50), ("乙", 1, 1), ("丙", 2, 2)], 3)]
    [50, None, None]
    >>> [cell.n_people for cell in withhold([("甲", 50, 50)], 3)], withhold([("甲", 2, 2)], 0)[0].n_people
    ([50], 2)
    """
    hidden = {place for place, (_label, n_people, _n) in enumerate(rows) if 0 < n_people < smallest}
    if len(hidden) == 1:
        others = [
            (n_people, place) for place, (_label, n_people, _n) in enumerate(rows) if place not in hidden and n_people
        ]
        hidden |= {place for _n, place in sorted(others)[:1]}
    return [
        Cell(label, None, None) if place in hidden else Cell(label, n_people, n_certificates)
        for place, (label, n_people, n_certificates) in enumerate(rows)
    ]
