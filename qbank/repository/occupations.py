"""Finding occupations in the shared dictionary."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from qbank.models.editions import OccupationAlias
from qbank.models.standards import Occupation
from qbank.repository.standards import like_pattern


@dataclass(frozen=True, slots=True)
class OccupationFilter:
    """What the dictionary is narrowed by; `mark` is "digital", "green" or empty, `check` "both", "open" or empty.

    With an organisation the search looks into its aliases as well.
    """

    search: str = ""
    organisation_id: uuid.UUID | None = None
    major_code: str = ""
    mark: str = ""
    check: str = ""


def list_occupations(
    session: Session, wanted: OccupationFilter, *, page: int = 1, per_page: int = 50
) -> tuple[Sequence[Occupation], int]:
    """Return one page of the dictionary, an exact match first, then by code, and the total."""
    query = select(Occupation).where(*_conditions(wanted))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    closeness = case((Occupation.name == wanted.search, 0), (Occupation.code == wanted.search, 0), else_=1)
    rows = session.scalars(query.order_by(closeness, Occupation.code).limit(per_page).offset((page - 1) * per_page))
    return rows.all(), total


def _conditions(wanted: OccupationFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.search:
        pattern = like_pattern(wanted.search)
        columns = (Occupation.code, Occupation.name, Occupation.work_types, Occupation.minor_name)
        aliases = select(OccupationAlias.occupation_code).where(
            OccupationAlias.organisation_id == wanted.organisation_id, OccupationAlias.alias.ilike(pattern, escape="\\")
        )
        named = [column.ilike(pattern, escape="\\") for column in columns]
        conditions.append(or_(*named, Occupation.code.in_(aliases)))
    if wanted.major_code:
        conditions.append(Occupation.major_code == wanted.major_code)
    if wanted.mark:
        conditions.append((Occupation.is_digital if wanted.mark == "digital" else Occupation.is_green).is_(True))
    if wanted.check:
        agrees = Occupation.source_check == "both"
        conditions.append(agrees if wanted.check == "both" else ~agrees)
    return conditions


def find_occupation(session: Session, code: str) -> Occupation | None:
    """Return the occupation with a code, if the dictionary has it."""
    return session.scalar(select(Occupation).where(Occupation.code == code))


def count_occupations(session: Session) -> int:
    """Return the size of the dictionary; zero before it is loaded."""
    return session.scalar(select(func.count()).select_from(Occupation)) or 0


def list_categories(session: Session) -> list[tuple[str, str]]:
    """Return code and name of the major classes (大类)."""
    query = select(Occupation.major_code, Occupation.category).distinct().order_by(Occupation.major_code)
    return [(row.major_code, row.category) for row in session.execute(query)]
