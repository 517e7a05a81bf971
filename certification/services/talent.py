"""人才库: statistics without small cells, and their workbook; the people's own list asks for the permission of personal data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from certification.repository import talent as repository
from certification.repository.talent import Person, TalentFilter
from certification.rules.talent import SMALLEST_CELL, Cell, withhold
from kernel import audit, profiles
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.national_id import PROVINCES
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import UnitOfWork

DIMENSION_LABELS = {
    "occupation": N_("按职业"), "level": N_("按等级"), "region": N_("按证件号码所属省份"), "body": N_("按发证机构"), "year": N_("按发证年份"),
}  # fmt: skip
UNKNOWN_REGION = N_("其他证件")
MOST_PEOPLE = 20_000
HEADER = ("持证人数", "证书数")
PEOPLE_HEADER = ("姓名", "证件号码", "证书数", "最近发证日期", "职业", "等级", "证书编号", "发证机构")


@dataclass(frozen=True, slots=True)
class Statistics:
    """Totals and tables by dimension; withheld counts are None."""

    total: Cell
    tables: dict[str, list[Cell]]
    smallest: int


def find_statistics(session: Session, actor: Actor, wanted: TalentFilter) -> Statistics:
    """Return the counts of those who hold a certificate that counts."""
    require(actor, Permission.CERTIFICATION_READ)
    smallest = int(profiles.value(session, actor.organisation, SMALLEST_CELL))
    (total,) = withhold([("", *repository.totals(session, actor, wanted))], smallest)
    tables = {}
    for dimension in DIMENSION_LABELS:
        lines = repository.count_by(session, actor, wanted, dimension)
        known = [(_label(dimension, value, name), n_people, n) for value, name, n_people, n in lines]
        tables[dimension] = withhold(known, smallest)
    return Statistics(total, tables, smallest)


def _label(dimension: str, value: Any, name: str) -> str:
    if dimension == "region":
        return PROVINCES.get(str(value), UNKNOWN_REGION)
    return str(value) if dimension == "year" else name


def list_people(
    session: Session, actor: Actor, wanted: TalentFilter, *, offset: int, limit: int
) -> tuple[list[Person], int]:
    """Return one page of the people, for those who may see personal data."""
    require(actor, Permission.CERTIFICATION_READ)
    require(actor, Permission.PERSONAL_DATA_REVEAL)
    return repository.list_people(session, actor, wanted, offset=offset, limit=limit)


def export_statistics(uow: UnitOfWork, wanted: TalentFilter) -> bytes:
    """Return the tables as a workbook, small cells withheld; noted in the journal."""
    found = find_statistics(uow.session, uow.actor, wanted)
    mark = f"少于 {found.smallest}"
    sheets = [
        TableSheet(title, (title, *HEADER), [_line(cell, mark) for cell in found.tables[dimension]])
        for dimension, title in DIMENSION_LABELS.items()
    ]
    _note(uow, "talent.export_statistics", wanted, sum(map(len, found.tables.values())))
    return write_table(sheets)


def _line(cell: Cell, mark: str) -> list[str | int]:
    return [cell.label, *(mark if value is None else value for value in (cell.n_people, cell.n_certificates))]


def export_people(uow: UnitOfWork, wanted: TalentFilter) -> bytes:
    """Return the people with every certificate as a workbook, numbers masked; noted in the journal."""
    people, total = list_people(uow.session, uow.actor, wanted, offset=0, limit=MOST_PEOPLE)
    if total > MOST_PEOPLE:
        raise InvalidInputError(N_("一次最多导出 %(limit)s 条，请缩小筛选范围"), limit=MOST_PEOPLE)
    rows: list[list[str | int]] = [
        [one.name, one.id_number_mask, one.n_certificates, one.latest.isoformat(), row.occupation_name, row.level_name,
         row.number, row.body_name]
        for one in people
        for row in one.certificates
    ]  # fmt: skip
    _note(uow, "talent.export_people", wanted, len(rows))
    return write_table([TableSheet("人才库", PEOPLE_HEADER, rows)])


def _note(uow: UnitOfWork, act: str, wanted: TalentFilter, n_rows: int) -> None:
    chosen = {name: str(getattr(wanted, name)) for name in TalentFilter.__slots__ if getattr(wanted, name)}
    audit.record(uow, act, "talent_register", str(uow.actor.organisation_id), after={"n_rows": n_rows, **chosen})
