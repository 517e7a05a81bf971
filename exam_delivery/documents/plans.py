"""An examination plan as it is filed: one table, the amendments, and places for opinions and seals."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from kernel.typesetting import render_pdf

TEMPLATE = Path(__file__).with_name("plan.typ")


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A planned line; texts stand as they shall appear."""

    occupation_code: str
    occupation: str
    level: str
    dates: str
    n_planned: int
    note: str


@dataclass(frozen=True, slots=True)
class SheetAmendment:
    """A change after filing."""

    number: int
    day: str
    kind: str
    before: str
    after: str
    reason: str
    name: str


@dataclass(frozen=True, slots=True)
class PlanSheet:
    """What a printed plan says."""

    organisation: str
    title: str
    period: str
    filing_number: str
    filed_on: str
    note: str
    lines: tuple[SheetLine, ...]
    amendments: tuple[SheetAmendment, ...]

    @property
    def n_planned(self) -> int:
        """Candidates of all lines."""
        return sum(one.n_planned for one in self.lines)


def plan_pdf(sheet: PlanSheet) -> bytes:
    """Return a plan as PDF; the same plan gives the same bytes."""
    return render_pdf(TEMPLATE, dataclasses.asdict(sheet) | {"n_planned": sheet.n_planned})
