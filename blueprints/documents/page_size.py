"""Sizes of paper that forms are printed on: margins with room for the sealed line, columns, how much fits into a line."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.i18n import N_

HALF_CHARACTER = 1.852
"""Millimetres that half a Chinese character of 10.5 points takes."""
SPARE_UNITS = 3


@dataclass(frozen=True, slots=True)
class PageSize:
    """One way to lay a form out; lengths in millimetres, `inside` is the edge that is bound and sealed."""

    name: str
    label: str
    width: float
    height: float
    n_columns: int
    inside: float = 32
    outside: float = 15
    top: float = 17
    bottom: float = 17
    gutter: float = 12

    @property
    def column_width(self) -> float:
        """Width of one column of text."""
        text = self.width - self.inside - self.outside - self.gutter * (self.n_columns - 1)
        return text / self.n_columns

    @property
    def open_column_width(self) -> float:
        """Width of one column of text where neither edge is sealed, as in a key."""
        return self.column_width + (self.inside - self.outside) / self.n_columns

    @property
    def line_units(self) -> int:
        """How many half characters a line takes.

        Examples
        --------
        >>> PAGE_SIZES["a4"].line_units, PAGE_SIZES["b4"].line_units
        (85, 79)
        """
        return int(self.column_width / HALF_CHARACTER) - SPARE_UNITS


A4 = PageSize("a4", N_("A4 单栏"), 210, 297, 1)
PAGE_SIZES = {
    one.name: one
    for one in (
        A4,
        PageSize("b4", N_("B4 横向双栏"), 364, 257, 2),
        PageSize("a3", N_("A3 横向双栏"), 420, 297, 2),
    )
}
