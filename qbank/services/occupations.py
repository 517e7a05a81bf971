"""The occupation dictionary: loading what is shipped."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from kernel import audit
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.standards import Occupation

OCCUPATIONS_FILE = Path(__file__).parent.parent / "data" / "occupations.csv"
COLUMNS = ("code", "name", "category", "major_code", "mid_code", "mid_name", "minor_code", "minor_name", "edition",
           "work_types", "source_check")  # fmt: skip


def load_occupations(uow: UnitOfWork) -> int:
    """Bring the dictionary to the state of the shipped file; return how many rows were added. Idempotent."""
    require(uow.actor, Permission.STANDARD_WRITE)
    known = {row.code: row for row in uow.session.scalars(select(Occupation))}
    added = 0
    for values in _shipped_rows():
        row = known.get(str(values["code"]))
        if row is None:
            uow.add(Occupation(**values))
            added += 1
        else:
            _update(row, values)
    if added:
        audit.record(uow, "occupation.load", "occupation", OCCUPATIONS_FILE.name, after={"n_added": added})
    return added


def _update(row: Occupation, values: dict[str, str | bool]) -> None:
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def _shipped_rows() -> Iterator[dict[str, str | bool]]:
    with OCCUPATIONS_FILE.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            texts: dict[str, str | bool] = {name: row[name] for name in COLUMNS}
            yield {**texts, "is_digital": row["digital"] == "y", "is_green": row["green"] == "y"}
