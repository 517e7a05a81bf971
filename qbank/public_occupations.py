"""The shared dictionary of occupations, for other components."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from qbank.repository.occupations import find_occupation


@dataclass(frozen=True, slots=True)
class OccupationInfo:
    """An entry of the occupation dictionary."""

    code: str
    name: str
    trades: tuple[str, ...]


def find_occupation_info(session: Session, code: str) -> OccupationInfo | None:
    """Return an occupation of the shared dictionary, or None when no such code exists.

    Parameters
    ----------
    session : Session
        For reading.
    code : str
        Occupation code such as ``4-04-05-05``.
    """
    found = find_occupation(session, code)
    if found is None:
        return None
    return OccupationInfo(
        found.code, found.name, tuple(re.split(r"[、,，;；|]", found.work_types)) if found.work_types else ()
    )
