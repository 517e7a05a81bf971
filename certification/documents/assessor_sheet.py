"""The score sheet of a group (成绩评定表) and the minutes of a review (综合评审记录), as PDF with lines to sign on."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel.typesetting import render_pdf

_TEMPLATE = Path(__file__).with_name("assessor_sheet.typ")


@dataclass(frozen=True, slots=True)
class AssessorSheetPage:
    """One candidate's sheet, every text as it shall appear; empty marks make a form to fill in by hand."""

    title: str
    body_name: str
    facts: Sequence[tuple[str, str]]
    members: Sequence[str]
    rows: Sequence[Sequence[str]]
    totals: Sequence[str]
    votes: Sequence[str]
    notes: Sequence[str]
    minutes: str
    result: str
    method: str
    signatures: Sequence[tuple[str, str]]


def assessor_sheets_pdf(pages: Sequence[AssessorSheetPage], *, created_at: dt.datetime | None = None) -> bytes:
    """Return sheets as PDF, each on a page of its own."""
    data = {"title": pages[0].title if pages else "", "sheets": [dataclasses.asdict(one) for one in pages]}
    return render_pdf(_TEMPLATE, data, created_at=created_at)
