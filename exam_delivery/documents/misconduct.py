"""The form of a misconduct case (考生违纪情况登记表)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from kernel.typesetting import render_pdf

TEMPLATE = Path(__file__).with_name("misconduct.typ")


@dataclass(frozen=True, slots=True)
class CaseSheet:
    """What the form says; texts stand as they shall appear."""

    organisation: str
    code: str
    exam_title: str
    occupation_level: str
    session_name: str
    exam_time: str
    place: str
    name: str
    admission_number: str
    id_number: str
    breach: str
    facts: str
    statement: str
    noted: str
    signatures: tuple[tuple[str, str], ...]
    digest: str
    verdict: str = ""
    reason: str = ""
    decided: str = ""
    photos: tuple[bytes, ...] = field(default=(), repr=False)


def case_pdf(sheet: CaseSheet, *, created_at: dt.datetime | None = None) -> bytes:
    """Return the form as PDF, with the photos after it."""
    names = (one.name for one in dataclasses.fields(sheet) if one.name != "photos")
    assets = {f"photo-{index}.jpg": photo for index, photo in enumerate(sheet.photos)}
    data = {name: getattr(sheet, name) for name in names} | {"photos": list(assets)}
    return render_pdf(TEMPLATE, data, assets=assets, created_at=created_at)
