"""The occupation dictionary: loading what is shipped, and other names that an organisation uses."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from kernel import audit
from kernel.clock import now
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.editions import OccupationAlias
from qbank.models.standards import Occupation
from qbank.repository import occupations as repository
from qbank.repository.editions import get_alias

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


def add_alias(uow: UnitOfWork, *, occupation_code: str, alias: str, note: str = "") -> OccupationAlias:
    """Let people of the organisation find an occupation by another name, or by a code it had before."""
    require(uow.actor, Permission.STANDARD_WRITE)
    fields: dict[str, list[str]] = {}
    if repository.find_occupation(uow.session, occupation_code.strip()) is None:
        fields["occupation_code"] = [N_("职业目录中没有这个编码，例如 6-31-01-03")]
    if not 0 < len(alias.strip()) <= 60:
        fields["alias"] = [N_("请填写别名或旧编码，不超过 60 字")]
    if fields:
        raise InvalidInputError(N_("输入有误，请按提示修改"), fields=fields)
    row = OccupationAlias(
        organisation_id=uow.actor.organisation, occupation_code=occupation_code.strip(), alias=alias.strip(),
        note=note.strip()[:200], created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    uow.add(row)
    audit.record(uow, "occupation.add_alias", "occupation", row.occupation_code, after={"alias": row.alias})
    return row


def remove_alias(uow: UnitOfWork, alias_id: uuid.UUID) -> None:
    """Forget an alias."""
    require(uow.actor, Permission.STANDARD_WRITE)
    row = get_alias(uow.session, alias_id, actor=uow.actor)
    uow.session.delete(row)
    audit.record(uow, "occupation.remove_alias", "occupation", row.occupation_code, before={"alias": row.alias})
