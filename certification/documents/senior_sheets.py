"""The application form and the decision of the levels above 高级技师 as PDF."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from kernel.typesetting import render_pdf

_TEMPLATES = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SheetSection:
    """A part of a sheet: pairs of label and value, paragraphs, and a table; texts as they shall appear."""

    heading: str
    pairs: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class SeniorSheet:
    """A form with places to sign."""

    title: str
    number: str
    body_name: str
    date: str
    sections: tuple[SheetSection, ...]
    signatures: tuple[str, ...]


def senior_sheet_pdf(sheet: SeniorSheet, *, created_at: dt.datetime) -> bytes:
    """Return a sheet as PDF."""
    return render_pdf(_TEMPLATES / "senior_sheet.typ", dataclasses.asdict(sheet), created_at=created_at)
